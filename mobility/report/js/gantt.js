// Every vehicle's day on a canvas: only the rows in sight are drawn, so thousands are no matter.
const HEAD = 26, CHARGED = 15; // a row that is lower has no room for the line of its charge
const PARTS = { // share of the row from its top, and its height: a shape as well as a colour
  trip: [0.08, 0.84, "service"], "pull-out": [0.25, 0.5, "empty"], deadhead: [0.25, 0.5, "empty"], "pull-in": [0.25, 0.5, "empty"],
  wait: [0.42, 0.16, "layover"], depot: [0.08, 0.84, "depot"],
};

charts.gantt = (figure) => {
  const fleet = fleetOf(figure.told), view = { from: fleet.span[0], to: fleet.span[1], row: 0, whole: false };
  const canvas = html("canvas", { tabindex: 0, role: "application", "aria-label": `${figure.title}. ${figure.says} Arrow keys walk from activity to activity and bus to bus, plus and minus zoom.` });
  const room = html("div", { class: "room" }), scroll = html("div", { class: "gantt" }, room, canvas);
  let rows = lookedFor(fleet), at = { row: -1, activity: -1 }, width = 0, height = 0, queued = false;
  const gutter = () => (width < 560 ? 62 : 96);
  const x = (second) => gutter() + ((second - view.from) / (view.to - view.from)) * (width - gutter() - 8);
  const back = (px) => view.from + ((px - gutter()) / (width - gutter() - 8)) * (view.to - view.from);

  const paint = () => {
    queued = false;
    const density = figure.forced ? 2 : window.devicePixelRatio || 1, pen = canvas.getContext("2d");
    if (canvas.width !== Math.round(width * density) || canvas.height !== Math.round(height * density)) {
      canvas.width = Math.round(width * density); canvas.height = Math.round(height * density);
      canvas.style.width = `${width}px`; canvas.style.height = `${height}px`;
    }
    pen.setTransform(density, 0, 0, density, 0, 0);
    pen.fillStyle = colour("paper"); pen.fillRect(0, 0, width, height);
    const ink = Object.fromEntries(["service", "empty", "layover", "depot", "charge", "ink", "soft", "rule", "faint", "line", "halo", "paper"].map((one) => [one, colour(one)]));
    const above = scroll.scrollTop, first = Math.max(Math.floor(above / view.row) - 1, 0);
    const last = Math.min(Math.ceil((above + height) / view.row) + 1, rows.length);
    const route = filter.route ? fleet.routes.indexOf(filter.route) : -1;
    for (let row = first; row < last; row += 1) paintRow(pen, ink, rows[row], HEAD + row * view.row - above, route);
    paintHead(pen, ink, first, last, above);
    if (at.row >= 0 && document.activeElement === canvas) paintFocus(pen, ink, above);
  };

  const paintRow = (pen, ink, bus, top, route) => {
    const tall = view.row;
    for (let one = fleet.offset[bus]; one < fleet.offset[bus + 1]; one += 1) {
      const end = fleet.start[one] + fleet.long[one];
      if (end < view.from || fleet.start[one] > view.to) continue;
      const [share, part, name] = PARTS[fleet.kinds[fleet.kind[one]]] || PARTS.wait;
      const left = Math.max(x(fleet.start[one]), gutter()), right = Math.max(x(end), gutter());
      pen.fillStyle = ink[name];
      pen.globalAlpha = route >= 0 && fleet.route[one] !== route ? 0.25 : 1;
      pen.fillRect(left, top + share * tall, Math.max(right - left - (tall > 9 && right - left > 4 ? 0.6 : 0), 0.4), part * tall);
    }
    pen.globalAlpha = 1;
    if (fleet.charge) {
      pen.fillStyle = ink.charge;
      for (let one = fleet.charge.offset[bus]; one < fleet.charge.offset[bus + 1]; one += 1) {
        const left = Math.max(x(fleet.charge.start[one]), gutter()), right = Math.max(x(fleet.charge.start[one] + fleet.charge.long[one]), gutter());
        pen.fillRect(left, top + tall * (tall > 8 ? 0.58 : 0.08), right - left, tall * (tall > 8 ? 0.34 : 0.84));
      }
    }
    if (fleet.soc && tall >= CHARGED) paintCharge(pen, ink, bus, top, tall);
  };

  const paintCharge = (pen, ink, bus, top, tall) => {
    const { offset, time, soc } = fleet.soc;
    pen.beginPath();
    for (let one = offset[bus]; one < offset[bus + 1]; one += 1) {
      const px = Math.max(x(time[one]), gutter()), py = top + tall * (0.92 - 0.84 * soc[one]);
      if (one === offset[bus]) pen.moveTo(px, py); else pen.lineTo(px, py);
    }
    pen.lineJoin = "round";
    pen.strokeStyle = ink.halo; pen.lineWidth = 3.4; pen.stroke();
    pen.strokeStyle = ink.line; pen.lineWidth = 1.3; pen.stroke();
  };

  const paintHead = (pen, ink, first, last, above) => {
    pen.fillStyle = ink.paper; pen.fillRect(0, 0, gutter(), height); pen.fillRect(0, 0, width, HEAD);
    pen.font = "12px system-ui, 'Liberation Sans', Arial, sans-serif"; pen.textBaseline = "middle";
    pen.strokeStyle = ink.rule; pen.lineWidth = 1; pen.beginPath();
    pen.fillStyle = ink.soft; pen.textAlign = "center";
    const ticked = hours(view.from, view.to, width - gutter()), apart = ticked.length > 1 ? x(ticked[1]) - x(ticked[0]) : width;
    for (const one of ticked) {
      const px = Math.round(x(one)) + 0.5;
      pen.moveTo(px, HEAD - 4); pen.lineTo(px, HEAD);
      if (one % DAY_S === 0 && one > 0) { pen.moveTo(px, HEAD); pen.lineTo(px, height); }
      const at = Math.min(Math.max(px, gutter() + 17), width - 18); // at an edge a name moves in, unless it meets its neighbour
      if (Math.abs(at - px) > apart - 40) continue;
      pen.fillText(`${two(Math.floor((((one % DAY_S) + DAY_S) % DAY_S) / 3600))}:${two(Math.floor(Math.abs(one) / 60) % 60)}`, at, HEAD / 2);
    }
    pen.moveTo(gutter(), HEAD - 0.5); pen.lineTo(width, HEAD - 0.5); pen.stroke();
    pen.textAlign = "left"; pen.beginPath();
    const each = view.row >= 12;
    let named = -1, free = 0;
    for (let row = first; row < last; row += 1) {
      const top = HEAD + row * view.row - above, depot = fleet.depot[rows[row]];
      const opens = row === 0 || depot !== fleet.depot[rows[row - 1]];
      if (opens && row > 0) { pen.moveTo(0, Math.round(top) + 0.5); pen.lineTo(width, Math.round(top) + 0.5); }
      if (each && top > HEAD - view.row / 2) { pen.fillStyle = ink.soft; pen.fillText(fit(pen, fleet.vehicles[rows[row]], gutter() - 10), 6, top + view.row / 2); }
      else if (!each && depot !== named) {
        named = depot;
        if (Math.max(top, HEAD) < free) continue;
        free = Math.max(top, HEAD) + 15;
        pen.fillStyle = ink.ink; pen.fillText(fit(pen, fleet.depots[depot], gutter() - 10), 6, Math.max(top, HEAD) + 9);
      }
    }
    pen.strokeStyle = each ? ink.soft : ink.rule; pen.stroke();
    pen.fillStyle = ink.paper; pen.fillRect(0, 0, gutter(), HEAD - 1);
    pen.fillStyle = ink.soft; pen.fillText(each ? "bus" : "depot", 6, HEAD / 2);
  };

  const fit = (pen, text, most) => {
    if (pen.measureText(text).width <= most) return text;
    let cut = text;
    while (cut.length > 1 && pen.measureText(`${cut}…`).width > most) cut = cut.slice(0, -1);
    return `${cut}…`;
  };

  const paintFocus = (pen, ink, above) => {
    const one = at.activity, top = HEAD + at.row * view.row - above;
    pen.strokeStyle = ink.line; pen.lineWidth = 2;
    pen.strokeRect(x(fleet.start[one]) - 1, top + 0.5, Math.max(x(fleet.start[one] + fleet.long[one]) - x(fleet.start[one]), 3) + 2, Math.max(view.row - 1, 2));
  };

  const redraw = () => { if (!queued) { queued = true; requestAnimationFrame(paint); } };
  const measure = () => {
    width = figure.forced || scroll.clientWidth;
    height = figure.forced ? Math.min(HEAD + rows.length * 8, 740) : scroll.clientHeight;
    const share = (height - HEAD) / Math.max(rows.length, 1);
    view.row = figure.forced || view.whole ? Math.min(share, 24) : 24;
    signs();
    room.style.height = `${figure.forced ? height : HEAD + rows.length * view.row}px`;
  };
  const look = () => {
    rows = lookedFor(fleet);
    at = { row: -1, activity: -1 };
    filter.said(filter.active() ? `${count(rows.length)} of ${count(fleet.vehicles.length)} buses` : "");
    if (!figure.drawn || figure.element.closest("[hidden]")) return;
    scroll.scrollTop = 0;
    measure(); redraw();
  };
  filter.listen(look);

  const zoom = (by, middle = (view.from + view.to) / 2) => {
    const [first, last] = fleet.span, span = Math.min(Math.max((view.to - view.from) * by, 1800), last - first);
    const share = (middle - view.from) / (view.to - view.from);
    view.from = Math.min(Math.max(middle - share * span, first), last - span);
    view.to = view.from + span;
    redraw();
  };
  const tell = (event) => {
    const seen = canvas.getBoundingClientRect(), px = event.clientX - seen.left, py = event.clientY - seen.top;
    const row = Math.floor((py - HEAD + scroll.scrollTop) / view.row);
    if (px < gutter() || py < HEAD || row < 0 || row >= rows.length) { tip.hide(); return; }
    const second = back(px), found = activityAt(fleet, rows[row], second);
    tip.show(saidOf(fleet, rows[row], found, second), event.clientX, event.clientY);
  };
  let drag = null;
  canvas.addEventListener("pointerdown", (event) => { drag = event.clientX; });
  window.addEventListener("pointerup", () => { drag = null; });
  canvas.addEventListener("pointermove", (event) => {
    if (drag !== null && event.buttons && view.to - view.from < fleet.span[1] - fleet.span[0]) {
      const by = back(drag) - back(event.clientX), span = view.to - view.from;
      view.from = Math.min(Math.max(view.from + by, fleet.span[0]), fleet.span[1] - span); view.to = view.from + span;
      drag = event.clientX;
      redraw();
    }
    tell(event);
  });
  canvas.addEventListener("pointerleave", tip.hide);
  canvas.addEventListener("blur", () => { tip.hide(); redraw(); });
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 0.8 : 1.25, back(event.clientX - canvas.getBoundingClientRect().left));
  }, { passive: false });
  scroll.addEventListener("scroll", redraw);
  canvas.addEventListener("keydown", (event) => walkKeys(event));

  const walkKeys = (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1, PageUp: -20, PageDown: 20 }[event.key];
    if (event.key === "+" || event.key === "=") zoom(0.7);
    else if (event.key === "-") zoom(1 / 0.7);
    else if (!rows.length) return;
    else if (at.row < 0) { if (!event.key.startsWith("Arrow")) return; at = { row: 0, activity: fleet.offset[rows[0]] }; announce(); }
    else if (step !== undefined) {
      const second = fleet.start[at.activity];
      at.row = Math.min(Math.max(at.row + step, 0), rows.length - 1);
      at.activity = Math.max(activityAt(fleet, rows[at.row], second), fleet.offset[rows[at.row]]);
      announce();
    } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      const bus = rows[at.row], next = at.activity + (event.key === "ArrowRight" ? 1 : -1);
      at.activity = Math.min(Math.max(next, fleet.offset[bus]), fleet.offset[bus + 1] - 1);
      announce();
    } else return;
    event.preventDefault();
  };
  const announce = () => {
    const bus = rows[at.row], start = fleet.start[at.activity], top = at.row * view.row;
    if (top < scroll.scrollTop) scroll.scrollTop = top;
    if (top + view.row > scroll.scrollTop + height - HEAD) scroll.scrollTop = top + view.row - height + HEAD;
    if (start < view.from || start > view.to) zoom(1, start);
    const seen = canvas.getBoundingClientRect();
    tip.show(saidOf(fleet, bus, at.activity, start), seen.left + x(start), seen.top + HEAD + top - scroll.scrollTop + view.row);
    redraw();
  };

  const button = (text, label, act) => {
    const made = html("button", { type: "button", "aria-label": label }, text);
    made.addEventListener("click", act);
    figure.controls.append(made);
    return made;
  };
  const rowsButton = button("Whole fleet at once", "Show the whole fleet at once, or rows that can be read", () => {
    view.whole = !view.whole;
    rowsButton.textContent = view.whole ? "Readable rows" : "Whole fleet at once";
    rowsButton.setAttribute("aria-pressed", String(view.whole));
    scroll.scrollTop = 0;
    measure(); redraw();
  });
  button("+", "Zoom in on the clock", () => zoom(0.7));
  button("−", "Zoom out on the clock", () => zoom(1 / 0.7));
  button("Whole day", "Show the whole day", () => { [view.from, view.to] = fleet.span; redraw(); });
  figure.controls.append(`times in ${fleet.zone}; past 24:00 the next day begins`);
  figure.drawing.replaceChildren(scroll);
  figure.table = () => vehicleTable(fleet);
  const signs = () => legend(figure.legend, [["in service", "var(--service)"], ["empty", "var(--empty)", "mid"], ["waits at a terminal", "var(--layover)", "thin"],
    ["in the depot", "var(--depot)"], ...(fleet.charge ? [["charging", "var(--charge)", "low"]] : []),
    ...(fleet.soc && view.row >= CHARGED ? [["state of charge: floor is empty, top is full", "var(--line)", "line"]] : [])]);
  return () => { measure(); if (figure.forced) paint(); else redraw(); };
};

function vehicleTable(fleet) {
  const columns = ["vehicle", "block", "kind", "trip_id", "route_id", "from_stop", "to_stop", "start_s", "end_s", "distance_km", "kwh", "depot"], rows = [];
  for (let bus = 0; bus < fleet.vehicles.length; bus += 1) {
    for (let at = fleet.offset[bus]; at < fleet.offset[bus + 1]; at += 1) {
      rows.push([fleet.vehicles[bus], fleet.blocks[fleet.block[at]], fleet.kinds[fleet.kind[at]], fleet.trip[at] >= 0 ? fleet.trips[fleet.trip[at]] : "",
        fleet.route[at] >= 0 ? fleet.routes[fleet.route[at]] : "", fleet.stops[fleet.from[at]][0], fleet.stops[fleet.to[at]][0], fleet.start[at],
        fleet.start[at] + fleet.long[at], fleet.km[at], fleet.kwh ? fleet.kwh[at] : null, fleet.depots[fleet.depot[bus]]]);
    }
  }
  return { columns, rows };
}
