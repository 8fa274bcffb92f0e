import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { Program } from "../process.ts";

export interface DeliveryKillReport {
  readonly kills: number;
  readonly observations: number;
  /** Beginnings and ends of alerts, as the server keeps them. */
  readonly transitions: number;
  readonly receivers: Readonly<Record<string, ReceiverReport>>;
}

interface ReceiverReport {
  /** Alerts that arrived, repeats among them. */
  readonly arrived: number;
  readonly repeats: number;
  readonly missing: number;
  /** Arrived and not known to the server. */
  readonly unknown: number;
  /** Repeats that say something else than the first time. */
  readonly different: number;
  /** First arrivals that came after a later transition of the same series. */
  readonly outOfOrder: number;
}

interface Told {
  readonly id: string;
  readonly sequence: number;
  readonly series: string;
}

const SERIES = 12;
const SECRET = `whsec_${Buffer.alloc(32, 3).toString("base64")}`;
const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Ends a server `rounds` times by SIGKILL while alerts begin and end and its receivers fail at random, then lets it finish, and compares
 * what has arrived with what the server says has happened.
 */
export async function killDeliveries(rounds: number, seed: number): Promise<DeliveryKillReport> {
  const folder = mkdtempSync(join(tmpdir(), "eddy-deliveries-"));
  const files = { ops: join(folder, "ops.ndjson"), siren: join(folder, "siren.ndjson") };
  const generator = xoroshiro128plus(seed);
  const draw = (low: number, high: number): number => uniformInt(generator, low, high);
  const receiver = new Program(["test/server/alerts/receiver-process.ts"], {
    RECEIVER_FILE: files.ops,
    RECEIVER_SECRET: SECRET,
    RECEIVER_SEED: String(seed),
  });
  let server: Program | undefined;
  /** What the server answers, whatever that is. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at what comes
  type Answer = any;
  try {
    const receivers = {
      ops: { webhook: await receiver.url(), secret: SECRET, wait: "100ms" },
      siren: { command: ["/bin/sh", "-c", `cat >> ${files.siren}`], wait: "100ms", together: 20 },
    };
    const start = (): Program =>
      new Program(["test/server/alerts/server-process.ts"], {
        SERVER_DB: join(folder, "eddy.db"),
        SERVER_RECEIVERS: JSON.stringify(receivers),
      });
    server = start();
    let url = await server.url();
    let sending = true;
    let sent = 0;
    const client = async (): Promise<void> => {
      for (let n = 0; sending; n++) {
        // Each series is above the limit now and then, each in its own way.
        const body = Array.from({ length: SERIES }, (_, s) => {
          const value = draw(0, 3) === 0 ? 90 : 10;
          return JSON.stringify({ id: `${n}`, series: `s/${s}`, time: 1_700_000_000_000 + 1000 * n, value });
        }).join("\n");
        for (;;) {
          try {
            const answer = await fetch(`${url}/v1/observations`, {
              method: "POST",
              headers: { "content-type": "application/x-ndjson" },
              body,
            });
            if (!answer.ok) throw new Error(await answer.text());
            break;
          } catch {
            await pause(20);
          }
        }
        sent += SERIES;
        await pause(20);
      }
    };
    const done = client();
    for (let round = 0; round < rounds; round++) {
      const enough = sent + SERIES * draw(3, 25);
      while (sent < enough) await pause(10);
      await pause(draw(0, 300));
      await server.stop("SIGKILL");
      server = start();
      // Now and then it is ended while it starts.
      if (draw(0, 3) === 0) {
        await pause(draw(0, 800));
        await server.stop("SIGKILL");
        server = start();
      }
      url = await server.url();
    }
    await pause(500);
    sending = false;
    await done;
    const get = async (path: string): Promise<Answer> => (await fetch(`${url}${path}`)).json();
    while ((await get("/v1/alerts/deliveries?limit=1")).deliveries.length > 0) await pause(50);
    const known: Told[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page = await get(`/v1/alerts/transitions?limit=1000${cursor === "" ? "" : `&cursor=${cursor}`}`);
      known.push(...page.transitions);
      cursor = page.next;
    }
    const reports = Object.entries(files).map(([name, file]) => [name, compare(known, arrivals(file))]);
    return {
      kills: rounds,
      observations: sent,
      transitions: known.length,
      receivers: Object.fromEntries(reports),
    };
  } finally {
    await server?.stop("SIGKILL");
    await receiver.stop("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a receiver has written down, in its order. A line that a kill has cut short was no arrival. */
function arrivals(file: string): Told[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line) => {
      try {
        const read = JSON.parse(line);
        return "alerts" in read ? read.alerts : [read.alert];
      } catch {
        return [];
      }
    });
}

function compare(known: readonly Told[], arrived: readonly Told[]): ReceiverReport {
  const ids = new Map(known.map((told) => [told.id, JSON.stringify(told)]));
  const first = new Map<string, string>();
  const newest = new Map<string, number>();
  let [unknown, different, outOfOrder] = [0, 0, 0];
  for (const told of arrived) {
    const words = JSON.stringify(told);
    const before = first.get(told.id);
    if (before !== undefined) {
      if (before !== words) different++;
      continue;
    }
    first.set(told.id, words);
    if (ids.get(told.id) !== words) unknown++;
    if ((newest.get(told.series) ?? 0) > told.sequence) outOfOrder++;
    newest.set(told.series, Math.max(newest.get(told.series) ?? 0, told.sequence));
  }
  return {
    arrived: arrived.length,
    repeats: arrived.length - first.size,
    missing: known.filter(({ id }) => !first.has(id)).length,
    unknown,
    different,
    outOfOrder,
  };
}
