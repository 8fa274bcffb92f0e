import { check } from "../checks.ts";
import type { Layout, Reals, Slice } from "../kernels/layout.ts";
import type { Kernels } from "../kernels/open.ts";

/** Which optimiser and its constants; conventions as in torch.optim. */
export type OptimiserOptions =
  | { readonly kind: "sgd"; readonly rate?: number; readonly momentum?: number }
  | { readonly kind: "rmsprop"; readonly rate?: number; readonly alpha?: number; readonly epsilon?: number }
  | {
      readonly kind: "adam";
      readonly rate?: number;
      readonly beta1?: number;
      readonly beta2?: number;
      readonly epsilon?: number;
    };

/** One rule for changing parameters, with its moments in the caller's layout. θ parameters, g gradient, η rate. */
export interface Optimiser {
  readonly kind: OptimiserOptions["kind"];
  /** Numbers kept per parameter. */
  readonly moments: readonly Slice<Reals>[];
  /** A bound on |Δθ| of the next update with a gradient of this norm, known before anything is changed. */
  largestStep(gradientNorm: number, parameters: number): number;
  /** θ ← θ - step(g · scale). */
  update(kernels: Kernels, theta: number, g: number, scale: number, parameters: number): void;
}

/**
 * SGD with momentum (v = μ v + g; θ -= η v), RMSprop (v = α v + (1-α) g²; θ -= η g / (√v + ε)) or Adam (Kingma & Ba
 * 2015: m, v with bias correction; θ -= η m̂ / (√v̂ + ε)). Moments begin at zero and are part of the checkpoint.
 */
export function makeOptimiser(
  options: OptimiserOptions,
  layout: Layout,
  parameters: number,
  name: string,
): Optimiser {
  check(KINDS.includes(options?.kind), "optimiser", "kind sgd, rmsprop or adam", options);
  const { rate = options.kind === "sgd" ? 0.01 : 0.001 } = options;
  check(rate >= 0 && rate < Number.POSITIVE_INFINITY, "rate", "a finite number from 0", rate);
  const moment = (letter: string): Slice<Reals> => layout.real(`${name}.${letter}`, parameters);
  switch (options.kind) {
    case "sgd": {
      const { momentum = 0 } = options;
      checkDecay("momentum", momentum);
      const v = moment("v");
      const speed = layout.float64(`${name}.speed`, 1);
      return {
        kind: "sgd",
        moments: [v],
        largestStep: (norm) => rate * (momentum * speed.view[0] + norm),
        update(k, theta, g, scale, P) {
          k.momentum(theta, v.pointer, g, scale, rate, momentum, P);
          speed.view[0] = Math.sqrt(k.sumSquares(v.pointer, P));
        },
      };
    }
    case "rmsprop": {
      const { alpha = 0.99, epsilon = 1e-8 } = options;
      checkDecay("alpha", alpha);
      check(epsilon > 0, "epsilon", "a number above 0", epsilon);
      const v = moment("v");
      return {
        kind: "rmsprop",
        moments: [v],
        largestStep: (_, P) => rate * Math.sqrt(P / (1 - alpha)),
        update: (k, theta, g, scale, P) => k.rmsprop(theta, v.pointer, g, scale, rate, alpha, epsilon, P),
      };
    }
    case "adam": {
      const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
      checkDecay("beta1", beta1);
      checkDecay("beta2", beta2);
      check(epsilon > 0, "epsilon", "a number above 0", epsilon);
      const m = moment("m");
      const v = moment("v");
      // 1 - β₁ⁿ and 1 - β₂ⁿ, carried on by products: the same bits wherever multiplication is.
      const bias = layout.float64(`${name}.bias`, 2);
      return {
        kind: "adam",
        moments: [m, v],
        // |m̂| / √v̂ is at most (1 - β₁) / √(1 - β₂) per parameter when β₁² < β₂ (Kingma & Ba, section 2.1).
        largestStep: (_, P) => rate * Math.sqrt(P) * Math.max(1, (1 - beta1) / Math.sqrt(1 - beta2)),
        update(k, theta, g, scale, P) {
          const { view } = bias;
          view[0] = 1 - beta1 * (1 - view[0]);
          view[1] = 1 - beta2 * (1 - view[1]);
          const c1 = 1 / view[0];
          const c2 = 1 / view[1];
          k.adam(theta, m.pointer, v.pointer, g, scale, rate, beta1, beta2, epsilon, c1, c2, P);
        },
      };
    }
  }
}

const KINDS = ["sgd", "rmsprop", "adam"];

/** A share of what was: from 0 to below 1. */
function checkDecay(subject: string, value: number): void {
  check(value >= 0 && value < 1, subject, "a number from 0 to below 1", value);
}
