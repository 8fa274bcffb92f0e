// Does a server speak the protocol? node --import tsx scripts/check/conformance.ts [URL] [--token T] [--case WORDS]
// Without URL it starts one of its own, which can be restarted, choked and broken, so that everything is tried.
import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { CASES } from "./conformance/cases.ts";
import { conformance } from "./conformance/run.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { token: { type: "string" }, case: { type: "string", default: "" } },
});
const [url] = positionals;
const token = values.token ?? process.env.EDDY_TOKEN;

const { results, seen } = await conformance({
  ...(url === undefined ? {} : { url: url.replace(/\/$/, "") }),
  ...(token === undefined ? {} : { token }),
  seed: randomUUID().slice(0, 8),
  cases: CASES.filter(({ name }) => name.includes(values.case)),
  onResult: ({ name, protocol, outcome, message }) =>
    console.log(`${outcome.padEnd(8)} ${protocol.padEnd(14)} ${name}${message === "" ? "" : `: ${message}`}`),
});
const count = (outcome: string): number => results.filter((result) => result.outcome === outcome).length;
const listed = (map: ReadonlyMap<unknown, number>): string =>
  [...map]
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))
    .map(([key, times]) => `${key} x ${times}`)
    .join(", ");
console.log(`messages: ${listed(seen.types)}`);
console.log(`close codes: ${listed(seen.codes)}`);
console.log(`${seen.validated} messages held against the schema, ${seen.tables} tables of Arrow opened`);
console.log(`${count("holds")} hold, ${count("fails")} fail, ${count("not run")} not run`);
process.exitCode = count("fails") === 0 ? 0 : 1;
