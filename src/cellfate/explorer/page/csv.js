// Tables as CSV: written, offered as a file, and read.

function csvText(columns, rows) {
  const quoted = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows.map((row) => columns.map((name) => row[name]))].map((values) => values.map(quoted).join(",")).join("\n") + "\n";
}

function offerFile(name, text) {
  const link = element("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// The rows of a CSV as { line, values }: quotes may hold commas, line ends and doubled quotes.
function csvRows(text) {
  const found = [];
  const sign = /("(?:[^"]|"")*"|[^,\r\n]*)(,|\r?\n|\r|$)/y;
  const whole = text.replace(/^\ufeff/, "");
  for (let line = 1, row = null; sign.lastIndex < whole.length; ) {
    const part = sign.exec(whole);
    if (!part) throw new Error(`line ${line} is not readable as CSV`);
    row ??= { line, values: [] };
    row.values.push(part[1].startsWith('"') ? part[1].slice(1, -1).replaceAll('""', '"') : part[1]);
    line += part[0].split("\n").length - 1;
    if (part[2] === ",") {
      if (sign.lastIndex === whole.length) row.values.push("");
      else continue;
    }
    if (row.values.length > 1 || row.values[0] !== "") found.push(row);
    row = null;
  }
  return found;
}
