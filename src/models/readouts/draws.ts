import type { Random } from "./readout.ts";

/** A standard normal draw (Box & Muller 1958), from two uniforms. */
export function drawNormal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** A Poisson draw (Knuth), in chunks of the rate that exp(−rate) can hold. Cost: O(rate). */
export function drawPoisson(rate: number, random: Random): number {
  let count = 0;
  for (let left = rate; left > 0; left -= 30) {
    const floor = Math.exp(-Math.min(left, 30));
    for (let product = random(); product > floor; product *= random()) count++;
  }
  return count;
}

/** An index drawn with the probabilities p [n], which sum to 1. */
export function drawIndex(p: ArrayLike<number>, random: Random): number {
  let left = random();
  for (let i = 0; i < p.length - 1; i++) {
    left -= p[i];
    if (left < 0) return i;
  }
  return p.length - 1;
}
