import type { World } from "./world.ts";

/** 0 done, 1 failed, 2 wrong usage. */
export type ExitCode = 0 | 1 | 2;

/** One `--flag`. Without a `hint` it is a switch and takes no value. */
export interface Flag<T> {
  readonly summary: string;
  /** What stands for the value in the help, such as `N`. */
  readonly hint?: string;
  /** The value when the flag is absent. */
  readonly fallback: T;
  /** What it means without a value; absent when it needs one. */
  readonly alone?: string;
  /** Whether it may be given more than once. */
  readonly repeats?: boolean;
  /** Reads one value; `name` is the flag with its dashes. Throws EddyError `bad-argument`. */
  parse(text: string, name: string, before: T): T;
}

// biome-ignore lint/suspicious/noExplicitAny: a table of flags of any type
export type Flags = Readonly<Record<string, Flag<any>>>;

export type Values<F extends Flags> = {
  readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never;
};

export interface Operand {
  readonly name: string;
  readonly summary: string;
  readonly optional?: boolean;
}

export interface Invocation<F extends Flags> {
  readonly flags: Values<F>;
  readonly operands: readonly string[];
  readonly world: World;
}

/** A command as data. `run` does its work in the world it is given and returns the exit code. */
export interface Command<F extends Flags = Flags> {
  readonly name: string;
  readonly summary: string;
  /** A paragraph for `--help`: what goes in, what comes out. */
  readonly description?: string;
  readonly operands?: readonly Operand[];
  /** What somebody wanted who gives it one operand too many. */
  readonly stray?: string;
  readonly flags: F;
  readonly examples?: readonly string[];
  run(invocation: Invocation<F>): Promise<ExitCode>;
}

/** Keeps the types of the flags. */
export const defineCommand = <const F extends Flags>(command: Command<F>): Command<F> => command;
