// npm run test:kill -- --rounds 200 [--seed 1] [--observations 3000]
import { parseArgs } from "node:util";
import { killTest } from "./run.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "6" },
    seed: { type: "string", default: "1" },
    observations: { type: "string", default: "0" },
  },
});
const rounds = Number(values.rounds);
const report = await killTest(rounds, Number(values.seed), Number(values.observations) || 20 * rounds);
console.log(JSON.stringify(report, null, 2));
const wrong =
  report.acknowledgedAndMissing + report.appliedTwice + report.statesDifferent + report.forecastsDifferent;
process.exitCode = wrong === 0 && report.forecastsCompared > 0 ? 0 : 1;
