// What all pages of cells share: which views are open, in which colours.

class Shown {
  constructor(data) {
    Object.assign(this, { data, cells: cellsOf(data), views: [], channels: new Map(), opening: 0 });
    this.byName = new Map(this.cells.map((cell) => [cell.trajectory, cell]));
    byId("title").textContent = data.title;
    byId("rule").textContent = data.rule.join(" ");
    byId("about").textContent = data.software;
    byId("theme").addEventListener("click", () => this.turnTheme());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.themed());
    window.addEventListener("hashchange", () => this.fromAddress());
  }

  async unpack(cell) {
    return [cell, ...(await Promise.all([block("cell", cell.place), block("field", cell.recording)]))];
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

  coloured() {
    if (this.views[0]) STATE.channels = this.settingsOf(this.views[0].cell.facts).map((one) => one.on);
    this.views.forEach((view) => view.draw());
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

async function start(make) {
  const app = make(await unpacked(byId("table").textContent));
  const print = (on) => {
    printing = on;
    app.themed();
  };
  window.addEventListener("beforeprint", () => print(true));
  window.addEventListener("afterprint", () => print(false));
  await app.fromAddress();
  document.body.dataset.ready = "true";
}

function openPage(make) {
  start(make).catch((error) => {
    document.body.prepend(element("p", { class: "failed", role: "alert", text: `The page could not be shown: ${error.message}. It needs a browser of 2023 or newer.` }));
    throw error;
  });
}
