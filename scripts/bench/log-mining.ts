import { closeSync, openSync, readFileSync, readSync, statSync, writeSync } from "node:fs";
import { LogHeader } from "../../src/streams/logs/header.ts";
import { TemplateMiner } from "../../src/streams/logs/templates.ts";

/**
 * Speed of template mining alone, on one core, by the time that it was running.
 *
 *     node --import tsx scripts/bench/log-mining.ts make OUT.log MEGABYTES SAMPLE.log...   the samples again and again, every number another one
 *     node --import tsx scripts/bench/log-mining.ts mine FILE.log [--messages]             lines/s of headers and templates; of templates alone
 */
const [verb, path, ...rest] = process.argv.slice(2);
if (verb === "make") {
  const [megabytes, ...samples] = rest;
  const lines = samples.flatMap((sample) =>
    readFileSync(sample, "latin1")
      .split(/\r?\n/)
      .filter((line) => line !== ""),
  );
  const out = openSync(path, "w");
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
  let written = 0;
  while (written < Number(megabytes) * 1e6) {
    let text = "";
    for (const line of lines) {
      // The header keeps its form: only what comes after it changes.
      text +=
        line.slice(0, 30) +
        line
          .slice(30)
          .replace(/\d+/g, (digits) =>
            digits.length < 2
              ? digits
              : String(
                  Math.floor(random() * 9 * 10 ** Math.min(15, digits.length - 1)) +
                    10 ** Math.min(15, digits.length - 1),
                ),
          ) +
        "\n";
    }
    writeSync(out, text, null, "latin1");
    written += text.length;
  }
  closeSync(out);
} else {
  const size = statSync(path).size;
  const file = openSync(path, "r");
  const buffer = Buffer.alloc(1 << 20);
  const miner = new TemplateMiner();
  const header = new LogHeader();
  const messagesOnly = rest.includes("--messages");
  let left = "";
  let spent = 0;
  let lines = 0;
  for (;;) {
    const n = readSync(file, buffer, 0, buffer.length, null);
    if (n === 0) break;
    const text = left + buffer.toString("latin1", 0, n);
    const cut = text.split("\n");
    left = cut.pop() ?? "";
    if (messagesOnly)
      for (let i = 0; i < cut.length; i++) {
        header.read(cut[i]);
        cut[i] = header.message;
      }
    const start = process.cpuUsage();
    for (const line of cut) {
      if (messagesOnly) miner.add(line);
      else {
        header.read(line);
        miner.add(header.message);
      }
    }
    const { user, system } = process.cpuUsage(start);
    spent += user + system;
    lines += cut.length;
  }
  const seconds = spent / 1e6;
  console.log(
    `${(size / 1e6).toFixed(0)} MB, ${lines} lines, ${miner.templates.length} templates: ${Math.round(lines / seconds)} lines/s, ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`,
  );
}
