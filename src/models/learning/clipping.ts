/**
 * The factor that brings a gradient of this global norm back to `limit` (Pascanu et al. 2013): limit / norm when the
 * norm is above it, else 1. One norm over all parameters together, so that the direction stays.
 */
export function clippingFactor(norm: number, limit: number): number {
  return norm > limit ? limit / norm : 1;
}
