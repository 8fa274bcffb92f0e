export { Arena, type ArenaOptions, type Bank, type Region } from "./arena.ts";
export type { Arithmetic, Pointer, Precision } from "./kernels.ts";
export { Block, Layout, type Reals, type Slice } from "./layout.ts";
export { type Backend, type Kernels, openKernels } from "./open.ts";
export { referenceArithmetic } from "./reference.ts";
