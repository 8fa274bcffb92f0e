import { describe, expect, test } from "vitest";
import { sniff } from "../../../src/streams/formats/recognise.ts";
import { TextReader } from "../../../src/streams/formats/text-reader.ts";
import { LogCounts } from "../../../src/streams/logs/log-counts.ts";
import { isLogLine, type LogLine, LogStream } from "../../../src/streams/logs/log-stream.ts";
import { shopLog } from "./lines.ts";

const follow = (lines: readonly string[], log = new LogStream(), from = 1) =>
  lines.map((line, i) => log.push(from + i, line));
const told = (lines: readonly string[], log?: LogStream): LogLine[] => follow(lines, log).filter(isLogLine);

describe("LogStream", () => {
  test("every line has its template, its probability and its surprise", () => {
    const lines = told(shopLog(600, 1));
    expect(lines).toHaveLength(600);
    expect(lines.at(-1)).toMatchObject({ line: 600, level: "info" });
    expect(new Set(lines.map(({ template }) => template))).toEqual(new Set([1, 2, 3, 4]));
    const patterns = new Map(lines.map(({ template, pattern }) => [template, pattern]));
    expect([...patterns.values()]).toEqual([
      "order <*> received from user <*> with <*> items",
      "order <*> paid, took <*> ms",
      "parcel of order <*> written to <*>",
      "payment of order <*> declined by <*>:<*>",
    ]);
    for (const { probability, surprise } of lines) {
      expect(probability > 0 && probability <= 1).toBe(true);
      expect(surprise > 0 && surprise <= 1).toBe(true);
    }
    // Paid, then written, always.
    const written = lines.slice(200).filter(({ pattern }) => pattern.startsWith("parcel"));
    expect(Math.min(...written.map(({ probability }) => probability))).toBeGreaterThan(0.8);
  });

  test("a foreign line stands out above nearly all, by itself and in a burst of new ones", () => {
    const lines = shopLog(3000, 2);
    const foreign = "2025-11-25T00:00:00Z ERROR shop.Orders - thermal runaway, coolant valve stuck";
    const [first] = told(
      [foreign],
      (() => {
        const log = new LogStream();
        follow(lines, log);
        return log;
      })(),
    );
    const usual = told(lines).slice(500);
    const above = usual.filter(({ surprise }) => surprise > first.surprise).length / usual.length;
    expect(above).toBeGreaterThan(0.999);
  });

  test("saved at any line and restored, it goes on to the same bits; so does the same log again", () => {
    const lines = shopLog(500, 3);
    const session = /order (\d+)/;
    const whole = new LogStream({ session });
    const expected = follow(lines, whole);
    for (const cut of [1, 99, 250, 499]) {
      const before = new LogStream({ session });
      follow(lines.slice(0, cut), before);
      const after = new LogStream({ session });
      after.restore(before.save());
      expect(follow(lines.slice(cut), after, cut + 1)).toEqual(expected.slice(cut));
      expect(Buffer.from(after.save()).equals(Buffer.from(whole.save()))).toBe(true);
    }
  });

  test("what comes later changes nothing that was told", () => {
    const lines = shopLog(300, 4);
    const other = [...lines.slice(0, 200), ...shopLog(100, 5)];
    expect(follow(other).slice(0, 200)).toEqual(follow(lines).slice(0, 200));
  });

  test("sessions by a key in the line: what comes next in one, and when it ends", () => {
    const log = new LogStream({ session: /order (\d+)/g });
    const lines = told(shopLog(900, 6), log);
    const session = lines.at(-1)?.session;
    expect(session?.key).toMatch(/^\d+$/);
    const second = lines.slice(300).filter((line) => line.session?.lines === 2);
    expect(second.every((line) => (line.session?.probability ?? 0) > 0.01)).toBe(true);
    // A line without a key is in no session.
    expect(told(["2025-11-25T00:00:00Z INFO shop.Orders - all is well"], log)[0].session).toBeUndefined();
  });

  test("saved state of another stream is refused", () => {
    const bytes = new LogStream().save();
    expect(() => new LogStream({ session: /a/ }).restore(bytes)).toThrow("sessions by /a/");
    expect(() => new LogStream().restore(bytes.subarray(0, bytes.length - 1))).toThrow("saved log");
    expect(() => new LogStream().restore(Uint8Array.of(1))).toThrow("saved log");
  });

  test("hosts that are woven into each other, rubbish and megabytes are counted, memory stays", () => {
    const log = new LogStream();
    const lines = shopLog(400, 7).flatMap((line, i) => [
      line.replace("shop.Orders", i % 2 === 0 ? "web-1" : "web-2"),
      ...(i % 50 === 0
        ? [
            "\u0000\u0001\u0002\u0003\u0004",
            `2025-11-25T00:00:00Z INFO ${"x".repeat(1_000_000)}`,
            "\tat a.b(C.java:1)",
            "",
          ]
        : []),
    ]);
    follow(lines, log);
    expect(log.counts).toEqual({ records: 408, continued: 8, blank: 8, refused: 8 });
    expect(log.save().length).toBeLessThan(4_000_000);
  });
});

