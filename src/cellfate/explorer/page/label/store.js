// Labels of one person, kept in this browser: written at each change, so that closing the page loses none.

const LABEL_COLUMNS = ["by", "at", "recording", "track_id", "outcome", "event_frame", "note", "data"];
const NEITHER = "neither";
const CANNOT_TELL = "cannot_tell";
const EVENTLESS_LABELS = [NEITHER, CANNOT_TELL];
const MOST_UNDONE = 1000;

// Whether a label was given after another one, which may be missing.
function isLater(row, other) {
  return Boolean(other?.outcome) && Date.parse(row.at) > Date.parse(other.at);
}

class Labels {
  // changed(): what to do when another window of this browser has changed them.
  constructor(data, cells, changed) {
    Object.assign(this, { data, cells, by: null, lost: false });
    this.byId = new Map(cells.map((cell) => [this.id(cell), cell]));
    this.empty();
    window.addEventListener("storage", (event) => {
      if (event.key !== this.key) return;
      this.read();
      changed();
    });
    window.addEventListener("beforeunload", (event) => {
      if (this.lost && this.unsaved > 0) event.preventDefault();
    });
  }

  // A track by its name and its positions: the same name in other data is another one.
  id(cell) {
    return `${cell.facts.name}/${cell.track_id}/${cell.data}`;
  }

  get key() {
    return `cellfate labels of ${this.data.dataset} by ${this.by}`;
  }

  // The labels of a person: those kept in this browser, and those that this run was given of the same name.
  open(by) {
    this.by = by;
    this.empty();
    this.read();
    for (const row of this.data.given) {
      const id = `${row.recording}/${row.track_id}/${row.data}`;
      if (row.by === by && (!this.rows.has(id) || isLater(row, this.rows.get(id)))) this.rows.set(id, row);
    }
    this.keep();
  }

  empty() {
    Object.assign(this, { rows: new Map(), done: [], unsaved: 0 });
  }

  read() {
    try {
      const kept = JSON.parse(localStorage.getItem(this.key));
      if (kept) Object.assign(this, { rows: new Map(kept.rows), done: kept.done, unsaved: kept.unsaved });
    } catch {
      this.lost = true; // no memory in this browser: labels last as long as the page is open
    }
  }

  keep() {
    try {
      localStorage.setItem(this.key, JSON.stringify({ rows: [...this.rows], done: this.done, unsaved: this.unsaved }));
      localStorage.setItem("cellfate labels by", this.by);
    } catch {
      this.lost = true;
    }
  }

  static lastName() {
    try {
      return localStorage.getItem("cellfate labels by") ?? "";
    } catch {
      return "";
    }
  }

  // What is kept of a cell, also a note without a label; null where nothing is.
  of(cell) {
    return this.rows.get(this.id(cell)) ?? null;
  }

  isLabelled(cell) {
    return Boolean(this.of(cell)?.outcome);
  }

  set(cell, said) {
    const row = { outcome: null, event_frame: null, note: null, ...this.of(cell), ...said };
    this.put(this.id(cell), { ...row, by: this.by, at: new Date().toISOString(), recording: cell.facts.name, track_id: cell.track_id, data: cell.data });
    this.keep();
  }

  clear(cell) {
    this.put(this.id(cell), null);
    this.keep();
  }

  put(id, row) {
    this.done.push([id, this.rows.get(id) ?? null]);
    this.done.splice(0, this.done.length - MOST_UNDONE);
    this.rows.set(id, row);
    this.unsaved += 1;
  }

  // Take back the last change; the cell that it was of, null where there is none.
  undo() {
    while (this.done.length) {
      const [id, before] = this.done.pop();
      if (!this.byId.has(id)) continue; // of another page of this data set
      this.rows.set(id, before);
      this.unsaved += 1;
      this.keep();
      return this.byId.get(id);
    }
    return null;
  }

  // The labels of this page's cells, by recording and track.
  labelled() {
    const order = (a, b) => a.recording.localeCompare(b.recording) || a.track_id - b.track_id;
    return this.cells.filter((cell) => this.isLabelled(cell)).map((cell) => this.of(cell)).sort(order);
  }

  download() {
    const name = this.by.replace(/[^\p{L}\p{N}_-]+/gu, "-");
    offerFile(`labels-${name}.csv`, csvText(LABEL_COLUMNS, this.labelled()));
    this.unsaved = 0;
    this.keep();
  }
}
