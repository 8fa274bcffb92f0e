import { EddyError, printable } from "../../errors.ts";
import { power } from "../../kernels/power.ts";
import { type Cell, onlySettings } from "./cell.ts";

interface LeakySettings {
  /** α per unit: the share of the old state kept per usual step. */
  readonly alpha: readonly number[];
  readonly learned: boolean;
}

/**
 * Leaky units (Mozer 1992; Jaeger et al. 2007): h = a h(t-1) + (1 - a) tanh z with a = α^dt, so that a gap of two steps
 * decays as two steps do. α is one number, one per unit, a spectrum of time scales `{ fastest, slowest }` in steps
 * (α = exp(-1/τ), τ spread evenly on a logarithmic scale), or with `learned` σ(θ) with θ learned from there.
 */
export const leakyCell: Cell<LeakySettings> = {
  name: "leaky",
  blocks: ["z"],
  caches: 1,
  temporaries: 3,
  examples: [
    { learned: true },
    { alpha: { fastest: 2, slowest: 50 } },
    { alpha: { fastest: 2, slowest: 9 }, learned: true },
  ],
  settings(given, n) {
    onlySettings(given, ["alpha", "learned"]);
    const { alpha = 0.5, learned = false } = given;
    if (typeof learned !== "boolean") {
      throw new EddyError("bad-model", "learned", {
        expected: "true or false",
        received: printable(learned),
      });
    }
    const settings = { alpha: shares(alpha, n), learned };
    if (learned && settings.alpha.includes(0)) {
      throw new EddyError("bad-model", "alpha", { expected: "above 0 where it is learned", received: "0" });
    }
    return settings;
  },
  constants: (settings) => Float64Array.from(settings.alpha),
  vectors: (settings) => (settings.learned ? ["theta"] : []),
  vector: (settings) => Float64Array.from(settings.alpha, (a) => Math.log(a / (1 - a))),
  forward(k, p, settings) {
    k.leaky(p.h, p.z, p.hPrevious, decay(k, p, settings), p.n);
  },
  backward(k, p, settings) {
    const dAlpha = p.temporary;
    const alpha = settings.learned || p.dt !== 1 ? p.cache : p.constants;
    k.leakyBackward(p.dz, p.dhPrevious, dAlpha, p.dh, p.z, p.hPrevious, alpha, p.n);
    if (!settings.learned) return;
    // a = σ(θ)^dt: da/dθ = dt a (1 - σ(θ)) = dt σ^(dt-1) · σ (1 - σ).
    const keep = dAlpha + p.block;
    k.sigmoid(keep, p.vectors, p.n);
    if (p.dt !== 1) {
      const power = keep + p.block;
      k.power(power, keep, p.dt - 1, p.n);
      k.multiply(dAlpha, power, p.n);
      k.scale(dAlpha, p.dt, p.n);
    }
    k.sigmoidBackward(dAlpha, dAlpha, keep, p.n);
    k.add(p.dVectors, dAlpha, p.n);
  },
};

/** The pointer to a = α^dt, computed into the cache unless it is the constant itself. */
function decay(
  k: Parameters<Cell["forward"]>[0],
  p: Parameters<Cell["forward"]>[1],
  s: LeakySettings,
): number {
  if (s.learned) k.sigmoid(p.cache, p.vectors, p.n);
  else if (p.dt === 1) return p.constants;
  if (p.dt !== 1) k.power(p.cache, s.learned ? p.cache : p.constants, p.dt, p.n);
  return p.cache;
}

function shares(alpha: unknown, n: number): number[] {
  const given =
    typeof alpha === "number"
      ? new Array<number>(n).fill(alpha)
      : Array.isArray(alpha)
        ? alpha
        : spectrum(alpha, n);
  if (given?.length !== n || !given.every((a) => typeof a === "number" && a >= 0 && a < 1)) {
    throw new EddyError("bad-model", "alpha", {
      expected: `a share from 0 to below 1, ${n} of them, or { fastest, slowest } in steps`,
      received: printable(alpha),
    });
  }
  return given;
}

function spectrum(alpha: unknown, n: number): number[] | undefined {
  const { fastest, slowest } = (alpha ?? {}) as Record<string, unknown>;
  if (typeof fastest !== "number" || typeof slowest !== "number" || !(fastest > 0 && slowest >= fastest)) {
    return undefined;
  }
  return Array.from({ length: n }, (_, i) =>
    Math.exp(-1 / (fastest * power(slowest / fastest, n === 1 ? 0 : i / (n - 1)))),
  );
}
