import type { Forecast, PipelineOutput } from "../models/forecast.ts";
import type { Since } from "../protocol/client-messages.ts";
import type { SeriesAnswer } from "../protocol/http/answers.ts";
import type { AlertDataMessage, ServerMessage } from "../protocol/server-messages.ts";
import { readAddress } from "./address.ts";
import { Connection } from "./connection.ts";
import { ClientError, guarded } from "./errors.ts";
import { Feed } from "./feed.ts";
import { Everything, Latest } from "./mailbox.ts";
import { type Acknowledged, type Observation, Observations } from "./observations.ts";
import {
  type Data,
  EveryAlert,
  EveryForecast,
  LatestForecasts,
  type Progress,
  type SinceAlert,
  subjectOf,
} from "./progress.ts";
import { Requests } from "./requests.ts";
import type { Status } from "./status.ts";
import { type Gap, type Receiver, Subscription, Subscriptions, type Wanted } from "./subscriptions.ts";
import { type ClientWorld, type Fetch, type SocketConstructor, thisWorld } from "./world.ts";

export interface ClientOptions {
  /** The server's token, or what gives it: it is asked for with each connection and request. */
  readonly token?:
    | string
    | (() => string | null | undefined | Promise<string | null | undefined>)
    | undefined;
  /** Closes the client when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Where the platform has none, or another is wanted. */
  readonly WebSocket?: SocketConstructor | undefined;
  readonly fetch?: Fetch | undefined;
  /** Milliseconds: the bound of the first wait before a lost connection is tried again (500), and of the longest (10,000). */
  readonly firstWait?: number | undefined;
  readonly longestWait?: number | undefined;
}

export interface SubscribeOptions {
  /**
   * `latest` (without): what is known, then each new forecast; whoever is slow sees fewer and newer ones. `stream`: every one, in
   * order, each exactly once, also across breaks.
   */
  readonly mode?: "latest" | "stream" | undefined;
  /** Goes on behind this place: a message that came before, or `{ epoch, offset, ordinal }` of it. */
  readonly since?: Since | undefined;
  /** Only these steps of each forecast. */
  readonly horizons?: readonly number[] | undefined;
  /** Messages a second at most: `latest`, of each series and target; `stream`, of all. */
  readonly maxRate?: number | undefined;
  /** Told of forecasts that cannot be sent any more. Without, a `stream` ends there with an error. */
  readonly gap?: ((gap: Gap) => void) | undefined;
  /** Ends it when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

export interface AlertOptions {
  /** Goes on behind this place: a message that came before, or `{ epoch, sequence }` of it. */
  readonly since?: SinceAlert | undefined;
  /** Told of alerts that cannot be sent any more. Without, it ends there with an error. */
  readonly gap?: ((gap: Gap) => void) | undefined;
  /** Ends it when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** Names many series (`*` any run of characters, `?` one), or exactly one. */
export type SeriesPattern = string | { readonly series: string };

interface Place {
  readonly epoch: string;
  readonly offset: number;
  readonly ordinal: number;
}

/** One forecast, and its place in the log of the server: `since` takes it. */
export interface ForecastMessage extends Place {
  readonly forecast: Forecast;
}

/** One output of a hosted pipeline, and its place in the log of the server. */
export interface OutputMessage extends Place {
  readonly output: PipelineOutput;
}

/** An alert begins or ends; `epoch` and `sequence` are its place in the log of the server. */
export interface AlertMessage extends SinceAlert {
  readonly offset: number;
  readonly alert: AlertDataMessage["alert"];
}

/** What became of observations, summed up. */
export interface Receipt {
  readonly accepted: number;
  readonly duplicate: number;
  readonly late: number;
  readonly refused: number;
}

/** Observations of `observeAll` under way at a time. */
const UNDER_WAY = 1000;

/**
 * A client of one server: forecasts as they are made, observations sent until they are known to be kept. It connects when it is made,
 * comes back by itself after a break, and is closed by `close` or its signal.
 */
export class Client {
  readonly #world: ClientWorld;
  readonly #connection: Connection;
  readonly #subscriptions: Subscriptions;
  readonly #observations: Observations;
  readonly #requests: Requests;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.close();
  #status: Status = { state: "connecting", attempt: 1 };
  readonly #watching = new Set<(status: Status) => void>();
  /** Characters of the message that is being taken. */
  #size = 0;

