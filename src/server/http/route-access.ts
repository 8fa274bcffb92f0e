import type { FastifyRequest } from "fastify";
import type { Audit } from "../access/audit.ts";
import { Caller, NOBODY } from "../access/caller.ts";
import type { Scope } from "../access/scopes.ts";
import type { Access, Refusal } from "../access.ts";
import { HttpFailure } from "./failure.ts";

/**
 * What a route asks of its caller. Every route says it in its `config`; one that does not is not registered.
 *
 * - `"open"`: nothing. Anyone who reaches the port may have it.
 * - `"token"`: a token, whatever it may do; for what is about no series.
 * - a scope, and of what: of `"everything"` there is, or of the series that a function finds in the request, both looked at before
 *   the route is run; or of `"each"` series of a list or a body, of which the route has to ask `request.caller` by itself.
 */
export type RouteAccess =
  | "open"
  | "token"
  | {
      readonly scope: Scope;
      readonly of: "everything" | "each" | ((request: FastifyRequest) => string);
    };

declare module "fastify" {
  interface FastifyContextConfig {
    access?: RouteAccess;
    /** The token may come as clients of InfluxDB show it. */
    influxToken?: boolean;
  }
  interface FastifyRequest {
    /** Who asks. */
    caller: Caller;
    /** Where from: what limits go by. */
    peer: string;
    /** The series that the caller was found to have a right to, where the route is about one. */
    series: string;
    audit: Audit;
  }
}

/** Looks at who asks before anything of a request is read. @throws HttpFailure 401, 403 or 429 */
export function admit(request: FastifyRequest, access: Access): void {
  const { raw, routeOptions } = request;
  const asked = routeOptions.config?.access ?? "token";
  request.peer = access.peer(raw);
  request.audit = access.audit;
  const turnAway = (refusal: Refusal, caller?: Caller): never => {
    const { reason, status, message, retryAfter } = refusal;
    access.audit.refuse({ reason, caller, peer: request.peer, what: whatOf(request), why: message });
    throw new HttpFailure(status, CODES[status], message, retryAfter);
  };
  const forbidden = access.forbidden(raw);
  if (forbidden !== null) turnAway(forbidden);
  request.caller = NOBODY;
  if (asked === "open") return;
  const tooSoon = access.pace(request.peer);
  if (tooSoon !== null) turnAway(tooSoon);
  const shown = routeOptions.config?.influxToken ? access.influxToken(raw) : access.bearer(raw);
  const caller = access.login(shown, request.peer);
  if (!(caller instanceof Caller)) {
    turnAway(caller);
    return;
  }
  const tooFast = access.paceOf(caller);
  if (tooFast !== null) turnAway(tooFast, caller);
  request.caller = caller;
  if (asked === "token") return;
  const { scope, of } = asked;
  if (typeof of === "function") {
    request.series = of(request);
    if (!caller.may(scope, request.series))
      turnAway(scopeRefusal(caller.lacks(scope, request.series)), caller);
  } else if (of === "everything" ? !caller.mayAll(scope, "*") : !caller.mayAny(scope)) {
    const which = of === "each" ? "for any series" : "for all series";
    turnAway(scopeRefusal(`token ${caller.name} has no scope ${scope} ${which}`), caller);
  }
}

/** What was asked for, as logs may have it: what follows a `?` may be a secret. */
const whatOf = ({ method, url }: Pick<FastifyRequest, "method" | "url">): string =>
  `${method} ${url.split("?")[0]}`;

const CODES = { 401: "unauthorised", 403: "forbidden", 429: "busy" } as const;

const scopeRefusal = (message: string): Refusal => ({ reason: "scope", status: 403, message });

/** Refuses what its caller has no scope for, where only the route itself could tell. @throws HttpFailure 403 */
export function refuse(request: FastifyRequest, message: string): never {
  const { caller, peer, audit } = request;
  audit.refuse({ reason: "scope", caller, peer, what: whatOf(request), why: message });
  throw new HttpFailure(403, "forbidden", message);
}

/** Says in the audit that so many lines of a body were about series that its caller may not write. */
export function tellForbidden(request: FastifyRequest, times: number): void {
  const { caller, peer } = request;
  const why = `${times} of its series may not be written`;
  request.audit.refuse({ reason: "scope", caller, peer, what: whatOf(request), why, times });
}
