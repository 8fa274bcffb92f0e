import { expect, test } from "vitest";
import { LineSplitter, MAX_LINE } from "../../../src/streams/formats/lines.ts";
import { isRefused } from "../../../src/streams/formats/reading.ts";
import { sniff } from "../../../src/streams/formats/recognise.ts";
import { read, refused, taken } from "./read.ts";

test.each([
  ['{"value":1}', "ndjson"],
  ["ts=1 load=0.5", "logfmt"],
  ["a,b", "csv"],
  ['"month"', "csv"],
  ["1;2", "csv"],
  ["42", "lines"],
  [" r  b   swpd   free", "lines"],
  ["value", "lines"],
])("%j is %s", (line, format) => {
  expect(sniff(line)).toBe(format);
});

test("NDJSON: the contract's observation, in both forms", async () => {
  const all = await read(
    '{"series":"s","time":"2024-05-01T12:00:00Z","value":1}\n{"id":"x","series":"s","time":1714564801000,"values":{"value":null,"b":2}}\n',
  );
  expect(all.map((reading) => !isRefused(reading) && reading.observation)).toEqual([
    { series: "s", time: 1_714_564_800_000, values: { value: 1 } },
    { id: "x", series: "s", time: 1_714_564_801_000, values: { value: null, b: 2 } },
  ]);
});

test("NDJSON: flat objects, time in epoch seconds, text left aside, series named by a flag", async () => {
  const all = await read(
    '{"temp":1.5,"time":1714564800,"unit":"C"}\n{"temp":null,"time":1714564860,"unit":"C"}\n',
  );
  expect(taken(all)).toEqual([
    [1_714_564_800_000, { temp: 1.5 }],
    [1_714_564_860_000, { temp: null }],
  ]);
  const [first] = await read('{"room":"hall","temp":20}\n', { series: "room" });
  expect(first).toMatchObject({ observation: { series: "hall", values: { temp: 20 } } });
});

test("NDJSON: what is wrong is told by line, and the rest goes on", async () => {
  const all = await read(
    '{"value":1}\n{"value":NaN}\n\n[1]\n{"value":"x"}\n{"values":{}}\n{"a":"b"}\n{"value":2}\n{"value":3',
  );
  expect(taken(all).map(([, values]) => values)).toEqual([{ value: 1 }, { value: 2 }]);
  expect(refused(all)).toEqual([
    '2 bad-line expected a JSON object, got "{\\"value\\":NaN}"',
    "3 empty-line expected a JSON object, got an empty line",
    "4 bad-line expected a JSON object, got [1]",
    '5 bad-number value: expected a finite number, got "x"',
    "6 bad-observation values: expected from 1 to 256 columns, got 0",
    '7 bad-column value: expected a number, got "a"',
    '9 bad-line expected a JSON object, got "{\\"value\\":3"',
  ]);
});

test("NDJSON: __proto__ is a column like any other", async () => {
  const all = await read('{"values":{"__proto__":1,"a":2}}\n{"__proto__":3,"a":4}\n');
  expect(all.map((reading) => !isRefused(reading) && Object.entries(reading.observation.values))).toEqual([
    [
      ["__proto__", 1],
      ["a", 2],
    ],
    [
      ["__proto__", 3],
      ["a", 4],
    ],
  ]);
  expect(({} as Record<string, unknown>).a).toBeUndefined();
});

test("lines: bare numbers", async () => {
  expect(taken(await read("1\n-2.5\n3e2\n"))).toEqual([
    [0, { value: 1 }],
    [1000, { value: -2.5 }],
    [2000, { value: 300 }],
  ]);
});

test("lines: words and an empty line are refused, NaN is missing", async () => {
  expect(refused(await read("1\nNaN\n\nx\n2\n"))).toEqual([
    "3 empty-line expected a number, got an empty line",
    '4 bad-number value: expected a finite number, got "x"',
  ]);
});

test("lines: NaN may come first", async () => {
  const all = await read("NaN\n1\n");
  expect(taken(all)).toEqual([
    [0, { value: null }],
    [1000, { value: 1 }],
  ]);
});

const vmstat = `procs -----------memory---------- ---swap-- -----io---- -system-- ------cpu-----
 r  b   swpd   free   buff  cache   si   so    bi    bo   in   cs us sy id wa st
 1  0      0 123456   2048  34567    0    0     5     9  100  200  3  1 96  0  0
`;

test("lines: vmstat names its columns, and its headings may come again", async () => {
  const all = await read(vmstat + vmstat);
  expect(refused(all)).toEqual([]);
  const columns = "r b swpd free buff cache si so bi bo in cs us sy id wa st".split(" ");
  expect(taken(all).map(([, values]) => Object.keys(values))).toEqual([columns, columns]);
  expect(taken(all)[0]?.[1].free).toBe(123456);
});

test("logfmt: pairs, quotes, time by its name, text left aside", async () => {
  const all = await read(
    'ts=2024-05-01T12:00:00Z host="a b" load=0.5 mem=12\nts=2024-05-01T12:00:01Z load=NaN mem=1\nload=\n no pairs\n',
  );
  expect(taken(all)).toEqual([
    [1_714_564_800_000, { load: 0.5, mem: 12 }],
    [1_714_564_801_000, { load: null, mem: 1 }],
  ]);
  expect(refused(all).map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
    "3 bad-time",
    "4 bad-line",
  ]);
});

test("a line of two megabytes costs one refusal and no memory", async () => {
  const long = "9".repeat(2 * MAX_LINE);
  const all = await read(`1\n${long}\n2\n`, {}, "auto", 65_536);
  expect(refused(all)).toEqual([`2 too-long expected at most ${MAX_LINE} characters, got more`]);
  expect(taken(all).map(([, { value }]) => value)).toEqual([1, 2]);
});

test("lines are the same however the bytes are cut", async () => {
  const text = "é,ü\n1,2\r\n\n3,4\n5,6";
  const bytes = new TextEncoder().encode(text);
  for (let size = 1; size < bytes.length; size++) {
    const splitter = new LineSplitter();
    const lines: string[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      for (const line of splitter.push(bytes.subarray(at, at + size)))
        lines.push(`${line.number} ${line.text}`);
    }
    for (const line of splitter.end()) lines.push(`${line.number} ${line.text}`);
    expect(lines, `chunks of ${size}`).toEqual(["1 é,ü", "2 1,2", "3 ", "4 3,4", "5 5,6"]);
  }
});

test("an input without a line is no reading", async () => {
  expect(await read("")).toEqual([]);
});
