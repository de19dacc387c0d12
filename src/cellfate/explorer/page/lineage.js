// The lineage of a cell as a tree over hours: a line for each track, marks where it ended, and what was predicted.

const SVG = "http://www.w3.org/2000/svg";
const ROW = 22;

function drawn(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// The tracks of the cell's family, mother before daughters: [{ track, parent, first, last, outcome, event }].
function familyOf(data, cell) {
  const table = data.relatives[cell.recording];
  const rows = table.track_id.map((track, place) => ({
    track,
    parent: table.parent_id[place],
    first: table.first_frame[place],
    last: table.last_frame[place],
    outcome: table.outcome[place],
    event: table.event_frame[place],
  }));
  const byTrack = new Map(rows.map((row) => [row.track, row]));
  let founder = byTrack.get(cell.track_id);
  const seen = new Set();
  while (founder && byTrack.has(founder.parent) && !seen.has(founder.track)) {
    seen.add(founder.track);
    founder = byTrack.get(founder.parent);
  }
  const found = [];
  const add = (row, depth) => {
    if (found.includes(row) || depth > 60) return;
    const daughters = rows.filter((one) => one.parent === row.track);
    const half = Math.ceil(daughters.length / 2);
    daughters.slice(0, half).forEach((one) => add(one, depth + 1));
    found.push(row);
    daughters.slice(half).forEach((one) => add(one, depth + 1));
  };
  if (founder) add(founder, 0);
  return found;
}

function outcomeColour(data, outcome) {
  return outcome === data.outcomes.negative ? "negative" : outcome === data.outcomes.positive ? "positive" : "quiet";
}

function lineage(data, cell, cells, width, choose) {
  const family = familyOf(data, cell);
  if (family.length < 2) return null;
  const hours = (frame) => cell.hours(frame);
  const axis = new HourAxis(hours(Math.min(...family.map((one) => one.first))), hours(Math.max(...family.map((one) => one.event ?? one.last))));
  const words = measured(family.map((row) => wordsOf(cell, cells, row)));
  const room = Math.max(0.4 * width, width - words.widest - 6); // words of each track stand on the right, as wide as they are
  const svg = drawn("svg", { width, height: family.length * ROW + 8, class: "lineage", role: "group", "aria-label": `Lineage of ${cell.trajectory}` });
  const places = new Map(family.map((row, place) => [row.track, place]));
  const y = (track) => places.get(track) * ROW + ROW / 2 + 4;
  for (const row of family) {
    if (places.has(row.parent)) {
      const x = axis.x(hours(row.first), room);
      svg.append(drawn("path", { d: `M ${x} ${y(row.parent)} V ${y(row.track)}`, class: "branch" }));
    }
    svg.append(branch(data, cell, cells, row, { axis, room, hours, y: y(row.track), choose, fits: (text) => words.cut(text, width - room - 6) }));
  }
  return svg;
}

const ofTrack = (cell, cells, row) => cells.find((one) => one.recording === cell.recording && one.track_id === row.track);

function wordsOf(cell, cells, row) {
  const known = ofTrack(cell, cells, row);
  const called = known?.call ? `, called ${inWords(known.call)} ${number(known.probability, 2)}` : "";
  return `${row.track} ${inWords(fateOf(cell.facts, row.outcome))}${called}`;
}

// How wide the widest of some texts is, in pixels, in the bold face of the chosen one; and a text cut to a width.
function measured(texts) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `700 11px ${getComputedStyle(document.body).fontFamily}`;
  const wide = (text) => pen.measureText(text).width;
  const cut = (text, width) => {
    if (wide(text) <= width) return text;
    let n = text.length;
    while (n > 1 && wide(`${text.slice(0, n)}…`) > width) n -= 1;
    return `${text.slice(0, n)}…`;
  };
  return { widest: Math.max(...texts.map(wide)), cut };
}

function branch(data, cell, cells, row, { axis, room, hours, y, choose, fits }) {
  const known = ofTrack(cell, cells, row);
  const kind = outcomeColour(data, row.outcome);
  const group = drawn("g", { class: `${kind} ${row.track === cell.track_id ? "chosen" : ""}` });
  const [from, to] = [axis.x(hours(row.first), room), axis.x(hours(row.last), room)];
  group.append(drawn("path", { d: `M ${from} ${y} H ${to}`, class: "life" }));
  if (kind === "negative") group.append(drawn("rect", { x: to - 4, y: y - 4, width: 8, height: 8, class: "end" }));
  if (kind === "positive") group.append(drawn("circle", { cx: to, cy: y, r: 4.5, class: "end" }));
  const text = wordsOf(cell, cells, row);
  const label = drawn("text", { x: room + 4, y: y + 4 });
  label.append(drawn("tspan", {}, fits(text)), drawn("title", {}, text));
  group.append(label);
  if (known && row.track !== cell.track_id) {
    group.setAttribute("tabindex", "0");
    group.setAttribute("role", "link");
    group.setAttribute("aria-label", text);
    group.classList.add("linked");
    group.addEventListener("click", () => choose(known.trajectory));
    group.addEventListener("keydown", (event) => event.key === "Enter" && choose(known.trajectory));
  }
  return group;
}
