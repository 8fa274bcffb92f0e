import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { AlertTransition } from "../../src/models/alert.ts";
import { told } from "../../src/models/forecast.ts";
import { Database } from "../../src/storage/sqlite/driver.ts";
import { DatabaseReader } from "../../src/storage/sqlite/reader.ts";
import { observation, QUIET, SERIES } from "./observations.ts";
import { PIPELINES } from "./pipelines.ts";

const POINTS = [
  "commit:begun",
  "commit:written",
  "commit:durable",
  "checkpoint:row",
  "checkpoint:written",
  "checkpoint:committed",
  "copy:asked",
  "copy:done",
] as const;

export interface KillReport {
  readonly rounds: number;
  readonly kills: Readonly<Record<string, number>>;
  readonly observations: number;
  /** Requests sent again because no answer came. */
  readonly resent: number;
  readonly duplicates: number;
  readonly acknowledgedAndMissing: number;
  readonly appliedTwice: number;
  readonly statesCompared: number;
  readonly statesDifferent: number;
  readonly forecastsCompared: number;
  readonly forecastsDifferent: number;
  /** Readings that the pipelines had to take, once each. */
  readonly pipelineReadings: number;
  readonly outputsCompared: number;
  readonly outputsDifferent: number;
  /** Beginnings and ends of alerts of each rule that follow from the journal alone, in their order. */
  readonly transitionsCompared: Readonly<Record<string, number>>;
  readonly transitionsDifferent: number;
  /** Those of any rule that have the id of another, or do not fit the one before. */
  readonly transitionsTwice: number;
  readonly transitionsOutOfTurn: number;
  /** Transitions that a receiver would not be told of, or twice. */
  readonly deliveriesWrong: number;
}

interface Outcome {
  readonly states: ReadonlyMap<string, string>;
  /** What each series and pipeline gave, in its order. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  /** Readings of each series and pipeline, as its checkpoint counts them. */
  readonly readings: ReadonlyMap<string, number>;
  readonly ids: readonly string[];
  readonly transitions: readonly AlertTransition[];
  /** Ids of the transitions in the outbox. */
  readonly delivered: readonly string[];
}

class ServerProcess {
  readonly #child: ChildProcess;
  readonly url: Promise<string>;
  readonly ended: Promise<number | null>;
  #stderr = "";

