import { ask } from "./server.ts";
import { type Looked, Watch } from "./watch.ts";
import type { OverviewAnswer } from "./wire.ts";
import { unitOf } from "./words.ts";

/** One target of one series at a glance. */
export interface Row {
  readonly key: string;
  readonly series: string;
  readonly target: string;
  value: number | null;
  /** Of the last reading, epoch milliseconds. */
  time: number | null;
  offset: number;
  horizon: number;
  /** Milliseconds between two steps; null before there is a forecast. */
  step: number | null;
  skill: number | null;
  coverage: number | null;
  level: number | null;
  surprise: number | null;
  taken: boolean | null;
  /** As the configuration, or the table it was read from, tells it; else as its name does. */
  unit: string;
  /** The gravest alert of it, if there is one. */
  alert?: { readonly rule: string; readonly state: "pending" | "firing" } | undefined;
}

export const keyOf = (series: string, target: string): string => `${series}\u0000${target}`;

/** Between two questions, milliseconds, and the bytes a second that they may come to. */
const PACE = { soonest: 2_000, latest: 10_000 };
const LONGEST = 30_000;
const BYTES_A_SECOND = 60_000;
/** Characters of one row, about. */
const ROW = 110;

/** All series at a glance: only what has changed is asked for, and the slower the more that is. */
export class Overview {
  readonly rows = new Map<string, Row>();
  readonly #changed: (cameOrWent: boolean, read: number) => void;
  readonly #watch = new Watch((signal) => this.#ask(signal), PACE);
  #epoch = "";
  #offset = 0;
  #rewrites = -1;

  /** `changed`: told after each answer, with whether series came or went, and how many had readings. */
  constructor(changed: (cameOrWent: boolean, read: number) => void) {
    this.#changed = changed;
  }

  /** Asks now, and goes on asking. */
  refresh(): void {
    this.#watch.now();
  }

  /** A reading has come. */
  stir(): void {
    this.#watch.stir();
  }

  async #ask(signal: AbortSignal): Promise<Looked> {
    const answer = await ask<OverviewAnswer>(
      "/v1/overview",
      this.#rewrites < 0 ? {} : { after: this.#offset, rewrites: this.#rewrites },
      signal,
    );
    const { length } = answer.rows;
    this.#take(answer);
    // Whoever sees an empty page is about to send something.
    const fresh = length > 0 || this.rows.size === 0;
    return { fresh, rest: Math.min(LONGEST, (1000 * ROW * length) / BYTES_A_SECOND) };
  }

  #take(answer: OverviewAnswer): void {
    const { epoch, offset, rewrites, whole, columns, rows } = answer;
    let cameOrWent = false;
    if (epoch !== this.#epoch && this.#epoch !== "" && !whole) {
      // Another database stands behind the same address.
      this.#epoch = epoch;
      this.#rewrites = -1;
      this.#watch.stir();
      return;
    }
    const place = (name: string): number => columns.indexOf(name);
    const [series, target] = [place("series"), place("target")];
    const fields = columns
      .map((name, i) => [name, i] as const)
      .filter(([, i]) => i !== series && i !== target);
    const gone = whole ? new Set(this.rows.keys()) : null;
    for (const row of rows) {
      const names = [String(row[series]), String(row[target])] as const;
      const key = keyOf(...names);
      gone?.delete(key);
      let known = this.rows.get(key);
      if (known === undefined) {
        known = { key, series: names[0], target: names[1] } as Row;
        this.rows.set(key, known);
        cameOrWent = true;
      }
      Object.assign(known, Object.fromEntries(fields.map(([name, i]) => [name, row[i] ?? null])));
      known.unit ||= unitOf(...names);
    }
    for (const key of gone ?? []) {
      this.rows.delete(key);
      cameOrWent = true;
    }
    this.#epoch = epoch;
    this.#offset = offset;
    this.#rewrites = rewrites;
    this.#changed(cameOrWent, rows.length);
  }
}

/** Share of readings by which intervals may hold fewer than they promise before that is trouble. */
const SHORTFALL = 0.08;
const SURPRISING = 0.002;
/** A series that has told nothing for so many of its steps is silent. */
const SILENT_STEPS = 10;
const SILENT_LEAST = 60_000;
/** Series whose last reading is older than this are recordings, and not silent. */
const RECORDED = 86_400_000;

/** What is wrong with a series, the worst first; weights order the series by trouble. */
export function troubles(row: Row, now: number): { readonly weight: number; readonly words: string }[] {
  const { taken, surprise, time, step, coverage, level, skill } = row;
  const found: { weight: number; words: string }[] = [];
  if (row.alert !== undefined) {
    const firing = row.alert.state === "firing";
    found.push({
      weight: firing ? 1000 : 40,
      words: `${firing ? "alert" : "about to alert"}: ${row.alert.rule}`,
    });
  }
  if (taken === false) found.push({ weight: 100, words: "reading not believed" });
  else if (surprise !== null && surprise < SURPRISING)
    found.push({ weight: 50 + Math.min(40, -Math.log10(Math.max(surprise, 1e-40))), words: "surprising" });
  if (time !== null && step !== null) {
    const silent = now - time;
    if (silent > Math.max(SILENT_STEPS * step, SILENT_LEAST) && silent < RECORDED + SILENT_STEPS * step)
      found.push({ weight: 60, words: "silent" });
  }
  if (coverage !== null && level !== null && coverage < level - SHORTFALL)
    found.push({ weight: 20 + 100 * (level - coverage), words: "expected range too narrow" });
  if (skill !== null && skill < -0.05)
    found.push({ weight: 10 + Math.min(10, -skill), words: "worse than the last value" });
  return found.sort((a, b) => b.weight - a.weight);
}
