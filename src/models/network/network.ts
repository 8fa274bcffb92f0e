import { EddyError, printable } from "../errors.ts";
import type { Block, Layout, Reals, Slice } from "../kernels/layout.ts";
import type { Kernels } from "../kernels/open.ts";
import { Birth } from "./birth.ts";
import type { Place } from "./cells/cell.ts";
import { compile, type Program, type ProgramEdge, type ProgramNode } from "./program.ts";
import type { Tape, Track } from "./tape.ts";
import { type Tensor, tensorsOf } from "./tensor.ts";
import { hashWiring, printWiring, type Wiring } from "./wiring.ts";

/** Working memory of one backward pass; pointers into scratch. */
export interface Workspace {
  /** Parameters' gradient [P]. */
  gradient: number;
  /** dL/dh per node and row of the tape. */
  dh: Track[];
  dz: Track[];
  /** dL/ds, one per node: it flows from step to step. */
  ds: number[];
  dx: Track;
  dy: Track;
  dc: number;
  temporary: number;
  /** The part that must begin at zero, because it is added to. */
  sums: number;
  sumsLength: number;
}

/** What a backward pass shall also find, besides the parameters' gradient. */
export interface BackwardOptions {
  /** Gradients by the sources and by the rows before the window as well. */
  readonly inputs?: boolean;
  /** The window begins at the first step ever: the start h(0) = tanh(R c) learns too. */
  readonly fromStart?: boolean;
}

/**
 * A wiring with its parameters: the engine that steps it forward and back over a tape. Holds no state in time; a
 * `LiveNetwork` or a `Window` brings the tape. Letters: x y c sources, z preactivation, h s states, W b weights and
 * biases, d… gradients, P the number of parameters.
 *
 * @example
 * ```ts
 * const layout = new Layout(new Arena());
 * const network = new Network(lstm({ inputs: 2, hidden: 8, outputs: 1 }), layout);
 * layout.allocate();
 * network.toString() === "h = lstm[8](x, h(1)); o = linear[1](h)"; // true
 * ```
 */
export class Network {
  readonly wiring: Wiring;
  readonly program: Program;
  /** Parameters in slices of the caller's layout: a checkpoint of the block has them. */
  readonly parameters: Slice<Reals>;
  readonly tensors: readonly Tensor[];
  /** The context vector c. */
  readonly context: Slice<Reals>;
  readonly #bytes: number;
  /** Parts of the gradient that are not overwritten as a whole: learned vectors, starts, and padding. */
  readonly #added: readonly { offset: number; length: number }[];
  readonly #temporaries: number;
  #birth!: Birth;
  #block: Block | undefined;
  readonly #place: Place = emptyPlace();

