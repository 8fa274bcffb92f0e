import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { FastifyRequest } from "fastify";
import type { Admission } from "./admission.ts";
import { HttpFailure } from "./failure.ts";
import { type Coding, codingOf, unpackedBody } from "./unpacked-body.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Bytes of the body that are counted as in memory. */
    held: number;
    /** The body is being worked on: whoever does lets go of it. */
    working: boolean;
  }
  interface FastifyContextConfig {
    /** How a body may be packed; none when absent. */
    codings?: readonly Coding[];
  }
}

export interface BodyWorld {
  /** Largest body, bytes; unpacked as well. */
  readonly bodyBytes: number;
  readonly admission: Admission;
  /** Called right before the body of a request is read. */
  readonly wanted: (request: IncomingMessage) => void;
}

/** Looks at the headers, and at what waits already, before a byte of the body is read. */
export async function mayBeRead(request: FastifyRequest, world: BodyWorld): Promise<void> {
  codingOf(request.headers["content-encoding"], request.routeOptions.config.codings ?? []);
  if (Number(request.headers["content-length"] ?? 0) > world.bodyBytes) throw tooLarge(world.bodyBytes);
  await world.admission.enter();
}

const tooLarge = (limit: number): HttpFailure =>
  new HttpFailure(413, "too-large", `body: expected at most ${limit} bytes`);

/** The bytes of a body, unpacked; they count as held from the moment they come. */
export async function receive(
  request: FastifyRequest,
  payload: Readable,
  { bodyBytes, admission, wanted }: BodyWorld,
): Promise<Buffer> {
  const hold = (bytes: number): void => {
    admission.hold(bytes);
    request.held += bytes;
  };
  const chunks: Buffer[] = [];
  wanted(request.raw);
  for await (const chunk of payload as AsyncIterable<Buffer>) {
    if (request.held + chunk.length > bodyBytes) throw tooLarge(bodyBytes);
    hold(chunk.length);
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  const coding = codingOf(request.headers["content-encoding"], request.routeOptions.config.codings ?? []);
  if (coding === null || body.length === 0) return body;
  const unpacked = await unpackedBody(body, coding, bodyBytes);
  hold(unpacked.length);
  return unpacked;
}
