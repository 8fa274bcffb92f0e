import { type Observable, Subject } from "rxjs";
import type { AlertTransition } from "../../../models/alert.ts";
import type { Crossing } from "../../../models/forecaster/crossing.ts";
import type { Issue, TargetIssue } from "../../../models/issue.ts";
import type { Observation } from "../../../models/observation.ts";
import type { Clock } from "../../../storage/clock.ts";
import type { AlertChanges, Opened } from "../../../storage/store.ts";
import {
  asksAhead,
  isTooFar,
  type Look,
  stepsAhead,
  type Verdict,
  verdictOf,
} from "../../../streams/alerts/condition.ts";
import { type AlertState, nextState } from "../../../streams/alerts/life.ts";
import { type AlertRule, MOST_STEPS } from "../../../streams/alerts/rule.ts";
import {
  type Found,
  type StandingRule,
  summaryOf,
  tell,
  type Way,
  wayOf,
} from "../../../streams/alerts/telling.ts";
import { milliseconds } from "../../../streams/checked.ts";
import type { ActiveAlert, AlertSettings, EngineLog } from "../contract.ts";
import { isHosted } from "../hosting.ts";
import type { EngineMetrics } from "../metrics.ts";
import type { Applied, SeriesEntry } from "../series.ts";
import { PendingChanges } from "./changes.ts";
import { isAbout, RuleBook, standing } from "./rule-book.ts";
import { Silences } from "./silence.ts";

/** What alerts work with. */
export interface AlertsWorld {
  readonly clock: Clock;
  readonly metrics: EngineMetrics;
  readonly log: EngineLog;
}

/** An alert that is not fine. */
interface Active {
  readonly rule: string;
  readonly target: string;
  state: AlertState;
  /** Once it has been told. */
  way: Way | undefined;
  /** What the last look found. */
  found: Found;
}

/** What of the rules is about one series. */
export interface BoundRules {
  readonly version: number;
  /** By target, those that look at readings and forecasts. */
  readonly looks: ReadonlyMap<string, readonly StandingRule[]>;
  readonly silent: readonly StandingRule[];
}

/** Alerts that are pending or firing at once, at most. */
const MOST_ALERTS = 100_000;
const NOTHING: Found = { value: null, probability: null, crosses: null };

/**
 * How every alert stands. It is a function of the journal and of the rules, each of which holds from one position of the journal
 * on: states and transitions are written with what else follows from the journal, together with the position up to which that
 * is. After a crash the journal makes the missing part again, with the same ids, and no part twice. Only silence follows from a
 * clock: it is written before anybody is told.
 */
export class Alerts {
  readonly book = new RuleBook();
  readonly silences = new Silences();
  readonly transitions$: Observable<AlertTransition>;
  readonly #published = new Subject<AlertTransition>();
  readonly #world: AlertsWorld;
  readonly #unit: (series: string, target: string) => string;
  readonly #pending = new PendingChanges();
  /** By series, then by rule and target. */
  readonly #active = new Map<number, Map<string, Active>>();
  #count = 0;
  #sequence: number;
  #written: number;
  #taken: AlertChanges | undefined;
  /** Rules that look further ahead than forecasts of some series reach. */
  readonly #tooFar = new Set<string>();

  constructor(opened: Opened["alerts"], settings: AlertSettings, world: AlertsWorld) {
    this.#world = world;
    this.#unit = settings.unit ?? (() => "");
    this.transitions$ = this.#published.asObservable();
    this.#sequence = opened.sequence;
    this.#written = opened.sequence;
    this.book.revision = opened.revision;
    for (const { from, revision, rule } of opened.rules) {
      this.book.set(standing(JSON.parse(rule) as AlertRule, from, revision));
    }
    for (const { rule, series, target, state } of opened.alerts) {
      if (this.book.get(rule) === undefined) continue;
      this.#put(series, { rule, target, ...readState(state) });
    }
    for (const one of this.book.all()) this.#watch(one);
  }

  /** Place of the newest transition that is written. */
  get sequence(): number {
    return this.#written;
  }

  get waiting(): boolean {
    return this.#pending.waiting;
  }

