import { type Cell, onlySettings } from "./cell.ts";
import { chrono, memorySteps } from "./lstm.ts";

interface GruSettings {
  /** Longest dependency expected, in steps: sets the biases of the update gate to a spectrum up to it. */
  readonly memory: number | undefined;
}

const UPDATE = 2;

/**
 * Gated recurrent unit (Cho et al. 2014), reset after the matrix product: r u = σ(…), a = tanh(input part + r (own
 * part)), h = (1 - u) a + u h(t-1). Blocks a, r, u, k; k is the candidate's part from the node's own past, with a bias
 * of its own. Reset before the product is a wiring of `sigmoid`, `product`, `tanh` and `blend` nodes.
 */
export const gruCell: Cell<GruSettings> = {
  name: "gru",
  blocks: ["a", "r", "u", "k"],
  examples: [{ memory: 50 }],
  settings(given) {
    onlySettings(given, ["memory"]);
    return { memory: memorySteps(given.memory) };
  },
  feeds: (own) => (own ? [1, 3] : [0, 3]),
  bias(settings, block, n, random) {
    return settings.memory !== undefined && block === UPDATE ? chrono(settings.memory, n, random) : undefined;
  },
  forward(k, p) {
    k.gru(p.h, p.z, p.hPrevious, p.n);
  },
  backward(k, p) {
    k.gruBackward(p.dz, p.dhPrevious, p.dh, p.z, p.hPrevious, p.n);
  },
};
