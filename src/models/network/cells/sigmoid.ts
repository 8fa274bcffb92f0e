import { type Cell, noSettings } from "./cell.ts";

/** h = σ(z) = 1 / (1 + exp(-z)): a gate, or a probability. */
export const sigmoidCell: Cell = {
  name: "sigmoid",
  blocks: ["z"],
  inPlace: true,
  settings: noSettings,
  forward(k, p) {
    k.sigmoid(p.h, p.z, p.n);
  },
  backward(k, p) {
    k.sigmoidBackward(p.dz, p.dh, p.h, p.n);
  },
};
