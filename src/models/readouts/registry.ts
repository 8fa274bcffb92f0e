import { EddyError } from "../errors.ts";
import { combined } from "./combined.ts";
import { endOfSequence } from "./end-of-sequence.ts";
import { gaussian } from "./gaussian.ts";
import { huber } from "./huber.ts";
import { poisson } from "./poisson.ts";
import { quantiles } from "./quantile.ts";
import type { Readout } from "./readout.ts";
import { categories } from "./softmax.ts";
import { squared } from "./squared.ts";

/** Makes a readout for `targets` numbers (categories for softmax); the contract suite also calls it with nothing. */
export type ReadoutMaker = (targets?: number) => Readout;

const makers = new Map<string, ReadoutMaker>([
  ["squared", (targets) => squared(targets)],
  ["huber", (targets) => huber(targets)],
  ["softmax", (n) => categories(n)],
  ["gaussian", (targets) => gaussian(targets)],
  ["quantile", (targets) => quantiles(targets)],
  ["end-of-sequence", (targets) => endOfSequence(targets)],
  ["poisson", (targets) => poisson(targets)],
  ["squared+end-of-sequence", (targets) => combined(squared(targets), endOfSequence())],
]);

/** Adds a readout to those that networks may name and that the contract suite walks. @throws EddyError `bad-argument` when the name is taken. */
export function registerReadout(name: string, make: ReadoutMaker): void {
  if (makers.has(name)) {
    throw new EddyError("bad-argument", "readout", { expected: "a name that is not taken", received: name });
  }
  makers.set(name, make);
}

/** The names of all registered readouts, in the order of their registration. */
export function readoutNames(): string[] {
  return [...makers.keys()];
}

/** The readout registered under `name`. @throws EddyError `bad-model` for a name that is not registered. */
export function makeReadout(name: string, targets?: number): Readout {
  const make = makers.get(name);
  if (!make) {
    throw new EddyError("bad-model", "readout", {
      expected: `one of ${readoutNames().join(", ")}`,
      received: name,
    });
  }
  return make(targets);
}
