import { EddyError } from "../errors.ts";

/** Uniform on [0, 1), seeded by whoever passes it. */
export type Random = () => number;

/** Numbers that a readout writes: network elements or float64. */
export type Writable = Float32Array | Float64Array | number[];

/**
 * What a network's last numbers mean: a loss on them, its gradient, a point to forecast and a draw to feed back.
 * Pure functions over arrays; `d` and the outputs are never changed except where said.
 *
 * Letters: z the numbers the network gives, [inputs]; d the label, [targets]; dz the gradient of the loss, [inputs].
 * A NaN in `d` is a missing label: its part of the loss and of dz is 0.
 */
export interface Readout {
  /** The name it is registered under. */
  readonly name: string;
  /** Length of z. */
  readonly inputs: number;
  /** Length of d. */
  readonly targets: number;
  /** Writes ∂L/∂z to `dz` and returns L(z, d). Finite for every finite z, however large. */
  loss(dz: Writable, z: ArrayLike<number>, d: ArrayLike<number>): number;
  /** Writes the point forecast to `out` [targets]. */
  point(out: Writable, z: ArrayLike<number>): void;
  /** Writes a draw from the distribution that the loss stands for to `out` [targets]. */
  sample(out: Writable, z: ArrayLike<number>, random: Random): void;
}

/** Makes a readout for `targets` numbers; the contract suite calls it with no options. */
export type ReadoutMaker = (targets?: number) => Readout;

const makers = new Map<string, ReadoutMaker>();

/** Adds a readout to those that networks may name and that the contract suite walks. @throws EddyError `bad-argument` when the name is taken. */
export function registerReadout(name: string, make: ReadoutMaker): void {
  if (makers.has(name)) {
    throw new EddyError("bad-argument", "readout", { expected: "a name that is not taken", received: name });
  }
  makers.set(name, make);
}

/** The names of all registered readouts, in the order of their registration. */
export function readoutNames(): string[] {
  return [...makers.keys()];
}

/** The readout registered under `name`. @throws EddyError `bad-model` for a name that is not registered. */
export function makeReadout(name: string, targets?: number): Readout {
  const make = makers.get(name);
  if (!make) {
    throw new EddyError("bad-model", "readout", {
      expected: `one of ${readoutNames().join(", ")}`,
      received: name,
    });
  }
  return make(targets);
}
