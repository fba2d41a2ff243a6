"""The script of the report's page, in JavaScript.

A module, because zip imports and programs that freeze Python code, such as PyInstaller, collect
modules without further configuration, but not data files.
"""

SCRIPT = r"""
"use strict";
// The page is complete without JavaScript. This script makes the table of instances sortable and
// adds a filter. The script creates no markup from text, so no name in the table can become code.
const table = document.getElementById("instances-table");
if (table) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const collator = new Intl.Collator("en", { numeric: true });

  const element = (name, properties) => Object.assign(document.createElement(name), properties);
  const status = element("span", { className: "quiet" });
  status.setAttribute("role", "status");

  const valueOf = (cell) => ("v" in cell.dataset ? Number(cell.dataset.v) : cell.textContent);
  const compare = (a, b) => (typeof a === "number" ? a - b : collator.compare(a, b));

  const sortBy = (head) => {
    const descending = head.getAttribute("aria-sort") === "ascending";
    const keyed = rows.map((row) => [valueOf(row.cells[head.cellIndex]), row]);
    // Empty cells come last in both directions.
    const empty = keyed.filter(([key]) => key === "");
    const full = keyed.filter(([key]) => key !== "");
    full.sort(([a], [b]) => (descending ? compare(b, a) : compare(a, b)));
    for (const [, row] of [...full, ...empty]) body.append(row);
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
  };

  for (const head of heads) {
    const button = element("button", { type: "button", textContent: head.textContent });
    button.addEventListener("click", () => sortBy(head));
    head.replaceChildren(button);
  }

  // Rows move but never change, so their text is read once. A word matches only the beginning of
  // a word of a state, because "protected" is a part of "unprotected".
  const texts = rows.map((row) => {
    const [name, state, ...rest] = [...row.cells].map((cell) => cell.textContent.toLowerCase());
    return [row, [state, ...state.split(" ")], [name, ...rest].join(" ")];
  });
  const input = element("input", { type: "search", id: "filter", autocomplete: "off" });
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const [row, state, text] of texts) {
      const found = (word) =>
        text.includes(word) || state.some((part) => part.startsWith(word.replaceAll("_", " ")));
      row.hidden = !words.every(found);
      shown += row.hidden ? 0 : 1;
    }
    const format = (count) => count.toLocaleString("en");
    status.textContent = `${format(shown)} of ${format(rows.length)} shown`;
  });
  const controls = element("p", { className: "controls" });
  const label = element("label", { htmlFor: "filter", textContent: "Filter" });
  controls.append(label, input, status);
  table.parentElement.before(controls);
}
"""
