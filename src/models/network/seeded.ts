import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** A stream of numbers in [0, 1) that depends on the seed and on what it is for, and on nothing else. */
export function seeded(seed: number, purpose: string): () => number {
  const generator = xoroshiro128plus(hash32(`${seed}:${purpose}`));
  return () => uniformFloat64(generator);
}

/** FNV-1a, 32 bits, finished so that near texts differ in every bit. */
export function hash32(text: string, start = 0x811c9dc5): number {
  let h = start;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
