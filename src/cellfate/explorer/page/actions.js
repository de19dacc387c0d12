// What the keys of this page do.

const KEYS = [
  ["↓ ↑", "next cell of the table, the one before"],
  ["→ ←", "next frame, the one before; with Shift ten"],
  ["Home End", "first frame, last frame"],
  ["Space", "play, stop"],
  ["n N", "next wrongly called cell, the one before"],
  ["c", "keep this cell beside the others"],
  ["x", "close the one beside"],
  ["1 to 9", "a channel on or off"],
  ["m", "mark its outcome or track as wrong"],
  ["/", "to the filters"],
  ["t", "light or dark"],
  ["?", "these keys"],
];

function actions(app, event) {
  const view = app.views[0];
  const far = event.shiftKey ? 10 : 1;
  const found = {
    ArrowDown: () => app.move(1),
    ArrowUp: () => app.move(-1),
    n: () => app.move(1, (cell) => cell.right === 0),
    N: () => app.move(-1, (cell) => cell.right === 0),
    x: () => app.beside(null),
    "/": () => byId("filter-recording").focus(),
    t: () => app.turnTheme(),
    "?": () => byId("help").showModal(),
  };
  if (!view) return found;
  for (let place = 1; place <= 9; place++) found[place] = () => app.turnChannel(place - 1);
  return {
    ...found,
    ArrowRight: () => view.step(far),
    ArrowLeft: () => view.step(-far),
    Home: () => app.seek(view, view.content.frames[0]),
    End: () => app.seek(view, view.last),
    " ": () => view.toggle(),
    c: () => app.beside(view.cell.trajectory),
    m: () => app.toMark(view),
  };
}
