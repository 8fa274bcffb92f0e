import { type Cell, noSettings } from "./cell.ts";

/** The Elman unit (Elman 1990): h = tanh z. */
export const tanhCell: Cell = {
  name: "tanh",
  blocks: ["z"],
  inPlace: true,
  settings: noSettings,
  forward(k, p) {
    k.tanh(p.h, p.z, p.n);
  },
  backward(k, p) {
    k.tanhBackward(p.dz, p.dh, p.h, p.n);
  },
};
