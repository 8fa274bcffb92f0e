import type { OperatorFunction } from "rxjs";
import { EddyError, printable } from "../../models/errors.ts";
import { type Block, Layout, type Slice } from "../../models/kernels/layout.ts";
import type { UpdaterOptions } from "../../models/learning/updater.ts";
import { seeded } from "../../models/network/seeded.ts";
import { categories } from "../../models/readouts/softmax.ts";
import { SequenceModel } from "../../models/sequence/sequence-model.ts";
import { type LengthModel, sequenceWiring } from "../../models/sequence/sequence-wiring.ts";
import { SortedWindow } from "../../models/statistics/sorted-window.ts";
import { readEvents, writeEvents } from "../../stages/kept-events.ts";
import type { RefusedOutput } from "../../stages/refused-event.ts";
import { packParts, type Stage, type StageOutput, unpackParts } from "../../stages/stage.ts";
import { stage } from "../../stages/stage-operator.ts";
import { operatorArena } from "./arena.ts";
import type { EventName } from "./next-event.ts";

/** What is told of a sequence with an event of it. */
export interface SequenceSoFar<T> {
  readonly event: T;
  /** The sequence that the event belongs to. */
  readonly key: string;
  /** Events of it so far. */
  readonly length: number;
  /** −ln of what had been forecast for this event by those before it in its sequence; with `count` null until it has ended. */
  readonly nats: number | null;
  /** Mean of that over the sequence. */
  readonly meanNats: number | null;
  /** The probability that it ends here; with `count` always null. */
  readonly end: number | null;
  /** Events still to come, as it was with sequences that came so far; null until one has. */
  readonly remaining: number | null;
  /** Of a sequence that has ended: the share of the last ones that were at least as unlikely, per event; null before. */
  readonly surprise: number | null;
  /** Of one that has ended: sequences drawn from the model, where they were asked for; a null stands for a name not told apart. */
  readonly drawn: readonly (readonly (EventName | null)[])[];
}

export interface SequencesOptions<T> extends UpdaterOptions {
  /** Which sequence an event belongs to. */
  readonly by: (event: T) => string;
  /** Whether a sequence ends with this event. */
  readonly ends: (event: T) => boolean;
  /** What an event is called. Default: its `name`. */
  readonly of?: (event: T) => EventName;
  /** Names told apart; the others count as one. Default 64. */
  readonly names?: number;
  /** Units of the LSTM. Default 16. */
  readonly hidden?: number;
  /** How the length is modelled: by an output that ends it at each event, or as a number said before the first. Default `end`. */
  readonly length?: LengthModel;
  /** Longest sequence that is scored; of one that goes on, what comes after it is counted only. Default 256. */
  readonly longest?: number;
  /** Sequences that may be open at once; the one that has been silent longest makes room, and nothing is learned from it. Default 1,000. */
  readonly open?: number;
  /** Draws so many sequences whenever one has ended. Default 0. */
  readonly draw?: number;
  readonly seed?: number;
  /** Where events go that have no key or name. */
  readonly refused?: RefusedOutput<T>;
}

/**
 * Sequences that end, woven into one stream (Goodfellow, Bengio & Courville, Deep Learning, section 10.2.3): sessions, orders, batches. An LSTM says
 * of each event how likely it was after those before it in its sequence, and how likely it is that the sequence ends there; it learns from each sequence as a whole, once it has ended.
 *
 *     P(x(1..τ), τ) = Π P(x(t) | x(1..t − 1)) · p(τ) Π_{t<τ} (1 − p(t)),   p(t) the probability of an end
 *
 * So one that is odd as a whole stands out although no event of it does, and one that does not end becomes ever less likely. Draws depend on the seed and on how many sequences have ended.
 * State: the network, the names, the events of what is open. Cost per event: a pass over its sequence so far.
 *
 * @example
 * ```ts
 * import { sequences } from "eddy/streams";
 * import { from, lastValueFrom } from "rxjs";
 * const session = (i: number) => (i % 2 ? ["login", "read", "read", "logout"] : ["login", "logout"]).map((name) => ({ key: `s${i}`, name }));
 * const events = Array.from({ length: 400 }, (_, i) => session(i)).flat();
 * const told = sequences({ by: ({ key }) => key, ends: ({ name }) => name === "logout", hidden: 8, optimiser: { kind: "adam", rate: 0.02 } });
 * const last = await lastValueFrom(from(events).pipe(told));
 * last.end > 0.8 && last.nats < 0.3; // true
 * ```
 */
