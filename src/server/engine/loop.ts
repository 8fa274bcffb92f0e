import { itemAt } from "../../models/item-at.ts";
import type { LoggedIssue } from "../../storage/store.ts";
import type { SeriesAdmission } from "./admission.ts";
import type { Commits } from "./commit.ts";
import { emptyGroup, type Group } from "./group.ts";
import type { EngineParts } from "./parts.ts";
import { answer, type Queue, refuse } from "./queue.ts";

/** Rows of one commit: some milliseconds, so that a huge request cannot hold up everyone else. */
const COMMIT_ROWS = 1024;
/** Milliseconds of work between two yields to the event loop. */
export const SLICE_MILLISECONDS = 10;
/** Forecasts wait this long for a commit to ride on before they get one of their own. */
const DERIVED_DELAY = 100;

/** What a loop works with. */
export interface LoopWorld {
  readonly queue: Queue;
  readonly admission: SeriesAdmission;
  readonly commits: Commits;
  /** Told of each issue once the observation that led to it is durable. */
  readonly publish: (issue: LoggedIssue) => void;
}

/**
 * Takes what waits, makes it durable, applies it in slices, answers; over and over. An observation is applied only after the
 * commit that holds it, and its forecasts are published only after that.
 */
export class Loop {
  readonly #parts: EngineParts;
  readonly #world: LoopWorld;
  /** What is to be done when no group is under way. */
  #between: (() => void)[] = [];
  #working = false;
  #idle: (() => void) | undefined;
  #cancelFlush: (() => void) | undefined;

  constructor(parts: EngineParts, world: LoopWorld) {
    this.#parts = parts;
    this.#world = world;
    if (parts.derivation.waiting) this.#scheduleFlush();
  }

  /** Something waits. */
  wake(): void {
    if (this.#working) return;
    this.#working = true;
    this.#parts.clock.soon(() => this.#gather());
  }

  /** Does something when no group of observations is under way. */
  between<T>(task: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#between.push(() => {
        try {
          resolve(task());
        } catch (error) {
          reject(error);
        }
      });
      this.wake();
    });
  }

  /** Resolves once nothing waits; what has not been written by then is left to whoever asked. */
  async end(): Promise<void> {
    if (this.#working) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    this.#cancelFlush?.();
  }

  /**
   * Takes what waits, up to one commit's worth or one slice of work; then it is made durable, and then applied, each in a turn of
   * its own: the event loop is held by one of them at a time.
   */
  #gather(): void {
    const { clock, table } = this.#parts;
    const { queue, admission, commits } = this.#world;
    for (const task of this.#between.splice(0)) task();
    if (queue.length === 0) {
      this.#next();
      return;
    }
    const group = emptyGroup();
    const until = clock.monotonic() + SLICE_MILLISECONDS;
    const latestTime = clock.now() + admission.ahead;
    let taken = 0;
    for (; group.waiting.length < COMMIT_ROWS; taken++) {
      const waiting = queue.at(taken);
      if (waiting === undefined) break;
      const { observation, request, line, last } = waiting;
      if (request.done) continue;
      // Opening series, and fetching them from the disk, takes long: the rest of a slice's worth comes with the next group.
      const ready = table.get(observation.series)?.live !== undefined;
      const over = group.waiting.length > 0 && clock.monotonic() > until;
      if (!ready && (over || !table.fits(observation))) break;
      group.waiting.push(waiting);
      admission.admit(waiting, latestTime, group);
      const reached = request.stalled ? undefined : request.reached?.get(line);
      for (const [name, place] of Object.entries(reached ?? {})) group.sources.set(name, place);
      if (!last) continue;
      for (const [name, place] of Object.entries(request.sources)) group.sources.set(name, place);
      group.ended.add(request);
    }
    queue.drop(taken);
    clock.soon(() => {
      const positions = commits.write(group);
      if (positions === undefined) this.#next();
      else if (positions.length === 0) this.#apply(group, positions, 0);
      else clock.soon(() => this.#apply(group, positions, 0));
    });
  }

  /** Applies the rows of a committed group from `from` on, as far as one slice of time goes, then yields. */
  #apply(group: Group, positions: Float64Array, from: number): void {
    const { clock, derivation, metrics, refusals, table } = this.#parts;
    const { admitted: rows, ended } = group;
    const until = clock.monotonic() + SLICE_MILLISECONDS;
    for (let i = from; i < rows.length; i++) {
      const row = itemAt(rows, i);
      const { request, entry, observation, repeats } = row;
      const position = itemAt(positions, i);
      if (position === 0 && repeats) continue;
      if (position === 0) {
        request.duplicate++;
        metrics.add("duplicates_total", 1);
        refusals.add(observation.series, "duplicate");
        continue;
      }
      const outcome = table.push(entry, observation, position);
      metrics.add(repeats ? "pipeline_readings_total" : "observations_total", 1);
      const issued = derivation.add(entry, observation, position, outcome);
      if (repeats) {
        // Its reading has been answered.
      } else if (outcome.refused === "late") {
        request.late++;
        metrics.add("late_total", 1);
        refusals.add(observation.series, "late");
      } else if (outcome.refused === undefined) request.accepted++;
      else {
        refuse(row, outcome.refused, outcome.message, metrics);
        refusals.add(observation.series, outcome.refused);
      }
      for (const issue of issued) this.#world.publish(issue);
      if (clock.monotonic() > until && i + 1 < rows.length) {
        clock.soon(() => this.#apply(group, positions, i + 1));
        return;
      }
    }
    for (const request of ended) answer(request);
    table.unpin();
    table.evict();
    this.#next();
  }

  #next(): void {
    this.#working = false;
    if (this.#world.queue.length > 0 || this.#between.length > 0) {
      this.wake();
      return;
    }
    if (this.#parts.derivation.urgent) this.#world.commits.flush();
    if (this.#parts.derivation.waiting) this.#scheduleFlush();
    this.#idle?.();
  }

  #scheduleFlush(): void {
    if (this.#cancelFlush) return;
    this.#cancelFlush = this.#parts.clock.after(DERIVED_DELAY, () => {
      this.#cancelFlush = undefined;
      if (!this.#working) this.#world.commits.flush();
    });
  }
}
