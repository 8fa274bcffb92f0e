// Lines per second of each reader, beside what a library alone takes for the same text: csv-parse, JSON.parse.
//   node --import tsx scripts/bench/readers.ts [--lines 200000]
import { parseArgs } from "node:util";
import { parse } from "csv-parse/sync";
import { TextReader } from "../../src/streams/formats/text-reader.ts";

const { values: flags } = parseArgs({ options: { lines: { type: "string", default: "200000" } } });
const LINES = Number(flags.lines);
const time = (i: number): string => new Date(1_740_787_200_000 + 1000 * i).toISOString();
const value = (i: number): string => (20 + Math.sin(i / 50)).toFixed(3);
const many = (line: (i: number) => string, heading = ""): string =>
  heading + Array.from({ length: LINES }, (_, i) => `${line(i)}\n`).join("");

const texts: Record<string, string> = {
  "csv, 4 columns": many((i) => `${time(i)},${value(i)},${value(2 * i)},${i % 7}`, "time,a,b,c\n"),
  "csv, quoted": many(
    (i) => `"${time(i)}","${value(i)}","${value(2 * i)}","${i % 7}"`,
    '"time","a","b","c"\n',
  ),
  "csv, decimal comma, day first": many(
    (i) => `${time(i).slice(8, 10)}.03.2025 ${time(i).slice(11, 19)};${value(i).replace(".", ",")}`,
    "time;a\n",
  ),
  "csv, units": many((i) => `${time(i)},${value(i)} °C`, "time,a\n"),
  ndjson: many((i) => `{"time":"${time(i)}","a":${value(i)},"b":${i % 7}}`),
  "ndjson, nested": many((i) => `{"ts":${1_740_787_200 + i},"device":{"id":"a"},"data":{"t":${value(i)}}}`),
  "json, one array": `[${Array.from({ length: LINES }, (_, i) => `{"time":"${time(i)}","a":${value(i)}}`).join(",")}]`,
  "lines, vmstat": many((i) => `1 0 0 ${123456 + i} 2048 34567 0 0 5 9 100 200 3 1 96 0 0`),
  logfmt: many((i) => `ts=${time(i)} host=a load=${value(i)} msg="all well"`),
  influx: many((i) => `room,host=a t=${value(i)},h=40i ${1_740_787_200 + i}000000000`),
  prometheus: many((i) => `load{host="a",job="x"} ${value(i)} ${1_740_787_200 + i}000`),
  graphite: many((i) => `a.load ${value(i)} ${1_740_787_200 + i}`),
  statsd: many((i) => `a.load:${value(i)}|g`),
  names: many((i) => `home/hall ${value(i)}`),
  text: many((i) => `64 bytes from ::1: icmp_seq=${i} ttl=64 time=${value(i)} ms`),
};

const measure = (run: () => number): { rate: number; count: number } => {
  const started = process.hrtime.bigint();
  const count = run();
  return { rate: LINES / (Number(process.hrtime.bigint() - started) / 1e9), count };
};
const alone = (name: string, text: string): number | undefined => {
  if (name.startsWith("csv")) {
    return measure(() => parse(text, { delimiter: text.startsWith("time;") ? ";" : "," }).length).rate;
  }
  if (name.startsWith("ndjson")) {
    return measure(
      () =>
        text
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line)).length,
    ).rate;
  }
  return name.startsWith("json") ? measure(() => JSON.parse(text).length).rate : undefined;
};

for (const [name, text] of Object.entries(texts)) {
  const bytes = new TextEncoder().encode(text);
  const read = measure(() => {
    const reader = new TextReader("auto", { name: "x", arrival: (row) => row });
    let count = 0;
    for (let at = 0; at < bytes.length; at += 65_536)
      count += reader.push(bytes.subarray(at, at + 65_536)).length;
    return count + reader.end().length;
  });
  const library = alone(name, text);
  const beside = library === undefined ? "" : `   library alone ${Math.round(library).toLocaleString("en")}`;
  console.log(
    `${name.padEnd(30)} ${Math.round(read.rate).toLocaleString("en").padStart(10)} lines/s${beside}`,
  );
  if (read.count !== LINES) console.log(`  ${read.count} readings of ${LINES} lines`);
}
