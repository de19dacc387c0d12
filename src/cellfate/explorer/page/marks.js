// What a person finds wrong: marks of outcomes and tracks, kept in this browser, and written as corrections.csv.

const MARK_COLUMNS = ["recording", "track_id", "what", "was", "outcome", "event_frame", "note"];
const EVENTLESS = ["no_event_by_end", "censored"];

class Marks {
  // given: the rows that this run was corrected by; marks of this browser lie over them, null where one was taken back.
  constructor(data, cells) {
    Object.assign(this, { cells, key: `cellfate corrections of ${data.title}`, given: new Map(), own: new Map() });
    for (const row of data.corrections) this.given.set(this.name(row.recording, row.track_id), row);
    try {
      for (const [name, row] of JSON.parse(localStorage.getItem(this.key)) ?? []) this.own.set(name, row);
    } catch {
      this.lost = true; // no memory in this browser: marks last as long as the page is open
    }
  }

  name(recording, track) {
    return `${recording}/${track}`;
  }

  nameOf(cell) {
    return this.name(cell.facts.name, cell.track_id);
  }

  of(cell) {
    const name = this.nameOf(cell);
    return (this.own.has(name) ? this.own.get(name) : this.given.get(name)) ?? null;
  }

  // The outcome by the files, also of a cell that this run has corrected.
  was(cell) {
    return this.given.get(this.nameOf(cell))?.was ?? cell.outcome;
  }

  set(cell, said) {
    const row = { recording: cell.facts.name, track_id: cell.track_id, was: this.was(cell), ...said };
    this.keep(this.nameOf(cell), row);
  }

  takeBack(cell) {
    this.keep(this.nameOf(cell), null);
  }

  keep(name, row) {
    this.own.set(name, row);
    try {
      localStorage.setItem(this.key, JSON.stringify([...this.own]));
    } catch {
      this.lost = true;
    }
  }

  rows() {
    return [...new Map([...this.given, ...this.own]).values()].filter((row) => row !== null);
  }

  download() {
    offerFile("corrections.csv", csvText(MARK_COLUMNS, this.rows()));
  }
}

// The form in which a cell is marked.
function markForm(app, view) {
  const { cell, data } = view;
  const known = [data.outcomes.negative, data.outcomes.positive, ...app.cells.map((one) => one.outcome), ...EVENTLESS];
  const outcomes = [...new Set(known)].filter((one) => one !== app.marks.was(cell));
  const choice = element("select", {}, ...outcomes.map((one) => element("option", { value: one, text: `the outcome is ${inWords(one)}` })), element("option", { value: "", text: "the track is wrong: set it aside" }));
  const frame = element("input", { type: "number", min: cell.first_frame, step: 1, required: true });
  const note = element("input", { type: "text", maxlength: 500 });
  const said = element("p", { role: "status" });
  const back = element("button", { type: "button", text: "Take back" });
  const eventless = () => choice.value === "" || EVENTLESS.includes(choice.value);
  const fit = () => (frame.disabled = eventless());
  const show = () => {
    const mark = app.marks.of(cell);
    back.hidden = mark === null;
    said.textContent = mark === null ? "" : mark.what === "track" ? "Marked: the track is wrong." : `Marked: ${inWords(mark.was)} is ${inWords(mark.outcome)}.`;
    app.marked();
  };
  const mark = app.marks.of(cell);
  if (mark) [choice.value, frame.value, note.value] = [mark.outcome ?? "", mark.event_frame ?? "", mark.note ?? ""];
  if (frame.value === "") frame.value = cell.event_frame ?? cell.last_frame + 1;
  choice.addEventListener("change", fit);
  back.addEventListener("click", () => {
    app.marks.takeBack(cell);
    show();
  });
  const form = element("form", { class: "mark" },
    element("label", {}, "What is right: ", choice),
    element("label", {}, "first frame of the event ", frame),
    element("button", { type: "button", text: "The frame shown", onclick: () => (frame.value = view.frame) }),
    element("label", { class: "note" }, "Note ", note),
    element("button", { text: "Mark" }), back, said);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const what = choice.value === "" ? "track" : "outcome";
    app.marks.set(cell, { what, outcome: choice.value || null, event_frame: eventless() ? null : Number(frame.value), note: note.value.trim() || null });
    show();
  });
  fit();
  const details = element("details", { class: "marking", open: mark !== null }, element("summary", { text: "Is its outcome or its track wrong? (m)" }), form);
  setTimeout(show);
  return details;
}
