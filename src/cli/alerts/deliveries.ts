import { text, whole, word } from "../../models/kinds.ts";
import type { DeliveriesAnswer } from "../../protocol/http/delivery.ts";
import { defineCommand } from "../command.ts";
import { flag } from "../flags.ts";
import { asJson, pages, serverFlags, tableOf } from "./ask.ts";

export const command = defineCommand({
  name: "alerts deliveries",
  summary: "what receivers have still to be told, are reminded of, or could not be told",
  description:
    "States: waiting, still to be told; reminded, told and told again from time to time; dead, given up after a day or ten refusals, " +
    "to be sent again by eddy alerts retry.",
  stray: "the server is named by --url",
  flags: {
    state: flag(word(["waiting", "reminded", "dead"]), "only those"),
    receiver: flag(text("the name of a receiver", "NAME"), "only those of one receiver"),
    limit: flag(whole(1, 1_000_000), "so many at most, the newest first", 100),
    ...serverFlags,
  },
  examples: ["eddy alerts deliveries --state dead"],
  async run({ flags: { url, token, json, limit, state, receiver }, world }) {
    const query = { state, receiver };
    const found = await pages({ world, url, token }, "/v1/alerts/deliveries", query, "deliveries", limit);
    if (json) await world.stdout.write(asJson(found));
    else {
      const rows = (found as DeliveriesAnswer["deliveries"]).map(
        ({ id, receiver, state, attempts, error, transition }) => [
          id,
          receiver,
          state,
          attempts,
          transition.rule,
          transition.state,
          transition.summary,
          error,
        ],
      );
      const heading = ["id", "receiver", "state", "attempts", "rule", "alert", "summary", "error"];
      await world.stdout.write(tableOf(heading, rows, "There are none: everybody has been told."));
    }
    return 0;
  },
});
