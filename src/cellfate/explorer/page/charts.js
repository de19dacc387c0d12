// Panels below one another over hours: probability and set, risks, what the prediction rests on, features.

const PANEL = 92; // pixels of height
const SLIM = 58;
const BETWEEN = 32; // title, and the set below
const TITLE = 20;
const DOUBTFUL = 0.05; // probability of a wrong link from which on it is drawn

// panels = [{ title, height, low, high, lines: [{ x, y, colour, dash, width, label, dots }], band, unit }]
class Charts {
  constructor(axis, marks, seek) {
    Object.assign(this, { axis, marks, seek, panels: [] });
    this.canvas = element("canvas", { role: "img", class: "charts", tabindex: "-1" });
    const at = (event) => this.seek(this.axis.hours(event.offsetX, this.canvas.clientWidth));
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      at(event);
    });
    this.canvas.addEventListener("pointermove", (event) => event.buttons && at(event));
  }

  draw(width, hours, words) {
    const heights = this.panels.map((panel) => panel.height + BETWEEN);
    const total = heights.reduce((sum, one) => sum + one, 0) + 46;
    const context = sized(this.canvas, width, total);
    context.font = "11px system-ui, sans-serif";
    this.canvas.setAttribute("aria-label", words);
    let top = 0;
    this.panels.forEach((panel, place) => {
      this.panel(context, panel, top + TITLE, width);
      this.upright(context, top + TITLE, panel.height, width, hours);
      top += heights[place];
    });
    this.markWords(context, width, top);
    this.bottom(context, width, top);
  }

  panel(context, panel, top, width) {
    const y = (value) => top + panel.height - ((value - panel.low) / (panel.high - panel.low || 1)) * panel.height;
    context.fillStyle = colour("text");
    context.textAlign = "left";
    context.textBaseline = "alphabetic";
    let place = LEFT;
    context.fillText(panel.title, place, top - 7);
    place += context.measureText(panel.title).width + 14;
    for (const line of panel.lines) place = this.legend(context, line, place, top - 7, width);
    context.strokeStyle = colour("faint");
    context.lineWidth = 1;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const value of panel.ticks ?? roundNumbers(panel.low, panel.high, 3)) {
      context.fillStyle = colour("quiet");
      context.fillText(String(value), LEFT - 6, y(value));
      context.beginPath();
      context.moveTo(LEFT, y(value));
      context.lineTo(width - RIGHT, y(value));
      context.stroke();
    }
    if (panel.band) this.band(context, panel.band, top, panel.height, width);
    for (const line of panel.lines) this.line(context, line, y, width);
  }

  legend(context, line, place, y, width) {
    if (!line.label) return place;
    const needed = context.measureText(line.label).width + 34;
    if (place + needed > width - RIGHT) return place;
    context.strokeStyle = context.fillStyle = line.colour;
    context.setLineDash(line.dash ?? []);
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(place, y - 4);
    context.lineTo(place + 18, y - 4);
    context.stroke();
    context.setLineDash([]);
    context.fillStyle = colour("text");
    context.fillText(line.label, place + 22, y);
    return place + needed;
  }

  // The set at each frame: colour where it holds one outcome, hatched grey where it cannot tell.
  band(context, band, top, height, width) {
    band.x.forEach((hours, place) => {
      const end = band.x[place + 1] ?? hours + band.step;
      const [from, to] = [this.axis.x(hours, width), Math.min(this.axis.x(end, width), width - RIGHT)];
      const fill = band.colours[band.set[place]];
      if (!fill) return;
      context.globalAlpha = band.set[place] === 3 ? 0.35 : 0.85;
      context.fillStyle = fill;
      context.fillRect(from, top + height + 2, Math.max(0.5, to - from), 5);
      context.globalAlpha = 1;
    });
  }

  line(context, line, y, width) {
    context.strokeStyle = context.fillStyle = line.colour;
    context.lineWidth = line.width ?? 1.6;
    context.setLineDash(line.dash ?? []);
    context.beginPath();
    let pen = false;
    line.x.forEach((hours, place) => {
      const value = line.y[place];
      if (value === null || value === undefined) {
        pen = false;
        return;
      }
      const far = pen && line.step && hours - line.x[place - 1] > line.step * 1.5;
      context[pen && !far ? "lineTo" : "moveTo"](this.axis.x(hours, width), y(value));
      pen = true;
    });
    context.stroke();
    context.setLineDash([]);
    if (!line.dots && line.x.length > 1) return;
    line.x.forEach((hours, place) => {
      if (line.y[place] === null) return;
      context.beginPath();
      context.arc(this.axis.x(hours, width), y(line.y[place]), 2.2, 0, 7);
      context.fill();
    });
  }

  // The drug, the event and the frame that is shown, as upright lines through a panel.
  upright(context, top, height, width, hours) {
    const lines = this.marks.map((mark) => [mark.hours, colour(mark.colour), [4, 3], 1.2]);
    for (const [at, stroke, dash, wide] of [...lines, [hours, colour("now"), [], 1.5]]) {
      const x = this.axis.x(at, width);
      context.strokeStyle = stroke;
      context.lineWidth = wide;
      context.setLineDash(dash);
      context.beginPath();
      context.moveTo(x, top);
      context.lineTo(x, top + height);
      context.stroke();
      context.setLineDash([]);
    }
  }

  // Their words below the hours.
  markWords(context, width, bottom) {
    let before = -Infinity;
    for (const mark of this.marks) {
      const x = this.axis.x(mark.hours, width);
      context.fillStyle = colour("text");
      context.textBaseline = "top";
      const wide = context.measureText(mark.label).width;
      const left = Math.max(before + 8, Math.min(Math.max(LEFT, x - wide / 2), width - wide - 2));
      context.textAlign = "left";
      context.fillText(mark.label, left, bottom + 18);
      before = left + wide;
    }
  }

  bottom(context, width, top) {
    context.fillStyle = colour("quiet");
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const hours of this.axis.ticks(width)) context.fillText(String(hours), this.axis.x(hours, width), top + 3);
    context.textAlign = "right";
    context.fillText("hours", width - 2, top + 32);
  }
}

