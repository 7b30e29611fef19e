// Bars from left to right, in groups; a whisker tells the spread where there is one.
charts.bars = (figure) => () => {
  const { told } = figure, width = figure.width(), count_ = told.series.length;
  const many = told.groups.length * count_ > 16, thick = count_ > 1 || many ? 15 : 20, step = thick * count_ + (many ? 7 : 14), left = Math.min(Math.max(...told.groups.map((one) => one.name.length)) * 6.6 + 16, width * 0.42);
  const all = told.groups.flatMap((one) => one.bars.flatMap((two) => [two.value, two.high]).filter((two) => typeof two === "number"));
  const top = Math.max(...all, 1e-9) * 1.16, low = Math.min(...all, 0) * 1.16;
  const height = told.groups.length * step + 46;
  const frame = frameOf(width, height, left, 70, 6, 40, [low, top], [0, 1]);
  const root = canvasOf(width, height, `${figure.title}. ${figure.says} ${told.groups.map((one) => `${one.name}: ${one.bars.map((two) => `${nameOf(told, two.series)} ${two.value === null ? "not told" : short(two.value)}`).join(", ")}`).join("; ")}`);
  for (const one of ticks(low, top, Math.max((width - left) / 110, 2))) root.append(line(frame.x(one), frame.top, frame.x(one), frame.bottom, "grid"));
  axisX(root, frame, ticks(low, top, Math.max((width - left) / 110, 2)), short, told.unit);
  told.groups.forEach((group, number) => {
    const y0 = frame.top + number * step + 7;
    root.append(words(left - 8, y0 + (thick * count_) / 2 + 4, cut(group.name, left), { "text-anchor": "end" }));
    group.bars.forEach((bar, at) => {
      const y = y0 + at * thick, fill = `var(--${LINE_COLOURS[told.series.findIndex((one) => one.id === bar.series)]})`;
      if (bar.value === null || bar.value === undefined) { root.append(words(frame.x(0) + 6, y + thick / 2 + 4, "not told")); return; }
      const drawn = box(Math.min(frame.x(0), frame.x(bar.value)), y + 1, Math.abs(frame.x(bar.value) - frame.x(0)), thick - 2, { fill });
      const said = [group.name, `${nameOf(told, bar.series)}: ${short(bar.value)} ${told.unit}`, bar.low !== undefined ? `${bar.spread || "spread"}: ${short(bar.low)} to ${short(bar.high)}` : ""];
      drawn.addEventListener("pointermove", (event) => tip.show(said, event.clientX, event.clientY));
      drawn.addEventListener("pointerleave", tip.hide);
      root.append(drawn);
      let end = Math.max(frame.x(bar.value), frame.x(0));
      if (bar.low !== undefined) {
        const middle = y + thick / 2;
        root.append(svg("path", { d: `M${frame.x(bar.low)},${middle}H${frame.x(bar.high)}M${frame.x(bar.low)},${middle - 4}v8M${frame.x(bar.high)},${middle - 4}v8`, class: "cursor" }));
        end = Math.max(end, frame.x(bar.high));
      }
      root.append(words(end + 6, y + thick / 2 + 4, short(bar.value), { class: "strong" }));
    });
  });
  root.append(line(frame.x(0), frame.top, frame.x(0), frame.bottom, "axis"));
  figure.drawing.replaceChildren(root);
  legend(figure.legend, told.series.length > 1 ? told.series.map((one, at) => [one.name, `var(--${LINE_COLOURS[at]})`]) : []);
};

function nameOf(told, id) { return (told.series.find((one) => one.id === id) || { name: id }).name; }

function cut(text, room) { const most = Math.floor((room - 12) / 6.4); return text.length > most ? `${text.slice(0, most - 1)}…` : text; }
