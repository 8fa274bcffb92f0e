import { describe, expect, test } from "vitest";
import { delimiterOf } from "../../../src/streams/formats/delimited.ts";
import { isRefused } from "../../../src/streams/formats/reading.ts";
import { losses, read, refused, taken } from "./read.ts";

const hour = 3_600_000;
const start = Date.UTC(2016, 6, 1);

test("a heading, a time column found by its name, numbers", async () => {
  const all = await read("date,a,b\n2016-07-01 00:00:00,1,2.5\n2016-07-01 01:00:00,-3,4e1\n");
  expect(taken(all)).toEqual([
    [start, { a: 1, b: 2.5 }],
    [start + hour, { a: -3, b: 40 }],
  ]);
  expect(all.map(({ line, row }) => [line, row])).toEqual([
    [2, 0],
    [3, 1],
  ]);
});

test("byte order mark, CRLF, quotes, blanks: the same readings", async () => {
  const plain = await read("month,passengers\n1949-01,112\n1949-02,118\n");
  const dressed = await read('\ufeff"month","passengers"\r\n"1949-01",112\r\n"1949-02", 118 \r\n');
  expect(dressed).toEqual(plain);
  expect(taken(plain)[1]).toEqual([Date.UTC(1949, 1), { passengers: 118 }]);
});

test.each([
  ["a,b", ","],
  ["a;b;c,d", ";"],
  ["a\tb", "\t"],
  ["a|b|c", "|"],
  ['"a;b;c",d', ","],
  ["alone", ","],
])("the delimiter of %j is %j", (line, delimiter) => {
  expect(delimiterOf(line)).toBe(delimiter);
});

test("without a heading columns are numbered, and a moment in front is the time", async () => {
  expect(taken(await read("1,2\n3,4\n"))).toEqual([
    [0, { column1: 1, column2: 2 }],
    [1000, { column1: 3, column2: 4 }],
  ]);
  expect(taken(await read("2016-07-01T00:00:00Z,5\n"))).toEqual([[start, { column2: 5 }]]);
});

test.each([
  ["1467331200", 1_467_331_200_000],
  ["1467331200.25", 1_467_331_200_250],
  ["1467331200000", 1_467_331_200_000],
  ["1467331200000000", 1_467_331_200_000],
  ["2016-07-01", start],
  ["2016/7/1", start],
  ["2016-07-01T02:00:00+02:00", start],
  ["2016-07-01 00:00", start],
])("time %s", async (cell, time) => {
  expect(taken(await read(`time,v\n${cell},1\n`))).toEqual([[time, { v: 1 }]]);
});

test("a month of the year is a number, not a time", async () => {
  expect(taken(await read("month,v\n7,1\n8,2\n"))).toEqual([
    [0, { month: 7, v: 1 }],
    [1000, { month: 8, v: 2 }],
  ]);
});

test("empty cells and words for nothing are missing; words, infinities and hexadecimals cost their cell by line and column", async () => {
  const all = await read("t,a,b\n1,,2\n2,NA,null\n3,NaN,1\n4,1,12abc\n5,Infinity,1\n6,1e999,1\n7,0x10,1\n");
  expect(taken(all).map(([, values]) => values)).toEqual([
    { t: 1, a: null, b: 2 },
    { t: 2, a: null, b: null },
    { t: 3, a: null, b: 1 },
    { t: 4, a: 1, b: null },
    { t: 5, a: null, b: 1 },
    { t: 6, a: null, b: 1 },
    { t: 7, a: null, b: 1 },
  ]);
  expect(refused(all)).toEqual([]);
  expect(losses(all)).toEqual([
    '5 bad-number b: expected a finite number, got "12abc"',
    '6 bad-number a: expected a finite number, got "Infinity"',
    '7 bad-number a: expected a finite number, got "1e999"',
    '8 bad-number a: expected a finite number, got "0x10"',
  ]);
});

