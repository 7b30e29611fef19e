// Small charts, one a site, on one scale.
charts.sites = (figure) => {
  const { told } = figure, step = told.start[1] - told.start[0];
  filter.listen(() => { if (figure.drawn && !figure.element.closest("[hidden]")) figure.draw(); });
  return () => {
    const shown = told.sites.filter((one) => !filter.depot || one.name === filter.depot);
    const top = Math.max(...told.sites.map((one) => one.peak), 1) * 1.15;
    const width = figure.forced ? 230 : 300, height = figure.forced ? 120 : 150;
    const drawn = shown.map((site) => {
      const frame = frameOf(width, height, 44, 4, 8, 24, [0, DAY_S], [0, top]);
      const near = site.limit !== null && site.limit <= top;
      const root = canvasOf(width, height, `Power of ${site.name}: peak ${short(site.peak)} kW from ${clock(site.at)}`);
      axisY(root, frame, ticks(0, top, 3), short);
      priceBands(root, frame, told.tariff);
      const points = site.values.map((kw, at) => `${frame.x(told.start[at])},${frame.y(kw)} ${frame.x(told.start[at] + step)},${frame.y(kw)}`);
      root.append(svg("polygon", { points: `${frame.left},${frame.bottom} ${points.join(" ")} ${frame.right},${frame.bottom}`, fill: "var(--charge)" }));
      if (near) root.append(line(frame.left, frame.y(site.limit), frame.right, frame.y(site.limit), "mark"));
      axisX(root, frame, [0, 21600, 43200, 64800, DAY_S], (one) => two(one / 3600));
      walk(root, frame, site.values.length, (second) => Math.floor(second / step), (at) => ({
        x: frame.x(told.start[at] + step / 2),
        lines: [site.name, `${clock(told.start[at])}: ${short(site.values[at])} kW`],
      }));
      const limit = site.limit === null ? "no limit given" : `limit ${short(site.limit)} kW`;
      return html("div", {}, html("h4", {}, site.name),
        html("p", {}, `peak ${short(site.peak)} kW from ${clock(site.at)}; ${limit}`), root);
    });
    figure.drawing.replaceChildren(html("div", { class: "small" }, ...drawn));
    if (!drawn.length) figure.drawing.replaceChildren(html("p", { class: "empty-note" }, "Nobody charges at this depot."));
    legend(figure.legend, told.tariff.demand.length ? [["kW", "var(--charge)"], ["the peak is billed", "hatch", "hatch"]] : [["kW", "var(--charge)"]]);
  };
};
