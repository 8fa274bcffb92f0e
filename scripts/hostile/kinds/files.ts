// What happens to a server's files and its clock. Each input has a server of its own.
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Database } from "../../../src/storage/sqlite/driver.ts";
import { inputs, type Kind, type Outcome } from "../kind.ts";
import type { Random } from "../random.ts";
import { Target } from "../target.ts";

/** Sends readings one by one. @returns how many were acknowledged */
async function send(target: Target, from: number, count: number): Promise<number> {
  let taken = 0;
  for (let n = from; n < from + count; n++) {
    const line = `{"series":"a","id":"${n}","time":${1.7e12 + 1000 * n},"value":${n}}\n`;
    const answer = await target.ask("/v1/observations", line);
    if (answer?.status === 200) taken++;
  }
  return taken;
}

/** Kills it and counts what is there at the next start; "refused" when that says what is missing. */
async function countAfterKill(target: Target): Promise<number | "refused"> {
  await target.stop("SIGKILL");
  const refusal = await target.start();
  if (refusal !== undefined) return "refused";
  const answer = await target.ask("/v1/series/a");
  await target.stop("SIGKILL");
  return answer?.status === 200 ? JSON.parse(answer.text).observations : 0;
}

/** A kind in which each input is a database in a folder of its own. */
function databases(
  name: string,
  weight: number,
  run: (folder: string, command: readonly string[], random: Random, outcome: Outcome) => Promise<void>,
): Kind {
  return {
    name,
    weight,
    async run(target, random, count, outcome) {
      await inputs(
        count,
        outcome,
        async () => {
          const folder = mkdtempSync(`${target.database}-`);
          await run(folder, target.command, random, outcome);
          rmSync(folder, { recursive: true, force: true });
        },
        1,
      );
    },
  };
}

export const links = databases(
  "two servers on one database",
  0.25,
  async (folder, command, random, outcome) => {
    const database = join(folder, "a.db");
    const first = new Target({ command, database });
    await first.start();
    let acknowledged = await send(first, 0, 8);
    mkdirSync(join(folder, "other"));
    const other = join(folder, random.pick([".", "other"]), "b.db");
    const way = random.pick(["symlink", "hard link", "no lock file", "nothing beside it", "moved"]);
    if (way === "symlink") symlinkSync(database, other);
    if (way === "hard link") linkSync(database, other);
    if (way === "no lock file" || way === "nothing beside it") rmSync(`${database}-lock`);
    if (way === "nothing beside it") rmSync(`${database}-open`, { force: true });
    if (way === "moved") renameSync(database, other);
    const second = new Target({ command, database: existsSync(other) ? other : database });
    if ((await second.start()) === undefined) {
      outcome.wrong.push(`${way}: a second server started`);
      acknowledged += await send(second, 100, 4);
      await second.stop("SIGKILL");
    }
    if (way === "moved") renameSync(other, database);
    acknowledged += await send(first, 8, 4);
    const there = await countAfterKill(first);
    if (there !== acknowledged) outcome.wrong.push(`${way}: ${acknowledged} acknowledged, ${there} there`);
  },
);

export const lostFiles = databases(
  "files lost or cut while running",
  0.25,
  async (folder, command, random, outcome) => {
    const database = join(folder, "a.db");
    const target = new Target({ command, database });
    await target.start();
    let acknowledged = await send(target, 0, random.between(1, 40));
    const ending = random.pick(["-wal", "-wal", "-wal", "-shm", ""]);
    const path = database + ending;
    const way = random.pick(["deleted", "emptied", "cut", "replaced"]);
    if (way === "emptied") truncateSync(path, 0);
    if (way === "cut") truncateSync(path, random.between(0, statSync(path).size));
    if (way === "deleted" || way === "replaced") rmSync(path);
    if (way === "replaced") writeFileSync(path, "");
    // An index that was cut cannot be read any more, by the one who has it mapped: the system ends that process.
    if (random.chance(0.5)) await wait(1000);
    acknowledged += await send(target, 100, 3);
    const there = await countAfterKill(target);
    if (there !== acknowledged && there !== "refused") {
      outcome.wrong.push(`${ending || "database"} ${way}: ${acknowledged} acknowledged, ${there} there`);
    }
  },
);

