import type { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { PbfWriter } from "pbf";
import { EddyError, printable } from "../../models/errors.ts";
import { influxPoints, precisionOf } from "../../streams/formats/influx-write.ts";
import { otlpMetrics, otlpRequest } from "../../streams/formats/otlp.ts";
import { remoteWrite } from "../../streams/formats/remote-write.ts";
import { parseJson } from "../../streams/json.ts";
import { SeriesColumns } from "../sources/series-columns.ts";
import { type BodyWorld, mayBeRead, receive } from "./body.ts";
import { failedWith, HttpFailure } from "./failure.ts";
import { PushedBatch, type PushOutcome } from "./pushed.ts";
import { tellForbidden } from "./route-access.ts";
import type { Live, RouteWorld } from "./routes.ts";
import type { Coding } from "./unpacked-body.ts";

/** A protocol by which others push: its door, how its bodies are read, and what it answers. */
interface PushProtocol {
  readonly name: string;
  readonly url: string;
  readonly codings: readonly Coding[];
  /** Reads the points of a body; the work is done in turns. */
  read(request: FastifyRequest, body: Buffer, batch: PushedBatch, rows: number): Generator<undefined, void>;
  answer(outcome: PushOutcome, reply: FastifyReply, request: FastifyRequest): unknown;
  /** The body of an answer that says what went wrong; `{ code, message }` when absent. */
  failure?(message: string): unknown;
}

const mediaType = (request: FastifyRequest): string =>
  (request.headers["content-type"] ?? "").replace(/;.*/s, "").trim().toLowerCase();

const textOf = (body: Buffer): string => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch (cause) {
    throw new EddyError("bad-message", "body", { expected: "UTF-8", received: "bytes that are not", cause });
  }
};

/** Prometheus remote-write 1.0. */
const remote: PushProtocol = {
  name: "remote-write",
  url: "/api/v1/write",
  codings: ["snappy"],
  *read(request, body, batch) {
    const type = request.headers["content-type"] ?? "";
    if (/proto=(?!prometheus\.WriteRequest)/i.test(type) || mediaType(request) !== "application/x-protobuf") {
      throw new HttpFailure(
        415,
        "unsupported",
        `Content-Type: expected application/x-protobuf of remote-write 1.0, got ${printable(type)}`,
      );
    }
    yield* remoteWrite(body, batch);
  },
  answer({ refused, first }, reply) {
    // 4xx: not to be sent again. What was taken stays taken.
    if (refused > 0) throw new HttpFailure(400, "bad-observation", `${refused} of the samples: ${first}`);
    reply.code(204);
  },
};

/** The write doors of InfluxDB 1.x and 2.x. */
const influx = (url: string, failure?: (message: string) => unknown): PushProtocol => ({
  name: "influx",
  url,
  codings: ["gzip", "deflate"],
  *read(request, body, batch, rows) {
    const { precision = "ns" } = request.query as { precision?: unknown };
    yield* influxPoints(textOf(body), precisionOf(String(precision)), batch, rows);
  },
  answer({ taken, refused, first }, reply) {
    if (refused === 0) {
      reply.code(204);
      return undefined;
    }
    throw new HttpFailure(
      400,
      "invalid",
      taken > 0 ? `partial write: ${first} dropped=${refused}` : `unable to parse: ${first}`,
    );
  },
  ...(failure === undefined ? {} : { failure }),
});

/** OpenTelemetry metrics over HTTP. */
const otlp: PushProtocol = {
  name: "otlp",
  url: "/v1/metrics",
  codings: ["gzip", "deflate"],
  *read(request, body, batch) {
    const type = mediaType(request);
    if (type !== "application/json" && type !== "application/x-protobuf") {
      throw new HttpFailure(
        415,
        "unsupported",
        `Content-Type: expected application/json or application/x-protobuf, got ${printable(type)}`,
      );
    }
    const message =
      type === "application/json" ? parseJson(textOf(body), "bad-message", "body") : otlpRequest(body);
    yield* otlpMetrics(message, batch);
  },
  answer({ refused, first = "" }, reply, request) {
    const json = mediaType(request) === "application/json";
    reply.type(json ? "application/json" : "application/x-protobuf");
    if (json)
      return refused > 0
        ? { partialSuccess: { rejectedDataPoints: String(refused), errorMessage: first } }
        : {};
    const writer = new PbfWriter();
    if (refused > 0) {
      writer.writeMessage(
        1,
        (told: PushOutcome, part: PbfWriter) => {
          part.writeVarintField(1, told.refused);
          part.writeStringField(2, first);
        },
        { refused } as PushOutcome,
      );
    }
    return Buffer.from(writer.finish());
  },
};

const PROTOCOLS: readonly PushProtocol[] = [
  remote,
  influx("/write", (message) => ({ error: message })),
  influx("/api/v2/write"),
  otlp,
];

/** The doors by which others push: remote-write, InfluxDB, OTLP. Each is a source of its own in `GET /v1/sources`. */
export function addPushRoutes(
  app: FastifyInstance,
  world: RouteWorld & BodyWorld,
  live: () => Live,
  rows: number,
): void {
  const columns = new SeriesColumns({ summary: (series) => live().engine.summary(series) });
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // Clients of these protocols name many types, or none.
    scope.addContentTypeParser("*", (request: FastifyRequest, payload: Readable) =>
      receive(request, payload, world),
    );
    for (const protocol of PROTOCOLS) {
      const { url, codings, failure } = protocol;
      const onRequest = async (request: FastifyRequest): Promise<void> => {
        live();
        await mayBeRead(request, world);
      };
      scope.post(
        url,
        {
          config: {
            access: { scope: "write", of: "each" },
            codings,
            influxToken: protocol.name === "influx",
          },
          onRequest,
          ...(failure === undefined
            ? {}
            : {
                errorHandler: (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
                  const { message } = failedWith(error, request, reply);
                  reply.send(failure(message));
                },
              }),
        },
        (request, reply) => take(protocol, request, reply, world, live(), columns, rows),
      );
    }
  });
  // What clients of InfluxDB ask before they write.
  app.get("/ping", { config: { access: "token", influxToken: true } }, async (_request, reply) => {
    reply.header("x-influxdb-version", "eddy").code(204);
  });
}

async function take(
  protocol: PushProtocol,
  request: FastifyRequest,
  reply: FastifyReply,
  { admission, turns, sources, units }: RouteWorld,
  { engine, intake }: Live,
  columns: SeriesColumns,
  rows: number,
): Promise<unknown> {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const counts = sources.counts(protocol.name, "push");
  request.working = true;
  try {
    return await admission.work(body.length, async () => {
      const batch = new PushedBatch(counts, { counters: sources.counters, units }, request.caller);
      await turns.run(protocol.read(request, body, batch, rows));
      if (batch.observations.length > rows) {
        throw new EddyError("too-large", "body", { expected: `at most ${rows} points`, received: "more" });
      }
      if (batch.forbidden > 0) tellForbidden(request, batch.forbidden);
      const outcome = await batch.handIn(engine, intake, columns);
      // 503 rather than 429: Prometheus gives up on the latter.
      if (outcome.busy > 0)
        throw new HttpFailure(503, "busy", `${outcome.busy} points: send the body again in a second`);
      return protocol.answer(outcome, reply, request);
    });
  } catch (error) {
    counts.disturbed((error as Error).message);
    if (error instanceof EddyError && error.code === "busy")
      throw new HttpFailure(503, "busy", error.message);
    throw error;
  } finally {
    admission.release(request.held);
  }
}
