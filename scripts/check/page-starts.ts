// Opens the page of fresh starts of the demo, each some seconds after it listens, and looks for what must not be: a blank chart, one
// without its forecast, NaN, a complaint on the console. Prints a line for each, and what is wrong; exits with 1 when anything is.
//   node --import tsx scripts/check/page-starts.ts [STARTS, default 20] [FOLDER for screenshots of the last one after 10 s, 1 min, 5 min]
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const WAITS = [0, 1, 5, 30];
/** Seconds in which a page must have drawn whatever it has. */
const SETTLED = 6;
const starts = Number(process.argv[2] ?? 20);
const pictures = process.argv[3];
const sleep = (seconds: number) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

async function demo(folder: string): Promise<{ process: ChildProcess; url: string }> {
  const process = spawn("node", [
    "dist/cli/main.js",
    "start",
    "--port",
    "0",
    "--db",
    join(folder, "demo.db"),
  ]);
  let told = "";
  process.stdout.on("data", (chunk) => {
    told += chunk;
  });
  for (;;) {
    const url = /listens on (\S+)/.exec(told)?.[1];
    if (url !== undefined) return { process, url };
    if (process.exitCode !== null) throw new Error(`the demo ended: ${told}`);
    await sleep(0.1);
  }
}

/** Canvases in sight of which every pixel is the same, or none has the colour of a forecast, and texts with NaN. */
const LOOK = `(() => {
  const empty = (canvas) => {
    if (canvas === null) return true;
    if (canvas.offsetParent === null || canvas.width === 0) return false;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.every((value) => value === data[0]);
  };
  const pictures = [...document.querySelectorAll(".card-picture")];
  const blank = pictures
    .filter((picture) => !picture.parentElement.textContent.includes("no forecast yet"))
    .filter((picture) => empty(picture.querySelector("canvas")))
    .map((picture) => picture.parentElement.title.replaceAll("\\n", ", "));
  const hex = getComputedStyle(document.documentElement).getPropertyValue("--fan").trim();
  const fan = [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16));
  const forecast = (canvas) => {
    if (canvas === null || canvas.offsetParent === null || canvas.width === 0) return true;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < data.length; i += 4)
      if (fan.reduce((off, one, k) => off + Math.abs(data[i + k] - one), 0) < 40) return true;
    return false;
  };
  for (const picture of pictures) {
    const card = picture.parentElement;
    if (!card.textContent.includes("no forecast yet") && !forecast(picture.querySelector("canvas")))
      blank.push("no forecast of " + card.title.split("\\n")[0]);
  }
  const told = document.getElementById("stage-model").textContent;
  if (!told.startsWith("no forecast yet") && empty(document.querySelector("#stage-chart canvas"))) blank.push("the chart in full");
  return {
    canvases: document.querySelectorAll("canvas").length,
    cards: pictures.length,
    blank,
    nan: document.body.innerText.includes("NaN") || document.body.innerText.includes("Infinity"),
    title: document.getElementById("stage-name").textContent,
    skill: document.getElementById("fact-skill").textContent,
  };
})()`;

async function look(browser: Browser, url: string, complaints: string[]): Promise<Seen> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(url);
  await sleep(SETTLED);
  const first = (await page.evaluate(LOOK)) as Seen;
  if (first.blank.length === 0) {
    await page.close();
    return first;
  }
  // What came in the very moment of looking has a second to be drawn; what stays blank then stays so.
  for (const what of first.blank) console.log(`  blank at first: ${what}`);
  await sleep(SETTLED / 2);
  const seen = (await page.evaluate(LOOK)) as Seen;
  await page.close();
  return seen;
}

interface Seen {
  readonly canvases: number;
  readonly cards: number;
  readonly blank: readonly string[];
  readonly nan: boolean;
  readonly title: string;
  readonly skill: string;
}

async function photograph(browser: Browser, url: string, folder: string): Promise<void> {
  let waited = 0;
  for (const [name, seconds] of [
    ["10s", 10],
    ["1min", 60],
    ["5min", 300],
  ] as const) {
    await sleep(seconds - waited);
    waited = seconds;
    for (const width of [1440, 390]) {
      for (const colorScheme of ["light", "dark"] as const) {
        const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
        await page.goto(url);
        await sleep(2.5);
        waited += 3;
        await page.screenshot({ path: join(folder, `${name}-${width}-${colorScheme}.png`) });
        await page.close();
      }
    }
  }
}

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
let wrong = 0;
for (let n = 0; n < starts; n++) {
  const folder = mkdtempSync(join(tmpdir(), "eddy-starts-"));
  const { process, url } = await demo(folder);
  const wait = WAITS[n % WAITS.length];
  await sleep(wait);
  const complaints: string[] = [];
  const seen = await look(browser, url, complaints);
  const bad = seen.blank.length > 0 || seen.nan || complaints.length > 0 || seen.cards === 0;
  wrong += bad ? 1 : 0;
  console.log(
    `start ${n + 1}, opened after ${wait} s: ${seen.canvases} charts, ${seen.blank.length} blank, ${seen.nan ? "NaN" : "no NaN"}, ` +
      `${complaints.length} complaints; opens on ${seen.title}: ${seen.skill}${bad ? "  WRONG" : ""}`,
  );
  for (const what of seen.blank) console.log(`  blank: ${what}`);
  for (const complaint of complaints) console.log(`  ${complaint}`);
  if (n === starts - 1 && pictures !== undefined) await photograph(browser, url, pictures);
  process.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
}
await browser.close();
console.log(`${starts} starts, ${wrong} wrong`);
process.exit(wrong === 0 ? 0 : 1);
