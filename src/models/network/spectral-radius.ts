import { EigenvalueDecomposition, Matrix } from "ml-matrix";

/** Up to this size the whole matrix is looked at; above, the space of its leading directions. */
const DIRECT = 48;
const POWER_STEPS = 400;
const KRYLOV = 32;
const SQUARINGS = 40;

/** Real and imaginary parts of the eigenvalues of a square matrix [n × n], row by row. Cost: about 10 n³. */
export function eigenvalues(matrix: ArrayLike<number>, n: number): { real: number[]; imaginary: number[] } {
  if (n === 0) return { real: [], imaginary: [] };
  const rows = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => matrix[i * n + j]));
  const decomposition = new EigenvalueDecomposition(new Matrix(rows), { assumeSymmetric: false });
  return { real: decomposition.realEigenvalues, imaginary: decomposition.imaginaryEigenvalues };
}

/**
 * The largest absolute eigenvalue of a matrix [n × n], row by row, to about ten digits. A large matrix is multiplied a
 * few hundred times into a fixed vector, which leaves only its leading directions; Arnoldi's method (Saad, Numerical
 * Methods for Large Eigenvalue Problems, ch. 6) restricts it to them. `connected` names the columns that are not zero.
 */
export function spectralRadius(
  matrix: Float64Array,
  n: number,
  connected?: readonly (readonly number[])[],
): number {
  if (n <= DIRECT) return growth(matrix, n);
  const apply = (y: Float64Array, x: Float64Array): void => {
    for (let i = 0; i < n; i++) {
      let sum = 0;
      if (connected) for (const j of connected[i]) sum += matrix[i * n + j] * x[j];
      else for (let j = 0; j < n; j++) sum += matrix[i * n + j] * x[j];
      y[i] = sum;
    }
  };
  let x: Float64Array = Float64Array.from({ length: n }, (_, i) => 1 + Math.sin(i * i + 1) / 2);
  let y: Float64Array = new Float64Array(n);
  for (let step = 0; step < POWER_STEPS; step++) {
    const norm = Math.sqrt(dot(x, x));
    if (norm === 0) return 0;
    for (let i = 0; i < n; i++) x[i] /= norm;
    apply(y, x);
    [x, y] = [y, x];
  }
  return growth(...hessenberg(apply, x, n));
}

/** Arnoldi: an orthonormal basis of the Krylov space of `start` and the matrix restricted to it [m × m]. */
function hessenberg(
  apply: (y: Float64Array, x: Float64Array) => void,
  start: Float64Array,
  n: number,
): [Float64Array, number] {
  const full = new Float64Array(KRYLOV * KRYLOV);
  const norm = Math.sqrt(dot(start, start));
  if (norm === 0) return [new Float64Array(1), 1];
  const basis: Float64Array[] = [start.map((value) => value / norm)];
  let m = 0;
  while (m < KRYLOV) {
    const next = new Float64Array(n);
    apply(next, basis[m]);
    for (let pass = 0; pass < 2; pass++) {
      for (let k = 0; k <= m; k++) {
        const along = dot(next, basis[k]);
        full[k * KRYLOV + m] += along;
        for (let i = 0; i < n; i++) next[i] -= along * basis[k][i];
      }
    }
    m++;
    const rest = Math.sqrt(dot(next, next));
    if (m === KRYLOV || rest < 1e-12) break;
    full[m * KRYLOV + (m - 1)] = rest;
    basis.push(next.map((value) => value / rest));
  }
  const small = new Float64Array(m * m);
  for (let i = 0; i < m; i++) for (let j = 0; j < m; j++) small[i * m + j] = full[i * KRYLOV + j];
  return [small, m];
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/**
 * Gelfand's formula, ρ = lim |Aᵐ|^(1/m), with m doubled by squaring and the norms kept apart: what is left after 40 squarings
 * is a factor κ^(2⁻⁴⁰), whatever the eigenvalues are. Cost 40 n³; no eigenvectors, which are all one would throw away.
 */
function growth(matrix: Float64Array, n: number): number {
  let A = Float64Array.from(matrix);
  let square = new Float64Array(n * n);
  let logarithm = 0;
  for (let k = 0; k <= SQUARINGS; k++) {
    const norm = Math.sqrt(dot(A, A));
    if (norm === 0) return 0;
    logarithm += Math.log(norm) / 2 ** k;
    for (let i = 0; i < A.length; i++) A[i] /= norm;
    square.fill(0);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < n; k++) {
        const a = A[i * n + k];
        for (let j = 0; j < n; j++) square[i * n + j] += a * A[k * n + j];
      }
    }
    [A, square] = [square, A];
  }
  return Math.exp(logarithm);
}
