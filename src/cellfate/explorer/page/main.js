// The page: which cells are open, and what they share.

class Explorer {
  constructor(data) {
    Object.assign(this, { data, cells: cellsOf(data), views: [], channels: new Map(), opening: 0 });
    this.byName = new Map(this.cells.map((cell) => [cell.trajectory, cell]));
    this.marks = data.corrections ? new Marks(data, this.cells) : null;
    this.table = new CellTable(data, this.cells, (name) => this.choose(name));
    byId("marks").hidden = !this.marks;
    byId("download").addEventListener("click", () => this.marks.download());
    byId("theme").addEventListener("click", () => this.turnTheme());
    byId("skip").addEventListener("click", (event) => {
      event.preventDefault();
      byId("cell-views").focus();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.themed());
    window.addEventListener("hashchange", () => this.fromAddress());
    this.table.drawn = () => this.marked();
    listenToKeys(this);
    this.about();
  }

  about() {
    const { data } = this;
    const title = `${data.title}, ${inWords(data.outcomes.negative)} or ${inWords(data.outcomes.positive)}`;
    byId("title").textContent = title;
    byId("rule").textContent = data.rule.join(" ");
    byId("about").textContent = data.software;
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

  async unpack(cell) {
    return [cell, ...(await Promise.all([block("cell", cell.place), block("field", cell.recording)]))];
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

  // Colour and contrast of the channels, the same for all recordings with these channels.
  settingsOf(facts) {
    const key = facts.channels.join("\n");
    if (!this.channels.has(key)) {
      const tints = this.data.tints[Math.min(facts.channels.length, this.data.tints.length) - 1];
      const start = (_, place) => ({ on: STATE.channels?.[place] ?? true, colour: tints[place % tints.length], low: 0, high: 255 });
      this.channels.set(key, facts.channels.map(start));
    }
    return this.channels.get(key);
  }

  turnChannel(place) {
    const settings = this.views[0] && this.settingsOf(this.views[0].cell.facts)[place];
    if (!settings) return;
    settings.on = !settings.on;
    for (const box of document.querySelectorAll(`input[data-channel="${place}"]`)) box.checked = settings.on;
    this.coloured();
  }

  coloured() {
    if (this.views[0]) STATE.channels = this.settingsOf(this.views[0].cell.facts).map((one) => one.on);
    this.views.forEach((view) => view.draw());
    writeAddress();
  }

  baseline(methods) {
    return STATE.baseline !== null && [...methods, "none"].includes(STATE.baseline) ? STATE.baseline : methods.find((one) => one.endsWith("_prefix")) ?? methods[0];
  }

  chooseBaseline(method) {
    STATE.baseline = method;
    writeAddress();
  }

  turnTheme() {
    STATE.theme = isDark() ? "light" : "dark";
    this.themed();
    writeAddress();
  }

  themed() {
    applyTheme();
    this.views.forEach((view) => view.draw());
  }
}

async function start() {
  const app = new Explorer(await unpacked(byId("table").textContent));
  const print = (on) => {
    printing = on;
    app.themed();
  };
  window.addEventListener("beforeprint", () => print(true));
  window.addEventListener("afterprint", () => print(false));
  await app.fromAddress();
  document.body.dataset.ready = "true";
}

start().catch((error) => {
  document.body.prepend(element("p", { class: "failed", role: "alert", text: `The page could not be shown: ${error.message}. It needs a browser of 2023 or newer.` }));
  throw error;
});