  get urgent(): boolean {
    return this.#pending.urgent;
  }

  /** Hands out all that waits to be written; then `written` or `giveBack`. */
  take(): AlertChanges {
    this.#taken = this.#pending.all;
    return this.#taken;
  }

  /** Tells of what is durable now. */
  written(): void {
    if (this.#taken === undefined) return;
    const { transitions } = this.#taken;
    this.#taken = undefined;
    this.#pending.clear();
    this.#world.metrics.add("alert_transitions_total", transitions.length);
    for (const { transition } of transitions) {
      this.#written = transition.sequence;
      this.#published.next(transition);
    }
  }

  giveBack(): void {
    this.#taken = undefined;
  }

  end(): void {
    this.#published.complete();
  }

  /** Looks at what an observation has led to. Call it before `entry.latest` is what it led to. */
  follow(entry: SeriesEntry, observation: Observation, position: number, { issues, refused }: Applied): void {
    if (this.book.size === 0) return;
    const bound = this.#boundOf(entry);
    if (refused !== undefined) return;
    if (bound.silent.length > 0 && Object.values(observation.values).some((value) => value !== null)) {
      for (const one of bound.silent) this.#heard(entry, one, position);
    }
    if (bound.looks.size === 0) return;
    issues.forEach((issue, i) => {
      const crossings = i === issues.length - 1 ? new Crossings(entry, issue, bound) : undefined;
      for (const target of issue.targets) {
        if (Number.isNaN(target.observed)) continue;
        for (const one of bound.looks.get(target.name) ?? []) {
          const asks = asksAhead(one.condition);
          if (asks && crossings === undefined) continue;
          const crossing = asks ? crossings?.of(target.name, one) : undefined;
          this.#look(entry, one, target.name, lookAt(issue, target, crossing), position);
        }
      }
    });
    if (issues.length === 0 && entry.latest === undefined) this.#first(entry, bound, observation, position);
  }

  /** The first reading of a series leads to no forecast, and is one all the same. */
  #first(entry: SeriesEntry, { looks }: BoundRules, { time, values }: Observation, position: number): void {
    const { every = 0, lateness = 0 } = entry.specification as { every?: number; lateness?: number };
    if (every > 0 || lateness > 0) return;
    for (const [target, rules] of looks) {
      const value = Object.hasOwn(values, target) ? (values[target] ?? Number.NaN) : Number.NaN;
      const look: Look = {
        time,
        value,
        doubted: false,
        surprise: Number.NaN,
        skill: Number.NaN,
        step: Number.NaN,
        crossing: undefined,
      };
      for (const one of rules) this.#look(entry, one, target, look, position);
    }
  }

