import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { describe, expect, it } from "vitest";
import { type Backend, type Kernels, openKernels } from "../../../src/models/kernels/open.ts";

/** Lengths on both sides of the lane width and of every unrolled tile. */
const LENGTHS = [0, 1, 3, 4, 5, 8, 9, 17, 33, 35];
const SENTINEL = 12345.678;

type Kind = "real" | "float64" | "int32";

/** Vectors laid one after the other in a memory, each followed by a sentinel and starting off the SIMD boundary. */
class Bench {
  readonly kernels: Kernels;
  readonly #bytes: number;
  readonly #placed: { kind: Kind; pointer: number; length: number; sentinel: boolean }[] = [];
  #top: number;
  #seed: number;

  constructor(kernels: Kernels, seed: number) {
    this.kernels = kernels;
    this.#bytes = kernels.backend === "reference64" ? 8 : 4;
    this.#top = kernels.reservedBytes;
    this.#seed = seed;
  }

  /** A vector of seeded numbers in [-scale, scale], or of the numbers given. */
  place(length: number, values?: number | ArrayLike<number>, kind: Kind = "real"): number {
    const width = kind === "float64" ? 8 : kind === "int32" ? 4 : this.#bytes;
    const pointer = Math.ceil(this.#top / 64) * 64 + width;
    this.#top = pointer + (length + 1) * width;
    const view = this.#view(kind, pointer, length + 1);
    const scale = typeof values === "number" ? values : 1;
    const random = xoroshiro128plus(this.#seed++);
    for (let i = 0; i < length; i++) {
      view[i] =
        typeof values === "object"
          ? values[i]!
          : Math.fround((scale * (random.next() | 0)) / 2 ** 31) || Math.fround(scale / 3);
    }
    view[length] = SENTINEL;
    this.#placed.push({ kind, pointer, length, sentinel: true });
    return pointer;
  }

  /** Every number of every vector, sentinels checked. */
  read(): number[][] {
    return this.#placed.map(({ kind, pointer, length }) => {
      const view = this.#view(kind, pointer, length + 1);
      const whole = kind === "int32" ? Math.trunc(SENTINEL) : SENTINEL;
      const exact = kind === "float64" || this.#bytes === 8 ? whole : Math.fround(whole);
      expect(view[length], "sentinel").toBe(exact);
      return Array.from(view.subarray(0, length));
    });
  }

  #view(kind: Kind, pointer: number, length: number): Float32Array | Float64Array | Int32Array {
    const { buffer } = this.kernels;
    if (kind === "int32") return new Int32Array(buffer, pointer, length);
    if (kind === "float64" || this.#bytes === 8) return new Float64Array(buffer, pointer, length);
    return new Float32Array(buffer, pointer, length);
  }
}

type Case = (bench: Bench, n: number, m: number) => unknown;

