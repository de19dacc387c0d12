"use strict";
// What the page holds: blocks of text, unpacked when they are needed.

const byId = (id) => document.getElementById(id);

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

// A block with pictures: its JSON, and an image for each channel.
async function block(kind, place) {
  const text = byId(`${kind}-${place}`)?.textContent;
  if (!text) return null;
  const [content, ...pictures] = text.split("\n");
  const images = pictures.map((picture) => loaded(`data:image/webp;base64,${picture}`));
  return { ...(await unpacked(content)), images: await Promise.all(images) };
}

function loaded(source) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error("a picture of this page is damaged"));
    image.src = source;
  });
}

// The table of cells as one object for each cell.
function cellsOf(data) {
  const names = Object.keys(data.cells);
  return data.cells.trajectory.map((_, place) => {
    const cell = { place };
    for (const name of names) cell[name] = data.cells[name][place];
    cell.facts = data.recordings[cell.recording];
    cell.fate = fateOf(cell.facts, cell.outcome);
    cell.hours = (frame) => frame * cell.facts.hours;
    return cell;
  });
}

// What is shown as the outcome: a recording without any may not have been looked at, so its cells are not called censored.
const fateOf = (facts, outcome) => (facts.fated === false ? "no_fate_given" : outcome);

const inWords = (name) => String(name).replaceAll("_", " ");
const number = (value, digits) => (value === null || value === undefined ? "–" : value.toFixed(digits));

// The set of a cell in words: 0 none, 1 the negative, 2 the positive, 3 both.
function setInWords(data, set) {
  if (set === null || set === undefined) return "no set";
  const [negative, positive] = [data.outcomes.negative, data.outcomes.positive].map(inWords);
  return ["neither", negative, positive, `${negative} or ${positive}: cannot tell`][set];
}

const isSure = (set) => set === 1 || set === 2;

// An element with text and attributes; text is never read as HTML.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "text") made.textContent = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

// The place of the last of ascending numbers that is not above value; -1 where all are.
function lastUpTo(numbers, value) {
  let found = -1;
  for (let place = 0; place < numbers.length && numbers[place] <= value; place++) found = place;
  return found;
}

// The two hours ahead, of all with risks, that are shown: around the middle.
function hoursShown(risks) {
  const first = risks ? Math.floor((risks.hours.length - 1) / 2) : 0;
  return risks ? risks.hours.slice(first, first + 2) : [];
}
