import type { ReceiversAnswer } from "../../protocol/http/delivery.ts";
import { defineCommand } from "../command.ts";
import { asJson, ask, serverFlags, tableOf } from "./ask.ts";

export const command = defineCommand({
  name: "alerts receivers",
  summary: "who is told of alerts, and whether they could be reached",
  stray: "the server is named by --url",
  flags: serverFlags,
  async run({ flags: { url, token, json }, world }) {
    const answer = (await ask({ world, url, token }, "GET", "/v1/alerts/receivers")) as ReceiversAnswer;
    if (json) await world.stdout.write(asJson(answer));
    else {
      const rows = answer.receivers.map((one) => [
        one.name,
        one.kind,
        one.reached === null ? "not yet tried" : one.reached ? "yes" : "no",
        one.told,
        one.waiting,
        one.reminded,
        one.dead,
        one.lastTold,
        one.lastError === null ? null : `${one.lastError.time} ${one.lastError.message}`,
      ]);
      const heading = [
        "receiver",
        "kind",
        "reached",
        "told",
        "waiting",
        "reminded",
        "dead",
        "last told",
        "last error",
      ];
      await world.stdout.write(tableOf(heading, rows, "There are none in the configuration."));
    }
    return 0;
  },
});
