// Tabs, appearance, printing: what makes the figures a page.
const FILTERED = ["map", "vehicles", "energy"];
const tabs = [...document.querySelectorAll('[role="tab"]')];

function open(tab, focus = false) {
  for (const one of tabs) {
    const on = one === tab;
    one.setAttribute("aria-selected", String(on));
    one.tabIndex = on ? 0 : -1;
    document.getElementById(one.getAttribute("aria-controls")).hidden = !on;
  }
  if (focus) tab.focus();
  const name = tab.id.slice(4), form = document.getElementById("filter");
  if (form) form.hidden = !FILTERED.includes(name);
  tip.hide();
  try { history.replaceState(null, "", `#${name}`); } catch { /* a page inside another may not */ }
  inPanel(document.getElementById(`panel-${name}`)).forEach((one) => one.show());
}

tabs.forEach((tab, at) => {
  tab.addEventListener("click", () => open(tab));
  tab.addEventListener("keydown", (event) => {
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    open(tabs[(to + tabs.length) % tabs.length], true);
  });
});

// Appearance: as the system, unless the reader chooses; the choice is not kept anywhere.
const system = window.matchMedia("(prefers-color-scheme: dark)"), chosen = document.getElementById("theme");
function dress(theme) {
  const dark = theme === "dark" || (theme === "auto" && system.matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  redrawAll();
}
function redrawAll() {
  for (const one of figures.values()) if (one.drawn && (one.forced || !one.element.closest("[hidden]"))) one.draw();
}
chosen.addEventListener("change", () => dress(chosen.value));
system.addEventListener("change", () => dress(chosen.value));

// Printing: everything is drawn, light, as wide as the paper.
const PAPER = 690;
function toPaper() {
  document.documentElement.dataset.theme = "light";
  for (const one of figures.values()) { one.forced = PAPER; one.show(); }
}
function toScreen() {
  for (const one of figures.values()) one.forced = 0;
  dress(chosen.value);
}
window.addEventListener("beforeprint", toPaper);
window.addEventListener("afterprint", toScreen);
document.getElementById("print").addEventListener("click", () => window.print());

let width = window.innerWidth;
window.addEventListener("resize", () => {
  if (window.innerWidth !== width) { width = window.innerWidth; redrawAll(); }
});
window.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hide(); });

document.querySelectorAll("[data-figure]").forEach(figureOf);
const vehicles = data.vehicles, lines = data.map ? data.map.lines : [];
const routes = [...new Set([...(vehicles ? vehicles.routes : []), ...lines.map((one) => one.route)])].filter(Boolean)
  .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
filter.start(routes, vehicles ? vehicles.depots : [], vehicles ? [...routes, ...vehicles.vehicles, ...vehicles.stops.map((one) => one[1])] : routes);
dress("auto");
open(tabs.find((one) => one.id === `tab-${location.hash.slice(1)}`) || tabs[0]);
