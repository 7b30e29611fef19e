// SVG and HTML elements; text goes in as text, never as markup.
const SVG = "http://www.w3.org/2000/svg";

function svg(name, attributes = {}, ...inside) { return grow(document.createElementNS(SVG, name), attributes, inside); }

function html(name, attributes = {}, ...inside) { return grow(document.createElement(name), attributes, inside); }

function grow(element, attributes, inside) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...inside.filter((one) => one !== null && one !== undefined));
  return element;
}

function canvasOf(width, height, label) { // an empty drawing that can be walked through
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label, tabindex: 0 });
}

function words(x, y, text, attributes = {}) { return svg("text", { x, y, ...attributes }, text); }

function line(x1, y1, x2, y2, kind) { return svg("line", { x1, y1, x2, y2, class: kind }); }

function box(x, y, width, height, attributes = {}) {
  return svg("rect", { x, y, width: Math.max(width, 0), height: Math.max(height, 0), ...attributes });
}

let hatches = 0;
function hatch(root, name) { // a pattern of strokes, which needs no colour to be seen
  const id = `hatch-${(hatches += 1)}`;
  const stroke = svg("path", { d: "M-1,1 l2,-2 M0,8 l8,-8 M7,9 l2,-2", stroke: `var(--${name})`, "stroke-width": 1.1 });
  root.append(svg("defs", {}, svg("pattern", { id, width: 8, height: 8, patternUnits: "userSpaceOnUse" }, stroke)));
  return `url(#${id})`;
}

function axisX(root, frame, at, says, title = "") { // ticks and names below
  for (const one of at) {
    const x = frame.x(one);
    root.append(line(x, frame.bottom, x, frame.bottom + 4, "axis"),
      words(x, frame.bottom + 17, says(one), { "text-anchor": "middle" }));
  }
  root.append(line(frame.left, frame.bottom, frame.right, frame.bottom, "axis"));
  if (title) root.append(words(frame.right, frame.bottom + 33, title, { "text-anchor": "end" }));
}

function axisY(root, frame, at, says, title = "") { // names on the left, quiet lines across
  for (const one of at) {
    const y = frame.y(one);
    root.append(line(frame.left, y, frame.right, y, "grid"),
      words(frame.left - 7, y + 4, says(one), { "text-anchor": "end" }));
  }
  if (title) root.append(words(frame.left, frame.top - 8, title, { "text-anchor": "start" }));
}

function frameOf(width, height, left, right, top, bottom, spanX, spanY) {
  const frame = { left, right: width - right, top, bottom: height - bottom };
  const wide = frame.right - frame.left, high = frame.bottom - frame.top;
  frame.x = (value) => left + ((value - spanX[0]) / (spanX[1] - spanX[0] || 1)) * wide;
  frame.y = (value) => frame.bottom - ((value - spanY[0]) / (spanY[1] - spanY[0] || 1)) * high;
  frame.back = (x) => spanX[0] + ((x - left) / wide) * (spanX[1] - spanX[0]);
  return frame;
}

function legend(place, entries) { // [name, colour, shape]
  place.replaceChildren(...entries.map(([name, fill, shape]) => {
    const sign = svg("svg", { viewBox: "0 0 16 12", "aria-hidden": "true" });
    if (shape === "line") sign.append(svg("line", { x1: 0, x2: 16, y1: 6, y2: 6, stroke: fill, "stroke-width": 2.2 }));
    else if (shape === "dash") sign.append(svg("line", { x1: 0, x2: 16, y1: 6, y2: 6, stroke: fill, "stroke-width": 1.6, "stroke-dasharray": "4 3" }));
    else if (shape === "hatch") sign.append(box(0, 0, 16, 12, { fill: hatch(sign, fill) }));
    else if (shape === "pale") sign.append(box(0, 1, 16, 10, { fill, opacity: 0.3 }));
    else if (shape === "thin") sign.append(box(0, 5, 16, 3, { fill }));
    else if (shape === "low") sign.append(box(0, 7, 16, 4, { fill }));
    else if (shape === "mid") sign.append(box(0, 3, 16, 6, { fill }));
    else if (shape) sign.append(svg("path", { d: shape, fill, transform: "translate(8 6) scale(0.7)", stroke: "var(--map-high)", "stroke-width": 1 }));
    else sign.append(box(0, 1, 16, 10, { fill }));
    return html("span", {}, sign, name);
  }));
}