  #look(entry: SeriesEntry, one: StandingRule, target: string, look: Look, position: number): void {
    if (asksAhead(one.condition)) this.#warnIfTooFar(entry, one, look.step);
    const verdict = verdictOf(one.condition, look);
    const active = this.#active.get(entry.stored.id)?.get(keyOf(one.rule.name, target));
    if (active === undefined && verdict.holds !== true) return;
    this.#turn(entry, one, { target, active, verdict, time: look.time, doubted: look.doubted, position });
  }

  /** Said once of each rule: that nothing is told is not to be taken for nothing to tell. */
  #warnIfTooFar({ stored: { name } }: SeriesEntry, { rule, condition }: StandingRule, step: number): void {
    if (this.#tooFar.has(rule.name) || !isTooFar(condition, step)) return;
    this.#tooFar.add(rule.name);
    this.#world.log.warn(
      `rule ${rule.name}: ${condition.within} are more than ${MOST_STEPS} readings of series ${name}, as far as forecasts ` +
        'reach: what lies beyond is not told of (longer steps reach further: "every" in the options of the series)',
    );
  }

  /** Takes an alert on to its next state. */
  #turn(
    entry: SeriesEntry,
    one: StandingRule,
    {
      target,
      active,
      verdict,
      time,
      doubted,
      position,
    }: {
      readonly target: string;
      readonly active: Active | undefined;
      readonly verdict: Verdict;
      readonly time: number;
      readonly doubted: boolean;
      readonly position: number;
    },
  ): void {
    const { state, change } = nextState(one.condition, active?.state, verdict, { time, doubted });
    const found = verdict.holds === undefined ? (active?.found ?? NOTHING) : foundBy(verdict);
    if (state !== undefined && state === active?.state) {
      active.found = found;
      return;
    }
    if (active === undefined && this.#count >= MOST_ALERTS) {
      this.#world.metrics.add("alerts_refused_total", 1);
      return;
    }
    const at = { target, time, offset: position };
    const way =
      change === undefined
        ? active?.way
        : this.#tell(entry, one, at, found, change === "resolved" ? active?.way : undefined);
    this.#keep(entry, { rule: one.rule.name, target, state, way, found });
  }

  #tell(
    { stored: { name: series } }: SeriesEntry,
    one: StandingRule,
    { target, time, offset }: { readonly target: string; readonly time: number; readonly offset: number },
    found: Found,
    ended?: Way,
  ): Way {
    const at = { series, target, unit: this.#unit(series, target), time, offset };
    const transition = tell(one, at, found, ++this.#sequence, ended);
    const way = ended ?? wayOf(one, transition);
    this.#pending.transition({ transition, lane: way.lane });
    return way;
  }

  /** Notes how an alert stands from now on; without a state there is nothing more to keep of it. */
  #keep(
    { stored: { id: series } }: SeriesEntry,
    next: Omit<Active, "state"> & { state: AlertState | undefined },
  ): void {
    const { rule, target, state, way, found } = next;
    const text = state === undefined ? null : JSON.stringify({ state, way, found });
    this.#pending.alert({ rule, series, target, state: text });
    if (state === undefined) this.#drop(series, rule, target);
    else this.#put(series, { rule, target, state, way, found });
  }

  #put(series: number, active: Active): void {
    let those = this.#active.get(series);
    if (those === undefined) {
      those = new Map();
      this.#active.set(series, those);
    }
    const key = keyOf(active.rule, active.target);
    if (!those.has(key)) this.#count++;
    those.set(key, active);
  }

  #drop(series: number, rule: string, target: string): void {
    const those = this.#active.get(series);
    if (those?.delete(keyOf(rule, target))) this.#count--;
    if (those?.size === 0) this.#active.delete(series);
  }

  /** A reading of a series that a rule about silence is about. */
  #heard(entry: SeriesEntry, one: StandingRule, position: number): void {
    const { clock } = this.#world;
    this.silences.hear(one.rule.name, entry.stored.id, clock.monotonic());
    const active = this.#active.get(entry.stored.id)?.get(keyOf(one.rule.name, ""));
    if (active === undefined) return;
    const verdict = { ...NOTHING, holds: false, clears: true };
    this.#turn(entry, one, { target: "", active, verdict, time: clock.now(), doubted: false, position });
  }

  /** A series has been silent for as long as a rule allows. */
  silent(entry: SeriesEntry, rule: string): void {
    const one = this.book.get(rule);
    if (one === undefined || !isAbout(one, entry.stored.name, "")) return;
    const active = this.#active.get(entry.stored.id)?.get(keyOf(rule, ""));
    const verdict = { ...NOTHING, holds: true, clears: false };
    const time = this.#world.clock.now();
    this.#turn(entry, one, { target: "", active, verdict, time, doubted: false, position: entry.applied });
  }

  /** Whether the silence of a series has been told and has not ended. */
  isSilent(series: number, rule: string): boolean {
    return this.#active.get(series)?.has(keyOf(rule, "")) ?? false;
  }

  /** A series is about to be removed: whoever was told of an alert of it is told of its end. */
  removed(entry: SeriesEntry): void {
    this.#settle(entry, () => "ended");
    this.silences.forget(entry.stored.id);
  }

  /**
   * The past of a series has changed: what was about to be told may have followed from what is gone, and begins anew; an alert that
   * its newest reading no longer speaks for ends. What it does not tell of stays.
   */
  revised(entry: SeriesEntry): void {
    if (!this.#active.has(entry.stored.id)) return;
    const bound = this.#boundOf(entry);
    const issue = entry.latest?.issue;
    const crossings = issue && new Crossings(entry, issue, bound);
    this.#settle(entry, (active, one) => {
      if (one.condition.kind === "silent") return "stays";
      if (active.state.phase === "pending") return "ended";
      const target = issue?.targets.find(({ name }) => name === active.target);
      if (issue === undefined || target === undefined) return "ended";
      const crossing = asksAhead(one.condition) ? crossings?.of(target.name, one) : undefined;
      const verdict = verdictOf(one.condition, lookAt(issue, target, crossing));
      if (verdict.holds !== undefined) active.found = foundBy(verdict);
      return verdict.holds === false ? "ended" : "stays";
    });
  }

  /** Ends the alerts of a series that have come to an end. */
  #settle(entry: SeriesEntry, outcome: (active: Active, one: StandingRule) => "ended" | "stays"): void {
    for (const active of [...(this.#active.get(entry.stored.id)?.values() ?? [])]) {
      const one = this.book.get(active.rule);
      if (one !== undefined && outcome(active, one) === "stays") continue;
      this.#close(entry, one, active);
    }
  }

  /** Ends an alert for another reason than a reading. */
  #close(entry: SeriesEntry, one: StandingRule | undefined, active: Active): void {
    const { rule, target, way, found } = active;
    if (one !== undefined && way !== undefined) {
      const time = this.#timeOf(entry, one);
      this.#tell(entry, one, { target, time, offset: entry.applied }, found, way);
    }
    this.#keep(entry, { rule, target, way, found, state: undefined });
  }

  /** Of an end that no reading leads to: that of the last reading; of a silence, now. */
  #timeOf({ lastTime }: SeriesEntry, { condition: { kind } }: StandingRule): number {
    return kind === "silent" || Number.isNaN(lastTime) ? this.#world.clock.now() : lastTime;
  }

  /**
   * A rule is put in the place of one of its name, or taken away. Alerts that the new rule is no longer about, and all of them when it
   * is of another kind, end; those that fire go on, and the next reading decides by the new rule. `entryOf`: the series of a number.
   * To be called when nothing waits to be written. Returns what makes it undone, should it not be written.
   */
  change(
    name: string,
    next: AlertRule | undefined,
    from: StandingRule["from"],
    entryOf: (series: number) => SeriesEntry | undefined,
  ): () => void {
    const before = this.book.get(name);
    const sequence = this.#sequence;
    const stood = this.#of(name).map(([series, one]) => [series, { ...one }] as const);
    const revision = this.book.revision + 1;
    const after = next && standing(next, from, revision);
    const rule = next === undefined ? null : JSON.stringify(next);
    this.#pending.rule({ name, from, revision, rule });
    for (const [series, one] of this.#of(name)) {
      const { state, target, way, found } = one;
      const entry = entryOf(series);
      const same =
        entry !== undefined &&
        after !== undefined &&
        after.condition.kind === before?.condition.kind &&
        isAbout(after, entry.stored.name, target);
      if (entry === undefined) this.#drop(series, name, target);
      else if (!same || state.phase === "pending") this.#close(entry, after ?? before, one);
      else
        this.#keep(entry, {
          rule: name,
          target,
          way,
          found,
          state: { ...state, clearing: 0, clearingSince: 0 },
        });
    }
    this.#stand(name, after, revision);
    return () => {
      this.#pending.clear();
      this.#sequence = sequence;
      for (const [series, { target }] of this.#of(name)) this.#drop(series, name, target);
      for (const [series, one] of stood) this.#put(series, one);
      this.#stand(name, before, revision);
    };
  }

  #stand(name: string, one: StandingRule | undefined, revision: number): void {
    this.silences.unwatch(name);
    this.#tooFar.delete(name);
    if (one === undefined) this.book.delete(name, revision);
    else {
      this.book.set(one);
      this.#watch(one);
    }
  }

  /** Alerts of a rule, with the numbers of their series. */
  #of(rule: string): (readonly [series: number, active: Active])[] {
    return [...this.#active].flatMap(([series, those]) =>
      [...those.values()].filter((one) => one.rule === rule).map((one) => [series, one] as const),
    );
  }

  #watch({ rule }: StandingRule): void {
    if ("silent" in rule.when) this.silences.watch(rule.name, milliseconds(rule.when.silent));
  }

  /** Alerts that are pending or firing; of one series, or of all, in the order of the numbers of the series. */
  *active(entryOf: (series: number) => SeriesEntry | undefined): Generator<ActiveAlert> {
    for (const [id, those] of this.#active) {
      const series = entryOf(id)?.stored.name;
      if (series === undefined) continue;
      for (const { rule: name, target, state, way, found } of those.values()) {
        const one = this.book.get(name);
        if (one === undefined) continue;
        const at = { series, target, unit: this.#unit(series, target) };
        yield {
          alert: way?.alert ?? null,
          series,
          target,
          state: state.phase,
          since: state.since,
          ...found,
          summary: summaryOf(one, at, found, state.phase),
          standing: one,
        };
      }
    }
  }

  metrics(): Record<string, number> {
    let firing = 0;
    for (const those of this.#active.values()) {
      for (const { state } of those.values()) if (state.phase === "firing") firing++;
    }
    return { alert_rules: this.book.size, alerts_firing: firing, alerts_pending: this.#count - firing };
  }

  /** The rules that are about a series, found once per series and change of the rules. */
  #boundOf(entry: SeriesEntry): BoundRules {
    if (entry.alerts?.version === this.book.version) return entry.alerts;
    const looks = new Map<string, StandingRule[]>();
    const silent: StandingRule[] = [];
    if (!isHosted(entry)) {
      const { name } = entry.stored;
      for (const one of this.book.all()) {
        if (isAbout(one, name, "")) silent.push(one);
        if (one.condition.kind === "silent") continue;
        for (const target of entry.specification.targets) {
          if (!isAbout(one, name, target)) continue;
          const those = looks.get(target);
          if (those) those.push(one);
          else looks.set(target, [one]);
        }
      }
    }
    entry.alerts = { version: this.book.version, looks, silent };
    return entry.alerts;
  }
}

