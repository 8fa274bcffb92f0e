import { Client, type ClientOptions } from "./client.ts";
import type { ClientWorld } from "./world.ts";

/**
 * Connects to a server of Eddy, and comes back whenever the connection is lost, until `close`.
 *
 * ```ts no-run
 * const client = connect("http://127.0.0.1:8787");
 * await client.observe({ series: "boiler", value: 71.3 });
 * for await (const { forecast } of client.forecasts("boiler*")) console.log(forecast.horizon[0]?.mean);
 * ```
 *
 * @param server its address: `http`, `https`, `ws` or `wss`
 * @param world another clock, network and randomness than those of this process or page, for tests
 * @throws ClientError `bad-argument` when the address is none
 */
export function connect(
  server: string | URL,
  options: ClientOptions = {},
  world: Partial<ClientWorld> = {},
): Client {
  return new Client(server, options, world);
}

export type {
  AlertMessage,
  AlertOptions,
  Client,
  ClientOptions,
  ForecastMessage,
  OutputMessage,
  Receipt,
  SeriesPattern,
  SubscribeOptions,
} from "./client.ts";
export { ClientError } from "./errors.ts";
export type { Feed, Observer, Unsubscribable } from "./feed.ts";
export type { Acknowledged, Observation } from "./observations.ts";
export { type Status, statusWords } from "./status.ts";
export type { Gap } from "./subscriptions.ts";
export type { ClientWorld } from "./world.ts";
