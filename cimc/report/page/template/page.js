// Lets a layer stand out in all charts, and sorts the tables of layers.
const clicked = (datum) => pick(datum?.owner ?? null);

function pick(name) {
  for (const { view } of views) {
    if (view.getState().signals[PICKED] !== undefined) view.signal(PICKED, name).runAsync();
  }
  for (const row of document.querySelectorAll("tr[data-layer]")) {
    row.classList.toggle("picked", row.dataset.layer === name);
  }
  const shown = document.querySelector("output.picked");
  shown.hidden = name === null;
  shown.querySelector("span").textContent = name ?? "";
}

function sort(head) {
  const column = [...head.parentElement.children].indexOf(head);
  const descending = head.getAttribute("aria-sort") === "ascending";
  const body = head.closest("table").tBodies[0];
  const key = (row) => row.cells[column].dataset.key;
  const order = head.dataset.sort === "number" ? (a, b) => key(a) - key(b) : (a, b) => key(a).localeCompare(key(b));
  const rows = [...body.rows].sort(order);
  for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", descending ? "descending" : "ascending");
  body.append(...(descending ? rows.reverse() : rows));
}

document.addEventListener("click", (event) => {
  const head = event.target.closest("th[data-sort]");
  const layer = event.target.closest("[data-layer]");
  if (head) sort(head);
  else if (layer) pick(layer.dataset.layer);
  else if (event.target.closest("output.picked button")) pick(null);
});
