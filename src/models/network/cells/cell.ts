import { EddyError, printable } from "../../errors.ts";
import type { Kernels } from "../../kernels/open.ts";

/**
 * Where one node stands at one step: byte pointers to its vectors, filled in by the engine. Letters as in the kernels:
 * z preactivation [blocks × n], h hidden state [n], s further state [states × n], d… gradients of the loss.
 */
export interface Place {
  /** Units. */
  n: number;
  /** Bytes of one vector of n: block k of z begins at z + k * block. */
  block: number;
  /** Time since the previous step, in usual steps. */
  dt: number;
  z: number;
  h: number;
  hPrevious: number;
  s: number;
  sPrevious: number;
  /** Vectors that `forward` leaves for `backward`. */
  cache: number;
  /** Learned vectors of the cell, one after the other, and their gradients, which `backward` adds to. */
  vectors: number;
  dVectors: number;
  /** Constants of the cell. */
  constants: number;
  dz: number;
  dh: number;
  dhPrevious: number;
  /** Gradient that reaches s from later; `backward` replaces it by the gradient by s(t-1). */
  ds: number;
  /** Vectors that nobody remembers. */
  temporary: number;
}

/**
 * A unit type. `forward` makes h and s from z and what was; `backward` makes dz (overwritten), ds (replaced) and adds
 * to dhPrevious and dVectors. Registered once, it can be named by any wiring and is walked by the contract suite.
 */
export interface Cell<Settings = unknown> {
  readonly name: string;
  /** Blocks of z in the order of columns; for a weightless cell its inputs, one edge each, in order. */
  readonly blocks: readonly string[];
  /** Edges carry values as they are: edge k is copied into block k. */
  readonly weightless?: boolean;
  /** h is computed where z stands. */
  readonly inPlace?: boolean;
  /** Vectors carried from step to step besides h. */
  readonly states?: number;
  readonly caches?: number;
  readonly temporaries?: number;
  /** Names of learned vectors besides weights and bias; `vector` says how one begins. */
  vectors?(settings: Settings): readonly string[];
  vector?(settings: Settings, name: string, n: number): Float64Array;
  /** Numbers that never change, as many vectors of n as the cell reads. */
  constants?(settings: Settings, n: number): Float64Array;
  /** First block and number of blocks that an edge feeds; `own`: it comes from this very node. Default: all. */
  feeds?(own: boolean): readonly [first: number, count: number];
  /** How the bias of a block begins; default zero. */
  bias?(settings: Settings, block: number, n: number, random: () => number): Float64Array | undefined;
  /** Settings besides the defaults that the contract suite shall try. */
  readonly examples?: readonly Readonly<Record<string, unknown>>[];
  /** Checks what the wiring says and fills in defaults. @throws EddyError `bad-model`. */
  settings?(given: Readonly<Record<string, unknown>>, n: number): Settings;
  forward(kernels: Kernels, place: Place, settings: Settings): void;
  backward(kernels: Kernels, place: Place, settings: Settings): void;
}

/** For cells without settings: refuses any. */
export function noSettings(given: Readonly<Record<string, unknown>>): Record<string, never> {
  onlySettings(given, []);
  return {};
}

/** Refuses settings a cell does not know. */
export function onlySettings(given: Readonly<Record<string, unknown>>, known: readonly string[]): void {
  for (const key of Object.keys(given)) {
    if (!known.includes(key)) {
      throw new EddyError("bad-model", `setting ${key}`, {
        expected: known.length ? `one of ${known.join(", ")}` : "no settings",
        received: printable(given[key]),
      });
    }
  }
}
