import { expect, it } from "vitest";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { Layout } from "../../../src/models/kernels/layout.ts";
import { GapFiller } from "../../../src/models/sequence/gap-filler.ts";
import { noise } from "../network/trial.ts";

const LAG = 6;
const truth = (t: number): number => Math.sin(t / 2);
const missing = (t: number): boolean => t > 60 && t % 9 < 2;

function run(
  steps: number,
  onFilled: (t: number, value: number) => void,
): { layout: Layout; filler: GapFiller } {
  const layout = new Layout(new Arena());
  const filler = new GapFiller(layout, { window: 24, lag: LAG, hidden: 16, every: 1, seed: 4 });
  layout.allocate();
  for (let t = 0; t < steps; t++) {
    const filled = filler.push([missing(t) ? Number.NaN : truth(t)]);
    if (filled) onFilled(t - LAG, filled[0]!);
  }
  return { layout, filler };
}

it("gaps are filled from both sides, better than by a straight line", () => {
  let error = 0;
  let naive = 0;
  run(3000, (t, value) => {
    if (!missing(t)) expect(value).toBe(truth(t));
    else if (t > 2000) {
      error += (value - truth(t)) ** 2;
      const first = t - (t % 9);
      const line = truth(first - 1) + ((t - first + 1) / 3) * (truth(first + 2) - truth(first - 1));
      naive += (line - truth(t)) ** 2;
    }
  });
  expect(error).toBeLessThan(0.5 * naive);
});

it("an answer waits for `lag` later rows, and a restart from saved bytes goes on the same", () => {
  const seen: number[] = [];
  run(10, (t) => seen.push(t));
  expect(seen).toEqual([0, 1, 2, 3]);

  const open = () => {
    const layout = new Layout(new Arena());
    const filler = new GapFiller(layout, { columns: 2, window: 12, lag: 3, hidden: 4, every: 1 });
    return { filler, block: layout.allocate() };
  };
  const rows = Array.from({ length: 60 }, (_, t) =>
    Array.from(noise(2, t), (v) => (v > 0.8 ? Number.NaN : v)),
  );
  const whole = open();
  const all = rows.map((row) => whole.filler.push(row));
  const first = open();
  for (const row of rows.slice(0, 31)) first.filler.push(row);
  const second = open();
  second.block.load(first.block.save());
  expect(rows.slice(31).map((row) => second.filler.push(row))).toEqual(all.slice(31));
});
