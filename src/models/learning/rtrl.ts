import { check, checkFinite, checkLength, checkPositive, checkWhole, checkWord } from "../checks.ts";
import type { Layout, Reals, Slice } from "../kernels/layout.ts";
import type { Kernels } from "../kernels/open.ts";
import { power } from "../kernels/power.ts";
import { withinReach } from "../network/reach.ts";
import { logistic } from "../readouts/logistic.ts";
import type { Readout } from "../readouts/readout.ts";
import { type LearnerGuards, Updater, type UpdaterOptions } from "./updater.ts";

export interface DiagonalNetworkOptions extends UpdaterOptions {
  /** n, the length of x. */
  readonly inputs: number;
  /** m, the number of units. */
  readonly units: number;
  /** What the outputs mean and how they are judged. */
  readonly readout: Readout;
  /** φ, the unit's own nonlinearity. Default "tanh". */
  readonly activation?: "tanh" | "linear";
  /** Whether a unit feels its own past also through φ, with a weight w of its own. Default true. */
  readonly selfWeight?: boolean;
  /** Default true: biases b of the units and c of the outputs. */
  readonly bias?: boolean;
}

/**
 * Units that remember alone, learned by real-time recurrent learning (Williams & Zipser 1989), which for a diagonal
 * recurrence is exact and cheap (Mozer 1989): no window, no truncation, however long ago the cause.
 *
 *     a = λᵈᵗ, λ = σ(θ);   u = φ(b + w h(t−1) + Uᵀ x);   h = a h(t−1) + (1 − a) u;   o = c + Vᵀ h
 *
 * All of a, w, b act per unit, so h_i depends on the parameters p of unit i only, and with J = a + (1 − a) φ′ w
 *
 *     S_p(t) = ∂h/∂p = J S_p(t−1) + direct:   dt a (1 − λ)(h(t−1) − u) for θ,   (1 − a) φ′ times h(t−1), 1, x for w, b, U
 *     ∂L(t)/∂p = δ S_p,   δ = V ∂L(t)/∂o
 *
 * The sum of these gradients over a sequence is the gradient of full back-propagation through time, exactly, while the
 * parameters stand still; while they learn it is the gradient as seen along the path, as with any online rule.
 *
 * Letters: n inputs, m units, o outputs. Parameters are one slice: rows of m in the order θ, w, b, U, then V [m × o] and
 * c [o]; rows that are switched off are absent. Gradients have the same shape. Cost: O(parameters) per step.
 *
 * @example
 * ```ts
 * const layout = new Layout(new Arena({ backend: "reference64" }));
 * const net = new DiagonalNetwork(layout, "net", { inputs: 1, units: 4, readout: squared(1) });
 * layout.allocate();
 * net.spread(1, 100);
 * net.step([1]);
 * net.output.length === 1 && net.gradient([0.5]) === 0.125; // true
 * ```
 */
export class DiagonalNetwork {
  readonly inputs: number;
  readonly units: number;
  readonly readout: Readout;
  readonly activation: "tanh" | "linear";
  readonly parameters: Slice<Reals>;
  readonly gradients: Slice<Reals>;
  readonly #updater: Updater;
  readonly #updates: Slice<Float64Array>;
  readonly #theta: number;
  readonly #w: number;
  readonly #b: number;
  readonly #U: number;
  /** Rows of m before V. */
  readonly #rows: number;
  readonly #h: Slice<Reals>;
  /** S, one row of m per parameter row. */
  readonly #S: Slice<Reals>;
  readonly #x: Slice<Reals>;
  /** Vectors of m that nobody remembers: u, h(t−1), J, (1 − a) φ′, δ. */
  readonly #temporary: Slice<Reals>;
  readonly #o: Slice<Reals>;
  readonly #do: Slice<Reals>;
  #kernels!: Kernels;

