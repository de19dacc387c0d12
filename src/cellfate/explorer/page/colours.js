// Colours of outcomes and channels: those of the figures, for every kind of colour vision (Okabe and Ito).

const TINTS = ["purple", "green", "blue", "yellow", "vermillion", "sky", "orange"];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// The colour of a channel, pure and at full brightness, as colours of channels add up; a single channel is white.
function tint(place, count) {
  if (count === 1) return "#ffffff";
  const parts = rgb(colour(TINTS[place % TINTS.length]));
  const [least, most] = [Math.min(...parts), Math.max(...parts)];
  return `#${parts.map((part) => Math.round(((part - least) / (most - least)) * 255).toString(16).padStart(2, "0")).join("")}`;
}

function rgb(text) {
  return [1, 3, 5].map((start) => parseInt(text.slice(start, start + 2), 16));
}

function isDark() {
  return STATE.theme === null ? matchMedia("(prefers-color-scheme: dark)").matches : STATE.theme === "dark";
}

function applyTheme() {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
}
