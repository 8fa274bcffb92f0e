import type { ChildProcess } from "node:child_process";
import { printable } from "../../../models/errors.ts";
import type { DeliveryWorld, Outcome, Receiver } from "./receiver.ts";
import { type CommandSettings, spanOr } from "./settings.ts";
import { toldOf } from "./told.ts";

/** Bytes at the end of standard error that are told. */
const TAIL = 2000;
/** Milliseconds between the request to end and the end. */
const GRACE = 2000;
/** What a command gets of our own environment: nothing secret is among it. */
const INHERITED = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "SystemRoot"];
/** Bytes of a variable: a system refuses a program with more in all. */
const LONGEST = 4096;

/**
 * A program that is run with each message: the alerts as JSON on its standard input, one that fires at its end (else one that has
 * ended) in its environment. There is no shell: arguments reach the program as they stand in the configuration. Exit code 0 says that it has them. It is a group of processes of
 * its own, which ends as a whole when it takes too long.
 */
export function command(name: string, settings: CommandSettings, world: DeliveryWorld): Receiver {
  const { command, together = 100 } = settings;
  const timeout = spanOr(settings.timeout, "30s");
  return {
    name,
    kind: "command",
    together,
    atOnce: 1,
    wait: spanOr(settings.wait, "2s"),
    giveUpAfter: spanOr(settings.giveUpAfter, "1d"),
    send(deliveries, stop): Promise<Outcome> {
      const texts = deliveries.map(({ text }) => text);
      const input = `{"version":1,"receiver":${JSON.stringify(name)},"alerts":[${texts.join(",")}]}\n`;
      return run(command, input, environment(name, texts, world), timeout, stop, world);
    },
  };
}

function environment(
  receiver: string,
  texts: readonly string[],
  world: DeliveryWorld,
): Record<string, string> {
  const alerts = texts.map(toldOf);
  // What has begun and ended within one message does not fire any more.
  const last = [...new Map(alerts.map((told) => [told.alert, told])).values()];
  const firing = last.filter(({ state }) => state === "firing");
  const first = firing[0] ?? last[0];
  const said: Record<string, string | undefined> = {
    EDDY_RECEIVER: receiver,
    EDDY_ALERTS: String(alerts.length),
    EDDY_STATE: first?.state,
    EDDY_RULE: first?.rule,
    EDDY_SERIES: first?.series,
    EDDY_TARGET: first?.target,
    EDDY_SEVERITY: first?.severity,
    EDDY_SUMMARY: first?.summary,
  };
  const all = [...INHERITED.map((key) => [key, world.environment[key]] as const), ...Object.entries(said)];
  const given = all.filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(given.map(([key, value]) => [key, value.replaceAll("\0", "").slice(0, LONGEST)]));
}

function run(
  [program = "", ...args]: readonly string[],
  input: string,
  env: Record<string, string>,
  timeout: number,
  stop: AbortSignal,
  world: DeliveryWorld,
): Promise<Outcome> {
  return new Promise((resolve) => {
    let child: ChildProcess;
    try {
      child = world.spawn(program, args, { env, detached: true, stdio: ["pipe", "ignore", "pipe"] });
    } catch (error) {
      resolve({ told: false, reason: notRun(program, error) });
      return;
    }
    let tail = Buffer.alloc(0);
    let late = false;
    let cancel = world.after(timeout, () => {
      late = true;
      end();
    });
    const signal = (name: "SIGTERM" | "SIGKILL"): void => {
      try {
        // The whole group: what it has started ends with it.
        if (child.pid !== undefined) process.kill(-child.pid, name);
      } catch {
        // It has ended by itself, or the system knows no groups.
        child.kill(name);
      }
    };
    const end = (): void => {
      cancel();
      signal("SIGTERM");
      cancel = world.after(GRACE, () => signal("SIGKILL"));
    };
    const done = (outcome: Outcome): void => {
      cancel();
      if (late) signal("SIGKILL");
      stop.removeEventListener("abort", end);
      child.stdin?.destroy();
      child.stderr?.destroy();
      resolve(outcome);
    };
    stop.addEventListener("abort", end);
    if (stop.aborted) end();
    // One that does not read its input may still be right.
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
    child.stderr?.on("error", () => {});
    child.stderr?.on("data", (chunk: Buffer) => {
      tail = Buffer.concat([tail, chunk]).subarray(-TAIL);
    });
    child.once("error", (error) => done({ told: false, reason: notRun(program, error) }));
    // What it leaves running may hold its streams open: only its own end is waited for.
    child.once("exit", (code, killedBy) => {
      // What it has written last arrives right after.
      world.after(0, () => {
        const said = tail.toString("utf8").trim();
        const words = said === "" ? "" : `: ${printable(said.slice(-400), 402).slice(1, -1)}`;
        if (late) done({ told: false, reason: `not ended within ${timeout / 1000} s, killed${words}` });
        else if (code === 0) done({ told: true });
        else
          done({
            told: false,
            reason: `${code === null ? `ended by ${killedBy}` : `exit code ${code}`}${words}`,
          });
      });
    });
  });
}

const notRun = (program: string, error: unknown): string =>
  `${printable(program)} could not be run: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`;
