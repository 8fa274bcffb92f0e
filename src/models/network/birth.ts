import type { Block, Reals, Slice } from "../kernels/layout.ts";
import type { Place } from "./cells/cell.ts";
import { initialMatrix } from "./initial.ts";
import type { Program, ProgramEdge, ProgramNode } from "./program.ts";
import { seeded } from "./seeded.ts";
import { canonical } from "./wiring.ts";

/** What an edge is multiplied by: byte pointers, -1 for what it has not. */
export interface EdgeWeights {
  readonly values: number;
  /** Which inputs the values of a sparse edge belong to. */
  readonly columns: number;
  /** 1 where there is a connection [n × m], when some have been removed. */
  readonly mask: number;
}

/** Where what a node has lies in memory. */
export interface NodeMemory {
  /** In the order of its edges. */
  readonly weights: readonly EdgeWeights[];
  /** Byte pointer of its bias, learned or frozen, or of zeros. */
  readonly bias: number;
  /** Where it stands: its pointers are set anew for every row. */
  readonly place: Place;
}

/**
 * A network at birth: draws its parameters from its seed, and lays what nobody learns (frozen weights and biases, masks,
 * constants of cells) once into the memory bank. Every draw depends on the seed and on what it is for, so that adding a
 * node changes no other.
 */
export function bear(block: Block, program: Program, parameters: Slice<Reals>): NodeMemory[] {
  const birth = new Birth(block, program, parameters);
  return program.nodes.map((node) => birth.node(node));
}

const NOTHING: EdgeWeights = { values: -1, columns: -1, mask: -1 };

class Birth {
  readonly #block: Block;
  readonly #program: Program;
  readonly #parameters: Slice<Reals>;
  readonly #bytes: number;

  constructor(block: Block, program: Program, parameters: Slice<Reals>) {
    this.#block = block;
    this.#program = program;
    this.#parameters = parameters;
    this.#bytes = parameters.view.BYTES_PER_ELEMENT;
  }

  node(node: ProgramNode): NodeMemory {
    const { n } = node;
    const weights = node.edges.map((edge) => this.#edge(node, edge));
    const bias = this.#bias(node);
    const vectors = this.#vectors(node);
    this.#start(node);
    return { weights, bias, place: placeOf(n, n * this.#bytes, vectors, this.#constants(node)) };
  }

  #edge(node: ProgramNode, edge: ProgramEdge): EdgeWeights {
    if (edge.kind === "weightless") return NOTHING;
    const purpose = `${node.name}.${edge.label}`;
    if (edge.offset < 0) return this.#freeze(node, edge, purpose);
    const { matrix, connected } = this.#draw(node, edge, purpose);
    writeColumns(this.#parameters.view, edge.offset, matrix, edge);
    const values = this.#parameter(edge.offset);
    if (!connected) return { values, columns: -1, mask: -1 };
    const key = this.#key("mask", node, edge, purpose);
    const mask = this.#constant(key, edge.n * edge.m, (mask) => {
      for (let i = 0; i < edge.m; i++) for (const j of connected[i]) mask[j * edge.m + i] = 1;
    });
    return { values, columns: -1, mask };
  }

  #bias(node: ProgramNode): number {
    if (node.bias >= 0) {
      this.#parameters.view.set(this.#initialBias(node), node.bias);
      return this.#parameter(node.bias);
    }
    if (!node.frozenBias) return this.#constant(`zeros:${node.width}`, node.width, () => {});
    const { biasInitial: initial, settings, cell, n, fanIn, name } = node;
    const { seed } = this.#program;
    const key = `bias:${canonical({ initial, settings, cell: cell.name, n, fanIn, name, seed })}`;
    return this.#constant(key, node.width, (bias) => bias.set(this.#initialBias(node)));
  }

