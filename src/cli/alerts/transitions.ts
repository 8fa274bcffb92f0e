import { whole } from "../../models/kinds.ts";
import { defineCommand } from "../command.ts";
import { flag } from "../flags.ts";
import { asJson, pages, serverFlags, tableOf } from "./ask.ts";

export const command = defineCommand({
  name: "alerts transitions",
  summary: "what has begun to fire and what has ended, the newest first",
  stray: "the server is named by --url",
  flags: { limit: flag(whole(1, 1_000_000), "so many at most", 100), ...serverFlags },
  examples: ["eddy alerts transitions --limit 1000 --json | jq '.[].summary'"],
  async run({ flags: { url, token, json, limit }, world }) {
    const found = await pages({ world, url, token }, "/v1/alerts/transitions", {}, "transitions", limit);
    if (json) await world.stdout.write(asJson(found));
    else {
      const rows = (found as Readonly<Record<string, unknown>>[]).map(
        ({ time, state, rule, series, target, summary }) => [time, state, rule, series, target, summary],
      );
      const heading = ["time", "state", "rule", "series", "target", "summary"];
      await world.stdout.write(tableOf(heading, rows, "Nothing has fired yet."));
    }
    return 0;
  },
});
