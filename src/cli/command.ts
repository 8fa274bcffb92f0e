import type { Kind } from "../models/kinds.ts";
import type { World } from "./world.ts";

/** 0 done, 1 failed, 2 wrong usage. */
export type ExitCode = 0 | 1 | 2;

/** One `--flag`. */
export interface Flag<T> {
  // biome-ignore lint/suspicious/noExplicitAny: a flag that may be absent is of the kind of its value
  readonly kind: Kind<any>;
  readonly summary: string;
  /** The value when the flag is absent. */
  readonly fallback: T;
}

// biome-ignore lint/suspicious/noExplicitAny: a table of flags of any type
export type Flags = Readonly<Record<string, Flag<any>>>;

export type Values<F extends Flags> = {
  readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never;
};

export interface Operand {
  readonly name: string;
  readonly summary: string;
}

export interface Invocation<F extends Flags> {
  readonly flags: Values<F>;
  /** What the command works on, as it was typed; empty for a command that takes none. */
  readonly operand: string;
  /** The second operand, or what stands for it; empty for a command that takes none. */
  readonly second: string;
  readonly world: World;
}

/** A command as data. `run` does its work in the world it is given and returns the exit code. */
export interface Command<F extends Flags = Flags> {
  readonly name: string;
  readonly summary: string;
  /** A paragraph for `--help`: what goes in, what comes out. */
  readonly description?: string;
  readonly operand?: Operand;
  /** Beside it, and what stands for it when it is not given. */
  readonly second?: Operand & { readonly fallback: string };
  /** What somebody wanted who gives it one operand too many. */
  readonly stray?: string;
  readonly flags: F;
  readonly examples?: readonly string[];
  run(invocation: Invocation<F>): Promise<ExitCode>;
}

/** Keeps the types of the flags. */
export const defineCommand = <const F extends Flags>(command: Command<F>): Command<F> => command;
