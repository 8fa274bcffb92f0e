import type { Cell } from "../../../src/models/network/cells/cell.ts";
import { registerCell } from "../../../src/models/network/cells/registry.ts";

/** A cell that exists nowhere else: h = h(t-1) / 2 + σ(z) tanh(z'). One file, one registration. */
export const rungCell: Cell = {
  name: "rung",
  blocks: ["gate", "value"],
  forward(k, p) {
    k.sigmoid(p.z, p.z, p.n);
    k.tanh(p.z + p.block, p.z + p.block, p.n);
    k.copy(p.h, p.z, p.n);
    k.multiply(p.h, p.z + p.block, p.n);
    k.axpy(p.h, 0.5, p.hPrevious, p.n);
  },
  backward(k, p) {
    k.copy(p.dz, p.dh, p.n);
    k.multiply(p.dz, p.z + p.block, p.n);
    k.sigmoidBackward(p.dz, p.dz, p.z, p.n);
    k.copy(p.dz + p.block, p.dh, p.n);
    k.multiply(p.dz + p.block, p.z, p.n);
    k.tanhBackward(p.dz + p.block, p.dz + p.block, p.z + p.block, p.n);
    k.axpy(p.dhPrevious, 0.5, p.dh, p.n);
  },
};

registerCell(rungCell);
