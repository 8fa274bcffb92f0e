/** Which implementation of the kernels: AssemblyScript SIMD (float32), or the plain reference in either precision. */
export type Backend = "wasm" | "reference32" | "reference64";

/** The kernels over one memory. */
export interface Kernels {
  readonly backend: Backend;
  readonly buffer: ArrayBufferLike;
  /** Bytes at the start of the memory that belong to the kernels themselves. */
  readonly reservedBytes: number;
}

/** Opens kernels over a new memory of a fixed size. */
export function openKernels(backend: Backend, byteLength: number): Kernels {
  return { backend, buffer: new ArrayBuffer(byteLength), reservedBytes: 0 };
}
