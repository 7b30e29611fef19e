// A chart as a table (CSV) and as a picture; nothing leaves the reader's machine.
const SHOWN = 500;

function saveFile(name, type, content) {
  const link = html("a", { href: URL.createObjectURL(new Blob([content], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function csvOf(table) {
  const cell = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    // A spreadsheet must not read a name as a formula.
    const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return [table.columns, ...table.rows].map((row) => row.map(cell).join(",")).join("\n") + "\n";
}

const STYLED = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-opacity", "opacity", "paint-order"];

function pictureOf(drawn) { // an SVG that keeps its looks without the page's styles
  const copy = drawn.cloneNode(true), from = [drawn, ...drawn.querySelectorAll("*")];
  [copy, ...copy.querySelectorAll("*")].forEach((one, at) => {
    const style = getComputedStyle(from[at]);
    for (const name of STYLED) {
      const value = style.getPropertyValue(name);
      if (value && (value !== "none" || name === "fill" || name === "stroke")) one.setAttribute(name, value);
    }
    if (one.tagName === "text") for (const name of ["font-size", "font-family", "font-weight"]) one.setAttribute(name, style.getPropertyValue(name));
  });
  copy.setAttribute("xmlns", SVG);
  return new XMLSerializer().serializeToString(copy);
}

function saving(figure) { // the row of buttons below a chart
  const shown = html("div", { class: "rows", hidden: true, tabindex: 0, role: "region", "aria-label": `Table: ${figure.title}` });
  const asTable = html("button", { type: "button", "aria-expanded": "false" }, "Show table");
  asTable.addEventListener("click", () => {
    shown.hidden = !shown.hidden;
    asTable.setAttribute("aria-expanded", String(!shown.hidden));
    asTable.textContent = shown.hidden ? "Show table" : "Hide table";
    if (!shown.hidden) shown.replaceChildren(...tableOf(figure.table()));
  });
  const asCsv = html("button", { type: "button" }, "Save table (CSV)");
  asCsv.addEventListener("click", () => saveFile(`${figure.id}.csv`, "text/csv", csvOf(figure.table())));
  const asPicture = html("button", { type: "button" }, "Save picture");
  asPicture.addEventListener("click", () => {
    const canvas = figure.drawing.querySelector("canvas"), drawn = figure.drawing.querySelector("svg");
    if (canvas) canvas.toBlob((blob) => saveFile(`${figure.id}.png`, "image/png", blob));
    else if (drawn) saveFile(`${figure.id}.svg`, "image/svg+xml", pictureOf(drawn));
  });
  figure.below.replaceChildren(asTable, asCsv, asPicture, shown);
}

function tableOf(table) {
  const cell = (value) => html("td", { class: typeof value === "number" ? "number" : null }, value === null ? "" : String(value));
  const rows = table.rows.slice(0, SHOWN).map((row) => html("tr", {}, ...row.map(cell)));
  const head = html("tr", {}, ...table.columns.map((one) => html("th", { scope: "col" }, one)));
  const told = html("table", {}, html("thead", {}, head), html("tbody", {}, ...rows));
  const more = table.rows.length - rows.length;
  return more > 0 ? [told, html("p", {}, `... and ${count(more)} more rows in the saved table.`)] : [told];
}
