// Whatever is done to the lines of an input: readings, refusals or one error of ours; and nothing is read that was not said.
// EDDY_MUTATED_LINES=1000000 npx vitest run test/streams/formats/mutated.test.ts tries more of them.
import { expect, test } from "vitest";
import { EddyError } from "../../../src/models/errors.ts";
import { isRefused } from "../../../src/streams/formats/reading.ts";
import { TextReader } from "../../../src/streams/formats/text-reader.ts";
import { cases } from "./cases.ts";

const LINES = Number(process.env.EDDY_MUTATED_LINES ?? 6000);
const PIECES = [
  ",",
  ";",
  "\t",
  " ",
  '"',
  "'",
  "=",
  ":",
  "{",
  "}",
  "[",
  "]",
  "|",
  "#",
  "-",
  "+",
  ".",
  "\u0000",
  "\ufffd",
  "\u001b[",
  "é",
  "\ud800",
  "NaN",
  "1e999",
  "0x1F",
  "9".repeat(40),
  "__proto__",
  "constructor",
  "time",
  "series",
  "2025-03-04",
  "04/03/2025",
  "25:61",
  "1741080600",
  "null",
  "on",
  "°C",
  "MiB",
  "\r",
  "\n",
  "",
  "   ",
  "true",
  "put ",
  "|g",
  '{"a":1}',
  "x=1",
];

/** Numbers from a seed. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const texts = Object.values(cases).flatMap(({ text, options }) =>
  typeof text === "string" ? [{ lines: text.split("\n"), options }] : [],
);

test(`${LINES} mutated lines`, { timeout: 3_600_000 }, () => {
  const next = random(20250304);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T;
  const mutate = (line: string, all: readonly string[]): string => {
    const at = Math.floor(next() * (line.length + 1));
    switch (Math.floor(next() * 7)) {
      case 0:
        return line.slice(0, at) + line.slice(at + 1 + Math.floor(next() * 4));
      case 1:
        return line.slice(0, at) + pick(PIECES) + line.slice(at);
      case 2:
        return line.slice(0, at);
      case 3:
        return line.slice(0, at) + pick(all).slice(Math.floor(next() * 20));
      case 4:
        return line.slice(at) + line.slice(0, at);
      case 5:
        return pick(pick(texts).lines);
      default:
        return line.slice(0, at) + String.fromCharCode(Math.floor(next() * 300)) + line.slice(at + 1);
    }
  };
  let mutated = 0;
  let [taken, refused, failed] = [0, 0, 0];
  while (mutated < LINES) {
    const { lines, options } = pick(texts);
    const share = pick([0.1, 0.5, 1]);
    const changed = lines.map((line) => {
      if (next() > share) return line;
      mutated++;
      return mutate(line, lines);
    });
    const text = changed.join("\n");
    const reader = new TextReader("auto", { name: "input", arrival: (row) => row * 1000, ...options });
    try {
      const bytes = new TextEncoder().encode(text);
      const half = Math.floor(next() * bytes.length);
      const all = [
        ...reader.push(bytes.subarray(0, half)),
        ...reader.push(bytes.subarray(half)),
        ...reader.end(),
      ];
      const said = reader.recognition;
      const columns = new Set(said?.columns.map(({ name }) => name));
      const last = text.split(/\r\n|\n|\r/).length;
      for (const reading of all) {
        if (reading.line < 1 || reading.line > last)
          throw new Error(`line ${reading.line} of ${last}: ${text}`);
        if (isRefused(reading)) {
          refused++;
          if (/\n/.test(reading.message) || reading.message.length > 500)
            throw new Error(`message: ${reading.message}`);
          continue;
        }
        taken++;
        const { time, values, series } = reading.observation;
        if (!Number.isFinite(time) || series === "")
          throw new Error(`time ${time}, series ${series}: ${text}`);
        if (reading.timed && said?.time === null && said.format !== "ndjson" && said.format !== "json")
          throw new Error(`a time that was not said: ${text}`);
        for (const [name, value] of Object.entries(values)) {
          if (value !== null && !Number.isFinite(value)) throw new Error(`${name}=${value}: ${text}`);
          if (!columns.has(name)) throw new Error(`column ${name} was not said (${[...columns]}): ${text}`);
        }
      }
    } catch (error) {
      if (!(error instanceof EddyError))
        throw new Error(`${JSON.stringify(text)}: ${(error as Error).stack}`);
      if (/\n/.test(error.message)) throw new Error(`message: ${error.message}`);
      failed++;
    }
  }
  if (LINES > 100_000)
    console.log(
      `${mutated} mutated lines: ${taken} readings, ${refused} refusals, ${failed} inputs refused as a whole`,
    );
  expect(taken).toBeGreaterThan(refused);
  expect(({} as Record<string, unknown>).time).toBeUndefined();
});

const read = (bytes: Uint8Array) => {
  const reader = new TextReader("auto", { name: "input", arrival: () => 0 });
  try {
    return [...reader.push(bytes), ...reader.end()];
  } catch (error) {
    expect(error).toBeInstanceOf(EddyError);
    return (error as Error).message;
  }
};
const bytes = (text: string) => new TextEncoder().encode(text);

test("a megabyte in one line, of each kind of character", () => {
  for (const char of [
    "9",
    "a",
    ",",
    ";",
    " ",
    "\t",
    '"',
    "{",
    "[",
    "=",
    ":",
    "a=",
    "1 ",
    "x:1 ",
    "{a ",
    "-",
    "1,",
    "Jan ",
    "+",
    "\\",
  ]) {
    const line = char.repeat(Math.floor(2 ** 20 / char.length));
    for (const text of [line, `${line}\n1\n2\n`, `time,v\n2025-03-04,1\n${line}\n2025-03-05,2\n`]) {
      const all = read(bytes(text));
      if (typeof all !== "string") expect(all.length).toBeLessThan(10);
    }
  }
}, 60_000);

test("a million columns", () => {
  expect(read(bytes(`${Array.from({ length: 1_000_000 }, (_, i) => i % 10).join(",")}\n`.repeat(2)))).toEqual(
    expect.anything(),
  );
  expect(read(bytes(`${"c,".repeat(400_000)}\n${"1,".repeat(400_000)}\n`))).toMatch(
    /at most 4096 columns, got more/,
  );
});

test("NUL and invalid UTF-8 among the lines cost what they stand in", () => {
  const torn = Uint8Array.from([
    ...bytes("time,v\n2025-03-04,1\n2025-03-0"),
    0xff,
    0xfe,
    ...bytes(",2\n2025-03-06,\u00003\n2025-03-07,4\n"),
  ]);
  const all = read(torn);
  if (typeof all === "string") throw new Error(all);
  expect(all.map((reading) => (isRefused(reading) ? reading.reason : reading.observation.values.v))).toEqual([
    1,
    "bad-time",
    "bad-number",
    4,
  ]);
});
