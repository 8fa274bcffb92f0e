import { text, whole } from "../models/kinds.ts";
import { type Configuration, readConfiguration, seriesOptions } from "../server/configuration.ts";
import type { EngineOptions } from "../server/engine.ts";
import { watchFiles } from "../server/file-watch.ts";
import { CounterNames } from "../server/sources/counter-names.ts";
import { Units } from "../server/units.ts";
import { systemClock } from "../storage/clock.ts";
import { milliseconds } from "../streams/checked.ts";
import { fileError } from "../streams/sources/open-file.ts";
import { defineCommand } from "./command.ts";
import { flag, pipelineFlag, toggle } from "./flags.ts";
import { loadPipelines } from "./load-pipelines.ts";
import { logFlags } from "./server-log.ts";
import { DEFAULT_PORT, startServing, stopped } from "./serving.ts";
import type { World } from "./world.ts";

export const command = defineCommand({
  name: "serve",
  summary: "takes observations by HTTP and WebSocket, sends forecasts, shows a page",
  description:
    "Everything acknowledged is in the database and survives the process; a server started again on the same database goes " +
    "on with the same bits. Flags win over the configuration file. SIGTERM or Ctrl-C: no more intake, a last checkpoint, " +
    "goodbye to the subscribers, exit 0. Tokens are read anew when the configuration file changes, and on SIGHUP; so is the " +
    "certificate when its files do. All else of the configuration takes a restart.",
  stray: "the database is named by --db, the configuration by --config",
  flags: {
    config: flag(text("a file", "FILE"), "configuration, JSON"),
    db: flag(text("a file", "FILE"), "the database; made when there is none (default eddy-data/eddy.db)"),
    host: flag(
      text("an address", "ADDRESS"),
      "address to listen on (default 127.0.0.1); any other needs a token",
    ),
    port: flag(whole(0, 65_535), `port to listen on (default ${DEFAULT_PORT}); 0 for a free one`),
    pipeline: pipelineFlag,
    reset: toggle(
      "go on although something acknowledged is missing or no checkpoint of a series is good any more",
    ),
    token: flag(text(), "what clients must show; better in the environment as EDDY_TOKEN"),
    ...logFlags,
  },
  examples: ["eddy serve --port 8787 --db sensors.db", "eddy serve --config eddy.config.json"],
  async run({ flags, world }) {
    const { config } = flags;
    const configured = () => (config === undefined ? {} : readConfiguration(readText(world, config), config));
    const configuration = configured();
    const credentials = ({ token, tokens }: Configuration) => ({
      token: flags.token ?? (world.environment.EDDY_TOKEN || token),
      tokens,
    });
    const { token, tokens } = credentials(configuration);
    const host = flags.host ?? configuration.host;
    const { durability, origins, bodyBytes, ahead, sources, units, receivers, alerts } = configuration;
    const { tls, proxies, requestsPerSecond } = configuration;
    const said = new Units(units);
    const counters = new CounterNames();
    const pipelines = flags.pipeline === undefined ? [] : await loadPipelines(world, flags.pipeline);
    const { server } = await startServing(
      world,
      {
        database: flags.db ?? configuration.database ?? "eddy-data/eddy.db",
        series: seriesOptions(configuration, counters),
        ...(configuration.storage as Partial<EngineOptions> | undefined),
        reset: flags.reset,
        pipelines,
        alerts: {
          rules: alerts ?? [],
          receivers: Object.keys(receivers ?? {}),
          unit: (series, target) => said.of(series, target),
        },
        ...(ahead === undefined ? {} : { ahead: milliseconds(ahead) }),
        ...(durability === undefined ? {} : { durability }),
      },
      {
        port: flags.port ?? configuration.port ?? DEFAULT_PORT,
        counters,
        ...(host === undefined ? {} : { host }),
        ...(token === undefined ? {} : { token }),
        ...(origins === undefined ? {} : { origins }),
        ...(bodyBytes === undefined ? {} : { bodyBytes }),
        ...(sources === undefined ? {} : { sources }),
        ...(units === undefined ? {} : { units }),
        ...(tokens === undefined ? {} : { tokens }),
        ...(tls === undefined ? {} : { tls }),
        ...(proxies === undefined ? {} : { proxies }),
        ...(requestsPerSecond === undefined ? {} : { requestsPerSecond }),
        ...(receivers === undefined ? {} : { receivers }),
      },
      // A pattern is a name that it matches.
      ["any", ...(configuration.series ?? []).map(({ match }) => match)],
      { level: flags["log-level"], format: flags["log-format"] },
    );
    const reload = () => server.reload(() => credentials(configured()));
    let stopWatching = () => {};
    if (config !== undefined) {
      world.onReload(reload);
      stopWatching = watchFiles([config], world.fs, systemClock, reload);
    }
    await world.stdout.write(`Eddy listens on ${server.url}\n`);
    await stopped(world);
    stopWatching();
    await server.close();
    return 0;
  },
});

function readText({ fs }: World, path: string): string {
  try {
    return fs.readFileSync(path, "utf8");
  } catch (cause) {
    throw fileError(path, cause);
  }
}