/** One line per kernel. Every vector placed is compared afterwards, so an input that was written to is found as well. */
const CASES: Record<string, Case> = {
  copy: (b, n) => b.kernels.copy(b.place(n), b.place(n), n),
  fill: (b, n) => b.kernels.fill(b.place(n), 0.75, n),
  add: (b, n) => b.kernels.add(b.place(n), b.place(n), n),
  axpy: (b, n) => b.kernels.axpy(b.place(n), -0.7, b.place(n), n),
  scale: (b, n) => b.kernels.scale(b.place(n), 1.3, n),
  multiply: (b, n) => b.kernels.multiply(b.place(n), b.place(n), n),
  dot: (b, n) => b.kernels.dot(b.place(n), b.place(n), n),
  sumSquares: (b, n) => b.kernels.sumSquares(b.place(n), n),
  affine: (b, n, m) => b.kernels.affine(b.place(m), b.place(n * m), b.place(n), b.place(m), n, m),
  "affine, accumulated": (b, n, m) => {
    const z = b.place(m);
    b.kernels.affine(z, b.place(n * m), b.place(n), z, n, m);
  },
  affineTransposed: (b, n, m) => b.kernels.affineTransposed(b.place(n), b.place(n * m), b.place(m), n, m),
  outer: (b, n, m) =>
    b.kernels.outer(b.place(n * m), b.place(5 * n + 10), n + 2, b.place(5 * m + 5), m + 1, 5, n, m),
  "outer, one step": (b, n, m) => b.kernels.outer(b.place(n * m), b.place(n), n, b.place(m), m, 1, n, m),
  "outer, no step": (b, n, m) => b.kernels.outer(b.place(n * m), b.place(n), n, b.place(m), m, 0, n, m),
  "outer, one vector repeated": (b, n, m) =>
    b.kernels.outer(b.place(n * m), b.place(n), 0, b.place(4 * m), m, 4, n, m),
  sumRows: (b, n) => b.kernels.sumRows(b.place(n), b.place(6 * n + 6), n + 1, 6, n),
  sparse: (b, n, m) => {
    if (m === 0) return;
    const columns = Array.from({ length: n * m }, (_, i) => (i * 7) % m);
    b.kernels.sparse(b.place(m), b.place(n * m), b.place(n * m, columns, "int32"), b.place(m), n, m);
  },
  sparseTransposed: (b, n, m) => {
    if (m === 0) return;
    const columns = Array.from({ length: n * m }, (_, i) => (i * 7) % m);
    b.kernels.sparseTransposed(
      b.place(m),
      b.place(n * m),
      b.place(n * m, columns, "int32"),
      b.place(m),
      n,
      m,
    );
  },
  exp: (b, n) => b.kernels.exp(b.place(n), b.place(n, 40), n),
  tanh: (b, n) => b.kernels.tanh(b.place(n), b.place(n, 5), n),
  "tanh, large": (b, n) => b.kernels.tanh(b.place(n), b.place(n, 1e30), n),
  "tanh, small, in place": (b, n) => {
    const y = b.place(n, 1e-4);
    b.kernels.tanh(y, y, n);
  },
  sigmoid: (b, n) => b.kernels.sigmoid(b.place(n), b.place(n, 30), n),
  "sigmoid, large, in place": (b, n) => {
    const y = b.place(n, 80);
    b.kernels.sigmoid(y, y, n);
  },
  power: (b, n) => {
    const x = b.place(n);
    b.kernels.multiply(x, x, n);
    b.kernels.power(b.place(n), x, 2.5, n);
  },
  tanhBackward: (b, n) => b.kernels.tanhBackward(b.place(n), b.place(n), b.place(n), n),
  sigmoidBackward: (b, n) => b.kernels.sigmoidBackward(b.place(n), b.place(n), b.place(n), n),
  lstm: (b, n) => b.kernels.lstm(b.place(n), b.place(n), b.place(n), b.place(4 * n, 3), b.place(n), 0, n),
  "lstm, logistic candidate": (b, n) =>
    b.kernels.lstm(b.place(n), b.place(n), b.place(n), b.place(4 * n, 3), b.place(n), 1, n),
  lstmBackward: (b, n) =>
    b.kernels.lstmBackward(
      b.place(4 * n),
      b.place(n),
      b.place(n),
      b.place(n),
      b.place(4 * n),
      b.place(n),
      b.place(n),
      0,
      n,
    ),
  "lstmBackward, logistic candidate, ds in place": (b, n) => {
    const ds = b.place(n);
    b.kernels.lstmBackward(b.place(4 * n), ds, b.place(n), ds, b.place(4 * n), b.place(n), b.place(n), 1, n);
  },
  gru: (b, n) => b.kernels.gru(b.place(n), b.place(4 * n, 3), b.place(n), n),
  gruBackward: (b, n) =>
    b.kernels.gruBackward(b.place(4 * n), b.place(n), b.place(n), b.place(4 * n), b.place(n), n),
  leaky: (b, n) => b.kernels.leaky(b.place(n), b.place(n, 3), b.place(n), b.place(n), n),
  leakyBackward: (b, n) =>
    b.kernels.leakyBackward(
      b.place(n),
      b.place(n),
      b.place(n),
      b.place(n),
      b.place(n),
      b.place(n),
      b.place(n),
      n,
    ),
  momentum: (b, n) => b.kernels.momentum(b.place(n), b.place(n), b.place(n), 0.5, 0.05, 0.9, n),
  rmsprop: (b, n) => b.kernels.rmsprop(b.place(n), squares(b, n), b.place(n), 0.5, 0.01, 0.99, 1e-8, n),
  adam: (b, n) =>
    b.kernels.adam(
      b.place(n),
      b.place(n),
      squares(b, n),
      b.place(n),
      0.5,
      0.01,
      0.9,
      0.999,
      1e-8,
      1.5,
      40,
      n,
    ),
  widen: (b, n) => b.kernels.widen(b.place(n, 1, "float64"), b.place(n), n),
  narrow: (b, n) => b.kernels.narrow(b.place(n), b.place(n, 1, "float64"), n),
  dot64: (b, n) => b.kernels.dot64(b.place(n, 1, "float64"), b.place(n, 1, "float64"), n),
  axpy64: (b, n) => b.kernels.axpy64(b.place(n, 1, "float64"), 0.3, b.place(n, 1, "float64"), n),
  multiply64: (b, n, m) =>
    b.kernels.multiply64(
      b.place(m, 1, "float64"),
      b.place(n * m, 1, "float64"),
      b.place(n, 1, "float64"),
      m,
      n,
    ),
  rankOne64: (b, n) =>
    b.kernels.rankOne64(b.place(n * n, 1, "float64"), b.place(n, 1, "float64"), 0.4, 1.001, n),
  symmetricMultiply64: (b, n) =>
    b.kernels.symmetricMultiply64(
      b.place(n, 1, "float64"),
      b.place((n * (n + 1)) / 2, 1, "float64"),
      b.place(n, 1, "float64"),
      n,
    ),
  symmetricDowndate64: (b, n) =>
    b.kernels.symmetricDowndate64(
      b.place((n * (n + 1)) / 2, 1, "float64"),
      b.place(n, 1, "float64"),
      0.4,
      1.001,
      n,
    ),
  correct64: (b, n, m) => {
    const e = Array.from({ length: m }, (_, i) => (i === 1 ? Number.NaN : i === 2 ? 0 : i / 3 - 1));
    b.kernels.correct64(
      b.place(n * m, 1, "float64"),
      b.place(m, e, "float64"),
      b.place(n, 1, "float64"),
      m,
      n,
    );
  },
};