  /** @throws EddyError `bad-argument` for an option out of range. */
  constructor(layout: Layout, name: string, options: DiagonalNetworkOptions) {
    const { inputs, units, readout, activation = "tanh", selfWeight = true, bias = true } = options;
    checkWhole("inputs", inputs);
    checkWhole("units", units);
    checkWord("activation", activation, ["tanh", "linear"]);
    this.inputs = inputs;
    this.units = units;
    this.readout = readout;
    this.activation = activation;
    let rows = 0;
    this.#theta = rows++;
    this.#w = selfWeight ? rows++ : -1;
    this.#b = bias ? rows++ : -1;
    this.#U = rows;
    this.#rows = rows + inputs;
    const outputs = readout.inputs;
    const size = this.#rows * units + units * outputs + (bias ? outputs : 0);
    this.parameters = layout.real(`${name}.parameters`, size);
    this.gradients = layout.real(`${name}.gradients`, size);
    this.#updater = new Updater(layout, name, [size], options);
    this.#updates = layout.float64(`${name}.updates`, 1);
    this.#h = layout.real(`${name}.h`, units);
    this.#S = layout.real(`${name}.S`, this.#rows * units);
    this.#x = layout.real(`${name}.x`, inputs);
    this.#temporary = layout.real(`${name}.temporary`, 5 * units);
    this.#o = layout.real(`${name}.o`, outputs);
    this.#do = layout.real(`${name}.do`, outputs);
    layout.whenAllocated(({ kernels }) => {
      this.#kernels = kernels;
    });
  }

  /** θ [m]: the share of the past a unit keeps per step is σ(θ). */
  get theta(): Reals {
    return this.#row(this.#theta);
  }

  /** w [m]; empty when switched off. */
  get selfWeights(): Reals {
    return this.#row(this.#w);
  }

  /** b [m]; empty when switched off. */
  get bias(): Reals {
    return this.#row(this.#b);
  }

