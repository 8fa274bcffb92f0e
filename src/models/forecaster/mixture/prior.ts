/**
 * Which expert is trusted before a series has told, and how long: of n labels of a step, its weight is e^`weight` to one until n comes
 * near `half`. Made by `scripts/studies/prior.ts`.
 */
export const PRIOR = { expert: "exponential-smoothing", weight: 4, half: 100 };
