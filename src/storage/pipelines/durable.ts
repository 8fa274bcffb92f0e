import { Observable, type OperatorFunction, Subscriber } from "rxjs";
import { EddyError, printable } from "../../models/errors.ts";
import { RunningPipeline } from "../../stages/running-pipeline.ts";
import { checkName, type PipelineStore } from "./pipeline-store.ts";

/** An output of a pipeline that is kept: the same one always has the same number. */
export interface Kept<T> {
  /** 1 for the first output that the pipeline ever gave. */
  readonly offset: number;
  readonly value: T;
}

export interface DurableOptions<In> {
  /** Events between two saves. Default 1,000. */
  readonly every?: number;
  /**
   * Where the source stands with an event, a number that grows: events up to the one saved last are skipped. Default: how many have come,
   * which is right for a source that begins at its beginning each time.
   */
  readonly position?: (event: In) => number;
  /**
   * Between the first save and the second, runs a second copy that was restored from it beside the first, and compares what they give: what
   * hides a state of its own is found then and not by a crash. Default true.
   */
  readonly rehearse?: boolean;
}

/**
 * Keeps a pipeline: the state of every stage in it, how far its source has been read and how much it has given are saved together, in one transaction, every
 * so many events and when it is unsubscribed from. Subscribed to again, after `kill -9` too, it goes on from there to the bit: events that it has taken are skipped, and
 * outputs after the last save come again with the same `offset`, so that whoever has seen them can tell.
 *
 * Between the stages any operator may stand that holds nothing back and keeps nothing (`map`, `filter`, `tap`, `mergeMap` of values, ...). What does is found:
 * a stage that cannot be saved, and one that opens later, by its name when it opens; an operator with a clock (`delay`, `debounceTime`) by the first output that comes without an event; an operator with a state of its own
 * (`scan`, `pairwise`, `bufferCount`) by the rehearsal. docs/pipelines.md says what to use instead.
 *
 * Errors of the stream: `locked` when the name is in use, `bad-state` when the pipeline is another one than was saved, or does not give the same once it was.
 * Cost: a copy of the state and a synced transaction per save.
 *
 * @example
 * ```ts
 * import { durable, PipelineStore } from "eddy/storage";
 * import { recurrent } from "eddy/streams";
 * import { mkdtempSync } from "node:fs";
 * import { lastValueFrom, map, range } from "rxjs";
 * const store = new PipelineStore(`${mkdtempSync("/tmp/eddy-")}/pipelines.db`);
 * const lstm = recurrent("lstm", { hidden: 4, ahead: 1 });
 * const wave = (n: number) => range(0, n).pipe(map((t) => Math.sin(t / 4)));
 * await lastValueFrom(wave(50).pipe(durable(store, "wave", lstm)));
 * const more = await lastValueFrom(wave(60).pipe(durable(store, "wave", lstm))); // goes on with event 51
 * const unbroken = await lastValueFrom(wave(60).pipe(lstm));
 * store.close();
 * more.offset === 60 && more.value.point[0] === unbroken.point[0]; // true
 * ```
 */
export function durable<In, Out>(
  store: PipelineStore,
  name: string,
  pipeline: OperatorFunction<In, Out>,
  options: DurableOptions<In> = {},
): OperatorFunction<In, Kept<Out>> {
  const { every = 1000, position, rehearse = true } = options;
  return (source) =>
    new Observable<Kept<Out>>((subscriber) => {
      checkName(name);
      if (!(Number.isInteger(every) && every >= 1)) {
        throw new EddyError("bad-argument", "every", {
          expected: "a whole number of events from 1",
          received: printable(every),
        });
      }
      const giveBack = store.claim(name);
      let saved: ReturnType<PipelineStore["load"]>;
      try {
        saved = store.load(name);
      } catch (error) {
        giveBack();
        throw error;
      }
      const run = new RunningPipeline<In, Out>(name, pipeline, {
        next: (value, offset) => subscriber.next({ offset, value }),
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
      if (subscriber.closed) {
        giveBack();
        return;
      }
      let events = saved?.events ?? 0;
      let reached = saved?.position ?? Number.NaN;
      /** Events to be skipped that come again. */
      let skipped = 0;
      let savedAt = events;
      let failed = false;
      const fail = (error: unknown): void => {
        failed = true;
        subscriber.error(error);
      };
      const save = (): Uint8Array => {
        let state: Uint8Array = new Uint8Array(0);
        store.transaction(() => {
          state = run.stages.save();
          store.save(name, {
            events,
            position: reached,
            outputs: run.outputs,
            state,
            metrics: run.stages.metrics(),
          });
        });
        savedAt = events;
        return state;
      };
      const take = (event: In): void => {
        const at = position?.(event) ?? Number.NaN;
        const past = saved?.events ?? 0;
        if (position === undefined ? skipped < past : at <= (saved?.position ?? Number.NaN)) {
          skipped++;
          return;
        }
        if (position !== undefined && !(at > reached || (events === 0 && Number.isFinite(at)))) {
          throw new EddyError("bad-argument", "position", {
            expected: `a number that grows from event to event, above ${reached}`,
            received: printable(at),
          });
        }
        run.take(event);
        if (run.failed) {
          failed = true;
          return;
        }
        events++;
        reached = at;
        if (events % every !== 0) return;
        const first = savedAt === 0;
        const state = save();
        if (first && rehearse) run.rehearse(state);
        else run.endRehearsal();
      };
      try {
        if (saved !== undefined) run.goOn(saved.state, saved.outputs);
      } catch (error) {
        run.close();
        giveBack();
        throw error;
      }
      /** Nothing more comes, and no event is under way. */
      const finish = (): void => {
        try {
          if (!failed && !run.failed && events > savedAt) save();
        } finally {
          run.close();
          giveBack();
        }
      };
      /** Events that came while another was under way. */
      const waiting: In[] = [];
      let busy = false;
      let gone = false;
      const input = new Subscriber<In>({
        next(event) {
          waiting.push(event);
          if (busy) return;
          busy = true;
          try {
            while (waiting.length > 0 && !subscriber.closed) take(waiting.shift() as In);
          } catch (error) {
            fail(error);
          } finally {
            busy = false;
          }
          if (gone) finish();
        },
        error: fail,
        complete() {
          try {
            // What is still held back is given, and given again should the source go on one day.
            if (events > savedAt) save();
            run.complete();
          } catch (error) {
            fail(error);
          }
        },
      });
      subscriber.add(input);
      subscriber.add(() => {
        gone = true;
        if (!busy) finish();
      });
      source.subscribe(input);
    });
}
