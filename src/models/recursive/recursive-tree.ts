import { check, checkFinite, checkLength, checkWhole } from "../checks.ts";
import { EddyError } from "../errors.ts";
import type { Layout, Reals, Slice } from "../kernels/layout.ts";
import type { Kernels } from "../kernels/open.ts";

export interface RecursiveTreeOptions {
  /** Length of an input vector x. Without a leaf map it must equal `hidden`. */
  readonly inputs: number;
  /** n, the size of a node. */
  readonly hidden: number;
  /** leaf = tanh(b₀ + U x) instead of the input itself. Default true. */
  readonly leafMap?: boolean;
  /** How many leaves, and as many inner nodes, gradients reach back through. Default 64. */
  readonly window?: number;
}

/** A node that is still in the window, for looking at the structure. Leaves are numbered from 0, nodes apart from them. */
export interface TreeNode {
  readonly left: { readonly kind: "leaf" | "node" | "fold"; readonly id: number };
  readonly right: { readonly kind: "leaf" | "node" | "fold"; readonly id: number };
  readonly value: readonly number[];
}

/** Levels of the counter: 2^40 leaves. */
const LEVELS = 40;

// A reference to a child: leaf i is 4 i + 1, node i is 4 i + 2, fold i is 4 i + 3; 0 is none.
const LEAF = 1;
const NODE = 2;
const FOLD = 3;
const KINDS = ["leaf", "node", "fold"] as const;

/**
 * A recursive network over a stream (Goodfellow, Bengio & Courville, Deep Learning, section 10.6): a balanced tree kept
 * like a binary counter, so that T events are O(log T) steps from its root instead of T.
 *
 *     leaf = tanh(b₀ + U x)  or x itself;   node(l, r) = tanh(b + W_l l + W_r r), l the earlier part
 *
 * A leaf is pushed as a block of size 1; while the two newest blocks have equal size they are merged, so the blocks are
 * the ones of the binary number T. A push merges once on average and log₂ T times at most. The root folds the blocks from
 * the newest to the oldest: root = node(oldest, … node(older, newest)).
 *
 * Gradients flow back through the structure as far as the last `window` leaves and `window` nodes; what lies further
 * back is a constant. A sequence of at most `window` leaves has its exact gradient.
 *
 * Letters: n hidden; W [2 n × n], rows l then r; U [inputs × n]; weights lead from row to column. Parameters are one
 * slice in the order W, b, U, b₀; gradients another of the same shape. Cost: 2 n² per merge; 8 n² per node going back.
 *
 * @example
 * ```ts
 * const layout = new Layout(new Arena({ backend: "reference64" }));
 * const tree = new RecursiveTree(layout, "tree", { inputs: 2, hidden: 2, leafMap: false });
 * layout.allocate();
 * tree.weights.fill(0.5);
 * for (let t = 0; t < 3; t++) tree.push([1, 0]);
 * tree.root()[0] > 0 && tree.blocks.join() === "2,1"; // true
 * ```
 */
export class RecursiveTree {
  readonly inputs: number;
  readonly hidden: number;
  readonly leafMap: boolean;
  readonly window: number;
  readonly parameters: Slice<Reals>;
  readonly gradients: Slice<Reals>;
  /** [0] leaves pushed, [1] nodes made, [2] folds of the latest root. */
  readonly #counts: Slice<Float64Array>;
  /** The block of size 2^level, [LEVELS × n], and where it came from. */
  readonly #block: Slice<Reals>;
  readonly #blockOrigin: Slice<Float64Array>;
  readonly #x: Slice<Reals>;
  readonly #leaf: Slice<Reals>;
  readonly #dLeaf: Slice<Reals>;
  readonly #node: Trail;
  readonly #fold: Trail;
  readonly #root: Slice<Reals>;
  readonly #scratch: Slice<Reals>;
  #kernels!: Kernels;

