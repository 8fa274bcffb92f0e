import type { Recognition } from "../streams/formats/recognise.ts";

/** Names told at most. */
const TOLD = 8;

const FORMATS: Readonly<Record<Recognition["format"], string>> = {
  csv: "a table",
  ndjson: "JSON, a value a line",
  json: "JSON",
  lines: "a table with blanks between",
  logfmt: "name=value pairs",
  prometheus: "Prometheus text",
  influx: "Influx line protocol",
  opentsdb: "OpenTSDB lines",
  statsd: "StatsD lines",
  graphite: "Graphite lines",
  names: "names and values",
  text: "sentences with numbers",
  log: "a log",
};

const SEPARATORS: Readonly<Record<string, string>> = {
  ",": "comma",
  ";": "semicolon",
  "\t": "tab",
  "|": "bar",
};

const few = (names: readonly string[]): string => {
  const shown = names.slice(0, TOLD).map((name) => name.slice(0, 40));
  return shown.join(", ") + (names.length > TOLD ? ` and ${names.length - TOLD} more` : "");
};

/** The same of a log, whose lines have neither separators nor columns. */
function logLine(input: string, { time, series, leftOut, lines }: Recognition): string {
  const when =
    time === null
      ? "none, so that of arrival counts"
      : `${time.form}, ${time.zone} where none is named (--time-zone)`;
  const unread =
    leftOut.unreadable === 0 ? "" : `; ${leftOut.unreadable} of ${lines} lines looked at are no text`;
  return `eddy: ${input}: read as a log (--format log; --format text for the numbers in its lines); time: ${when}; hosts and levels: ${series.seen.length === 0 ? "none" : few(series.seen)}${unread}\n`;
}

/** One line: what an input was found to be, and the flag that says each part otherwise. */
export function recognitionLine(input: string, found: Recognition): string {
  const { format, separator, decimal, time, series, columns, leftOut } = found;
  if (format === "log") return logLine(input, found);
  const alone = columns.length === 1 && time === null && [...series.columns, ...leftOut.columns].length === 0;
  const kind = format === "lines" && alone ? "one number per line" : FORMATS[format];
  const cut =
    separator === null ? "" : `, cut by ${SEPARATORS[separator] ?? JSON.stringify(separator)} (--separator)`;
  const when =
    time === null
      ? "none, so readings count as steps (--time)"
      : `${time.columns.length === 0 ? "" : `${few(time.columns)}, `}${time.form}${/epoch|seconds from/.test(time.form) ? "" : `, ${time.zone} where none is named`} (--time, --time-format, --time-zone)`;
  const keyed =
    series.columns.length > 0 ? `by ${few(series.columns)}` : series.inLine ? "named in the lines" : "one";
  const left = [
    leftOut.columns.length > 0 ? `columns without numbers ${few(leftOut.columns)}` : "",
    leftOut.comments > 0 ? `${leftOut.comments} comments` : "",
    leftOut.preamble > 0 ? `${leftOut.preamble} lines that are no data` : "",
    leftOut.unreadable > 0 ? `${leftOut.unreadable} lines that cannot be read` : "",
  ].filter((part) => part !== "");
  return (
    `eddy: ${input}: read as ${kind} (--format ${format})${cut}; ` +
    `numbers with a decimal ${decimal === "," ? "comma" : "point"} (--decimal); time: ${when}; series: ${keyed} (--series); ` +
    `values: ${few(columns.map(({ name, unit }) => (unit === "" ? name : `${name} [${unit}]`)))} (--value)` +
    `${left.length === 0 ? "" : `; left out of ${found.lines} lines looked at: ${left.join(", ")}`}\n`
  );
}