export const lostAfterKill = databases(
  "files lost or cut after a kill",
  0.25,
  async (folder, command, random, outcome) => {
    const database = join(folder, "a.db");
    const target = new Target({ command, database });
    await target.start();
    const acknowledged = await send(target, 0, random.between(1, 40));
    await target.stop("SIGKILL");
    const done: string[] = [];
    for (const ending of ["-wal", "-shm", "-open", "-lock"]) {
      const path = database + ending;
      if (!existsSync(path)) continue;
      const way = random.pick(["kept", "kept", "deleted", "emptied"]);
      if (way === "deleted") rmSync(path);
      if (way === "emptied") truncateSync(path, 0);
      done.push(`${ending} ${way}`);
    }
    const there = await countAfterKill(target);
    if (there !== acknowledged && there !== "refused") {
      outcome.wrong.push(`${done.join(", ")}: ${acknowledged} acknowledged, ${there} there`);
    }
  },
);

export const foreignWriter = databases(
  "another process holds the database",
  0.15,
  async (folder, command, _, outcome) => {
    const database = join(folder, "a.db");
    const target = new Target({ command, database });
    await target.start();
    await send(target, 0, 3);
    const foreign = new Database(database);
    foreign.exec("BEGIN IMMEDIATE");
    const seen = await target.watch(async () => {
      const answer = await target.ask("/v1/observations", '{"series":"a","value":1}\n');
      if (answer?.status !== 429) outcome.wrong.push(`intake was answered ${answer?.status}, expected 429`);
      await wait(1000);
    });
    if (seen.hangs > 0) outcome.wrong.push("health was not answered");
    foreign.exec("ROLLBACK");
    foreign.close();
    if ((await send(target, 10, 1)) !== 1) outcome.wrong.push("intake did not go on");
    await target.stop("SIGKILL");
  },
);

/** Loaded before the server: the wall clock jumps when it is told to. */
const JUMPING_CLOCK = `
const now = Date.now;
let jump = 0;
Date.now = () => now() + jump;
process.on("SIGUSR2", () => { jump = jump === 0 ? Number(process.env.HOSTILE_JUMP) : 0; });
`;

export const clocks = databases("clocks that jump", 0.15, async (folder, command, random, outcome) => {
  const database = join(folder, "a.db");
  const shim = join(folder, "clock.mjs");
  writeFileSync(shim, JUMPING_CLOCK);
  process.env.HOSTILE_JUMP = String(random.pick([1, -1]) * random.between(1, 4000) * 86_400_000);
  const target = new Target({
    command: ["--import", shim, ...command],
    database,
    configuration: { storage: { checkpointEvery: 100 } },
  });
  await target.start();
  const journal = async () => Number(/^eddy_journal_rows (\d+)$/m.exec(await target.metrics())?.[1]);
  let acknowledged = await send(target, 0, 20);
  await wait(300);
  process.kill(target.process ?? 0, "SIGUSR2");
  acknowledged += await send(target, 20, 3);
  await wait(1000);
  process.kill(target.process ?? 0, "SIGUSR2");
  acknowledged += await send(target, 30, 3);
  await wait(500);
  const rows = await journal();
  if (rows !== acknowledged) outcome.wrong.push(`${acknowledged} acknowledged, ${rows} kept`);
  await target.stop("SIGKILL");
});

/** A copy taken while it runs, of some of its files: whole, or refused. */
export const copies = databases(
  "copies of a running database",
  0.15,
  async (folder, command, random, outcome) => {
    const database = join(folder, "a.db");
    const target = new Target({ command, database });
    await target.start();
    const acknowledged = await send(target, 0, random.between(5, 40));
    const copied = ["", ...["-wal", "-shm", "-open"].filter(() => random.chance(0.5))];
    for (const ending of copied) copyFileSync(database + ending, join(folder, `copy.db${ending}`));
    await target.stop("SIGKILL");
    const there = await countAfterKill(new Target({ command, database: join(folder, "copy.db") }));
    if (there !== acknowledged && there !== "refused") {
      outcome.wrong.push(`copied ${copied.join(" ")}: ${acknowledged} acknowledged, ${there} there`);
    }
  },
);
