// The short form of `npm run test:kill -- --rounds 200`.
import { expect, test } from "vitest";
import { killTest } from "./run.ts";

test("a server killed again and again, with pipelines of a person's own in it, ends with the same bits, nothing missing, nothing twice", async () => {
  const report = await killTest(4, 11, 100);
  console.log(JSON.stringify(report));
  expect(report.acknowledgedAndMissing).toBe(0);
  expect(report.appliedTwice).toBe(0);
  expect(report.statesDifferent).toBe(0);
  expect(report.forecastsDifferent).toBe(0);
  expect(report.statesCompared).toBe(7);
  expect(report.forecastsCompared).toBeGreaterThan(300);
  expect(report.outputsDifferent).toBe(0);
  expect(report.transitionsDifferent).toBe(0);
  expect(report.transitionsTwice).toBe(0);
  expect(report.transitionsOutOfTurn).toBe(0);
  expect(report.deliveriesWrong).toBe(0);
  // Every rule but the one about silence has told something.
  expect(Object.keys(report.transitionsCompared).sort()).toEqual([
    "date",
    "high",
    "odd",
    "skill",
    "slow",
    "soon",
  ]);
  // One reads three of the five series, the other all of them: every reading once, and an output for each.
  expect(report.pipelineReadings).toBe((report.observations / 5) * 8);
  expect(report.outputsCompared).toBe(report.pipelineReadings);
}, 240_000);
