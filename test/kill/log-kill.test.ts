// The short form of `npm run test:kill -- --rounds 30 --log 3000`.
import { expect, test } from "vitest";
import { logKillTest } from "./log-kill.ts";

test("a server that follows a log, killed again and again, ends with the same templates, counts and forecasts", async () => {
  const report = await logKillTest(2, 11, 300);
  expect(report).toMatchObject({ missingOrTwice: 0, statesDifferent: 0, forecastsDifferent: 0 });
  expect(report.series).toBeGreaterThan(4);
  expect(report.forecasts).toBeGreaterThan(100);
}, 240_000);
