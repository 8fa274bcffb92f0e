import { type Cell, noSettings } from "./cell.ts";

/** h = g · old + (1 - g) · new of three edges without weights: a gate g chooses between two values. */
export const blendCell: Cell = {
  name: "blend",
  blocks: ["g", "old", "new"],
  weightless: true,
  settings: noSettings,
  forward(k, p) {
    const [g, old, fresh] = [p.z, p.z + p.block, p.z + 2 * p.block];
    k.copy(p.h, old, p.n);
    k.axpy(p.h, -1, fresh, p.n);
    k.multiply(p.h, g, p.n);
    k.add(p.h, fresh, p.n);
  },
  backward(k, p) {
    const [g, old, fresh] = [p.z, p.z + p.block, p.z + 2 * p.block];
    const [dg, dOld, dNew] = [p.dz, p.dz + p.block, p.dz + 2 * p.block];
    k.copy(dOld, p.dh, p.n);
    k.multiply(dOld, g, p.n);
    k.copy(dNew, p.dh, p.n);
    k.axpy(dNew, -1, dOld, p.n);
    k.copy(dg, old, p.n);
    k.axpy(dg, -1, fresh, p.n);
    k.multiply(dg, p.dh, p.n);
  },
};
