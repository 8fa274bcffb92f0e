// The page over many live series, with alerts among them that come and go: frames a second, memory of its scripts, bytes a second,
// elements in the page. Bytes are those of answers with their heads and of the socket, both ways. With no readings at all it tells what
// a page costs on which nothing happens.
//   node --import tsx scripts/bench/page.ts [SERIES, default 1000] [SECONDS, default 60] [READINGS A SECOND OF ALL, default 500]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { openEngine } from "../../src/server/engine.ts";
import { startServer } from "../../src/server/server.ts";

const [count, seconds, rate] = [2, 3, 4].map((i, n) => Number(process.argv[i] ?? [1000, 60, 500][n]));
const folder = mkdtempSync(join(tmpdir(), "eddy-page-bench-"));
const engine = await openEngine({
  database: join(folder, "eddy.db"),
  series: { model: "persistence", horizon: 12 },
  newSeriesPerSecond: 1_000_000,
  ahead: Number.POSITIVE_INFINITY,
  alerts: {
    rules: [
      { name: "high", series: "plant-0/*", when: { reading: "above", limit: 24.9 } },
      {
        name: "soon-high",
        series: "plant-0/machine-0/*",
        when: { forecast: "above", limit: 24.9, within: 12 },
      },
      { name: "never", series: "*", when: { reading: "above", limit: 1000 } },
    ],
  },
});
const server = await startServer({ engine });
await server.ready;
const intake = await server.intake;
const name = (i: number) => `plant-${Math.floor(i / 100)}/machine-${Math.floor(i / 4) % 25}/sensor-${i % 4}`;
const reading = (i: number, t: number) => ({
  series: name(i),
  time: Date.UTC(2026, 0, 1) + 1000 * t,
  values: { value: 20 + 5 * Math.sin((t + i) / 9) },
});
for (let t = 0; t < 30; t++) {
  for (let from = 0; from < count; from += 1000)
    await intake.ingest(Array.from({ length: Math.min(1000, count - from) }, (_, i) => reading(from + i, t)));
}
let next = 30 * count;
const PACE = 100;
const feeding = setInterval(() => {
  if (rate === 0) return;
  const batch = Array.from({ length: Math.round((rate * PACE) / 1000) }, () => {
    const n = next++;
    return reading(n % count, Math.floor(n / count));
  });
  intake.ingest(batch).catch(() => {});
}, PACE);

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"],
});
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
const session = await page.context().newCDPSession(page);
await session.send("Network.enable");
let bytes = 0;
let questions = 0;
for (const event of ["Network.webSocketFrameReceived", "Network.webSocketFrameSent"] as const) {
  session.on(event, ({ response }) => {
    bytes += response.payloadData.length;
  });
}
session.on("Network.requestWillBeSentExtraInfo", ({ headers }) => {
  questions++;
  for (const [name, value] of Object.entries(headers)) bytes += name.length + value.length + 4;
});
session.on("Network.loadingFinished", ({ encodedDataLength }) => {
  bytes += encodedDataLength;
});
const complaints: string[] = [];
page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
page.on("pageerror", (error) => complaints.push(String(error)));
const opened = performance.now();
await page.goto(server.url);
await page.locator(".card canvas").first().waitFor();
console.log(
  `${count} series, ${rate} readings/s; first picture after ${((performance.now() - opened) / 1000).toFixed(1)} s`,
);
await page.evaluate(`(() => {
  window.frames_ = 0;
  const count = () => { window.frames_++; requestAnimationFrame(count); };
  requestAnimationFrame(count);
})()`);
const heap = async (): Promise<number> => {
  await session.send("HeapProfiler.collectGarbage");
  return (await session.send("Runtime.getHeapUsage")).usedSize / 2 ** 20;
};
const ROUNDS = 6;
const lines: number[] = [];
for (let round = 0; round <= ROUNDS; round++) {
  const before = {
    bytes,
    questions,
    frames: Number(await page.evaluate("window.frames_")),
    at: performance.now(),
  };
  if (round > 0) await new Promise((resolve) => setTimeout(resolve, (1000 * seconds) / ROUNDS));
  const elapsed = (performance.now() - before.at) / 1000;
  const frames = Number(await page.evaluate("window.frames_")) - before.frames;
  const used = await heap();
  lines.push(used);
  const elements = await page.evaluate("document.getElementsByTagName('*').length");
  const rates =
    round === 0
      ? ""
      : `${(frames / elapsed).toFixed(0)} frames/s, ${((bytes - before.bytes) / elapsed / 1000).toPrecision(2)} kB/s, ` +
        `${((60 * (questions - before.questions)) / elapsed).toFixed(0)} questions a minute, `;
  console.log(
    `${((round * seconds) / ROUNDS).toFixed(0)} s: ${rates}${used.toFixed(1)} MiB of scripts, ${elements} elements`,
  );
}
// From one end to the other, as one who looks for something does.
await page.click("#back");
const scrolled = performance.now();
const before = Number(await page.evaluate("window.frames_"));
for (let i = 0; i <= 20; i++) {
  await page.evaluate(
    `(() => { const l = document.getElementById("list"); l.scrollTop = l.scrollHeight * ${i / 20}; })()`,
  );
  await new Promise((resolve) => setTimeout(resolve, 200));
}
const frames = Number(await page.evaluate("window.frames_")) - before;
console.log(
  `from end to end: ${((1000 * frames) / (performance.now() - scrolled)).toFixed(0)} frames/s, ${(await heap()).toFixed(1)} MiB afterwards; ` +
    `connection ${await page.getAttribute("#status", "data-state")}, ${complaints.length} complaints`,
);
for (const complaint of complaints) console.log(`  ${complaint}`);
clearInterval(feeding);
await browser.close();
await server.close();
rmSync(folder, { recursive: true, force: true });
