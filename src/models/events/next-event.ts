import { EddyError } from "../errors.ts";
import type { Block, Layout, Slice } from "../kernels/layout.ts";
import { power } from "../kernels/power.ts";
import { OnlineLearner } from "../learning/tbptt.ts";
import { Network } from "../network/network.ts";
import { lstm } from "../network/systems.ts";
import { categories, softmax } from "../readouts/softmax.ts";
import { ContextCounts, type ContextOptions } from "./context-counts.ts";
import { HeldLevels } from "./held-levels.ts";
import { RankWindow } from "./rank-window.ts";

/** Stands for a symbol that has never been met. */
export const NEW = -1;

/** Longest context: so many symbols back. */
const LONGEST = 4;
/** What is taken from every count and given to shorter contexts. */
const DISCOUNT = 0.6;
/** Contexts that leave out the last symbols, for streams that several writers share: which symbols back they read. */
const GAPPED: readonly (readonly number[])[] = [[2], [3], [2, 3]];
/** How fast the weights of the forecasters follow, and the share of them that goes round at every event. */
const FOLLOW = 0.2;
const SHARE = 0.001;
/** How much of its weight what was met at the last event keeps at the next, for the forecaster of recent symbols. */
const FADES = 0.95;
const RECENT_SHARE = 0.9;
/** Slots of the table of recent weights. */
const RECENT = 4096;

const EVERY = 2;
const THROUGH = 8;
const RATE = 0.02;
/** The LSTM learns at every second event at first, and at every eighth after so many. */
const SETTLED = 16_384;
const EVERY_SETTLED = 8;
/** Most nats of a surprise that are told apart. */
const MOST = 63;

const EVENTS = 0;
const KNOWN = 1;
const SURPRISE = 2;

/** How a `NextEvent` is made. */
export interface NextEventOptions extends ContextOptions {
  /** Units of the LSTM; 0 leaves it out. Default 24. */
  readonly hidden?: number;
  /** Symbols that the LSTM tells apart, from 4: the first ones met; the others are one class, parted by how often they come. Default 64. */
  readonly classes?: number;
  /** Surprises that the p-value is told by. Default 32768. */
  readonly window?: number;
  readonly seed?: number;
}

/** What is told of an event by what was forecast before it came. */
export interface EventOutcome {
  /** What was forecast for it; for a symbol never met, the probability that one comes. */
  readonly probability: number;
  /** -ln of the probability, plus what the caller knows to be odd about the event itself. */
  readonly nats: number;
  /** A p-value: the share of events that are at least as surprising, held to what it says while the stream drifts. */
  readonly surprise: number;
  /** Whether the symbol was never met before, or forgotten. */
  readonly isNew: boolean;
}

/**
 * What comes next in a stream of symbols, learned while it runs: a mixture of
 *
 * - interpolated counts of the symbols after the last 0 to 4 (absolute discounting, Ney, Essen & Kneser 1994), and after contexts with gaps:
 *   P(s|c) = (max(n(c,s) − d, 0) + d T(c) P(s|shorter c)) / N(c);
 * - recent symbols, each event's weight fading by 0.95 at every event;
 * - an LSTM with a softmax over classes of symbols, learning by TBPTT(2, 8) and Adam, by one event in eight once there were many.
 *
 * The weights are those of soft Bayes (Orseau, Lattimore & Legg 2017) with a fixed share (Herbster & Warmuth 1998):
 *
 *     p = Σ w p(k),   w(k) ← (1 − α) w(k) (1 − η + η p(k) / p) + α / K,     η = 0.2, α = 0.001
 *
 * They go to the best combination of the forecasters, and after T events the loss is at most that of the best one plus
 * (ln K + α T) / η nats, whatever came. A symbol never met is one of the symbols that can come: `NEW`.
 *
 * Event: `step(symbol)` tells what was forecast for it and learns from it; nothing is known of it before. Symbols are whole
 * numbers from 0 to 2^30.
 *
 * Letters: s symbol, c context, K forecasters, w weights [K]. State: in the layout. Cost: some 30 looks into tables,
 * one step of the LSTM and, once in four, a pass back through 16.
 *
 * @example
 * ```ts
 * const layout = new Layout(new Arena());
 * const next = new NextEvent(layout);
 * layout.allocate();
 * for (let i = 0; i < 300; i++) next.step(i % 3);
 * next.likeliest(1)[0].symbol === 0 && next.step(0).probability > 0.9; // true
 * ```
 */
