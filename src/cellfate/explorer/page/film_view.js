// A cell's film with what moves it: frames, play, channels. What else is shown of the cell, pages add.

class FilmView {
  constructor(app, cell, content, field) {
    Object.assign(this, { app, cell, content, data: app.data, frame: content.frames[0], timer: null });
    this.film = new Film(content.frames, content.images, content.strip, (frame) => this.seek(frame));
    this.field = field && new FieldView(field, cell);
    this.observer = new ResizeObserver(() => this.resized());
  }

  // What the arrows go through.
  get steps() {
    return this.content.frames;
  }

  get last() {
    return this.steps.at(-1);
  }

  seek(frame) {
    this.show(frame);
  }

  close() {
    this.stop();
    this.observer.disconnect();
    this.root.remove();
  }

  pictures() {
    const button = (text, label, act) => element("button", { type: "button", text, "aria-label": label, onclick: act });
    this.slider = element("input", { type: "range", min: 0, max: this.steps.length - 1, step: 1, value: 0, "aria-label": "Frame" });
    this.slider.addEventListener("input", () => this.seek(this.steps[Number(this.slider.value)]));
    this.playing = button("▶", "Play", () => this.toggle());
    const controls = element("div", { class: "controls" }, button("◀", "Frame before", () => this.step(-1)), this.playing, button("▶|", "Next frame", () => this.step(1)), this.slider);
    this.now = element("dl", { class: "now", "aria-label": "At this frame" });
    const film = element("div", { class: "film" }, this.film.large, controls);
    const beside = element("div", { class: "beside-film" }, this.now, this.channels());
    const parts = [film, beside];
    if (this.field) parts.push(element("figure", {}, this.field.canvas, this.field.words));
    return element("div", {}, element("div", { class: "pictures" }, ...parts), this.film.along);
  }

  channels() {
    const box = element("fieldset", { class: "channels" }, element("legend", { text: "Channels" }));
    this.app.settingsOf(this.cell.facts).forEach((settings, place) => {
      const name = inWords(this.cell.facts.channels[place]);
      const change = (key, value) => {
        settings[key] = value;
        this.app.coloured();
      };
      const on = element("input", { type: "checkbox", "data-channel": place });
      on.checked = settings.on;
      on.addEventListener("change", () => change("on", on.checked));
      const tinted = element("input", { type: "color", value: settings.colour, "aria-label": `Colour of ${name}` });
      tinted.addEventListener("input", () => change("colour", tinted.value));
      const ends = ["low", "high"].map((key) => {
        const range = element("input", { type: "range", min: 0, max: 255, step: 1, value: settings[key], "aria-label": `${name}: ${key === "low" ? "black" : "full colour"} at` });
        range.addEventListener("input", () => change(key, Number(range.value)));
        return range;
      });
      box.append(element("div", { class: "channel" }, element("label", {}, on, ` ${name}`), tinted, ...ends));
    });
    return box;
  }

  resized() {
    const width = Math.floor(this.root.clientWidth) - 24;
    if (width < 100 || width === this.width) return;
    this.width = width;
    this.draw();
  }

  // Show the frame that is nearest below.
  show(frame) {
    this.frame = this.steps[Math.max(0, lastUpTo(this.steps, frame))];
    this.draw();
  }

  // Draw the film; facts are name and value of what is known at this frame.
  drawFilm(facts) {
    const settings = this.app.settingsOf(this.cell.facts);
    const words = facts.map(([name, value]) => `${name} ${value}`).join(", ");
    this.slider.value = this.steps.indexOf(this.frame);
    this.slider.setAttribute("aria-valuetext", words);
    this.film.draw(this.frame, settings, this.width, `Cell ${this.cell.trajectory}, ${words}`);
    this.field?.draw(this.frame, settings);
    this.now.replaceChildren(...facts.flatMap(([name, value]) => [element("dt", { text: name }), element("dd", { text: value })]));
    return words;
  }

  step(by) {
    const place = Math.min(this.steps.length - 1, Math.max(0, this.steps.indexOf(this.frame) + by));
    this.seek(this.steps[place]);
  }

  toggle() {
    if (this.timer) return this.stop();
    if (this.frame === this.last) this.seek(this.steps[0]);
    this.playing.textContent = "❚❚";
    this.playing.setAttribute("aria-label", "Stop");
    this.timer = setInterval(() => (this.frame === this.last ? this.stop() : this.step(1)), 1000 / FRAMES_A_SECOND);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.playing.textContent = "▶";
    this.playing.setAttribute("aria-label", "Play");
  }
}
