// Lines over one axis, in panels one below the other; what is not told leaves a hole.
const LINE_COLOURS = ["service", "empty", "charge", "other", "layer-1", "layer-5"];
const DASHES = ["", "7 3", "2 3", "9 3 2 3", "4 4", "1 4"];

charts.lines = (figure) => () => {
  const { told } = figure, width = figure.width();
  const xs = told.panels.flatMap((one) => one.series.flatMap((two) => two.points.map((point) => point[0])));
  const spanX = [Math.min(...xs), Math.max(...xs)], gap = (spanX[1] - spanX[0]) * 0.03 || 1;
  const panels = told.panels.filter((one) => one.series.some((two) => two.points.some((point) => point[1] !== null)));
  const drawn = panels.map((panel, number) => {
    const last = number === panels.length - 1, height = (number ? 150 : 220) + (last ? 44 : 12);
    const values = [...panel.series.flatMap((one) => one.points.map((point) => point[1])), ...panel.lines.map((one) => one.value)].filter((one) => one !== null);
    let low = Math.min(...values, Infinity), high = Math.max(...values, -Infinity);
    if (!values.length) { low = 0; high = 1; }
    const air = (high - low || Math.abs(high) || 1) * 0.14;
    low = low >= 0 && low - air < 0 ? 0 : low - air; high += air;
    const frame = frameOf(width, height, 76, 14, 26, last ? 44 : 12, [spanX[0] - gap, spanX[1] + gap], [low, high]);
    const root = canvasOf(width, height, `${panel.title}. ${figure.says} Arrow keys walk along.`);
    axisY(root, frame, ticks(low, high, 4), short, panel.unit && !panel.title.includes(panel.unit) ? `${panel.title}, ${panel.unit}` : panel.title);
    axisX(root, frame, ticks(spanX[0], spanX[1], Math.max(width / 110, 3)), last ? short : () => "", last ? told.x.name : "");
    const named = [];
    for (const one of panel.lines) {
      const y = frame.y(one.value), right = told.x.marks.some((mark) => frame.x(mark.x) > (frame.left + frame.right) / 2);
      const near = right !== named.some((other) => Math.abs(other - y) < 13); // away from a mark, and from another line's name
      named.push(y);
      root.append(line(frame.left, y, frame.right, y, "mark"),
        words(near ? frame.left + 6 : frame.right - 4, y - 5, one.name, { "text-anchor": near ? "start" : "end" }));
    }
    for (const one of told.x.marks) {
      root.append(line(frame.x(one.x), frame.top, frame.x(one.x), frame.bottom, "mark"));
      const said = `${one.name}: ${short(one.x)}`, left = frame.x(one.x) + 9 + said.length * 6.8 > frame.right;
      if (!number) root.append(words(frame.x(one.x) + (left ? -5 : 5), frame.top + 10, said, { class: "strong", "text-anchor": left ? "end" : "start" }));
    }
    panel.series.forEach((one, at) => {
      let pen = "";
      one.points.forEach(([x, y], place) => {
        if (y === null) return;
        const after = place > 0 && one.points[place - 1][1] !== null;
        pen += `${after ? "L" : "M"}${frame.x(x)},${frame.y(y)}`;
        if (one.points.length <= 40) root.append(svg("circle", { cx: frame.x(x), cy: frame.y(y), r: 2.6, fill: `var(--${LINE_COLOURS[at]})` }));
      });
      root.append(svg("path", { d: pen, fill: "none", stroke: `var(--${LINE_COLOURS[at]})`, "stroke-width": 2, "stroke-dasharray": DASHES[at] || null }));
    });
    const steps = [...new Set(panel.series.flatMap((one) => one.points.map((point) => point[0])))].sort((a, b) => a - b);
    const nearest = (x) => steps.reduce((best, one, at) => (Math.abs(one - x) < Math.abs(steps[best] - x) ? at : best), 0);
    walk(root, frame, steps.length, nearest, (at) => ({
      x: frame.x(steps[at]),
      lines: [`${told.x.name}: ${short(steps[at])}`, ...panel.series.map((one) => {
        const point = one.points.find((two) => two[0] === steps[at]);
        return point ? `${one.name}: ${point[1] === null ? "not told" : `${short(point[1])} ${panel.unit}`}` : "";
      })],
    }));
    return root;
  });
  figure.drawing.replaceChildren(...drawn);
  const many = told.panels.flatMap((panel) => (panel.series.length > 1 ? panel.series.map((one, at) => [one.name, `var(--${LINE_COLOURS[at]})`, "line"]) : []));
  legend(figure.legend, many);
};
