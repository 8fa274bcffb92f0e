import { EddyError, printable } from "../../models/errors.ts";
import { parseJson } from "../../streams/json.ts";
import { fileError } from "../../streams/sources/open-file.ts";
import { defineCommand } from "../command.ts";
import type { World } from "../world.ts";
import { asJson, ask, serverFlags } from "./ask.ts";

export const command = defineCommand({
  name: "alerts put",
  summary: "gives a server a rule for alerts, or several, new or changed",
  description:
    "FILE holds one rule as a JSON object, or a list of them; docs/alerts.md tells what a rule is. Each is kept under its name. Where one " +
    "of several is refused the ones before it are in force.",
  operand: { name: "FILE", summary: "a file of rules, or - for standard input" },
  flags: serverFlags,
  examples: [
    "eddy alerts put disk-full.json",
    "eddy alerts show disk-full --json | jq '.hold = 5' | eddy alerts put -",
  ],
  async run({ flags: { url, token, json }, operand, world }) {
    const read = parseJson(await textOf(world, operand), "bad-file", operand === "-" ? "stdin" : operand);
    const rules: unknown[] = Array.isArray(read) ? read : [read];
    const answers: unknown[] = [];
    for (const [i, rule] of rules.entries()) {
      const { name } = (typeof rule === "object" && rule !== null ? rule : {}) as { name?: unknown };
      if (typeof name !== "string" || name === "") {
        throw new EddyError("bad-file", `${operand}: ${Array.isArray(read) ? `${i}.name` : "name"}`, {
          expected: "the name of a rule",
          received: printable(name),
        });
      }
      const path = `/v1/alerts/${encodeURIComponent(name)}`;
      answers.push(await ask({ world, url, token }, "PUT", path, JSON.stringify(rule)));
      if (!json) await world.stdout.write(`${name} is in force\n`);
    }
    if (json) await world.stdout.write(asJson(Array.isArray(read) ? answers : answers[0]));
    return 0;
  },
});

async function textOf(world: World, operand: string): Promise<string> {
  if (operand === "-") {
    const chunks: Buffer[] = [];
    for await (const chunk of world.stdin) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString("utf8");
  }
  try {
    return world.fs.readFileSync(operand, "utf8");
  } catch (cause) {
    throw fileError(operand, cause);
  }
}
