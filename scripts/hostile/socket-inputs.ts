// More than a hundred hostile inputs to /v1/stream, one by one, and what each got: node --import tsx scripts/hostile/socket-inputs.ts
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostileSocketInputs } from "./sockets-one-by-one.ts";
import { Target } from "./target.ts";

const folder = mkdtempSync(join(tmpdir(), "eddy-sockets-"));
const target = new Target({
  command: ["dist/cli/main.js"],
  database: join(folder, "hostile.db"),
  configuration: { forecast: { model: "persistence", horizon: 4 } },
});
const refusal = await target.start();
if (refusal !== undefined) throw new Error(refusal);
let count = 0;
let unanswered = 0;
const seen = await target.watch(async () => {
  for await (const { name, answer, answered } of hostileSocketInputs(target)) {
    count++;
    if (!answered) unanswered++;
    console.log(`${answered ? " " : "!"} ${name.padEnd(62)} ${answer}`);
  }
});
const honest = await target.ask("/v1/observations", '{"series":"honest","value":1}\n');
await target.stop("SIGKILL");
rmSync(folder, { recursive: true, force: true });
console.log(
  `${count} inputs: ${unanswered} not refused in words, ${seen.crashes} crashes, ${seen.hangs} hangs, ` +
    `health in ${seen.health.toFixed(0)} ms at most, event loop held ${seen.block?.toFixed(0)} ms at most, ${seen.memory.toFixed(0)} MiB; ` +
    `then an honest reading: ${honest?.status}`,
);
process.exitCode = unanswered + seen.crashes + seen.hangs === 0 && honest?.status === 200 ? 0 : 1;
