// One small box of words beside the pointer or the place that the keys are at.
const tip = { box: document.getElementById("tip") };

tip.show = (lines, x, y) => {
  const [first, ...rest] = lines.filter(Boolean);
  tip.box.replaceChildren(html("b", {}, first), ...rest.flatMap((one, at) => (at ? [html("br"), one] : [one])));
  tip.box.hidden = false;
  const size = tip.box.getBoundingClientRect();
  const left = x + 14 + size.width > window.innerWidth ? x - 14 - size.width : x + 14;
  tip.box.style.left = `${Math.max(left, 4)}px`;
  tip.box.style.top = `${Math.max(Math.min(y + 14, window.innerHeight - size.height - 6), 4)}px`;
};

tip.hide = () => { tip.box.hidden = true; };
