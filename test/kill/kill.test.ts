// The short form of `npm run test:kill -- --rounds 200`.
import { expect, test } from "vitest";
import { killTest } from "./run.ts";

test("a server killed again and again ends with the same bits, nothing missing, nothing twice", async () => {
  const report = await killTest(4, 11, 100);
  console.log(JSON.stringify(report));
  expect(report.acknowledgedAndMissing).toBe(0);
  expect(report.appliedTwice).toBe(0);
  expect(report.statesDifferent).toBe(0);
  expect(report.forecastsDifferent).toBe(0);
  expect(report.statesCompared).toBe(5);
  expect(report.forecastsCompared).toBeGreaterThan(300);
}, 240_000);
