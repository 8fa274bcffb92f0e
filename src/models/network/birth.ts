import type { Block, Reals } from "../kernels/layout.ts";
import { initialMatrix } from "./initial.ts";
import type { Program, ProgramEdge, ProgramNode } from "./program.ts";
import { seeded } from "./seeded.ts";
import { canonical } from "./wiring.ts";

/** Where the weights of a frozen edge lie; `columns` only for a sparse one. */
export interface FrozenWeights {
  readonly values: number;
  readonly columns: number;
}

/**
 * A network at birth: draws its parameters from its seed, and lays what nobody learns (frozen weights and biases, masks,
 * constants of cells) once into the memory bank. Every draw depends on the seed and on what it is for, so that adding a
 * node changes no other.
 */
export class Birth {
  readonly frozen = new Map<ProgramEdge, FrozenWeights>();
  /** Per edge with removed connections: 1 where there is one [n × m]. */
  readonly masks = new Map<ProgramEdge, number>();
  /** Per node: the constants of its cell, -1 for none. */
  readonly constants: number[] = [];
  /** Per node: its frozen bias, or zeros. */
  readonly biases: number[] = [];
  readonly #block: Block;
  readonly #program: Program;
  readonly #parameters: Reals;
  readonly #bytes: number;

  constructor(block: Block, program: Program, parameters: Reals) {
    this.#block = block;
    this.#program = program;
    this.#parameters = parameters;
    this.#bytes = parameters.BYTES_PER_ELEMENT;
    for (const node of program.nodes) this.#node(node);
  }

  #node(node: ProgramNode): void {
    const block = this.#block;
    const { seed } = this.#program;
    const { cell, settings, n } = node;
    for (const edge of node.edges) {
      if (edge.kind === "weightless") continue;
      const purpose = `${node.name}.${edge.label}`;
      if (edge.offset >= 0) {
        const { matrix, connected } = this.#draw(node, edge, purpose);
        writeColumns(this.#parameters, edge.offset, matrix, edge);
        if (!connected) continue;
        const key = this.#key("mask", node, edge, purpose);
        this.masks.set(
          edge,
          block.constant(key, edge.n * edge.m * this.#bytes, (bytes) => {
            const mask = this.#realsOf(bytes);
            for (let i = 0; i < edge.m; i++) for (const j of connected[i]) mask[j * edge.m + i] = 1;
          }),
        );
      } else this.frozen.set(edge, this.#freeze(node, edge, purpose));
    }
    if (node.bias >= 0) this.#parameters.set(this.#initialBias(node), node.bias);
    else {
      const key = node.frozenBias
        ? `bias:${canonical({ initial: node.biasInitial, settings, cell: cell.name, n, fanIn: node.fanIn, name: node.name, seed })}`
        : `zeros:${node.width}`;
      this.biases[node.index] = block.constant(key, node.width * this.#bytes, (bytes) => {
        if (node.frozenBias) this.#realsOf(bytes).set(this.#initialBias(node));
      });
    }
    node.vectors.forEach((name, v) => {
      this.#parameters.set(cell.vector!(settings, name, n), node.vectorOffset + v * n);
    });
    if (node.start >= 0) {
      const edge = { n: this.#program.c, m: n };
      const shape = { outputs: n, inputs: edge.n, fanIn: edge.n };
      const R = initialMatrix({ kind: "uniform" }, shape, seeded(seed, `${node.name}.start`));
      writeColumns(this.#parameters, node.start, R, edge);
    }
    const constants = cell.constants?.(settings, n);
    this.constants[node.index] = constants
      ? block.constant(
          `constants:${cell.name}:${canonical(settings)}:${n}`,
          constants.length * this.#bytes,
          (bytes) => this.#realsOf(bytes).set(constants),
        )
      : -1;
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
  #freeze(node: ProgramNode, edge: ProgramEdge, purpose: string): { values: number; columns: number } {
    const key = this.#key("frozen", node, edge, purpose);
    if (edge.kind === "frozen") {
      const values = this.#block.constant(key, edge.n * edge.m * this.#bytes, (bytes) =>
        writeColumns(this.#realsOf(bytes), 0, this.#draw(node, edge, purpose).matrix, edge),
      );
      return { values, columns: -1 };
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
    return { values: pointer, columns: pointer + columnsAt };
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
