import { Arena } from "../../models/kernels/arena.ts";

let shared: Arena | undefined;

/**
 * Memory for the models of all operators. Every subscription takes blocks of its own and gives them back when it ends; only
 * the pool is common, since each WebAssembly memory reserves address space.
 */
export function operatorArena(): Arena {
  shared ??= new Arena();
  return shared;
}