  /** @throws EddyError `bad-argument` when sizes do not fit. */
  constructor(layout: Layout, name: string, options: RecursiveTreeOptions) {
    const { inputs, hidden: n, leafMap = true, window = 64 } = options;
    for (const [subject, size] of Object.entries({ inputs, hidden: n, window })) checkWhole(subject, size);
    const same = `the size of a node (${n}) where there is no leaf map`;
    check(leafMap || inputs === n, "inputs", same, inputs);
    this.inputs = inputs;
    this.hidden = n;
    this.leafMap = leafMap;
    this.window = window;
    const size = 2 * n * n + n + (leafMap ? inputs * n + n : 0);
    this.parameters = layout.real(`${name}.parameters`, size);
    this.gradients = layout.real(`${name}.gradients`, size);
    this.#counts = layout.float64(`${name}.counts`, 3);
    this.#block = layout.real(`${name}.block`, LEVELS * n);
    this.#blockOrigin = layout.float64(`${name}.blockOrigin`, LEVELS);
    this.#x = layout.real(`${name}.x`, window * inputs);
    this.#leaf = layout.real(`${name}.leaf`, window * n);
    this.#dLeaf = layout.real(`${name}.dLeaf`, window * n);
    this.#node = trail(layout, `${name}.node`, window, n);
    this.#fold = trail(layout, `${name}.fold`, LEVELS, n);
    this.#root = layout.real(`${name}.root`, n);
    this.#scratch = layout.real(`${name}.scratch`, size);
    layout.whenAllocated(({ kernels }) => {
      this.#kernels = kernels;
    });
  }

  /** W [2 n × n]: row j leads from element j of l, row n + j from element j of r. */
  get weights(): Reals {
    return this.parameters.view.subarray(0, 2 * this.hidden ** 2);
  }

  /** b [n]. */
  get bias(): Reals {
    return this.#part(2 * this.hidden ** 2, this.hidden);
  }

  /** U [inputs × n]; empty without a leaf map. */
  get leafWeights(): Reals {
    return this.#part(2 * this.hidden ** 2 + this.hidden, this.leafMap ? this.inputs * this.hidden : 0);
  }

  /** b₀ [n]; empty without a leaf map. */
  get leafBias(): Reals {
    const at = 2 * this.hidden ** 2 + this.hidden + (this.leafMap ? this.inputs * this.hidden : 0);
    return this.#part(at, this.leafMap ? this.hidden : 0);
  }

  /** Leaves pushed since the last `clear`. */
  get leaves(): number {
    return this.#counts.view[0];
  }

  /** Sizes of the blocks before folding, oldest first. */
  get blocks(): number[] {
    const sizes: number[] = [];
    for (let size = 2 ** (LEVELS - 1), left = this.leaves; size >= 1; size /= 2) {
      if (left < size) continue;
      sizes.push(size);
      left -= size;
    }
    return sizes;
  }

  /** Begins a new sequence; parameters stay. */
  clear(): void {
    this.#counts.view.fill(0);
    this.#blockOrigin.view.fill(0);
  }

