/** How much a rule of the choice is trusted while labels are few. */
export interface Trust {
  /** Log of its weight to one of the others, before the first label; … */
  readonly weight: number;
  /** … half of that with so many labels of a step. */
  readonly half: number;
}

/** Shares of the experts in the blend, a rule whose weights stand: what few labels would say of weights is mostly chance. */
export const BLEND: Readonly<Record<string, number>> = {
  "exponential-smoothing": 0.5,
  repetition: 0.25,
  "holt-winters": 0.25,
};

/** Which rules are trusted before a series has told, and how long: experts by their names, and the blend. Made by `scripts/studies/prior.ts`. */
export const PRIOR: Record<string, Trust> = {
  blend: { weight: 6, half: 100 },
  "exponential-smoothing": { weight: 5, half: 100 },
  repetition: { weight: 3, half: 200 },
};