  /** @throws EddyError `bad-model` naming the node and edge that are wrong. */
  constructor(wiring: Wiring, layout: Layout, name = "network") {
    this.wiring = wiring;
    this.program = compile(wiring);
    this.#bytes = layout.arena.bytesPerReal;
    this.parameters = layout.real(`${name}.parameters`, this.program.parameters);
    this.context = layout.real(`${name}.context`, this.program.c);
    this.tensors = this.program.nodes.flatMap((node) => tensorsOf(node, this.program));
    this.#added = addedParts(this.program);
    this.#temporaries = Math.max(...this.program.nodes.map((node) => (node.cell.temporaries ?? 0) * node.n));
    layout.whenAllocated((block) => this.#bind(block));
  }

  get inputs(): number {
    return this.program.x;
  }

  get outputs(): number {
    return this.program.output.n;
  }

  get kernels(): Kernels {
    return this.block.kernels;
  }

  /** The block that holds the parameters. @throws EddyError `bad-state` before the layout was allocated. */
  get block(): Block {
    if (!this.#block)
      throw new EddyError("bad-state", "network", { expected: "its layout to be allocated first" });
    return this.#block;
  }

  get hash(): string {
    return hashWiring(this.wiring);
  }

  toString(): string {
    return printWiring(this.wiring);
  }

  /** Index of a node by name. @throws EddyError `bad-argument` for an unknown one. */
  nodeIndex(name: string): number {
    const index = this.program.nodes.findIndex((node) => node.name === name);
    if (index < 0) {
      const names = this.program.nodes.map((node) => node.name).join(", ");
      throw new EddyError("bad-argument", "node", { expected: `one of ${names}`, received: printable(name) });
    }
    return index;
  }

  /** The tensor `name`, such as `h.h(1)`, `h.b`, `h.x.f` (block f of an LSTM), `h.theta`, `h.start`. */
  tensor(name: string): Tensor {
    const tensor = this.tensors.find((candidate) => candidate.name === name);
    if (!tensor) {
      const names = this.tensors.map((candidate) => candidate.name).join(", ");
      throw new EddyError("bad-argument", "tensor", {
        expected: `one of ${names}`,
        received: printable(name),
      });
    }
    return tensor;
  }

  /** A copy of a tensor from `source` (the parameters, or a gradient of their shape), [outputs × inputs] row by row. */
  read(name: string, source: ArrayLike<number> = this.parameters.view): Float64Array {
    const { outputs, inputs, offset, stride } = this.tensor(name);
    const values = new Float64Array(outputs * inputs);
    for (let i = 0; i < outputs; i++) {
      for (let j = 0; j < inputs; j++) values[i * inputs + j] = source[offset + i + j * stride];
    }
    return values;
  }

  /** Sets a tensor from [outputs × inputs] numbers, row by row. */
  write(name: string, values: ArrayLike<number>): void {
    const { outputs, inputs, offset, stride } = this.tensor(name);
    if (values.length !== outputs * inputs) {
      throw new EddyError("bad-argument", name, {
        expected: `${outputs} × ${inputs} numbers`,
        received: String(values.length),
      });
    }
    for (let i = 0; i < outputs; i++) {
      for (let j = 0; j < inputs; j++) this.parameters.view[offset + i + j * stride] = values[i * inputs + j];
    }
  }

  /** Writes the state before the first step into row `row`: zero, or tanh(R c) for nodes that start from the context. */
  start(tape: Tape, row: number): void {
    for (const node of this.program.nodes) {
      const { h, s } = tape.nodes[node.index];
      this.kernels.fill(h.pointer + row * h.step, 0, node.n);
      if (s.length > 0) this.kernels.fill(s.pointer + row * s.step, 0, s.length);
    }
    this.startFromContext(tape, row);
  }

  /** h(0) = tanh(R c) for the nodes that start so; the others keep what they have. */
  startFromContext(tape: Tape, row: number): void {
    const k = this.kernels;
    for (const node of this.program.nodes) {
      if (node.start < 0) continue;
      const { h } = tape.nodes[node.index];
      const at = h.pointer + row * h.step;
      k.fill(at, 0, node.n);
      k.affine(at, this.#parameter(node.start), this.context.pointer, at, this.program.c, node.n);
      k.tanh(at, at, node.n);
    }
  }

  /** One step of the nodes of `nodes` into row `row`, which stands at time `t`. The sources of the row are in place. */
  forward(
    tape: Tape,
    row: number,
    t: number,
    nodes: readonly ProgramNode[] = this.program.order,
    direction: 1 | -1 = 1,
  ): void {
    const k = this.kernels;
    const place = this.#place;
    const dt = this.#readDt(tape, row);
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i];
      const tracks = tape.nodes[node.index];
      const h = tracks.h.pointer + row * tracks.h.step;
      const s = tracks.s.pointer + row * tracks.s.step;
      const hPrevious = h - direction * tracks.h.step;
      const sPrevious = s - direction * tracks.s.step;
      if (node.period > 1 && t % node.period !== 0) {
        k.copy(h, hPrevious, node.n);
        if (tracks.s.length > 0) k.copy(s, sPrevious, tracks.s.length);
        continue;
      }
      const z = tracks.z.pointer + row * tracks.z.step;
      this.#gather(k, tape, row, node, z);
      place.n = node.n;
      place.block = node.n * this.#bytes;
      place.dt = dt;
      place.z = z;
      place.h = h;
      place.hPrevious = hPrevious;
      place.s = s;
      place.sPrevious = sPrevious;
      place.cache = tracks.cache.pointer + row * tracks.cache.step;
      place.vectors = this.#parameter(node.vectorOffset);
      place.constants = this.#birth.constants[node.index];
      node.cell.forward(k, place, node.settings);
    }
  }

  /** z = b + Σ W · from(t - delay). */
  #gather(k: Kernels, tape: Tape, row: number, node: ProgramNode, z: number): void {
    const { edges, width } = node;
    const bias = node.bias >= 0 ? this.#parameter(node.bias) : this.#birth.biases[node.index];
    let begun = false;
    for (let e = 0; e < edges.length; e++) {
      const edge = edges[e];
      const from = this.#from(tape, edge, row);
      const out = z + edge.column * this.#bytes;
      if (edge.kind === "weightless") {
        k.copy(out, from, edge.n);
        begun = true;
        continue;
      }
      if (!begun && edge.m === width && edge.kind !== "sparse") {
        k.affine(z, this.#weights(edge), from, bias, edge.n, edge.m);
      } else {
        if (!begun) k.copy(z, bias, width);
        if (edge.kind === "sparse") {
          const { values, columns } = this.#birth.frozen.get(edge)!;
          k.sparse(out, values, columns, from, edge.degree, edge.m);
        } else k.affine(out, this.#weights(edge), from, out, edge.n, edge.m);
      }
      begun = true;
    }
    if (!begun) k.copy(z, bias, width);
  }

  /** Elements of scratch that a backward pass over a tape of `rows` rows needs. */
  workspaceLength(rows: number): number {
    const { temporary } = this.layWorkspace(rows, 0);
    return temporary / this.#bytes + this.#temporaries;
  }

  /** Lays out the workspace of a tape at a byte pointer. */
  layWorkspace(rows: number, pointer: number): Workspace {
    const { nodes, x, y, c, parameters } = this.program;
    let top = pointer;
    const take = (length: number): number => {
      const at = top;
      top += Math.ceil(length / 4) * 4 * this.#bytes;
      return at;
    };
    const track = (length: number): Track => ({
      pointer: take(length * rows),
      step: length * this.#bytes,
      length,
    });
    const sums = top;
    const dh = nodes.map((node) => track(node.n));
    const ds = nodes.map((node) => take((node.cell.states ?? 0) * node.n));
    const dx = track(x);
    const dy = track(y);
    const dc = take(c);
    const sumsLength = (top - sums) / this.#bytes;
    const gradient = take(parameters);
    const dz = nodes.map((node) => track(node.width));
    return { sums, sumsLength, dh, ds, dx, dy, dc, gradient, dz, temporary: top };
  }

  /** Zeroes what a backward pass adds to; the gradients by the outputs may then be put into `dh`. */
  clearWorkspace(workspace: Workspace): void {
    const k = this.kernels;
    k.fill(workspace.sums, 0, workspace.sumsLength);
    for (const { offset, length } of this.#added) {
      k.fill(workspace.gradient + offset * this.#bytes, 0, length);
    }
  }

  /**
   * Back through rows `first` .. `last` of a full tape. The gradients by the outputs stand in `dh` of the output node;
   * the parameters' gradient is written to `workspace.gradient`. Gradients that leave the window are dropped
   * (truncation) unless `inputs` asks for them. `t` is the time of row `first`.
   */
  backward(
    tape: Tape,
    workspace: Workspace,
    first: number,
    last: number,
    t: number,
    options: BackwardOptions = {},
  ): void {
    const { stages } = this.program;
    for (let stage = stages.length - 1; stage >= 0; stage--) {
      const { nodes, direction } = stages[stage];
      const from = direction === 1 ? last : first;
      const to = direction === 1 ? first - 1 : last + 1;
      for (let row = from; row !== to; row -= direction) {
        for (let i = nodes.length - 1; i >= 0; i--) {
          if (!nodes[i].trained && !options.inputs) continue;
          this.#backNode(tape, workspace, nodes[i], row, t + row - first, first, last, direction, options);
        }
      }
    }
    this.#collect(tape, workspace, first, last);
    if (options.fromStart || options.inputs) this.#backStart(tape, workspace, first - 1, options);
  }

  #backNode(
    tape: Tape,
    workspace: Workspace,
    node: ProgramNode,
    row: number,
    t: number,
    first: number,
    last: number,
    direction: 1 | -1,
    options: BackwardOptions,
  ): void {
    const k = this.kernels;
    const tracks = tape.nodes[node.index];
    const dhTrack = workspace.dh[node.index];
    const dh = dhTrack.pointer + row * dhTrack.step;
    const dhPrevious = dh - direction * dhTrack.step;
    const dzTrack = workspace.dz[node.index];
    const dz = dzTrack.pointer + row * dzTrack.step;
    if (node.period > 1 && t % node.period !== 0) {
      k.add(dhPrevious, dh, node.n);
      k.fill(dz, 0, node.width);
      return;
    }
    const h = tracks.h.pointer + row * tracks.h.step;
    const s = tracks.s.pointer + row * tracks.s.step;
    const place = this.#place;
    place.n = node.n;
    place.block = node.n * this.#bytes;
    place.dt = this.#readDt(tape, row);
    place.z = tracks.z.pointer + row * tracks.z.step;
    place.h = h;
    place.hPrevious = h - direction * tracks.h.step;
    place.s = s;
    place.sPrevious = s - direction * tracks.s.step;
    place.cache = tracks.cache.pointer + row * tracks.cache.step;
    place.vectors = this.#parameter(node.vectorOffset);
    place.dVectors = workspace.gradient + node.vectorOffset * this.#bytes;
    place.constants = this.#birth.constants[node.index];
    place.dz = dz;
    place.dh = dh;
    place.dhPrevious = dhPrevious;
    place.ds = workspace.ds[node.index];
    place.temporary = workspace.temporary;
    node.cell.backward(k, place, node.settings);

    const { edges } = node;
    const wanted = options.inputs === true || options.fromStart === true;
    for (let e = 0; e < edges.length; e++) {
      const edge = edges[e];
      const at = row - edge.delay;
      const inside = at >= first && at <= last;
      let dFrom: number;
      if (typeof edge.from === "number") {
        if (!inside && !wanted) continue;
        if (!this.program.nodes[edge.from].trained && !options.inputs) continue;
        const track = workspace.dh[edge.from];
        dFrom = track.pointer + at * track.step;
      } else if (edge.from === "y") {
        // A row whose y the network made itself hands its gradient on to that output.
        const own = inside && this.#readGiven(tape, at) === 0;
        if (!own && !options.inputs) continue;
        const track = own ? workspace.dh[this.program.output.index] : workspace.dy;
        dFrom = track.pointer + at * track.step;
      } else {
        if (!options.inputs) continue;
        dFrom = edge.from === "x" ? workspace.dx.pointer + at * workspace.dx.step : workspace.dc;
      }
      const out = dz + edge.column * this.#bytes;
      if (edge.kind === "weightless") k.add(dFrom, out, edge.n);
      else if (edge.kind === "sparse") {
        const { values, columns } = this.#birth.frozen.get(edge)!;
        k.sparseTransposed(dFrom, values, columns, out, edge.degree, edge.m);
      } else k.affineTransposed(dFrom, this.#weights(edge), out, edge.n, edge.m);
    }
  }

  /** The weight gradients of the whole window at once: dW = Σ from(t - delay) dz(t)ᵀ. */
  #collect(tape: Tape, workspace: Workspace, first: number, last: number): void {
    const k = this.kernels;
    const T = last - first + 1;
    for (const node of this.program.nodes) {
      const { pointer, step } = workspace.dz[node.index];
      const dz = pointer + first * step;
      for (const edge of node.edges) {
        if (edge.offset < 0) continue;
        const dW = workspace.gradient + edge.offset * this.#bytes;
        const from = this.#from(tape, edge, first);
        const xs = this.#fromStep(tape, edge) / this.#bytes;
        if (edge.m === node.width) k.outer(dW, from, xs, dz, node.width, T, edge.n, edge.m);
        else k.outer(dW, from, xs, dz + edge.column * this.#bytes, node.width, T, edge.n, edge.m);
        if (edge.kind === "masked") k.multiply(dW, this.#birth.masks.get(edge)!, edge.n * edge.m);
      }
      if (node.bias >= 0) {
        k.sumRows(workspace.gradient + node.bias * this.#bytes, dz, node.width, T, node.width);
      }
    }
  }

  /** h(0) = tanh(R c): from dL/dh(0) in row `row` to R and c. */
  #backStart(tape: Tape, workspace: Workspace, row: number, options: BackwardOptions): void {
    const k = this.kernels;
    const { c } = this.program;
    for (const node of this.program.nodes) {
      if (node.start < 0 || !options.fromStart) continue;
      const track = workspace.dh[node.index];
      const dz = workspace.dz[node.index].pointer + row * workspace.dz[node.index].step;
      const { h } = tape.nodes[node.index];
      k.tanhBackward(dz, track.pointer + row * track.step, h.pointer + row * h.step, node.n);
      k.outer(
        workspace.gradient + node.start * this.#bytes,
        this.context.pointer,
        c,
        dz,
        node.n,
        1,
        c,
        node.n,
      );
      if (options.inputs) k.affineTransposed(workspace.dc, this.#parameter(node.start), dz, c, node.n);
    }
  }

  #parameter(offset: number): number {
    return this.parameters.pointer + offset * this.#bytes;
  }

  #weights(edge: ProgramEdge): number {
    return edge.offset >= 0 ? this.#parameter(edge.offset) : this.#birth.frozen.get(edge)!.values;
  }

  #from(tape: Tape, edge: ProgramEdge, row: number): number {
    if (edge.from === "c") return this.context.pointer;
    const track = this.#track(tape, edge);
    return track.pointer + (row - edge.delay) * track.step;
  }

  #fromStep(tape: Tape, edge: ProgramEdge): number {
    return edge.from === "c" ? 0 : this.#track(tape, edge).step;
  }

  #track(tape: Tape, edge: ProgramEdge): Track {
    if (typeof edge.from === "number") return tape.nodes[edge.from].h;
    return edge.from === "x" ? tape.x : tape.y;
  }

