/** A series that has been silent for as long as a rule allows. */
export interface Silent {
  readonly rule: string;
  readonly series: number;
}

interface Watched {
  /** Milliseconds of silence that are too many. */
  readonly allowed: number;
  /** When each series was heard last, the one that was heard the longest ago first. */
  readonly heard: Map<number, number>;
}

/**
 * Which series have been heard, and since when not, for the rules about silence. Time is that of a clock that only grows, from
 * when this process began to listen: what was missed while nobody listened is no silence.
 */
export class Silences {
  readonly #watched = new Map<string, Watched>();

  watch(rule: string, allowed: number): void {
    this.#watched.set(rule, { allowed, heard: new Map() });
  }

  unwatch(rule: string): void {
    this.#watched.delete(rule);
  }

  hear(rule: string, series: number, now: number): void {
    const heard = this.#watched.get(rule)?.heard;
    if (heard === undefined) return;
    // Behind all that were heard before.
    heard.delete(series);
    heard.set(series, now);
  }

  /** Counts the time of a series from now on, if it has not been heard yet. */
  begin(rule: string, series: number, now: number): void {
    const heard = this.#watched.get(rule)?.heard;
    if (heard !== undefined && !heard.has(series)) heard.set(series, now);
  }

  forget(series: number): void {
    for (const { heard } of this.#watched.values()) heard.delete(series);
  }

  /** Takes out at most `limit` series that have been silent for too long; each is watched again once it is heard. */
  take(now: number, limit: number): Silent[] {
    const found: Silent[] = [];
    for (const [rule, { allowed, heard }] of this.#watched) {
      for (const [series, at] of heard) {
        if (at + allowed > now || found.length >= limit) break;
        heard.delete(series);
        found.push({ rule, series });
      }
    }
    return found;
  }

  /** Milliseconds until a series may have been silent for too long; Infinity when no rule is watched. */
  wait(now: number): number {
    let wait = Number.POSITIVE_INFINITY;
    for (const { allowed, heard } of this.#watched.values()) {
      // One that is heard from now on has all of its time.
      wait = Math.min(wait, allowed);
      for (const at of heard.values()) {
        wait = Math.min(wait, at + allowed - now);
        break;
      }
    }
    return wait;
  }
}
