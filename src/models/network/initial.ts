import { EddyError, printable } from "../errors.ts";
import { drawNormal } from "../readouts/draws.ts";
import { spectralRadius } from "./spectral-radius.ts";

/**
 * How numbers begin. `uniform` in [-scale, scale], scale by default gain/√(fan-in); `orthogonal`: orthonormal columns
 * (Saxe et al. 2014) times gain; `reservoir`: normal entries scaled to a spectral radius; `given` row by row,
 * [outputs × inputs].
 */
export type Initial =
  | { readonly kind: "zero" }
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "uniform"; readonly scale?: number; readonly gain?: number }
  | { readonly kind: "orthogonal"; readonly gain?: number }
  | { readonly kind: "reservoir"; readonly radius: number }
  | { readonly kind: "given"; readonly values: readonly number[] };

export interface InitialShape {
  readonly outputs: number;
  readonly inputs: number;
  /** Inputs of the whole node, for the default scale. */
  readonly fanIn: number;
  /** For each output the inputs that are connected, in ascending order; undefined: all. */
  readonly connected?: readonly (readonly number[])[];
}

/** A matrix [outputs × inputs], row by row, that depends on nothing but its arguments. */
export function initialMatrix(
  initial: Initial,
  { outputs, inputs, fanIn, connected }: InitialShape,
  random: () => number,
): Float64Array {
  const matrix = new Float64Array(outputs * inputs);
  const everywhere = (draw: () => number): void => {
    for (let i = 0; i < outputs; i++) {
      if (connected) for (const j of connected[i]) matrix[i * inputs + j] = draw();
      else for (let j = 0; j < inputs; j++) matrix[i * inputs + j] = draw();
    }
  };
  switch (initial.kind) {
    case "zero":
      break;
    case "constant":
      everywhere(() => initial.value);
      break;
    case "uniform": {
      const scale = initial.scale ?? (initial.gain ?? 1) / Math.sqrt(Math.max(1, fanIn));
      everywhere(() => scale * (2 * random() - 1));
      break;
    }
    case "orthogonal":
      orthogonal(matrix, outputs, inputs, initial.gain ?? 1, random);
      if (connected) {
        for (let i = 0; i < outputs; i++) {
          const kept = new Set(connected[i]);
          for (let j = 0; j < inputs; j++) if (!kept.has(j)) matrix[i * inputs + j] = 0;
        }
      }
      break;
    case "reservoir": {
      if (outputs !== inputs) {
        throw new EddyError("bad-model", "reservoir", {
          expected: "as many inputs as outputs",
          received: `${inputs} and ${outputs}`,
        });
      }
      everywhere(() => drawNormal(random));
      const radius = spectralRadius(matrix, outputs, connected);
      if (radius > 0) for (let i = 0; i < matrix.length; i++) matrix[i] *= initial.radius / radius;
      break;
    }
    case "given":
      if (initial.values.length !== matrix.length) {
        throw new EddyError("bad-model", "given weights", {
          expected: `${outputs} × ${inputs} numbers`,
          received: String(initial.values.length),
        });
      }
      matrix.set(initial.values);
      break;
    default:
      throw new EddyError("bad-model", "initial weights", {
        expected: "kind zero, constant, uniform, orthogonal, reservoir or given",
        received: printable(initial),
      });
  }
  return matrix;
}

/** Square blocks of orthonormal rows by Gram-Schmidt (twice, for accuracy); a taller matrix is filled block by block. */
function orthogonal(
  matrix: Float64Array,
  outputs: number,
  inputs: number,
  gain: number,
  random: () => number,
): void {
  for (let first = 0; first < outputs; first += inputs) {
    const last = Math.min(outputs, first + inputs);
    for (let i = first; i < last; i++) {
      const row = matrix.subarray(i * inputs, (i + 1) * inputs);
      for (let j = 0; j < inputs; j++) row[j] = drawNormal(random);
      for (let pass = 0; pass < 2; pass++) {
        for (let k = first; k < i; k++) {
          const other = matrix.subarray(k * inputs, (k + 1) * inputs);
          let along = 0;
          for (let j = 0; j < inputs; j++) along += row[j] * other[j];
          for (let j = 0; j < inputs; j++) row[j] -= along * other[j];
        }
        let norm = 0;
        for (let j = 0; j < inputs; j++) norm += row[j] * row[j];
        norm = Math.sqrt(norm);
        for (let j = 0; j < inputs; j++) row[j] /= norm;
      }
    }
  }
  for (let i = 0; i < matrix.length; i++) matrix[i] *= gain;
}
