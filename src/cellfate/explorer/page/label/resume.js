// Going on from a file of labels that this page, or another copy of it, has written.

// Take over the labels in text, the later one of each cell; returns words about it. Throws where a row does not fit, then nothing is taken.
function resume(labels, text) {
  const [head, ...lines] = csvRows(text);
  if (!head || LABEL_COLUMNS.some((name) => !head.values.includes(name))) throw new Error(`this is no file of labels: columns ${LABEL_COLUMNS.join(", ")} are needed`);
  const rows = lines.map(({ line, values }) => labelOf(labels, line, Object.fromEntries(head.values.map((name, place) => [name, values[place] ?? ""]))));
  const there = rows.filter((row) => row !== null);
  if (rows.length && !there.length) throw new Error("none of its cells is on this page");
  const later = there.filter(([id, row]) => !labels.rows.get(id)?.outcome || isLater(row, labels.rows.get(id)));
  for (const [id, row] of later) labels.put(id, row);
  labels.keep();
  const others = rows.length - there.length;
  const kept = there.length - later.length;
  return [`${later.length} labels taken from the file`, kept && `${kept} were here already`, others && `${others} of cells that are not on this page were left out: keep the file`].filter(Boolean).join(", ") + ".";
}

// A row as [id, label]; null for a cell that is not on this page.
function labelOf(labels, line, row) {
  const wrong = (name, wanted) => new Error(`line ${line}: ${name} is ${row[name] === "" ? "empty" : row[name]}, ${wanted}`);
  if (row.by !== labels.by) throw wrong("by", `you are ${labels.by}: start with that name to go on with its labels`);
  if (Number.isNaN(Date.parse(row.at))) throw wrong("at", "a date and time is needed");
  const cell = labels.cells.find((one) => one.facts.name === row.recording && String(one.track_id) === row.track_id);
  if (!cell) return null;
  if (cell.data !== row.data) throw wrong("data", `but this track has other positions here (${cell.data}): another one was labelled`);
  if (![...labels.data.words, ...EVENTLESS_LABELS].includes(row.outcome)) throw wrong("outcome", `one of ${[...labels.data.words, ...EVENTLESS_LABELS].join(", ")} is needed`);
  const eventless = EVENTLESS_LABELS.includes(row.outcome);
  if (eventless ? row.event_frame !== "" : !/^\d+$/.test(row.event_frame)) throw wrong("event_frame", eventless ? "it must be empty" : "a frame is needed");
  const said = { track_id: cell.track_id, event_frame: eventless ? null : Number(row.event_frame), note: row.note || null };
  return [labels.id(cell), { ...row, ...said }];
}
