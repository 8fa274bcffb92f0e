import { describe, expect, it } from "vitest";
import { feed, forecaster, normals } from "./series.ts";

const H = 6;
const KNOWN = 900;
const GAP = 240;

type Signal = (normal: () => number) => (t: number) => number;

const signals: Record<string, Signal> = {
  "a random walk": (normal) => {
    let v = 50;
    return () => {
      v += 0.2 * normal();
      return v;
    };
  },
  "noise that is drawn back": (normal) => {
    let e = 0;
    return () => {
      e = 0.9 * e + normal();
      return 20 + e;
    };
  },
  "a walk that rises": (normal) => {
    let v = 0;
    return () => {
      v += 0.05 + 0.2 * normal();
      return v;
    };
  },
  "a day": (normal) => (t) => 10 * Math.sin((2 * Math.PI * t) / 24) + normal(),
};

/** In a gap, per distance of the last row of `to`: share inside, mean error and mean width, over several seeds. */
function inGap(signal: Signal, [from, to]: readonly [number, number]) {
  let [n, inside, error, width] = [0, 0, 0, 0];
  for (let seed = 1; seed <= 8; seed++) {
    const value = signal(normals(40 + seed));
    const clean = Array.from({ length: KNOWN + GAP + 1 }, (_, t) => value(t));
    const model = forecaster({ horizon: H, model: "auto:without=recurrent" });
    feed(
      model,
      clean.slice(0, KNOWN + GAP).map((v, t) => [t < KNOWN ? v : Number.NaN]),
      (t) => {
        const x = t + 2 - KNOWN;
        if (x < from || x > to) return;
        n++;
        error += Math.abs(model.mean[0] - clean[t + 1]);
        width += model.upper[0] - model.lower[0];
        if (model.lower[0] <= clean[t + 1] && clean[t + 1] <= model.upper[0]) inside++;
      },
    );
    model.release();
  }
  return { share: inside / n, error: error / n, width: width / n };
}

describe("far from the last reading", () => {
  for (const [name, signal] of Object.entries(signals)) {
    it(`intervals around ${name} hold about what they say`, () => {
      // Eight walks are few draws: what is held is far from the 1 to 40 % of widths that know nothing of distance.
      for (const range of [
        [H + 1, 60],
        [61, GAP],
      ] as const)
        expect(inGap(signal, range).share, range.join("..")).toBeGreaterThan(0.72);
    });
  }

  it("widths grow like those of a walk around a walk, and stay where a level draws back", () => {
    const walk = signals["a random walk"];
    const growth = inGap(walk, [200, GAP]).width / inGap(walk, [20, 30]).width;
    // √(220 / 25) = 2.97.
    expect(growth).toBeGreaterThan(1.9);
    expect(growth).toBeLessThan(4);
    const level = signals["noise that is drawn back"];
    expect(inGap(level, [200, GAP]).width / inGap(level, [20, 30]).width).toBeLessThan(1.6);
  });

  it("a level is expected back at its mean, and a rise goes on", () => {
    const level = inGap(signals["noise that is drawn back"], [60, GAP]);
    // The mean distance from the mean is 1.83; a last value kept for ever is 2.6 off.
    expect(level.error).toBeLessThan(2.2);
    const rise = inGap(signals["a walk that rises"], [200, GAP]);
    // The rise alone comes to 11.
    expect(rise.error).toBeLessThan(6);
  });
});
