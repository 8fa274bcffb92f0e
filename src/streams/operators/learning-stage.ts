import { EddyError, printable } from "../../models/errors.ts";
import type { Arena } from "../../models/kernels/arena.ts";
import { type Block, Layout, type Slice } from "../../models/kernels/layout.ts";
import { ExponentialMoments } from "../../models/statistics/exponential-moments.ts";
import type { RefusedOutput } from "../../stages/refused-event.ts";
import type { Stage, StageOutput } from "../../stages/stage.ts";
import { operatorArena } from "./arena.ts";
import { type Learnable, type ReadSample, readSample } from "./sample.ts";

/** What an operator that learns gives for every event with an x. */
export interface Estimate<T> {
  readonly event: T;
  /** What the model gives, such as mean and log variance. */
  readonly output: number[];
  /** What is said of the label: of this event, or of that which comes `ahead` events later. */
  readonly point: number[];
  /**
   * The label that came with this event less what had been said of it, NaN where one is missing; null when none came, or none had been said.
   */
  readonly error: number[] | null;
  /** Mean loss as last learned; null before. */
  readonly loss: number | null;
}

/** Options of all operators that learn. */
export interface LearningOptions<T extends Learnable = Learnable> {
  /** Numbers of an x. Default: as many as the first event has. */
  readonly inputs?: number;
  /** Numbers of a label. Default: as many as the first label has; without one, as the x. */
  readonly targets?: number;
  /**
   * Learns what comes so many events later: the `label` of that event or, without one, its x. Default: labels are those of the
   * events that bring them.
   */
  readonly ahead?: number;
  /**
   * Measures every number of x and label by its own mean and spread over the last so many events (true: 1,000), so that a model
   * learns from 71.3 °C as well as from 0.1 V. Points and errors are given in the units that came. Default false: as they come.
   */
  readonly scale?: boolean | number;
  /** Milliseconds of one step: with it, events that carry a time and lie further apart are further apart for the model too. */
  readonly step?: number;
  /** Where events go that cannot be used: `bad-number`, `bad-time`, `bad-observation`, `wrong-length`, `unmatched-label`. */
  readonly refused?: RefusedOutput<T>;
  readonly seed?: number;
  /** Memory for the model. Default: one that all operators share. */
  readonly arena?: Arena;
}

export interface Sizes {
  readonly inputs: number;
  readonly targets: number;
}

/** A model within an operator that learns. All its state lies in the layout that it was opened in. */
export interface Learner {
  /** Labels of so many steps back, the last one counted, can still be learned. */
  readonly reach: number;
  /** Takes one x; returns what the model gives. The array is reused. */
  step(x: ArrayLike<number>, dt: number): ArrayLike<number>;
  /** Writes what the output says of the label. */
  point(out: Float64Array, output: ArrayLike<number>): void;
  /** The label of the step `lag` steps back, 0 for the last; NaN where one is missing. */
  label(lag: number, label: ArrayLike<number>): void;
  /** Learns from what has been labelled, where that is due. */
  learn(): void;
  /** The last step's label, for a model that reads its past; called before the next step. */
  feedback?(label: ArrayLike<number>): void;
  context?(context: ArrayLike<number>): void;
  /** Called once, when memory is there: parameters begin here. */
  begin?(): void;
  /** @throws EddyError for a label that the readout cannot have, such as an unknown category */
  checkLabel?(label: ArrayLike<number>): void;
  /** Labels are no quantities, such as categories, and stay as they are. */
  readonly labelsStay?: boolean;
  /** What is given beside an estimate. */
  details?(): object;
  readonly loss: number;
  metrics(): Readonly<Record<string, number>>;
}

/** Opens a model of these sizes in a layout. */
export type OpenLearner = (layout: Layout, sizes: Sizes) => Learner;

const EVENTS = 0;
const LAST_TIME = 1;
const LABELS = 2;