  /** @internal */
  constructor(server: string | URL, options: ClientOptions, world: Partial<ClientWorld>) {
    const { http, stream } = readAddress(server);
    const { token, signal, firstWait, longestWait } = options;
    this.#world = {
      ...thisWorld(),
      ...world,
      ...(options.WebSocket === undefined ? {} : { WebSocket: options.WebSocket }),
      ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
    };
    const tokenNow = async () => (typeof token === "function" ? await token() : token) || undefined;
    const send = (text: string) => this.#connection.send(text);
    this.#subscriptions = new Subscriptions(send, this.#world);
    this.#observations = new Observations(send, this.#world);
    this.#requests = new Requests(http, this.#world.fetch, tokenNow, signal);
    this.#connection = new Connection(
      {
        url: stream,
        token: tokenNow,
        ...(firstWait === undefined ? {} : { firstWait }),
        ...(longestWait === undefined ? {} : { longestWait }),
      },
      this.#world,
      {
        status: (status) => this.#tell(status),
        opened: (limits) => {
          this.#subscriptions.opened(limits);
          this.#observations.opened(limits);
        },
        message: (message, size) => this.#take(message, size),
        lost: (code) => {
          this.#subscriptions.lost(code);
          this.#observations.lost();
        },
        ended: (error) => this.#end(error),
      },
    );
    this.#signal = signal;
    signal?.addEventListener("abort", this.#onAbort);
    if (signal?.aborted) this.close();
    else this.#connection.open();
  }

  /** Where the connection stands now. */
  get status(): Status {
    return this.#status;
  }

  /** Where the connection stands, now and whenever that changes, until the client has ended. */
  statuses(): Feed<Status> {
    return new Feed<Status>({
      mailbox: () => new Everything(),
      open: (sink) => {
        const told = (status: Status) => {
          sink.next(status, "", 1);
          if (status.state === "ended") sink.complete();
        };
        this.#watching.add(told);
        told(this.#status);
        return { close: () => this.#watching.delete(told), pause: () => {}, resume: () => {} };
      },
    });
  }

  /** What comes of the series and hosted pipelines whose names fit a pattern, as one: forecasts and outputs in their order. */
  subscribe(of: SeriesPattern, options: SubscribeOptions = {}): Feed<ForecastMessage | OutputMessage> {
    return this.#series<ForecastMessage | OutputMessage>(of, options, (message) => {
      if ("alert" in message) return undefined;
      const { type: _, id: __, ...told } = message;
      return told;
    });
  }

