// A figure of the page: drawn when it is first seen, again when its width or the colours change.
const figures = new Map();

function figureOf(element) {
  const id = element.dataset.figure, told = data[id];
  const figure = {
    id, element, told, title: told.title, drawing: element.querySelector(".drawing"),
    controls: element.querySelector(".controls"), legend: element.querySelector(".legend"),
    below: element.querySelector(".below"), says: element.querySelector("figcaption p").textContent,
    table: () => told.table, width: () => Math.max(figure.forced || figure.drawing.clientWidth, 280), drawn: false,
  };
  figure.show = () => {
    if (!figure.drawn) {
      figure.drawn = true;
      figure.draw = charts[told.draw](figure) || figure.draw;
      saving(figure);
    }
    figure.draw();
  };
  figures.set(id, figure);
  return figure;
}

function inPanel(panel) { return [...figures.values()].filter((one) => panel.contains(one.element)); }

// Walk along a chart with the pointer or the keys: `at(x)` gives an index, `tell(index)` its words.
function walk(root, frame, steps, at, tell) {
  const rule = line(0, frame.top, 0, frame.bottom, "cursor");
  rule.style.visibility = "hidden";
  root.append(rule);
  let now = -1;
  const go = (index, event) => {
    now = Math.min(Math.max(index, 0), steps - 1);
    const x = tell(now).x, seen = root.getBoundingClientRect(), scale = seen.width / root.viewBox.baseVal.width;
    rule.setAttribute("x1", x); rule.setAttribute("x2", x); rule.style.visibility = "visible";
    tip.show(tell(now).lines, event ? event.clientX : seen.left + x * scale, event ? event.clientY : seen.top + 30);
  };
  const leave = () => { rule.style.visibility = "hidden"; tip.hide(); };
  root.addEventListener("pointermove", (event) => {
    const seen = root.getBoundingClientRect();
    const x = ((event.clientX - seen.left) * root.viewBox.baseVal.width) / seen.width;
    if (x < frame.left || x > frame.right) leave(); else go(at(frame.back(x)), event);
  });
  root.addEventListener("pointerleave", leave);
  root.addEventListener("blur", leave);
  root.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1, PageDown: 12, PageUp: -12, Home: -steps, End: steps }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    go(now < 0 ? 0 : now + by);
  });
}
