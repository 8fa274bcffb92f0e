import type { FastifyRequest } from "fastify";
import { printable } from "../../models/errors.ts";
import { HttpFailure } from "./failure.ts";

export const JSON_TYPE = "application/json";
export const ARROW_TYPE = "application/vnd.apache.arrow.stream";
export const EVENTS_TYPE = "text/event-stream";

/**
 * Which of these types a client would rather have, by its `Accept`; the first where it does not say, or likes several as much.
 *
 * @throws HttpFailure 406 when it takes none of them
 */
export function accepted<const T extends string>(
  { headers }: FastifyRequest,
  types: readonly [T, ...T[]],
): T {
  const { accept } = headers;
  if (accept === undefined || accept.trim() === "") return types[0];
  const ranges = accept.split(",").map((text) => {
    const [range = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith("q="));
    return { range, q: q === undefined ? 1 : Number(q.slice(2)) || 0 };
  });
  let best: T | undefined;
  let liked = 0;
  for (const type of types) {
    // The range that names it most closely counts.
    const found =
      ranges.find(({ range }) => range === type) ??
      ranges.find(({ range }) => range === `${type.split("/")[0]}/*`) ??
      ranges.find(({ range }) => range === "*/*");
    if (found === undefined || found.q <= liked) continue;
    best = type;
    liked = found.q;
  }
  if (best !== undefined) return best;
  throw new HttpFailure(
    406,
    "unsupported",
    `Accept: expected one of ${types.join(", ")}, got ${printable(accept)}`,
  );
}
