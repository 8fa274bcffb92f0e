// The page: all series at a glance, one of them in full, drawn from the documented protocol.
import "./page.css";
import type { ForecastMessage } from "../../client/index.ts";
import { AlertBook } from "./alert-book.ts";
import { Alerts } from "./alerts.ts";
import { Connection, type Wanted } from "./connection.ts";
import { byId, setText } from "./dom.ts";
import { openDrop } from "./drop.ts";
import { List } from "./list.ts";
import { fullName } from "./names.ts";
import { type Order, ordered } from "./order.ts";
import { keyOf, Overview, type Row } from "./overview.ts";
import { pipelines } from "./pipelines.ts";
import { PRESETS } from "./range.ts";
import { ask, serverNow, token } from "./server.ts";
import { sources } from "./sources.ts";
import { Stage } from "./stage.ts";
import { openTheme } from "./theme.ts";
import type { DrawingAnswer, Forecast } from "./wire.ts";

/** Messages a second for each target: of the one in full, and of each small picture. */
const STAGE_RATE = 10;
const CARD_RATE = 2;
/** Steps of a forecast that a small picture is drawn of. */
const CARD_STEPS = 8;
const CARD_POINTS = 80;
/** Small pictures whose readings are asked for at once. */
const FILLING = 4;
/** Milliseconds between two sortings of a list that sorts itself by what happens. */
const SORTED = 5_000;
/** A series is about as good as the best one with so much of its skill. */
const ABOUT_AS_GOOD = 0.7;
/** Milliseconds between two looks for small pictures that lack readings. */
const CAUGHT_UP = 4_000;
/** Milliseconds after which a page that nobody sees takes no more forecasts. */
const RESTS_AFTER = 30_000;
const ORDER_KEPT_AS = "eddy-order";

/** The id of the subscription of the series in full. */
const STAGE_ID = "stage";

let chosen: string | null = null;
/** What the address named, and has not come yet. */
let awaited: string | null = null;
let order: Order =
  (["trouble", "skill", "name"] as const).find((one) => one === localStorage.getItem(ORDER_KEPT_AS)) ??
  "name";
let sortedAt = Number.NEGATIVE_INFINITY;
let received = 0;
/** Whether the first series has been chosen: the page opens on one by itself only once. */
let opened = false;

const search = byId<HTMLInputElement>("filter");
const book = new AlertBook(() => {
  alerts.show(book);
  stage.showAlerts();
  writeTitle();
});
const stage = new Stage(book, () => writeAddress());
const list = new List(
  (key) => choose(key, { remember: true }),
  () => sighted(),
);
const overview = new Overview((cameOrWent, read) => {
  setText(
    byId("count-series"),
    new Set([...overview.rows.values()].map(({ series }) => series)).size.toLocaleString("en"),
  );
  byId("empty").hidden = overview.rows.size > 0;
  byId("tools").hidden = overview.rows.size < 2;
  if (cameOrWent || (order !== "name" && performance.now() - sortedAt > SORTED)) sort();
  for (const card of list.cards.values()) {
    card.track.changed = true;
    // Its readings were asked for before there were any.
    if (card.row.step !== null && card.track.times.length === 0) filled.delete(card);
  }
  fill();
  openFirst();
  if (read === 0) return;
  for (const watch of [book, sources, pipelines]) watch.stir();
  // What an alert is about may have had no row before.
  if (cameOrWent) alerts.show(book);
});

const alerts = new Alerts(
  overview.rows,
  (key) => choose(key, { remember: true }),
  () => {
    if (order === "trouble") sort();
  },
);

function sort(): void {
  sortedAt = performance.now();
  const entries = ordered(overview.rows.values(), order, search.value, serverNow());
  const found = entries.filter(({ kind }) => kind === "row").length;
  list.show(entries);
  list.choose(chosen);
  const all = overview.rows.size;
  setText(
    byId("found"),
    search.value.trim() === "" ? "" : `${found.toLocaleString("en")} of ${all.toLocaleString("en")}`,
  );
  byId("nothing").hidden = found > 0 || all === 0;
}

/** Opens on what the address names, or else on what is forecast best: it shows what forecasts can be. */
function openFirst(): void {
  if (awaited !== null) {
    if (!overview.rows.has(awaited)) {
      setText(
        byId("missing"),
        `There is no series ${awaited.split("\u0000")[0]} yet. It will be shown once it has been observed.`,
      );
      byId("missing").hidden = false;
      return;
    }
    const key = awaited;
    awaited = null;
    byId("missing").hidden = true;
    opened = true;
    choose(key, { range: rangeOf() });
    list.choose(key, true);
    return;
  }
  if (opened || overview.rows.size === 0) return;
  opened = true;
  const rows = [...overview.rows.values()];
  const best = rows.reduce((most, { skill }) => Math.max(most, skill ?? 0), 0);
  // The first by name of those that are about as good: which one is the very best changes from moment to moment.
  const good = rows.filter(({ skill }) => best === 0 || (skill ?? 0) >= ABOUT_AS_GOOD * best);
  const [first] = ordered(good, "name", "", 0).flatMap((entry) => (entry.kind === "row" ? [entry.row] : []));
  if (first !== undefined) choose(first.key);
  list.choose(chosen, true);
}

