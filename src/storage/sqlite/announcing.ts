import { transitionInWords } from "../../models/alert.ts";
import type { Outbox } from "../outbox.ts";
import type { AlertChanges } from "../store.ts";

/** Within the transaction of the transitions: whoever is to be told of them has that in the outbox. */
export function announce({ transitions }: AlertChanges, outbox: Outbox): void {
  for (const { transition, lane } of transitions) {
    const { rule, series, target, state, to } = transition;
    const subject = JSON.stringify([rule, series, target]);
    outbox.add({ lane, subject, state, to, text: JSON.stringify(transitionInWords(transition)) });
  }
}
