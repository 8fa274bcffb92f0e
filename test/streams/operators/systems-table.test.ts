// Every row of docs/systems.md can be put into a stream as the row says.
import { readFileSync } from "node:fs";
import { from, lastValueFrom, type OperatorFunction, toArray } from "rxjs";
import { expect, test } from "vitest";
import * as streams from "../../../src/streams/index.ts";

const page = readFileSync("docs/systems.md", "utf8");
const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| system "))
  .map((line) => line.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "").trim()));

/** The wiring that an example of the page defines. */
const deeperTransitions = /const deeperTransitions = (\{[\s\S]*?\n\});/.exec(page)?.[1] ?? "undefined";

const wave = Array.from({ length: 90 }, (_, t) => Math.sin(t / 3));

test("the table has a column for it in every row", () => {
  expect(rows.length).toBeGreaterThanOrEqual(28);
  expect(rows.map((row) => row.length)).toEqual(rows.map(() => 7));
});

test.each(rows.map((row) => [row[0] ?? "", row[6] ?? ""]))("%s: %s", async (_, cell) => {
  const code = cell.replace(/^`|`$/g, "");
  const make = new Function(
    ...Object.keys(streams),
    `const deeperTransitions = ${deeperTransitions}; return ${code};`,
  );
  const operator = make(...Object.values(streams)) as OperatorFunction<unknown, object>;
  const bare = /^(futures|smooth|leakyAverages)/.test(code);
  const label = (t: number): number => (code.includes("softmax") ? t % 4 : Math.sin((t + 1) / 3));
  const events = code.startsWith("sequences")
    ? wave.map((_v, t) => ({ key: `s${t % 3}`, name: "abc"[t % 3], last: t % 9 > 5 }))
    : wave.map((x, t) => (bare ? x : { x, label: label(t), time: 1000 * t }));
  const outputs = await lastValueFrom(from(events).pipe(operator, toArray()));
  expect(outputs).toHaveLength(events.length);
  const text = JSON.stringify(outputs.at(-1), (_key, value) =>
    typeof value === "number" && !Number.isFinite(value) ? "not finite" : value,
  );
  expect(text).not.toContain("not finite");
});
