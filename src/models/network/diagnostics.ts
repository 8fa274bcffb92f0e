import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { EddyError, printable } from "../errors.ts";
import type { LiveNetwork } from "./live.ts";
import type { Network } from "./network.ts";
import { eigenvalues } from "./spectral-radius.ts";
import { Window } from "./window.ts";

/** Eigenvalues of a square matrix, and its size as a map. */
export interface Spectrum {
  readonly real: readonly number[];
  readonly imaginary: readonly number[];
  /** Largest absolute eigenvalue. */
  readonly radius: number;
  /** Largest singular value: the most that one application can stretch a vector. */
  readonly norm: number;
}

/** What a network remembers, and how its gradients fare on their way back. */
export interface Diagnosis {
  /** Per node with an edge to itself one step back: the spectrum of its recurrent weights, per block of a gated cell. */
  readonly weights: Readonly<Record<string, Readonly<Record<string, Spectrum>>>>;
  /** Per such node: the spectrum of ∂h(t)/∂h(t-T), the product of the Jacobians of all steps of the window. */
  readonly jacobian: Readonly<Record<string, Spectrum>>;
  /**
   * Per node: |∂o(t)/∂z(t-k)| for k = 0, 1, ..: how much a nudge k steps ago still moves the output now. Falling
   * towards 0 it vanishes, growing it explodes (Bengio et al. 1994; Pascanu et al. 2013).
   */
  readonly gradientByDelay: Readonly<Record<string, readonly number[]>>;
}

/** The spectrum of a square matrix [n × n], row by row. Cost: about 20 n³. */
export function spectrum(matrix: ArrayLike<number>, n: number): Spectrum {
  const { real, imaginary } = eigenvalues(matrix, n);
  const rows = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => matrix[i * n + j]));
  const radius = real.reduce((largest, re, i) => Math.max(largest, Math.hypot(re, imaginary[i])), 0);
  const norm = n === 0 ? 0 : new SingularValueDecomposition(new Matrix(rows)).norm2;
  return { real, imaginary, radius, norm };
}

/** The recurrent weights of a node (its own edge of delay 1), per block; learned ones only. */
export function recurrentSpectrum(network: Network, node: string): Record<string, Spectrum> {
  const { n, name } = network.program.nodes[network.nodeIndex(node)];
  const own = `${name}.${name}(1)`;
  const found = network.tensors.filter((tensor) => tensor.name === own || tensor.name.startsWith(`${own}.`));
  return Object.fromEntries(
    found.map((tensor) => [
      tensor.name === own ? "z" : tensor.name.slice(own.length + 1),
      spectrum(network.read(tensor.name), n),
    ]),
  );
}

/**
 * Looks at the last `steps` steps of a live network: spectra of weights and of the Jacobian over the window, gradient
 * norms by delay. Changes nothing. Cost: one pass back per unit of every recurrent node, and eigenvalues.
 * @throws EddyError `bad-argument` when so many steps are not kept (`LiveOptions.history`).
 */
export function diagnose(live: LiveNetwork, steps: number): Diagnosis {
  const { network } = live;
  if (!(steps >= 1 && steps <= live.available)) {
    throw new EddyError("bad-argument", "steps to diagnose", {
      expected: `1 to ${live.available}, as many as are kept`,
      received: printable(steps),
    });
  }
  const window = new Window(network, steps);
  const weights: Record<string, Record<string, Spectrum>> = {};
  const jacobian: Record<string, Spectrum> = {};
  for (const node of network.program.nodes) {
    if (!node.edges.some((edge) => edge.from === node.index && edge.delay === 1)) continue;
    const own = recurrentSpectrum(network, node.name);
    if (Object.keys(own).length > 0) weights[node.name] = own;
    window.replay(live, steps);
    jacobian[node.name] = spectrum(jacobianProduct(window, node.name, steps), node.n);
  }
  window.replay(live, steps);
  return { weights, jacobian, gradientByDelay: gradientByDelay(window, steps) };
}

/** ∂h(T)/∂h(0) of a node [n × n], over the sequence a window has just run: one pass back per unit. */
export function jacobianProduct(window: Window, node: string, steps: number): Float64Array {
  const { n } = window.network.program.nodes[window.network.nodeIndex(node)];
  const matrix = new Float64Array(n * n);
  const seed = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    seed.fill(0);
    seed[i] = 1;
    matrix.set(window.backwardFrom(node, steps - 1, seed), i * n);
  }
  return matrix;
}

/** |∂o(T)/∂z(T-k)| per node and delay k (Frobenius norm over outputs and units), over the sequence just run. */
export function gradientByDelay(window: Window, steps: number): Record<string, number[]> {
  const { network } = window;
  const { output, nodes } = network.program;
  const squares = nodes.map(() => new Float64Array(steps));
  const seed = new Float64Array(output.n);
  for (let o = 0; o < output.n; o++) {
    seed.fill(0);
    seed[o] = 1;
    window.backwardFrom(output.name, steps - 1, seed);
    for (const node of nodes) {
      const dz = window.preactivationGradients(node.name);
      for (let t = 0; t < steps; t++) {
        for (let i = t * node.width; i < (t + 1) * node.width; i++) {
          squares[node.index][steps - 1 - t] += dz[i] * dz[i];
        }
      }
    }
  }
  return Object.fromEntries(nodes.map((node) => [node.name, Array.from(squares[node.index], Math.sqrt)]));
}
