// A server ended by SIGKILL again and again while its receivers fail: every alert arrives, in order, under one id.
import { expect, test } from "vitest";
import { killDeliveries } from "./kill.ts";

test("every beginning and end of an alert arrives at least once, in order, however often the server is killed", async () => {
  const rounds = Number(process.env.ROUNDS ?? 3);
  const report = await killDeliveries(rounds, 7);
  console.log(JSON.stringify(report));
  expect(report.transitions).toBeGreaterThan(50);
  expect(Object.keys(report.receivers)).toEqual(["ops", "siren"]);
  for (const receiver of Object.values(report.receivers)) {
    expect(receiver).toMatchObject({ missing: 0, unknown: 0, different: 0, outOfOrder: 0 });
    expect(receiver.arrived).toBe(report.transitions + receiver.repeats);
  }
  // A receiver that hangs up after it has taken a message is told again.
  expect(report.receivers.ops?.repeats).toBeGreaterThan(0);
}, 1_800_000);
