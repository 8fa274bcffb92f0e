import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Recalibration } from "../../../src/models/forecaster/recalibration.ts";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { Layout } from "../../../src/models/kernels/layout.ts";
import { seeded } from "../../../src/models/network/seeded.ts";

const H = 12;
const arena = new Arena();

function recalibration() {
  const layout = new Layout(arena);
  const made = new Recalibration(layout, { targets: 1, columns: 1, horizon: H });
  return { made, block: layout.allocate() };
}

/**
 * Readings that are 1 with probability p, else 0, of which a forecaster says that they are with probability q, each by itself.
 * Of a limit at 0 it is said within h steps with 1 - (1 - q)^h.
 */
function fed({ made }: ReturnType<typeof recalibration>, p: number, q: number, rows: number, seed = 1): void {
  const random = seeded(seed, "recalibration");
  const said = Float64Array.from({ length: H }, (_, i) => 1 - (1 - q) ** (i + 1));
  for (let t = 0; t < rows; t++) {
    const reading = random() < p ? 1 : 0;
    made.take(0, reading);
    for (const asked of made.questions(0, reading)) if (asked.high === 0) made.asked(0, asked, said);
  }
}

describe("recalibration", () => {
  it("begins with what was said", () => {
    const { made } = recalibration();
    for (const h of [1, 3, H, 5 * H]) {
      for (const p of [0, 1e-9, 0.01, 0.3, 0.8, 0.9999, 1]) expect(made.tell(0, h, p)).toBeCloseTo(p, 12);
    }
  });

  it("learns how often what was said has come, for each window by itself", () => {
    const learning = recalibration();
    const [p, q] = [0.05, 0.15];
    fed(learning, p, q, 30_000);
    for (const h of [1, 4, H]) {
      const [said, came] = [1 - (1 - q) ** h, 1 - (1 - p) ** h];
      expect(Math.abs(learning.made.tell(0, h, said) - came)).toBeLessThan(0.04);
    }
    // Far beyond the horizon nothing has been learned.
    expect(learning.made.tell(0, 8 * H, 0.5)).toBeCloseTo(0.5, 12);
  });

  it("leaves alone what comes as often as was said", () => {
    const learning = recalibration();
    fed(learning, 0.1, 0.1, 20_000);
    for (const h of [1, 4, H]) {
      const said = 1 - 0.9 ** h;
      expect(Math.abs(learning.made.tell(0, h, said) - said)).toBeLessThan(0.04);
    }
  });

  it("never turns round, and keeps what cannot be and what is sure", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 0.999, noNaN: true }),
        fc.double({ min: 0.001, max: 0.999, noNaN: true }),
        fc.integer({ min: 1, max: 40 }),
        (p, q, h) => {
          const learning = recalibration();
          fed(learning, p, q, 1500);
          let before = 0;
          for (let i = 0; i <= 200; i++) {
            const told = learning.made.tell(0, h, i / 200);
            expect(told).toBeGreaterThanOrEqual(before);
            before = told;
          }
          expect(learning.made.tell(0, h, 0)).toBe(0);
          expect(learning.made.tell(0, h, 1)).toBe(1);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("learns from a window when it has ended, not before", () => {
    const learning = recalibration();
    fed(learning, 0.3, 0.3, 400);
    for (let t = 0; t < H; t++) learning.made.take(0, 0);
    learning.made.asked(
      0,
      { low: Number.NEGATIVE_INFINITY, high: 5, within: H },
      new Float64Array(H).fill(0.5),
    );
    const at = (h: number): number => learning.made.tell(0, h, 0.5);
    const before = [at(1), at(4), at(H)];
    let [first, fourth, last] = before;
    for (let age = 1; age <= H; age++) {
      // The limit is passed at the second step: that is known of the longer windows too, but learned at their end.
      learning.made.take(0, age === 2 ? 9 : 0);
      expect(at(1) !== first).toBe(age === 1);
      expect(at(4) !== fourth).toBe(age === 4);
      expect(at(H) !== last).toBe(age === H);
      [first, fourth, last] = [at(1), at(4), at(H)];
    }
    expect(at(1)).toBeLessThan(before[0]);
    expect(at(4)).toBeGreaterThan(before[1]);
    expect(at(H)).toBeGreaterThan(before[2]);
  });

  it("goes on from its bytes to the same bits", () => {
    const [whole, resumed] = [recalibration(), recalibration()];
    fed(whole, 0.1, 0.3, 501);
    fed(resumed, 0.5, 0.2, 77, 3);
    resumed.block.bytes.set(whole.block.bytes);
    fed(whole, 0.1, 0.3, 300, 2);
    fed(resumed, 0.1, 0.3, 300, 2);
    expect(Buffer.compare(resumed.block.save(), whole.block.save())).toBe(0);
    expect(resumed.made.tell(0, 3, 0.4)).toBe(whole.made.tell(0, 3, 0.4));
  });
});
