/** How much an expert is trusted while labels are few. */
export interface Trust {
  /** Log of its weight to one of the others, before the first label; … */
  readonly weight: number;
  /** … half of that with so many labels of a step. */
  readonly half: number;
}

/** Which experts are trusted before a series has told, and how long. Made by `scripts/studies/prior.ts`. */
export const PRIOR: Record<string, Trust> = {
  "exponential-smoothing": { weight: 4, half: 200 },
  repetition: { weight: 3, half: 200 },
  "holt-winters": { weight: 4, half: 50 },
};
