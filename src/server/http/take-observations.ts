import type { FastifyReply, FastifyRequest } from "fastify";
import { EddyError, printable } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import type { Receipt } from "../engine.ts";
import type { Intake } from "../intake.ts";
import type { Turns } from "../turns.ts";
import type { Units } from "../units.ts";
import type { Admission } from "./admission.ts";
import { HttpFailure } from "./failure.ts";
import { type Batch, readBody } from "./observations-body.ts";
import { tellForbidden } from "./route-access.ts";

/** What taking a body in needs. */
export interface TakingWorld {
  readonly intake: Intake;
  readonly admission: Admission;
  readonly turns: Turns;
  /** Observations of one body at most. */
  readonly rows: number;
  readonly onError: (error: unknown) => void;
  readonly units: Units;
}

/** Observations handed to the engine at a time. */
const CHUNK = 2048;

/** Answers `POST /v1/observations`: reads the body when it is its turn, and takes it in piece by piece. */
export async function takeObservations(
  request: FastifyRequest,
  reply: FastifyReply,
  world: TakingWorld,
): Promise<Receipt> {
  const mediaType = (request.headers["content-type"] ?? "").replace(/;.*/s, "").trim().toLowerCase();
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const { series } = request.query as { series?: unknown };
  if (series !== undefined && typeof series !== "string") {
    throw new EddyError("bad-argument", "?series", { expected: "one name", received: printable(series) });
  }
  if (!isEscapedUtf8(request.raw.url ?? "")) {
    throw new EddyError("bad-argument", "?series", {
      expected: "percent-encoded UTF-8",
      received: printable(request.raw.url),
    });
  }
  const { admission, turns, rows } = world;
  return admission.work(body.length, async () => {
    // Nobody is there any more to be told what came of it.
    if (request.raw.socket.destroyed) throw new HttpFailure(400, "bad-message", "the client has gone");
    const batch = await readBody(mediaType, body, { series, rows }, (work) => turns.run(work));
    withoutForbidden(batch, request);
    admission.linesRefused += batch.refusals.count;
    const receipt = await takeIn(batch, world);
    if (batch.units.size > 0) learnUnits(batch, world.units);
    const { accepted, duplicate, late, refused } = receipt;
    const [first] = refused;
    const busy = refused.every(({ code }) => code === "busy");
    if (first !== undefined && busy && accepted + duplicate + late === 0) {
      throw new HttpFailure(429, "busy", first.message);
    }
    reply.code(refused.length > 0 ? 207 : 200);
    return receipt;
  });
}

/** Takes out of a batch what its caller may not write: each is told as a line that is refused. */
function withoutForbidden({ observations, lines, refusals }: Batch, request: FastifyRequest): void {
  const { caller } = request;
  let kept = 0;
  for (const [i, observation] of observations.entries()) {
    const { series } = observation;
    if (caller.may("write", series)) {
      observations[kept] = observation;
      lines[kept++] = itemAt(lines, i);
    } else {
      refusals.add(itemAt(lines, i), () => ({
        code: "forbidden",
        message: caller.lacks("write", series),
      }));
    }
  }
  const forbidden = observations.length - kept;
  observations.length = kept;
  lines.length = kept;
  if (forbidden > 0) tellForbidden(request, forbidden);
}

/** Every series of a table has the units of its columns. */
function learnUnits({ observations, units }: Batch, known: Units): void {
  for (const series of new Set(observations.map((observation) => observation.series)))
    for (const [column, unit] of units) known.learn(series, column, unit);
}

function isEscapedUtf8(url: string): boolean {
  try {
    decodeURIComponent(url);
    return true;
  } catch {
    return false;
  }
}

/** The engine counts lines within what it was given; the client counts lines of its body. */
async function takeIn(batch: Batch, { intake, onError }: TakingWorld): Promise<Receipt> {
  const { observations, lines, refusals } = batch;
  let accepted = 0;
  let duplicate = 0;
  let late = 0;
  for (let from = 0; from < observations.length; from += CHUNK) {
    try {
      const receipt = await intake.ingest(observations.slice(from, from + CHUNK));
      accepted += receipt.accepted;
      duplicate += receipt.duplicate;
      late += receipt.late;
      refusals.addAll(receipt.refused, receipt.moreRefused ?? 0, (line) => itemAt(lines, from + line - 1));
    } catch (error) {
      if (from === 0) throw error;
      // What came before is durable: the answer must say so.
      const known = error instanceof EddyError;
      if (!known) onError(error);
      const code = known ? error.code : "internal";
      const message = known ? error.message : "internal error";
      for (const line of lines.slice(from)) refusals.add(line, () => ({ code, message }));
      break;
    }
  }
  return { accepted, duplicate, late, ...refusals.receipt };
}
