import type { Chart } from "../chart/chart.ts";
import { shown } from "../chart/numbers.ts";
import { byId, make, setText } from "./dom.ts";
import { put } from "./server.ts";
import type { Rule } from "./wire.ts";
import { spanWords, withUnit } from "./words.ts";

/** What the form works on. */
export interface Subject {
  readonly series: string;
  readonly target: string;
  readonly unit: string;
  /** Milliseconds between two steps, and how many are forecast. */
  readonly step: number;
  readonly horizon: number;
  readonly now: number;
  /** Readings that are in view. */
  readonly values: readonly (number | null)[];
}

type Side = "above" | "below";
const KINDS = ["forecast", "reading", "reaches"] as const;
type Kind = (typeof KINDS)[number];

/** Part of the height of the chart that an arrow key moves the line by, and Page Up and Page Down. */
const SMALL = 1 / 50;
const LARGE = 1 / 10;
/** How finely a dragged line is read off. */
const FINE = 300;

/**
 * A rule in the making: a line over the chart that is dragged, or moved by the arrow keys, and the words beside it. What is saved is what
 * `PUT /v1/alerts/:name` takes; what the server has against it is told as it says it.
 */
export class AlertForm {
  readonly #chart: Chart;
  readonly #subject: () => Subject | null;
  readonly #changed: () => void;
  readonly #saved: () => void;
  readonly #line = make("div", "alert-line");
  readonly #form = byId<HTMLFormElement>("alert-form");
  readonly #limit = byId<HTMLInputElement>("alert-limit");
  readonly #side = byId<HTMLSelectElement>("alert-side");
  readonly #kind = byId<HTMLSelectElement>("alert-kind");
  readonly #within = byId<HTMLSelectElement>("alert-within");
  readonly #chance = byId<HTMLSelectElement>("alert-chance");
  readonly #name = byId<HTMLInputElement>("alert-name");
  /** The rule that is being changed. */
  #rule: Rule | null = null;
  /** Asked for before there was anything to draw. */
  #soon: { readonly rule: Rule | null } | null = null;
  #sideChosen = false;
  #nameChosen = false;
  #wanted: { readonly series: string; readonly target: string } | null = null;

