import type { Readout, Writable } from "./readout.ts";

/**
 * Several readouts side by side on one network: z and d are cut into parts in the order given, losses add up. Such as
 * a value and whether the sequence ends with it: `combined(squared(2), endOfSequence())`.
 *
 * @example
 * ```ts
 * const both = combined(squared(2), endOfSequence());
 * both.inputs === 3 && both.targets === 3; // true
 * ```
 */
export function combined(...parts: readonly Readout[]): Readout {
  let inputs = 0;
  let targets = 0;
  const cuts = parts.map((part) => {
    const cut = {
      part,
      atZ: inputs,
      atD: targets,
      z: new Float64Array(part.inputs),
      dz: new Float64Array(part.inputs),
      d: new Float64Array(part.targets),
    };
    inputs += part.inputs;
    targets += part.targets;
    return cut;
  });
  return {
    name: parts.map(({ name }) => name).join("+"),
    inputs,
    targets,
    logNormaliser: parts.reduce((sum, part) => sum + part.logNormaliser, 0),
    loss(dz, z, d) {
      let sum = 0;
      for (const cut of cuts) {
        copy(cut.z, 0, z, cut.atZ, cut.part.inputs);
        copy(cut.d, 0, d, cut.atD, cut.part.targets);
        sum += cut.part.loss(cut.dz, cut.z, cut.d);
        copy(dz, cut.atZ, cut.dz, 0, cut.part.inputs);
      }
      return sum;
    },
    point(out, z) {
      for (const cut of cuts) {
        copy(cut.z, 0, z, cut.atZ, cut.part.inputs);
        cut.part.point(cut.d, cut.z);
        copy(out, cut.atD, cut.d, 0, cut.part.targets);
      }
    },
    sample(out, z, random) {
      for (const cut of cuts) {
        copy(cut.z, 0, z, cut.atZ, cut.part.inputs);
        cut.part.sample(cut.d, cut.z, random);
        copy(out, cut.atD, cut.d, 0, cut.part.targets);
      }
    },
  };
}

function copy(to: Writable, at: number, from: ArrayLike<number>, start: number, length: number): void {
  for (let i = 0; i < length; i++) to[at + i] = from[start + i];
}
