import type { Observable } from "rxjs";
import type { AlertTransition } from "../../../models/alert.ts";
import { EddyError, printable } from "../../../models/errors.ts";
import { type AlertRule, checkRule, MOST_RULES } from "../../../streams/alerts/rule.ts";
import type { StandingRule } from "../../../streams/alerts/telling.ts";
import type { Commits } from "../commit.ts";
import type { ActiveAlert, AlertService, AlertSettings } from "../contract.ts";
import { isHosted } from "../hosting.ts";
import type { Loop } from "../loop.ts";
import type { EngineParts } from "../parts.ts";
import { isAbout } from "./rule-book.ts";

/** Milliseconds of work between two yields. */
const SLICE_MILLISECONDS = 10;
/** Silences told of at a time. */
const SILENCES = 500;
/** Milliseconds until silences are looked for again: at least, and at most. */
const LOOK_AGAIN = 10;
const LOOK_AGAIN_AT_LAST = 3_600_000;

/** Rules put and taken away while observations come, and the clock by which silence is told. */
export class AlertDesk implements AlertService {
  readonly #parts: EngineParts;
  readonly #loop: Loop;
  readonly #commits: Commits;
  readonly #receivers: readonly string[];
  readonly #rulesLimit: number;
  readonly #closing: () => boolean;
  #cancel: (() => void) | undefined;
  #stopped = false;

  /** Puts the rules of the configuration in force: from the last position of the journal on. */
  constructor(
    parts: EngineParts,
    loop: Loop,
    commits: Commits,
    { rules = [], receivers = [], rulesLimit = MOST_RULES }: AlertSettings,
    closing: () => boolean,
  ) {
    this.#parts = parts;
    this.#loop = loop;
    this.#commits = commits;
    this.#receivers = receivers;
    this.#rulesLimit = rulesLimit;
    this.#closing = closing;
    this.#configure(rules);
    for (const one of parts.alerts.book.all()) this.#listenTo(one);
  }

  get transitions$(): Observable<AlertTransition> {
    return this.#parts.alerts.transitions$;
  }

  get sequence(): number {
    return this.#parts.alerts.sequence;
  }

