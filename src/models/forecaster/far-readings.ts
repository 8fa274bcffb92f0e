import { CONVERSIONS } from "./temperature.ts";
import type { Measure } from "./units.ts";

/** Readings agree when they lie this close to the forecasts as measured anew, in usual errors, or within a share of how far they went … */
export const AGREED = 3;
/** … that grows with their number. */
const CLOSE: readonly number[] = [0.05, 0.05, 0.05, 0.1, 0.1, 0.2];
/** They went the same way when none went more than this many times as far as another. */
const ALIKE = 2;
/** A change of unit is at least this factor. */
const LEAST_FACTOR = 1.5;
/** A factor this close to a power of ten, or as close as the readings can tell, is one. */
const ROUND = 0.02;
/** What must speak for a change of unit over one of the zero, in log likelihood: by a power of ten, by another factor. */
const ROUND_EVIDENCE = 3;
const ODD_EVIDENCE = 9;
/** Where the usual error is more than this share of the values themselves, their ratio tells nothing. */
const RATIO_UNKNOWN = 0.5;
/** In another unit, or as temperatures in degrees of another kind, they lie this close to what was forecast, in usual errors: wild readings come closer to anything than to nothing. */
const CLOSE_FIT = 2;

/**
 * Readings in a row that are far from what was forecast for them, and what they say of how the column is measured: u in units of a power
 * of two, m as the models see it, `usual` the usual error there. Cost: some fifty operations for each.
 */
export class FarReadings {
  readonly #u: Float64Array;
  readonly #m: Float64Array;
  readonly #before: Measure;
  readonly #unit: number;
  readonly #usual: number;

  constructor(u: Float64Array, m: Float64Array, before: Measure, unit: number, usual: number) {
    this.#u = u;
    this.#m = m;
    this.#before = before;
    this.#unit = unit;
    this.#usual = usual;
  }

  /** Whether they agree: with what was forecast from another zero, or with each other. */
  get agree(): boolean {
    return this.#away(this.#zero()) <= AGREED || this.#together;
  }

  /** The measure by which they are what was forecast: in another unit, as another temperature, from another zero; nothing where they agree on none. */
  measure(): Measure | undefined {
    const { scale } = this.#before;
    return this.#inUnit() ?? this.asTemperature() ?? (this.agree ? { scale, zero: this.#zero() } : undefined);
  }

  /** The measure that the last of them is as forecast by, where all went the same way, and about as far. */
  sameWay(): Measure | undefined {
    const { scale, zero } = this.#before;
    const went = (i: number): number => this.#u[i] - zero - scale * this.#m[i];
    for (let i = 0; i < this.#u.length; i++) {
      const ratio = went(i) / went(0);
      if (!(ratio <= ALIKE && ratio >= 1 / ALIKE)) return undefined;
    }
    const last = this.#u.length - 1;
    return { scale, zero: this.#u[last] - scale * this.#m[last] };
  }

  /** A measure by which they are as forecast on the whole, with a scale of at least `least`. */
  onTheWhole(least: number): Measure {
    const scale = Math.max(this.#before.scale, least);
    return { scale, zero: median(this.#u) - scale * median(this.#m) };
  }

  /** The zero from which they are as forecast. */
  #zero(): number {
    const { scale } = this.#before;
    return median(this.#u.map((u, i) => u - scale * this.#m[i]));
  }

  /** How far they lie from what was forecast, from a zero, in usual errors. */
  #away(zero: number): number {
    const { scale } = this.#before;
    return meanSize(this.#u.map((u, i) => u - scale * this.#m[i] - zero)) / (scale * this.#usual);
  }

  get #together(): boolean {
    const { scale, zero } = this.#before;
    const middle = median(this.#u);
    const went = Math.abs(middle - zero - scale * median(this.#m));
    let widest = 0;
    for (const u of this.#u) widest = Math.max(widest, Math.abs(u - middle));
    return widest <= CLOSE[Math.min(this.#u.length, CLOSE.length - 1)] * went;
  }

  #inUnit(): Measure | undefined {
    const { scale, zero } = this.#before;
    const [factor, needed] = this.#factor();
    if (!(factor > 0)) return undefined;
    const away =
      meanSize(this.#u.map((u, i) => u / factor - zero - scale * this.#m[i])) / (scale * this.#usual);
    // One reading of each kind is spent on finding the zero or the factor.
    const evidence = (this.#u.length - 1) * (this.#away(this.#zero()) - away - Math.log(factor));
    return away <= CLOSE_FIT && evidence > needed
      ? { scale: scale * factor, zero: zero * factor }
      : undefined;
  }

  /** By how much they are what was forecast, and the evidence that this needs; 0 when it is no change of unit. */
  #factor(): [number, number] {
    const { scale, zero } = this.#before;
    const u = this.#u;
    const forecast = this.#m.map((m) => zero + scale * m);
    const ratios = u.map((v, i) => v / forecast[i]);
    let least = Number.POSITIVE_INFINITY;
    let alike = true;
    for (let i = 0; i < u.length; i++) {
      if (!(ratios[i] > 0 && ratios[i] < Number.POSITIVE_INFINITY)) return [0, 0];
      least = Math.min(least, Math.abs(forecast[i]));
      alike &&= u[i] === u[0];
    }
    const unknown = (AGREED * scale * this.#usual) / least / Math.sqrt(u.length);
    if (alike || unknown > RATIO_UNKNOWN) return [0, 0];
    const factor = median(ratios);
    const tens = Math.round(Math.log10(factor));
    const round = tenTo(tens);
    if (tens !== 0 && Math.abs(factor / round - 1) < Math.max(ROUND, unknown)) return [round, ROUND_EVIDENCE];
    return Math.abs(Math.log(factor)) > Math.log(LEAST_FACTOR) ? [factor, ODD_EVIDENCE] : [0, 0];
  }

  /** The measure by which they are the temperatures that were forecast, in degrees of another kind. */
  asTemperature(): Measure | undefined {
    const { scale, zero } = this.#before;
    const unit = this.#unit;
    const told = this.#m.map((m) => unit * (zero + scale * m));
    const found = CONVERSIONS.find((conversion) => {
      if (!told.every((v) => v >= conversion.least && v <= conversion.most)) return false;
      const away = meanSize(
        this.#u.map((u, i) => (unit * u - conversion.zero) / conversion.factor - told[i]),
      );
      return away <= CLOSE_FIT * this.#usual * unit * scale;
    });
    if (found === undefined) return undefined;
    return { scale: found.factor * scale, zero: found.factor * zero + found.zero / unit };
  }
}

function meanSize(values: Float64Array): number {
  let sum = 0;
  for (const v of values) sum += Math.abs(v) / values.length;
  return sum;
}

function median(values: Float64Array): number {
  const sorted = values.slice().sort();
  const n = sorted.length;
  return n % 2 === 1 ? sorted[n >> 1] : (sorted[(n >> 1) - 1] + sorted[n >> 1]) / 2;
}

/** A power of ten, to the same bits everywhere. */
export function tenTo(power: number): number {
  return Number(`1e${power}`);
}
