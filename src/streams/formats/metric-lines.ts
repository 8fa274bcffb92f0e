import { printable } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import { VALUE } from "../../models/observation.ts";
import { fittedName } from "../checked-observation.ts";
import { isComment, type LineGrammar, type LineRecord, type Parsed } from "./grammar.ts";
import { metricName } from "./metric-name.ts";
import { type Cell, readNumber } from "./numbers.ts";
import { sameNames } from "./pairs.ts";

/** A line in the language of a metrics system; each has a place for the name, the value and the time. */
type MetricLine = (text: string) => LineRecord | undefined;

const VALUE_ALONE: readonly string[] = ["value"];

/** `name{label="value",...} 1.5 1714564800000`, the text format of Prometheus. */
const PROMETHEUS = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+(-?\d+(?:\.\d+)?))?(?:\s+#\s.*)?$/;
const LABEL = /\s*([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)/y;

function readLabels(text: string): Map<string, string> | undefined {
  const labels = new Map<string, string>();
  let at = 0;
  while (at < text.length) {
    LABEL.lastIndex = at;
    const match = LABEL.exec(text);
    if (match === null) return undefined;
    labels.set(
      itemAt(match, 1),
      itemAt(match, 2).replace(/\\(.)/g, (_, c: string) => (c === "n" ? "\n" : c)),
    );
    at = LABEL.lastIndex;
  }
  return labels;
}

const prometheus: MetricLine = (text) => {
  const match = PROMETHEUS.exec(text);
  if (match === null) return undefined;
  const [, name, inside, value, time] = match;
  if (name === undefined || value === undefined) return undefined;
  const labels = inside === undefined ? new Map<string, string>() : readLabels(inside);
  if (labels === undefined || Number.isNaN(special(value))) return undefined;
  return {
    names: VALUE_ALONE,
    cells: [Number.isFinite(Number(value)) ? Number(value) : null],
    series: metricName(name, labels),
    labels: new Map([["name", name], ...labels]),
    ...(time === undefined ? {} : { time: Number(time) }),
  };
};

/** `NaN`, `+Inf` and `-Inf` are values there, of which nothing can be learned: 0 stands for them here. */
const special = (value: string): number => (/^(?:nan|[+-]?inf)$/i.test(value) ? 0 : readNumber(value));

/** `measurement,tag=value field=1.5,other=2i 1714564800000000000`, the line protocol of InfluxDB. */
function influx(): MetricLine {
  let names: readonly string[] = [];
  return (text) => {
    const parts = splitOutside(text, " ");
    if (parts.length < 2 || parts.length > 3) return undefined;
    const [head, fields, time] = parts;
    if (head === undefined || fields === undefined) return undefined;
    if (time !== undefined && !/^-?\d+$/.test(time)) return undefined;
    const [measurement, ...tags] = splitOutside(head, ",").map(unescaped);
    if (measurement === undefined || measurement === "" || measurement.includes("=")) return undefined;
    const labels = new Map<string, string>();
    for (const tag of tags) {
      const at = tag.indexOf("=");
      if (at <= 0) return undefined;
      labels.set(tag.slice(0, at), tag.slice(at + 1));
    }
    const found: [string, Cell][] = [];
    for (const field of splitOutside(fields, ",")) {
      const at = itemAt(splitOutside(field, "="), 0).length;
      if (at <= 0 || at >= field.length - 1) return undefined;
      const value = influxValue(field.slice(at + 1));
      if (value === undefined) return undefined;
      found.push([fittedName(unescaped(field.slice(0, at))) || VALUE, value]);
    }
    names = sameNames(
      names,
      found.map(([name]) => name),
    );
    return {
      names,
      cells: found.map(([, value]) => value),
      series: metricName(measurement, labels),
      labels: new Map([["measurement", measurement], ["name", measurement], ...labels]),
      ...(time === undefined ? {} : { time }),
    };
  };
}

function influxValue(text: string): Cell | undefined {
  if (/^"(?:[^"\\]|\\.)*"$/.test(text)) return text;
  if (/^(?:t|true)$/i.test(text)) return true;
  if (/^(?:f|false)$/i.test(text)) return false;
  const number = readNumber(/^[+-]?\d+[iu]$/.test(text) ? text.slice(0, -1) : text);
  return Number.isNaN(number) ? undefined : number;
}

/** Cuts at a character that stands outside quotes and behind no backslash. */
function splitOutside(text: string, mark: string): string[] {
  const parts: string[] = [];
  let quoted = false;
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === '"') quoted = !quoted;
    else if (text[i] === mark && !quoted) {
      parts.push(text.slice(from, i));
      from = i + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}

const unescaped = (text: string): string => text.replace(/\\([,= \\])/g, "$1");

/** `put name 1714564800 1.5 host=a`, of OpenTSDB. */
const opentsdb: MetricLine = (text) => {
  const match = /^put\s+(\S+)\s+(\d{9,13}(?:\.\d+)?)\s+(\S+)((?:\s+[^\s=]+=[^\s=]+)*)$/.exec(text);
  if (match === null) return undefined;
  const [, name, time, value, tags] = match;
  if (name === undefined || time === undefined || value === undefined || tags === undefined) return undefined;
  if (Number.isNaN(readNumber(value))) return undefined;
  const labels = new Map(
    tags
      .trim()
      .split(/\s+/)
      .filter((pair) => pair !== "")
      .map((pair) => pair.split("=") as [string, string]),
  );
  return {
    names: VALUE_ALONE,
    cells: [Number(value)],
    series: metricName(name, labels),
    labels: new Map([["name", name], ...labels]),
    time,
  };
};

/** `name value 1714564800`, of Graphite; tags behind semicolons. */
const graphite: MetricLine = (text) => {
  const match = /^([^\s=]\S*)\s+(\S+)\s+(-1|\d{9,13}(?:\.\d+)?)$/.exec(text);
  if (match === null) return undefined;
  const [, path, value, time] = match;
  if (path === undefined || value === undefined || time === undefined) return undefined;
  if (!Number.isNaN(readNumber(path)) || Number.isNaN(special(value))) return undefined;
  const [name, ...tags] = path.split(";");
  if (name === undefined || tags.some((tag) => !tag.includes("="))) return undefined;
  return {
    names: VALUE_ALONE,
    cells: [Number.isFinite(Number(value)) ? Number(value) : null],
    series:
      tags.length === 0
        ? name
        : metricName(name, new Map(tags.map((tag) => tag.split("=", 2) as [string, string]))),
    // -1 is its word for now.
    ...(time === "-1" ? {} : { time }),
  };
};

/** `name:1.5|g`, of StatsD. A gauge with a sign is a change of the last one. */
function statsd(): MetricLine {
  const gauges = new Map<string, number>();
  return (text) => {
    const match =
      /^([^:|\s]+):([+-]?[\d.]+(?:e[+-]?\d+)?)\|(c|g|ms|h|d|s|kv|m)(?:\|@([\d.]+))?(?:\|#(\S*))?$/i.exec(
        text,
      );
    if (match === null) return undefined;
    const [, name, given, type, , tagText = ""] = match;
    if (name === undefined || given === undefined) return undefined;
    const number = readNumber(given);
    if (Number.isNaN(number)) return undefined;
    const labels = new Map(
      tagText
        .split(",")
        .filter((tag) => tag !== "")
        .map((tag) => {
          const at = tag.search(/[:=]/);
          return at < 0 ? ([tag, ""] as const) : ([tag.slice(0, at), tag.slice(at + 1)] as const);
        }),
    );
    const series = metricName(name, labels);
    const value = type === "g" && /^[+-]/.test(given) ? (gauges.get(series) ?? 0) + number : number;
    if (type === "g" && (gauges.has(series) || gauges.size < 100_000)) gauges.set(series, value);
    return { names: VALUE_ALONE, cells: [value], series, labels: new Map([["name", name], ...labels]) };
  };
}

/** The languages, in the order in which they are tried: what one of them reads, those before it do not. */
export const METRIC_FORMATS = ["prometheus", "influx", "opentsdb", "statsd", "graphite"] as const;
export type MetricFormat = (typeof METRIC_FORMATS)[number];

const open = (format: MetricFormat): MetricLine => {
  if (format === "influx") return influx();
  if (format === "statsd") return statsd();
  return { prometheus, opentsdb, graphite }[format];
};

const EXAMPLES: Readonly<Record<MetricFormat, string>> = {
  prometheus: 'name{label="x"} 1.5',
  influx: "name,tag=x field=1.5",
  opentsdb: "put name 1714564800 1.5 tag=x",
  statsd: "name:1.5|g",
  graphite: "name 1.5 1714564800",
};

/** Whether all of these lines, which are neither empty nor comments, are of this language. */
export function isMetricFormat(format: MetricFormat, lines: readonly string[]): boolean {
  const read = open(format);
  const data = lines.filter((line) => line.trim() !== "" && !isComment(line));
  if (data.length === 0) return false;
  if (format === "prometheus") {
    const typed = lines.some((line) => /^# (?:HELP|TYPE|UNIT|EOF)\b/.test(line));
    if (!typed && !data.some((line) => /^[\w:]+\{/.test(line))) return false;
  }
  const met = data.filter((line) => read(line.trim()) !== undefined).length;
  return met > 0 && met >= 0.8 * data.length;
}

/** Lines in the language of a metrics system. */
export class MetricGrammar implements LineGrammar {
  readonly #format: MetricFormat;
  readonly #read: MetricLine;

  constructor(format: MetricFormat) {
    this.#format = format;
    this.#read = open(format);
  }

  parse(line: string): Parsed {
    const text = line.trim();
    if (text === "") return "blank";
    if (isComment(text)) return "comment";
    const record = this.#read(text);
    if (record !== undefined) return [record];
    return {
      reason: "bad-line",
      message: `expected a line as ${EXAMPLES[this.#format]}, got ${printable(text)}`,
    };
  }
}