const keyOf = (rule: string, target: string): string => `${rule}\u0000${target}`;

const foundBy = ({ value, probability, crosses }: Verdict): Found => ({ value, probability, crosses });

const lookAt = (
  { time, step }: Issue,
  { observed, surprise, skill, taken }: TargetIssue,
  crossing: Crossing | undefined,
): Look => ({ time, value: observed, doubted: taken === 0, surprise, skill, step, crossing });

/** How likely each range that rules ask about is to be left: each is asked once, as far ahead as any of them looks. */
class Crossings {
  readonly #entry: SeriesEntry;
  readonly #issue: Issue;
  readonly #bound: BoundRules;
  readonly #known = new Map<string, Crossing | undefined>();

  constructor(entry: SeriesEntry, issue: Issue, bound: BoundRules) {
    this.#entry = entry;
    this.#issue = issue;
    this.#bound = bound;
  }

  of(target: string, { condition }: StandingRule): Crossing | undefined {
    const { low, high } = condition.range;
    const key = `${low} ${high} ${target}`;
    if (this.#known.has(key)) return this.#known.get(key);
    let within = 1;
    for (const { condition: other } of this.#bound.looks.get(target) ?? []) {
      if (asksAhead(other) && other.range.low === low && other.range.high === high) {
        within = Math.max(within, stepsAhead(other, this.#issue.step));
      }
    }
    const crossing = this.#entry.live?.crossing?.(target, condition.range, within);
    this.#known.set(key, crossing);
    return crossing;
  }
}

/** How an alert stands, as it was written: JSON has no Infinity. */
function readState(text: string): Pick<Active, "state" | "way" | "found"> {
  const { state, way, found } = JSON.parse(text) as Pick<Active, "state" | "way" | "found">;
  const { crosses } = found;
  if (crosses === null) return { state, way, found };
  return {
    state,
    way,
    found: { ...found, crosses: { ...crosses, to: crosses.to ?? Number.POSITIVE_INFINITY } },
  };
}
