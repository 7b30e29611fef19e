// Layers over the clock, one on the other, in steps; prices behind them, a line for the most.
const COLOURS = { in_service: "service", deadhead: "empty", layover: "layover", charging: "charge", at_depot: "depot" };

function layerColour(layer, at) { return `var(--${COLOURS[layer.id] || `layer-${(at % 8) + 1}`})`; }

function priceBands(root, frame, tariff) { // dearer hours darker, billed hours hatched
  if (!tariff) return;
  const prices = tariff.bands.map((one) => one.price), low = Math.min(...prices), high = Math.max(...prices);
  const across = (one, attributes) => root.append(box(frame.x(one.from), frame.top, frame.x(one.to) - frame.x(one.from),
    frame.bottom - frame.top, attributes));
  for (const one of tariff.bands) {
    if (high > low && one.price > low) across(one, { fill: "var(--band)", opacity: 0.03 + (0.1 * (one.price - low)) / (high - low) });
  }
  if (tariff.demand.length) {
    const strokes = hatch(root, "hatch");
    for (const one of tariff.demand) across(one, { fill: strokes, opacity: 0.42 });
  }
}

charts.stack = (figure) => {
  const { told } = figure, step = told.start[1] - told.start[0];
  filter.listen(() => { if (figure.drawn && !figure.element.closest("[hidden]")) figure.draw(); });
  return () => {
    const width = figure.width(), height = Math.min(Math.max(width * 0.36, 240), 380);
    const sums = told.start.map((_, at) => told.layers.reduce((sum, one) => sum + one.values[at], 0));
    const top = Math.max(...sums, ...(told.before ? told.before.values : []), told.line ? told.line.value : 0, 1) * 1.12;
    const frame = frameOf(width, height, 52, 10, 26, 40, [0, DAY_S], [0, top]);
    const root = canvasOf(width, height, `${figure.title}. ${figure.says} Arrow keys walk along the day.`);
    axisY(root, frame, ticks(0, top, 5), short, told.unit);
    priceBands(root, frame, told.tariff);
    let floor = new Float64Array(told.start.length);
    told.layers.forEach((layer, number) => {
      const roof = floor.map((one, at) => one + layer.values[at]);
      const up = [], down = [];
      roof.forEach((value, at) => {
        const a = frame.x(told.start[at]), b = frame.x(told.start[at] + step);
        up.push(`${a},${frame.y(value)} ${b},${frame.y(value)}`);
        down.unshift(`${b},${frame.y(floor[at])} ${a},${frame.y(floor[at])}`);
      });
      const off = filter.depot && told.tariff && layer.id !== filter.depot;
      root.append(svg("polygon", { points: [...up, ...down].join(" "), class: "layer", fill: layerColour(layer, number), opacity: off ? 0.18 : 1 }));
      floor = roof;
    });
    axisX(root, frame, hours(0, DAY_S, frame.right - frame.left), (one) => clock(one % DAY_S), `time of day, ${told.zone}`);
    if (told.before) {
      const points = told.before.values.map((one, at) => `${frame.x(told.start[at])},${frame.y(one)} ${frame.x(told.start[at] + step)},${frame.y(one)}`);
      root.append(svg("polyline", { points: points.join(" "), fill: "none", stroke: "var(--line)", "stroke-width": 1.4 }));
    }
    if (told.line) {
      const y = frame.y(told.line.value);
      root.append(line(frame.left, y, frame.right, y, "mark"),
        words((frame.left + frame.right) / 2, y - 6, told.line.name, { "text-anchor": "middle", class: "strong" }));
    }
    walk(root, frame, told.start.length, (second) => Math.floor(second / step), (at) => {
      const price = told.tariff && told.tariff.bands.find((one) => one.from <= told.start[at] && told.start[at] < one.to);
      return { x: frame.x(told.start[at] + step / 2), lines: [
        `${clock(told.start[at])}–${clock(told.start[at] + step)}: ${short(sums[at])} ${told.unit}`,
        ...told.layers.filter((one) => one.values[at] > 0).map((one) => `${one.name}: ${short(one.values[at])} ${told.unit}`),
        told.before ? `before: ${short(told.before.values[at])} ${told.unit}` : "",
        price ? `energy: ${told.tariff.currency} ${Number((price.price / told.tariff.unit).toPrecision(6))} a kWh` : "",
      ] };
    });
    figure.drawing.replaceChildren(root);
    legend(figure.legend, [
      ...told.layers.map((one, at) => [one.name, layerColour(one, at)]),
      ...(told.before ? [["before, all sites", "var(--line)", "line"]] : []),
      ...(told.tariff && told.tariff.demand.length ? [["the peak is billed", "hatch", "hatch"]] : []),
    ]);
  };
};