/** `remember`: whoever goes back in the browser comes to what was seen before. */
function choose(
  key: string | null,
  { range, remember = false }: { range?: string; remember?: boolean } = {},
): void {
  if (key !== null && !overview.rows.has(key)) {
    awaited = key;
    overview.refresh();
    return;
  }
  const before = chosen;
  chosen = key;
  document.body.dataset.view = key === null ? "all" : "one";
  byId("stage").hidden = key === null;
  list.choose(key);
  if (key === null) stage.close();
  else if (key !== before || range !== undefined) {
    const row = overview.rows.get(key) as Row;
    stage.open(
      row,
      PRESETS.find((kind) => kind === range),
    );
    byId("detail").scrollTop = 0;
  }
  writeTitle();
  writeAddress(remember && key !== before);
  sighted();
}

/** The title names what is seen, and tells of alerts whoever looks at something else. */
function writeTitle(): void {
  const row = chosen === null ? undefined : overview.rows.get(chosen);
  const { firing } = alerts;
  document.title = [
    firing === 0 ? "" : firing === 1 ? "1 alert" : `${firing} alerts`,
    row === undefined ? "" : fullName(row.series, row.target),
    "Eddy",
  ]
    .filter((part) => part !== "")
    .join(" · ");
}

/** The address names what is seen, so that it can be sent to somebody. */
function writeAddress(remember = false): void {
  const row = chosen === null ? undefined : overview.rows.get(chosen);
  const words = new URLSearchParams();
  if (row !== undefined) {
    words.set("series", row.series);
    if (row.target !== "value") words.set("target", row.target);
    if (stage.rangeKind !== "latest" && stage.rangeKind !== "fixed") words.set("range", stage.rangeKind);
  }
  const address = words.toString();
  if (location.hash.slice(1) === address) return;
  const whole = address === "" ? location.pathname : `#${address}`;
  if (remember) history.pushState(null, "", whole);
  else history.replaceState(null, "", whole);
}

const rangeOf = (): string => new URLSearchParams(location.hash.slice(1)).get("range") ?? "latest";

function readAddress(): void {
  const words = new URLSearchParams(location.hash.slice(1));
  const series = words.get("series");
  if (series === null) {
    if (opened) choose(null);
    return;
  }
  const key = keyOf(series, words.get("target") ?? "value");
  // The first target of a series that has no target `value`.
  const known = overview.rows.has(key) || words.has("target");
  const row = known ? undefined : [...overview.rows.values()].find((one) => one.series === series);
  awaited = row?.key ?? key;
  openFirst();
}

/** Cards whose readings have been asked for. */
const filled = new WeakSet<object>();
/** The last forecast of what is subscribed to for small pictures: a card that comes into sight again is not told it again. */
const lastForecasts = new Map<string, Forecast>();
/** Nobody has seen the page for long: nothing but alerts is subscribed to. */
let resting = false;
let filling = 0;
let subscribing = 0;

/** Subscribes to what is in sight, and asks for the readings of small pictures that have none yet. */
function sighted(): void {
  for (const [key, { track }] of list.cards) {
    const known = lastForecasts.get(key);
    if (known !== undefined && track.forecast === null) track.add(known);
  }
  fill();
  clearTimeout(subscribing);
  subscribing = setTimeout(() => {
    if (resting) return;
    const wanted = new Map<string, Wanted>();
    const row = chosen === null ? undefined : overview.rows.get(chosen);
    if (row !== undefined) wanted.set(STAGE_ID, { series: row.series, maxRate: STAGE_RATE });
    for (const { row } of list.cards.values()) {
      const every = Math.max(1, Math.ceil(row.horizon / CARD_STEPS));
      const horizons = Array.from({ length: row.horizon }, (_, i) => i + 1).filter(
        (h) => h === 1 || h === row.horizon || h % every === 0,
      );
      wanted.set(`card ${row.series}`, { series: row.series, maxRate: CARD_RATE, horizons });
    }
    connection.want(wanted);
    const seen = new Set([...list.cards.values()].map(({ row }) => row.series));
    for (const [key, { series }] of lastForecasts) if (!seen.has(series)) lastForecasts.delete(key);
  }, 150);
}

function fill(): void {
  for (const card of list.cards.values()) {
    if (filling >= FILLING) return;
    if (filled.has(card)) continue;
    filled.add(card);
    filling++;
    const { series, target } = card.row;
    ask<DrawingAnswer>("/v1/drawing", { series, target, points: CARD_POINTS, lead: 1 })
      .then((past) => card.track.fill(past))
      .catch(() => filled.delete(card))
      .finally(() => {
        filling--;
        fill();
      });
  }
}

