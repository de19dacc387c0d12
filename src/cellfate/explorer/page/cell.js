// One cell: its film, what was said of it over time, its lineage, and where it is in its frame.

class CellView extends FilmView {
  constructor(app, cell, content, field) {
    super(app, cell, content, field);
    this.charts = new Charts(this.axis(), this.marks(), (hours) => app.seek(this, Math.round(hours / cell.facts.hours)));
    this.root = element("article", { class: "cell", "aria-label": `Cell ${cell.trajectory}` });
    this.root.append(this.head(), this.pictures(), this.overTime(), this.family());
    if (app.marks) this.root.append(markForm(app, this));
    this.observer.observe(this.root);
  }

  seek(frame) {
    this.app.seek(this, frame);
  }

  axis() {
    const { cell } = this;
    const end = Math.max(this.last, cell.event_frame ?? 0);
    return new HourAxis(cell.hours(this.content.frames[0]), cell.hours(end));
  }

  marks() {
    const { cell } = this;
    const marks = [];
    if (cell.facts.drug !== null) marks.push({ hours: cell.facts.drug, label: "drug", colour: "drug" });
    if (cell.event_frame !== null) marks.push({ hours: cell.hours(cell.event_frame), label: inWords(cell.outcome), colour: outcomeColour(this.data, cell.outcome) });
    const { low, high } = this.charts?.axis ?? this.axis();
    return marks.filter((mark) => mark.hours >= low && mark.hours <= high).sort((a, b) => a.hours - b.hours);
  }

  head() {
    const { cell, data, app } = this;
    const words = [];
    if (cell.call !== null) {
      const right = cell.right === null ? "" : cell.right ? ", right ✓" : ", wrong ✗";
      words.push(`called ${inWords(cell.call)} (probability of ${inWords(data.outcomes.positive)} ${number(cell.probability, 2)})${right}`);
      words.push(`set: ${setInWords(data, cell.set)}`);
    }
    if (cell.lead_hours !== null) words.push(`right since ${number(cell.lead_hours, 1)} h before the end`);
    const drug = cell.facts.drug === null ? "" : `, drug at ${number(cell.facts.drug, 1)} h`;
    const treated = [cell.treatment, cell.dose].filter((one) => one !== null).map((one) => (one === "none" ? "no treatment" : inWords(one))).join(", ");
    const button = app.views[0] && app.views[0] !== this && STATE.beside === cell.trajectory;
    return element("header", {},
      element("h2", {}, element("span", { text: cell.trajectory }), element("span", { class: `badge ${outcomeColour(data, cell.outcome)}`, text: inWords(cell.fate) })),
      element("p", { text: words.join("; ") || "nothing is predicted of it by the network" }),
      element("p", { class: "under", text: `${treated}${drug}; track ${cell.track_id} of ${cell.facts.name}, frames ${cell.first_frame} to ${cell.last_frame}` }),
      button ? element("button", { type: "button", text: "Close (x)", onclick: () => app.beside(null) })
        : element("button", { type: "button", text: "Keep beside (c)", onclick: () => app.beside(cell.trajectory) }));
  }

  overTime() {
    const { content } = this;
    const choices = element("div", { class: "choices" });
    const methods = Object.keys(content.baselines ?? {});
    if (methods.length && content.network) {
      this.baseline = this.select("Baseline beside the network", [["none", "none"], ...methods.map((one) => [one, this.data.methods[one]])], this.app.baseline(methods));
      choices.append(this.baseline.parentElement);
    }
    const features = Object.keys(content.features?.values ?? {});
    if (features.length) {
      this.feature = this.select("Feature", features.map((one) => [one, this.data.features[one]]), features[0]);
      choices.append(this.feature.parentElement);
    }
    return element("div", { class: "over-time" }, choices, this.charts.canvas);
  }

  select(label, options, chosen) {
    const made = element("select", {}, ...options.map(([value, text]) => element("option", { value, text })));
    made.value = chosen;
    made.addEventListener("change", () => {
      if (made === this.baseline) this.app.chooseBaseline(made.value);
      this.draw();
    });
    element("label", {}, `${label} `, made);
    return made;
  }

  family() {
    this.tree = element("div", { class: "family" });
    return this.tree;
  }

  resized() {
    const before = this.width;
    super.resized();
    if (this.width === before) return;
    const tree = lineage(this.data, this.cell, this.app.cells, this.width, (name) => this.app.choose(name));
    this.tree.replaceChildren(...(tree ? [element("h3", { text: "Lineage" }), tree] : []));
  }

  draw() {
    if (!this.width) return;
    const words = this.drawFilm(this.factsNow());
    const panels = panelsOf(this.data, this.cell, this.content, this.baseline?.value);
    const feature = this.feature && featurePanel(this.data, this.cell, this.content, this.feature.value);
    this.charts.panels = feature ? [...panels, feature] : panels;
    this.charts.draw(this.width, this.cell.hours(this.frame), `Over time, now at ${words}`);
  }

  // What is known at this frame: name and value of each.
  factsNow() {
    const { content, cell, data, frame } = this;
    const place = content.frames.indexOf(frame);
    const facts = [["frame", `${frame} (${place + 1} of ${content.frames.length})`], ["time", `${number(cell.hours(frame), 1)} h`]];
    const { network, risks } = content;
    const at = network ? lastUpTo(network.frame, frame) : -1;
    const positive = inWords(data.outcomes.positive);
    if (network) facts.push([`p ${positive}`, at < 0 ? "not yet" : number(network.probability[at], 2)], ["set", at < 0 ? "not yet" : setInWords(data, network.set[at])]);
    const then = risks ? lastUpTo(risks.frame, frame) : -1;
    if (then >= 0) {
      risks.hours.forEach((hours, ahead) => {
        if (!hoursShown(risks).includes(hours)) return;
        const pair = [risks.negative, risks.positive].map((one) => number(one[ahead][then], 2));
        facts.push([`within ${hours} h`, `${inWords(data.outcomes.negative)} ${pair[0]}, ${positive} ${pair[1]}`]);
      });
    }
    const link = content.links ? content.links.frame.indexOf(frame) : -1;
    if (link >= 0) {
      const { wrong, rival, confidence } = content.links;
      const perhaps = wrong[link] >= DOUBTFUL && rival[link] !== null ? `, perhaps the cell of track ${rival[link]}` : "";
      facts.push(["one cell", number(confidence[link], 2)]);
      if (wrong[link] >= DOUBTFUL) facts.push(["link", `wrong with probability ${number(wrong[link], 2)}${perhaps}`]);
    }
    if (cell.event_frame !== null && frame >= cell.event_frame) facts.push(["event", `${inWords(cell.outcome)} since ${number(cell.hours(frame - cell.event_frame), 1)} h`]);
    return facts;
  }
}
