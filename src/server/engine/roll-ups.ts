import type { Issue } from "../../models/issue.ts";
import { itemAt } from "../../models/item-at.ts";
import type { RollUp } from "../../storage/store.ts";

const HOUR = 3_600_000;

/** What came of one observation, as far as hourly figures go. */
export interface Outcome {
  readonly series: number;
  readonly time: number;
  readonly values: Readonly<Record<string, number | null>>;
  readonly refused: boolean;
  /** What was forecast last before it came. */
  readonly before: Issue | undefined;
}

/** Figures by series and hour of event time, as they are added up. */
export class RollUps {
  readonly #byHour = new Map<string, RollUp>();

  get size(): number {
    return this.#byHour.size;
  }

  get all(): RollUp[] {
    return [...this.#byHour.values()];
  }

  /** The same to be taken away again. */
  get negated(): RollUp[] {
    return this.all.map(({ series, hour, observations, count, absoluteError, held }) => ({
      series,
      hour,
      observations: -observations,
      count: -count,
      absoluteError: -absoluteError,
      held: -held,
    }));
  }

  add({ series, time, values, refused, before }: Outcome): void {
    if (refused) return;
    const hour = Math.floor(time / HOUR) * HOUR;
    const key = `${series} ${hour}`;
    const none = { count: 0, absoluteError: 0, held: 0, observations: 0 };
    let { count, absoluteError, held, observations } = this.#byHour.get(key) ?? none;
    observations++;
    for (const { name, mean, lower, upper } of before?.targets ?? []) {
      const value = Object.hasOwn(values, name) ? values[name] : null;
      if (value === null || value === undefined) continue;
      count++;
      absoluteError += Math.abs(itemAt(mean, 0) - value);
      held += value >= itemAt(lower, 0) && value <= itemAt(upper, 0) ? 1 : 0;
    }
    this.#byHour.set(key, { series, hour, observations, count, absoluteError, held });
  }

  forget(series: number): void {
    for (const [key, rollUp] of this.#byHour) if (rollUp.series === series) this.#byHour.delete(key);
  }
}
