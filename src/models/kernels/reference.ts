import type { Arithmetic, Precision } from "./kernels.ts";
import { power } from "./power.ts";

const sigma = (x: number): number => 1 / (1 + Math.exp(-x));

/**
 * The kernels in plain TypeScript over one buffer: the specification that the WebAssembly module is tested against,
 * and the fallback. Arithmetic is float64; only what is stored is rounded to the precision of the buffer.
 */
export function referenceArithmetic(buffer: ArrayBufferLike, precision: Precision): Arithmetic {
  const F = precision === "float64" ? new Float64Array(buffer) : new Float32Array(buffer);
  const D = new Float64Array(buffer);
  const I = new Int32Array(buffer);
  const shift = precision === "float64" ? 3 : 2;

  return {
    copy(y, x, n) {
      F.copyWithin(y >> shift, x >> shift, (x >> shift) + n);
    },
    fill(y, a, n) {
      F.fill(a, y >> shift, (y >> shift) + n);
    },
    add(y, x, n) {
      const Y = y >> shift;
      const X = x >> shift;
      for (let i = 0; i < n; i++) F[Y + i] += F[X + i];
    },
    axpy(y, a, x, n) {
      const Y = y >> shift;
      const X = x >> shift;
      for (let i = 0; i < n; i++) F[Y + i] += a * F[X + i];
    },
    scale(y, a, n) {
      const Y = y >> shift;
      for (let i = 0; i < n; i++) F[Y + i] *= a;
    },
    multiply(y, x, n) {
      const Y = y >> shift;
      const X = x >> shift;
      for (let i = 0; i < n; i++) F[Y + i] *= F[X + i];
    },
    dot(x, y, n) {
      const X = x >> shift;
      const Y = y >> shift;
      let sum = 0;
      for (let i = 0; i < n; i++) sum += F[X + i] * F[Y + i];
      return sum;
    },
    sumSquares(x, n) {
      const X = x >> shift;
      let sum = 0;
      for (let i = 0; i < n; i++) sum += F[X + i] * F[X + i];
      return sum;
    },

    affine(z, W, x, b, n, m) {
      // A local: the compiler then keeps the array's address out of the loop, which makes it three times as fast.
      const f = F;
      const Z = z >> shift;
      const X = x >> shift;
      const B = b >> shift;
      const A = W >> shift;
      if (B !== Z) for (let i = 0; i < m; i++) f[Z + i] = f[B + i];
      for (let j = 0; j < n; j++) {
        const a = f[X + j];
        const row = A + j * m;
        for (let i = 0; i < m; i++) f[Z + i] += a * f[row + i];
      }
    },
    affineTransposed(dx, W, dz, n, m) {
      const f = F;
      const X = dx >> shift;
      const Z = dz >> shift;
      const A = W >> shift;
      for (let j = 0; j < n; j++) {
        const row = A + j * m;
        let sum = 0;
        for (let i = 0; i < m; i++) sum += f[row + i] * f[Z + i];
        f[X + j] += sum;
      }
    },
    outer(dW, x, xs, dz, zs, T, n, m) {
      const f = F;
      const A = dW >> shift;
      const X = x >> shift;
      const Z = dz >> shift;
      for (let j = 0; j < n; j++) {
        const row = A + j * m;
        for (let i = 0; i < m; i++) f[row + i] = 0;
        for (let t = 0; t < T; t++) {
          const a = f[X + t * xs + j];
          const d = Z + t * zs;
          for (let i = 0; i < m; i++) f[row + i] += a * f[d + i];
        }
      }
    },
    sumRows(db, dz, zs, T, m) {
      const B = db >> shift;
      const Z = dz >> shift;
      for (let i = 0; i < m; i++) {
        let sum = 0;
        for (let t = 0; t < T; t++) sum += F[Z + t * zs + i];
        F[B + i] = sum;
      }
    },
    sparse(z, values, columns, x, degree, m) {
      const Z = z >> shift;
      const V = values >> shift;
      const C = columns >> 2;
      const X = x >> shift;
      for (let i = 0; i < m; i++) {
        let sum = 0;
        for (let k = i * degree; k < (i + 1) * degree; k++) sum += F[V + k] * F[X + I[C + k]];
        F[Z + i] += sum;
      }
    },
    sparseTransposed(dx, values, columns, dz, degree, m) {
      const X = dx >> shift;
      const V = values >> shift;
      const C = columns >> 2;
      const Z = dz >> shift;
      for (let i = 0; i < m; i++) {
        const d = F[Z + i];
        for (let k = i * degree; k < (i + 1) * degree; k++) F[X + I[C + k]] += F[V + k] * d;
      }
    },

    exp(y, x, n) {
      const Y = y >> shift;
      const X = x >> shift;
      for (let i = 0; i < n; i++) F[Y + i] = Math.exp(F[X + i]);
    },
    tanh(y, x, n) {
      const Y = y >> shift;
      const X = x >> shift;
      for (let i = 0; i < n; i++) F[Y + i] = Math.tanh(F[X + i]);
    },
    sigmoid(y, x, n) {
      const Y = y >> shift;
      const X = x >> shift;
      for (let i = 0; i < n; i++) F[Y + i] = sigma(F[X + i]);
    },
    power(y, x, p, n) {
      const Y = y >> shift;
      const X = x >> shift;
      for (let i = 0; i < n; i++) F[Y + i] = power(F[X + i], p);
    },
    tanhBackward(dz, dh, h, n) {
      const Z = dz >> shift;
      const G = dh >> shift;
      const H = h >> shift;
      for (let i = 0; i < n; i++) F[Z + i] = F[G + i] * (1 - F[H + i] * F[H + i]);
    },
    sigmoidBackward(dz, dh, h, n) {
      const Z = dz >> shift;
      const G = dh >> shift;
      const H = h >> shift;
      for (let i = 0; i < n; i++) F[Z + i] = F[G + i] * F[H + i] * (1 - F[H + i]);
    },

    lstm(h, s, c, z, sPrevious, logistic, n) {
      const H = h >> shift;
      const S = s >> shift;
      const C = c >> shift;
      const Z = z >> shift;
      const P = sPrevious >> shift;
      for (let i = 0; i < n; i++) {
        const f = sigma(F[Z + i]);
        const g = sigma(F[Z + n + i]);
        const q = sigma(F[Z + 2 * n + i]);
        const a = logistic ? sigma(F[Z + 3 * n + i]) : Math.tanh(F[Z + 3 * n + i]);
        const state = f * F[P + i] + g * a;
        const squashed = Math.tanh(state);
        F[Z + i] = f;
        F[Z + n + i] = g;
        F[Z + 2 * n + i] = q;
        F[Z + 3 * n + i] = a;
        F[S + i] = state;
        F[C + i] = squashed;
        F[H + i] = q * squashed;
      }
    },
    lstmBackward(dz, dsPrevious, dh, ds, z, c, sPrevious, logistic, n) {
      const G = dz >> shift;
      const Q = dsPrevious >> shift;
      const H = dh >> shift;
      const S = ds >> shift;
      const Z = z >> shift;
      const C = c >> shift;
      const P = sPrevious >> shift;
      for (let i = 0; i < n; i++) {
        const f = F[Z + i];
        const g = F[Z + n + i];
        const q = F[Z + 2 * n + i];
        const a = F[Z + 3 * n + i];
        const squashed = F[C + i];
        const d = F[H + i];
        const ds = F[S + i] + d * q * (1 - squashed * squashed);
        F[G + i] = ds * F[P + i] * f * (1 - f);
        F[G + n + i] = ds * a * g * (1 - g);
        F[G + 2 * n + i] = d * squashed * q * (1 - q);
        F[G + 3 * n + i] = ds * g * (logistic ? a * (1 - a) : 1 - a * a);
        F[Q + i] = ds * f;
      }
    },
    gru(h, z, hPrevious, n) {
      const H = h >> shift;
      const Z = z >> shift;
      const P = hPrevious >> shift;
      for (let i = 0; i < n; i++) {
        const r = sigma(F[Z + n + i]);
        const u = sigma(F[Z + 2 * n + i]);
        const a = Math.tanh(F[Z + i] + r * F[Z + 3 * n + i]);
        F[Z + i] = a;
        F[Z + n + i] = r;
        F[Z + 2 * n + i] = u;
        F[H + i] = (1 - u) * a + u * F[P + i];
      }
    },
    gruBackward(dz, dhPrevious, dh, z, hPrevious, n) {
      const G = dz >> shift;
      const Q = dhPrevious >> shift;
      const H = dh >> shift;
      const Z = z >> shift;
      const P = hPrevious >> shift;
      for (let i = 0; i < n; i++) {
        const a = F[Z + i];
        const r = F[Z + n + i];
        const u = F[Z + 2 * n + i];
        const d = F[H + i];
        const da = d * (1 - u) * (1 - a * a);
        F[G + i] = da;
        F[G + n + i] = da * F[Z + 3 * n + i] * r * (1 - r);
        F[G + 2 * n + i] = d * (F[P + i] - a) * u * (1 - u);
        F[G + 3 * n + i] = da * r;
        F[Q + i] += d * u;
      }
    },
    leaky(h, z, hPrevious, alpha, n) {
      const H = h >> shift;
      const Z = z >> shift;
      const P = hPrevious >> shift;
      const A = alpha >> shift;
      for (let i = 0; i < n; i++) {
        const c = Math.tanh(F[Z + i]);
        F[Z + i] = c;
        F[H + i] = F[A + i] * F[P + i] + (1 - F[A + i]) * c;
      }
    },
    leakyBackward(dz, dhPrevious, dAlpha, dh, z, hPrevious, alpha, n) {
      const G = dz >> shift;
      const Q = dhPrevious >> shift;
      const DA = dAlpha >> shift;
      const H = dh >> shift;
      const Z = z >> shift;
      const P = hPrevious >> shift;
      const A = alpha >> shift;
      for (let i = 0; i < n; i++) {
        const c = F[Z + i];
        const d = F[H + i];
        F[G + i] = d * (1 - F[A + i]) * (1 - c * c);
        F[DA + i] = d * (F[P + i] - c);
        F[Q + i] += d * F[A + i];
      }
    },

    momentum(theta, v, g, scale, rate, mu, n) {
      const X = theta >> shift;
      const V = v >> shift;
      const G = g >> shift;
      for (let i = 0; i < n; i++) {
        F[V + i] = mu * F[V + i] + F[G + i] * scale;
        F[X + i] -= rate * F[V + i];
      }
    },
    rmsprop(theta, v, g, scale, rate, alpha, epsilon, n) {
      const X = theta >> shift;
      const V = v >> shift;
      const G = g >> shift;
      for (let i = 0; i < n; i++) {
        const d = F[G + i] * scale;
        F[V + i] = alpha * F[V + i] + (1 - alpha) * d * d;
        F[X + i] -= (rate * d) / (Math.sqrt(F[V + i]) + epsilon);
      }
    },
    adam(theta, m, v, g, scale, rate, beta1, beta2, epsilon, c1, c2, n) {
      const X = theta >> shift;
      const M = m >> shift;
      const V = v >> shift;
      const G = g >> shift;
      for (let i = 0; i < n; i++) {
        const d = F[G + i] * scale;
        F[M + i] = beta1 * F[M + i] + (1 - beta1) * d;
        F[V + i] = beta2 * F[V + i] + (1 - beta2) * d * d;
        F[X + i] -= (rate * (F[M + i] * c1)) / (Math.sqrt(F[V + i] * c2) + epsilon);
      }
    },

    widen(y, x, n) {
      const Y = y >> 3;
      const X = x >> shift;
      for (let i = 0; i < n; i++) D[Y + i] = F[X + i];
    },
    narrow(y, x, n) {
      const Y = y >> shift;
      const X = x >> 3;
      for (let i = 0; i < n; i++) F[Y + i] = D[X + i];
    },
    dot64(x, y, n) {
      const X = x >> 3;
      const Y = y >> 3;
      let sum = 0;
      for (let i = 0; i < n; i++) sum += D[X + i] * D[Y + i];
      return sum;
    },
    axpy64(y, a, x, n) {
      const Y = y >> 3;
      const X = x >> 3;
      for (let i = 0; i < n; i++) D[Y + i] += a * D[X + i];
    },
    multiply64(y, A, x, m, n) {
      const Y = y >> 3;
      const X = x >> 3;
      for (let i = 0; i < m; i++) {
        const row = (A >> 3) + i * n;
        let sum = 0;
        for (let j = 0; j < n; j++) sum += D[row + j] * D[X + j];
        D[Y + i] = sum;
      }
    },
    rankOne64(P, g, scale, growth, n) {
      const G = g >> 3;
      for (let i = 0; i < n; i++) {
        const row = (P >> 3) + i * n;
        const a = D[G + i];
        for (let j = 0; j < n; j++) D[row + j] = (D[row + j] + a * D[G + j] * scale) * growth;
      }
    },
    symmetricMultiply64(y, P, x, n) {
      const Y = y >> 3;
      const X = x >> 3;
      let p = P >> 3;
      for (let i = 0; i < n; i++) D[Y + i] = 0;
      for (let i = 0; i < n; i++) {
        const a = D[X + i];
        let sum = D[p++] * a;
        for (let j = i + 1; j < n; j++, p++) {
          sum += D[p] * D[X + j];
          D[Y + j] += D[p] * a;
        }
        D[Y + i] += sum;
      }
    },
    symmetricDowndate64(P, g, inverse, growth, n) {
      const G = g >> 3;
      let p = P >> 3;
      for (let i = 0; i < n; i++) {
        const a = D[G + i];
        for (let j = i; j < n; j++, p++) D[p] = (D[p] - a * D[G + j] * inverse) * growth;
      }
    },
    correct64(W, e, k, m, n) {
      const E = e >> 3;
      const K = k >> 3;
      for (let i = 0; i < m; i++) {
        const a = D[E + i];
        if (a === 0 || Number.isNaN(a)) continue;
        const row = (W >> 3) + i * n;
        for (let j = 0; j < n; j++) D[row + j] += a * D[K + j];
      }
    },
  };
}
