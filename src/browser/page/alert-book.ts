import type { AlertMessage } from "../../client/index.ts";
import { matchesPattern } from "../../streams/pattern.ts";
import { ask } from "./server.ts";
import { type Looked, Watch } from "./watch.ts";
import type { Alert, AlertsAnswer, Rule, Transition, TransitionsAnswer } from "./wire.ts";

/** Transitions that are kept: the newest ones of all series. */
const KEPT = 500;
/** Between two looks at what the socket does not tell (probabilities, what is about to fire, rules that others change), milliseconds. */
const PACE = { soonest: 5_000, latest: 60_000 };
const BYTES_A_SECOND = 30_000;
/** Characters of one alert, about. */
const ONE = 400;
/** Milliseconds in which several transitions become one change. */
const TOGETHER = 200;

const keyOf = ({ rule, series, target }: Pick<Alert, "rule" | "series" | "target">): string =>
  `${rule}\u0000${series}\u0000${target}`;

const PAST = [
  "id",
  "sequence",
  "alert",
  "rule",
  "series",
  "target",
  "state",
  "time",
  "value",
  "probability",
] as const;
/** What is kept of a beginning or an end. */
export type Past = Pick<Transition, (typeof PAST)[number]>;

const kept = (one: Transition): Past =>
  Object.fromEntries(PAST.map((field) => [field, one[field]])) as unknown as Past;

/** An alert as its beginning tells it. */
const begun = ({
  alert,
  time,
  to: _,
  id: __,
  sequence: ___,
  offset: ____,
  labels: _____,
  ...told
}: Transition): Alert => ({
  ...told,
  alert,
  state: "firing",
  since: time,
});

/**
 * The rules, what fires or is about to, and what has fired of late. All of it is asked for once; then the socket tells of each
 * beginning and end, also of those that came while the connection was lost. The rest is looked up only where readings have come.
 */
export class AlertBook {
  readonly #changed: () => void;
  readonly #watch = new Watch((signal) => this.#ask(signal), PACE);
  #rules: readonly Rule[] = [];
  #alerts = new Map<string, Alert>();
  #more = 0;
  /** By place in their log, ascending. */
  #transitions: Past[] = [];
  #pastKnown = false;
  /** What the socket tells while an answer is on its way: the answer may not know of it yet. */
  #meanwhile: Transition[] | null = null;
  #said = "";
  #timer = 0;

  /** `changed`: told when anything is not as it was. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get rules(): readonly Rule[] {
    return this.#rules;
  }

  get alerts(): Iterable<Alert> {
    return this.#alerts.values();
  }

  /** Alerts beyond those that are told one by one. */
  get more(): number {
    return this.#more;
  }

  /** Rules about a series. */
  rulesOf(series: string): Rule[] {
    return this.#rules.filter((rule) => matchesPattern(rule.series, series));
  }

  /** What has begun and ended of a series, the oldest first. */
  pastOf(series: string): Past[] {
    return this.#transitions.filter((one) => one.series === series);
  }

  /** Asks for all of it now. */
  refresh(): void {
    this.#watch.now();
  }

  /** Readings have come: what is about to fire, and how likely, may be otherwise. */
  stir(): void {
    this.#watch.stir();
  }

  /** Some of the log cannot be told: it is asked for anew. */
  missed(): void {
    this.#pastKnown = false;
    this.refresh();
  }

  /** An alert has begun or ended. */
  take({ alert: transition }: AlertMessage): void {
    this.#apply(transition);
    this.#meanwhile?.push(transition);
    this.#keep([transition]);
    this.#tellSoon();
    // Somebody has made that rule elsewhere.
    if (!this.#rules.some(({ name }) => name === transition.rule)) this.refresh();
  }

  #apply(transition: Transition): void {
    if (transition.state === "firing") this.#alerts.set(keyOf(transition), begun(transition));
    else this.#alerts.delete(keyOf(transition));
  }

  #keep(transitions: readonly Transition[]): void {
    const known = new Set(this.#transitions.map(({ id }) => id));
    const others = transitions.filter(({ id }) => !known.has(id));
    if (others.length === 0) return;
    this.#transitions = [...this.#transitions, ...others.map(kept)]
      .sort((a, b) => a.sequence - b.sequence)
      .slice(-KEPT);
  }

  async #ask(signal: AbortSignal): Promise<Looked> {
    const meanwhile: Transition[] = [];
    this.#meanwhile = meanwhile;
    const [answer, past] = await Promise.all([
      ask<AlertsAnswer>("/v1/alerts", {}, signal),
      this.#pastKnown ? null : ask<TransitionsAnswer>("/v1/alerts/transitions", { limit: KEPT }, signal),
    ]);
    if (this.#meanwhile === meanwhile) this.#meanwhile = null;
    this.#rules = answer.rules;
    this.#more = answer.more ?? 0;
    this.#alerts = new Map(answer.alerts.map((alert) => [keyOf(alert), alert]));
    if (past !== null) {
      this.#pastKnown = true;
      this.#transitions = [];
      this.#keep([...past.transitions, ...meanwhile]);
    }
    for (const transition of meanwhile) this.#apply(transition);
    const said = JSON.stringify([answer, past]);
    const fresh = said !== this.#said;
    this.#said = said;
    if (fresh) this.#tellSoon();
    // What fires or is about to is told of with every reading; else nothing is to be seen but by what stirs.
    return {
      fresh: false,
      rest: (1000 * ONE * answer.alerts.length) / BYTES_A_SECOND,
      nothing: answer.rules.length === 0,
    };
  }

  #tellSoon(): void {
    if (this.#timer !== 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.#changed();
    }, TOGETHER);
  }
}