  constructor(database: string, killAt = "") {
    this.#child = spawn(process.execPath, ["--import", "tsx", "test/kill/server-process.ts"], {
      env: { ...process.env, KILL_DB: database, KILL_AT: killAt },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stderr!.on("data", (chunk) => {
      this.#stderr += chunk;
    });
    this.ended = new Promise((resolve) => this.#child.once("exit", (code) => resolve(code)));
    this.url = new Promise((resolve, reject) => {
      this.#child.stdout!.once("data", (chunk) => resolve(String(chunk).trim()));
      this.ended.then((code) => reject(new Error(`the server ended (${code}) ${this.#stderr}`)));
    });
    this.url.catch(() => {});
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

/** Kills a server `rounds` times while clients send, lets it finish, and compares it with one that was never killed. */
export async function killTest(rounds: number, seed: number, perSeries: number): Promise<KillReport> {
  const folder = mkdtempSync(join(tmpdir(), "eddy-kill-"));
  try {
    const undisturbed = await send(join(folder, "undisturbed.db"), 0, seed, perSeries);
    const killed = await send(join(folder, "killed.db"), rounds, seed, perSeries);
    return report(rounds, undisturbed, killed);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Sent {
  readonly outcome: Outcome;
  readonly kills: Record<string, number>;
  readonly acknowledged: ReadonlySet<string>;
  readonly resent: number;
  readonly duplicates: number;
}

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

async function send(database: string, rounds: number, seed: number, perSeries: number): Promise<Sent> {
  const generator = xoroshiro128plus(seed);
  const draw = (low: number, high: number): number => uniformInt(generator, low, high);
  const kills: Record<string, number> = {};
  const acknowledged = new Set<string>();
  let resent = 0;
  let duplicates = 0;
  /** How the next process will die: at a named point, or (null) at a random moment. */
  const plan = (): string | null =>
    rounds > 0 && draw(0, 1) === 0 ? POINTS[draw(0, POINTS.length - 1)] : null;
  let point = plan();
  const start = (): ServerProcess =>
    new ServerProcess(database, point === null ? "" : `${point}@${draw(1, 4)}`);
  let server = start();
  let sending = true;
  let round = 0;

  // One client, one batch at a time: the journal must come out the same, position by position.
  const client = async (): Promise<void> => {
    for (let n = 0; n < perSeries; ) {
      const size = 1 + ((n * 7) % 4);
      const batch: Record<string, unknown>[] = [];
      for (let i = 0; i < size && n < perSeries; i++, n++) {
        for (const name of SERIES) batch.push(observation(name, n));
      }
      const body = batch.map((one) => JSON.stringify(one)).join("\n");
      for (;;) {
        try {
          const answer = await fetch(`${await server.url}/v1/observations`, {
            method: "POST",
            headers: { "content-type": "application/x-ndjson" },
            body,
          });
          if (answer.status !== 200 && answer.status !== 207) throw new Error(await answer.text());
          const receipt = (await answer.json()) as { duplicate: number };
          duplicates += receipt.duplicate;
          for (const one of batch) acknowledged.add(String(one.id));
          break;
        } catch {
          resent++;
          await pause(20);
        }
      }
      // The kills are spread over the whole of it.
      while (rounds > 0 && n / perSeries > (round + 1) / rounds) await pause(5);
    }
    sending = false;
  };
  const done = client();

  for (; round < rounds && sending; round++) {
    // At random: half of the time while it starts and recovers, otherwise once it serves.
    let cause = point ?? "at random";
    if (point !== null || draw(0, 1) === 0) await server.url.catch(() => {});
    const moment = point === null ? draw(0, 1500) : 4000;
    const timer = setTimeout(() => {
      cause = "at random";
      server.kill("SIGKILL");
    }, moment);
    await server.ended;
    clearTimeout(timer);
    kills[cause] = (kills[cause] ?? 0) + 1;
    point = round + 1 < rounds ? plan() : null;
    server = start();
  }
  await done;
  await server.url;
  server.kill("SIGTERM");
  await server.ended;
  return { outcome: read(database), kills, acknowledged, resent, duplicates };
}

function read(database: string): Outcome {
  const reader = new DatabaseReader(database);
  const series = reader.series();
  const states = new Map<string, string>();
  const given = new Map<string, string[]>();
  const readings = new Map<string, number>();
  for (const { id, name } of series) {
    const { state, observations } = reader.checkpoint(id)!;
    states.set(name, Buffer.from(state).toString("base64"));
    readings.set(name, observations);
    given.set(name, []);
  }
  for (const { issue } of reader.issues(series)) {
    for (const one of told(issue)) given.get(issue.series)!.push(JSON.stringify(one));
  }
  const ids = [...reader.ids(new Set(series.map(({ id }) => id)))].map(({ text }) => text);
  const transitions = [...reader.transitions()];
  reader.close();
  const db = new Database(database, { readonly: true });
  const texts = db.prepare<[], string>("SELECT text FROM deliveries ORDER BY id").pluck().all();
  db.close();
  const delivered = texts.map((text) => JSON.parse(text).id as string);
  return { states, given, readings, ids, transitions, delivered };
}

const isPipeline = (name: string): boolean => PIPELINES.some((one) => one.name === name);

function report(rounds: number, undisturbed: Sent, killed: Sent): KillReport {
  let statesDifferent = 0;
  const forecasts = { compared: 0, different: 0 };
  const outputs = { compared: 0, different: 0 };
  for (const [name, state] of undisturbed.outcome.states) {
    if (killed.outcome.states.get(name) !== state) statesDifferent++;
    const expected = undisturbed.outcome.given.get(name)!;
    const got = killed.outcome.given.get(name) ?? [];
    const count = isPipeline(name) ? outputs : forecasts;
    count.compared += expected.length;
    for (let i = 0; i < Math.max(expected.length, got.length); i++)
      if (expected[i] !== got[i]) count.different++;
  }
  const kept = new Set(killed.outcome.ids);
  // Where one stands in the log depends on the silences before it.
  const followed = ({ transitions }: Outcome): string[] =>
    transitions.filter(({ rule }) => rule !== QUIET).map(({ sequence: _, ...rest }) => JSON.stringify(rest));
  const [expected, got] = [followed(undisturbed.outcome), followed(killed.outcome)];
  let transitionsDifferent = 0;
  for (let i = 0; i < Math.max(expected.length, got.length); i++)
    if (expected[i] !== got[i]) transitionsDifferent++;
  const transitionsCompared: Record<string, number> = {};
  for (const { rule } of undisturbed.outcome.transitions)
    if (rule !== QUIET) transitionsCompared[rule] = (transitionsCompared[rule] ?? 0) + 1;
  const { transitions, delivered } = killed.outcome;
  const owed = transitions.filter(({ to }) => to.length > 0).map(({ id }) => id);
  return {
    rounds,
    kills: killed.kills,
    observations: undisturbed.acknowledged.size,
    resent: killed.resent,
    duplicates: killed.duplicates,
    acknowledgedAndMissing: [...killed.acknowledged].filter((id) => !kept.has(id)).length,
    appliedTwice: killed.outcome.ids.length - kept.size,
    statesCompared: undisturbed.outcome.states.size,
    statesDifferent,
    forecastsCompared: forecasts.compared,
    forecastsDifferent: forecasts.different,
    pipelineReadings: PIPELINES.reduce((sum, { name }) => sum + (killed.outcome.readings.get(name) ?? 0), 0),
    outputsCompared: outputs.compared,
    outputsDifferent: outputs.different,
    transitionsCompared,
    transitionsDifferent,
    transitionsTwice: transitions.length - new Set(transitions.map(({ id }) => id)).size,
    transitionsOutOfTurn: outOfTurn(transitions),
    deliveriesWrong:
      owed.filter((id) => !delivered.includes(id)).length + delivered.length - new Set(delivered).size,
  };
}

/** Transitions that are not the end of what began last, or the beginning of what had ended; and places left out or given twice. */
function outOfTurn(transitions: readonly AlertTransition[]): number {
  const firing = new Map<string, string>();
  let wrong = 0;
  transitions.forEach(({ sequence, id, alert, state, rule, series, target }, i) => {
    const key = JSON.stringify([rule, series, target]);
    const before = firing.get(key);
    const fits = state === "firing" ? before === undefined && alert === id : before === alert;
    if (!fits || sequence !== i + 1) wrong++;
    if (state === "firing") firing.set(key, alert);
    else firing.delete(key);
  });
  return wrong;
}
