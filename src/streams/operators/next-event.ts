import type { OperatorFunction } from "rxjs";
import { EddyError, printable } from "../../models/errors.ts";
import { type NextEventOptions as ModelOptions, NEW, NextEvent } from "../../models/events/next-event.ts";
import { Layout } from "../../models/kernels/layout.ts";
import { readEvents, writeEvents } from "../../stages/kept-events.ts";
import type { RefusedOutput } from "../../stages/refused-event.ts";
import { packParts, type Stage, type StageOutput, unpackParts } from "../../stages/stage.ts";
import { stage } from "../../stages/stage-operator.ts";
import { operatorArena } from "./arena.ts";

/** A word, or a number that stands for one. */
export type EventName = string | number;

/** What `nextEvent` says of each event, by what it had forecast before it came. */
export interface ToldEvent<T> {
  readonly event: T;
  /** What had been forecast for it; for one never met, the probability that a new one comes. */
  readonly probability: number;
  /** −ln of the probability. */
  readonly nats: number;
  /** The share of the last events that were at least as surprising: a p-value. */
  readonly surprise: number;
  /** Whether it had never been met, or was forgotten. */
  readonly isNew: boolean;
  /** What is likeliest to come after it, the likeliest first; null stands for one never met. */
  readonly likeliest: readonly { readonly name: EventName | null; readonly probability: number }[];
}

export interface NextEventOptions<T> extends ModelOptions {
  /** What an event is called. Default: the event itself, where it is a word or a number. */
  readonly of?: (event: T) => EventName;
  /** How many of the likeliest are told. Default 1; each costs a probability for every name known. */
  readonly likeliest?: number;
  /** Most names told apart; one more counts as new each time. Default 65,536. */
  readonly names?: number;
  /** Where events go that have no name. */
  readonly refused?: RefusedOutput<T>;
}

/**
 * What comes next in a stream of events, learned while it runs: counts of what followed the last few events, recent events, and an LSTM with
 * a softmax over a vocabulary that grows, mixed online so that the mixture never loses for long to the best of them (`NextEvent`
 * says how). Each event is told of by what was forecast before it came, then learned from.
 *
 * Events are words or numbers, or anything of which `of` names one. A name longer than 1,024 characters, or that is none, goes to `refused`. State: tables of constant size and the
 * names met, at most `names`.
 *
 * @example
 * ```ts
 * import { nextEvent } from "eddy/streams";
 * import { from, lastValueFrom } from "rxjs";
 * const day = ["wake", "work", "eat", "sleep"];
 * const events = Array.from({ length: 400 }, (_, i) => day[i % 4]);
 * const last = await lastValueFrom(from(events).pipe(nextEvent({ hidden: 8 })));
 * last.likeliest[0].name === "wake" && last.probability > 0.9; // true
 * ```
 */
export function nextEvent<T>(options: NextEventOptions<T> = {}): OperatorFunction<T, ToldEvent<T>> {
  return stage("nextEvent", () => openNextEvent(options), options.refused);
}

const LONGEST_NAME = 1024;

function openNextEvent<T>(options: NextEventOptions<T>): Stage<T, ToldEvent<T>> {
  const {
    of = (event: T) => event as EventName,
    likeliest = 1,
    names: most = 65_536,
    refused: _,
    ...model
  } = options;
  for (const [name, value, least] of [
    ["likeliest", likeliest, 0],
    ["names", most, 1],
  ] as const) {
    if (Number.isInteger(value) && value >= least) continue;
    throw new EddyError("bad-argument", name, {
      expected: `a whole number from ${least}`,
      received: printable(value),
    });
  }
  const layout = new Layout(operatorArena());
  const next = new NextEvent(layout, model);
  const block = layout.allocate();
  let names: EventName[] = [];
  /** Number of each name, from 0. */
  let known = new Map<EventName, number>();
  const numberOf = (name: EventName): number => {
    const found = known.get(name);
    if (found !== undefined) return found;
    // Beyond the bound, one number that is forgotten again each time: it is never known.
    if (names.length >= most) return most;
    known.set(name, names.length);
    names.push(name);
    return names.length - 1;
  };
  return {
    step(event, output: StageOutput<T, ToldEvent<T>>) {
      const name = of(event);
      const usable =
        (typeof name === "string" && name !== "" && name.length <= LONGEST_NAME) ||
        (typeof name === "number" && Number.isFinite(name));
      if (!usable) {
        output.refuse(event, "bad-observation");
        return;
      }
      const { probability, nats, surprise, isNew } = next.step(numberOf(name));
      const best = likeliest === 0 ? [] : next.likeliest(likeliest);
      output.next({
        event,
        probability,
        nats,
        surprise,
        isNew,
        likeliest: best.map(({ symbol, probability: p }) => ({
          name: symbol === NEW ? null : (names[symbol] ?? null),
          probability: p,
        })),
      });
    },
    metrics: () => ({ events: next.events, names: next.known, mean_nats: next.meanNats }),
    save: () => packParts([writeEvents(names), block.bytes]),
    restore(bytes) {
      const [words, state] = unpackParts(bytes, "saved events", 2);
      names = readEvents(words) as EventName[];
      known = new Map(names.map((name, i) => [name, i]));
      block.load(state);
    },
    release: () => block.release(),
  };
}
