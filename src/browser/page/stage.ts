import { Chart } from "../chart/chart.ts";
import type { Limits } from "../chart/drawing.ts";
import { showKey } from "../chart/key.ts";
import { shown } from "../chart/numbers.ts";
import type { AlertBook } from "./alert-book.ts";
import { AlertForm, type Subject } from "./alert-form.ts";
import { byId, make, setText, setTitle } from "./dom.ts";
import { fullName } from "./names.ts";
import type { Row } from "./overview.ts";
import { asked, bounded, PRESETS, type Range, viewOf } from "./range.ts";
import { RecordCharts } from "./record-charts.ts";
import { ask } from "./server.ts";
import { StageAlerts } from "./stage-alerts.ts";
import { stageDrawing } from "./stage-drawing.ts";
import { type Looked, Watch } from "./watch.ts";
import type { DrawingAnswer, Forecast, RecordAnswer } from "./wire.ts";
import {
  momentWords,
  readingsWords,
  refusedWords,
  shareWords,
  skillWords,
  spanWords,
  withUnit,
  zoneName,
} from "./words.ts";

const POINTS = 600;
/** Readings drawn when nothing is chosen: as many as have room, each so many pixels wide. */
const LATEST = 240;
const FEWEST = 60;
const PIXELS = 3.6;
/** Milliseconds between two drawings. */
const REDRAWN = 100;
/** Milliseconds between two looks at the record: what was refused may grow though nothing new was taken. */
const RECORDED = { soonest: 10_000, latest: 120_000 };
/** Milliseconds in which several wishes for another part of the past become one question. */
const SETTLED = 120;
/** Steps of a forecast beyond which its record is asked for more rarely: it costs more. */
const LONG = 100;
/** A reading that comes so many steps after the one before it ends a silence; the server says so too. */
const SILENT_STEPS = 3.5;
const SURPRISING = 0.002;
/** Remarkable readings told in words. */
const TOLD = 8;

/** One series in full. */
export class Stage {
  readonly #chart: Chart;
  readonly #records = new RecordCharts();
  readonly #form: AlertForm;
  readonly #alerts: StageAlerts;
  readonly #moved: () => void;
  #series = "";
  #target = "";
  #unit = "";
  #range: Range = { kind: "latest" };
  /** A range has been chosen whose readings have not come: where it lies is not known yet. */
  #unplaced = false;
  /** Moves wished for meanwhile. */
  #moves: ((seen: Limits) => Limits)[] = [];
  #lead = 1;
  #past: DrawingAnswer | null = null;
  /** The past goes up to the last reading. */
  #upToNow = true;
  #forecast: Forecast | null = null;
  #changed = false;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #asking: AbortController | null = null;
  #askTimer = 0;
  readonly #record = new Watch((signal) => this.#askRecord(signal), RECORDED);
  /** The series has been drawn since it was chosen: before, its chart shows no values, or those of another. */
  #drawn = false;
  /** The reading that the keyboard points at, counted from the last one; null when none. */
  #pointed: number | null = null;