export function sequences<T>(options: SequencesOptions<T>): OperatorFunction<T, SequenceSoFar<T>> {
  return stage("sequences", () => new SequencesStage(options), options.refused);
}

/** A sequence that has not ended. */
interface Open {
  readonly symbols: number[];
  /** Events of it, beyond the longest too. */
  length: number;
}

const LONGEST_NAME = 1024;
/** Ended sequences that one is compared with, and how fast lengths are forgotten. */
const COMPARED = 1000;
const KEPT = 0.999;

class SequencesStage<T> implements Stage<T, SequenceSoFar<T>> {
  readonly #options: SequencesOptions<T>;
  readonly #names: number;
  readonly #longest: number;
  readonly #most: number;
  readonly #model: SequenceModel;
  readonly #ended: SortedWindow;
  /** [0] sequences ended, [1] made room without an end. */
  readonly #counts: Slice<Float64Array>;
  /** By length: sequences that came so far, and their events after it. */
  readonly #reached: Slice<Float64Array>;
  readonly #after: Slice<Float64Array>;
  readonly #block: Block;
  /** Those told apart, by their number less one: 0 is any other. */
  #known: EventName[] = [];
  /** The one silent longest comes first. */
  #open = new Map<string, Open>();

  constructor(options: SequencesOptions<T>) {
    const {
      by,
      ends,
      names = 64,
      hidden = 16,
      length = "end",
      longest = 256,
      open = 1000,
      draw = 0,
      seed = 1,
    } = options;
    for (const [name, value] of Object.entries({ by, ends })) {
      if (typeof value === "function") continue;
      throw new EddyError("bad-argument", name, {
        expected: "a function of an event",
        received: printable(value),
      });
    }
    for (const [name, value, least] of [
      ["names", names, 1],
      ["hidden", hidden, 1],
      ["longest", longest, 1],
      ["open", open, 1],
      ["draw", draw, 0],
    ] as const) {
      if (Number.isInteger(value) && value >= least) continue;
      throw new EddyError("bad-argument", name, {
        expected: `a whole number from ${least}`,
        received: printable(value),
      });
    }
    this.#options = options;
    this.#names = names;
    this.#longest = longest;
    this.#most = open;
    const readout = categories(names + 1);
    const layout = new Layout(operatorArena());
    if (length !== "end" && length !== "count") {
      throw new EddyError("bad-argument", "length", {
        expected: "end or count",
        received: printable(length),
      });
    }
    const wiring = sequenceWiring({ readout, hidden, length, seed });
    this.#model = new SequenceModel(layout, "sequences", {
      ...options,
      wiring,
      readout,
      longest,
      length,
    });
    this.#ended = new SortedWindow(layout, "ended", COMPARED);
    this.#counts = layout.float64("counts", 2);
    this.#reached = layout.float64("reached", longest);
    this.#after = layout.float64("after", longest);
    this.#block = layout.allocate();
  }

  step(event: T, output: StageOutput<T, SequenceSoFar<T>>): void {
    const { by, ends, of = named } = this.#options;
    const key = by(event);
    const name = of(event);
    if (!isName(key) || !isName(name)) {
      output.refuse(event, "bad-observation");
      return;
    }
    const sequence = this.#sequenceOf(String(key));
    sequence.length++;
    if (sequence.symbols.length < this.#longest) sequence.symbols.push(this.#symbolOf(name));
    const { symbols } = sequence;
    const over = ends(event);
    const remaining = this.#remaining(sequence.length);
    const place = { event, key: String(key), length: sequence.length, remaining };
    if (this.#model.length === "count" && !over) {
      output.next({ ...place, nats: null, meanNats: null, end: null, surprise: null, drawn: [] });
      return;
    }
    const { logValues, logLength, logSurvival } = this.#model.likelihood(symbols);
    const n = symbols.length;
    const total = logValues.reduce((sum, value) => sum - value, 0);
    const told = {
      ...place,
      nats: -(logValues[n - 1] ?? 0),
      meanNats: total / n,
      end:
        this.#model.length === "count" ? null : Math.exp(logLength - (n > 1 ? (logSurvival[n - 2] ?? 0) : 0)),
    };
    if (!over) {
      output.next({ ...told, surprise: null, drawn: [] });
      return;
    }
    const nats = (total - logLength) / n;
    const seen = this.#ended.size;
    const surprise = seen === 0 ? null : (1 + this.#ended.countFrom(nats)) / (seen + 1);
    this.#finish(String(key), sequence, nats);
    output.next({ ...told, surprise, drawn: this.#draw() });
  }

  #sequenceOf(key: string): Open {
    let found = this.#open.get(key);
    if (found !== undefined) this.#open.delete(key);
    else {
      if (this.#open.size >= this.#most) {
        const [silent] = this.#open.keys();
        if (silent !== undefined) this.#open.delete(silent);
        this.#counts.view[1] = (this.#counts.view[1] ?? 0) + 1;
      }
      found = { symbols: [], length: 0 };
    }
    this.#open.set(key, found);
    return found;
  }

  #symbolOf(name: EventName): number {
    const at = this.#known.indexOf(name);
    if (at >= 0) return at + 1;
    if (this.#known.length >= this.#names) return 0;
    return this.#known.push(name);
  }

  #finish(key: string, { symbols, length }: Open, nats: number): void {
    this.#open.delete(key);
    this.#model.learn(symbols);
    this.#ended.add(nats);
    const [counts, reached, after] = [this.#counts.view, this.#reached.view, this.#after.view];
    counts[0] = (counts[0] ?? 0) + 1;
    for (let i = 0; i < Math.min(length, this.#longest); i++) {
      reached[i] = (reached[i] ?? 0) * KEPT + 1;
      after[i] = (after[i] ?? 0) * KEPT + (length - i - 1);
    }
  }

  #remaining(length: number): number | null {
    const at = Math.min(length, this.#longest) - 1;
    const reached = this.#reached.view[at] ?? 0;
    return reached > 0 ? (this.#after.view[at] ?? 0) / reached : null;
  }

  #draw(): (EventName | null)[][] {
    const { draw = 0, seed = 1 } = this.#options;
    if (draw === 0) return [];
    const random = seeded(seed, `draw ${this.#counts.view[0]}`);
    return Array.from({ length: draw }, () =>
      Array.from(this.#model.sample(random), (symbol) => this.#known[symbol - 1] ?? null),
    );
  }

  metrics(): Readonly<Record<string, number>> {
    const [ended = 0, dropped = 0] = this.#counts.view;
    const { nonFinite, exploding } = this.#model.guards;
    return { open: this.#open.size, ended, dropped, updates_refused: nonFinite + exploding };
  }

  save(): Uint8Array {
    return packParts([writeEvents([this.#known, [...this.#open]]), this.#block.bytes]);
  }

  restore(bytes: Uint8Array): void {
    const [kept, state] = unpackParts(bytes, "saved sequences", 2);
    const [known, open] = readEvents(kept) as [EventName[], [string, Open][]];
    this.#known = known;
    this.#open = new Map(open);
    this.#block.load(state);
  }

  release(): void {
    this.#block.release();
  }
}

const named = (event: unknown): EventName => (event as { readonly name: EventName }).name;

const isName = (name: unknown): name is EventName =>
  (typeof name === "string" && name !== "" && name.length <= LONGEST_NAME) ||
  (typeof name === "number" && Number.isFinite(name));
