import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { messageOf } from "../../src/streams/logs/header.ts";
import { TemplateMiner } from "../../src/streams/logs/templates.ts";

/**
 * Templates against ground truth, as LogHub-2.0 defines the figures. FOLDER holds pairs NAME.log and NAME.log_structured.csv with the
 * columns EventId and EventTemplate.
 *
 *     node --import tsx scripts/studies/log-templates.ts FOLDER [--content] [--show NAME]
 *
 * GA: share of lines in groups that hold exactly the lines of a true one. FGA: F1 of such groups. PA: share of lines whose
 * template reads as the true one; FTA: F1 of templates that group and read right. Templates are compared after the usual
 * putting in order of both sides (runs of slots and marks between slots are one slot, tokens of digits are slots). "As printed": by
 * the ids that the lines had when they were read; "merged": after the merges that were told.
 */
const [folder, ...rest] = process.argv.slice(2);
const shown = rest.includes("--show") ? rest[rest.indexOf("--show") + 1] : undefined;

/** Both sides put in order: Khan et al. 2022. */
export function inOrder(template: string): string {
  let text = template.replace(/\s+/g, " ").trim();
  text = text
    .split(/([\s,;:=|"'[\](){}<>]+(?<!<)(?!\*>))/)
    .map((token) =>
      /^[+-]?\d+$/.test(token) || /^(?:true|false)$/i.test(token) || /^\/[^\s/]+(?:\/[^\s/]*)+$/.test(token)
        ? "<*>"
        : token,
    )
    .join("");
  for (let before = ""; before !== text; ) {
    before = text;
    text = text
      .replace(/<\*>(?:[.:,/_-]?<\*>)+/g, "<*>")
      .replace(/#<\*>/g, "<*>")
      .replace(/[^\s,:;='"()[\]{}|]*[^\s,:;='"()[\]{}|<>]<\*>[^\s,;='"()[\]{}|:]*/g, "<*>")
      .replace(/<\*>[^\s,:;='"()[\]{}|<>]+/g, "<*>")
      .replace(/<\*>(?: <\*>)+/g, "<*>");
  }
  return text;
}

function score(
  ids: readonly number[],
  patterns: readonly string[],
  events: readonly string[],
  truths: readonly string[],
) {
  const of = (keys: readonly (number | string)[]) => {
    const groups = new Map<number | string, number[]>();
    keys.forEach((key, i) => {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [i]);
      else group.push(i);
    });
    return groups;
  };
  const found = of(ids);
  const wanted = of(events);
  const right = new Map<number | string, number[]>();
  for (const [id, lines] of found) {
    const want = wanted.get(events[lines[0]]) as number[];
    if (want.length === lines.length && want.every((line, i) => line === lines[i])) right.set(id, lines);
  }
  const lines = [...right.values()].reduce((sum, group) => sum + group.length, 0);
  const f1 = (correct: number) => (2 * correct) / (found.size + wanted.size);
  const reads = (i: number) => inOrder(patterns[i]) === inOrder(truths[i]);
  return {
    GA: lines / ids.length,
    FGA: f1(right.size),
    PA: ids.filter((_, i) => reads(i)).length / ids.length,
    FTA: f1([...right.values()].filter(([i]) => reads(i)).length),
    found: found.size,
    true: wanted.size,
  };
}

const total = { GA: 0, FGA: 0, PA: 0, FTA: 0 };
const names = readdirSync(folder)
  .filter((name) => name.endsWith(".log"))
  .map((name) => name.slice(0, -4));
for (const name of names) {
  const lines = readFileSync(join(folder, `${name}.log`), "latin1")
    .split(/\r?\n/)
    .filter((line) => line !== "");
  const rows = parse(readFileSync(join(folder, `${name}.log_structured.csv`), "latin1"), {
    columns: true,
  }) as Record<string, string>[];
  const miner = new TemplateMiner();
  const into = new Map<number, number>();
  const ids: number[] = [];
  const printed: string[] = [];
  let headers = 0;
  rows.forEach((row, i) => {
    const message = rest.includes("--content") ? row.Content : messageOf(lines[i]);
    if (message.trim() === row.Content.trim()) headers++;
    else if (shown === name && headers > i - 5) console.log(`header: ${message} | ${row.Content}`);
    const { template, merged } = miner.add(message);
    for (const id of merged) into.set(id, template.id);
    ids.push(template.id);
    printed.push(template.pattern);
  });
  const last = (id: number): number => (into.has(id) ? last(into.get(id) as number) : id);
  const finals = ids.map(last);
  const patterns = finals.map((id) => miner.template(id)?.pattern ?? "");
  const events = rows.map(({ EventId }) => EventId);
  const truths = rows.map(({ EventTemplate }) => EventTemplate);
  const asPrinted = score(ids, printed, events, truths);
  const merged = score(finals, patterns, events, truths);
  const tell = (what: object) =>
    Object.entries(what)
      .map(([key, value]) => `${key} ${Number.isInteger(value) ? value : (value as number).toFixed(3)}`)
      .join("  ");
  console.log(
    `${name}: header ${headers}/${rows.length}\n  as printed  ${tell(asPrinted)}\n  merged      ${tell(merged)}`,
  );
  for (const key of ["GA", "FGA", "PA", "FTA"] as const) total[key] += merged[key] / names.length;
  if (shown === name) {
    const groups = new Map<string, Set<string>>();
    const counts = new Map<string, number>();
    events.forEach((event, i) => {
      const key = `${event} ${truths[i]}`;
      groups.set(key, (groups.get(key) ?? new Set()).add(`${ids[i]} -> ${finals[i]}: ${patterns[i]}`));
      counts.set(key, (counts.get(key) ?? 0) + 1);
    });
    const byId = new Map<number, Set<string>>();
    ids.forEach((id, i) => {
      byId.set(id, (byId.get(id) ?? new Set()).add(events[i]));
    });
    for (const [key, set] of groups) {
      const ours = [...set];
      const mixed = finals.some((id, i) => key.startsWith(`${events[i]} `) && (byId.get(id)?.size ?? 0) > 1);
      const differs =
        ours.length > 1 ||
        mixed ||
        inOrder(ours[0].replace(/^\d+ -> \d+: /, "")) !== inOrder(key.replace(/^\S+ /, ""));
      if (differs)
        console.log(
          `    ${counts.get(key)} ${key}\n        ${ours.slice(0, 6).join("\n        ")}${mixed ? "  MIXED" : ""}`,
        );
    }
  }
}
const tell = Object.entries(total)
  .map(([key, value]) => `${key} ${value.toFixed(3)}`)
  .join("  ");
console.log(`mean of ${names.length}, merged: ${tell}`);
