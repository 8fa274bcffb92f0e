/** σ(z) = 1 / (1 + exp(−z)), without overflow. */
export function logistic(z: number): number {
  if (z >= 0) return 1 / (1 + Math.exp(-z));
  const u = Math.exp(z);
  return u / (1 + u);
}

/** softplus(z) = log(1 + exp(z)) = −log σ(−z), without overflow. */
export function softplus(z: number): number {
  return Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
}

/** log softplus(z), accurate where softplus(z) itself underflows. */
export function logSoftplus(z: number): number {
  // log(log(1 + u)) = log u − u/2 + O(u²), u = exp(z).
  return z < -30 ? z - Math.exp(z) / 2 : Math.log(softplus(z));
}
