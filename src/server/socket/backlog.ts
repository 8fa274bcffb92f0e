import type { Since } from "../../protocol/client-messages.ts";
import type { Engine, LogPlace } from "../engine.ts";
import { keepNewest } from "../newest.ts";
import type { Dispatch, Outgoing } from "./outgoing.ts";
import { Run } from "./run.ts";

/** A part of the log of forecasts, made ready to be sent. */
export interface BacklogPage {
  readonly run: Run;
  /** Where the next page begins; null when this one reached the end of the log. */
  readonly next: LogPlace | null;
}

/** Journal positions of one page: readers that come back to different places meet at its bounds. */
const POSITIONS = 128;
/** Numbers forecast (steps of all targets) of one page at most, but for a single issue. */
const NUMBERS = 20_000;
const PAGES_KEPT = 16;
/** After every issue of a position. */
const ALL = Number.MAX_SAFE_INTEGER;

interface Kept {
  readonly page: BacklogPage;
  /** Journal position at which a page that reached the end of the log was read; otherwise it stays true. */
  readonly asOf: number | null;
}

/**
 * Pages of the log of forecasts for subscriptions that catch up. A page is read once and serves everybody who needs it while
 * it is kept: a thousand peers that come back at once cost little more than one. Every page lies after the one before it, by
 * position and by the number of the issue within its position, so that catching up ends whatever one observation led to.
 */
export class Backlog {
  readonly #engine: Engine;
  readonly #dispatch: Dispatch;
  /** Least recently used first. */
  readonly #kept = new Map<string, Kept>();
  /** Numbers of one issue, of late. */
  #numbers = 100;
  #rewrites = 0;
  /** Pages read from the log. */
  reads = 0;

  constructor(engine: Engine, dispatch: Dispatch) {
    this.#engine = engine;
    this.#dispatch = dispatch;
  }

  /**
   * Where reading for a client begins that has seen everything up to and with a place, or with all of its offset; null when
   * that is no longer kept. What it has seen may come again.
   */
  start({ offset: seen, ordinal }: Pick<Since, "offset" | "ordinal">): LogPlace | null {
    const offset = ordinal === undefined ? seen : Math.max(0, seen - 1);
    // Usually known already: a thousand that come back at once ask for a few of these.
    const bound = { position: Math.floor(offset / POSITIONS) * POSITIONS, ordinal: ALL };
    if (this.page(bound) !== null) return bound;
    const exact = { position: offset, ordinal: ALL };
    return this.#engine.issuedAfter(exact, 1) === null ? null : exact;
  }

  /** The page after a place; null when that is no longer kept. */
  page(after: LogPlace): BacklogPage | null {
    if (this.#rewrites !== this.#engine.rewrites) {
      this.#rewrites = this.#engine.rewrites;
      this.#kept.clear();
    }
    const key = `${after.position} ${after.ordinal}`;
    const known = this.#kept.get(key);
    this.#kept.delete(key);
    if (known !== undefined && (known.asOf === null || known.asOf === this.#engine.offset)) {
      this.#kept.set(key, known);
      return known.page;
    }
    const page = this.#read(after);
    if (page === null) return null;
    this.#kept.set(key, { page, asOf: page.next === null ? this.#engine.offset : null });
    keepNewest(this.#kept, PAGES_KEPT);
    return page;
  }

  #read(after: LogPlace): BacklogPage | null {
    this.reads++;
    const end = (Math.floor(after.position / POSITIONS) + 1) * POSITIONS;
    // One more than there are positions: the row beyond the bound says that nothing before it is missing.
    const limit = Math.max(1, Math.min(POSITIONS + 1, Math.floor(NUMBERS / this.#numbers)));
    const read = this.#engine.issuedAfter(after, limit);
    if (read === null) return null;
    const forecasts: Outgoing[] = [];
    let numbers = 0;
    let rows = 0;
    for (const { position, ordinal, issue } of read.rows) {
      if (position > end) {
        return { run: new Run(forecasts), next: { position: end, ordinal: ALL } };
      }
      rows++;
      if (issue === null) continue;
      numbers += issue.horizon * issue.targets.length;
      forecasts.push(...this.#dispatch.of({ position, ordinal, issue }));
    }
    if (rows > 0) this.#numbers = Math.max(1, numbers / rows);
    return { run: new Run(forecasts), next: read.next };
  }
}