  /** `changed`: the line has moved; `saved`: the server has taken a rule. */
  constructor(
    chart: Chart,
    host: HTMLElement,
    subject: () => Subject | null,
    changed: () => void,
    saved: () => void,
  ) {
    this.#chart = chart;
    this.#subject = subject;
    this.#changed = changed;
    this.#saved = saved;
    const line = this.#line;
    line.tabIndex = 0;
    line.hidden = true;
    line.setAttribute("role", "slider");
    line.setAttribute("aria-orientation", "vertical");
    line.setAttribute("aria-label", "Limit of the alert");
    line.append(make("span", "alert-grip"));
    host.append(line);
    line.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      event.stopPropagation();
      line.focus();
      line.setPointerCapture(event.pointerId);
    });
    line.addEventListener("pointermove", (event) => {
      if (!line.hasPointerCapture(event.pointerId)) return;
      event.stopPropagation();
      this.#moveTo(this.#fine(this.#chart.valueAt(event.clientY)));
    });
    line.addEventListener("keydown", (event) => this.#key(event));
    byId("alert-new").addEventListener("click", () => this.open(null));
    byId("alert-cancel").addEventListener("click", () => this.close());
    this.#form.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") this.close();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#save();
    });
    this.#limit.addEventListener("input", () => this.#show());
    this.#side.addEventListener("change", () => {
      this.#sideChosen = true;
      this.#show();
    });
    this.#kind.addEventListener("change", () => this.#show());
    this.#name.addEventListener("input", () => {
      this.#nameChosen = true;
    });
  }

  /** The limit as it stands, while there is a rule in the making. */
  get limit(): number | null {
    const value = this.#limit.valueAsNumber;
    return this.#form.hidden || !Number.isFinite(value) ? null : value;
  }

  /** The rule that is being changed: its own line is not drawn beside the one that moves. */
  get moving(): string | null {
    return this.#form.hidden ? null : (this.#rule?.name ?? null);
  }

  /** Begins a new rule, or changes one. */
  open(rule: Rule | null): void {
    const subject = this.#subject();
    if (subject === null) {
      this.#soon = { rule };
      return;
    }
    this.#soon = null;
    this.#rule = rule;
    this.#sideChosen = rule !== null;
    this.#nameChosen = rule !== null;
    this.#wanted = { series: subject.series, target: subject.target };
    const { step, horizon } = subject;
    const steps = [1, 2, 3, 6, 12, 24, 48, 96, 168].filter((h) => h < horizon);
    const when = rule?.when;
    const kind = KINDS.find((one) => when !== undefined && one in when) ?? "forecast";
    this.#kind.value = kind;
    const given = when !== undefined && "within" in when ? when.within : horizon;
    const options = [...new Set<number | string>([...steps, horizon, given])].map((h) => {
      const option = make("option", "", typeof h === "number" ? spanWords(h * step) : h);
      option.value = JSON.stringify(h);
      option.selected = h === given;
      return option;
    });
    this.#within.replaceChildren(...options);
    const chance = when !== undefined && "probability" in when ? (when.probability ?? 0.5) : 0.8;
    this.#chance.replaceChildren(
      ...[...new Set([0.5, 0.8, 0.9, 0.95, chance])]
        .sort((a, b) => a - b)
        .map((p) => {
          const option = make("option", "", `${Math.round(100 * p)} %`);
          option.value = String(p);
          option.selected = p === chance;
          return option;
        }),
    );
    const [low, high] = this.#chart.values;
    const limit = when !== undefined && "limit" in when && typeof when.limit === "number" ? when.limit : null;
    if (when !== undefined && kind in when) {
      const side = (when as Partial<Readonly<Record<Kind, string>>>)[kind];
      if (side === "above" || side === "below") this.#side.value = side;
    }
    this.#name.value = rule?.name ?? "";
    this.#name.readOnly = rule !== null;
    setText(byId("alert-error"), "");
    setText(byId("alert-told"), "");
    this.#form.hidden = false;
    this.#line.hidden = false;
    byId("alert-new").hidden = true;
    this.#moveTo(limit ?? this.#fine(low + 0.85 * (high - low)));
    this.#line.focus();
  }

  close(): void {
    this.#soon = null;
    if (this.#form.hidden) return;
    this.#form.hidden = true;
    this.#line.hidden = true;
    this.#rule = null;
    byId("alert-new").hidden = false;
    byId("alert-new").focus();
    this.#changed();
  }

  /** Puts the line where its limit lies now: the chart has been drawn anew. */
  place(): void {
    const subject = this.#subject();
    if (subject !== null && this.#soon !== null) {
      this.open(this.#soon.rule);
      return;
    }
    if (
      subject !== null &&
      this.#wanted !== null &&
      (subject.series !== this.#wanted.series || subject.target !== this.#wanted.target)
    ) {
      this.#wanted = null;
      this.close();
    }
    const { limit } = this;
    const top = limit === null ? null : this.#chart.topOf(limit);
    if (top !== null) this.#line.style.top = `${top}px`;
    if (limit !== null) this.#tellWould(limit);
  }

  /** A value as finely as the chart can show it, with no more digits than that takes. */
  #fine(value: number): number {
    const [low, high] = this.#chart.values;
    const step = 10 ** Math.floor(Math.log10((high - low) / FINE));
    const rounded = Math.round(value / step) * step;
    if (!Number.isFinite(rounded)) return value;
    for (let digits = 6; digits < 17; digits++) {
      const short = Number(rounded.toPrecision(digits));
      if (Math.abs(short - rounded) < step / 10) return short;
    }
    return rounded;
  }

  #moveTo(value: number): void {
    if (!Number.isFinite(value)) return;
    this.#limit.value = String(value);
    const now = this.#subject()?.now;
    if (!this.#sideChosen && now !== undefined && value !== now)
      this.#side.value = value > now ? "above" : "below";
    this.#show();
  }

  #key(event: KeyboardEvent): void {
    const [low, high] = this.#chart.values;
    const moves: Readonly<Record<string, number>> = {
      ArrowUp: SMALL,
      ArrowDown: -SMALL,
      PageUp: LARGE,
      PageDown: -LARGE,
    };
    const move = moves[event.key];
    if (move !== undefined) this.#moveTo(this.#fine((this.limit ?? low) + move * (high - low)));
    else if (event.key === "Enter") this.#form.requestSubmit();
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #show(): void {
    const subject = this.#subject();
    const { limit } = this;
    if (subject === null || limit === null) return;
    byId("alert-within-part").hidden = this.#kind.value === "reading";
    byId("alert-chance-part").hidden = this.#kind.value !== "forecast";
    if (!this.#nameChosen) {
      const own = subject.series.split(/[/:.]/).filter(Boolean).at(-1) ?? "alert";
      const name = `${own}-${this.#side.value}-${limit}`.replaceAll(/[^A-Za-z0-9._-]+/g, "-");
      this.#name.value = name.replace(/^[^A-Za-z0-9]+/, "").slice(0, 64);
    }
    this.#changed();
    this.place();
  }

  /** What the rule would have done in what is seen. */
  #tellWould(limit: number): void {
    const subject = this.#subject();
    if (subject === null) return;
    const side = this.#side.value as Side;
    let times = 0;
    let before = false;
    for (const value of subject.values) {
      if (value === null) continue;
      const beyond = side === "above" ? value > limit : value < limit;
      if (beyond && !before) times++;
      before = beyond;
    }
    const words = withUnit(shown(limit), subject.unit);
    const often = times === 0 ? "never" : times === 1 ? "once" : `${times} times`;
    setText(byId("alert-would"), `In what is shown readings went ${side} ${words} ${often}.`);
    this.#line.setAttribute("aria-valuenow", String(limit));
    const [low, high] = this.#chart.values;
    this.#line.setAttribute("aria-valuemin", String(low));
    this.#line.setAttribute("aria-valuemax", String(high));
    this.#line.setAttribute("aria-valuetext", `${side} ${words}`);
  }

  async #save(): Promise<void> {
    const { limit } = this;
    const wanted = this.#wanted;
    if (limit === null || wanted === null) return;
    const name = this.#name.value.trim();
    const kind = this.#kind.value as Kind;
    const within = JSON.parse(this.#within.value) as number | string;
    const span =
      typeof within === "number"
        ? `${Math.max(1, Math.round((within * (this.#subject()?.step ?? 1000)) / 1000))}s`
        : within;
    const when = {
      [kind]: this.#side.value,
      limit,
      ...(kind === "forecast" ? { within, probability: Number(this.#chance.value) } : {}),
      ...(kind === "reaches" ? { within: span } : {}),
    };
    const { from: _, ...kept } = this.#rule ?? { from: "http" };
    try {
      await put(`/v1/alerts/${encodeURIComponent(name)}`, { ...wanted, ...kept, name, when });
      setText(byId("alert-told"), `${name} is saved.`);
      this.close();
      this.#saved();
    } catch (error) {
      setText(byId("alert-error"), (error as Error).message);
    }
  }
}
