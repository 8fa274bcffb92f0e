import { Forecaster } from "../../../src/models/forecaster/forecaster.ts";
import { type ForecasterOptions, specification } from "../../../src/models/forecaster/specification.ts";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { seeded } from "../../../src/models/network/seeded.ts";

export const HOUR = 3_600_000;
export const START = Date.UTC(2026, 0, 5);

/** One arena for a whole file: frozen reservoirs are made once. */
const arena = new Arena();

export function forecaster(options: ForecasterOptions = {}): Forecaster {
  return new Forecaster(specification(options), arena);
}

/** Standard normal numbers that depend on the seed alone. */
export function normals(seed: number): () => number {
  const random = seeded(seed, "test");
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Feeds rows hour by hour; calls `after` with the row number. */
export function feed(
  model: Forecaster,
  rows: readonly (readonly number[])[],
  after: (t: number) => void = () => {},
  first = 0,
): void {
  for (let t = first; t < rows.length; t++) {
    model.observe(START + t * HOUR, Float64Array.from(rows[t]));
    after(t);
  }
}

/** A daily pattern with autocorrelated noise in two columns, the second led by the first. */
export function daily(length: number, seed = 1): number[][] {
  const normal = normals(seed);
  const rows: number[][] = [];
  let a = 0;
  for (let t = 0; t < length; t++) {
    const before = a;
    a = 0.8 * a + 0.3 * normal();
    rows.push([10 + 2 * Math.sin((2 * Math.PI * t) / 24) + a, 5 + before + 0.1 * normal()]);
  }
  return rows;
}