test("an empty line, a torn line, a bad date are refused, and rows go on counting", async () => {
  const all = await read("date,a,b\n2016-07-01,1,2\n\n2016-13-01,1,2\n2016-07-02,3,4\n2016-07-03,5");
  expect(refused(all)).toEqual([
    "3 empty-line expected a record, got an empty line",
    '4 bad-time date: expected ISO 8601 or epoch seconds or milliseconds, got "2016-13-01"',
    "6 bad-line expected 3 fields, got 2",
  ]);
  expect(all.map(({ row }) => row)).toEqual([0, 1, 2, 3, 4]);
});

test("text columns are not read; a column called series names the series", async () => {
  const all = await read("series,city,v\nx,Rome,1\ny,Oslo,2\n");
  const names = all.map((reading) => (isRefused(reading) ? "" : reading.observation.series));
  expect(names).toEqual(["x", "y"]);
  expect(taken(all)).toEqual([
    [0, { v: 1 }],
    [1000, { v: 2 }],
  ]);
});

test("in a table of several series an empty cell is no column of that series, unless the series has had it", async () => {
  const all = await read("series,a,b\nx,1,\ny,,2\nx,,\n");
  expect(taken(all).map(([, values]) => values)).toEqual([{ a: 1 }, { b: 2 }, { a: null }]);
});

test("columns by flag", async () => {
  const all = await read("when_it_was,site,x,y\n2016-07-01,s1,1,2\n", {
    time: "when_it_was",
    series: "site",
    values: ["y"],
  });
  expect(all).toEqual([
    { line: 2, row: 0, timed: true, observation: { series: "s1", time: start, values: { y: 2 } } },
  ]);
});

describe("a column that is not there", () => {
  test.each([["time"], ["series"]] as const)("--%s", async (flag) => {
    await expect(read("a,b\n1,2\n", { [flag]: "nope" })).rejects.toThrow(
      `--${flag}: expected one of the columns "a, b", got "nope"`,
    );
  });
  test("--value", async () => {
    await expect(read("a,b\n1,2\n", { values: ["nope"] })).rejects.toThrow("--value: expected one of");
  });
});

test("a quoted cell may hold the delimiter and quotes", async () => {
  const all = await read('note,v\n"a, ""b"" and c",1\nplain,2\n');
  expect(taken(all).map(([, { v }]) => v)).toEqual([1, 2]);
});

test("quotes inside a cell that is not quoted are its own", async () => {
  const all = await read('5" pipe,the "best" one\n1,2\n3,4\n');
  expect(taken(all)).toHaveLength(2);
  expect(Object.keys(taken(await read('the "best" one,v\n1,2\n'))[0]?.[1] ?? {})).toEqual([
    'the "best" one',
    "v",
  ]);
});

test("a quote that never closes costs its own line and not what follows", async () => {
  const all = await read('note,v\nx,1\n"open,2\ny,3\nz,4\n');
  expect(refused(all)).toEqual(["3 bad-line expected a closing quote, got none"]);
  expect(taken(all).map(([, { v }]) => v)).toEqual([1, 3, 4]);
});

test("hostile names: __proto__, a name twice, control characters, no name", async () => {
  const [first] = await read("__proto__,x,x,a\u0000b,\n1,2,3,4,5\n");
  if (first === undefined || isRefused(first)) throw new Error("refused");
  expect(Object.keys(first.observation.values)).toEqual(["__proto__", "x", "x_2", "ab", "column5"]);
  expect(({} as Record<string, unknown>).x).toBeUndefined();
});

test("ten thousand columns are refused in one line", async () => {
  const names = Array.from({ length: 10_000 }, (_, i) => `c${i}`).join(",");
  await expect(read(`${names}\n${names.replace(/c/g, "")}\n`, {}, "csv", 65_536)).rejects.toThrow(
    "heading: expected at most 4096 columns, got more",
  );
});

test("no column of numbers", async () => {
  await expect(read("a,b\nx,y\n")).rejects.toThrow('value: expected a column of numbers, got "a,b"');
});