  /** U [n × m]: row j leads from x_j. */
  get inputWeights(): Reals {
    return this.parameters.view.subarray(this.#U * this.units, this.#rows * this.units);
  }

  /** V [m × o]: row i leads from h_i. */
  get outputWeights(): Reals {
    const at = this.#rows * this.units;
    return this.parameters.view.subarray(at, at + this.units * this.readout.inputs);
  }

  /** c [o]; empty when switched off. */
  get outputBias(): Reals {
    return this.parameters.view.subarray((this.#rows + this.readout.inputs) * this.units);
  }

  /** h [m], a live view. */
  get state(): Reals {
    return this.#h.view;
  }

  /** ∂h/∂p, rows of m in the order of the parameters θ, w, b, U; a live view. */
  get sensitivities(): Reals {
    return this.#S.view;
  }

  /** o, the outputs at the latest step; a live view. */
  get output(): Reals {
    return this.#o.view;
  }

  /**
   * Spreads the time scales −1 / log λ of the units from `fastest` to `slowest` steps, evenly in their logarithm.
   * @throws EddyError `bad-argument` for scales that are not above 0
   */
  spread(fastest: number, slowest: number): void {
    checkPositive("fastest", fastest);
    checkPositive("slowest", slowest);
    const last = Math.max(1, this.units - 1);
    for (let i = 0; i < this.units; i++) {
      const scale = fastest * power(slowest / fastest, i / last);
      const lambda = Math.exp(-1 / scale);
      this.theta[i] = Math.log(lambda / (1 - lambda));
    }
  }

  /** State and sensitivities begin again at zero; parameters stay. */
  clear(): void {
    for (const slice of [this.#h, this.#S, this.#o]) slice.view.fill(0);
  }

  /**
   * Takes the event x into state, sensitivities and outputs; `dt` usual steps after the one before.
   * @throws EddyError `bad-number` for a feature that is not finite, or a dt below 0; nothing has changed then
   */
  step(x: ArrayLike<number>, dt = 1): void {
    const { inputs: n, units: m } = this;
    checkLength("x", x, n);
    checkFinite("x", x);
    check(dt >= 0 && dt < Number.POSITIVE_INFINITY, "dt", "a finite number of steps from 0", dt);
    const k = this.#kernels;
    const row = m * this.parameters.view.BYTES_PER_ELEMENT;
    const P = this.parameters.pointer;
    const S = this.#S.pointer;
    const [u, J, direct] = [0, 2, 3].map((vector) => this.#temporary.pointer + vector * row);
    for (let j = 0; j < n; j++) this.#x.view[j] = withinReach(x[j]);
    const { view: T } = this.#temporary;
    const { view: p } = this.parameters;
    const { view: h } = this.#h;
    const [theta, w, b] = [this.#theta * m, this.#w * m, this.#b * m];
    for (let i = 0; i < m; i++) {
      T[m + i] = h[i];
      T[i] = (b < 0 ? 0 : p[b + i]) + (w < 0 ? 0 : p[w + i] * h[i]);
    }
    k.affine(u, P + this.#U * row, this.#x.pointer, u, n, m);
    const curved = this.activation === "tanh";
    if (curved) k.tanh(u, u, m);
    for (let i = 0; i < m; i++) {
      const lambda = logistic(p[theta + i]);
      const a = dt === 1 ? lambda : power(lambda, dt);
      const before = T[m + i];
      const slope = curved ? 1 - T[i] * T[i] : 1;
      const g = (1 - a) * slope;
      T[2 * m + i] = a + (w < 0 ? 0 : g * p[w + i]);
      T[3 * m + i] = g;
      // The direct part of θ waits in the place of δ until its row of S has been multiplied by J.
      T[4 * m + i] = dt * a * (1 - lambda) * (before - T[i]);
      h[i] = a * before + (1 - a) * T[i];
    }
    for (let r = 0; r < this.#rows; r++) k.multiply(S + r * row, J, m);
    k.add(S + this.#theta * row, this.#temporary.pointer + 4 * row, m);
    if (this.#b >= 0) k.add(S + this.#b * row, direct, m);
    for (let j = 0; j < n; j++) k.axpy(S + (this.#U + j) * row, this.#x.view[j], direct, m);
    if (this.#w >= 0) {
      k.multiply(direct, this.#temporary.pointer + row, m);
      k.add(S + this.#w * row, direct, m);
    }
    this.#readOut(row);
  }

  /** Writes ∂L/∂p for the label d of the latest step to `gradients` and returns L. */
  gradient(d: ArrayLike<number>): number {
    checkLength("label", d, this.readout.targets);
    const { units: m } = this;
    const o = this.readout.inputs;
    const k = this.#kernels;
    const bytes = this.parameters.view.BYTES_PER_ELEMENT;
    const row = m * bytes;
    const G = this.gradients.pointer;
    const V = this.#rows * row;
    const delta = this.#temporary.pointer + 4 * row;
    const loss = this.readout.loss(this.#do.view, this.#o.view, d);
    k.fill(delta, 0, m);
    k.affineTransposed(delta, this.parameters.pointer + V, this.#do.pointer, m, o);
    k.copy(G, this.#S.pointer, this.#rows * m);
    for (let r = 0; r < this.#rows; r++) k.multiply(G + r * row, delta, m);
    k.outer(G + V, this.#h.pointer, m, this.#do.pointer, o, 1, m, o);
    if (this.#b >= 0) k.copy(G + V + o * row, this.#do.pointer, o);
    return loss;
  }

  /**
   * Learns from the label d of the latest step at once: the gradient, clipped, through the optimiser. Returns L. An
   * update that is not finite or would explode is refused and counted.
   */
  learn(d: ArrayLike<number>): number {
    const loss = this.gradient(d);
    const { pointer } = this.parameters;
    const made = this.#updater.update(this.#kernels, loss, this.gradients.pointer, pointer);
    if (made) this.#updates.view[0] += 1;
    return loss;
  }

  /** Updates made by `learn`. */
  get updates(): number {
    return this.#updates.view[0];
  }

  /** Updates refused, by reason. */
  get guards(): LearnerGuards {
    return this.#updater.guards;
  }

  #row(index: number): Reals {
    const length = index < 0 ? 0 : this.units;
    return this.parameters.view.subarray(
      Math.max(index, 0) * this.units,
      Math.max(index, 0) * this.units + length,
    );
  }

  #readOut(row: number): void {
    const o = this.readout.inputs;
    const V = this.parameters.pointer + this.#rows * row;
    if (this.#b >= 0) this.#kernels.affine(this.#o.pointer, V, this.#h.pointer, V + o * row, this.units, o);
    else {
      this.#kernels.fill(this.#o.pointer, 0, o);
      this.#kernels.affine(this.#o.pointer, V, this.#h.pointer, this.#o.pointer, this.units, o);
    }
  }
}
