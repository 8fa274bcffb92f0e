import type { FastifyInstance } from "fastify";
import { EddyError, printable } from "../../../models/errors.ts";
import type { Delivery, DeliveryQuery, DeliveryState, Outbox } from "../../../storage/outbox.ts";
import { HttpFailure } from "../../http/failure.ts";
import type { Deliveries } from "./deliveries.ts";

/** Deliveries of a page. */
const PAGE = 100;
const MOST = 1000;
const STATES: readonly string[] = ["waiting", "reminded", "dead"] satisfies DeliveryState[];

/**
 * `/v1/alerts/receivers` and `/v1/alerts/deliveries`: who is told, what waits and what was given up, which can be sent again.
 * `live` throws while there is nothing to answer from.
 */
export function addDeliveryRoutes(app: FastifyInstance, deliveries: Deliveries, live: () => void): void {
  const opened = (): Outbox => {
    live();
    const { outbox } = deliveries;
    if (outbox === undefined) throw new HttpFailure(503, "not-ready", "the server is starting");
    return outbox;
  };
  const known = (receiver: string): void => {
    if (deliveries.names.includes(receiver)) return;
    throw new HttpFailure(
      409,
      "bad-state",
      `receiver ${printable(receiver)}: there is none of this name in the configuration`,
    );
  };
  // Whatever is told may be about any series.
  const all = { config: { access: { scope: "alerts", of: "everything" } } } as const;
  app.get("/v1/alerts/receivers", all, async () => {
    opened();
    return { receivers: deliveries.report };
  });
  app.get("/v1/alerts/deliveries", all, async ({ query }) => page(opened(), query));
  app.post("/v1/alerts/deliveries/retry", all, async ({ query }) => {
    const { receiver } = only(query, ["receiver"]);
    const outbox = opened();
    if (receiver !== undefined) known(receiver);
    const names = receiver === undefined ? deliveries.names : [receiver];
    return { retried: names.reduce((sum, name) => sum + outbox.retryAll(name), 0) };
  });
  type ById = { Params: { id: string } };
  app.post<ById>("/v1/alerts/deliveries/:id/retry", all, async ({ params }) => {
    const outbox = opened();
    const { id, receiver } = found(outbox, params.id);
    known(receiver);
    if (!outbox.retry(id)) throw notDead(id);
    return { retried: 1 };
  });
  app.delete<ById>("/v1/alerts/deliveries/:id", all, async ({ params }, reply) => {
    const outbox = opened();
    const { id } = found(outbox, params.id);
    if (!outbox.discard(id)) throw notDead(id);
    reply.code(204);
  });
}

function found(outbox: Outbox, given: string): Delivery {
  const delivery = /^\d{1,15}$/.test(given) ? outbox.get(Number(given)) : undefined;
  if (delivery !== undefined) return delivery;
  throw new HttpFailure(404, "not-found", `delivery ${printable(given)}: there is none, or it has been told`);
}

const notDead = (id: number): HttpFailure =>
  new HttpFailure(409, "bad-state", `delivery ${id}: expected one that was given up, this one still waits`);

/** The parameters of a query, if they are no others than these and texts. */
function only(query: unknown, fields: readonly string[]): Readonly<Record<string, string>> {
  const given = Object.entries(query as Readonly<Record<string, unknown>>);
  for (const [field, value] of given) {
    if (!fields.includes(field)) {
      throw new EddyError("bad-argument", "query", {
        expected: `only ${fields.join(", ")}`,
        received: printable(field),
      });
    }
    if (typeof value !== "string") {
      throw new EddyError("bad-argument", `?${field}`, { expected: "one", received: printable(value) });
    }
  }
  return Object.fromEntries(given) as Record<string, string>;
}

function page(outbox: Outbox, query: unknown) {
  const given = only(query, ["state", "receiver", "limit", "cursor"]);
  const { state, receiver, limit = String(PAGE), cursor } = given;
  const wrong = (field: string, expected: string): EddyError =>
    new EddyError("bad-argument", `?${field}`, { expected, received: printable(given[field]) });
  if (state !== undefined && !STATES.includes(state)) throw wrong("state", `one of ${STATES.join(", ")}`);
  const most = /^\d{1,6}$/.test(limit) ? Number(limit) : 0;
  if (most < 1 || most > MOST) throw wrong("limit", `a whole number from 1 to ${MOST}`);
  if (cursor !== undefined && !/^\d{1,15}$/.test(cursor))
    throw wrong("cursor", "the next of the page before");
  const asked: DeliveryQuery = {
    before: cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor),
    limit: most,
    ...(state === undefined ? {} : { state: state as DeliveryState }),
    ...(receiver === undefined ? {} : { receiver }),
  };
  const listed = outbox.list(asked);
  const last = listed.at(-1);
  return {
    deliveries: listed.map(({ id, receiver, state, attempts, error, text }) => ({
      id,
      receiver,
      state,
      attempts,
      error,
      transition: JSON.parse(text),
    })),
    next: last === undefined || listed.length < most ? null : String(last.id),
  };
}