describe("what is recognised with no flag", () => {
  const at = (i: number) => `2025-11-25 16:00:0${i}`;
  test.each<[string, string, string[]]>([
    [
      "syslog",
      "log",
      ["Nov 25 16:00:01 web sshd[1]: session opened for ann", "Nov 25 16:00:02 web cron[7]: job started"],
    ],
    [
      "journald",
      "log",
      [
        '{"MESSAGE":"Started cleanup.","PRIORITY":"6","SYSLOG_IDENTIFIER":"systemd","__REALTIME_TIMESTAMP":"1"}',
        '{"MESSAGE":"Reached target.","PRIORITY":"6","SYSLOG_IDENTIFIER":"systemd","__REALTIME_TIMESTAMP":"2"}',
      ],
    ],
    [
      "web requests",
      "log",
      [
        '10.0.0.9 - - [25/Nov/2025:13:55:36 +0000] "GET /a HTTP/1.1" 200 2326 "-" "curl/8"',
        '10.0.0.8 - - [25/Nov/2025:13:55:37 +0000] "GET /b HTTP/1.1" 200 17 "-" "curl/8"',
      ],
    ],
    [
      "an application",
      "log",
      [`${at(1)} INFO started with 3 workers`, `${at(2)} WARN slow disk`, `${at(3)} INFO request took 12 ms`],
    ],
    [
      "pino",
      "log",
      [
        '{"level":30,"time":1763999999000,"pid":7,"msg":"listening"}',
        '{"level":30,"time":1763999999001,"pid":7,"msg":"request completed","responseTime":12}',
      ],
    ],
    [
      "logfmt",
      "log",
      [
        't=2025-11-25T16:00:01Z level=info msg="started"',
        't=2025-11-25T16:00:02Z level=warn msg="disk nearly full" free=3',
      ],
    ],
    [
      "a trace among the lines",
      "log",
      [
        `${at(1)} ERROR cannot add`,
        "java.lang.Error: x",
        "\tat a.B.c(B.java:1)",
        "\tat a.B.d(B.java:2)",
        "\tat a.B.e(B.java:3)",
        `${at(2)} INFO go on`,
      ],
    ],
    // The same sentence in every line, with numbers in it: readings.
    [
      "sentences",
      "text",
      [
        `${at(1)} INFO worker: queue depth 12, took 35 ms`,
        `${at(2)} INFO worker: queue depth 14, took 41 ms`,
      ],
    ],
    [
      "pairs",
      "logfmt",
      [
        'time=2025-11-25T16:00:01Z level=info msg="req done" dur=10ms',
        'time=2025-11-25T16:00:02Z level=info msg="req done" dur=11ms',
      ],
    ],
    [
      "JSON",
      "ndjson",
      [
        '{"ts":"2025-11-25T16:00:01Z","level":"info","msg":"tick","temp":21.5}',
        '{"ts":"2025-11-25T16:00:02Z","level":"info","msg":"tick","temp":21.6}',
      ],
    ],
    [
      "a table with words",
      "csv",
      [
        "2025-11-25 16:00:01,kitchen,open,21.5",
        "2025-11-25 16:00:02,hall,shut,20.5",
        "2025-11-25 16:00:03,hall,open,20.1",
      ],
    ],
    [
      "a table with a level",
      "csv",
      ["2025-11-25T16:00:01Z,INFO,12.5", "2025-11-25T16:00:02Z,WARN,13.5", "2025-11-25T16:00:03Z,INFO,11"],
    ],
    ["dates and numbers", "lines", ["2025-11-25 16:00:01 10.5", "2025-11-25 16:00:02 11.5"]],
  ])("%s: %s", (_, format, lines) => {
    expect(sniff(...lines)).toBe(format);
  });
});

