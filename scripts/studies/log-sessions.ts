import { readFileSync } from "node:fs";
import { Sessions } from "../../src/models/events/sessions.ts";
import { Arena } from "../../src/models/kernels/arena.ts";
import { Layout } from "../../src/models/kernels/layout.ts";
import { seeded } from "../../src/models/network/seeded.ts";
import { messageOf } from "../../src/streams/logs/header.ts";
import { TemplateMiner } from "../../src/streams/logs/templates.ts";

/**
 * How well a session with an event too many or too few is told from a real one.
 *
 *     node --import tsx scripts/studies/log-sessions.ts FILE.log REGEX [SEED]
 *
 * The first half of the sessions is learned from as it comes; of the second half each is scored as it is, with one event repeated, and
 * with one left out (of those with two at least). Printed: the area under the curve, that is the share of pairs in which the changed
 * session is the less likely one; pairs are all changed against all real ones.
 */
const [file, expression, seed = "1"] = process.argv.slice(2);
const key = new RegExp(expression);
const miner = new TemplateMiner();
const sessions = new Map<string, number[]>();
for (const line of readFileSync(file, "latin1").split(/\r?\n/)) {
  const match = key.exec(line);
  if (match === null) continue;
  const name = match[1] ?? match[0];
  const events = sessions.get(name) ?? [];
  sessions.set(name, events);
  events.push(miner.add(messageOf(line)).template.id);
}
const all = [...sessions.values()];
const half = all.length >> 1;
const layout = new Layout(new Arena());
const model = new Sessions(layout, { open: 2 ** 15 });
layout.allocate();
all.slice(0, half).forEach((events, i) => {
  for (const event of events) model.step(i + 1, ~i, event);
});
model.end();
const random = seeded(Number(seed), "sessions");
const real = all.slice(half);
const scores = (changed: readonly (readonly number[])[]) => changed.map((events) => model.score(events));
const place = (events: readonly number[]) => Math.floor(random() * events.length);
const repeated = real.map((events) => {
  const i = place(events);
  return [...events.slice(0, i + 1), events[i], ...events.slice(i + 1)];
});
const long = real.filter(({ length }) => length > 1);
const deleted = long.map((events) => events.toSpliced(place(events), 1));

function area(odd: readonly number[], usual: readonly number[]): number {
  let won = 0;
  for (const x of odd) for (const y of usual) won += x > y ? 1 : x === y ? 0.5 : 0;
  return won / (odd.length * usual.length);
}
const lengths = real.map(({ length }) => length).sort((a, b) => a - b);
console.log(
  `${all.length} sessions, of ${lengths[0]} to ${lengths.at(-1)} events, the middle one ${lengths[lengths.length >> 1]}`,
);
console.log(`repeated: ${area(scores(repeated), scores(real)).toFixed(3)} (${repeated.length})`);
if (deleted.length > 0) {
  console.log(
    `left out: ${area(scores(deleted), scores(long)).toFixed(3)} (${deleted.length}, against those of two events at least)`,
  );
}
