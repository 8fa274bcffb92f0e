import type * as fileSystem from "node:fs";
import { concatMap, type Observable, type OperatorFunction } from "rxjs";
import type { Observation } from "../../models/observation.ts";
import { isRefused, type Reading, type Refused } from "../formats/reading.ts";

/** Words kept with readings: how far a source has been read, in the source's own keys. */
export type Reached = Readonly<Record<string, string>>;

/** Readings that a source hands out together, and what is owed for them. */
export interface SourceBatch {
  /** In order; a refused one is there to be counted. */
  readonly readings: readonly Reading[];
  /**
   * What is to be kept with reading `index`, durable if and only if the reading is; called once for each, in order. A source
   * that is opened again is given the last of it back.
   */
  reached?(index: number): Reached | undefined;
  /** Called once everything of the batch is durable or refused for good. Batches are acknowledged in order. */
  acknowledge?(): void;
}

/** What a source tells about its connection. */
export interface SourceStatus {
  connected(): void;
  /** What went wrong, in one line; the source goes on trying. */
  disturbed(message: string): void;
  disconnected(): void;
}

/** Everything outside that a source may touch; passed in, so that a test can pass in another. */
export interface SourceWorld {
  /** Wall clock, epoch milliseconds. */
  now(): number;
  /** A number from 0 to 1, for the waits between attempts. */
  random(): number;
  /** Runs `task` after so many milliseconds; the returned function calls it off. */
  after(milliseconds: number, task: () => void): () => void;
  readonly fs: typeof fileSystem;
  readonly fetch: typeof globalThis.fetch;
}

export interface SourceContext extends SourceWorld {
  /** What errors call it. */
  readonly name: string;
  /** What was kept with the last readings of this source. */
  readonly kept: ReadonlyMap<string, string>;
  readonly status: SourceStatus;
  /** Told of a series whose values only ever grow, but for beginning anew, before its readings. */
  counter?(series: string): void;
}

const silent: SourceStatus = { connected() {}, disturbed() {}, disconnected() {} };

/** The world of this process, for sources that are used without a server. */
export async function sourceContext(given: Partial<SourceContext> = {}): Promise<SourceContext> {
  return {
    name: "source",
    kept: new Map(),
    status: silent,
    now: Date.now,
    random: Math.random,
    after(milliseconds, task) {
      const timer = setTimeout(task, milliseconds);
      return () => clearTimeout(timer);
    },
    fs: given.fs ?? (await import("node:fs")),
    fetch: globalThis.fetch,
    ...given,
  };
}

/**
 * The observations of a source, one by one, each batch acknowledged once everything downstream has taken its last one. RxJS is
 * synchronous from `next` to the last stage, so what does its work in between (`forecast`, a write) has done it by then.
 * Readings that name no time get that of `now`; refused ones go to `refused`.
 */
export function observations(
  options: { readonly now?: () => number; readonly refused?: (refusal: Refused) => void } = {},
): OperatorFunction<SourceBatch, Observation> {
  const { now = Date.now, refused } = options;
  return concatMap(function* (batch: SourceBatch) {
    for (const [index, reading] of batch.readings.entries()) {
      batch.reached?.(index);
      if (isRefused(reading)) refused?.(reading);
      else if (Number.isNaN(reading.observation.time)) yield { ...reading.observation, time: now() };
      else yield reading.observation;
    }
    batch.acknowledge?.();
  });
}

/** A source that runs until nobody subscribes to it any more. */
export type SourceBatches = Observable<SourceBatch>;
