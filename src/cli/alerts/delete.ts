import { defineCommand } from "../command.ts";
import { asJson, ask, serverFlags } from "./ask.ts";

export const command = defineCommand({
  name: "alerts delete",
  summary: "takes a rule from a server; alerts of it that fire end",
  operand: { name: "NAME", summary: "the name of a rule" },
  flags: serverFlags,
  async run({ flags: { url, token, json }, operand, world }) {
    await ask({ world, url, token }, "DELETE", `/v1/alerts/${encodeURIComponent(operand)}`);
    await world.stdout.write(json ? asJson({ deleted: operand }) : `${operand} is gone\n`);
    return 0;
  },
});
