// How far the work is, and which cell has which label.

class LabelLists {
  constructor(app) {
    this.app = app;
    byId("rows").append(...app.cells.map((cell) => this.row(cell)));
    const names = [...new Set(app.cells.map((cell) => cell.facts.name))].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
    this.counts = new Map(names.map((name) => [name, element("span")]));
    byId("per-recording").append(...[...this.counts].flatMap(([name, count]) => [element("span", { text: name }), count]));
  }

  row(cell) {
    const link = element("a", { href: `#${new URLSearchParams({ cell: cell.trajectory })}`, text: cell.trajectory });
    const row = element("tr", { "data-cell": cell.trajectory }, element("th", { scope: "row" }, link), element("td", { class: "is" }), element("td", { class: "number" }));
    row.addEventListener("click", (event) => {
      event.preventDefault();
      this.app.choose(cell.trajectory);
    });
    return row;
  }

  draw() {
    const { cells, labels } = this.app;
    const done = cells.filter((cell) => labels.isLabelled(cell));
    byId("count").textContent = `${done.length} of ${cells.length} cells labelled`;
    [byId("progress").max, byId("progress").value] = [cells.length, done.length];
    for (const [name, count] of this.counts) {
      const of = (some) => some.filter((cell) => cell.facts.name === name).length;
      count.textContent = `${of(done)} of ${of(cells)}`;
    }
    cells.forEach((cell, place) => this.fill(byId("rows").children[place], cell, labels.of(cell)));
    const { unsaved } = labels;
    byId("unsaved").textContent = unsaved ? `${unsaved} change${unsaved > 1 ? "s" : ""} since the last download.` : "";
    byId("download").disabled = !done.length;
    byId("load").disabled = labels.by === null;
    byId("lost").hidden = !labels.lost;
    byId("lost").textContent = "This browser keeps nothing: labels are lost when the page is closed. Download them before.";
  }

  // By the table's own scrolling: the page must not leave the cell.
  bringIntoSight(row) {
    const box = byId("table-scroll");
    const [seen, own] = [box.getBoundingClientRect(), row.getBoundingClientRect()];
    if (own.bottom > seen.bottom) box.scrollTop += own.bottom - seen.bottom;
    if (own.top < seen.top + own.height) box.scrollTop += own.top - seen.top - own.height; // the head covers the first row
  }

  fill(row, cell, label) {
    const [, word, frame] = row.children;
    word.textContent = label?.outcome ? inWords(label.outcome) : label?.note ? "note only" : "";
    frame.textContent = label?.event_frame ?? "";
    row.setAttribute("aria-current", cell.trajectory === STATE.cell ? "true" : "false");
    if (cell.trajectory === STATE.cell) this.bringIntoSight(row);
  }
}
