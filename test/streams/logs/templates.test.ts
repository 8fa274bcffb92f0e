import { describe, expect, test } from "vitest";
import { messageOf } from "../../../src/streams/logs/header.ts";
import { TemplateMiner } from "../../../src/streams/logs/templates.ts";
import { fingerprint, patternOf, tokenise } from "../../../src/streams/logs/tokens.ts";
import { randomFrom, shopLog } from "./lines.ts";

const pattern = (message: string) => patternOf(tokenise(message));

describe("what varies by its form alone", () => {
  test.each([
    ["got 12 of -3 in 4.5ms at 80%, x=1e9", "got <*> of <*> in <*> at <*>, x=<*>"],
    ["from 10.0.0.7:8080 and fe80::1a2b:3c4d via 00:1e:c9:3b:12:34", "from <*>:<*> and <*> via <*>"],
    ["id 6f9619ff-8b86-d011-b42d-00cf4fc964ff, sum 9e107d9d372bb682, at 0x7ffe", "id <*>, sum <*>, at <*>"],
    ["wrote /var/log/app.log and C:\\data\\x.bin", "wrote <*> and <*>"],
    ["GET https://shop.example/a?b=c#d done", "GET <*> done"],
    ["blk_-42 part-0007 task_2025_0001_m_02", "blk_<*> part-<*> task_<*>"],
    // A digit in a name is part of it.
    ["ssh2 jk2_init() utf8 IPv4", "ssh2 jk2_init() utf8 IPv4"],
    ["until Fri Jun 17 07:07:00 2005 or later", "until <*> or later"],
    ["ids 1, 2, 3, 4, 5 gone", "ids <*> gone"],
    ["a=1,b=2,c=word", "a=<*>,b=<*>,c=word"],
    ["7|ok|ann|0.5", "<*>|ok|ann|<*>"],
    ["", ""],
  ])("%s", (message, expected) => {
    expect(pattern(message)).toBe(expected);
  });

  test("messages of one fingerprint have the same tokens, whatever their numbers", () => {
    const random = randomFrom(3);
    const parts = [
      "blk_",
      "-",
      ":",
      ".",
      "0x",
      "a",
      "user",
      " ",
      " ",
      "/",
      "=",
      "(",
      ")",
      "42",
      "7",
      "1234567",
      "beef",
      "k",
      "x",
      "%",
      ",",
      "|",
      "::",
    ];
    const seen = new Map<number, string>();
    for (let i = 0; i < 20_000; i++) {
      let message = "";
      for (let n = 1 + Math.floor(random() * 6); n > 0; n--)
        message += parts[Math.floor(random() * parts.length)];
      const tokens = JSON.stringify(tokenise(message));
      const known = seen.get(fingerprint(message));
      if (known !== undefined) expect(tokens, message).toBe(known);
      seen.set(fingerprint(message), tokens);
    }
  });

  test("a message of any length costs no more than its beginning", () => {
    const tokens = tokenise("word ".repeat(1_000_000));
    expect(tokens.length).toBeLessThan(200);
    expect(tokenise("x".repeat(5_000_000)).at(-1)).toBe("<*>");
  });
});

const ids = (messages: readonly string[], miner = new TemplateMiner()): number[] =>
  messages.map((message) => miner.add(message).template.id);

