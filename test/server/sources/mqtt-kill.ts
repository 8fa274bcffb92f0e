// Messages at QoS 1 through a real broker into a real server that is killed, and a broker that is restarted: what was applied?
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import { DatabaseReader } from "../../../src/storage/index.ts";
import { Program } from "../process.ts";
import { freePort, Mosquitto } from "./mosquitto.ts";

export interface MqttKillReport {
  readonly messages: number;
  readonly topics: number;
  readonly kills: number;
  readonly brokerRestarts: number;
  readonly applied: number;
  readonly missing: number;
  readonly appliedTwice: number;
  readonly outOfOrder: number;
  /** Messages that came again after an end and were known. */
  readonly repeatsKnown: number;
  /** From the first message sent to the last one applied, starts and recoveries among them. */
  readonly secondsOfIntake: number;
  readonly messagesPerSecond: number;
}

interface Report {
  readonly received: number;
  readonly taken: number;
  readonly waiting: number;
  readonly refused: Record<string, number>;
}

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Payloads as people have them: a number, a number with its unit, JSON with a time of its own. */
function payload(topic: number, n: number): string {
  if (topic % 3 === 0) return String(n);
  if (topic % 3 === 1) return `${n}.0 °C`;
  return JSON.stringify({ time: 1_700_000_000_000 + 1000 * n, reading: { value: n, quality: "good" } });
}

export async function mqttKillTest(
  messages: number,
  topics: number,
  version: "5" | "3.1.1" = "5",
): Promise<MqttKillReport> {
  const folder = mkdtempSync(join(tmpdir(), "eddy-mqtt-"));
  const broker = new Mosquitto(folder, await freePort());
  await broker.start();
  const config = join(folder, "eddy.config.json");
  const database = join(folder, "eddy.db");
  writeFileSync(
    config,
    JSON.stringify({
      port: 0,
      database,
      forecast: { model: "persistence", horizon: 1 },
      sources: [
        {
          name: "plant",
          kind: "mqtt",
          options: { url: broker.url, version, topics: ["plant/{host}/{metric}"], series: "{host}/{metric}" },
        },
      ],
    }),
  );
  let server: Program | undefined;
  let url = "";
  let repeatsKnown = 0;
  const start = async (): Promise<void> => {
    server = Program.eddy("serve", "--config", config);
    url = await server.url();
  };
  const report = async (): Promise<Report> => {
    const [one] = (await (await fetch(`${url}/v1/sources`)).json()) as Report[];
    return one;
  };
  /** Readings in the journal: what was durable and not yet counted when the server was killed is in no counter. */
  const durable = async (): Promise<number> =>
    Number(/^eddy_offset (\d+)/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1]);
  const until = async (count: number): Promise<void> => {
    while ((await durable()) < count) await pause(10);
  };
  const kill = async (): Promise<void> => {
    const { refused } = await report();
    repeatsKnown += refused.duplicate ?? 0;
    await server?.stop("SIGKILL");
  };
  try {
    await start();
    // The session must be there before the first message: a broker keeps nothing for a name it has never heard.
    while (
      ((await (await fetch(`${url}/v1/sources`)).json()) as { connectedSince: unknown }[])[0]
        .connectedSince === null
    )
      await pause(10);
    const perTopic = Math.ceil(messages / topics);
    const sender = await connectAsync(broker.url, { protocolVersion: 4 });
    const publish = async (by: typeof sender, from: number, to: number): Promise<void> => {
      for (let n = from; n < to; n++) {
        await Promise.all(
          Array.from({ length: topics }, (_, topic) =>
            by.publishAsync(`plant/host-${topic % 7}/metric-${topic}`, payload(topic, n), { qos: 1 }),
          ),
        );
      }
    };
    const half = Math.floor(perTopic / 2);
    const began = performance.now();
    const first = publish(sender, 0, half);
    await until(messages / 8);
    await kill();
    await start();
    await first;
    await sender.endAsync();
    // The queue is full of what has not been taken: it must survive the broker, too.
    await broker.stop();
    await broker.start();
    const again = await connectAsync(broker.url, { protocolVersion: 4 });
    const second = publish(again, half, perTopic);
    await until(0.7 * messages);
    await kill();
    await start();
    await second;
    let applied = 0;
    for (let still = 0; applied < perTopic * topics && still < 400; still++) {
      const now = await durable();
      if (now > applied) still = 0;
      applied = now;
      await pause(50);
    }
    const seconds = (performance.now() - began) / 1000;
    repeatsKnown += (await report()).refused.duplicate ?? 0;
    if (process.env.DEBUG)
      console.log(JSON.stringify(await (await fetch(`${url}/v1/sources`)).json()), server?.stderr);
    await again.endAsync();
    await server?.stop();
    return {
      ...compare(database, perTopic, topics),
      messages: perTopic * topics,
      topics,
      kills: 2,
      brokerRestarts: 1,
      repeatsKnown,
      secondsOfIntake: Number(seconds.toFixed(1)),
      messagesPerSecond: Math.round((perTopic * topics) / seconds),
    };
  } finally {
    await server?.stop("SIGKILL");
    await broker.stop("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

function compare(database: string, perTopic: number, topics: number) {
  const reader = new DatabaseReader(database);
  const values = new Map<string, number[]>();
  for (const { series, values: given } of reader.observations(reader.series())) {
    const list = values.get(series) ?? [];
    values.set(series, list);
    list.push(given.value ?? given["reading.value"] ?? Number.NaN);
  }
  reader.close();
  let [applied, missing, appliedTwice, outOfOrder] = [0, 0, 0, 0];
  for (let topic = 0; topic < topics; topic++) {
    const list = values.get(`host-${topic % 7}/metric-${topic}`) ?? [];
    const once = new Set(list);
    applied += list.length;
    missing += perTopic - once.size;
    appliedTwice += list.length - once.size;
    for (let i = 1; i < list.length; i++) if (list[i] < list[i - 1]) outOfOrder++;
  }
  return { applied, missing, appliedTwice, outOfOrder };
}
