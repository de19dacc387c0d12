// Colours of outcomes and channels: those of the figures, for every kind of colour vision (Okabe and Ito).

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function rgb(text) {
  return [1, 3, 5].map((start) => parseInt(text.slice(start, start + 2), 16));
}

let printing = false; // on white

function isDark() {
  if (printing) return false;
  return STATE.theme === null ? matchMedia("(prefers-color-scheme: dark)").matches : STATE.theme === "dark";
}

function applyTheme() {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
}
