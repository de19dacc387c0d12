// One cell to label: its film, up to the frame after its last one, and a note.

class LabelView extends FilmView {
  constructor(app, cell, content, field) {
    super(app, cell, content, field);
    this.path = cell.ends ? [...content.frames, cell.last_frame + 1] : content.frames;
    this.root = element("article", { class: "cell", "aria-label": `Cell ${cell.trajectory}` });
    this.root.append(this.head(), this.pictures(), this.noteField());
    this.observer.observe(this.root);
  }

  // The event may be first to be seen in the frame after the track's last one, as where a mother's track ends before it divides.
  get steps() {
    return this.path;
  }

  get isAfter() {
    return this.frame > this.cell.last_frame;
  }

  head() {
    const { cell, app } = this;
    const end = cell.ends ? "the recording goes on after it" : "it reaches the recording's last frame";
    const daughters = cell.daughters === null ? "" : `; in the tracks it goes on as ${cell.daughters}`;
    return element("header", {},
      element("h2", {}, element("span", { text: cell.trajectory }), element("span", { class: "badge quiet", text: `${app.place(cell) + 1} of ${app.cells.length}` })),
      element("p", { class: "under", text: `frames ${cell.first_frame} to ${cell.last_frame}; ${end}${daughters}` }));
  }

  noteField() {
    this.note = element("input", { type: "text", maxlength: 500, autocomplete: "off" });
    this.note.value = this.app.labels.of(this.cell)?.note ?? "";
    this.note.addEventListener("change", () => this.app.keepNote(this));
    this.note.addEventListener("keydown", (event) => {
      if (["Enter", "Escape"].includes(event.key)) this.note.blur();
    });
    return element("label", { class: "note" }, "Note (n) ", this.note);
  }

  draw() {
    if (!this.width) return;
    const { frames } = this.content;
    const { cell, frame } = this;
    const which = this.isAfter ? "after its last" : `${frames.indexOf(frame) + 1} of ${frames.length}`;
    const facts = [["frame", `${frame} (${which})`], ["time", `${number(cell.hours(frame), 1)} h`]];
    const label = this.app.labels.of(cell);
    if (label?.outcome) facts.push(["label", inWords(label.outcome)]);
    if (label?.outcome && label.event_frame !== null) facts.push(["event", `frame ${label.event_frame}`]);
    this.drawFilm(facts);
    if (this.isAfter) this.drawAfter();
  }

  drawAfter() {
    const context = this.film.large.getContext("2d");
    context.fillStyle = "rgb(0 0 0 / .65)";
    context.fillRect(0, 0, LARGE, LARGE);
    context.fillStyle = "#ffffff";
    context.font = "14px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText("after the track's last frame:", LARGE / 2, LARGE / 2 - 10);
    context.fillText("there is no picture", LARGE / 2, LARGE / 2 + 12);
  }
}
