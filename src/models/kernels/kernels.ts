/** The element type of networks: float32 in production, float64 where the reference serves as the specification. */
export type Precision = "float32" | "float64";

/** A byte offset into the memory that a set of kernels works on. */
export type Pointer = number;
