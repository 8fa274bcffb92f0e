import { describe, expect, test } from "vitest";
import { isLogRecord, LogLines } from "../../../src/streams/logs/records.ts";

/** What each line comes to: the message of a record, or what else it is. */
const read = (lines: readonly string[]): string[] => {
  const reader = new LogLines();
  return lines.map((line) => {
    const parsed = reader.parse(line);
    if (isLogRecord(parsed)) return `${parsed.level ?? ""}|${parsed.component}|${parsed.message}`;
    return typeof parsed === "string" ? parsed : parsed.reason;
  });
};

describe("lines of a log", () => {
  test.each<[string, string[], string[]]>([
    [
      "a trace of Java belongs to the line before it",
      [
        "2025-11-25 16:00:01,123 ERROR com.shop.Cart - cannot add",
        "java.lang.IllegalStateException: no stock",
        "\tat com.shop.Cart.add(Cart.java:12)",
        "Caused by: java.io.IOException: gone",
        "\t... 12 more",
        "2025-11-25 16:00:02,000 INFO com.shop.Cart - added",
      ],
      [
        "error|com.shop.Cart|cannot add",
        "continued",
        "continued",
        "continued",
        "continued",
        "info|com.shop.Cart|added",
      ],
    ],
    [
      "one of Python as well",
      [
        "ERROR:shop:cannot add",
        "Traceback (most recent call last):",
        '  File "cart.py", line 3, in add',
        "    raise ValueError(stock)",
        "ValueError: no stock",
      ],
      ["error|shop|cannot add", "continued", "continued", "continued", "continued"],
    ],
    [
      "one that a container runtime wrapped, line by line",
      [
        '{"log":"2025-04-30 19:45:54.630 [id: 3] ERROR Exception in thread main\\n","stream":"stdout","time":"2025-04-30T19:45:54.68Z"}',
        '{"log":"at com.shop.Cart.add(Cart.java:22)\\n","stream":"stdout","time":"2025-04-30T19:45:54.68Z"}',
        '{"log":"\\tat com.shop.Shop.main(Shop.java:6)\\n","stream":"stdout","time":"2025-04-30T19:45:54.68Z"}',
        '{"log":"2025-04-30 19:45:54.630 [id: 3] INFO ready","stream":"stdout","time":"2025-04-30T19:45:55.68Z"}',
      ],
      ["error||Exception in thread main", "continued", "continued", "info||ready"],
    ],
    [
      "the rest of a line that a container runtime cut",
      [
        "2025-11-25T16:00:01.5Z stdout P a very long",
        "2025-11-25T16:00:01.5Z stdout F  line of text",
        "2025-11-25T16:00:02.5Z stdout F next line",
      ],
      ["||a very long", "continued", "||next line"],
    ],
    [
      "a level before the time",
      ["ERROR 2025-04-08 11:59:35,029 [main] com.shop.Application Application run failed"],
      ["error|com.shop.Application|Application run failed"],
    ],
    [
      "what a build server writes",
      [
        "2025-08-11 07:01:57.533+0000 [id=66216]     WARNING o.j.p.w.ExecutorStep$Status#lambda$doRun$4: do not know about it",
      ],
      ["warning|o.j.p.w.ExecutorStep$Status#lambda$doRun$4|do not know about it"],
    ],
    [
      "colours are taken off, and what a progress bar wrote over",
      [
        "\u001b[32m2025-11-25T16:00:01Z\u001b[0m \u001b[1;31mERROR\u001b[0m disk full",
        "10%\r20%\rdone with all",
      ],
      ["error||disk full", "||done with all"],
    ],
    [
      "a journal in JSON, a message in bytes among it",
      [
        '{"MESSAGE":"Started cleanup.","PRIORITY":"6","SYSLOG_IDENTIFIER":"systemd","_HOSTNAME":"web","__REALTIME_TIMESTAMP":"1763999999000000"}',
        '{"MESSAGE":[27,91,51,49,109,98,97,100,10],"PRIORITY":"3","SYSLOG_IDENTIFIER":"app"}',
        '{"MESSAGE":null,"PRIORITY":"3"}',
      ],
      ["info|systemd|Started cleanup.", "error|app|bad", "error||MESSAGE=null"],
    ],
    [
      "JSON and pairs with and without a message",
      [
        '{"level":30,"time":1763999999000,"pid":7,"hostname":"web","msg":"request completed","responseTime":12}',
        '{"level":"debug","ts":"2025-11-25T16:00:01Z","method":"GET","status":200}',
        'logger=sql.metrics t=2025-11-25T16:00:15Z level=debug msg="query finished" status=success elapsed=1.3ms error=null',
        "level=warn method=GET path=/a took=7",
      ],
      [
        "info||request completed",
        "debug||method=GET status=200",
        "debug|sql.metrics|query finished",
        "warning||method=GET path=/a took=7",
      ],
    ],
    [
      "rubbish is refused, a torn letter is not",
      [
        "\u0000\u0001\u0002\u0003\ufffd\ufffdPK\u0005",
        "2025-11-25T16:00:01Z INFO M\ufffdller came",
        "",
        "   ",
      ],
      ["binary", "info||Mller came", "blank", "blank"],
    ],
    [
      "a sentence without a header among lines with one is a record",
      ["2025-11-25T16:00:01Z INFO ready", "segfault at 0 ip 7f rsp 7ff"],
      ["info||ready", "||segfault at 0 ip 7f rsp 7ff"],
    ],
    [
      "indented lines alone are lines",
      ["  first thing", "  second thing"],
      ["||  first thing", "||  second thing"],
    ],
    [
      "a network device that writes a second header",
      [
        "<190>Nov  5 14:01:20 10.1.1.4 8711: 8790: Nov  5 14:01:19.115: %ACL-6-LOG: list 113 denied udp 10.9.9.1(5017)",
      ],
      ["info|8711|8790: Nov  5 14:01:19.115: %ACL-6-LOG: list 113 denied udp 10.9.9.1(5017)"],
    ],
    [
      "a machine without a clock",
      ["<7>1 - foo bar - - - message of nothing"],
      ["debug|bar|message of nothing"],
    ],
  ])("%s", (_, lines, expected) => {
    expect(read(lines)).toEqual(expected);
  });

  test("names of JSON from outside do no harm", () => {
    expect(
      read(['{"__proto__":{"level":"error"},"constructor":1,"msg":"hello there","level":"info"}']),
    ).toEqual(["info||hello there"]);
    expect(read([`${'{"a":'.repeat(100)}1${"}".repeat(100)}`])[0]).toMatch(/^\|\|/);
  });
});