  /** `moved`: told when another range is looked at. */
  constructor(book: AlertBook, moved: () => void) {
    this.#moved = moved;
    this.#chart = new Chart(byId("stage-chart"), {
      x: "time",
      xWords: (time) => momentWords(time, this.#step),
      yWords: (value, step) => (step === undefined ? withUnit(shown(value), this.#unit) : shown(value, step)),
      moved: (view) => this.range(view === null ? { kind: "latest" } : { kind: "fixed", view }),
    });
    const redraw = (): void => {
      this.#changed = true;
    };
    this.#form = new AlertForm(
      this.#chart,
      byId("stage-place"),
      () => this.#subject,
      redraw,
      () => book.refresh(),
    );
    this.#alerts = new StageAlerts(book, redraw, (rule) => this.#form.open(rule));
    for (const kind of PRESETS) byId(`range-${kind}`).addEventListener("click", () => this.range({ kind }));
    byId("zoom-in").addEventListener("click", () => this.zoom(0.5));
    byId("zoom-out").addEventListener("click", () => this.zoom(2));
    byId("earlier").addEventListener("click", () => this.pan(-0.5));
    byId("later").addEventListener("click", () => this.pan(0.5));
    const lead = byId<HTMLSelectElement>("lead");
    lead.addEventListener("change", () => {
      this.#lead = Number(lead.value);
      this.#askSoon();
    });
    byId("stage-chart").tabIndex = 0;
    byId("stage-chart").addEventListener("keydown", (event) => this.#key(event));
    setText(byId("zone"), `Times are yours: ${zoneName()}.`);
  }

  /** Milliseconds between two steps. */
  get #step(): number {
    const [first, second] = this.#forecast?.horizon ?? [];
    if (this.#forecast === null || first === undefined) return 0;
    return second === undefined
      ? Date.parse(first.time) - Date.parse(this.#forecast.issuedAt)
      : Date.parse(second.time) - Date.parse(first.time);
  }

  /** What a rule for alerts may be made about. */
  get #subject(): Subject | null {
    const [forecast, past] = [this.#forecast, this.#past];
    if (forecast === null || past === null || this.#series === "" || !this.#drawn) return null;
    const [from, to] = this.#chart.view;
    return {
      series: this.#series,
      target: this.#target,
      unit: this.#unit,
      step: this.#step,
      horizon: forecast.horizon.length,
      now: forecast.observed.value ?? forecast.horizon[0]?.mean ?? 0,
      values: past.values.filter((_, i) => {
        const time = past.times[i] ?? Number.NaN;
        return time >= from && time <= to;
      }),
    };
  }

  get rangeKind(): string {
    return this.#range.kind;
  }

  /** Shows another target, from the log first. */
  open(
    { series, target, unit, step }: Pick<Row, "series" | "target" | "unit" | "step">,
    range: Range["kind"] = "latest",
  ): void {
    this.#series = series;
    this.#target = target;
    this.#unit = unit;
    this.#past = null;
    this.#forecast = null;
    this.#drawn = false;
    this.#lead = 0;
    this.#pointed = null;
    this.#choose({ kind: range === "fixed" ? "latest" : range } as Range);
    byId("record").hidden = true;
    byId("weights").hidden = true;
    byId("refused").hidden = true;
    byId("marks").replaceChildren();
    byId("chart-note").textContent = "";
    const name = fullName(series, target);
    setText(byId("stage-name"), name);
    setTitle(byId("stage-name"), name);
    setText(
      byId("stage-model"),
      step === null ? "no forecast yet: the first one follows the second reading" : "asking for its readings",
    );
    for (const id of ["fact-now", "fact-ahead", "fact-skill", "fact-held"]) setText(byId(id), "–");
    byId("fact-skill").dataset.state = "";
    byId("fact-held").dataset.state = "";
    this.#press();
    this.#form.close();
    this.#alerts.open(series, target, { unit, step: step ?? 0 });
    void this.#ask();
    this.#record.now();
  }

  /** Everything is asked for anew: the connection was lost, or the past has changed. */
  refresh(): void {
    if (this.#series === "") return;
    this.#askSoon();
    this.#record.now();
  }

  /** Rules or alerts are not as they were. */
  showAlerts(): void {
    this.#alerts.show();
  }

  close(): void {
    this.#series = "";
    this.#form.close();
    this.#alerts.close();
    this.#asking?.abort();
    clearTimeout(this.#askTimer);
    this.#record.stop();
  }

  take(forecast: Forecast): void {
    if (forecast.series !== this.#series || forecast.target !== this.#target) return;
    const first = this.#forecast === null;
    this.#forecast = forecast;
    this.#changed = true;
    this.#record.stir();
    if (first) {
      this.#offerLeads(forecast);
      this.#alerts.step = this.#step;
      // What the log told before there was a forecast may be nothing.
      if (this.#past === null || this.#past.times.length === 0) this.#askSoon();
      else this.#place();
    }
    if (this.#past === null || !this.#upToNow) return;
    // A stretch that stays has an end: what comes behind it is not seen, what lies before it may not have come.
    if (this.#range.kind === "fixed" && Date.parse(forecast.issuedAt) > this.#range.view[1]) {
      this.#upToNow = false;
      this.#askSoon();
    } else this.#append(forecast);
  }

  range(range: Range): void {
    this.#choose(range.kind === "fixed" ? { kind: "fixed", view: bounded(range.view, this.#step) } : range);
    this.#pointed = null;
    this.#press();
    this.#changed = true;
    this.#askSoon();
    this.#moved();
  }

  #choose(range: Range): void {
    this.#range = range;
    this.#unplaced = range.kind !== "fixed";
    this.#moves = [];
  }

  /** What is looked at, though it may not have been drawn yet: several presses may come before that. */
  get #seen(): Limits {
    if (this.#range.kind === "fixed") return this.#range.view;
    return this.#forecast === null || this.#past === null
      ? this.#chart.view
      : this.#view(this.#forecast, this.#past);
  }

  zoom(factor: number): void {
    this.#move(([from, to]) => {
      const middle = (from + to) / 2;
      const half = Math.max(this.#step, ((to - from) * factor) / 2);
      return [middle - half, middle + half];
    });
  }

  pan(share: number): void {
    this.#move(([from, to]) => [from + (to - from) * share, to + (to - from) * share]);
  }

  #move(move: (seen: Limits) => Limits): void {
    if (this.#unplaced) this.#moves.push(move);
    else this.range({ kind: "fixed", view: move(this.#seen) });
  }

  /** The readings of a chosen range have come, or will not: what was wished for meanwhile is done. */
  #place(): void {
    if (this.#forecast === null) return;
    this.#unplaced = false;
    for (const move of this.#moves.splice(0)) this.#move(move);
  }

  frame(at: number): void {
    if (!this.#changed || at - this.#drawnAt < REDRAWN || this.#forecast === null || this.#past === null)
      return;
    this.#changed = false;
    this.#drawnAt = at;
    this.#draw(this.#forecast, this.#past);
  }

  /** What came live goes behind what the log told. */
  #append(forecast: Forecast): void {
    const past = this.#past as DrawingAnswer;
    const time = Date.parse(forecast.issuedAt);
    const last = past.times.at(-1) ?? Number.NEGATIVE_INFINITY;
    if (time <= last) return;
    const { value, surprise, taken } = forecast.observed;
    const step = forecast.horizon[this.#lead - 1];
    const { forecasts } = past;
    // More than one step has gone by: some readings were left out on their way, and the log has them.
    if (time - last > 1.5 * this.#step && this.#step > 0) this.#askSoon(2000);
    const keep = <T>(list: readonly T[], next: T): T[] => [...list, next].slice(-2 * POINTS);
    const marked = value !== null && (taken === false || (surprise !== null && surprise < SURPRISING));
    const kind = taken === false ? ("held" as const) : ("surprise" as const);
    this.#past = {
      ...past,
      times: keep(past.times, time),
      values: keep(past.values, value),
      gaps: time - last > SILENT_STEPS * this.#step ? keep(past.gaps, { from: last, to: time }) : past.gaps,
      marks: marked ? keep(past.marks, { time, value, kind, surprise }) : past.marks,
      forecasts:
        step === undefined || past.sampled
          ? forecasts
          : {
              ...forecasts,
              times: keep(forecasts.times, Date.parse(step.time)),
              mean: keep(forecasts.mean, step.mean),
              lower: keep(forecasts.lower, step.lower),
              upper: keep(forecasts.upper, step.upper),
            },
    };
  }

  #askSoon(pause = SETTLED): void {
    if (pause > SETTLED && this.#askTimer !== 0) return;
    clearTimeout(this.#askTimer);
    this.#askTimer = setTimeout(() => {
      this.#askTimer = 0;
      void this.#ask();
    }, pause);
  }

  async #ask(): Promise<void> {
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    const { series, target } = { series: this.#series, target: this.#target };
    if (series === "") return;
    // A span back from now waits for the forecast that tells when that is.
    if (this.#forecast === null && !["latest", "all", "fixed"].includes(this.#range.kind)) return;
    try {
      const range = asked(this.#range, this.#now);
      const past = await ask<DrawingAnswer>(
        "/v1/drawing",
        {
          series,
          target,
          points: range === null ? LATEST : POINTS,
          ...(this.#lead > 0 ? { lead: this.#lead } : {}),
          ...(range === null ? {} : range),
        },
        asking.signal,
      );
      // Another one has been chosen meanwhile: the answer to that is on its way.
      if (this.#lead > 0 && past.lead !== this.#lead) return;
      this.#past = past;
      this.#upToNow = range?.to === undefined || range.to >= this.#now;
      this.#lead = past.lead;
      byId<HTMLSelectElement>("lead").value = String(this.#lead);
      this.#changed = true;
      this.#place();
    } catch {
      // Aborted, or the server cannot be reached: then the connection tells, and asks again when it is back.
      if (!asking.signal.aborted) this.#place();
    }
  }

  get #now(): number {
    return this.#forecast === null ? 0 : Date.parse(this.#forecast.issuedAt);
  }

  async #askRecord(signal: AbortSignal): Promise<Looked> {
    const { series, target } = { series: this.#series, target: this.#target };
    const record = await ask<RecordAnswer>("/v1/record", { series, target }, signal);
    setText(byId("refused"), refusedWords(record.refused));
    byId("refused").hidden = Object.keys(record.refused).length === 0;
    this.#records.show(record, this.#step, this.#unit);
    // Its forecasts tell when there is more to see.
    const long = (this.#forecast?.horizon.length ?? 0) > LONG;
    return { fresh: false, rest: long ? 3 * RECORDED.soonest : 0 };
  }

  /** Which forecasts of the past may be drawn: those made so many steps before. */
  #offerLeads({ horizon }: Forecast): void {
    const leads = [1, 2, 3, 6, 12, 24, 48, 96, 168, 336, 512].filter((h) => h < horizon.length);
    leads.push(horizon.length);
    const chosen = this.#lead > 0 ? this.#lead : Math.min(6, horizon.length);
    if (!leads.includes(chosen)) leads.push(chosen);
    const step = this.#step;
    byId("lead").replaceChildren(
      ...leads
        .sort((a, b) => a - b)
        .map((h) => {
          const option = make("option", "", `${spanWords(h * step)} before`);
          option.value = String(h);
          option.selected = h === chosen;
          return option;
        }),
    );
  }

  #press(): void {
    for (const kind of PRESETS)
      byId(`range-${kind}`).setAttribute("aria-pressed", String(this.#range.kind === kind));
  }

  #view(forecast: Forecast, past: DrawingAnswer): Limits {
    const end = Date.parse(forecast.horizon.at(-1)?.time ?? forecast.issuedAt);
    const now = past.times.at(-1) ?? Date.parse(forecast.issuedAt);
    const room = Math.round(byId("stage-chart").clientWidth / PIXELS);
    const latest = Math.max(FEWEST, Math.min(LATEST, room));
    const first = this.#range.kind === "latest" ? (past.times.at(-latest) ?? past.times[0]) : past.times[0];
    return viewOf(this.#range, first ?? now, now, end);
  }

  #draw(forecast: Forecast, past: DrawingAnswer): void {
    const step = this.#step;
    const unit = this.#unit;
    const view = this.#view(forecast, past);
    const upToNow = this.#upToNow;
    const plain = stageDrawing({ past, forecast, step, upToNow }, view);
    const { limit, moving } = this.#form;
    const alerted = this.#alerts.draw(plain, moving);
    // The line in the making is an element of its own; here it only makes room for itself.
    const drawing =
      limit === null
        ? alerted
        : {
            ...alerted,
            levels: [...(alerted.levels ?? []), { y: limit, colour: "alert", label: "alert in the making" }],
          };
    this.#chart.draw(drawing);
    this.#drawn = true;
    this.#form.place();
    showKey(byId("stage-key"), drawing);
    const last = forecast.horizon.at(-1);
    const { coverage, level, skill, observed } = forecast;
    setText(
      byId("stage-model"),
      `${forecast.horizon.length} steps ahead, every ${spanWords(step)} · last reading ${momentWords(Date.parse(forecast.issuedAt), step)} · model ${forecast.model}`,
    );
    setText(byId("fact-now"), observed.value === null ? "–" : withUnit(shown(observed.value), unit));
    if (last !== undefined) {
      setText(
        byId("fact-ahead-name"),
        `in ${spanWords(Date.parse(last.time) - Date.parse(forecast.issuedAt))}`,
      );
      setText(byId("fact-ahead"), withUnit(shown(last.mean), unit));
      setText(
        byId("fact-between"),
        `${shareWords(level)}: ${shown(last.lower)} to ${withUnit(shown(last.upper), unit)}`,
      );
    }
    setText(byId("fact-skill"), skillWords(skill));
    byId("fact-skill").dataset.state = skill === null ? "" : skill >= 0 ? "good" : "bad";
    setText(
      byId("fact-held"),
      coverage === null ? "not measured yet" : `${readingsWords(coverage)} fell inside`,
    );
    setText(byId("fact-promised"), `${shareWords(level)} are promised`);
    byId("fact-held").dataset.state = coverage !== null && coverage < level - 0.08 ? "bad" : "";
    const [from, to] = view;
    const empty = !past.times.some((time) => time >= from && time <= to);
    setText(
      byId("chart-note"),
      empty
        ? `Nothing was read from ${momentWords(from, 60_000)} to ${momentWords(to, 60_000)}. Double click, or press “latest”, to come back.`
        : past.sampled
          ? `More readings lie in this stretch than can be drawn: ${past.times.length.toLocaleString("en")} of them, evenly spread.`
          : "",
    );
    byId("stage-chart").setAttribute(
      "aria-label",
      `${fullName(this.#series, this.#target)}: now ${byId("fact-now").textContent}, ${byId("fact-ahead-name").textContent} ${byId("fact-ahead").textContent}. Arrow keys read the values.`,
    );
    this.#tellMarks(past, unit, step);
  }

  #tellMarks({ marks }: DrawingAnswer, unit: string, step: number): void {
    const told = marks.slice(-TOLD).reverse();
    const host = byId("marks");
    const said = JSON.stringify(told);
    byId("marks-head").hidden = told.length === 0;
    if (host.dataset.said === said) return;
    host.dataset.said = said;
    host.replaceChildren(
      ...told.map(({ time, value, kind, surprise }) =>
        make(
          "li",
          kind,
          `${momentWords(time, step)}: ${withUnit(shown(value), unit)} ${kind === "held" ? "was not believed, and not learned from" : "was a surprise"}${rarity(surprise)}`,
        ),
      ),
    );
  }

  #key(event: KeyboardEvent): void {
    const { key } = event;
    if (key === "+" || key === "=") this.zoom(0.5);
    else if (key === "-") this.zoom(2);
    else if (key === "PageUp") this.pan(-0.5);
    else if (key === "PageDown") this.pan(0.5);
    else if (key === "Home") this.range({ kind: "all" });
    else if (key === "End") this.range({ kind: "latest" });
    else if (key === "ArrowLeft" || key === "ArrowRight") this.#point(key === "ArrowLeft" ? 1 : -1);
    else if (key === "Escape" && this.#pointed !== null) {
      this.#pointed = null;
      this.#chart.leave();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Goes one reading back, or on into the forecast, and tells what is there. */
  #point(back: number): void {
    if (this.#past === null || this.#forecast === null) return;
    const places = [...this.#past.times, ...this.#forecast.horizon.map(({ time }) => Date.parse(time))];
    const last = this.#past.times.length - 1;
    this.#pointed = (this.#pointed ?? back) + (this.#pointed === null ? 0 : back);
    const [from, to] = this.#chart.view;
    let place = Math.max(0, Math.min(places.length - 1, last - this.#pointed));
    while (place > 0 && (places[place] as number) > to) place--;
    while (place < places.length - 1 && (places[place] as number) < from) place++;
    this.#pointed = last - place;
    const told = this.#chart.point(places[place] as number);
    setText(byId("told"), told);
  }
}

/** " (one of 500 readings would be so far out)". */
function rarity(surprise: number | null): string {
  if (surprise === null || surprise <= 0) return "";
  const one = 1 / surprise;
  const told =
    one >= 1e6
      ? "less than one of a million"
      : `about one of ${Number(one.toPrecision(1)).toLocaleString("en")}`;
  return ` (${told} readings would lie so far out)`;
}