export class NextEvent {
  readonly #counts: ContextCounts;
  readonly #ranks: RankWindow;
  readonly #levels: HeldLevels;
  readonly #learner: OnlineLearner | undefined;
  readonly #classes: number;
  /** The last symbols plus 1, the last one first; 0 is `NEW`. */
  readonly #past: Slice<Int32Array>;
  readonly #weights: Slice<Float64Array>;
  /** Symbols plus 1 that have a class of their own. */
  readonly #classed: Slice<Int32Array>;
  readonly #said: Slice<Float64Array>;
  /** Recent weights by symbol: plus 1, weight, event. */
  readonly #recentSymbol: Slice<Int32Array>;
  readonly #recentWeight: Slice<Float64Array>;
  readonly #recentEvent: Slice<Float64Array>;
  /** [0] events, [1] symbols known, [2] mean nats of late. */
  readonly #record: Slice<Float64Array>;
  readonly #forecasters: number;
  readonly #x: Float64Array;
  readonly #each: Float64Array;
  readonly #contextA = new Int32Array(LONGEST + 1 + GAPPED.length);
  readonly #contextB = new Int32Array(LONGEST + 1 + GAPPED.length);
  readonly #label = new Float64Array(1);
  readonly #contextAt = new Int32Array(LONGEST + 1 + GAPPED.length);
  #block: Block | undefined;

