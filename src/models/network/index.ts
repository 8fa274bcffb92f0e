export type { Cell, Place } from "./cells/cell.ts";
export { cellNamed, cellNames, registerCell } from "./cells/registry.ts";
export type { Initial } from "./initial.ts";
export { LiveNetwork, type LiveOptions } from "./live.ts";
export { Network, type Tensor } from "./network.ts";
export {
  clockwork,
  deep,
  elman,
  esn,
  gru,
  leaky,
  lstm,
  skip,
} from "./systems.ts";
export { canonical, type Edge, hashWiring, type Node, printWiring, type Wiring } from "./wiring.ts";
