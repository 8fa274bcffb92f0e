import { defineCommand } from "../command.ts";
import { asJson, ask, serverFlags } from "./ask.ts";

export const command = defineCommand({
  name: "alerts show",
  summary: "one rule of a server, and what is pending or firing of it",
  operand: { name: "NAME", summary: "the name of a rule" },
  flags: serverFlags,
  examples: ["eddy alerts show disk-full --json > rule.json"],
  async run({ flags: { url, token, json }, operand, world }) {
    const answer = await ask({ world, url, token }, "GET", `/v1/alerts/${encodeURIComponent(operand)}`);
    await world.stdout.write(json ? asJson(answer) : `${JSON.stringify(answer, null, 2)}\n`);
    return 0;
  },
});
