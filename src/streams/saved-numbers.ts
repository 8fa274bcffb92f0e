import { EddyError } from "../models/errors.ts";

/** The number at a place of what a series saved; throws `bad-state` when its state is shorter than that. */
export function savedNumber(state: Float64Array, place: number): number {
  const saved = state[place];
  if (saved !== undefined) return saved;
  throw new EddyError("bad-state", "series state", {
    expected: `more than ${place} numbers`,
    received: String(state.length),
  });
}
