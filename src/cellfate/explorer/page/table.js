// The table of cells: filters, order, and which cell is chosen.

const COLUMNS = [
  { key: "trajectory", label: "cell" },
  { key: "treatment", label: "treatment" },
  { key: "outcome", label: "outcome", words: true },
  { key: "call", label: "called", words: true },
  { key: "right", label: "" },
  { key: "probability", label: "p", digits: 2 },
  { key: "set", label: "set" },
  { key: "lead_hours", label: "lead (h)", digits: 1 },
  { key: "n_frames", label: "frames", digits: 0 },
  { key: "confidence", label: "one cell", digits: 2 },
];
const MAY_LACK = ["right", "lead_hours", "confidence"]; // columns that are not there where no cell has a value, as of predictions

class CellTable {
  constructor(data, cells, choose) {
    Object.assign(this, { data, cells, choose, shown: [] });
    this.known = (key) => !cells.length || cells.some((cell) => cell[key] !== null);
    this.columns = COLUMNS.filter((column) => !MAY_LACK.includes(column.key) || this.known(column.key));
    for (const [name, key] of [["right", "right"], ["lead", "lead_hours"]]) byId(`filter-${name}`).closest("label").hidden = !this.known(key);
    byId("columns").append(...this.columns.map((column) => this.heading(column)));
    this.fill("recording", data.recordings.map((one) => one.name));
    this.fill("treatment", cells.map((cell) => cell.treatment));
    this.fill("outcome", cells.map((cell) => cell.fate));
    for (const name of FILTERS) {
      byId(`filter-${name}`).addEventListener("input", (event) => {
        filters[name] = event.target.value;
        this.draw();
        writeAddress();
      });
    }
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    byId("filter-clear").addEventListener("click", () => this.clear());
  }

  fill(name, values) {
    const kinds = [...new Set(values)].filter((value) => value !== null).sort();
    byId(`filter-${name}`).append(element("option", { value: "", text: "all" }), ...kinds.map((kind) => element("option", { value: kind, text: inWords(kind) })));
  }

  heading(column) {
    const named = column.key === "probability" ? `p ${inWords(this.data.outcomes.positive)}` : column.label || "right?";
    const button = element("button", { type: "button", text: named, onclick: () => this.sort(column.key) });
    return element("th", { scope: "col", "data-key": column.key }, button);
  }

  sort(key) {
    STATE.down = STATE.sort === key ? !STATE.down : false;
    STATE.sort = key;
    this.draw();
    writeAddress();
  }

  clear() {
    for (const name of FILTERS) filters[name] = "";
    this.draw();
    writeAddress();
  }

  matches(cell) {
    const of = { recording: cell.facts.name, treatment: cell.treatment, outcome: cell.fate };
    for (const [name, value] of Object.entries(of)) if (filters[name] !== "" && filters[name] !== value) return false;
    if (filters.right !== "" && filters.right !== (cell.right === null ? "-" : String(cell.right))) return false;
    if (filters.sure !== "" && filters.sure !== (cell.set === null ? "-" : isSure(cell.set) ? "1" : "0")) return false;
    return filters.lead === "" || (cell.lead_hours !== null && cell.lead_hours >= Number(filters.lead));
  }

  // Missing values stand last in either order; equal ones keep the order of the cells.
  compare(one, other) {
    const [a, b] = [one[STATE.sort], other[STATE.sort]];
    if (a === null || b === null || a === b) return (a === null) - (b === null) || one.place - other.place;
    const order = typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
    return STATE.down ? -order : order;
  }

  draw() {
    if (!COLUMNS.some((column) => column.key === STATE.sort)) STATE.sort = "right";
    for (const name of FILTERS) byId(`filter-${name}`).value = filters[name];
    this.shown = this.cells.filter((cell) => this.matches(cell)).sort((a, b) => this.compare(a, b));
    for (const heading of byId("columns").children) {
      const sorted = heading.dataset.key === STATE.sort;
      heading.setAttribute("aria-sort", sorted ? (STATE.down ? "descending" : "ascending") : "none");
    }
    byId("rows").replaceChildren(...this.shown.map((cell) => this.row(cell)));
    const wrong = this.shown.filter((cell) => cell.right === 0).length;
    byId("count").textContent = `${this.shown.length} of ${this.cells.length} cells${this.known("right") ? `, ${wrong} called wrongly` : ""}`;
    this.mark();
    this.drawn?.();
  }

  row(cell) {
    const link = element("a", { href: `#${new URLSearchParams({ cell: cell.trajectory })}`, text: cell.trajectory });
    const row = element("tr", { "data-cell": cell.trajectory }, element("th", { scope: "row" }, link));
    row.append(...this.columns.slice(1).map((column) => this.field(cell, column)));
    row.addEventListener("click", (event) => {
      event.preventDefault();
      this.choose(cell.trajectory);
    });
    return row;
  }

  field(cell, column) {
    const value = column.key === "outcome" ? cell.fate : cell[column.key];
    if (column.key === "right") {
      const text = value === null ? "" : value ? "✓ right" : "✗ wrong";
      return element("td", { class: value === 0 ? "wrong" : "", text });
    }
    if (column.key === "set") return element("td", { text: value === null ? "–" : isSure(value) ? "sure" : value ? "cannot tell" : "neither" });
    if (column.digits !== undefined) return element("td", { class: "number", text: number(value, column.digits) });
    return element("td", { text: value === null ? "–" : column.words ? inWords(value) : value });
  }

  mark() {
    for (const row of byId("rows").children) {
      const chosen = row.dataset.cell === STATE.cell;
      row.setAttribute("aria-current", chosen ? "true" : "false");
      row.classList.toggle("beside", row.dataset.cell === STATE.beside);
      if (chosen) row.scrollIntoView({ block: "nearest" });
    }
  }

  // The cell so many rows further on among those that pass a test; round from the end to the start.
  next(step, wanted = () => true) {
    const rows = this.shown;
    if (!rows.length) return null;
    const here = rows.findIndex((cell) => cell.trajectory === STATE.cell);
    let place = here < 0 && step < 0 ? 0 : here;
    for (let tried = 0; tried < rows.length; tried++) {
      place = (place + step + rows.length) % rows.length;
      if (wanted(rows[place])) return rows[place].trajectory;
    }
    return null;
  }
}