function squares(bench: Bench, n: number): number {
  const v = bench.place(n);
  bench.kernels.multiply(v, v, n);
  return v;
}

const memories: Record<Backend, Kernels> = {
  wasm: openKernels("wasm", 2 ** 20),
  reference32: openKernels("reference32", 2 ** 20),
  reference64: openKernels("reference64", 2 ** 20),
};

describe("the table of cases", () => {
  it("names every kernel", () => {
    const named = new Set(Object.keys(CASES).map((title) => title.split(",")[0]));
    const kernels = Object.entries(memories.reference64).filter(([, value]) => typeof value === "function");
    expect([...named].sort()).toEqual(kernels.map(([name]) => name).sort());
  });
});

describe.each(["wasm", "reference32"] as const)("%s equals the float64 reference", (backend) => {
  it.each(Object.keys(CASES))("%s", (title) => {
    const pairs = title.startsWith("affine") || title.startsWith("outer") || /sparse|64/.test(title);
    for (const n of LENGTHS) {
      for (const m of pairs ? LENGTHS : [0]) {
        const seed = 100 * n + m;
        const bench = new Bench(memories[backend], seed);
        const specified = new Bench(memories.reference64, seed);
        const result = Number(CASES[title]!(bench, n, m) ?? 0);
        const expected = Number(CASES[title]!(specified, n, m) ?? 0);
        expect(Math.abs(result - expected), `${title}(${n}, ${m})`).toBeLessThanOrEqual(2e-6 * (1 + n));
        const got = bench.read();
        for (const [v, vector] of specified.read().entries()) {
          for (const [i, value] of vector.entries()) {
            const error = Math.abs(got[v]![i]! - value);
            // Only the exponential is exact relative to itself; sums lose what cancels.
            if (!(error <= 2e-6 * Math.max(1, Math.abs(value)) * (1 + n / 8)) && !Number.isNaN(value)) {
              expect.fail(`${title}(${n}, ${m}): vector ${v}[${i}] is ${got[v]![i]}, specified ${value}`);
            }
          }
        }
      }
    }
  });
});

