import type { Delivery } from "../../../storage/outbox.ts";
import { post, secretsOf } from "./post.ts";
import type { DeliveryWorld, Outcome, Receiver } from "./receiver.ts";
import { type AlertmanagerSettings, spanOr } from "./settings.ts";
import { type Told, toldOf } from "./told.ts";

/** Characters of a label's value. */
const LONGEST = 1024;

/**
 * The Alertmanager of Prometheus, by its API of version 2. It is told what fires again and again, since it takes for ended
 * what it has not heard of for a while (`resolve_timeout`). Firings say no end of their own, so that only its own clock decides when
 * that while is over.
 */
export function alertmanager(name: string, settings: AlertmanagerSettings, world: DeliveryWorld): Receiver {
  const { headers = {}, together = 200 } = settings;
  const url = new URL(settings.alertmanager);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/api/v2/alerts`;
  const timeout = spanOr(settings.timeout, "10s");
  const secrets = secretsOf(new URL(settings.alertmanager), headers);
  return {
    name,
    kind: "alertmanager",
    together,
    // A reminder must not overtake an end.
    atOnce: 1,
    wait: spanOr(settings.wait, "2s"),
    giveUpAfter: Number.POSITIVE_INFINITY,
    remindEvery: spanOr(settings.remindEvery, "1m"),
    async send(deliveries, stop): Promise<Outcome> {
      const now = world.now();
      const alerts = states(deliveries).map((state) => posted(state, now, settings.page));
      return post(world, { url: url.href, headers, body: JSON.stringify(alerts), timeout, secrets, stop });
    },
  };
}

/** What a message says of one alert in the end, and when it began, if that is said too. */
interface State {
  readonly last: Told;
  readonly began: Told | undefined;
}

/** Alertmanager keeps states: of each set of labels it is told the last one. */
function states(deliveries: readonly Delivery[]): State[] {
  const states = new Map<string, State>();
  for (const { text } of deliveries) {
    const last = toldOf(text);
    const { rule, series, target, severity, labels } = last;
    const key = JSON.stringify([rule, series, target, severity, labels]);
    const before = states.get(key)?.began;
    const began = last.state === "firing" ? last : before?.alert === last.alert ? before : undefined;
    states.set(key, { last, began });
  }
  return [...states.values()];
}

/** An alert as Alertmanager knows it: what it is about as labels, what is said of it as annotations. */
function posted({ last, began }: State, now: number, page: string | undefined) {
  const { rule, series, target, severity, labels, state, value, limit, probability, crosses, summary } = last;
  // Times of readings may lie ahead of the clock; what has not begun would be refused.
  const at = ({ time }: Told): string => new Date(Math.min(now, Date.parse(time))).toISOString();
  return {
    labels: texts({ ...labels, alertname: rule, series, target, severity }),
    annotations: texts({
      summary,
      value,
      limit: Array.isArray(limit) ? limit.join(" to ") : limit,
      probability,
      crosses: crosses?.at,
      crosses_from: crosses?.from,
      crosses_to: crosses?.to,
    }),
    ...(began === undefined ? {} : { startsAt: at(began) }),
    ...(state === "firing" ? {} : { endsAt: at(last) }),
    ...(page === undefined ? {} : { generatorURL: page }),
  };
}

/** What is known, as text without what Alertmanager refuses; one without a value is as good as absent. */
function texts(given: Readonly<Record<string, unknown>>): Record<string, string> {
  const entries = Object.entries(given)
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([label, value]) => [label, wellFormed(String(value).slice(0, LONGEST))]);
  return Object.fromEntries(entries) as Record<string, string>;
}

/** Half of a character that was cut in two is no text. */
const wellFormed = (text: string): string => Buffer.from(text).toString();
