import type { AlertsAnswer } from "../../protocol/http/alerts.ts";
import { defineCommand } from "../command.ts";
import { asJson, ask, serverFlags, tableOf } from "./ask.ts";
import { conditionWords } from "./words.ts";

export const command = defineCommand({
  name: "alerts list",
  summary: "rules for alerts of a server, and what is pending or firing",
  stray: "one rule is told by eddy alerts show NAME",
  flags: serverFlags,
  examples: ["eddy alerts list --url http://127.0.0.1:8787"],
  async run({ flags: { url, token, json }, world }) {
    const answer = (await ask({ world, url, token }, "GET", "/v1/alerts")) as AlertsAnswer;
    if (json) {
      await world.stdout.write(asJson(answer));
      return 0;
    }
    const { rules, alerts } = answer;
    const rows = rules.map((rule) => [
      rule.name,
      rule.series,
      conditionWords(rule.when),
      rule.severity ?? "warning",
      rule.to?.join(","),
      rule.from,
    ]);
    await world.stdout.write(
      tableOf(["rule", "series", "when", "severity", "to", "from"], rows, "There are no rules."),
    );
    const active = alerts.map(({ state, rule, series, target, since, summary }) => [
      state,
      rule,
      series,
      target,
      since,
      summary,
    ]);
    await world.stdout.write(
      `\n${tableOf(["state", "rule", "series", "target", "since", "summary"], active, "Nothing is pending or firing.")}`,
    );
    return 0;
  },
});
