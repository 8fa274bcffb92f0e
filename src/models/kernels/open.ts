import type { Arithmetic } from "./kernels.ts";
import { referenceArithmetic } from "./reference.ts";
import { WASM_BASE64 } from "./wasm.generated.ts";

/** Which implementation of the kernels: AssemblyScript SIMD (float32), or the plain reference in either precision. */
export type Backend = "wasm" | "reference32" | "reference64";

/** The kernels over one memory. */
export interface Kernels extends Arithmetic {
  readonly backend: Backend;
  readonly buffer: ArrayBufferLike;
  /** Bytes at the start of the memory that belong to the kernels themselves. */
  readonly reservedBytes: number;
}

/** What is used of WebAssembly; the types of Node do not declare it. */
interface WebAssemblyApi {
  Module: new (bytes: Uint8Array) => object;
  Memory: new (limits: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

const PAGE = 65_536;
/** Pointer 0 stays unused, so that a pointer nobody has bound cannot hit a model. The module itself needs no memory. */
const RESERVED = 1024;

let compiled: object | undefined;

/** Opens kernels over a new memory of a fixed size. The module is compiled once and instantiated per memory. */
export function openKernels(backend: Backend, byteLength: number): Kernels {
  if (backend !== "wasm") {
    const buffer = new ArrayBuffer(Math.ceil(byteLength / 8) * 8);
    const precision = backend === "reference64" ? "float64" : "float32";
    return { backend, buffer, reservedBytes: RESERVED, ...referenceArithmetic(buffer, precision) };
  }
  const { Module, Memory, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
  compiled ??= new Module(Uint8Array.from(atob(WASM_BASE64), (character) => character.charCodeAt(0)));
  const pages = Math.ceil(byteLength / PAGE);
  const memory = new Memory({ initial: pages, maximum: pages });
  const arithmetic = new Instance(compiled, { env: { memory } }).exports as Arithmetic;
  return { backend, buffer: memory.buffer, reservedBytes: RESERVED, ...arithmetic };
}
