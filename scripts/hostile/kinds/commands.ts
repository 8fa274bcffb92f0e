// The command line: names and files that nobody would type in earnest.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { arrowBodies } from "../arrow-bodies.ts";
import { inputs, type Kind } from "../kind.ts";
import { NAMES } from "../random.ts";

/** Runs a command to its end, or for half a minute. */
function run(args: readonly string[], input: string): Promise<{ code: number | null; error: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { stdio: ["pipe", "ignore", "pipe"] });
    let error = "";
    child.stderr.setEncoding("utf8").on("data", (text) => {
      error = (error + text).slice(0, 4000);
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), 30_000);
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ code, error });
    });
  });
}

export const commands: Kind = {
  name: "commands",
  weight: 0.5,
  async run(target, random, count, outcome) {
    const folder = mkdtempSync(`${target.database}-`);
    await inputs(
      count,
      outcome,
      async (i) => {
        const usable = NAMES.filter((name) => !name.includes("\0") && name.length < 1000);
        const name = random.pick(usable);
        const file = join(folder, `${i}.arrow`);
        writeFileSync(file, arrowBodies(random, i));
        const nested = "[".repeat(random.size(100_000));
        const [args, input] = random.pick<readonly [string[], string]>([
          [["pipe", "--model", name], "1\n2\n"],
          [["pipe", "--model", `${name}:${random.pick(usable)}=1`], "1\n2\n"],
          [["pipe", "--model", `auto:without=${name}`], "1\n2\n"],
          [["pipe", "--format", name], "1\n2\n"],
          [["pipe", "--format", "ndjson"], `${nested}\n{"value":1}\n{"value":2}\n`],
          [["pipe", "--value", name, "--time", name], `${name},x\n1,2\n`],
          [["pipe", "--horizon", name], "1\n"],
          [["replay", file, "--speed", "max"], ""],
          [["evaluate", file, "--model", "persistence"], ""],
          [[name], ""],
        ]);
        const { code, error } = await run([...target.command, ...args], input);
        const told = code === 0 || code === 1 || code === 2;
        if (!told || /internal error|\n\s+at /.test(error)) {
          outcome.wrong.push(`${args.join(" ").slice(0, 80)}: ${code}, ${error.slice(0, 120)}`);
        }
      },
      2,
    );
    rmSync(folder, { recursive: true, force: true });
  },
};