  /** Takes the next leaf. @throws EddyError `bad-number` for one that is not finite; nothing has changed then. */
  push(x: ArrayLike<number>): void {
    checkLength("x", x, this.inputs);
    checkFinite("x", x);
    const n = this.hidden;
    const { view: counts } = this.#counts;
    const bytes = this.#bytes;
    if (counts[0] >= 2 ** LEVELS - 1) {
      throw new EddyError("too-large", "recursive tree", {
        expected: `fewer than 2^${LEVELS} leaves`,
        received: `${counts[0]}`,
      });
    }
    counts[2] = 0;
    const slot = counts[0] % this.window;
    const at = this.#x.pointer + slot * this.inputs * bytes;
    for (let i = 0; i < this.inputs; i++) this.#x.view[slot * this.inputs + i] = x[i];
    const leaf = this.#leaf.pointer + slot * n * bytes;
    if (this.leafMap) {
      const U = this.parameters.pointer + (2 * n * n + n) * bytes;
      this.#kernels.affine(leaf, U, at, U + this.inputs * n * bytes, this.inputs, n);
      this.#kernels.tanh(leaf, leaf, n);
    } else this.#kernels.copy(leaf, at, n);
    let newest = leaf;
    let origin = 4 * counts[0] + LEAF;
    let level = 0;
    for (; hasBit(counts[0], level); level++) {
      const older = this.#block.pointer + level * n * bytes;
      newest = this.#merge(
        this.#node,
        counts[1] % this.window,
        older,
        this.#blockOrigin.view[level],
        newest,
        origin,
      );
      origin = 4 * counts[1] + NODE;
      counts[1] += 1;
      this.#blockOrigin.view[level] = 0;
    }
    this.#kernels.copy(this.#block.pointer + level * n * bytes, newest, n);
    this.#blockOrigin.view[level] = origin;
    counts[0] += 1;
  }

  /** Folds the blocks and returns the root [n], a view that the next call overwrites; zeros before the first leaf. */
  root(): Reals {
    const n = this.hidden;
    const { view: counts } = this.#counts;
    let value = 0;
    let origin = 0;
    counts[2] = 0;
    for (let level = 0; level < LEVELS; level++) {
      if (!hasBit(counts[0], level)) continue;
      const older = this.#block.pointer + level * n * this.#bytes;
      if (origin === 0) {
        value = older;
        origin = this.#blockOrigin.view[level];
        continue;
      }
      value = this.#merge(this.#fold, counts[2], older, this.#blockOrigin.view[level], value, origin);
      origin = 4 * counts[2] + FOLD;
      counts[2] += 1;
    }
    if (origin === 0) this.#root.view.fill(0);
    else this.#kernels.copy(this.#root.pointer, value, n);
    return this.#root.view;
  }

  /**
   * Back-propagation through the structure from ∂L/∂root [n], for the root as last folded: adds to `gradients`.
   * Parameters must not have changed since the leaves in the window were pushed, or the gradient is approximate.
   */
  backward(dRoot: ArrayLike<number>): void {
    const n = this.hidden;
    const { view: counts } = this.#counts;
    if (counts[0] === 0) return;
    for (const { dValue, dz } of [this.#node, this.#fold]) {
      dValue.view.fill(0);
      dz.view.fill(0);
    }
    this.#dLeaf.view.fill(0);
    const last = counts[2] > 0 ? 4 * (counts[2] - 1) + FOLD : this.#onlyBlock();
    const top = this.#gradientOf(last);
    if (top) for (let i = 0; i < n; i++) top.view[top.at + i] = dRoot[i];
    for (let i = counts[2] - 1; i >= 0; i--) this.#mergeBackward(this.#fold, i);
    const oldest = Math.max(0, counts[1] - this.window);
    for (let i = counts[1] - 1; i >= oldest; i--) this.#mergeBackward(this.#node, i % this.window);
    for (const { row, dz } of [this.#fold, this.#node]) this.#addMapGradient(0, row, 2 * n, dz);
    if (!this.leafMap) return;
    this.#kernels.tanhBackward(this.#dLeaf.pointer, this.#dLeaf.pointer, this.#leaf.pointer, this.window * n);
    this.#addMapGradient(2 * n * n + n, this.#x, this.inputs, this.#dLeaf);
  }

  /** After `backward`: writes ∂L/∂x [inputs] of leaf i to `out`; zeros when it has left the window. */
  inputGradient(out: Float64Array, i: number): void {
    const leaf = this.#gradientOf(4 * i + LEAF);
    out.fill(0);
    if (!leaf) return;
    const dz = leaf.view.subarray(leaf.at, leaf.at + this.hidden);
    if (!this.leafMap) {
      out.set(dz);
      return;
    }
    const U = this.leafWeights;
    for (let j = 0; j < this.inputs; j++) {
      for (let k = 0; k < this.hidden; k++) out[j] += U[j * this.hidden + k] * dz[k];
    }
  }

  /** Inner nodes that are still in the window in the order they were made, then the folds of the latest root. */
  nodes(): TreeNode[] {
    const [, made, folds] = this.#counts.view;
    const found: TreeNode[] = [];
    for (let i = Math.max(0, made - this.window); i < made; i++)
      found.push(this.#look(this.#node, i % this.window));
    for (let i = 0; i < folds; i++) found.push(this.#look(this.#fold, i));
    return found;
  }

  get #bytes(): number {
    return this.parameters.view.BYTES_PER_ELEMENT;
  }

  #part(start: number, length: number): Reals {
    return this.parameters.view.subarray(start, start + length);
  }

  #merge(to: Trail, slot: number, l: number, lOrigin: number, r: number, rOrigin: number): number {
    const n = this.hidden;
    const bytes = this.#bytes;
    const row = to.row.pointer + slot * 2 * n * bytes;
    const value = to.value.pointer + slot * n * bytes;
    const W = this.parameters.pointer;
    this.#kernels.copy(row, l, n);
    this.#kernels.copy(row + n * bytes, r, n);
    this.#kernels.affine(value, W, row, W + 2 * n * n * bytes, 2 * n, n);
    this.#kernels.tanh(value, value, n);
    to.children.view[2 * slot] = lOrigin;
    to.children.view[2 * slot + 1] = rOrigin;
    return value;
  }

  #mergeBackward(from: Trail, slot: number): void {
    const n = this.hidden;
    const bytes = this.#bytes;
    const dz = from.dz.pointer + slot * n * bytes;
    const step = slot * n * bytes;
    this.#kernels.tanhBackward(dz, from.dValue.pointer + step, from.value.pointer + step, n);
    for (const side of [0, 1]) {
      const child = this.#gradientOf(from.children.view[2 * slot + side]);
      if (!child) continue;
      const W = this.parameters.pointer + side * n * n * bytes;
      this.#kernels.affineTransposed(child.pointer, W, dz, n, n);
    }
  }

  /** dW += Σ row dzᵀ and db += Σ dz over all slots; slots that no gradient reached hold zeros in dz. */
  #addMapGradient(start: number, row: Slice<Reals>, rows: number, dz: Slice<Reals>): void {
    const n = this.hidden;
    const slots = dz.length / n;
    const at = this.#scratch.pointer;
    const bias = at + rows * n * this.#bytes;
    this.#kernels.outer(at, row.pointer, rows, dz.pointer, n, slots, rows, n);
    this.#kernels.sumRows(bias, dz.pointer, n, slots, n);
    this.#kernels.add(this.gradients.pointer + start * this.#bytes, at, rows * n + n);
  }

  /** Where the gradient of a child is gathered; undefined when it has left the window and is a constant. */
  #gradientOf(origin: number): { view: Reals; at: number; pointer: number } | undefined {
    const kind = origin % 4;
    const id = (origin - kind) / 4;
    const [leaves, made] = this.#counts.view;
    let slice = this.#fold.dValue;
    let slot = id;
    if (kind === LEAF) {
      if (id < leaves - this.window) return undefined;
      slice = this.#dLeaf;
      slot = id % this.window;
    } else if (kind === NODE) {
      if (id < made - this.window) return undefined;
      slice = this.#node.dValue;
      slot = id % this.window;
    }
    const at = slot * this.hidden;
    return { view: slice.view, at, pointer: slice.pointer + at * this.#bytes };
  }

  #onlyBlock(): number {
    for (let level = 0; level < LEVELS; level++) {
      if (hasBit(this.leaves, level)) return this.#blockOrigin.view[level];
    }
    return 0;
  }

  #look(trail: Trail, slot: number): TreeNode {
    const n = this.hidden;
    const child = (side: number) => {
      const origin = trail.children.view[2 * slot + side];
      const kind = origin % 4;
      return { kind: KINDS[kind - 1], id: (origin - kind) / 4 };
    };
    return {
      left: child(0),
      right: child(1),
      value: Array.from(trail.value.view.subarray(slot * n, slot * n + n)),
    };
  }
}

/** Merges kept for going back: [l; r], the value, its children, and room for gradients. */
interface Trail {
  readonly row: Slice<Reals>;
  readonly value: Slice<Reals>;
  readonly children: Slice<Float64Array>;
  readonly dValue: Slice<Reals>;
  readonly dz: Slice<Reals>;
}

function trail(layout: Layout, name: string, slots: number, n: number): Trail {
  return {
    row: layout.real(`${name}.row`, slots * 2 * n),
    value: layout.real(`${name}.value`, slots * n),
    children: layout.float64(`${name}.children`, slots * 2),
    dValue: layout.real(`${name}.dValue`, slots * n),
    dz: layout.real(`${name}.dz`, slots * n),
  };
}

/** Whether bit `level` of a whole number beyond 32 bits is set. */
function hasBit(number: number, level: number): boolean {
  return Math.floor(number / 2 ** level) % 2 === 1;
}
