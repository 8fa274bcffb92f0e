// npm run test:kill -- --rounds 200 [--seed 1] [--observations 3000]
// npm run test:kill -- --rounds 30 --log 3000 [--seed 1]
import { parseArgs } from "node:util";
import { logKillTest } from "./log-kill.ts";
import { killTest } from "./run.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "6" },
    seed: { type: "string", default: "1" },
    observations: { type: "string", default: "0" },
    /** Lines of a log that the server follows, instead of observations that clients send. */
    log: { type: "string" },
  },
});
const rounds = Number(values.rounds);
if (values.log !== undefined) {
  const report = await logKillTest(rounds, Number(values.seed), Number(values.log));
  console.log(JSON.stringify(report, null, 2));
  process.exit(report.missingOrTwice + report.statesDifferent + report.forecastsDifferent === 0 ? 0 : 1);
}
const report = await killTest(rounds, Number(values.seed), Number(values.observations) || 20 * rounds);
console.log(JSON.stringify(report, null, 2));
const wrong =
  report.acknowledgedAndMissing +
  report.appliedTwice +
  report.statesDifferent +
  report.forecastsDifferent +
  report.outputsDifferent +
  report.transitionsDifferent +
  report.transitionsTwice +
  report.transitionsOutOfTurn +
  report.deliveriesWrong;
process.exitCode = wrong === 0 && report.forecastsCompared > 0 && report.outputsCompared > 0 ? 0 : 1;
