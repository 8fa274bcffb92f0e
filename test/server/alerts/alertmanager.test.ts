// The real Alertmanager: it hears of what begins and ends, goes on holding for true what it is reminded of, and refuses none of it.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createSocketServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { alertmanager } from "../../../src/server/alerts/delivery/alertmanager.ts";
import { Deliveries } from "../../../src/server/alerts/delivery/deliveries.ts";
import { deliveryWorld } from "../../../src/server/alerts/delivery/world.ts";
import type { Delivery } from "../../../src/storage/outbox.ts";
import { announced, memoryOutbox, transition } from "../../outbox.ts";

const program = ["prometheus-alertmanager", "alertmanager"].find(
  (name) => spawnSync(name, ["--version"]).error === undefined,
);
const never = new AbortController().signal;
const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

async function freePort(): Promise<number> {
  const server = createSocketServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const delivery = (told: object, n = 0): Delivery => ({
  id: n + 1,
  receiver: "pager",
  lane: "full",
  subject: `s${n}`,
  firing: (told as { state: string }).state === "firing",
  text: JSON.stringify(told),
  state: "waiting",
  attempts: 0,
  error: null,
});

interface Listed {
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
}

describe.skipIf(program === undefined)("Alertmanager", () => {
  const folder = mkdtempSync(join(tmpdir(), "eddy-alertmanager-"));
  let running: ChildProcess;
  let url = "";
  const notified: { status: string; alerts: { status: string; labels: Record<string, string> }[] }[] = [];
  const hook = createServer((request, response) => {
    let body = "";
    request.on("data", (text) => {
      body += text;
    });
    request.on("end", () => {
      notified.push(JSON.parse(body));
      response.end();
    });
  });

  beforeAll(async () => {
    await new Promise<void>((resolve) => hook.listen(0, "127.0.0.1", resolve));
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const file = join(folder, "alertmanager.yml");
    writeFileSync(
      file,
      `global: { resolve_timeout: 3s }
route: { receiver: hook, group_by: [alertname, series], group_wait: 0s, group_interval: 1s, repeat_interval: 1h }
receivers: [{ name: hook, webhook_configs: [{ url: "http://127.0.0.1:${(hook.address() as AddressInfo).port}/", send_resolved: true }] }]
`,
    );
    running = spawn(
      program ?? "",
      [
        `--config.file=${file}`,
        `--storage.path=${join(folder, "data")}`,
        `--web.listen-address=127.0.0.1:${port}`,
        "--cluster.listen-address=",
      ],
      { stdio: "ignore" },
    );
    for (;;) {
      const ready = await fetch(`${url}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (ready) break;
      await pause(50);
    }
  }, 60_000);

  afterAll(async () => {
    running?.kill("SIGKILL");
    hook.closeAllConnections();
    hook.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const listed = async (series: string): Promise<Listed[]> => {
    const filter = encodeURIComponent(`series="${series}"`);
    return (await (await fetch(`${url}/api/v2/alerts?filter=${filter}`)).json()) as Listed[];
  };
  const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await holds())) await pause(50);
  };
  const heard = (series: string): string[] =>
    notified.flatMap(({ alerts }) =>
      alerts.filter(({ labels }) => labels.series === series).map(({ status }) => status),
    );

  test("an alert has what it is about as labels and what is said of it as annotations", async () => {
    const told = {
      ...transition({ alert: "full/b" }),
      limit: [10, 90],
      probability: 0.83,
      crosses: { from: "2026-01-02T00:00:00.000Z", at: "2026-01-03T00:00:00.000Z", to: null },
    };
    const receiver = alertmanager(
      "pager",
      { alertmanager: `${url}/`, page: "https://eddy.example/" },
      deliveryWorld(),
    );
    expect(await receiver.send([delivery(told)], never)).toEqual({ told: true });
    const [one, ...others] = await listed("disk/full/b");
    expect(others).toEqual([]);
    expect(one).toMatchObject({
      labels: {
        alertname: "full",
        series: "disk/full/b",
        target: "used",
        severity: "warning",
        team: "storage",
      },
      annotations: {
        summary: "disk/full/b used is 91.5, above 90",
        value: "91.5",
        limit: "10 to 90",
        probability: "0.83",
        crosses: "2026-01-03T00:00:00.000Z",
        crosses_from: "2026-01-02T00:00:00.000Z",
      },
      startsAt: "2026-01-01T00:00:00.000Z",
      generatorURL: "https://eddy.example/",
    });
    expect(Object.keys(one.annotations)).not.toContain("crosses_to");
  });

  test("names from outside are taken as they are, and times ahead of the clock as now", async () => {
    const receiver = alertmanager("pager", { alertmanager: url }, deliveryWorld());
    const odd = [
      { series: 'ünicode 🌡 "quoted"\nline' },
      { series: "x".repeat(5000), summary: "😀".repeat(2000) },
      { series: "__proto__", target: "" },
      { series: "half \ud83d", labels: { constructor: "a", prefix_1: "" } },
      { series: "ahead", time: new Date(Date.now() + 86_400_000).toISOString() },
      { series: "ahead", time: new Date(Date.now() + 86_400_000).toISOString(), state: "resolved" },
    ];
    for (const [n, one] of odd.entries()) {
      const told = { ...transition({ alert: `odd${n}` }), ...one };
      expect([n, await receiver.send([delivery(told)], never)]).toEqual([n, { told: true }]);
    }
  });

  test("what fires is held for true as long as it is reminded of, and its end arrives", async () => {
    const outbox = memoryOutbox();
    const deliveries = new Deliveries(
      { pager: { alertmanager: url, wait: "0s", remindEvery: "1s" } },
      deliveryWorld(),
      { info() {}, warn() {}, error() {} },
    );
    deliveries.open(outbox);
    outbox.add(announced({ subject: "held", to: ["pager"] }));
    outbox.committed();
    await until(() => heard("disk/held").includes("firing"));
    // Twice as long as after what it takes for ended what it does not hear of.
    await pause(6500);
    expect(heard("disk/held")).toEqual(["firing"]);
    expect((await listed("disk/held")).length).toBe(1);
    outbox.add(announced({ subject: "held", to: ["pager"], state: "resolved", n: 1 }));
    outbox.committed();
    await until(() => heard("disk/held").includes("resolved"));
    expect(await listed("disk/held")).toEqual([]);
    // Reminders of the end do not make it fire again, nor are they told again.
    await pause(2500);
    expect(heard("disk/held")).toEqual(["firing", "resolved"]);
    expect(deliveries.report).toMatchObject([
      { name: "pager", told: 2, failures: 0, reached: true, reminded: 1 },
    ]);
    await deliveries.stop();
    await pause(1);
  }, 60_000);

  test("without reminders it would take it for ended: the test above can fail", async () => {
    const receiver = alertmanager("pager", { alertmanager: url }, deliveryWorld());
    await receiver.send([delivery(transition({ alert: "silent" }))], never);
    await until(() => heard("disk/silent").includes("resolved"));
    expect(heard("disk/silent")).toEqual(["firing", "resolved"]);
  }, 60_000);

  test("what began and ended in one message leaves nothing behind", async () => {
    const receiver = alertmanager("pager", { alertmanager: url }, deliveryWorld());
    const both = [
      delivery(transition({ alert: "short" })),
      delivery(transition({ alert: "short", state: "resolved", n: 1 }), 1),
    ];
    expect(await receiver.send(both, never)).toEqual({ told: true });
    expect(await listed("disk/short")).toEqual([]);
  });

  test("what it refuses is told in its own words", async () => {
    const receiver = alertmanager("pager", { alertmanager: url }, deliveryWorld());
    const bad = { ...transition({}), labels: { "not a name": "x" } };
    expect(await receiver.send([delivery(bad)], never)).toMatchObject({
      told: false,
      refused: true,
      reason: expect.stringContaining("not a name"),
    });
  });
});
