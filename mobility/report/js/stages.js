// What lamps show over the cycle, one small diagram a signal.
const LAMPS = { // colour and share of the row's height: told apart without colours too
  green: ["green", 0.8], yield: ["green", 0.5], "flashing-green": ["green", 0.65], yellow: ["yellow", 0.8], "red-amber": ["yellow", 0.5],
  clearance: ["green", 0.8], red: ["red", 0.14], off: ["layover", 0.14], flash: ["yellow", 0.3],
};
const STRIPED = ["clearance", "flashing-green", "red-amber", "flash"];

charts.stages = (figure) => {
  const { told } = figure;
  let chosen = told.plans.length - 1;
  if (told.plans.length > 1) figure.controls.append(choice(told.plans.map((one) => one.name), chosen, (at) => { chosen = at; figure.draw(); }));
  return () => {
    const drawn = told.plans[chosen].signals.map((one) => lampsOf(one, figure.forced ? 222 : 320));
    figure.drawing.replaceChildren(html("div", { class: "small" }, ...drawn));
    legend(figure.legend, [["green", "var(--green)"], ["green that gives way", "var(--green)", "mid"], ["people's clearance", "green", "hatch"], ["yellow", "var(--yellow)"], ["red", "var(--red)", "thin"]]);
  };
};

function lampsOf(signal, width) {
  const row = 17, height = signal.groups.length * row + 40;
  const frame = frameOf(width, height, 46, 8, 16, 24, [0, signal.cycle], [0, 1]);
  const said = signal.stages.map(([stage, from, green]) => `stage ${stage} from ${short(from)} s, green ${short(green)} s`).join("; ");
  const root = canvasOf(width, height, `Signal ${signal.id}, cycle ${signal.cycle} s: ${said}`);
  const strokes = { green: hatch(root, "green"), yellow: hatch(root, "yellow") };
  signal.groups.forEach((group, at) => {
    const y = frame.top + at * row;
    root.append(words(frame.left - 6, y + row / 2 + 4, cut(group.id, 52), { "text-anchor": "end" }));
    for (const [state, from, to] of group.shows) {
      const [name, share] = LAMPS[state] || ["layover", 0.3], striped = STRIPED.includes(state);
      const lamp = box(frame.x(from), y + (row * (1 - share)) / 2, frame.x(to) - frame.x(from), row * share,
        { fill: striped ? strokes[name] || `var(--${name})` : `var(--${name})` });
      lamp.addEventListener("pointermove", (event) => tip.show([`${signal.id}, group ${group.id}`, `${state}, ${short(from)}–${short(to)} s of ${signal.cycle} s`], event.clientX, event.clientY));
      lamp.addEventListener("pointerleave", tip.hide);
      root.append(lamp);
    }
  });
  for (const [stage, from] of signal.stages) {
    root.append(line(frame.x(from), frame.top - 3, frame.x(from), frame.bottom, "mark"), words(frame.x(from) + 2, frame.top - 4, stage, { class: "strong" }));
  }
  axisX(root, frame, ticks(0, signal.cycle, 5), (one) => String(one));
  return html("div", {}, html("h4", {}, signal.name ? `${signal.id} ${signal.name}` : signal.id),
    html("p", {}, `cycle ${short(signal.cycle)} s, offset ${short(signal.offset)} s`), root);
}
