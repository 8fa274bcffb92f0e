import type { Issue, TargetIssue } from "../models/issue.ts";
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
  { mean, lower, upper }: TargetIssue,
  nameWidth: number,
): string {
  const H = mean.length;
  const pick = Math.min(FUTURE, H);
  const step = (values: ArrayLike<number>, h: number): number => values[h - 1] ?? Number.NaN;
  const future = Array.from({ length: pick }, (_, i) => step(mean, Math.floor(((i + 1) * H) / pick)));
  const seen = [...past.filter(Number.isFinite), ...future];
  const [low, high] = [Math.min(...seen), Math.max(...seen)];
  const short = (value: number) =>
    Math.abs(value) >= 1e4 ? value.toFixed(0) : String(Number(value.toPrecision(4)));
  const now = past.at(-1) ?? Number.NaN;
  return (
    `${name.slice(0, nameWidth).padEnd(nameWidth)} ${bars(past, low, high).padStart(PAST)}` +
    `\x1b[36m${bars(future, low, high)}\x1b[0m ${Number.isFinite(now) ? short(now) : "-"} → ${short(step(mean, H))}` +
    ` \x1b[2m[${short(step(lower, H))}, ${short(step(upper, H))}] in ${H}\x1b[0m`
  );
}

/** The last values of a few targets. */
export class Past {
  readonly #values = new Map<string, number[]>();

  add({ series, values }: Observation): void {
    for (const column in values) {
      const name = `${series} ${column}`;
      let past = this.#values.get(name);
      if (past === undefined) {
        if (this.#values.size >= ROWS) continue;
        past = [];
        this.#values.set(name, past);
      }
      past.push(values[column] ?? Number.NaN);
      if (past.length > PAST) past.shift();
    }
  }

  /** Nothing for a target that is not among those kept. */
  of(series: string, target: string): readonly number[] | undefined {
    return this.#values.get(`${series} ${target}`);
  }
}

/** Draws the latest forecasts on a terminal, over and over in the same place. */
export class TerminalChart {
  readonly #out: Output;
  readonly #past = new Past();
  readonly #latest = new Map<string, { readonly past: readonly number[]; readonly target: TargetIssue }>();
  #drawn = 0;

  constructor(out: Output) {
    this.#out = out;
  }

  /** Takes an observation and what it led to. */
  add(observation: Observation, issues: readonly Issue[]): void {
    this.#past.add(observation);
    for (const { series, targets } of issues) {
      for (const target of targets) {
        const past = this.#past.of(series, target.name);
        if (past !== undefined) this.#latest.set(`${series} ${target.name}`, { past, target });
      }
    }
  }

  draw(): Promise<void> | undefined {
    if (this.#latest.size === 0) return undefined;
    const width = Math.min(24, Math.max(...[...this.#latest.keys()].map((name) => name.length)));
    const rows = [...this.#latest].map(
      ([name, { past, target }]) => `\x1b[K${chartRow(name, past, target, width)}\n`,
    );
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : "";
    this.#drawn = rows.length;
    return this.#out.write(up + rows.join(""));
  }
}
