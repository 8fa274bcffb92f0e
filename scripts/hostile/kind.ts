import type { Random } from "./random.ts";
import type { Target } from "./target.ts";

/** What inputs of one kind came to, beside what the watch sees of the server. */
export interface Outcome {
  inputs: number;
  /** Inputs without the token that were answered as if they had it. */
  letIn: number;
  /** What must not be, in words. */
  readonly wrong: string[];
}

/** Hostile inputs of one kind. */
export interface Kind {
  readonly name: string;
  /** Share of all inputs that are of this kind, against the others. */
  readonly weight: number;
  run(target: Target, random: Random, inputs: number, outcome: Outcome): Promise<void>;
}

/** Calls `each` for every input, `together` of them at a time. */
export async function inputs(
  count: number,
  outcome: Outcome,
  each: (i: number) => Promise<void>,
  together = 4,
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(together, count) }, async () => {
      while (next < count) {
        await each(next++);
        outcome.inputs++;
      }
    }),
  );
}
