import type { FastifyInstance, FastifyRequest } from "fastify";
import { crossesInWords, transitionInWords } from "../../models/alert.ts";
import { EddyError, printable } from "../../models/errors.ts";
import { type StandingRule, severityOf } from "../../streams/alerts/telling.ts";
import { parseJson } from "../../streams/json.ts";
import { matchesPattern } from "../../streams/pattern.ts";
import type { Caller } from "../access/caller.ts";
import type { ActiveAlert, AlertService } from "../engine/contract.ts";
import { type BodyWorld, mayBeRead } from "../http/body.ts";
import { HttpFailure } from "../http/failure.ts";
import { refuse } from "../http/route-access.ts";

/** Bytes of a rule at most. */
const RULE_BYTES = 64 * 1024;
/** Alerts told of at once, and transitions of a page. */
const MOST_ALERTS = 1000;
const PAGE = 100;
const MOST = 1000;
/** Fields that answers have and rules have not: what was read may be put back. */
const ANSWERED = ["from", "matches", "alerts"];

/**
 * `/v1/alerts`: the rules, the alerts that are pending or firing, and the log of what has been told. What is put here names
 * series, limits and receivers of the configuration; it can name neither a host nor a command.
 */
export function addAlertRoutes(app: FastifyInstance, world: BodyWorld, alerts: () => AlertService): void {
  type Asked = { Querystring: Readonly<Record<string, unknown>> };
  type ByName = { Params: { name: string } };
  const readEach = { config: { access: { scope: "read", of: "each" } } } as const;
  const changeEach = { config: { access: { scope: "alerts", of: "each" } } } as const;
  app.get<Asked>("/v1/alerts", readEach, async ({ query, caller }) => {
    const { series } = only(query, ["series"]);
    const service = alerts();
    return {
      rules: service
        .rules()
        .filter((one) => mayKnow(caller, one))
        .filter(({ rule }) => series === undefined || matchesPattern(rule.series, series))
        .map(ruleInWords),
      ...alertsInWords(
        service,
        (one) => caller.may("read", one.series) && (series === undefined || one.series === series),
      ),
    };
  });
  app.get<Asked>("/v1/alerts/transitions", readEach, async ({ query, caller }) => {
    const { limit, before } = pageOf(only(query, ["limit", "cursor"]));
    const found = alerts().before(before, limit);
    const last = found.at(-1);
    const more = last !== undefined && found.length === limit && last.sequence > 1;
    const told = found.filter(({ series }) => caller.may("read", series));
    return { transitions: told.map(transitionInWords), next: more ? String(last.sequence) : null };
  });
  app.get<ByName>("/v1/alerts/:name", readEach, async ({ params: { name }, caller }) => {
    const service = alerts();
    const found = service.rule(name);
    // What may not be known is answered as what there is not.
    const rule = known(found !== undefined && mayKnow(caller, found) ? found : undefined, name);
    const wanted = ({ standing, series }: ActiveAlert) => standing === rule && caller.may("read", series);
    return { ...told(service, rule), ...alertsInWords(service, wanted) };
  });
  /** Refuses to change rules about more than the caller's series. */
  const mayChange = (request: FastifyRequest, pattern: unknown): void => {
    if (typeof pattern !== "string" || request.caller.mayAll("alerts", pattern)) return;
    refuse(request, request.caller.lacks("alerts", pattern));
  };
  app.put<ByName>(
    "/v1/alerts/:name",
    {
      ...changeEach,
      onRequest: (request) =>
        mayBeRead(request, { ...world, bodyBytes: Math.min(RULE_BYTES, world.bodyBytes) }),
    },
    async (request, reply) => {
      const { name } = request.params;
      const service = alerts();
      const before = service.rule(name);
      const isNew = before === undefined;
      const given = ruleIn(request.body);
      mayChange(request, before?.rule.series);
      mayChange(request, (given as { readonly series?: unknown } | null)?.series);
      const rule = await service.put(name, given);
      reply.code(isNew ? 201 : 200);
      return told(service, rule);
    },
  );
  app.delete<ByName>("/v1/alerts/:name", changeEach, async (request, reply) => {
    const { name } = request.params;
    const service = alerts();
    mayChange(request, service.rule(name)?.rule.series);
    if (!(await service.remove(name))) known(undefined, name);
    reply.code(204);
  });
}

function ruleIn(body: unknown): unknown {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  if (bytes.length > RULE_BYTES) {
    throw new HttpFailure(413, "too-large", `rule: expected at most ${RULE_BYTES} bytes`);
  }
  const given = parseJson(bytes.toString("utf8"), "bad-argument", "rule");
  if (typeof given !== "object" || given === null || Array.isArray(given)) return given;
  return Object.fromEntries(Object.entries(given).filter(([field]) => !ANSWERED.includes(field)));
}

/** A rule is known to those who may read all that it is about, or change it. */
const mayKnow = (caller: Caller, { rule }: StandingRule): boolean =>
  caller.mayAll("read", rule.series) || caller.mayAll("alerts", rule.series);

function known(rule: StandingRule | undefined, name: string): StandingRule {
  if (rule !== undefined) return rule;
  throw new HttpFailure(404, "not-found", `rule ${printable(name)}: there is none of this name`);
}

const ruleInWords = ({ rule, from }: StandingRule) => ({ ...rule, from });

/** A rule, and how many series it is about: none may be a slip of the pen in its pattern. */
const told = (service: AlertService, rule: StandingRule) => ({
  ...ruleInWords(rule),
  matches: service.matches(rule),
});

/** The first of the alerts that are pending or firing, and how many there are beyond them. */
function alertsInWords(service: AlertService, wanted: (one: ActiveAlert) => boolean) {
  const alerts: unknown[] = [];
  let more = 0;
  for (const one of service.active()) {
    if (!wanted(one)) continue;
    if (alerts.length < MOST_ALERTS) alerts.push(alertInWords(one));
    else more++;
  }
  return more === 0 ? { alerts } : { alerts, more };
}

const alertInWords = ({ standing: { rule, condition }, since, crosses, summary, ...rest }: ActiveAlert) => ({
  rule: rule.name,
  ...rest,
  since: new Date(since).toISOString(),
  limit: condition.limit,
  crosses: crossesInWords(crosses),
  severity: severityOf(rule),
  summary,
});

/** The parameters of a query, if they are no others than these and texts. */
function only<F extends string>(query: unknown, fields: readonly F[]): Readonly<Partial<Record<F, string>>> {
  for (const [field, value] of Object.entries(query as Readonly<Record<string, unknown>>)) {
    if (!(fields as readonly string[]).includes(field)) {
      throw new EddyError("bad-argument", "query", {
        expected: `only ${fields.join(", ")}`,
        received: printable(field),
      });
    }
    if (typeof value === "string") continue;
    throw new EddyError("bad-argument", `?${field}`, { expected: "one", received: printable(value) });
  }
  return query as Partial<Record<F, string>>;
}

function pageOf({ limit = String(PAGE), cursor }: { readonly limit?: string; readonly cursor?: string }) {
  const most = /^\d{1,6}$/.test(limit) ? Number(limit) : 0;
  if (most < 1 || most > MOST) {
    throw new EddyError("bad-argument", "?limit", {
      expected: `a whole number from 1 to ${MOST}`,
      received: printable(limit),
    });
  }
  if (cursor !== undefined && !/^\d{1,15}$/.test(cursor)) {
    throw new EddyError("bad-argument", "?cursor", {
      expected: "the next of the page before",
      received: printable(cursor),
    });
  }
  return { limit: most, before: cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor) };
}
