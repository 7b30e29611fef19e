// Time to the right, distance upwards: reds, green bands, buses.
charts.street = (figure) => {
  const { told } = figure;
  let chosen = told.plans.length - 1;
  if (told.plans.length > 1) figure.controls.append(choice(told.plans.map((one) => one.name), chosen, (at) => { chosen = at; figure.draw(); }));
  return () => {
    const width = figure.width(), plan = told.plans[chosen], names = Math.min(190, width * 0.28);
    const long = told.signals[told.signals.length - 1].at || 1, height = Math.max(told.signals.length * 44, 280) + 60;
    const frame = frameOf(width, height, names, 12, 24, 44, [0, plan.span], [-long * 0.02, long * 1.02]);
    const root = canvasOf(width, height, `${figure.title}: ${plan.name}. ${figure.says} ${bandWords(plan)}`);
    const inside = svg("g", { "clip-path": `url(#clip-${figure.id})` });
    root.append(svg("defs", {}, svg("clipPath", { id: `clip-${figure.id}` }, box(frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top))));
    axisX(root, frame, ticks(0, plan.span, Math.max((width - names) / 70, 3)), (one) => String(one), "seconds after the master clock's zero");
    for (const one of told.signals) {
      const y = frame.y(one.at);
      root.append(line(frame.left, y, frame.right, y, "grid"),
        words(frame.left - 10, y + 4, cut(one.name ? `${one.id} ${one.name}` : one.id, names), { "text-anchor": "end" }));
    }
    for (const way of plan.ways) {
      for (const band of way.bands) drawBand(inside, frame, way, band, plan.span);
    }
    for (const way of plan.ways) {
      way.reds.forEach((reds, at) => {
        const y = frame.y(way.at[at]) + (way.up ? -5 : 1), cycle = way.cycles[at];
        for (let turn = 0; turn * cycle < plan.span; turn += 1) {
          for (const [low, high] of reds) {
            inside.append(box(frame.x(low + turn * cycle), y, frame.x(high) - frame.x(low) + 0.4, 4, { fill: "var(--red)" }));
          }
        }
      });
      for (const bus of way.buses) {
        inside.append(svg("polyline", { points: bus.map(([x, y]) => `${frame.x(x)},${frame.y(y)}`).join(" "), fill: "none",
          stroke: "var(--ink)", "stroke-width": 1.6, "stroke-dasharray": way.up ? null : "6 3" }));
      }
    }
    root.append(inside, line(frame.left, frame.top, frame.left, frame.bottom, "axis"));
    figure.drawing.replaceChildren(root, html("p", { class: "note" }, bandWords(plan)));
    legend(figure.legend, [["red", "var(--red)", "thin"], ["green band, up", "var(--service)", "pale"], ["green band, down", "var(--empty)", "pale"],
      ["a bus, up", "var(--ink)", "line"], ["a bus, down", "var(--ink)", "dash"]]);
  };
};

function drawBand(root, frame, way, band, span) { // once a cycle, as far as it runs
  const cycle = way.cycles[band.first];
  for (let turn = -2; turn * cycle < span; turn += 1) {
    const there = [], back = [];
    let second = band.start_s + turn * cycle;
    for (let at = band.first; at <= band.last; at += 1) {
      there.push(`${frame.x(second)},${frame.y(way.at[at])}`);
      back.unshift(`${frame.x(second + band.width_s)},${frame.y(way.at[at])}`);
      second += way.travel[at] || 0;
    }
    root.append(svg("polygon", { points: [...there, ...back].join(" "), fill: way.up ? "var(--service)" : "var(--empty)", opacity: 0.26 }));
  }
}

function bandWords(plan) {
  return plan.ways.map((way) => {
    const whole = way.bands.find((one) => one.first === 0 && one.last === way.at.length - 1);
    if (whole) return `${way.name}: one band of ${whole.width_s} s through all ${way.at.length} signals.`;
    const parts = way.bands.map((one) => `${one.from}–${one.to} ${one.width_s} s`).join(", ");
    return `${way.name}: no band through all signals${parts ? `; ${parts}` : ""}.`;
  }).join(" ");
}

function choice(names, chosen, act) {
  const select = html("select", {}, ...names.map((one, at) => html("option", { value: at, selected: at === chosen }, one)));
  select.addEventListener("change", () => act(Number(select.value)));
  return html("label", {}, "Plan ", select);
}
