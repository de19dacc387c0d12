// Everything by keys.

// keys: [[keys, what they do]], for the list; actionOf(event): what a key does, if anything.
function listenToKeys(keys, actionOf) {
  byId("help-keys").append(...keys.flatMap(([key, text]) => [element("dt", { text: key }), element("dd", { text })]));
  byId("help-open").addEventListener("click", () => byId("help").showModal());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open || isTyping(event)) return;
    const act = actionOf(event);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

// Keys that the focused control uses itself.
function isTyping(event) {
  const control = event.target.closest?.("input, select, textarea, button, a, [role=link]");
  if (!control) return false;
  if (control.matches("button, a, [role=link]")) return [" ", "Enter"].includes(event.key);
  if (control.matches("input[type=checkbox]")) return event.key === " ";
  return control.matches("input[type=range]") ? event.key.startsWith("Arrow") || ["Home", "End"].includes(event.key) : true;
}
