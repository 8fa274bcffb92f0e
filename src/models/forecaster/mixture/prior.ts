/**
 * Which experts are trusted before a series has told, and how long: of n labels of a step, the weight of each is e^`weights` to one until n
 * comes near `half`. Made by `scripts/studies/prior.ts`.
 */
export const PRIOR: { readonly weights: Readonly<Record<string, number>>; readonly half: number } = {
  weights: { "exponential-smoothing": 4, repetition: 3, "holt-winters": 3 },
  half: 100,
};