// The panels of a cell from its series.
function panelsOf(data, cell, series, baseline) {
  const hours = (frames) => frames.map((frame) => cell.hours(frame));
  const [negative, positive] = [colour("negative"), colour("positive")];
  const [first, second] = [inWords(data.outcomes.negative), inWords(data.outcomes.positive)];
  const step = cell.facts.hours;
  const found = [];
  const unit = { height: PANEL, low: 0, high: 1, ticks: [0, 0.5, 1] };
  if (series.network) {
    const { frame, probability, set } = series.network;
    const lines = [{ x: hours(frame), y: probability, colour: positive, width: 2, label: "network" }];
    const said = series.baselines?.[baseline];
    if (said) lines.push({ x: hours(said.frame), y: said.probability, colour: colour("quiet"), dash: [4, 3], dots: true, label: data.methods[baseline] });
    const band = { x: hours(frame), set, step, colours: [null, negative, positive, colour("quiet")] };
    found.push({ ...unit, title: `Probability of ${second}`, lines, band });
  }
  for (const ahead of hoursShown(series.risks)) {
    const place = series.risks.hours.indexOf(ahead);
    const x = hours(series.risks.frame);
    const lines = [
      { x, y: series.risks.negative[place], colour: negative, dash: [6, 2], label: first, step },
      { x, y: series.risks.positive[place], colour: positive, label: second, step },
    ];
    found.push({ ...unit, height: SLIM + 12, title: `Within ${ahead} h`, lines });
  }
  if (series.rests_on) found.push(...restsOn(series.rests_on, hours, step, second));
  if (series.links) found.push(oneCell(series.links, hours, step));
  return found;
}

// How likely the track is one cell up to each frame, and its doubtful links as upright strokes.
function oneCell(rows, hours, step) {
  const x = hours(rows.frame);
  const strokes = rows.wrong.flatMap((wrong, place) => (wrong >= DOUBTFUL ? [{ x: [x[place], x[place]], y: [0, wrong], colour: colour("quiet"), width: 3 }] : []));
  if (strokes.length) strokes[0].label = "doubtful link";
  const line = { x, y: rows.confidence, colour: colour("text"), step, label: strokes.length ? "one cell" : "" };
  return { title: "Probability that the track is one cell", height: SLIM - 14, low: 0, high: 1, ticks: [0, 1], lines: [line, ...strokes] };
}

function restsOn(rows, hours, step, positive) {
  const found = [];
  const x = hours(rows.frame);
  if (rows.occlusion.some((value) => value !== null)) {
    const most = Math.max(0.1, ...rows.occlusion.map((value) => Math.abs(value ?? 0)));
    const line = { x, y: rows.occlusion, colour: colour("text"), step };
    found.push({ title: `Log-odds of ${positive} lost without the frames around`, height: SLIM, low: -most, high: most, ticks: [0], lines: [line] });
  }
  const line = { x, y: rows.attention, colour: colour("attention"), step };
  found.push({ title: "Attention to the frame (scaled)", height: SLIM - 14, low: 0, high: 1, ticks: [0, 1], lines: [line] });
  return found;
}

function featurePanel(data, cell, series, name) {
  const values = series.features?.values[name];
  if (!values) return null;
  const known = values.filter((value) => value !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const x = series.features.frame.map((frame) => cell.hours(frame));
  const line = { x, y: values, colour: colour("text"), step: cell.facts.hours };
  return { title: data.features[name], height: SLIM, low, high: high > low ? high : low + 1, lines: [line] };
}