describe("templates", () => {
  test("names vary, words that say something do not", () => {
    expect(
      ids([
        "session opened for user ann by (uid=0)",
        "session closed for user ann",
        "session opened for user bob by (uid=17)",
        "session closed for user cid",
        "Accepted key for ann",
        "reverse lookup of a.example.org failed",
        "reverse lookup of b.example.net failed",
        "node up",
        "node down",
        "user connected",
        "user disconnected",
      ]),
    ).toEqual([1, 2, 1, 2, 3, 4, 4, 5, 6, 7, 8]);
  });

  test("ids begin at 1, are stable, and every template tells its pattern and count", () => {
    const miner = new TemplateMiner();
    ids(["a 1", "b 2", "a 3"], miner);
    expect(miner.templates.map(({ id, pattern, count }) => [id, pattern, count])).toEqual([
      [1, "a <*>", 2],
      [2, "b <*>", 1],
    ]);
  });

  test("many words in one place are merged, and that is told", () => {
    const miner = new TemplateMiner();
    const kinds = "red green blue white black pink grey".split(" ");
    const told = [...kinds, "gold"].map((word) => miner.add(`lamp turned ${word} by the switch`));
    expect(told.slice(0, 7).map(({ template }) => template.id)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(told[7].template.id).toBe(1);
    expect(told[7].merged).toEqual([2, 3, 4, 5, 6, 7]);
    expect(told[7].template).toMatchObject({ pattern: "lamp turned <*> by the switch", count: 8 });
    expect(miner.add("lamp turned mauve by the switch").template.id).toBe(1);
    // An id is never given twice.
    expect(miner.add("something else").template.id).toBe(8);
  });

  test("a word that has been seen to name things does so in other messages too", () => {
    const miner = new TemplateMiner();
    for (const name of "ann bob cid dora eve".split(" ")) miner.add(`Invalid user ${name} from 10.0.0.1`);
    expect(ids(["failure; rhost= user=ann", "failure; rhost= user=zoe"], miner)).toEqual([2, 2]);
    // Values known from there are names wherever they stand.
    expect(
      ids(["Failed password for ann from 10.0.0.1", "Failed password for bob from 10.0.0.9"], miner),
    ).toEqual([3, 3]);
    expect(ids(["Failed password for nobody from 10.0.0.9"], new TemplateMiner())).toEqual([1]);
  });

  test("pairs keep their values apart until these are many: states are few, users are not", () => {
    const miner = new TemplateMiner();
    expect(ids(["door state=open", "door state=shut", "door state=open"], miner)).toEqual([1, 2, 1]);
    // But of a list with commas they are data.
    expect(
      ids(["got lock=1, name=a.b, ws=null, pid=7", "got lock=2, name=core, ws=Source{3}, pid=8"]),
    ).toEqual([1, 1]);
    const users = "mike smith jackson bob ann eve"
      .split(" ")
      .map((name) => `cmd user=${name} ip=unknown done`);
    const found = ids(users, new TemplateMiner());
    expect(found.slice(4)).toEqual([1, 1]);
  });

  test("thousands of names at the beginning are one template in the end", () => {
    const miner = new TemplateMiner();
    const random = randomFrom(5);
    for (let i = 0; i < 5000; i++) {
      const name = Array.from({ length: 8 }, () => String.fromCharCode(97 + Math.floor(random() * 26))).join(
        "",
      );
      miner.add(`${name} logged in`);
    }
    expect(miner.templates.map(({ pattern }) => pattern)).toEqual(["<*> logged in"]);
  });

  test("memory is bounded, the templates not met for longest make room, and their ids are gone", () => {
    const miner = new TemplateMiner({ maximum: 16 });
    const word = (i: number) => String.fromCharCode(97 + (i % 26), 97 + (Math.floor(i / 26) % 26));
    for (let i = 0; i < 400; i++) {
      miner.add(`${word(i)}${word(i * 7)} ${word(i * 3)} ${word(i * 11)}q and more ${word(i * 5)}`);
      miner.add("the one that is met again and again");
    }
    expect(miner.templates.length).toBeLessThanOrEqual(16);
    expect(miner.forgotten).toBeGreaterThan(300);
    expect(miner.templates.some(({ pattern }) => pattern.startsWith("the one"))).toBe(true);
  });

  test("saved at any message and restored, it goes on to the same ids, patterns and bytes", () => {
    const messages = [
      ...shopLog(400, 1).map(messageOf),
      ..."red green blue white black pink grey gold"
        .split(" ")
        .map((word) => `lamp turned ${word} by the switch`),
      ...shopLog(200, 2).map((line) => messageOf(line).replace("order", "Order")),
      ..."ann bob cid dora eve finn zoe"
        .split(" ")
        .flatMap((name) => [`login user=${name} ok`, `bye for ${name} at 7`]),
    ];
    const whole = new TemplateMiner();
    const expected = messages.map((message) => {
      const { template, merged } = whole.add(message);
      return [template.id, template.pattern, template.count, merged];
    });
    for (let cut = 0; cut < messages.length; cut += 37) {
      const before = new TemplateMiner();
      for (const message of messages.slice(0, cut)) before.add(message);
      const after = new TemplateMiner();
      after.restore(before.save());
      const rest = messages.slice(cut).map((message) => {
        const { template, merged } = after.add(message);
        return [template.id, template.pattern, template.count, merged];
      });
      expect(rest).toEqual(expected.slice(cut));
      expect(Buffer.from(after.save()).equals(Buffer.from(whole.save()))).toBe(true);
    }
  });

  test("restoring anything else is refused", () => {
    expect(() => new TemplateMiner().restore(Uint8Array.of(1, 2, 3))).toThrow("saved state");
    expect(() => new TemplateMiner().restore(new TemplateMiner({ maximum: 5 }).save())).toThrow(
      "at most 4096",
    );
    expect(() => new TemplateMiner({ maximum: 0 })).toThrow("maximum: expected a whole number from 1");
  });
});
