import type { OperatorFunction } from "rxjs";
import { EddyError } from "../../models/errors.ts";
import { readEvents, writeEvents } from "../../stages/kept-events.ts";
import type { RefusedOutput } from "../../stages/refused-event.ts";
import { packParts, type Stage, unpackParts } from "../../stages/stage.ts";
import { stage } from "../../stages/stage-operator.ts";
import { readTime } from "../observation-schema.ts";
import { Ordering } from "../ordering.ts";
import { savedNumber } from "../saved-numbers.ts";

/** An event that says when it was. */
export interface AtTime {
  /** ISO 8601 or epoch milliseconds. */
  readonly time: number | string;
}

export interface InOrderOptions<T extends AtTime> {
  /** Milliseconds that an event is waited for. Default 0: what is older than the last one is late. */
  readonly lateness?: number;
  /** Lets several events of one time by; otherwise the second is refused. Default false. */
  readonly repeats?: boolean;
  /** Where events go that are `late`, `duplicate-time` or of `bad-time`. */
  readonly refused?: RefusedOutput<T>;
}

/**
 * Puts events in the order of their times. One is held back until an event has been seen that is `lateness` newer; what comes for
 * a time that has gone on is late, and refused. When the source completes, what is held back goes on. The order depends on the events alone, never
 * on a clock. Memory: 4,096 events at most; when there are more, the oldest goes on early.
 *
 * @example
 * ```ts
 * import { inOrder } from "eddy/streams";
 * import { from, lastValueFrom, map, toArray } from "rxjs";
 * const times = [1000, 3000, 2000, 4000, 6000].map((time) => ({ time }));
 * const ordered = from(times).pipe(inOrder({ lateness: 1000 }), map(({ time }) => time), toArray());
 * await lastValueFrom(ordered); // [1000, 2000, 3000, 4000, 6000]
 * ```
 */
export function inOrder<T extends AtTime>(options: InOrderOptions<T> = {}): OperatorFunction<T, T> {
  return stage("inOrder", () => openOrdering(options), options.refused);
}

function openOrdering<T extends AtTime>({ lateness = 0, repeats = false }: InOrderOptions<T>): Stage<T, T> {
  if (!(lateness >= 0 && Number.isFinite(lateness))) {
    throw new EddyError("bad-argument", "lateness", {
      expected: "milliseconds from 0",
      received: String(lateness),
    });
  }
  const ordering = new Ordering<{ readonly time: number; readonly event: T }>(lateness, repeats);
  return {
    step(event, output) {
      let time: number;
      try {
        time = readTime(event.time);
      } catch (error) {
        if (!(error instanceof EddyError)) throw error;
        output.refuse(event, error.code);
        return;
      }
      const reason = ordering.push({ time, event }, (one) => output.next(one.event));
      if (reason !== undefined) output.refuse(event, reason);
    },
    end: (output) => ordering.end((one) => output.next(one.event)),
    save() {
      const { newest, gone, held } = ordering.state;
      return packParts([new Uint8Array(Float64Array.of(newest, gone).buffer), writeEvents(held)]);
    },
    restore(bytes) {
      const [times, events] = unpackParts(bytes, "saved order", 2);
      const numbers = new Float64Array(times.slice().buffer);
      const [newest, gone] = [savedNumber(numbers, 0), savedNumber(numbers, 1)];
      ordering.state = { newest, gone, held: readEvents(events) as { time: number; event: T }[] };
    },
  };
}