  /** @throws EddyError `bad-argument` for an option out of range. */
  constructor(layout: Layout, options: NextEventOptions = {}, name = "next-event") {
    const { hidden = 24, classes = 64, window, seed = 1 } = options;
    whole("hidden", hidden, 0, 1024);
    whole("classes", classes, 4, 4096);
    this.#classes = classes;
    this.#counts = new ContextCounts(layout, `${name}.counts`, options);
    this.#ranks = new RankWindow(layout, `${name}.ranks`, {
      seed,
      ...(window === undefined ? {} : { window }),
    });
    this.#levels = new HeldLevels(layout, `${name}.levels`);
    if (hidden > 0) {
      const network = new Network(lstm({ inputs: classes, hidden, outputs: classes, seed }), layout, name);
      this.#learner = new OnlineLearner(
        network,
        layout,
        {
          every: EVERY,
          through: THROUGH,
          optimiser: { kind: "adam", rate: RATE },
          readout: categories(classes),
        },
        `${name}.learner`,
      );
    }
    this.#forecasters = LONGEST + 1 + GAPPED.length + 1 + (hidden > 0 ? 1 : 0);
    this.#past = layout.int32(`${name}.past`, LONGEST);
    this.#weights = layout.float64(`${name}.weights`, this.#forecasters);
    this.#classed = layout.int32(`${name}.classed`, classes);
    this.#said = layout.float64(`${name}.said`, classes);
    this.#recentSymbol = layout.int32(`${name}.recent-symbol`, RECENT);
    this.#recentWeight = layout.float64(`${name}.recent-weight`, RECENT);
    this.#recentEvent = layout.float64(`${name}.recent-event`, RECENT);
    this.#record = layout.float64(`${name}.record`, 3);
    this.#x = new Float64Array(classes);
    this.#each = new Float64Array(this.#forecasters);
    layout.whenAllocated((block) => {
      this.#block = block;
      this.#weights.view.fill(1 / this.#forecasters);
      this.#said.view.fill(1 / classes);
      // Class 0 is a symbol never met.
      this.#classed.view[0] = -1;
    });
  }

  /** Events so far. */
  get events(): number {
    return this.#record.view[EVENTS];
  }

  /** Symbols known. */
  get known(): number {
    return this.#record.view[KNOWN];
  }

  /** Mean of -ln p over the last thousand events or so. */
  get meanNats(): number {
    return this.#record.view[SURPRISE];
  }

  /** Names of the forecasters, in the order of `probabilities`. */
  get forecasters(): string[] {
    const counts = Array.from({ length: LONGEST + 1 }, (_, k) => `after ${k}`);
    const gapped = GAPPED.map((gap) => `after ${gap.map((k) => `-${k}`).join(" ")}`);
    return [...counts, ...gapped, "recent", ...(this.#learner === undefined ? [] : ["lstm"])];
  }

  /** Bytes of the whole block that this is part of; `restore` goes on from them. */
  save(): Uint8Array {
    return (this.#block as Block).save();
  }

  /** Goes on from saved bytes. @throws EddyError `bad-state` when they are not as long as this block. */
  restore(bytes: Uint8Array): void {
    (this.#block as Block).load(bytes);
  }

  /** What each forecaster says of a symbol that may come next; the array is used again. */
  probabilities(symbol: number): Float64Array {
    this.#findContexts();
    this.#fill(this.#isKnown(symbol) ? symbol + 1 : 0);
    return this.#each;
  }

  /** The probability that a symbol comes next; `NEW`, or one never met, is that of any new one. */
  probability(symbol: number): number {
    const each = this.probabilities(symbol);
    const w = this.#weights.view;
    let p = 0;
    for (let k = 0; k < this.#forecasters; k++) p += w[k] * each[k];
    return p;
  }

  /** The likeliest symbols to come, `NEW` among them. Cost: a probability for every symbol known. */
  likeliest(n: number): { symbol: number; probability: number }[] {
    this.#contextHashes();
    const all = [0, ...this.#counts.symbols(this.#contextA[0], this.#contextB[0]).filter((s) => s > 0)];
    return all
      .map((s) => ({ symbol: s - 1, probability: this.probability(s - 1) }))
      .sort((x, y) => y.probability - x.probability || x.symbol - y.symbol)
      .slice(0, n);
  }

  /**
   * The event that has come. `oddness`: nats that the caller knows to be odd about it beyond its symbol.
   * @throws EddyError `bad-number` for a symbol that is none; nothing has changed then.
   */
  step(symbol: number, oddness = 0): EventOutcome {
    if (!(Number.isInteger(symbol) && symbol >= 0 && symbol < 2 ** 30)) {
      throw new EddyError("bad-number", "symbol", {
        expected: "a whole number from 0 to 2^30",
        received: String(symbol),
      });
    }
    if (!(oddness >= 0)) {
      throw new EddyError("bad-number", "oddness", {
        expected: "a number from 0",
        received: String(oddness),
      });
    }
    const isKnown = this.#isKnown(symbol);
    const s = isKnown ? symbol + 1 : 0;
    const each = this.probabilities(symbol);
    const probability = this.#weigh(each);
    const record = this.#record.view;
    const nats = -Math.log(probability);
    const n = record[EVENTS] + 1;
    record[EVENTS] = n;
    record[SURPRISE] = record[SURPRISE] + (nats - record[SURPRISE]) * Math.max(1 / n, 1 / 1000);
    const total = Math.min(MOST, nats + oddness);
    const surprise = this.#levels.hold(this.#ranks.add(total));
    this.#learnCounts(s, symbol + 1, isKnown);
    this.#learnRecent(s);
    this.#learnNetwork(s, symbol + 1);
    const past = this.#past.view;
    for (let k = LONGEST - 1; k > 0; k--) past[k] = past[k - 1];
    past[0] = s;
    return { probability, nats: total, surprise, isNew: !isKnown };
  }

  /** The mixture's probability, and its weights after it. */
  #weigh(each: Float64Array): number {
    const K = this.#forecasters;
    const w = this.#weights.view;
    let p = 0;
    for (let k = 0; k < K; k++) p += w[k] * each[k];
    for (let k = 0; k < K; k++) w[k] = (1 - SHARE) * w[k] * (1 - FOLLOW + (FOLLOW * each[k]) / p) + SHARE / K;
    return p;
  }

  #isKnown(symbol: number): boolean {
    if (symbol < 0) return false;
    const [a, b] = ORDER_0;
    return this.#counts.count(a, b, symbol + 1) > 0;
  }

  #contextHashes(): void {
    const past = this.#past.view;
    const { length } = this.#contextA;
    for (let i = 0; i < length; i++) {
      let a = ORDER_0[0] + i;
      let b = ORDER_0[1] ^ Math.imul(i, 0x51ed270b);
      const gap = i > LONGEST ? GAPPED[i - LONGEST - 1] : undefined;
      const reach = gap === undefined ? i : gap.length;
      for (let j = 0; j < reach; j++) {
        const s = past[gap === undefined ? j : gap[j] - 1];
        a = Math.imul(a ^ s, 0x85ebca6b);
        a ^= a >>> 15;
        b = Math.imul(b + s + 1, 0xc2b2ae35);
        b ^= b >>> 13;
      }
      this.#contextA[i] = a;
      this.#contextB[i] = b;
    }
  }

  #findContexts(): void {
    this.#contextHashes();
    for (let i = 0; i < this.#contextAt.length; i++) {
      this.#contextAt[i] = this.#counts.context(this.#contextA[i], this.#contextB[i]);
    }
  }

  /** P(s) of every forecaster for a symbol plus 1, 0 for a new one. */
  #fill(s: number): void {
    const each = this.#each;
    let p = 1 / (this.known + 1);
    for (let k = 0; k <= LONGEST; k++) {
      p = this.#interpolated(k, s, p);
      each[k] = p;
    }
    const unigram = each[0];
    let at = LONGEST + 1;
    for (let g = 0; g < GAPPED.length; g++) {
      each[at] = this.#interpolated(at, s, unigram);
      at++;
    }
    each[at++] = this.#recent(s, unigram);
    if (this.#learner !== undefined) each[at] = this.#network(s, unigram);
  }

  #interpolated(i: number, s: number, shorter: number): number {
    const at = this.#contextAt[i];
    if (at < 0) return shorter;
    const N = this.#counts.total(at);
    const T = this.#counts.distinct(at);
    const n = this.#counts.count(this.#contextA[i], this.#contextB[i], s);
    return (Math.max(0, n - DISCOUNT) + DISCOUNT * T * shorter) / N;
  }

  #recent(s: number, unigram: number): number {
    const n = this.events;
    const all = (1 - power(FADES, n)) / (1 - FADES);
    const at = this.#recentAt(s);
    const own =
      this.#recentSymbol.view[at] === s + 1
        ? this.#recentWeight.view[at] * power(FADES, n - this.#recentEvent.view[at])
        : 0;
    return all > 0 ? RECENT_SHARE * (own / all) + (1 - RECENT_SHARE) * unigram : unigram;
  }

  #classOf(s: number): number {
    if (s === 0) return 0;
    const classed = this.#classed.view;
    for (let k = 1; k < this.#classes - 1; k++) {
      if (classed[k] === s) return k;
      if (classed[k] === 0) break;
    }
    return this.#classes - 1;
  }

  #network(s: number, unigram: number): number {
    const said = this.#said.view;
    const k = this.#classOf(s);
    // A little of the unigram, so that a network that has seen nothing rules nothing out.
    const own = k === this.#classes - 1 ? said[k] * unigram : said[k];
    return 0.98 * own + 0.02 * unigram;
  }

  #learnCounts(s: number, symbol: number, isKnown: boolean): void {
    for (let i = 0; i < this.#contextA.length; i++) this.#counts.add(this.#contextA[i], this.#contextB[i], s);
    const record = this.#record.view;
    if (!isKnown) {
      // From now on it is known, by itself.
      this.#counts.add(ORDER_0[0], ORDER_0[1], symbol);
      record[KNOWN] = record[KNOWN] + 1;
    }
    this.#counts.pass();
  }

  #recentAt(s: number): number {
    return (Math.imul(s + 1, 0x9e3779b1) >>> 16) & (RECENT - 1);
  }

  #learnRecent(s: number): void {
    const n = this.events;
    const at = this.#recentAt(s);
    const same = this.#recentSymbol.view[at] === s + 1;
    const before = same ? this.#recentWeight.view[at] * power(FADES, n - this.#recentEvent.view[at]) : 0;
    this.#recentSymbol.view[at] = s + 1;
    this.#recentWeight.view[at] = before + 1;
    this.#recentEvent.view[at] = n;
  }

  #learnNetwork(s: number, symbol: number): void {
    const learner = this.#learner;
    if (learner === undefined) return;
    const label = this.#classOf(s);
    if (this.events > 1) {
      this.#label[0] = label;
      learner.label(0, this.#label);
      if (this.events <= SETTLED || (this.events - 1) % EVERY_SETTLED === 0) learner.learn();
    }
    const x = this.#x;
    x.fill(0);
    x[label] = 1;
    softmax(this.#said.view, learner.step(x), this.#classes);
    if (s === 0) this.#giveClass(symbol);
  }

  #giveClass(symbol: number): void {
    const classed = this.#classed.view;
    for (let k = 1; k < this.#classes - 1; k++) {
      if (classed[k] === symbol) return;
      if (classed[k] !== 0) continue;
      classed[k] = symbol;
      return;
    }
  }
}

/** The empty context. */
const ORDER_0 = [0x1f123bb5, 0x5f356495] as const;

function whole(name: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw new EddyError("bad-argument", name, {
    expected: `a whole number from ${low} to ${high}`,
    received: String(value),
  });
}
