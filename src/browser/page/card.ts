import { Chart } from "../chart/chart.ts";
import { shown } from "../chart/numbers.ts";
import { make, setText, setTitle } from "./dom.ts";
import { fullName, NO_GROUP } from "./names.ts";
import { type Row, troubles } from "./overview.ts";
import { Track } from "./track.ts";
import { momentWords, readingsWords, shareWords, shortSkill, skillWords, withUnit } from "./words.ts";

/** One series at a glance: name, last reading, a small picture, how its forecasts do. */
export class Card {
  readonly item = make("li", "card");
  readonly button = make("button", "card-button");
  readonly track = new Track();
  readonly row: Row;
  readonly #group = make("span", "card-group");
  readonly #name = make("span", "card-name");
  readonly #now = make("span", "card-now");
  readonly #left = make("span", "card-skill");
  readonly #right = make("span", "card-held");
  readonly #chart: Chart;
  /** When it was last drawn, milliseconds of the page. */
  drawnAt = Number.NEGATIVE_INFINITY;

  constructor(row: Row) {
    this.row = row;
    this.button.type = "button";
    const picture = make("div", "card-picture");
    picture.setAttribute("aria-hidden", "true");
    for (const name of [this.#group, this.#name]) name.dir = "auto";
    const names = make("span", "card-names", "", this.#group, this.#name);
    this.button.append(
      make("span", "card-head", "", names, this.#now),
      picture,
      make("span", "card-foot", "", this.#left, this.#right),
    );
    this.item.append(this.button);
    this.#chart = new Chart(picture, { x: "time", xWords: String, small: true });
    setTitle(this.button, fullName(row.series, row.target));
  }

  /** Names it: what its group is called is told beside it where it does not stand under that. */
  name(own: string, group: string): void {
    setText(this.#name, own);
    setText(this.#group, group === NO_GROUP ? "" : group);
    this.#group.hidden = group === NO_GROUP;
  }

  draw(now: number, at: number): void {
    const { row, track } = this;
    this.drawnAt = at;
    track.changed = false;
    if (track.times.length > 0) this.#chart.draw(track.drawing);
    const { unit } = row;
    setText(this.#now, row.value === null ? "–" : withUnit(shown(row.value), unit));
    const [trouble] =
      row.step === null && track.forecast === null ? [{ words: "no forecast yet" }] : troubles(row, now);
    setText(this.#left, trouble === undefined ? shortSkill(row.skill) : trouble.words);
    this.#left.dataset.kind =
      trouble !== undefined && row.step !== null
        ? "trouble"
        : row.skill !== null && row.skill > 0
          ? "good"
          : "plain";
    setText(
      this.#right,
      trouble !== undefined || row.coverage === null ? "" : `${shareWords(row.coverage)} inside`,
    );
    setTitle(
      this.button,
      [
        fullName(row.series, row.target),
        row.time === null ? "" : `last reading ${momentWords(row.time, row.step ?? 0)}`,
        skillWords(row.skill),
        row.coverage === null || row.level === null
          ? ""
          : `${readingsWords(row.coverage)} fell inside the expected range, ${shareWords(row.level)} are promised`,
      ]
        .filter((line) => line !== "")
        .join("\n"),
    );
  }

  destroy(): void {
    this.#chart.destroy();
    this.item.remove();
  }
}