function take({ forecast }: ForecastMessage, id: string): void {
  received++;
  overview.stir();
  const key = keyOf(forecast.series, forecast.target);
  if (id === STAGE_ID) {
    if (key === chosen) stage.take(forecast);
    return;
  }
  lastForecasts.set(key, forecast);
  const card = list.cards.get(key);
  if (card === undefined) return;
  card.track.add(forecast);
  const { row } = card;
  const { observed, skill, coverage, level } = forecast;
  Object.assign(row, {
    value: observed.value,
    surprise: observed.surprise,
    taken: observed.taken,
    skill,
    coverage,
    level,
    time: Date.parse(forecast.issuedAt),
  });
}

const connection = new Connection({
  data: take,
  alert: (message) => book.take(message),
  alertsMissed: () => book.missed(),
  ready: () => {
    byId("token-form").hidden = true;
    // What came while the connection was lost is asked for as well.
    catchUp();
  },
  state: (state, text) => {
    byId("status").dataset.state = state;
    setText(byId("status"), text);
  },
  unauthorised: () => {
    byId("token-form").hidden = false;
    byId("token").focus();
  },
});

/** Everything is asked for anew: the connection was lost, or nobody has looked for long. */
function catchUp(): void {
  for (const watch of [overview, book]) watch.refresh();
  for (const watch of [sources, pipelines]) watch.now();
  for (const card of list.cards.values()) filled.delete(card);
  fill();
  stage.refresh();
}

let unseen = 0;
document.addEventListener("visibilitychange", () => {
  clearTimeout(unseen);
  if (document.hidden) {
    unseen = setTimeout(() => {
      resting = true;
      lastForecasts.clear();
      connection.want(new Map());
    }, RESTS_AFTER);
  } else if (resting) {
    resting = false;
    catchUp();
    sighted();
  }
});

function frame(at: number): void {
  stage.frame(at);
  list.frame(at, serverNow());
  requestAnimationFrame(frame);
}

setInterval(() => {
  setText(byId("count-rate"), received.toLocaleString("en"));
  const { dataset } = document.body;
  dataset.bytes = String(connection.takeBytes());
  received = 0;
}, 1000);

setInterval(() => {
  for (const card of list.cards.values()) if (card.track.behind) filled.delete(card);
  fill();
}, CAUGHT_UP);

search.addEventListener("input", sort);
for (const name of ["trouble", "skill", "name"] as const) {
  const button = byId(`order-${name}`);
  const press = (): void => {
    for (const other of ["trouble", "skill", "name"] as const)
      byId(`order-${other}`).setAttribute("aria-pressed", String(other === order));
  };
  button.addEventListener("click", () => {
    order = name;
    localStorage.setItem(ORDER_KEPT_AS, name);
    press();
    sort();
    byId("list").scrollTop = 0;
  });
  press();
}
byId("back").addEventListener("click", () => {
  const key = chosen;
  choose(null, { remember: true });
  list.choose(key, true);
  list.focus();
});
byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("eddy-token", byId<HTMLInputElement>("token").value);
  connection.connect();
});

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId<HTMLDialogElement>("file").open) return;
  const { key, target } = event;
  const typing = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
  if (key === "/" && !typing) {
    event.preventDefault();
    search.focus();
    search.select();
    return;
  }
  if (key === "Escape") {
    if (target === search && search.value !== "") {
      search.value = "";
      sort();
    } else if (typing) (target as HTMLElement).blur();
    else if (chosen !== null) byId("back").click();
    return;
  }
  if (target === search && (key === "ArrowDown" || key === "Enter")) {
    event.preventDefault();
    const first = list.neighbour(0, 0);
    if (first !== null) goTo(first, key === "Enter");
    list.focus();
    return;
  }
  const moves: Readonly<Record<string, readonly [number, number]>> = {
    ArrowDown: [0, 1],
    ArrowUp: [0, -1],
    ArrowRight: [1, 0],
    ArrowLeft: [-1, 0],
  };
  const move = moves[key];
  if (typing || move === undefined) return;
  event.preventDefault();
  const next = list.neighbour(...move);
  if (next !== null) goTo(next, chosen !== null);
});

/** Goes to a series in the list: in full when one is shown so, otherwise only to its card. */
function goTo(key: string, full: boolean): void {
  if (full) choose(key);
  list.choose(key, true);
  list.focus();
}

byId("example").textContent =
  `curl ${location.origin}/v1/observations -H 'content-type: application/x-ndjson' \\\n` +
  `  -d '{ "series": "tank/level", "value": 3.5 }'`;

openTheme();
openDrop((key) => {
  choose(key, { remember: true });
});
addEventListener("hashchange", readAddress);
readAddress();
if (token() !== null) byId<HTMLInputElement>("token").value = "";
connection.connect();
overview.refresh();
book.refresh();
requestAnimationFrame(frame);
