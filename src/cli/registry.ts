import type { Command, Flags } from "./command.ts";

/** A command as the program lists it; its module is imported when it is run. */
export interface Entry {
  readonly summary: string;
  load(): Promise<Command<Flags>>;
}

// biome-ignore lint/suspicious/noExplicitAny: the flags of a command are checked in its own module
const from = (module: Promise<{ command: Command<any> }>): Promise<Command<Flags>> =>
  module.then(({ command }) => command);

/**
 * Every command. To add one: a module `src/cli/<name>.ts` that exports `command`, and a line here. Those of two words are in a folder
 * that is called like the first.
 */
export const commands: Readonly<Record<string, Entry>> = {
  start: {
    summary: "the demo: recorded sensors and this machine's own load, forecast live on a page",
    load: () => from(import("./start.ts")),
  },
  serve: {
    summary: "takes observations by HTTP and WebSocket, sends forecasts, shows a page",
    load: () => from(import("./serve.ts")),
  },
  token: {
    summary: "makes a token for a server, and the line of the configuration that lets it in",
    load: () => from(import("./token.ts")),
  },
  subscribe: {
    summary: "prints the forecasts of a server as they are made, and comes back after a break",
    load: () => from(import("./subscribe.ts")),
  },
  pipe: {
    summary: "forecast what comes on stdin, line by line",
    load: () => from(import("./pipe.ts")),
  },
  forecast: {
    summary: "the next steps of a file, as a table, CSV or JSON",
    load: () => from(import("./forecast.ts")),
  },
  recognise: {
    summary: "what a file is found to be, and how to say it is something else",
    load: () => from(import("./recognise.ts")),
  },
  replay: {
    summary: "drive the live path with a recording, at the speed of its own time or faster",
    load: () => from(import("./replay.ts")),
  },
  evaluate: {
    summary: "how well the models forecast a recording, without a leak",
    load: () => from(import("./evaluate.ts")),
  },
  export: {
    summary: "observations, forecasts or alerts of a database as Arrow, CSV or NDJSON",
    load: () => from(import("./export.ts")),
  },
  inspect: {
    summary: "what a database holds, with every checkpoint verified",
    load: () => from(import("./inspect.ts")),
  },
  savepoint: {
    summary: "one portable file with everything of some series, that another machine goes on from",
    load: () => from(import("./savepoint.ts")),
  },
  "alerts test": {
    summary: "when a rule would have fired on a file, how early, and how often for nothing",
    load: () => from(import("./alerts/test.ts")),
  },
  "alerts list": {
    summary: "rules for alerts of a server, and what is pending or firing",
    load: () => from(import("./alerts/list.ts")),
  },
  "alerts show": {
    summary: "one rule of a server, and what is pending or firing of it",
    load: () => from(import("./alerts/show.ts")),
  },
  "alerts put": {
    summary: "gives a server a rule for alerts, or several, new or changed",
    load: () => from(import("./alerts/put.ts")),
  },
  "alerts delete": {
    summary: "takes a rule from a server; alerts of it that fire end",
    load: () => from(import("./alerts/delete.ts")),
  },
  "alerts transitions": {
    summary: "what has begun to fire and what has ended, the newest first",
    load: () => from(import("./alerts/transitions.ts")),
  },
  "alerts receivers": {
    summary: "who is told of alerts, and whether they could be reached",
    load: () => from(import("./alerts/receivers.ts")),
  },
  "alerts deliveries": {
    summary: "what receivers have still to be told, are reminded of, or could not be told",
    load: () => from(import("./alerts/deliveries.ts")),
  },
  "alerts retry": {
    summary: "sends again what was given up: one delivery, or all of them",
    load: () => from(import("./alerts/retry.ts")),
  },
};
