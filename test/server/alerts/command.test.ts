// Commands that are told of alerts: no shell, an end in time for all that they started, nothing of our environment but what they need.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { command } from "../../../src/server/alerts/delivery/command.ts";
import { deliveryWorld } from "../../../src/server/alerts/delivery/world.ts";
import type { Delivery } from "../../../src/storage/outbox.ts";
import { announced, transition } from "../../outbox.ts";

const folder = mkdtempSync(join(tmpdir(), "eddy-command-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const never = new AbortController().signal;
const world = deliveryWorld({ environment: { ...process.env, EDDY_TOKEN: "s3cret", TZ: "UTC" } });

const delivery = (text: string, n = 0): Delivery => {
  const { lane, subject } = announced({ subject: `a${n}` });
  return {
    id: n + 1,
    receiver: "siren",
    lane,
    subject,
    firing: true,
    text,
    state: "waiting",
    attempts: 0,
    error: null,
  };
};
const two = [
  delivery(JSON.stringify(transition({ alert: "a0", n: 0, state: "resolved" }))),
  delivery(JSON.stringify(transition({ alert: "a1", n: 1 })), 1),
];

/** Runs a program of Node with alerts. */
const run = (
  script: string,
  more: { timeout?: string } = {},
  stop = never,
  list: readonly Delivery[] = two,
) => command("siren", { command: [process.execPath, "-e", script], ...more }, world).send(list, stop);

const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Whether a process is there, and no corpse that nobody has looked after yet. */
function lives(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

test("it reads the alerts, and finds the first of them in its environment, without our secrets", async () => {
  const file = join(folder, "read.json");
  const outcome = await run(
    `const fs = require("node:fs");
     fs.writeFileSync(${JSON.stringify(file)}, JSON.stringify({ input: fs.readFileSync(0, "utf8"), env: process.env }))`,
  );
  expect(outcome).toEqual({ told: true });
  const { input, env } = JSON.parse(readFileSync(file, "utf8"));
  expect(JSON.parse(input)).toMatchObject({
    version: 1,
    receiver: "siren",
    alerts: [{ alert: "a0" }, { alert: "a1" }],
  });
  expect(env).toMatchObject({
    EDDY_RECEIVER: "siren",
    EDDY_ALERTS: "2",
    EDDY_STATE: "firing",
    EDDY_RULE: "full",
    EDDY_SERIES: "disk/a1",
    EDDY_TARGET: "used",
    EDDY_SEVERITY: "warning",
    EDDY_SUMMARY: "disk/a1 used is 91.5, above 90",
    TZ: "UTC",
  });
  expect(env.EDDY_TOKEN).toBeUndefined();
});

test("what has begun and ended within one message does not fire any more", async () => {
  const file = join(folder, "state.txt");
  const both = [
    delivery(JSON.stringify(transition({ alert: "a0", n: 0 }))),
    delivery(
      JSON.stringify({ ...transition({ alert: "a0", n: 1, state: "resolved" }), summary: "fine again" }),
      1,
    ),
  ];
  const settings = { command: ["/bin/sh", "-c", `echo "$EDDY_STATE: $EDDY_SUMMARY" > ${file}`] as const };
  expect(await command("siren", settings, world).send(both, never)).toEqual({ told: true });
  expect(readFileSync(file, "utf8")).toBe("resolved: fine again\n");
});

test("names from outside are data: no shell reads them, and none of their bytes upsets the start", async () => {
  const mark = join(folder, "owned");
  const nasty = `$(touch ${mark}) \`touch ${mark}\`; touch ${mark} \0 () { :;}; touch ${mark}\n${"x".repeat(1 << 20)}`;
  const told = { ...transition({}), series: nasty, summary: nasty };
  const file = join(folder, "names.txt");
  const settings = {
    command: ["/bin/sh", "-c", `printf '%s' "$EDDY_SERIES" > ${file}; cat > ${file}.json`] as const,
  };
  const outcome = await command("siren", settings, world).send([delivery(JSON.stringify(told))], never);
  expect(outcome).toEqual({ told: true });
  expect(existsSync(mark)).toBe(false);
  expect(readFileSync(file, "utf8").slice(0, 7)).toBe("$(touch");
  expect(JSON.parse(readFileSync(`${file}.json`, "utf8")).alerts[0].series).toBe(nasty);
});

test("arguments reach the program as they stand", async () => {
  const file = join(folder, "argument");
  const settings = { command: ["/usr/bin/touch", `${file} $HOME; true`] as const };
  expect(await command("siren", settings, world).send(two, never)).toEqual({ told: true });
  expect(existsSync(`${file} $HOME; true`)).toBe(true);
});

test.each([
  ["process.exit(3)", "exit code 3"],
  ['console.error("no such\\nnumber"); process.exit(1)', "exit code 1: no such\\nnumber"],
  ["process.kill(process.pid, 'SIGKILL')", "ended by SIGKILL"],
])("%s is a failure", async (script, reason) => {
  expect(await run(script)).toEqual({ told: false, reason });
});

test("of what it says, the end is kept", async () => {
  const outcome = await run(`process.stderr.write("a".repeat(5e6) + " the cause", () => process.exit(1))`);
  expect(outcome).toMatchObject({
    told: false,
    reason: expect.stringMatching(/^exit code 1: a+ the cause$/),
  });
  expect(JSON.stringify(outcome).length).toBeLessThan(600);
});

test("a program that is not there, or may not be run", async () => {
  const missing = command("siren", { command: ["/no/such/siren"] }, world);
  expect(await missing.send(two, never)).toEqual({
    told: false,
    reason: '"/no/such/siren" could not be run: ENOENT',
  });
  const file = join(folder, "plain");
  writeFileSync(file, "text", { mode: 0o600 });
  const plain = command("siren", { command: [file] }, world);
  expect(await plain.send(two, never)).toMatchObject({
    told: false,
    reason: expect.stringContaining("EACCES"),
  });
});

test("one that reads nothing of a large input may still be right", async () => {
  const many = Array.from({ length: 1000 }, (_, n) =>
    delivery(JSON.stringify(transition({ alert: `a${n}` })), n),
  );
  expect(await run("process.exit(0)", {}, never, many)).toEqual({ told: true });
});

test("what takes too long is ended with all that it has started, even if it will not listen", async () => {
  const file = join(folder, "pids");
  const script = `
    process.on("SIGTERM", () => {});
    const { spawn } = require("node:child_process");
    const child = spawn("sleep", ["600"]);
    require("node:fs").writeFileSync(${JSON.stringify(file)}, process.pid + " " + child.pid);
    setInterval(() => {}, 1000)`;
  const outcome = await run(script, { timeout: "1500ms" });
  expect(outcome).toMatchObject({ told: false, reason: "not ended within 1.5 s, killed" });
  const pids = readFileSync(file, "utf8").split(" ").map(Number);
  expect(pids.length).toBe(2);
  for (let tries = 0; tries < 100 && pids.some(lives); tries++) await sleep(20);
  expect(pids.filter(lives)).toEqual([]);
});

test("one that ends is not waited for because of what it left running", async () => {
  const file = join(folder, "left");
  const outcome = await command(
    "siren",
    { command: ["/bin/sh", "-c", `sleep 600 & echo $! > ${file}`], timeout: "20s" },
    world,
  ).send(two, never);
  expect(outcome).toEqual({ told: true });
  const pid = Number(readFileSync(file, "utf8"));
  expect(lives(pid)).toBe(true);
  process.kill(pid, "SIGKILL");
});

test("a stop ends it", async () => {
  const stop = new AbortController();
  const running = run("setInterval(() => {}, 1000)", {}, stop.signal);
  setTimeout(() => stop.abort(), 100);
  expect(await running).toEqual({ told: false, reason: "ended by SIGTERM" });
});
