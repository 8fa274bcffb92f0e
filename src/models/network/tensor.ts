import type { Program, ProgramNode } from "./program.ts";

/** A named part of the parameters, read and written in textbook order: [outputs × inputs], row by row. */
export interface Tensor {
  readonly name: string;
  readonly outputs: number;
  readonly inputs: number;
  /** Where element [i, j] is among the parameters: offset + i + j * stride. */
  readonly offset: number;
  readonly stride: number;
}

/** The tensors of a node, in the order in which they lie among the parameters. */
export function tensorsOf(node: ProgramNode, program: Program): Tensor[] {
  const { n, cell } = node;
  const tensors: Tensor[] = [];
  const blocks = cell.blocks.length;
  const suffix = (block: number): string => (blocks > 1 ? `.${cell.blocks[block]}` : "");
  for (const edge of node.edges) {
    if (edge.offset < 0) continue;
    for (let b = edge.column / n; b < (edge.column + edge.m) / n; b++) {
      tensors.push({
        name: `${node.name}.${edge.label}${suffix(b)}`,
        outputs: n,
        inputs: edge.n,
        offset: edge.offset + b * n - edge.column,
        stride: edge.m,
      });
    }
  }
  if (node.bias >= 0) {
    for (let b = 0; b < blocks; b++) {
      tensors.push({
        name: `${node.name}.b${suffix(b)}`,
        outputs: n,
        inputs: 1,
        offset: node.bias + b * n,
        stride: 1,
      });
    }
  }
  node.vectors.forEach((name, v) => {
    tensors.push({
      name: `${node.name}.${name}`,
      outputs: n,
      inputs: 1,
      offset: node.vectorOffset + v * n,
      stride: 1,
    });
  });
  if (node.start >= 0) {
    tensors.push({
      name: `${node.name}.start`,
      outputs: n,
      inputs: program.c,
      offset: node.start,
      stride: n,
    });
  }
  return tensors;
}
