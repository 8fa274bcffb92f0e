import type { Forecast } from "../models/forecast.ts";
import type { Observation } from "../models/observation.ts";
import type { Output } from "./world.ts";

const BARS = "▁▂▃▄▅▆▇█";
/** Values kept of the past, and steps drawn of the future. */
const PAST = 32;
const FUTURE = 16;
/** Most targets drawn. */
const ROWS = 20;

/** `values` as bars between `low` and `high`; a blank where there is none. */
function bars(values: readonly number[], low: number, high: number): string {
  const span = high - low || 1;
  return values
    .map((v) =>
      Number.isFinite(v) ? BARS[Math.min(7, Math.max(0, Math.floor((8 * (v - low)) / span)))] : " ",
    )
    .join("");
}

/** What one target looks like: its past, its future dimmed, and the last step in numbers. */
export function chartRow(
  name: string,
  past: readonly number[],
  { horizon }: Forecast,
  nameWidth: number,
): string {
  const pick = Math.min(FUTURE, horizon.length);
  const steps = Array.from(
    { length: pick },
    (_, i) => horizon[Math.floor(((i + 1) * horizon.length) / pick) - 1],
  );
  const future = steps.map(({ mean }) => mean);
  const seen = [...past.filter(Number.isFinite), ...future];
  const [low, high] = [Math.min(...seen), Math.max(...seen)];
  const { step, mean, lower, upper } = horizon[horizon.length - 1];
  const short = (value: number) =>
    Math.abs(value) >= 1e4 ? value.toFixed(0) : String(Number(value.toPrecision(4)));
  const now = past.at(-1) ?? Number.NaN;
  return (
    `${name.slice(0, nameWidth).padEnd(nameWidth)} ${bars(past, low, high).padStart(PAST)}` +
    `\x1b[36m${bars(future, low, high)}\x1b[0m ${Number.isFinite(now) ? short(now) : "-"} → ${short(mean)}` +
    ` \x1b[2m[${short(lower)}, ${short(upper)}] in ${step}\x1b[0m`
  );
}

/** Draws the latest forecasts on a terminal, over and over in the same place. */
export class TerminalChart {
  readonly #out: Output;
  readonly #past = new Map<string, number[]>();
  readonly #latest = new Map<string, Forecast>();
  #drawn = 0;

  constructor(out: Output) {
    this.#out = out;
  }

  /** Takes an observation and the forecasts that it led to. */
  add({ series, values }: Observation, forecasts: readonly Forecast[]): void {
    for (const [column, value] of Object.entries(values)) {
      const name = `${series} ${column}`;
      const past = this.#past.get(name) ?? [];
      past.push(value ?? Number.NaN);
      if (past.length > PAST) past.shift();
      if (this.#past.has(name) || this.#past.size < ROWS) this.#past.set(name, past);
    }
    for (const forecast of forecasts) {
      const name = `${forecast.series} ${forecast.target}`;
      if (this.#past.has(name)) this.#latest.set(name, forecast);
    }
  }

  draw(): Promise<void> | undefined {
    if (this.#latest.size === 0) return undefined;
    const width = Math.min(24, Math.max(...[...this.#latest.keys()].map((name) => name.length)));
    const rows = [...this.#latest].map(
      ([name, forecast]) => `\x1b[K${chartRow(name, this.#past.get(name) ?? [], forecast, width)}\n`,
    );
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : "";
    this.#drawn = rows.length;
    return this.#out.write(up + rows.join(""));
  }
}
