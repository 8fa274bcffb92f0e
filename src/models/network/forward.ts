import type { NodeMemory } from "./birth.ts";
import type { Network } from "./network.ts";
import type { ProgramNode } from "./program.ts";
import type { NodeTracks, Tape } from "./tape.ts";
import { rowAt, valueAt } from "./tracks.ts";

/**
 * One step: the nodes `nodes` into row `row` of the tape, which stands at time `t`; the sources of the row are in place.
 * `direction` -1: from right to left, each node following what it was in the row after. Letters as in `Place`.
 */
export function forward(
  network: Network,
  tape: Tape,
  row: number,
  t: number,
  nodes: readonly ProgramNode[] = network.program.order,
  direction: 1 | -1 = 1,
): void {
  const k = network.kernels;
  const dt = valueAt(network.reals, tape.dt, row);
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i];
    const tracks = tape.nodes[node.index];
    const h = rowAt(tracks.h, row);
    const s = rowAt(tracks.s, row);
    const hPrevious = h - direction * tracks.h.step;
    const sPrevious = s - direction * tracks.s.step;
    if (rests(node, t)) {
      k.copy(h, hPrevious, node.n);
      if (tracks.s.length > 0) k.copy(s, sPrevious, tracks.s.length);
      continue;
    }
    const memory = network.memory[node.index];
    const { place } = memory;
    place.dt = dt;
    place.z = rowAt(tracks.z, row);
    place.h = h;
    place.hPrevious = hPrevious;
    place.s = s;
    place.sPrevious = sPrevious;
    place.cache = rowAt(tracks.cache, row);
    gather(network, tracks, memory, row, node, place.z);
    node.cell.forward(k, place, node.settings);
  }
}

/** Whether a node keeps its state at time `t`: the clockwork form. */
export function rests(node: ProgramNode, t: number): boolean {
  return node.period > 1 && t % node.period !== 0;
}

/** z = b + Σ W · from(t - delay). */
function gather(
  network: Network,
  { origins }: NodeTracks,
  { weights, bias }: NodeMemory,
  row: number,
  { edges, width }: ProgramNode,
  z: number,
): void {
  const k = network.kernels;
  let begun = false;
  for (let e = 0; e < edges.length; e++) {
    const edge = edges[e];
    const { values, columns } = weights[e];
    const from = rowAt(origins[e], row - edge.delay);
    const out = z + edge.column * network.bytesPerReal;
    if (edge.kind === "weightless") {
      k.copy(out, from, edge.n);
      begun = true;
      continue;
    }
    if (!begun && edge.m === width && edge.kind !== "sparse") {
      k.affine(z, values, from, bias, edge.n, edge.m);
    } else {
      if (!begun) k.copy(z, bias, width);
      if (edge.kind === "sparse") k.sparse(out, values, columns, from, edge.degree, edge.m);
      else k.affine(out, values, from, out, edge.n, edge.m);
    }
    begun = true;
  }
  if (!begun) k.copy(z, bias, width);
}

/** Writes the state before the first step into row `row`: zero, or tanh(R c) for nodes that start from the context. */
export function start(network: Network, tape: Tape, row: number): void {
  for (const { index } of network.program.nodes) {
    const { h, s } = tape.nodes[index];
    for (const track of [h, s])
      if (track.length > 0) network.kernels.fill(rowAt(track, row), 0, track.length);
  }
  startFromContext(network, tape, row);
}

/** h(0) = tanh(R c) for the nodes that start so; the others keep what they have. */
export function startFromContext(network: Network, tape: Tape, row: number): void {
  const k = network.kernels;
  const { program, context } = network;
  for (const node of program.nodes) {
    if (node.start < 0) continue;
    const h = rowAt(tape.nodes[node.index].h, row);
    k.fill(h, 0, node.n);
    k.affine(h, network.parameterAt(node.start), context.pointer, h, program.c, node.n);
    k.tanh(h, h, node.n);
  }
}

/** Where y was the network's own output, it is so again: row `row` of `y` becomes the output just made. */
export function carryOutput(network: Network, tape: Tape, row: number): void {
  if (valueAt(network.reals, tape.given, row) !== 0) return;
  const { h } = tape.nodes[network.program.output.index];
  network.kernels.copy(rowAt(tape.y, row), rowAt(h, row), tape.y.length);
}
