// The label page: one cell after the other; the frame that is shown is the first that shows the event.

const LEAST_LOOK = 250; // milliseconds; a label that comes sooner after a cell is the echo of the key before
const LABEL_KEYS = [
  ["1 to 9", "an outcome; the frame shown is the first that shows it"],
  ["0", "neither: no event as long as it is seen"],
  ["x", "cannot tell"],
  ["z Ctrl+z", "take the last change back"],
  ["Delete", "this cell's label away"],
  ["→ ←", "next frame, the one before; with Shift ten"],
  ["Home End", "first frame, last frame with a picture"],
  ["Space", "play, stop"],
  ["↓ ↑", "next cell, the one before"],
  ["g", "next cell without a label"],
  ["n", "a note; Enter goes back to the cell"],
  ["c", "all channels, each of them alone"],
  ["s", "download the labels"],
  ["o", "go on from a file of labels"],
  ["t", "light or dark"],
  ["?", "these keys"],
];

class LabelPage extends Shown {
  constructor(data) {
    super(data);
    this.labels = new Labels(data, this.cells, () => this.changed());
    this.lists = new LabelLists(this);
    this.alone = -1; // the channel that is shown alone
    this.choices();
    listenToKeys(LABEL_KEYS, (event) => this.action(event));
    document.addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key !== "z" || event.repeat || isTyping(event)) return;
      event.preventDefault();
      this.undo();
    });
    byId("name").value = Labels.lastName();
    byId("who").addEventListener("submit", (event) => {
      event.preventDefault();
      this.begin(byId("name").value.trim());
    });
    byId("download").addEventListener("click", () => this.download());
    byId("load").addEventListener("click", () => byId("file").click());
    byId("file").addEventListener("change", () => this.load());
  }

  get view() {
    return this.views[0];
  }

  place(cell) {
    return this.cells.indexOf(cell);
  }

  begin(name) {
    if (!name || /[<>]/.test(name)) {
      byId("who-said").textContent = "A name without < and > is needed: it stands beside each label.";
      byId("name").focus();
      return;
    }
    this.keepNote(this.view); // that of whoever labelled before
    this.labels.open(name);
    if (this.view) this.view.note.value = this.labels.of(this.view.cell)?.note ?? "";
    byId("who-said").textContent = `The labels of ${name} are kept in this browser as you go, and no others are shown.`;
    byId("name").blur();
    this.choose(this.nextOpen(-1) ?? this.cells[0]?.trajectory ?? null);
  }

  choices() {
    const words = [...this.data.words.map((word, place) => [String(place + 1), word, inWords(word)]), ["0", NEITHER, "neither"], ["x", CANNOT_TELL, "cannot tell"]];
    for (const [key, word, text] of words) {
      const button = element("button", { type: "button", "data-word": word, "aria-pressed": "false" }, element("kbd", { text: key }), element("span", { text }));
      button.addEventListener("click", (event) => {
        if (event.detail) button.blur(); // else the next Space would press it again
        this.label(word);
      });
      byId("choices").append(button);
    }
  }

  async fromAddress() {
    readAddress();
    applyTheme();
    if (!this.byName.has(STATE.cell)) STATE.cell = this.cells[0]?.trajectory ?? null;
    await this.open();
    if (this.labels.by === null) byId("name").focus();
  }

  async open() {
    const turn = ++this.opening;
    this.isBusy(true);
    const parts = await this.unpack(this.byName.get(STATE.cell));
    if (turn !== this.opening) return;
    this.views.forEach((view) => view.close());
    this.views = [new LabelView(this, ...parts)];
    byId("cell-views").replaceChildren(this.view.root);
    this.view.show(STATE.frame ?? this.labels.of(this.view.cell)?.event_frame ?? this.view.cell.last_frame);
    document.body.dataset.cell = STATE.cell;
    this.since = performance.now();
    this.changed();
    writeAddress();
    this.isBusy(false);
  }

  isBusy(busy) {
    this.busy = busy;
    byId("cell-views").setAttribute("aria-busy", String(busy));
  }

  // Show what the labels are now.
  changed() {
    this.lists.draw();
    if (!this.view) return;
    const word = this.labels.of(this.view.cell)?.outcome ?? null;
    for (const button of byId("choices").children) button.setAttribute("aria-pressed", String(button.dataset.word === word));
    this.view.draw();
  }

  say(text) {
    byId("said").textContent = text;
  }

  choose(name) {
    if (name === null) return undefined;
    this.keepNote(this.view);
    [STATE.cell, STATE.frame] = [name, null];
    return this.open();
  }

  move(step) {
    const place = this.place(this.view.cell) + step;
    if (this.cells[place]) this.choose(this.cells[place].trajectory);
    else this.say(step > 0 ? "This is the last cell." : "This is the first cell.");
  }

  // The next cell after a place that has no label, round from the end to the start; null where all have one.
  nextOpen(place) {
    const cells = [...this.cells.slice(place + 1), ...this.cells.slice(0, place + 1)];
    return cells.find((cell) => !this.labels.isLabelled(cell))?.trajectory ?? null;
  }

  // Whether a label is meant for the cell that is seen; else says why not.
  isMeant() {
    if (this.labels.by === null) {
      byId("who-said").textContent = "Your name first: it stands beside each label.";
      byId("name").focus();
      return false;
    }
    if (!this.view || this.busy || performance.now() - this.since < LEAST_LOOK) {
      this.say("Not taken: this cell had only just come.");
      return false;
    }
    return true;
  }

  label(word) {
    if (!this.isMeant()) return;
    const { cell, frame } = this.view;
    const event = EVENTLESS_LABELS.includes(word) ? null : frame;
    this.labels.set(cell, { outcome: word, event_frame: event, note: this.view.note.value.trim() || null });
    const next = this.nextOpen(this.place(cell));
    this.say(`${cell.trajectory}: ${inWords(word)}${event === null ? "" : `, event in frame ${event}`}. z takes it back.${next ? "" : " All cells are labelled: download them (s)."}`);
    if (next) this.choose(next);
    else this.changed();
  }

  async undo() {
    if (this.labels.by === null) return;
    const cell = this.labels.undo();
    if (cell === null) return this.say("There is nothing to take back.");
    this.view.note.value = this.labels.of(this.view.cell)?.note ?? "";
    await this.choose(cell.trajectory);
    const label = this.labels.of(cell)?.outcome;
    this.say(`Taken back: ${cell.trajectory} ${label ? `is ${inWords(label)} again` : "has no label"}.`);
  }

  clear() {
    if (!this.isMeant() || !this.labels.of(this.view.cell)) return;
    this.labels.clear(this.view.cell);
    this.view.note.value = "";
    this.changed();
    this.say(`${this.view.cell.trajectory} has no label. z takes that back.`);
  }

  keepNote(view) {
    if (!view || this.labels.by === null) return;
    const note = view.note.value.trim() || null;
    if (note === (this.labels.of(view.cell)?.note ?? null)) return;
    this.labels.set(view.cell, { note });
    this.changed();
  }

  download() {
    this.keepNote(this.view);
    this.labels.download();
    this.changed();
  }

  async load() {
    const [file] = byId("file").files;
    byId("file").value = "";
    if (!file) return;
    try {
      this.say(resume(this.labels, await file.text()));
      await this.choose(this.nextOpen(-1) ?? STATE.cell);
    } catch (error) {
      this.say(`${file.name} was not taken: ${error.message}.`);
    }
  }

  // All channels, then each of them alone.
  turnChannels() {
    const settings = this.settingsOf(this.view.cell.facts);
    this.alone = this.alone + 1 < settings.length ? this.alone + 1 : -1;
    settings.forEach((one, place) => {
      one.on = this.alone < 0 || place === this.alone;
      for (const box of document.querySelectorAll(`input[data-channel="${place}"]`)) box.checked = one.on;
    });
    this.coloured();
  }

  // A key that is held down moves on, but labels, takes back and plays once only.
  action(event) {
    const { view } = this;
    if (!view) return event.key === "?" ? () => byId("help").showModal() : undefined;
    const far = event.shiftKey ? 10 : 1;
    const moving = { ArrowRight: () => view.step(far), ArrowLeft: () => view.step(-far), ArrowDown: () => this.move(1), ArrowUp: () => this.move(-1) };
    const held = moving[event.key];
    if (held) return held;
    const act = this.once(event);
    return act && event.repeat ? () => {} : act;
  }

  once(event) {
    const { view } = this;
    const digit = digitOf(event);
    if (digit === 0) return () => this.label(NEITHER);
    if (digit !== null) return this.data.words[digit - 1] && (() => this.label(this.data.words[digit - 1]));
    return {
      x: () => this.label(CANNOT_TELL),
      z: () => this.undo(),
      delete: () => this.clear(),
      home: () => view.seek(view.content.frames[0]),
      end: () => view.seek(view.cell.last_frame),
      " ": () => view.toggle(),
      g: () => this.choose(this.nextOpen(this.place(view.cell))),
      n: () => view.note.focus(),
      c: () => this.turnChannels(),
      s: () => this.labels.labelled().length && this.download(),
      o: () => this.labels.by !== null && byId("file").click(),
      t: () => this.turnTheme(),
      "?": () => byId("help").showModal(),
    }[event.key.toLowerCase()];
  }
}

// The digit of a key; on keyboards that have digits with Shift only, the key that bears it.
function digitOf(event) {
  if (/^\d$/.test(event.key)) return Number(event.key);
  const bears = /^Digit(\d)$/.exec(event.code);
  return bears && !event.shiftKey ? Number(bears[1]) : null;
}

openPage((data) => new LabelPage(data));
