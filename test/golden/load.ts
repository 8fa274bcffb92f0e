import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

/** A tensor of a golden file, row-major. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: readonly (number | string)[];
}

/** One golden case. What a field holds is said in the file's own `equations`; sizes come from `config` only. */
export interface GoldenCase {
  readonly case: string;
  readonly variant: string;
  readonly tolerance: { readonly rel: number; readonly abs: number };
  // biome-ignore lint/suspicious/noExplicitAny: the shape of a case is its own; tests read what its README says is there
  readonly config: any;
  readonly params: Record<string, Tensor>;
  // biome-ignore lint/suspicious/noExplicitAny: tensors or numbers, by case
  readonly inputs: Record<string, any>;
  // biome-ignore lint/suspicious/noExplicitAny: tensors or numbers, by case
  readonly targets: Record<string, any>;
  // biome-ignore lint/suspicious/noExplicitAny: the shape of a case is its own
  readonly expect: any;
}

export interface Tolerance {
  readonly rel: number;
  readonly abs: number;
}

/** float32 kernels against float64 vectors. */
export const FLOAT32: Tolerance = { rel: 1e-4, abs: 1e-4 };

/** The folder of the vectors: beside this file, or the one named by the environment variable EDDY_GOLDEN. */
const goldenFolder = process.env.EDDY_GOLDEN ?? fileURLToPath(new URL(".", import.meta.url));

/** Reads a case by its file name without `.json`. */
export function load(name: string): GoldenCase {
  return JSON.parse(readFileSync(`${goldenFolder}/${name}.json`, "utf8")) as GoldenCase;
}

/** A tensor's numbers, flat and row-major; the strings "Infinity" and "-Infinity" become numbers. */
export function numbers(tensor: Tensor): Float64Array {
  return Float64Array.from(tensor.data, Number);
}

/** Row `i` of a tensor whose first axis is rows. */
export function rowOf(tensor: Tensor, i: number): Float64Array {
  const width = tensor.data.length / tensor.shape[0];
  return Float64Array.from(tensor.data.slice(i * width, (i + 1) * width), Number);
}

/** A golden matrix [to × from] as the kernels hold weights: [from × to]. */
export function transposed(tensor: Tensor, to: number, from: number): Float64Array {
  const data = numbers(tensor);
  const out = new Float64Array(to * from);
  for (let i = 0; i < to; i++) for (let j = 0; j < from; j++) out[j * to + i] = data[i * from + j];
  return out;
}

/** Fails unless every |got − expected| <= abs + rel · |expected|, naming the worst element. */
export function expectClose(
  got: ArrayLike<number> | number,
  wanted: Tensor | ArrayLike<number> | number,
  tolerance: Tolerance,
  label = "value",
): void {
  const a = typeof got === "number" ? [got] : got;
  const b = typeof wanted === "number" ? [wanted] : isTensor(wanted) ? numbers(wanted) : wanted;
  expect(a.length, `${label}: length`).toBe(b.length);
  let worst = 0;
  let at = -1;
  for (let i = 0; i < b.length; i++) {
    if (a[i] === b[i]) continue;
    const excess = Math.abs(a[i] - b[i]) / (tolerance.abs + tolerance.rel * Math.abs(b[i]));
    if (!(excess <= worst)) {
      worst = excess;
      at = i;
    }
  }
  expect(worst, `${label}[${at}]: got ${a[at]}, expected ${b[at]}, in units of the tolerance`).toBeLessThanOrEqual(1);
}

function isTensor(value: Tensor | ArrayLike<number>): value is Tensor {
  return "data" in value && "shape" in value;
}
