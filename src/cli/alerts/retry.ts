import { EddyError, printable } from "../../models/errors.ts";
import { text } from "../../models/kinds.ts";
import { defineCommand } from "../command.ts";
import { flag } from "../flags.ts";
import { asJson, ask, serverFlags } from "./ask.ts";

export const command = defineCommand({
  name: "alerts retry",
  summary: "sends again what was given up: one delivery, or all of them",
  operand: { name: "ID", summary: "the id of a dead delivery, as eddy alerts deliveries tells it, or all" },
  flags: {
    receiver: flag(text("the name of a receiver", "NAME"), "with all: only those of one receiver"),
    ...serverFlags,
  },
  examples: ["eddy alerts retry 17", "eddy alerts retry all --receiver ops"],
  async run({ flags: { url, token, json, receiver }, operand, world }) {
    if (operand !== "all" && !/^\d{1,15}$/.test(operand)) {
      throw new EddyError("bad-argument", "ID", {
        expected: "a number, or all",
        received: printable(operand),
      });
    }
    if (operand !== "all" && receiver !== undefined) {
      throw new EddyError("bad-argument", "--receiver", { problem: "only beside all" });
    }
    const query = receiver === undefined ? "" : `?${new URLSearchParams({ receiver })}`;
    const path =
      operand === "all" ? `/v1/alerts/deliveries/retry${query}` : `/v1/alerts/deliveries/${operand}/retry`;
    const answer = (await ask({ world, url, token }, "POST", path)) as { retried: number };
    await world.stdout.write(json ? asJson(answer) : `${answer.retried} will be sent again\n`);
    return 0;
  },
});