describe("LogCounts", () => {
  const start = Date.UTC(2025, 10, 25);
  const counts = () => new LogCounts({ every: 60_000, now: () => start });
  type Seen = { series: string; time: string; values: Record<string, number | null> };
  const read = (lines: readonly string[], grammar = counts()): Seen[] =>
    lines.flatMap((line) => {
      const parsed = grammar.parse(line);
      return typeof parsed === "object" && !("reason" in parsed)
        ? parsed.map(({ observation }) => observation as Seen)
        : [];
    });
  const at = (seconds: number, text: string) => `${new Date(start + 1000 * seconds).toISOString()} ${text}`;
  const of = (seen: readonly Seen[], series: string) => seen.filter((each) => each.series.startsWith(series));

  test("counts by template, level and host and the numbers in lines, an interval at a time", () => {
    const lines: string[] = [];
    for (let s = 0; s < 600; s += 2) {
      lines.push(at(s, `INFO shop.Web: request took ${s % 60} ms`));
      if (s % 20 === 0) lines.push(at(s, "WARN shop.Web: slow disk"));
    }
    const seen = read(lines);
    expect(of(seen, "all lines").map(({ time, values }) => [time, values.count])).toEqual(
      Array.from({ length: 9 }, (_, i) => [new Date(start + 60_000 * (i + 1)).toISOString(), 33]),
    );
    expect(of(seen, "level warning").map(({ values }) => values.count)).toEqual(Array(9).fill(3));
    const template = of(seen, "template 1: request took <*> ms");
    // It began within the first interval, which is left out.
    expect(template.map(({ values }) => values)).toEqual(Array(8).fill({ count: 30, "request took ms": 29 }));
  });

  test("an interval without lines counts none; one whose beginning was not seen is left out", () => {
    const seen = read([at(30, "INFO a b"), at(65, "INFO a b"), at(250, "INFO a b"), at(400, "INFO a b")]);
    expect(of(seen, "all lines").map(({ values }) => values.count)).toEqual([1, 0, 0, 1, 0]);
  });

  test("a time far off is believed once three lines agree; late lines are counted where they come", () => {
    const lines = [
      at(0, "INFO a b"),
      at(61, "INFO a b"),
      at(90_000_000, "INFO wrong clock"),
      at(70, "INFO a b"),
      at(10, "INFO late"),
      at(121, "INFO a b"),
    ];
    expect(of(read(lines), "all lines").map(({ values }) => values.count)).toEqual([1, 4]);
    const jump = [at(0, "INFO a b"), ...[0, 1, 2, 60, 121].map((s) => at(90_000_000 + s, "INFO a b"))];
    expect(of(read(jump), "all lines").map(({ time }) => time)).toEqual([
      new Date(start + 90_000_120_000).toISOString(),
    ]);
  });

  test("saved at any line and restored, it goes on to the same readings", () => {
    const lines = shopLog(500, 8, start);
    const whole = counts();
    const expected = lines.map((line) => read([line], whole));
    for (const cut of [7, 123, 400]) {
      const before = counts();
      read(lines.slice(0, cut), before);
      const after = counts();
      after.restore(before.save());
      expect(lines.slice(cut).map((line) => read([line], after))).toEqual(expected.slice(cut));
      expect(after.save()).toEqual(whole.save());
    }
  });

  test("through the reader of all texts, with no flag", () => {
    const reader = new TextReader("auto", { name: "log", arrival: () => start });
    const text = shopLog(400, 9, start).join("\n");
    const readings = [...reader.push(Buffer.from(text)), ...reader.end()];
    expect(reader.recognition?.format).toBe("log");
    expect(readings.length).toBeGreaterThan(10);
    for (const reading of readings) expect("observation" in reading && reading.timed).toBe(true);
  });
});