/** A model that has its sizes and its memory. */
interface Open {
  readonly sizes: Sizes;
  readonly learner: Learner;
  readonly block: Block;
  /** [0] events, [1] time of the last one, [2] labels. */
  readonly clock: Slice<Float64Array>;
  /** Times of the last events, a ring. */
  readonly times: Slice<Float64Array>;
  /** What has been said at the last events, a ring. */
  readonly said: Slice<Float64Array>;
  /** What is being said now, of each target. */
  readonly point: Float64Array;
  /** By which x and labels are measured, where they are. */
  readonly ofX: ExponentialMoments | undefined;
  readonly ofLabel: ExponentialMoments | undefined;
}

/** What is said at an event, with the error of what was said of its label. */
interface Said {
  readonly output: number[];
  readonly point: number[];
  error: number[] | null;
}

/**
 * The stage of every operator that learns from labels. It sizes the model by its first event, finds the step that a label
 * belongs to (this one, the one `ahead` events ago, the one of a time), learns, and then steps: a label never reaches a model before
 * what had to be said without it.
 */
export class LearningStage<T extends Learnable, E extends Estimate<T> = Estimate<T>> implements Stage<T, E> {
  readonly #options: LearningOptions<T>;
  readonly #openLearner: OpenLearner;
  readonly #ahead: number;
  /** Events by which numbers are measured; 0: they are not. */
  readonly #memory: number;
  #open: Open | undefined;

  /** @throws EddyError for options that no model can be opened with, whatever events may come */
  constructor(openLearner: OpenLearner, options: LearningOptions<T>) {
    const { inputs, targets, ahead, step } = options;
    for (const [name, value] of Object.entries({ inputs, targets, ahead })) {
      if (value === undefined || (Number.isInteger(value) && value >= 1)) continue;
      throw new EddyError("bad-argument", name, {
        expected: "a whole number from 1",
        received: printable(value),
      });
    }
    if (step !== undefined && !(step > 0 && Number.isFinite(step))) {
      throw new EddyError("bad-argument", "step", {
        expected: "milliseconds above 0",
        received: printable(step),
      });
    }
    this.#options = options;
    this.#openLearner = openLearner;
    this.#ahead = ahead ?? 0;
    const { scale = false } = options;
    this.#memory = typeof scale === "number" ? scale : scale ? 1000 : 0;
    if (!(this.#memory === 0 || (Number.isInteger(this.#memory) && this.#memory >= 2))) {
      throw new EddyError("bad-argument", "scale", {
        expected: "true, false or a whole number of events from 2",
        received: printable(scale),
      });
    }
    // A model of the least sizes: what is wrong with its options is wrong with it.
    const { learner } = this.#plan({ inputs: inputs ?? 1, targets: targets ?? inputs ?? 1 });
    if (this.#ahead > learner.reach) {
      throw new EddyError("bad-argument", "ahead", {
        expected: `a whole number from 1 to ${learner.reach}, the steps that can still be learned`,
        received: String(ahead),
      });
    }
  }

  step(event: T, output: StageOutput<T, E>): void {
    let sample: ReadSample;
    try {
      sample = readSample(event);
    } catch (error) {
      if (!(error instanceof EddyError)) throw error;
      output.refuse(event, error.code);
      return;
    }
    const { x, label } = sample;
    if (x === undefined) {
      const reason = this.#lateLabel(sample);
      if (reason !== undefined) output.refuse(event, reason);
      return;
    }
    const known = label ?? (this.#ahead > 0 ? x : undefined);
    this.#open ??= this.#begin({
      inputs: this.#options.inputs ?? x.length,
      targets: this.#options.targets ?? known?.length ?? x.length,
    });
    const { sizes, clock, learner } = this.#open;
    const wrong =
      x.length !== sizes.inputs
        ? ["x", sizes.inputs, x.length]
        : known !== undefined && known.length !== sizes.targets
          ? ["label", sizes.targets, known.length]
          : undefined;
    if (wrong !== undefined) {
      // From the first event, or the first label, on it is the pipeline that is wrong, later on it is the event.
      if (clock.view[wrong[0] === "x" ? EVENTS : LABELS] === 0)
        throw wrongLength(...(wrong as [string, number, number]));
      output.refuse(event, "wrong-length");
      return;
    }
    try {
      if (known !== undefined) learner.checkLabel?.(known);
      if (sample.context !== undefined) learner.context?.(sample.context);
    } catch (error) {
      if (!(error instanceof EddyError)) throw error;
      output.refuse(event, error.code);
      return;
    }
    const estimate =
      this.#ahead > 0 ? this.#stepAhead(this.#open, sample, known) : this.#stepNow(this.#open, sample, known);
    const { loss } = learner;
    const given: Estimate<T> = {
      event,
      output: estimate.output,
      point: estimate.point,
      error: estimate.error,
      loss: Number.isNaN(loss) ? null : loss,
    };
    output.next((learner.details === undefined ? given : { ...given, ...learner.details() }) as E);
  }

