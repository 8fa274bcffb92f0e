import { type Cell, noSettings } from "./cell.ts";

/** h = z: readouts, and linear recurrences. */
export const linearCell: Cell = {
  name: "linear",
  blocks: ["z"],
  inPlace: true,
  settings: noSettings,
  forward() {},
  backward(k, p) {
    k.copy(p.dz, p.dh, p.n);
  },
};
