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
  /** What −log p(d | z) is above L, for a whole d; NaN where the loss is not that of a distribution written out here. */
  readonly logNormaliser: number;
  /** Writes ∂L/∂z to `dz` and returns L(z, d). Finite for every finite z, however large. */
  loss(dz: Writable, z: ArrayLike<number>, d: ArrayLike<number>): number;
  /** Writes the point forecast to `out` [targets]. */
  point(out: Writable, z: ArrayLike<number>): void;
  /** Writes a draw from the distribution that the loss stands for to `out` [targets]. */
  sample(out: Writable, z: ArrayLike<number>, random: Random): void;
}