  /** The label belongs to an earlier event: it is learned before anything is said of this one. */
  #stepAhead(open: Open, sample: ReadSample, label: ArrayLike<number> | undefined) {
    const { learner, clock } = open;
    const before = this.#ahead;
    let error: number[] | null = null;
    if (label !== undefined && clock.view[EVENTS] >= before) {
      error = this.#error(open, before - 1, label);
      this.#learnLabel(open, before - 1, label);
    }
    learner.learn();
    const said = this.#say(open, sample);
    said.error = error;
    return said;
  }

  /** The label belongs to this event: something is said of it, then it is learned. */
  #stepNow(open: Open, sample: ReadSample, label: ArrayLike<number> | undefined) {
    const said = this.#say(open, sample);
    if (label !== undefined) {
      said.error = this.#error(open, 0, label);
      this.#learnLabel(open, 0, label);
    }
    open.learner.learn();
    return said;
  }

  /** Hands a label to the model; that of the last step also as what a model reads that reads its past. */
  #learnLabel({ learner, clock, ofLabel }: Open, lag: number, label: ArrayLike<number>): void {
    clock.view[LABELS] = clock.view[LABELS] + 1;
    ofLabel?.add(label);
    const measured = measure(ofLabel, label);
    learner.label(lag, measured);
    if (lag === 0) learner.feedback?.(measured);
  }

  #say({ learner, clock, times, said, sizes, ofX, ofLabel, point }: Open, { x, time }: ReadSample): Said {
    const { view } = clock;
    const events = view[EVENTS];
    const { step } = this.#options;
    const apart = step === undefined || events === 0 ? Number.NaN : (time - view[LAST_TIME]) / step;
    ofX?.add(x as ArrayLike<number>);
    const output = learner.step(measure(ofX, x as ArrayLike<number>), apart > 0 ? apart : 1);
    const slot = events % times.length;
    learner.point(point, output);
    const at = slot * sizes.targets;
    for (let i = 0; i < point.length; i++) {
      const value = point[i];
      point[i] = ofLabel === undefined ? value : ofLabel.mean(i) + deviation(ofLabel, i) * value;
      said.view[at + i] = point[i];
    }
    times.view[slot] = time;
    view[EVENTS] = events + 1;
    view[LAST_TIME] = time;
    return { output: list(output), point: list(point), error: null };
  }

  #error({ clock, said, times, sizes }: Open, lag: number, label: ArrayLike<number>): number[] {
    const at = ((clock.view[EVENTS] - 1 - lag) % times.length) * sizes.targets;
    const error: number[] = [];
    for (let i = 0; i < sizes.targets; i++) error.push(label[i] - said.view[at + i]);
    return error;
  }

  /** Learns a label by the time of its event; returns why it cannot be used, if it cannot. */
  #lateLabel({ label, time }: ReadSample): string | undefined {
    const open = this.#open;
    if (label === undefined || open === undefined) return "unmatched-label";
    if (label.length !== open.sizes.targets) {
      if (open.clock.view[LABELS] === 0) throw wrongLength("label", open.sizes.targets, label.length);
      return "wrong-length";
    }
    try {
      open.learner.checkLabel?.(label);
    } catch (error) {
      if (!(error instanceof EddyError)) throw error;
      return error.code;
    }
    const { learner, clock, times } = open;
    const reach = Math.min(learner.reach, times.length, clock.view[EVENTS]);
    for (let lag = 0; lag < reach; lag++) {
      if (times.view[(clock.view[EVENTS] - 1 - lag) % times.length] !== time) continue;
      this.#learnLabel(open, lag, label);
      learner.learn();
      return undefined;
    }
    return "unmatched-label";
  }

  #plan(sizes: Sizes) {
    const layout = new Layout(this.#options.arena ?? operatorArena());
    const learner = this.#openLearner(layout, sizes);
    const kept = Math.max(1, learner.reach);
    const moments = (name: string, size: number) =>
      this.#memory === 0
        ? undefined
        : new ExponentialMoments(layout, name, { size, decay: 1 - 1 / this.#memory });
    return {
      ofX: moments("moments of x", sizes.inputs),
      ofLabel: learner.labelsStay ? undefined : moments("moments of labels", sizes.targets),
      layout,
      learner,
      clock: layout.float64("clock", 3),
      times: layout.float64("times", kept),
      said: layout.float64("said", kept * sizes.targets),
    };
  }

  #begin(sizes: Sizes): Open {
    const { layout, ...planned } = this.#plan(sizes);
    const block = layout.allocate();
    planned.clock.view[LAST_TIME] = Number.NaN;
    planned.learner.begin?.();
    return { sizes, block, point: new Float64Array(sizes.targets), ...planned };
  }

  metrics(): Readonly<Record<string, number>> {
    const open = this.#open;
    return open === undefined ? {} : { events: open.clock.view[EVENTS], ...open.learner.metrics() };
  }

  /** Sizes u32, u32, then the block; nothing before the first event. */
  save(): Uint8Array {
    const open = this.#open;
    if (open === undefined) return new Uint8Array(0);
    const bytes = new Uint8Array(8 + open.block.byteLength);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, open.sizes.inputs, true);
    view.setUint32(4, open.sizes.targets, true);
    bytes.set(open.block.bytes, 8);
    return bytes;
  }

  restore(bytes: Uint8Array): void {
    this.release();
    if (bytes.byteLength === 0) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const sizes =
      bytes.byteLength < 8
        ? undefined
        : { inputs: view.getUint32(0, true), targets: view.getUint32(4, true) };
    const { inputs, targets } = this.#options;
    if (
      sizes === undefined ||
      (inputs !== undefined && inputs !== sizes.inputs) ||
      (targets !== undefined && targets !== sizes.targets)
    ) {
      throw new EddyError("bad-state", "saved model", {
        expected: `one of ${inputs ?? "any"} inputs and ${targets ?? "any"} targets`,
        received: sizes === undefined ? "other bytes" : `${sizes.inputs} and ${sizes.targets}`,
      });
    }
    const open = this.#begin(sizes);
    this.#open = open;
    open.block.load(bytes.subarray(8));
  }

  release(): void {
    this.#open?.block.release();
    this.#open = undefined;
  }
}

/** Numbers as a list of their own. `Array.from` takes ten times as long for a few of them. */
function list(numbers: ArrayLike<number>): number[] {
  const all: number[] = [];
  for (let i = 0; i < numbers.length; i++) all.push(numbers[i] as number);
  return all;
}

const deviation = (moments: ExponentialMoments, i: number): number => Math.sqrt(moments.variance(i)) || 1;

/** Numbers in units of their own spread, from their own mean; as they are without moments. */
function measure(moments: ExponentialMoments | undefined, numbers: ArrayLike<number>): ArrayLike<number> {
  if (moments === undefined) return numbers;
  return Float64Array.from(numbers, (value, i) => (value - moments.mean(i)) / deviation(moments, i));
}

const wrongLength = (name: string, expected: number, received: number): EddyError =>
  new EddyError("bad-argument", name, {
    expected: expected === 1 ? "1 number" : `${expected} numbers`,
    received: String(received),
    ...(name === "label"
      ? { hint: "targets says how many a label has, when the first event comes without one" }
      : {}),
  });
