/** v within ±bound; NaN stays NaN. */
export const clip = (v: number, bound: number): number => Math.max(-bound, Math.min(bound, v));
