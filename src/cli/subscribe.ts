import type { AlertMessage, ForecastMessage, OutputMessage } from "../client/client.ts";
import { ClientError } from "../client/errors.ts";
import { connect } from "../client/node.ts";
import { statusWords } from "../client/status.ts";
import type { Gap } from "../client/subscriptions.ts";
import { EddyError, printable } from "../models/errors.ts";
import { MAX_HORIZON } from "../models/forecaster/specification.ts";
import { number, text, whole, wholes, word } from "../models/kinds.ts";
import type { Since } from "../protocol/client-messages.ts";
import { defineCommand } from "./command.ts";
import { address, flag, toggle, typed } from "./flags.ts";
import { alertRow, forecastRow, HEADING } from "./forecast-rows.ts";

/** The place of a message in the log of a server, as it is typed. */
const place = typed(
  "PLACE",
  "EPOCH:OFFSET:ORDINAL (of alerts EPOCH:SEQUENCE), as eddy subscribe tells it at its end",
  (typed): Since | undefined => {
    const [, epoch, offset, ordinal] = /^([^:]{1,128}):(\d{1,15})(?::(\d{1,15}))?$/.exec(typed) ?? [];
    if (epoch === undefined) return undefined;
    return { epoch, offset: Number(offset), ...(ordinal === undefined ? {} : { ordinal: Number(ordinal) }) };
  },
);

const placeWords = (message: ForecastMessage | OutputMessage | AlertMessage): string =>
  "alert" in message
    ? `${message.epoch}:${message.sequence}`
    : `${message.epoch}:${message.offset}:${message.ordinal}`;

const lineOf = (message: ForecastMessage | OutputMessage | AlertMessage, asRow: boolean): string => {
  if ("alert" in message) return asRow ? alertRow(message.alert) : `${JSON.stringify(message.alert)}\n`;
  const told = "forecast" in message ? message.forecast : message.output;
  return asRow ? forecastRow(told) : `${JSON.stringify(told)}\n`;
};

export const command = defineCommand({
  name: "subscribe",
  summary: "prints the forecasts of a server as they are made, and comes back after a break",
  description:
    "One forecast a line: a table on a terminal, else NDJSON, the lines that eddy pipe writes. Outputs of hosted pipelines come " +
    "under the names of these. --mode latest begins with what is known and leaves out what a slow reader has no time for; --mode " +
    "stream is every forecast exactly once and in order, whatever happens to the connection. --alerts is beginnings and ends of " +
    "alerts instead, each once.\n\nThe server's token is taken from " +
    "EDDY_TOKEN. Breaks are told on standard error. Ctrl-C ends it.",
  operand: { name: "URL", summary: "a server, such as http://127.0.0.1:8787" },
  second: {
    name: "PATTERN",
    summary: "names of series, with --alerts of rules: * any run of characters, ? one character",
    fallback: "*",
  },
  flags: {
    mode: flag(
      word(["latest", "stream"]),
      "what a slow reader misses: latest, or nothing (default latest; stream with --since)",
    ),
    alerts: toggle("alerts as they begin and end, instead of forecasts"),
    since: flag(place, "go on behind this place"),
    horizons: flag(wholes(1, MAX_HORIZON, MAX_HORIZON), "only these steps of each forecast"),
    "max-rate": flag(
      number(0.001, 1e6),
      "lines a second at most: latest, of each series and target; stream, of all",
    ),
    count: flag(whole(1), "end after so many lines"),
    token: flag(text(), "the server's token; better in the environment as EDDY_TOKEN"),
    json: toggle("NDJSON on a terminal too"),
  },
  examples: [
    "eddy subscribe http://127.0.0.1:8787 'boiler*'",
    "eddy subscribe http://127.0.0.1:8787 --mode stream | jq .horizon[0].mean",
    "eddy subscribe http://127.0.0.1:8787 --alerts 'disk-*'",
  ],
  async run({ flags, operand, second: pattern, world }) {
    const { stdout, stderr } = world;
    const url = address.read(operand);
    if (url === undefined) {
      throw new EddyError("bad-argument", "URL", {
        expected: address.expected,
        received: printable(operand),
      });
    }
    const {
      since,
      horizons,
      count = Number.POSITIVE_INFINITY,
      mode = since === undefined ? "latest" : "stream",
    } = flags;
    const maxRate = flags["max-rate"];
    for (const name of ["mode", "horizons", "max-rate"] as const) {
      if (!flags.alerts || flags[name] === undefined) continue;
      throw new EddyError("bad-argument", `--${name}`, {
        problem: "not with --alerts: it is about forecasts",
      });
    }
    const token = flags.token ?? world.environment.EDDY_TOKEN;
    const asRows = stdout.isTTY && !flags.json;
    const tell = (words: string) => stderr.write(`eddy: ${url.origin}: ${words}\n`);
    const client = connect(url, { signal: world.stop, token }, { now: world.now });
    let away = false;
    client.statuses().subscribe((status) => {
      if (status.state === "waiting") tell(statusWords(status, world.now()));
      else if (status.state === "live" && away) tell("live again");
      away = status.state === "waiting" || (away && status.state !== "live");
    });
    let last: ForecastMessage | OutputMessage | AlertMessage | undefined;
    let lines = 0;
    try {
      const gap = ({ from, to, reason }: Gap): void => {
        const what = flags.alerts ? "alerts after place" : "forecasts after offset";
        tell(`${what} ${from} up to ${to} cannot be sent any more: ${reason}`);
      };
      const messages: AsyncIterable<ForecastMessage | OutputMessage | AlertMessage> = flags.alerts
        ? client.alerts(pattern, { since: since && { epoch: since.epoch, sequence: since.offset }, gap })
        : client.subscribe(pattern, { mode, since, horizons, maxRate, gap });
      if (asRows && !flags.alerts) await stdout.write(HEADING);
      for await (const message of messages) {
        await stdout.write(lineOf(message, asRows));
        last = message;
        if (++lines >= count || world.stop.aborted) break;
      }
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      tell(error.message);
      return 1;
    } finally {
      client.close();
    }
    if ((mode === "stream" || flags.alerts) && last !== undefined)
      tell(`--since ${placeWords(last)} goes on from here`);
    return 0;
  },
});
