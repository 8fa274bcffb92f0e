import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Kind, Outcome } from "./kind.ts";
import { requests, spellings, tokens } from "./kinds/addresses.ts";
import {
  counts,
  declaredSizes,
  garbage,
  honest,
  names,
  nesting,
  repeats,
  times,
  utf8,
} from "./kinds/bodies.ts";
import { commands } from "./kinds/commands.ts";
import { clocks, copies, foreignWriter, links, lostAfterKill, lostFiles } from "./kinds/files.ts";
import { eventStreams, histories, queries } from "./kinds/questions.ts";
import { scopedToken, scopes } from "./kinds/scopes.ts";
import { deaf, frames, messages, resumes, tables } from "./kinds/sockets.ts";
import { Random } from "./random.ts";
import { type Seen, Target } from "./target.ts";

/** Kinds that one server is sent. */
export const ONE_SERVER: readonly Kind[] = [
  honest,
  spellings,
  tokens,
  scopes,
  requests,
  nesting,
  declaredSizes,
  counts,
  names,
  times,
  utf8,
  garbage,
  repeats,
  queries,
  histories,
  eventStreams,
  messages,
  tables,
  frames,
  resumes,
  deaf,
];

/** All of them: also those in which every input has processes of its own. */
export const KINDS: readonly Kind[] = [
  ...ONE_SERVER,
  commands,
  links,
  lostFiles,
  lostAfterKill,
  copies,
  foreignWriter,
  clocks,
];

export interface HostileOptions {
  /** What `node` is given before the command of Eddy. */
  readonly command: readonly string[];
  readonly inputs: number;
  readonly seed: number;
  readonly kinds?: readonly Kind[];
  readonly onRow?: (row: Row) => void;
}

/** What inputs of one kind came to. */
export interface Row extends Seen, Outcome {
  readonly kind: string;
  readonly seconds: number;
}

/** Runs every kind against one server, one after the other; every kind has inputs that follow from the seed and its name. */
export async function runHostile(options: HostileOptions): Promise<readonly Row[]> {
  const { command, inputs, seed, kinds = KINDS, onRow = () => {} } = options;
  const folder = mkdtempSync(join(tmpdir(), "eddy-hostile-"));
  const target = new Target({
    command,
    database: join(folder, "hostile.db"),
    token: "the-Token-of-the-Server",
    configuration: { forecast: { model: "auto", horizon: 4 }, tokens: [scopedToken] },
  });
  const rows: Row[] = [];
  const weights = kinds.reduce((sum, { weight }) => sum + weight, 0);
  try {
    const refusal = await target.start();
    if (refusal !== undefined) throw new Error(refusal);
    for (const kind of kinds) {
      const outcome: Outcome = { inputs: 0, letIn: 0, wrong: [] };
      const random = new Random(
        [...kind.name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), seed) | 0,
      );
      const count = Math.max(1, Math.round((inputs * kind.weight) / weights));
      const started = performance.now();
      const seen = await target.watch(() => kind.run(target, random, count, outcome));
      outcome.wrong.push(...target.lastWords.splice(0).map((words) => `the server ended: ${words}`));
      const row = { kind: kind.name, ...outcome, ...seen, seconds: (performance.now() - started) / 1000 };
      rows.push(row);
      onRow(row);
    }
  } finally {
    await target.stop("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
  return rows;
}
