import { EddyError, printable } from "../errors.ts";
import type { Block, Layout, Reals, Slice } from "../kernels/layout.ts";
import type { Kernels } from "../kernels/open.ts";
import { bear, type NodeMemory } from "./birth.ts";
import { compile, type Program } from "./program.ts";
import { type Tensor, tensorsOf } from "./tensor.ts";
import { hashWiring, printWiring, type Wiring } from "./wiring.ts";

/**
 * A wiring with its parameters in memory. It has no state in time: a `LiveNetwork` or a `Window` brings a tape, over which
 * `forward` and `backward` step it.
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
  readonly bytesPerReal: number;
  /** The whole memory as elements: element i is at byte i * bytesPerReal. */
  reals: Reals = new Float32Array(0);
  kernels!: Kernels;
  /** Where what each node has lies. */
  memory: readonly NodeMemory[] = [];
  #block: Block | undefined;

  /** @throws EddyError `bad-model` naming the node and edge that are wrong. */
  constructor(wiring: Wiring, layout: Layout, name = "network") {
    this.wiring = wiring;
    this.program = compile(wiring);
    this.bytesPerReal = layout.arena.bytesPerReal;
    this.parameters = layout.real(`${name}.parameters`, this.program.parameters);
    this.context = layout.real(`${name}.context`, this.program.c);
    this.tensors = this.program.nodes.flatMap((node) => tensorsOf(node, this.program));
    layout.whenAllocated((block) => this.#bind(block));
  }

  get inputs(): number {
    return this.program.x;
  }

  get outputs(): number {
    return this.program.output.n;
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

  /** Byte pointer of the parameters from element `offset` on. */
  parameterAt(offset: number): number {
    return this.parameters.pointer + offset * this.bytesPerReal;
  }

  /** Index of a node by name. @throws EddyError `bad-argument` for an unknown one. */
  nodeIndex(name: string): number {
    return this.program.nodes.indexOf(named("node", name, this.program.nodes));
  }

  /** The tensor `name`, such as `h.h(1)`, `h.b`, `h.x.f` (block f of an LSTM), `h.theta`, `h.start`. */
  tensor(name: string): Tensor {
    return named("tensor", name, this.tensors);
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

  #bind(block: Block): void {
    const { buffer } = block.kernels;
    this.#block = block;
    this.kernels = block.kernels;
    this.reals = this.bytesPerReal === 8 ? new Float64Array(buffer) : new Float32Array(buffer);
    this.memory = bear(block, this.program, this.parameters);
  }
}

function named<T extends { readonly name: string }>(kind: string, name: string, all: readonly T[]): T {
  const found = all.find((candidate) => candidate.name === name);
  if (found) return found;
  const names = all.map((candidate) => candidate.name).join(", ");
  throw new EddyError("bad-argument", kind, { expected: `one of ${names}`, received: printable(name) });
}
