import { rests } from "./forward.ts";
import type { Network } from "./network.ts";
import type { ProgramEdge, ProgramNode } from "./program.ts";
import type { Tape } from "./tape.ts";
import { rowAt, valueAt } from "./tracks.ts";
import type { Workspace } from "./workspace.ts";

/** The rows that a backward pass goes through, and what it shall also find besides the parameters' gradient. */
export interface Passage {
  readonly first: number;
  readonly last: number;
  /** The time of row `first`. */
  readonly time: number;
  /** Gradients by the sources and by the rows before the window as well. Default false. */
  readonly inputs?: boolean;
  /** The window begins at the first step ever: the start h(0) = tanh(R c) learns too. Default false. */
  readonly fromStart?: boolean;
}

/**
 * Back through rows of a full tape. The gradients by the outputs stand in `dh` of the output node; the parameters'
 * gradient is written to `workspace.gradient`. Gradients that leave the window are dropped (truncation) unless `inputs`
 * asks for them. Cost: about two steps forward per row.
 */
export function backward(network: Network, tape: Tape, workspace: Workspace, passage: Passage): void {
  const { stages } = network.program;
  const { first, last, time, inputs = false, fromStart = false } = passage;
  for (let stage = stages.length - 1; stage >= 0; stage--) {
    const { nodes, direction } = stages[stage];
    const from = direction === 1 ? last : first;
    const to = direction === 1 ? first - 1 : last + 1;
    for (let row = from; row !== to; row -= direction) {
      const t = time + row - first;
      for (let i = nodes.length - 1; i >= 0; i--) {
        const node = nodes[i];
        if (!node.trained && !inputs) continue;
        if (rests(node, t)) {
          const dh = workspace.dh[node.index];
          network.kernels.add(rowAt(dh, row - direction), rowAt(dh, row), node.n);
          network.kernels.fill(rowAt(workspace.dz[node.index], row), 0, node.width);
          continue;
        }
        backCell(network, tape, workspace, node, row, direction);
        backEdges(network, tape, workspace, node, row, passage);
      }
    }
  }
  collect(network, tape, workspace, first, last);
  if (fromStart) backStart(network, tape, workspace, first - 1, inputs);
}

/** From dL/dh and dL/ds of a node at a row to its dL/dz, and to what it was before. */
function backCell(
  network: Network,
  tape: Tape,
  workspace: Workspace,
  node: ProgramNode,
  row: number,
  direction: 1 | -1,
): void {
  const tracks = tape.nodes[node.index];
  const dh = workspace.dh[node.index];
  const { place } = network.memory[node.index];
  place.dt = valueAt(network.reals, tape.dt, row);
  place.z = rowAt(tracks.z, row);
  place.h = rowAt(tracks.h, row);
  place.hPrevious = rowAt(tracks.h, row - direction);
  place.s = rowAt(tracks.s, row);
  place.sPrevious = rowAt(tracks.s, row - direction);
  place.cache = rowAt(tracks.cache, row);
  place.dVectors = workspace.gradient.pointer + node.vectorOffset * network.bytesPerReal;
  place.dz = rowAt(workspace.dz[node.index], row);
  place.dh = rowAt(dh, row);
  place.dhPrevious = rowAt(dh, row - direction);
  place.ds = workspace.ds[node.index].pointer;
  place.temporary = workspace.temporary.pointer;
  node.cell.backward(network.kernels, place, node.settings);
}

/** From dL/dz of a node at a row to all that it read there. */
function backEdges(
  network: Network,
  tape: Tape,
  workspace: Workspace,
  node: ProgramNode,
  row: number,
  passage: Passage,
): void {
  const k = network.kernels;
  const { weights } = network.memory[node.index];
  const dz = rowAt(workspace.dz[node.index], row);
  for (let e = 0; e < node.edges.length; e++) {
    const edge = node.edges[e];
    const dFrom = gradientAt(network, tape, workspace, edge, row - edge.delay, passage);
    if (dFrom < 0) continue;
    const out = dz + edge.column * network.bytesPerReal;
    const { values, columns } = weights[e];
    if (edge.kind === "weightless") k.add(dFrom, out, edge.n);
    else if (edge.kind === "sparse") k.sparseTransposed(dFrom, values, columns, out, edge.degree, edge.m);
    else k.affineTransposed(dFrom, values, out, edge.n, edge.m);
  }
}

/** Where the gradient by what an edge read in row `row` is added to; -1 where nobody wants it. */
function gradientAt(
  network: Network,
  tape: Tape,
  workspace: Workspace,
  edge: ProgramEdge,
  row: number,
  passage: Passage,
): number {
  const { nodes, output } = network.program;
  const inside = row >= passage.first && row <= passage.last;
  if (typeof edge.from === "number") {
    if (!inside && !passage.inputs && !passage.fromStart) return -1;
    if (!nodes[edge.from].trained && !passage.inputs) return -1;
    return rowAt(workspace.dh[edge.from], row);
  }
  // A row whose y the network made itself hands its gradient on to that output.
  if (edge.from === "y" && inside && valueAt(network.reals, tape.given, row) === 0) {
    return rowAt(workspace.dh[output.index], row);
  }
  if (!passage.inputs) return -1;
  if (edge.from === "c") return workspace.dc.pointer;
  return rowAt(edge.from === "x" ? workspace.dx : workspace.dy, row);
}

/** The weight gradients of the whole window at once: dW = Σ from(t - delay) dz(t)ᵀ. */
function collect(network: Network, tape: Tape, workspace: Workspace, first: number, last: number): void {
  const k = network.kernels;
  const { bytesPerReal } = network;
  const gradient = workspace.gradient.pointer;
  const T = last - first + 1;
  for (const node of network.program.nodes) {
    const dz = rowAt(workspace.dz[node.index], first);
    const { origins } = tape.nodes[node.index];
    const { weights } = network.memory[node.index];
    for (let e = 0; e < node.edges.length; e++) {
      const edge = node.edges[e];
      if (edge.offset < 0) continue;
      const dW = gradient + edge.offset * bytesPerReal;
      const from = rowAt(origins[e], first - edge.delay);
      k.outer(
        dW,
        from,
        origins[e].step / bytesPerReal,
        dz + edge.column * bytesPerReal,
        node.width,
        T,
        edge.n,
        edge.m,
      );
      if (edge.kind === "masked") k.multiply(dW, weights[e].mask, edge.n * edge.m);
    }
    if (node.bias >= 0) k.sumRows(gradient + node.bias * bytesPerReal, dz, node.width, T, node.width);
  }
}

/** h(0) = tanh(R c): from dL/dh(0) in row `row` to R and, when wanted, to c. */
function backStart(
  network: Network,
  tape: Tape,
  workspace: Workspace,
  row: number,
  toContext: boolean,
): void {
  const k = network.kernels;
  const { program, context } = network;
  const { c } = program;
  for (const { index, start, n } of program.nodes) {
    if (start < 0) continue;
    const dz = rowAt(workspace.dz[index], row);
    k.tanhBackward(dz, rowAt(workspace.dh[index], row), rowAt(tape.nodes[index].h, row), n);
    const dR = workspace.gradient.pointer + start * network.bytesPerReal;
    k.outer(dR, context.pointer, c, dz, n, 1, c, n);
    if (toContext) k.affineTransposed(workspace.dc.pointer, network.parameterAt(start), dz, c, n);
  }
}