  #vectors({ cell, settings, n, vectors, vectorOffset }: ProgramNode): number {
    vectors.forEach((name, v) => {
      this.#parameters.view.set(cell.vector!(settings, name, n), vectorOffset + v * n);
    });
    return this.#parameter(vectorOffset);
  }

  /** R of h(0) = tanh(R c). */
  #start({ name, n, start }: ProgramNode): void {
    if (start < 0) return;
    const edge = { n: this.#program.c, m: n };
    const shape = { outputs: n, inputs: edge.n, fanIn: edge.n };
    const R = initialMatrix({ kind: "uniform" }, shape, seeded(this.#program.seed, `${name}.start`));
    writeColumns(this.#parameters.view, start, R, edge);
  }

  #constants({ cell, settings, n }: ProgramNode): number {
    const constants = cell.constants?.(settings, n);
    if (!constants) return -1;
    const key = `constants:${cell.name}:${canonical(settings)}:${n}`;
    return this.#constant(key, constants.length, (values) => values.set(constants));
  }

  #parameter(offset: number): number {
    return this.#parameters.pointer + offset * this.#bytes;
  }

  /** A constant of the bank: it lies there once, whoever uses it. */
  #constant(key: string, length: number, fill: (values: Reals) => void): number {
    return this.#block.constant(key, length * this.#bytes, (bytes) => fill(this.#realsOf(bytes)));
  }

  #initialBias(node: ProgramNode): Float64Array {
    const { cell, settings, n, width, fanIn, biasInitial } = node;
    const random = (): (() => number) => seeded(this.#program.seed, `${node.name}.b`);
    if (biasInitial) return initialMatrix(biasInitial, { outputs: width, inputs: 1, fanIn }, random());
    const values = new Float64Array(width);
    // Every block begins the stream anew: gates that begin as each other's negative draw the same numbers.
    for (let b = 0; b < cell.blocks.length; b++) {
      const block = cell.bias?.(settings, b, n, random());
      if (block) values.set(block, b * n);
    }
    return values;
  }

  #draw(
    node: ProgramNode,
    edge: ProgramEdge,
    purpose: string,
  ): { matrix: Float64Array; connected: readonly (readonly number[])[] | undefined } {
    const random = seeded(this.#program.seed, purpose);
    const connected = edge.degree < edge.n ? chooseConnections(edge, random) : undefined;
    const shape = { outputs: edge.m, inputs: edge.n, fanIn: node.fanIn };
    const matrix = initialMatrix(edge.initial, connected ? { ...shape, connected } : shape, random);
    return { matrix, connected };
  }

  /** Weights that nobody learns lie once in the bank, whoever uses them. */
  #freeze(node: ProgramNode, edge: ProgramEdge, purpose: string): EdgeWeights {
    const key = this.#key("frozen", node, edge, purpose);
    if (edge.kind === "frozen") {
      const values = this.#constant(key, edge.n * edge.m, (values) =>
        writeColumns(values, 0, this.#draw(node, edge, purpose).matrix, edge),
      );
      return { values, columns: -1, mask: -1 };
    }
    const count = edge.m * edge.degree;
    const align = (bytes: number): number => Math.ceil(bytes / 16) * 16;
    const columnsAt = align(count * this.#bytes);
    const pointer = this.#block.constant(key, columnsAt + count * 4, (bytes) => {
      const { matrix, connected } = this.#draw(node, edge, purpose);
      const values = this.#realsOf(bytes.subarray(0, count * this.#bytes));
      const columns = new Int32Array(bytes.buffer, bytes.byteOffset + columnsAt, count);
      for (let i = 0; i < edge.m; i++) {
        for (let d = 0; d < edge.degree; d++) {
          const j = connected ? connected[i][d] : d;
          values[i * edge.degree + d] = matrix[i * edge.n + j];
          columns[i * edge.degree + d] = j;
        }
      }
    });
    return { values: pointer, columns: pointer + columnsAt, mask: -1 };
  }

  #key(kind: string, node: ProgramNode, edge: ProgramEdge, purpose: string): string {
    const { initial, degree, n, m } = edge;
    return `${kind}:${canonical({ initial, degree, n, m, fanIn: node.fanIn, purpose, seed: this.#program.seed })}`;
  }

  #realsOf(bytes: Uint8Array): Reals {
    const { buffer, byteOffset, byteLength } = bytes;
    return this.#bytes === 8
      ? new Float64Array(buffer, byteOffset, byteLength / 8)
      : new Float32Array(buffer, byteOffset, byteLength / 4);
  }
}

/** `degree` inputs per output, all different, in ascending order. */
function chooseConnections(edge: ProgramEdge, random: () => number): number[][] {
  const all = Array.from({ length: edge.n }, (_, j) => j);
  return Array.from({ length: edge.m }, () => {
    // A partial Fisher-Yates shuffle: the first `degree` places are the choice.
    for (let d = 0; d < edge.degree; d++) {
      const other = d + Math.floor(random() * (edge.n - d));
      [all[d], all[other]] = [all[other], all[d]];
    }
    return all.slice(0, edge.degree).sort((a, b) => a - b);
  });
}

/** From [m × n] row by row, as in textbooks, to [n × m], as the kernels want it. */
function writeColumns(
  target: Reals,
  offset: number,
  matrix: ArrayLike<number>,
  { n, m }: { n: number; m: number },
): void {
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) target[offset + j * m + i] = matrix[i * n + j];
}

/** A place with what never changes filled in, and the rest nowhere yet. */
function placeOf(n: number, block: number, vectors: number, constants: number): Place {
  return {
    n,
    block,
    vectors,
    constants,
    dt: 1,
    z: 0,
    h: 0,
    hPrevious: 0,
    s: 0,
    sPrevious: 0,
    cache: 0,
    dVectors: 0,
    dz: 0,
    dh: 0,
    dhPrevious: 0,
    ds: 0,
    temporary: 0,
  };
}