  /** Forecasts of the series that fit a pattern, one for each target. */
  forecasts(of: SeriesPattern, options: SubscribeOptions = {}): Feed<ForecastMessage> {
    return this.#series(of, options, (message) => {
      if (!("forecast" in message)) return undefined;
      const { epoch, offset, ordinal, forecast } = message;
      return { epoch, offset, ordinal, forecast };
    });
  }

  /** Outputs of the hosted pipelines whose names fit a pattern. */
  outputs(of: SeriesPattern, options: SubscribeOptions = {}): Feed<OutputMessage> {
    return this.#series(of, options, (message) => {
      if (!("output" in message)) return undefined;
      const { epoch, offset, ordinal, output } = message;
      return { epoch, offset, ordinal, output };
    });
  }

  /** Beginnings and ends of the alerts of the rules whose names fit a pattern: each once and in order, also across breaks. */
  alerts(rules = "*", { since, ...options }: AlertOptions = {}): Feed<AlertMessage> {
    const from = since === undefined ? undefined : { epoch: since.epoch, sequence: since.sequence };
    const progress = () => new EveryAlert(from);
    return this.#feed({ alerts: rules }, progress, false, options, (message) => {
      if (!("alert" in message)) return undefined;
      const { epoch, offset, sequence, alert } = message;
      return { epoch, offset, sequence, alert };
    });
  }

  /**
   * Sends an observation until the server has answered for it, across breaks. Resolves once it is durable.
   *
   * @throws ClientError as the server refuses it; `closed` when the client is closed before there is an answer, `too-many` when more
   *   wait than can be kept
   */
  observe(observation: Observation): Promise<Acknowledged> {
    return this.#observations.observe(observation);
  }

  /**
   * Sends all of them, taking no more at a time than can be under way, and resolves once all have been answered for. `refused` is told
   * of each that was not taken, and why.
   *
   * @throws ClientError when the client is closed, or refused by the server, before
   */
  async observeAll(
    observations: Iterable<Observation> | AsyncIterable<Observation>,
    refused: (observation: Observation, error: ClientError) => void = () => {},
  ): Promise<Receipt> {
    const receipt = { accepted: 0, duplicate: 0, late: 0, refused: 0 };
    let underWay = 0;
    let failure: unknown = null;
    let wake = (): void => {};
    const send = async (observation: Observation): Promise<void> => {
      underWay++;
      try {
        const { status } = await this.observe(observation);
        receipt[status]++;
      } catch (error) {
        if (!(error instanceof ClientError) || this.#status.state === "ended") {
          failure ??= error;
        } else {
          receipt.refused++;
          refused(observation, error);
        }
      } finally {
        underWay--;
        wake();
      }
    };
    const until = async (most: number): Promise<void> => {
      while (underWay > most) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    for await (const observation of observations) {
      void send(observation).catch((error) => {
        failure ??= error;
      });
      await until(UNDER_WAY);
      if (failure !== null) break;
    }
    await until(0);
    if (failure !== null) throw failure;
    return receipt;
  }

  /** Every series that the server knows. */
  series(): Promise<SeriesAnswer[]> {
    return this.#requests.get("/v1/series");
  }

  /** The latest forecast of each target of a series. */
  forecast(series: string): Promise<Forecast[]> {
    return this.#requests.get(`/v1/series/${encodeURIComponent(series)}/forecast`);
  }

  /** Ends all that was asked of it: loops end, observations without an answer are rejected. A process may end by itself then. */
  close(): void {
    this.#connection.close();
  }

  #series<T>(
    of: SeriesPattern,
    { mode = "latest", since, horizons, maxRate, ...options }: SubscribeOptions,
    pick: (message: Data) => T | undefined,
  ): Feed<T> {
    const latest = mode === "latest";
    const wanted: Wanted = {
      ...(typeof of === "string" ? { pattern: of } : { series: of.series }),
      mode,
      ...(horizons === undefined ? {} : { horizons: [...horizons] }),
      ...(maxRate === undefined ? {} : { maxRate }),
    };
    // Only what makes a place of it: a message has more.
    const from: Since | undefined =
      since === undefined
        ? undefined
        : {
            epoch: since.epoch,
            offset: since.offset,
            ...(since.ordinal === undefined ? {} : { ordinal: since.ordinal }),
          };
    const progress = () => (latest ? new LatestForecasts(from) : new EveryForecast(from));
    return this.#feed(wanted, progress, latest, options, pick);
  }

  #feed<T>(
    wanted: Wanted,
    progress: () => Progress,
    latest: boolean,
    { gap, signal }: Pick<SubscribeOptions, "gap" | "signal">,
    pick: (message: Data) => T | undefined,
  ): Feed<T> {
    return new Feed<T>({
      mailbox: () => (latest ? new Latest() : new Everything()),
      open: (sink) => {
        const receiver: Receiver = {
          data: (message) => {
            const item = pick(message);
            if (item !== undefined) sink.next(item, subjectOf(message), this.#size);
          },
          gap: (missing) => {
            if (gap !== undefined) guarded(() => gap(missing));
            else if (!latest) sink.error(gapError(missing));
          },
          error: (error) => sink.error(error),
          end: () => sink.complete(),
        };
        return this.#subscribe(new Subscription(wanted, progress(), receiver), signal);
      },
    });
  }

  #subscribe(subscription: Subscription, signal: AbortSignal | undefined) {
    const { receiver } = subscription;
    const onAbort = (): void => receiver.end();
    const ended = this.#status.state === "ended" ? this.#status : null;
    if (ended !== null && ended.error !== null) receiver.error(ended.error);
    else if (ended !== null || signal?.aborted) receiver.end();
    else {
      signal?.addEventListener("abort", onAbort);
      this.#subscriptions.add(subscription);
    }
    return {
      close: () => {
        signal?.removeEventListener("abort", onAbort);
        this.#subscriptions.remove(subscription);
      },
      pause: () => this.#subscriptions.pause(subscription),
      resume: () => this.#subscriptions.resume(subscription),
    };
  }

  #take(message: ServerMessage, size: number): void {
    this.#size = size;
    if (!this.#observations.message(message)) this.#subscriptions.message(message);
  }

  #end(error: ClientError | null): void {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    // Known before anybody is told, who may ask for more.
    this.#status = { state: "ended", error };
    this.#subscriptions.ended(error);
    this.#observations.ended(error);
  }

  #tell(status: Status): void {
    this.#status = status;
    for (const told of [...this.#watching]) told(status);
  }
}

const gapError = ({ from, to, reason }: Gap): ClientError =>
  new ClientError(
    "gap",
    `what lies after ${from} up to ${to} cannot be sent any more: ${reason}; the option gap goes on without them`,
  );
