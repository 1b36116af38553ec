"use strict";
// Sort a table by a column: numbers by value, words by the alphabet, what is missing last.
const before = (a, b) => {
  if (a === b) return 0;
  if (a === "") return Infinity;
  if (b === "") return -Infinity;
  const difference = Number(a) - Number(b);
  return Number.isNaN(difference) ? a.localeCompare(b) : difference;
};
const sortBy = (table, heading, column) => {
  const order = ["ascending", "descending"];
  if (heading.className === "number") order.reverse(); // the best score first, words from A
  const direction = heading.getAttribute("aria-sort") === order[0] ? order[1] : order[0];
  for (const other of table.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", direction);
  const key = row => row.cells[column].dataset.sort;
  const sign = direction === "ascending" ? 1 : -1;
  const compare = (a, b) => {
    const found = before(key(a), key(b));
    return Number.isFinite(found) ? sign * found : found;
  };
  table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
};
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = table.tHead.rows[table.tHead.rows.length - 1].cells;
  [...headings].forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    button.addEventListener("click", () => sortBy(table, heading, column));
    heading.replaceChildren(button);
  });
}