describe("elementary functions of the WebAssembly module", () => {
  const n = 20_001;
  const run = (name: "exp" | "tanh" | "sigmoid", from: number, to: number): number => {
    const kernels = memories.wasm;
    const x = new Float32Array(kernels.buffer, 1024, n);
    for (let i = 0; i < n; i++) x[i] = from + ((to - from) * i) / (n - 1);
    kernels[name](200_000, 1024, n);
    const y = new Float32Array(kernels.buffer, 200_000, n);
    const exact = { exp: Math.exp, tanh: Math.tanh, sigmoid: (v: number) => 1 / (1 + Math.exp(-v)) }[name];
    let worst = 0;
    for (let i = 0; i < n; i++) {
      const truth = exact(x[i]!);
      if (truth !== 0) worst = Math.max(worst, Math.abs(y[i]! - truth) / Math.abs(truth));
    }
    return worst;
  };

  it.each([
    ["exp", -87, 88],
    ["tanh", -12, 12],
    ["tanh", -1e-3, 1e-3],
    ["sigmoid", -87, 87],
  ] as const)("%s on [%d, %d] is within 1e-6 of the truth, relative", (name, from, to) => {
    expect(run(name, from, to)).toBeLessThan(1e-6);
  });
});

it("a symmetric matrix and its upper triangle give the same product and the same downdate", () => {
  for (const kernels of Object.values(memories)) {
    for (const n of [1, 4, 7, 13]) {
      const place = (at: number, length: number): Float64Array =>
        new Float64Array(kernels.buffer, at, length);
      const [whole, triangle, x] = [place(4096, n * n), place(8192, (n * (n + 1)) / 2), place(12_288, n)];
      let p = 0;
      for (let i = 0; i < n; i++) {
        x[i] = Math.sin(i + 1);
        for (let j = 0; j < n; j++) whole[i * n + j] = Math.cos(Math.min(i, j) * 3 + Math.max(i, j));
        for (let j = i; j < n; j++) triangle[p++] = whole[i * n + j]!;
      }
      kernels.rankOne64(4096, 12_288, -0.3, 1.01, n);
      kernels.symmetricDowndate64(8192, 12_288, 0.3, 1.01, n);
      kernels.multiply64(16_384, 4096, 12_288, n, n);
      kernels.symmetricMultiply64(20_480, 8192, 12_288, n);
      place(16_384, n).forEach((value, i) => {
        expect(place(20_480, n)[i]).toBeCloseTo(value, 12);
      });
    }
  }
});

it("rankOne64 keeps a symmetric matrix symmetric to the last bit", () => {
  for (const kernels of Object.values(memories)) {
    const n = 7;
    const P = new Float64Array(kernels.buffer, 4096, n * n);
    const g = new Float64Array(kernels.buffer, 8192, n);
    for (let i = 0; i < n; i++) g[i] = Math.sin(1 + i);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) P[i * n + j] = Math.cos(i + j);
    kernels.rankOne64(4096, 8192, 0.37, 1.003, n);
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) expect(P[i * n + j]).toBe(P[j * n + i]);
  }
});
