import { describe, expect, it } from "vitest";
import { feed, forecaster, normals } from "../series.ts";

/** A stationary second-order autoregression: its one-step law is all there is to know. */
function autoregressive(length: number, seed: number): number[][] {
  const normal = normals(seed);
  let [one, two] = [0, 0];
  return Array.from({ length }, () => {
    const v = 1.9 * one - 0.95 * two + normal();
    [one, two] = [v, one];
    return [v];
  });
}

describe("model names", () => {
  it("of a family stand for a mixture of its members", () => {
    const model = forecaster({ model: "recurrent" });
    expect(model.experts.slice(2)).toEqual(["echo-sharp", "echo-plain", "echo-smooth", "lstm"]);
    feed(model, autoregressive(300, 5));
    const w = model.weights(1, 0);
    expect([...w].filter((v) => v > 0).length).toBeGreaterThan(2);
  });

  it("take another rule for the intervals, which leaves the forecast as it is", () => {
    const rows = autoregressive(300, 6);
    const [tracked, aci] = [
      forecaster({ model: "autoregression" }),
      forecaster({ model: "autoregression:intervals=aci" }),
    ];
    feed(tracked, rows);
    feed(aci, rows);
    expect(aci.mean).toEqual(tracked.mean);
    expect(aci.upper).not.toEqual(tracked.upper);
    expect(Math.abs((aci.coverage(1, 0) ?? 0) - 0.9)).toBeLessThan(0.04);
    expect(() => forecaster({ model: "auto:intervals=none" })).toThrow(
      /expected intervals=fan\|aci, got "?none/,
    );
  });
});
