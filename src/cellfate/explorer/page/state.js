// What is seen stands in the address after #, so that a view can be sent.

const STATE = { cell: null, beside: null, frame: null, sort: "right", down: false, channels: null, theme: null, baseline: null };
const FILTERS = ["recording", "treatment", "outcome", "right", "sure", "lead"];
const filters = Object.fromEntries(FILTERS.map((name) => [name, ""]));

function readAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  for (const name of FILTERS) filters[name] = asked.get(name) ?? "";
  STATE.cell = asked.get("cell");
  STATE.beside = asked.get("beside");
  STATE.frame = asked.has("frame") && /^\d+$/.test(asked.get("frame")) ? Number(asked.get("frame")) : null;
  STATE.sort = asked.get("sort") ?? "right";
  STATE.down = asked.get("down") === "1";
  STATE.channels = asked.has("channels") ? asked.get("channels").split("").map((sign) => sign === "1") : null;
  STATE.theme = ["light", "dark"].includes(asked.get("theme")) ? asked.get("theme") : null;
  STATE.baseline = asked.get("baseline");
}

function address() {
  const said = new URLSearchParams();
  for (const name of ["cell", "beside", "frame", "theme", "baseline"]) {
    if (STATE[name] !== null && STATE[name] !== "") said.set(name, STATE[name]);
  }
  if (STATE.sort !== "right") said.set("sort", STATE.sort);
  if (STATE.down) said.set("down", "1");
  if (STATE.channels?.includes(false)) said.set("channels", STATE.channels.map((on) => (on ? "1" : "0")).join(""));
  for (const name of FILTERS) if (filters[name] !== "") said.set(name, filters[name]);
  return `#${said}`;
}

let waiting = null;

// Browsers allow few changes of the address in a second: while a film plays only the last one is written.
function writeAddress() {
  clearTimeout(waiting);
  waiting = setTimeout(() => history.replaceState(null, "", address()), 150);
}