  #readDt(tape: Tape, row: number): number {
    return this.#reals[(tape.dt.pointer + row * tape.dt.step) / this.#bytes];
  }

  #readGiven(tape: Tape, row: number): number {
    return this.#reals[(tape.given.pointer + row * tape.given.step) / this.#bytes];
  }

  /** The whole memory as elements: element i is at byte i * bytes. */
  get reals(): Reals {
    return this.#reals;
  }
  #reals: Reals = new Float32Array(0);

  #bind(block: Block): void {
    this.#block = block;
    const { buffer } = block.kernels;
    this.#reals = this.#bytes === 8 ? new Float64Array(buffer) : new Float32Array(buffer);
    this.#birth = new Birth(block, this.program, this.parameters.view);
  }
}

/** What the window's outer products and column sums leave alone. */
function addedParts(program: Program): { offset: number; length: number }[] {
  const written: [number, number][] = [];
  for (const node of program.nodes) {
    for (const edge of node.edges) if (edge.offset >= 0) written.push([edge.offset, edge.n * edge.m]);
    if (node.bias >= 0) written.push([node.bias, node.width]);
  }
  written.sort(([a], [b]) => a - b);
  const parts: { offset: number; length: number }[] = [];
  let end = 0;
  for (const [offset, length] of [...written, [program.parameters, 0] as const]) {
    if (offset > end) parts.push({ offset: end, length: offset - end });
    end = offset + length;
  }
  return parts;
}

function emptyPlace(): Place {
  return {
    n: 0,
    block: 0,
    dt: 1,
    z: 0,
    h: 0,
    hPrevious: 0,
    s: 0,
    sPrevious: 0,
    cache: 0,
    vectors: 0,
    dVectors: 0,
    constants: 0,
    dz: 0,
    dh: 0,
    dhPrevious: 0,
    ds: 0,
    temporary: 0,
  };
}
