/** The element type of networks: float32 in production, float64 where the reference serves as the specification. */
export type Precision = "float32" | "float64";

/** A byte offset into the memory that a set of kernels works on. */
export type Pointer = number;

/**
 * The arithmetic of every model: free functions over byte pointers into one memory, output first. They allocate
 * nothing and check nothing; whoever calls them has validated once, at the edge of a cell or a learner. An output may
 * not overlap an input unless the line says so. Lengths and strides count elements, not bytes; 0 is a valid length.
 *
 * Letters: n inputs, m outputs, T time steps, z preactivation, h hidden state, s cell state, d… gradient of the loss by ….
 * "Real" is float32 for `wasm` and `reference32`, float64 for `reference64`.
 *
 * Weights are stored [n × m], one row per *input*: W[j·m + i] leads from input j to output i. Forward is then a sum of
 * scaled rows and needs no horizontal sums, and the weight gradient is a sum of outer products in the same layout.
 */
export interface Arithmetic {
  // Vectors ----------------------------------------------------------------------------------------------------------

  /** y = x [n]. May overlap. */
  copy(y: Pointer, x: Pointer, n: number): void;
  /** y = a [n]. */
  fill(y: Pointer, a: number, n: number): void;
  /** y += x [n]. */
  add(y: Pointer, x: Pointer, n: number): void;
  /** y += a x [n]. */
  axpy(y: Pointer, a: number, x: Pointer, n: number): void;
  /** y *= a [n]. */
  scale(y: Pointer, a: number, n: number): void;
  /** y *= x [n], element by element. */
  multiply(y: Pointer, x: Pointer, n: number): void;
  /** Σ x y [n]. */
  dot(x: Pointer, y: Pointer, n: number): number;
  /** Σ x² [n]; NaN or Infinity when any element is. */
  sumSquares(x: Pointer, n: number): number;

  // Affine maps --------------------------------------------------------------------------------------------------------

  /** z = b + Wᵀ x: z[i] = b[i] + Σ_j x[j] W[j·m + i]. `b` may be `z` itself, which accumulates. Cost n·m. */
  affine(z: Pointer, W: Pointer, x: Pointer, b: Pointer, n: number, m: number): void;
  /** dx += W dz: dx[j] += Σ_i W[j·m + i] dz[i]. The reverse of `affine`. Cost n·m. */
  affineTransposed(dx: Pointer, W: Pointer, dz: Pointer, n: number, m: number): void;
  /**
   * dW = Σ_t x(t) dz(t)ᵀ over a whole window: dW[j·m + i] = Σ_t x[t·xs + j] dz[t·zs + i]. Overwrites. Strides xs and
   * zs lead from one step to the next; xs = 0 repeats one vector. Cost T·n·m.
   */
  outer(dW: Pointer, x: Pointer, xs: number, dz: Pointer, zs: number, T: number, n: number, m: number): void;
  /** db = Σ_t dz(t): db[i] = Σ_t dz[t·zs + i]. Overwrites. */
  sumRows(db: Pointer, dz: Pointer, zs: number, T: number, m: number): void;
  /**
   * z[i] += Σ_k values[i·degree + k] x[columns[i·degree + k]] for i < m: a frozen sparse matrix with the same number
   * of connections for every unit; `columns` are int32. Cost m·degree.
   */
  sparse(z: Pointer, values: Pointer, columns: Pointer, x: Pointer, degree: number, m: number): void;
  /** dx[columns[i·degree + k]] += values[i·degree + k] dz[i]: the reverse of `sparse`. */
  sparseTransposed(
    dx: Pointer,
    values: Pointer,
    columns: Pointer,
    dz: Pointer,
    degree: number,
    m: number,
  ): void;

  // Pointwise ----------------------------------------------------------------------------------------------------------

  /** y = exp(x). May be in place. */
  exp(y: Pointer, x: Pointer, n: number): void;
  /** y = tanh(x). May be in place. */
  tanh(y: Pointer, x: Pointer, n: number): void;
  /** y = 1 / (1 + exp(-x)). May be in place. */
  sigmoid(y: Pointer, x: Pointer, n: number): void;
  /** y = x^p for x in [0, 1]. May be in place. */
  power(y: Pointer, x: Pointer, p: number, n: number): void;
  /** dz = dh (1 - h²), h = tanh z. May be in place. */
  tanhBackward(dz: Pointer, dh: Pointer, h: Pointer, n: number): void;
  /** dz = dh h (1 - h), h = σ(z). May be in place. */
  sigmoidBackward(dz: Pointer, dh: Pointer, h: Pointer, n: number): void;

  // Cells --------------------------------------------------------------------------------------------------------------

