// The page: which cells are open, and what they share.

class Explorer extends Shown {
  constructor(data) {
    super(data);
    this.marks = data.corrections ? new Marks(data, this.cells) : null;
    this.table = new CellTable(data, this.cells, (name) => this.choose(name));
    byId("marks").hidden = !this.marks;
    byId("download").addEventListener("click", () => this.marks.download());
    byId("skip").addEventListener("click", (event) => {
      event.preventDefault();
      byId("cell-views").focus();
    });
    this.table.drawn = () => this.marked();
    listenToKeys(KEYS, (event) => actions(this, event)[event.key]);
    this.about();
  }

  about() {
    const { data } = this;
    const title = `${data.title}, ${inWords(data.outcomes.negative)} or ${inWords(data.outcomes.positive)}`;
    byId("title").textContent = title;
    byId("notes").append(...data.notes.map((note) => element("li", { text: note })));
  }

  async fromAddress() {
    readAddress();
    applyTheme();
    this.table.draw();
    byId("missing").textContent = STATE.cell !== null && !this.byName.has(STATE.cell) ? `Cell ${STATE.cell} is not on this page.` : "";
    if (!this.byName.has(STATE.cell)) STATE.cell = this.table.shown[0]?.trajectory ?? null;
    await this.open();
  }

  // Open the cells that the state names; a later call overtakes one that still unpacks.
  async open() {
    const turn = ++this.opening;
    const names = [STATE.cell, STATE.beside].filter((name, place, all) => this.byName.has(name) && all.indexOf(name) === place);
    const parts = await Promise.all(names.map((name) => this.unpack(this.byName.get(name))));
    if (turn !== this.opening) return;
    this.views.forEach((view) => view.close());
    this.views = [];
    for (const [cell, content, field] of parts) this.views.push(new CellView(this, cell, content, field));
    byId("cell-views").replaceChildren(...this.views.map((view) => view.root));
    document.body.classList.toggle("two", this.views.length > 1);
    if (!this.views.length) byId("cell-views").append(element("p", { class: "none", text: this.cells.length ? "No cell passes the filters." : "There is no cell." }));
    this.table.mark();
    this.marked();
    this.views.forEach((view) => view.show(STATE.frame ?? view.cell.last_frame));
    document.body.dataset.cell = STATE.cell ?? "";
    writeAddress();
  }

  // How many cells are marked, and which, after a change.
  marked() {
    if (!this.marks) return;
    const count = this.marks.rows().length;
    const kept = this.marks.lost ? " This browser keeps them only while the page is open." : "";
    byId("marks-count").textContent = `${count} marked as wrong.${kept}`;
    byId("download").disabled = count === 0 && this.marks.own.size === 0;
    for (const row of byId("rows").children) row.classList.toggle("marked", this.marks.of(this.byName.get(row.dataset.cell)) !== null);
  }

  toMark(view) {
    const details = view.root.querySelector(".marking");
    if (!details) return;
    details.open = true;
    details.querySelector("select").focus();
  }

  choose(name) {
    if (name === null) return;
    [STATE.cell, STATE.frame] = [name, null];
    byId("spoken").textContent = `Cell ${name}`;
    this.open();
  }

  beside(name) {
    STATE.beside = name;
    this.open();
  }

  move(step, wanted) {
    const name = this.table.next(step, wanted);
    if (name !== null) this.choose(name);
    else byId("spoken").textContent = "There is no such cell.";
  }

  // Show a frame; a second cell shows the same hours.
  seek(view, frame) {
    view.show(frame);
    if (view === this.views[0]) STATE.frame = view.frame;
    const hours = view.cell.hours(view.frame);
    for (const other of this.views) if (other !== view) other.show(Math.round(hours / other.cell.facts.hours));
    writeAddress();
  }

  turnChannel(place) {
    const settings = this.views[0] && this.settingsOf(this.views[0].cell.facts)[place];
    if (!settings) return;
    settings.on = !settings.on;
    for (const box of document.querySelectorAll(`input[data-channel="${place}"]`)) box.checked = settings.on;
    this.coloured();
  }

  baseline(methods) {
    return STATE.baseline !== null && [...methods, "none"].includes(STATE.baseline) ? STATE.baseline : methods.find((one) => one.endsWith("_prefix")) ?? methods[0];
  }

  chooseBaseline(method) {
    STATE.baseline = method;
    writeAddress();
  }
}

openPage((data) => new Explorer(data));
