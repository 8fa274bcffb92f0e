// What an authorised client may send: hostile, or honest and unlucky.
import { arrowBodies, honestArrow } from "../arrow-bodies.ts";
import { inputs, type Kind } from "../kind.ts";
import { NAMES, type Random } from "../random.ts";
import type { Target } from "../target.ts";

const JSON_TYPES = ["application/json", "application/x-ndjson"] as const;

/** A kind of bodies, each with its media type. */
function bodies(
  name: string,
  weight: number,
  make: (random: Random, i: number) => readonly [string | Uint8Array, string],
): Kind {
  return {
    name,
    weight,
    async run(target, random, count, outcome) {
      await inputs(count, outcome, async (i) => {
        const [body, type] = make(random, i);
        const answer = await target.ask("/v1/observations", body, type);
        if (answer !== undefined && answer.status >= 500 && answer.status !== 503) {
          outcome.wrong.push(
            `${answer.status} for ${String(body).slice(0, 60)}: ${answer.text.slice(0, 80)}`,
          );
        }
      });
      await stillWorks(target, outcome);
    },
  };
}

/** After everything, an honest reading of an honest series is taken. */
async function stillWorks(target: Target, outcome: Parameters<Kind["run"]>[3]): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const answer = await target.ask("/v1/observations", '{"series":"honest","value":1}\n');
    if (answer?.status === 200 && answer.text.includes('"accepted":1')) return;
    if (answer !== undefined && answer.status !== 429) {
      outcome.wrong.push(`an honest reading was answered ${answer.status}: ${answer.text.slice(0, 100)}`);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  outcome.wrong.push("an honest reading was never taken");
}

/** Nothing hostile: what a server does the first time it is asked to, told apart from what comes after. */
export const honest: Kind = {
  name: "honest first readings",
  weight: 0.1,
  async run(target, _random, _count, outcome) {
    await inputs(4, outcome, async (i) => {
      const [body, type] = [
        ['{"series":"first","value":1}\n', "application/x-ndjson"],
        ["series,value\nfirst,2\n", "text/csv"],
        ['[{"series":"first","value":3}]', "application/json"],
        [honestArrow, "application/vnd.apache.arrow.stream"],
      ][i] as [string | Uint8Array, string];
      const answer = await target.ask("/v1/observations", body, type);
      if (answer?.status !== 200)
        outcome.wrong.push(`${type}: ${answer?.status} ${answer?.text.slice(0, 100)}`);
    });
  },
};

export const nesting = bodies("nesting", 2, (random) => {
  const depth = random.size(200_000);
  const [open, close] = random.pick([
    ["[", "]"],
    ['{"a":', "}"],
    ['{"series":', "}"],
    ['{"series":"a","values":', "}"],
    ['[{"series":"a","value":', "}]"],
  ] as const);
  const whole = open.repeat(depth) + random.pick(["1", "null", '""', ""]) + close.repeat(depth);
  return [random.chance(0.7) ? whole : open.repeat(depth), random.pick(JSON_TYPES)];
});

export const declaredSizes = bodies("declared sizes (Arrow)", 4, (random, i) => [
  arrowBodies(random, i),
  "application/vnd.apache.arrow.stream",
]);

export const counts = bodies("counts of names, columns, refusals", 2, (random, i) => {
  const count = random.size(20_000);
  return random.pick<() => readonly [string, string]>([
    () => ["0\n".repeat(count), "application/x-ndjson"],
    () => [`${",".repeat(count)}\n${",".repeat(count)}`, "text/csv"],
    () => [`value\n${"x\n".repeat(count)}`, "text/csv"],
    () => [`[${"0,".repeat(count)}0]`, "application/json"],
    () => [
      Array.from({ length: Math.min(count, 500) }, (_, n) => `{"series":"new-${i}-${n}","value":1}`).join(
        "\n",
      ),
      "application/x-ndjson",
    ],
    () => [
      JSON.stringify({
        series: `wide-${i}`,
        values: Object.fromEntries(Array.from({ length: Math.min(count, 300) }, (_, n) => [`c${n}`, n])),
      }),
      "application/json",
    ],
    () => [`{"series":"same","time":1,"value":1}\n`.repeat(count), "application/x-ndjson"],
  ])();
});

export const names = bodies("names", 3, (random) => {
  const name = random.pick(NAMES);
  const body = random.pick<object>([
    { series: name, value: 1 },
    { series: "names", values: { [name]: 1 } },
    { series: "names", id: name, value: 1 },
    { series: "names", [name]: 1, value: 1 },
    { series: "names", time: name, value: 1 },
    { series: "names", value: name },
  ]);
  const json = JSON.stringify(body).replace('"prototype"', '"__proto__"');
  return random.chance(0.8) ? [json, random.pick(JSON_TYPES)] : [`series,${name}\n${name},1\n`, "text/csv"];
});

export const times = bodies("times of long ago and of the future", 2, (random, i) => {
  const time = random.pick<unknown>([
    "9999-12-31T23:59:59Z",
    "0000-01-01",
    "-271821-04-20",
    8.64e15,
    -8.64e15,
    8.64e15 + 1,
    Date.now() + random.size(1e13),
    -random.size(8e15),
    0,
    -0,
    "2024-02-30",
    "2024-01-01T00:00:00+99:99",
    random.spoiled("2024-05-01T12:00:00Z"),
  ]);
  const line = (value: unknown) => `${JSON.stringify({ series: `times-${i}`, time: value, value: 1 })}\n`;
  return [line(time) + line(undefined) + line(1.7e12), "application/x-ndjson"];
});

export const utf8 = bodies("invalid UTF-8", 2, (random) => {
  const text = Buffer.from('{"series":"utf8-name","values":{"column":1.5},"id":"identifier"}\n');
  for (let times = random.between(1, 6); times > 0; times--) {
    text[random.between(0, text.length - 1)] = random.between(128, 255);
  }
  return [text, random.pick([...JSON_TYPES, "text/csv"])];
});

export const garbage = bodies("bodies that are none", 3, (random) => [
  random.chance(0.5)
    ? random.bytes(random.size(20_000))
    : random.spoiled('series,time,value\na,2024-01-01,1\n{"series":"b","value":2}\n'.repeat(random.size(50))),
  random.pick([...JSON_TYPES, "text/csv", "application/vnd.apache.arrow.stream", "text/plain", ""]),
]);

export const repeats: Kind = {
  name: "ids that are nearly the same",
  weight: 1,
  async run(target, random, count, outcome) {
    await inputs(
      count,
      outcome,
      async (i) => {
        const id = BigInt(random.between(0, 2 ** 31)) * BigInt(random.between(1, 2 ** 31)) + 2n ** 55n;
        const one = (n: number) =>
          `{"series":"ids-${i}","id":${id + BigInt(n)},"time":${1000 * n},"value":${n}}\n`;
        const answer = await target.ask("/v1/observations", one(1) + one(2) + one(3));
        const receipt = answer === undefined ? undefined : JSON.parse(answer.text);
        if (receipt?.duplicate > 0)
          outcome.wrong.push(`${id}: ${receipt.duplicate} of three ids taken for a repeat`);
      },
      1,
    );
  },
};
