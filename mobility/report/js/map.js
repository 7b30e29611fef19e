// A map from the feed's own lines: pan, zoom, and what lies where. No tiles.
const SIGNS = { // shapes, so that no colour is needed
  depot: "M-7,-7H7V7H-7Z", charger: "M2,-9L-6,2H-1L-3,9L6,-2H1Z",
  terminal: "M-4,0A4,4 0 1 0 4,0A4,4 0 1 0 -4,0Z", signal: "M0,-8L7,0L0,8L-7,0Z",
};
const SIGN_COLOURS = { depot: "var(--ink)", charger: "var(--charge)", terminal: "var(--paper)", signal: "var(--empty)" };

charts.map = (figure) => {
  const { told } = figure, [wide, high] = told.size, pad = 0.05 * Math.max(wide, high);
  const view = { x: 0, y: 0, k: 1 };
  let width = 800, height = 500, fit = 1, root = null, world = null, scale = null;
  const used = new Set(told.lines.map((one) => one.route));

  const place = () => {
    world.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.k})`);
    for (const one of world.querySelectorAll(".point > g")) one.setAttribute("transform", `scale(${1 / view.k})`);
    nameWhatFits();
    const km = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100].filter((one) => one * told.km * view.k <= 160).pop() || 0.1;
    const long = km * told.km * view.k;
    scale.replaceChildren(box(10, height - 30, long + 16, 24, { class: "plate" }),
      svg("path", { d: `M18,${height - 16}v5h${long}v-5`, class: "cursor" }), words(18, height - 19, `${km} km`));
  };
  const nameWhatFits = () => { // names that would lie on others are left out; depots come first
    const taken = [...world.querySelectorAll(".point:not(.terminal)")].map((one) => {
      const x = Number(one.dataset.x) * view.k + view.x, y = Number(one.dataset.y) * view.k + view.y;
      return [x - 8, y - 8, x + 8, y + 8];
    });
    for (const kind of ["depot", "signal"]) {
      for (const one of world.querySelectorAll(`.point.${kind}`)) {
        const label = one.querySelector("text");
        if (!label) continue;
        const left = Number(one.dataset.x) * view.k + view.x + 10, top = Number(one.dataset.y) * view.k + view.y - 8;
        const own = [left, top, left + label.textContent.length * 7.4, top + 16];
        const free = taken.every((other) => own[0] >= other[2] || own[2] < other[0] || own[1] > other[3] || own[3] < other[1]);
        label.style.visibility = free ? "visible" : "hidden";
        if (free) taken.push(own);
      }
    }
  };
  const whole = () => {
    fit = Math.min(width / (wide + 2 * pad), height / (high + 2 * pad));
    Object.assign(view, { k: fit, x: (width - wide * fit) / 2, y: (height - high * fit) / 2 });
    place();
  };
  const zoom = (by, x = width / 2, y = height / 2) => {
    const k = Math.min(Math.max(view.k * by, fit * 0.7), fit * 60);
    view.x = x - ((x - view.x) * k) / view.k; view.y = y - ((y - view.y) * k) / view.k; view.k = k;
    place();
  };

  const look = () => { // what is not looked for steps back
    if (!root) return;
    for (const one of root.querySelectorAll(".way")) {
      const hit = filter.route ? one.dataset.route === filter.route
        : filter.words && (one.dataset.route.toLowerCase() === filter.words || one.dataset.name.toLowerCase().includes(filter.words));
      const any = filter.route || (filter.words && [...used].some((route) => route.toLowerCase() === filter.words));
      one.classList.toggle("high", Boolean(hit));
      one.classList.toggle("low", Boolean(any && !hit));
    }
    for (const one of root.querySelectorAll(".point")) {
      one.classList.toggle("low", Boolean(filter.depot && one.classList.contains("depot") && one.dataset.id !== filter.depot));
    }
  };
  filter.listen(look);

  const button = (text, label, act) => {
    const made = html("button", { type: "button", "aria-label": label }, text);
    made.addEventListener("click", act);
    return made;
  };
  figure.controls.append(button("+", "Zoom in", () => zoom(1.5)), button("−", "Zoom out", () => zoom(1 / 1.5)),
    button("Whole map", "Show the whole map", whole));

  const draw = () => {
    width = figure.width(); height = figure.forced ? 760 : Math.min(Math.max(width * 0.6, 320), 620);
    if (figure.forced) height = Math.min(height, Math.max(width * (high / Math.max(wide, 1)) + 40, 200));
    root = canvasOf(width, height, `${figure.title}. ${figure.says} Arrow keys move, plus and minus zoom.`);
    root.setAttribute("role", "application");
    world = svg("g"); scale = svg("g", { "aria-hidden": "true" });
    for (const one of told.lines) {
      let x = 0, y = 0, path = "";
      for (let at = 0; at < one.xy.length; at += 2) {
        x += one.xy[at]; y += one.xy[at + 1];
        path += `${at ? "L" : "M"}${x},${y}`;
      }
      const way = svg("path", { d: path, class: "way", "data-route": one.route, "data-name": one.name });
      way.addEventListener("pointermove", (event) => tip.show(one.route ? [`Route ${one.route}`, one.name !== one.route ? one.name : "",
        `${count(one.trips)} trips of the day this way`, one.shape ? "" : "straight lines: the feed has no shape"] : [one.name], event.clientX, event.clientY));
      way.addEventListener("pointerleave", tip.hide);
      way.addEventListener("click", () => { if (one.route && document.getElementById("route")) filter.set({ route: filter.route === one.route ? "" : one.route }); });
      world.append(way);
    }
    told.points.forEach((one) => {
      const label = (one.kind === "depot" || one.kind === "signal") ? words(11, 4, one.id) : null;
      const sign = svg("g", {}, svg("path", { d: SIGNS[one.kind] }), label);
      const point = svg("g", { class: `point ${one.kind}`, "data-id": one.id, "data-x": one.x, "data-y": one.y, transform: `translate(${one.x} ${one.y})`,
        tabindex: one.kind === "terminal" ? null : 0, role: "img", "aria-label": `${one.kind} ${one.id}, ${one.name}: ${one.says}` }, sign);
      const said = [`${one.kind} ${one.id}`, one.name !== one.id ? one.name : "", one.says];
      point.addEventListener("pointermove", (event) => tip.show(said, event.clientX, event.clientY));
      point.addEventListener("pointerleave", tip.hide);
      point.addEventListener("focus", () => { const seen = point.getBoundingClientRect(); tip.show(said, seen.right, seen.top); });
      point.addEventListener("blur", tip.hide);
      point.addEventListener("click", () => { if (one.kind === "depot") filter.set({ depot: filter.depot === one.id ? "" : one.id }); });
      world.append(point);
    });
    root.append(svg("defs", {}, svg("clipPath", { id: `clip-${figure.id}` }, box(0, 0, width, height))),
      svg("g", { "clip-path": `url(#clip-${figure.id})` }, world), scale);
    pan(root, view, place, zoom, () => width);
    root.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
      if (by) { view.x += by[0]; view.y += by[1]; place(); }
      else if (event.key === "+" || event.key === "=") zoom(1.4);
      else if (event.key === "-") zoom(1 / 1.4);
      else if (event.key === "0") whole();
      else return;
      event.preventDefault();
    });
    figure.drawing.replaceChildren(root);
    whole();
    look();
    const kinds = [...new Set(told.points.map((one) => one.kind))];
    legend(figure.legend, [[told.lines.some((one) => one.route) ? "route" : "street", "var(--map-line)", "line"], ...kinds.map((one) => [one, SIGN_COLOURS[one], SIGNS[one]])]);
  };
  return draw;
};

function pan(root, view, place, zoom, width) { // drag with any pointer, wheel to zoom
  let from = null;
  const inside = (event) => {
    const seen = root.getBoundingClientRect(), ratio = width() / seen.width;
    return [(event.clientX - seen.left) * ratio, (event.clientY - seen.top) * ratio];
  };
  root.addEventListener("pointerdown", (event) => { from = inside(event); });
  root.addEventListener("pointermove", (event) => {
    if (!from || !event.buttons) return;
    const now = inside(event);
    view.x += now[0] - from[0]; view.y += now[1] - from[1];
    from = now;
    place();
  });
  root.addEventListener("pointerup", () => { from = null; });
  root.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, ...inside(event));
  }, { passive: false });
}
