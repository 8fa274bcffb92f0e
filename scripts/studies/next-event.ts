import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { NextEvent } from "../../src/models/events/next-event.ts";
import { Arena } from "../../src/models/kernels/arena.ts";
import { Layout } from "../../src/models/kernels/layout.ts";
import { messageOf } from "../../src/streams/logs/header.ts";
import { TemplateMiner } from "../../src/streams/logs/templates.ts";

/**
 * The next event in one pass: mean nats per line of every forecaster and of their mixture.
 *
 *     node --import tsx scripts/studies/next-event.ts FOLDER [--truth] [--top]
 *
 * FOLDER holds NAME.log, one line an event; --truth takes the events of NAME.log_structured.csv instead of mined templates.
 * The plain counts beside it: additive smoothing (0.01 to 1, the best of them afterwards) over the symbols met so far and one for new ones.
 */
const [folder, ...rest] = process.argv.slice(2);
for (const file of readdirSync(folder).filter((name) => name.endsWith(".log"))) {
  let symbols: number[];
  if (rest.includes("--truth")) {
    const rows = parse(readFileSync(join(folder, `${file}_structured.csv`), "latin1"), {
      columns: true,
    }) as Record<string, string>[];
    const ids = new Map<string, number>();
    symbols = rows.map(({ EventId }) => {
      if (!ids.has(EventId)) ids.set(EventId, ids.size + 1);
      return ids.get(EventId) as number;
    });
  } else {
    const miner = new TemplateMiner();
    symbols = readFileSync(join(folder, file), "latin1")
      .split(/\r?\n/)
      .filter((line) => line !== "")
      .map((line) => miner.add(messageOf(line)).template.id);
  }
  const layout = new Layout(new Arena());
  const next = new NextEvent(layout);
  layout.allocate();
  const names = next.forecasters;
  const sums = new Float64Array(names.length);
  let mixed = 0;
  let top1 = 0;
  let top5 = 0;
  const ps: number[] = [];
  const start = process.hrtime.bigint();
  let spent = 0n;
  for (const symbol of symbols) {
    const began = process.hrtime.bigint();
    if (rest.includes("--top")) {
      const best = next.likeliest(5).map((each) => each.symbol);
      if (best[0] === symbol) top1++;
      if (best.includes(symbol)) top5++;
    }
    spent += process.hrtime.bigint() - began;
    const each = next.probabilities(symbol);
    each.forEach((p, k) => {
      sums[k] -= Math.log(p);
    });
    const { nats, surprise } = next.step(symbol);
    mixed += nats;
    ps.push(surprise);
  }
  const micro = Number(process.hrtime.bigint() - start - spent) / 1e3 / symbols.length;
  const n = symbols.length;
  const plain = [0, 1, 2].map((order) => {
    let best = Number.POSITIVE_INFINITY;
    for (const alpha of [0.01, 0.03, 0.1, 0.3, 1]) {
      const counts = new Map<string, number>();
      const known = new Set<number>();
      let loss = 0;
      symbols.forEach((symbol, t) => {
        const c = symbols.slice(Math.max(0, t - order), t).join(" ");
        const s = known.has(symbol) ? symbol : -1;
        const total = counts.get(c) ?? 0;
        const own = counts.get(`${c}>${s}`) ?? 0;
        loss -= Math.log((own + alpha) / (total + alpha * (known.size + 1)));
        counts.set(c, total + 1);
        counts.set(`${c}>${s}`, own + 1);
        if (s === -1) {
          known.add(symbol);
        }
      });
      best = Math.min(best, loss / n);
    }
    return best;
  });
  const share = (limit: number) => ps.filter((p) => p <= limit).length / n;
  console.log(
    `${file}: mixture ${(mixed / n).toFixed(4)}  best of plain counts ${Math.min(...plain).toFixed(4)} (${plain.map((x) => x.toFixed(3)).join(" ")})`,
  );
  console.log(`  ${names.map((name, k) => `${name} ${(sums[k] / n).toFixed(3)}`).join("  ")}`);
  console.log(
    `  alarms at .01 ${share(0.01).toFixed(4)}  at .001 ${share(0.001).toFixed(4)}  ${micro.toFixed(0)} us/event${rest.includes("--top") ? `  top-1 ${(top1 / n).toFixed(3)}  top-5 ${(top5 / n).toFixed(3)}` : ""}`,
  );
}