  rules(): readonly StandingRule[] {
    return [...this.#parts.alerts.book.all()];
  }

  rule(name: string): StandingRule | undefined {
    return this.#parts.alerts.book.get(name);
  }

  matches(rule: StandingRule): number {
    let count = 0;
    for (const entry of this.#parts.table.known()) {
      if (isHosted(entry)) continue;
      const targets = rule.condition.kind === "silent" ? [""] : entry.specification.targets;
      if (targets.some((target) => isAbout(rule, entry.stored.name, target))) count++;
    }
    return count;
  }

  active(): Iterable<ActiveAlert> {
    return this.#parts.alerts.active((series) => this.#parts.table.byId(series));
  }

  after(sequence: number, limit: number): readonly AlertTransition[] | null {
    return this.#parts.store.transitionsAfter(sequence, limit);
  }

  before(sequence: number, limit: number): readonly AlertTransition[] {
    return this.#parts.store.transitionsBefore(sequence, limit);
  }

  async put(name: string, given: unknown): Promise<StandingRule> {
    const own = typeof given === "object" && given !== null && !Array.isArray(given) ? given : undefined;
    const said = own && (own as { name?: unknown }).name;
    if (said !== undefined && said !== name) {
      throw new EddyError("bad-argument", "rule: name", {
        expected: `${printable(name)}, as in the path, or none`,
        received: printable(said),
      });
    }
    const rule = checkRule(own === undefined ? given : { ...own, name }, {
      subject: "rule",
      code: "bad-argument",
      receivers: this.#receivers,
    });
    return this.#loop.between(() => {
      const before = this.#changeable(name);
      const { book } = this.#parts.alerts;
      if (before !== undefined && JSON.stringify(before.rule) === JSON.stringify(rule)) return before;
      if (before === undefined && book.size >= this.#rulesLimit) {
        throw new EddyError("too-large", "rules", {
          expected: `at most ${this.#rulesLimit}`,
          received: "one more",
        });
      }
      this.#write(name, rule, "http");
      const after = book.get(name) as StandingRule;
      this.#listenTo(after);
      return after;
    });
  }

  async remove(name: string): Promise<boolean> {
    return this.#loop.between(() => {
      const before = this.#changeable(name);
      if (before !== undefined) this.#write(name, undefined, "http");
      return before !== undefined;
    });
  }

  /** No more silence is told of. */
  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #changeable(name: string): StandingRule | undefined {
    if (this.#closing()) throw new EddyError("busy", "the server is stopping");
    const before = this.rule(name);
    if (before?.from !== "configuration") return before;
    throw new EddyError("bad-state", `rule ${printable(name)}`, {
      expected: "one that was put over HTTP",
      received: "one of the configuration",
      hint: "change it there and start the server again, or take another name",
    });
  }

  /** One transaction: everything that follows from the journal up to here, by the rules before, and the change. */
  #write(name: string, rule: AlertRule | undefined, from: StandingRule["from"]): void {
    const { alerts, table } = this.#parts;
    if (alerts.waiting) this.#commits.flushNow();
    const undo = alerts.change(name, rule, from, (series) => table.byId(series));
    try {
      this.#commits.flushNow();
    } catch (error) {
      undo();
      throw error;
    }
  }

  /** What the configuration says now in the place of what it said before. */
  #configure(rules: readonly AlertRule[]): void {
    const { alerts, log, table } = this.#parts;
    const wanted = new Map(rules.map((rule) => [rule.name, rule]));
    const changes: [name: string, rule: AlertRule | undefined][] = [];
    for (const { rule, from } of alerts.book.all()) {
      if (from === "configuration" && !wanted.has(rule.name)) changes.push([rule.name, undefined]);
    }
    for (const [name, rule] of wanted) {
      const before = alerts.book.get(name);
      if (before?.from === "http") {
        log.warn(`rule ${name}: the one of the configuration takes the place of one that was put over HTTP`);
      } else if (before !== undefined && JSON.stringify(before.rule) === JSON.stringify(rule)) continue;
      changes.push([name, rule]);
    }
    if (changes.length === 0) return;
    for (const [name, rule] of changes) {
      alerts.change(name, rule, "configuration", (series) => table.byId(series));
    }
    try {
      this.#commits.flushNow();
    } catch (error) {
      if (!(error instanceof EddyError)) throw error;
      // They are in force, and written with whatever follows from them.
      log.error(`rules of the configuration were not written yet: ${error.message}`);
      this.#loop.wake();
    }
  }

  /** Begins to count the time of all series that a rule about silence is about, some at a time. */
  #listenTo(one: StandingRule): void {
    const { alerts, clock, table } = this.#parts;
    if (one.condition.kind !== "silent") return;
    const { name } = one.rule;
    const entries = table.known()[Symbol.iterator]();
    const slice = (): void => {
      const until = clock.monotonic() + SLICE_MILLISECONDS;
      while (!this.#stopped && this.rule(name) === one) {
        const next = entries.next();
        if (next.done) break;
        const { id, name: series } = next.value.stored;
        if (!isHosted(next.value) && isAbout(one, series, "") && !alerts.isSilent(id, name)) {
          alerts.silences.begin(name, id, clock.monotonic());
        }
        if (clock.monotonic() < until) continue;
        clock.soon(slice);
        break;
      }
      this.#schedule();
    };
    slice();
  }

  #schedule(): void {
    const { alerts, clock } = this.#parts;
    this.#cancel?.();
    this.#cancel = undefined;
    const wait = alerts.silences.wait(clock.monotonic());
    if (this.#stopped || wait === Number.POSITIVE_INFINITY) return;
    const bounded = Math.max(LOOK_AGAIN, Math.min(LOOK_AGAIN_AT_LAST, wait));
    this.#cancel = clock.after(bounded, () => {
      this.#loop
        .between(() => this.#tellOfSilence())
        .catch((error: Error) => this.#parts.log.error(`silence was not told of: ${error.message}`))
        .finally(() => this.#schedule());
    });
  }

  #tellOfSilence(): void {
    const { alerts, clock, table } = this.#parts;
    if (this.#stopped) return;
    for (const { rule, series } of alerts.silences.take(clock.monotonic(), SILENCES)) {
      const entry = table.byId(series);
      if (entry !== undefined) alerts.silent(entry, rule);
    }
  }
}
