import { type Cell, noSettings } from "./cell.ts";

/** h = a · b, element by element, of two edges without weights: one node gates another. */
export const productCell: Cell = {
  name: "product",
  blocks: ["a", "b"],
  weightless: true,
  settings: noSettings,
  forward(k, p) {
    k.copy(p.h, p.z, p.n);
    k.multiply(p.h, p.z + p.block, p.n);
  },
  backward(k, p) {
    k.copy(p.dz, p.dh, p.n);
    k.multiply(p.dz, p.z + p.block, p.n);
    k.copy(p.dz + p.block, p.dh, p.n);
    k.multiply(p.dz + p.block, p.z, p.n);
  },
};