  /**
   * LSTM, blocks of z in the order f, g, q, a (forget, input, output, candidate), each [n], preactivations in,
   * activations out: f g q = σ, a = tanh (or σ when `logistic`); s = f s' + g a; c = tanh s; h = q c.
   */
  lstm(h: Pointer, s: Pointer, c: Pointer, z: Pointer, sPrevious: Pointer, logistic: number, n: number): void;
  /**
   * Gradient of `lstm`: dz [4n] from dh and ds (the gradient that reaches s from the next step), with the activations
   * z, c and s'. Writes ds' = the gradient by s'. ds' may be ds.
   */
  lstmBackward(
    dz: Pointer,
    dsPrevious: Pointer,
    dh: Pointer,
    ds: Pointer,
    z: Pointer,
    c: Pointer,
    sPrevious: Pointer,
    logistic: number,
    n: number,
  ): void;
  /**
   * GRU, reset after the product, blocks of z in the order a, r, u, k: a the candidate's part from inputs, k its part
   * from the recurrent state. r u = σ, a ← tanh(a + r k), h = (1 - u) a + u h'. k stays as it is.
   */
  gru(h: Pointer, z: Pointer, hPrevious: Pointer, n: number): void;
  /** Gradient of `gru`: writes dz [4n] and adds u dh to dh'. */
  gruBackward(dz: Pointer, dhPrevious: Pointer, dh: Pointer, z: Pointer, hPrevious: Pointer, n: number): void;
  /** Leaky unit: z ← tanh z (in place), h = α h' + (1 - α) z, α per unit. */
  leaky(h: Pointer, z: Pointer, hPrevious: Pointer, alpha: Pointer, n: number): void;
  /** Gradient of `leaky`: writes dz and dα (this step's), adds α dh to dh'. z holds tanh z. */
  leakyBackward(
    dz: Pointer,
    dhPrevious: Pointer,
    dAlpha: Pointer,
    dh: Pointer,
    z: Pointer,
    hPrevious: Pointer,
    alpha: Pointer,
    n: number,
  ): void;

  // Optimisers: one update of n parameters θ from gradients g, each times `scale` (the clipping factor) -----------------

  /** v = μ v + g; θ -= η v. */
  momentum(theta: Pointer, v: Pointer, g: Pointer, scale: number, rate: number, mu: number, n: number): void;
  /** v = α v + (1 - α) g²; θ -= η g / (√v + ε). */
  rmsprop(
    theta: Pointer,
    v: Pointer,
    g: Pointer,
    scale: number,
    rate: number,
    alpha: number,
    epsilon: number,
    n: number,
  ): void;
  /** m = β₁ m + (1 - β₁) g; v = β₂ v + (1 - β₂) g²; θ -= η (m c₁) / (√(v c₂) + ε), c₁ c₂ the bias corrections. */
  adam(
    theta: Pointer,
    m: Pointer,
    v: Pointer,
    g: Pointer,
    scale: number,
    rate: number,
    beta1: number,
    beta2: number,
    epsilon: number,
    c1: number,
    c2: number,
    n: number,
  ): void;

  // Least squares: float64 in every backend -----------------------------------------------------------------------------

  /** y = x, real to float64 [n]. */
  widen(y: Pointer, x: Pointer, n: number): void;
  /** y = x, float64 to real [n]. */
  narrow(y: Pointer, x: Pointer, n: number): void;
  /** Σ x y, float64 [n]. */
  dot64(x: Pointer, y: Pointer, n: number): number;
  /** y += a x, float64 [n]. */
  axpy64(y: Pointer, a: number, x: Pointer, n: number): void;
  /** y = A x, float64: y[i] = Σ_j A[i·n + j] x[j] for i < m, j < n. P φ, and W φ for many outputs. */
  multiply64(y: Pointer, A: Pointer, x: Pointer, m: number, n: number): void;
  /** P = (P + (g gᵀ) scale) growth, float64 [n × n]; stays symmetric to the last bit. */
  rankOne64(P: Pointer, g: Pointer, scale: number, growth: number, n: number): void;
  /**
   * y = P x for a symmetric P of float64 kept as its upper triangle, row by row: P[i, j] with j >= i is element
   * i·n - i(i - 1)/2 + (j - i). Every element is loaded once. Cost n² multiplications, n²/2 loads.
   */
  symmetricMultiply64(y: Pointer, P: Pointer, x: Pointer, n: number): void;
  /** P = (P - (g gᵀ) inverse) growth for the upper triangle of `symmetricMultiply64`. Cost 3 n²/2. */
  symmetricDowndate64(P: Pointer, g: Pointer, inverse: number, growth: number, n: number): void;
  /** W += e kᵀ, float64: W[i·n + j] += e[i] k[j]; a row whose e is 0 or NaN is left alone. */
  correct64(W: Pointer, e: Pointer, k: Pointer, m: number, n: number): void;
}
