// What is looked for: by words, route and depot; figures listen.
const filter = { words: "", route: "", depot: "", listeners: [] };

filter.listen = (told) => filter.listeners.push(told);
filter.active = () => Boolean(filter.words || filter.route || filter.depot);
filter.tell = () => filter.listeners.forEach((told) => told());

filter.set = (change) => {
  Object.assign(filter, change);
  const form = document.getElementById("filter");
  if (form) {
    form.querySelector("#find").value = filter.words;
    form.querySelector("#route").value = filter.route;
    form.querySelector("#depot").value = filter.depot;
  }
  filter.tell();
};

filter.start = (routes, depots, known) => {
  const form = document.getElementById("filter");
  if (!form) return;
  const options = (names) => names.map((one) => html("option", { value: one }, one));
  form.querySelector("#route").append(...options(routes));
  form.querySelector("#depot").append(...options(depots));
  form.querySelector("#depot").closest("label").hidden = !depots.length;
  form.querySelector("#found").append(...known.slice(0, 5000).map((one) => html("option", { value: one })));
  const read = () => {
    Object.assign(filter, {
      words: form.querySelector("#find").value.trim().toLowerCase(),
      route: form.querySelector("#route").value, depot: form.querySelector("#depot").value,
    });
    filter.tell();
  };
  form.addEventListener("input", read);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(read));
};

filter.said = (text) => { const place = document.getElementById("count"); if (place) place.textContent = text; };
