import { expect, test } from "vitest";
import { readBody } from "../../src/server/http/observations-body.ts";

/** Reads a table, and counts how often others could have had their turn. */
async function csv(body: string | Buffer, rows = 100_000) {
  let turns = 0;
  const batch = await readBody(
    "text/csv",
    Buffer.from(body as string),
    { series: "s", rows },
    async (work) => {
      for (;;) {
        const { done, value } = work.next();
        if (done) return value;
        turns++;
      }
    },
  );
  return { ...batch, turns, refused: batch.refusals.receipt.refused };
}

const lines = (n: number): string =>
  Array.from({ length: n }, (_, i) => `${1_700_000_000 + i},${i}\n`).join("");

test("a long table is read in turns, every row once and at its line", async () => {
  const { observations, lines: at, refusals, turns } = await csv(`time,v\n${lines(20_000)}`);
  expect(turns).toBeGreaterThan(100);
  expect(refusals.count).toBe(0);
  expect(observations.map(({ values }) => values.v)).toEqual(Array.from({ length: 20_000 }, (_, i) => i));
  expect(at).toEqual(observations.map((_, i) => i + 2));
});

test("a line that is no UTF-8, too long or too wide costs itself", async () => {
  const body = Buffer.concat([
    Buffer.from("time,v\n1700000000,1\n"),
    Buffer.from("1700000001,\xff\n", "latin1"),
    Buffer.from(`1700000002,${"2".repeat(2 ** 20)}\n`),
    Buffer.from(`${"3,".repeat(5000)}\n1700000004,4\n`),
    Buffer.from("1700000005,\xfe", "latin1"),
  ]);
  const { observations, lines: at, refused } = await csv(body);
  expect(observations.map(({ values }) => values.v)).toEqual([1, 4]);
  expect(at).toEqual([2, 6]);
  expect(refused).toMatchObject([
    { line: 3, code: "bad-line", message: "line: expected UTF-8, got bytes that are not" },
    { line: 4, code: "too-large", message: "line: expected at most 1 MiB" },
    { line: 5, code: "too-large", message: "expected 2 fields, got more than 4096" },
    { line: 7, code: "bad-line" },
  ]);
});

test("nothing but bytes that are no UTF-8: every line is told once", async () => {
  const { refusals, refused } = await csv(Buffer.alloc(600, "\xff\n", "latin1"));
  expect(refusals.count).toBe(300);
  expect(refused).toHaveLength(100);
  expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(["bad-line"]));
});

test("a body has so many rows at most, whatever its lines end with", async () => {
  const table = `time,v\n${lines(200)}`;
  for (const body of [table, table.replaceAll("\n", "\r\n"), table.replaceAll("\n", "\r")]) {
    await expect(csv(body, 100)).rejects.toThrow("body: expected at most 100 observations, got more");
    expect((await csv(body, 201)).observations).toHaveLength(200);
  }
});
