// The page: cards for every series, one series on the stage, all of it drawn from the documented protocol.
import { Chart, shown } from "./chart.js";
import { openConnection } from "./connection.js";
import { showSources } from "./sources.js";
import { Track } from "./track.js";

/** Cards at most; the filter reaches the others. */
const CARDS = 60;
const STAGE_POINTS = 240;
const CARD_POINTS = 80;

const $ = (id) => document.getElementById(id);
const tracks = new Map();
const cards = new Map();
let chosen = null;
let layoutStale = true;
let received = 0;
let offset = 0;

const query = matchMedia("(prefers-color-scheme: light)");
let colours = {};
const readColours = () => {
  const style = getComputedStyle(document.documentElement);
  colours = Object.fromEntries(
    ["line", "fan", "past", "quiet", "grid"].map((name) => [
      name,
      style.getPropertyValue(`--${name}`).trim(),
    ]),
  );
  for (const track of tracks.values()) track.changed = true;
};
query.addEventListener("change", readColours);
addEventListener("resize", readColours);
readColours();

const token = () => sessionStorage.getItem("eddy-token");
const stageChart = new Chart($("stage-chart"), { axes: true });

const percent = (share) => `${Number((100 * share).toFixed(1))} %`;
const skillText = (skill) => {
  if (skill === null) return "–";
  const text = skill.toFixed(2);
  return Number(text) > 0 ? `+${text}` : text.replace(/^-(0\.00)$/, "$1");
};
const setText = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

async function fetchJson(path) {
  const headers = token() ? { authorization: `Bearer ${token()}` } : {};
  const response = await fetch(path, { headers });
  return response.ok ? response.json() : null;
}

/** Readings the server still has from before this page was opened. */
async function fill(series, own) {
  const readings = await fetchJson(`/v1/series/${encodeURIComponent(series)}/observations`).catch(() => null);
  if (!Array.isArray(readings)) return;
  for (const track of own) {
    track.fill(
      readings.map(({ time, values }) => ({ time: Date.parse(time), value: values[track.target] ?? null })),
    );
  }
}

/** Series whose history has been asked for. */
const filled = new Set();
let filling = false;
/** Asks, one after the other, for the history of the series in view that lack some. */
async function fillShown() {
  if (filling) return;
  filling = true;
  for (const { series } of [...cards.keys()]) {
    const own = [...tracks.values()].filter((track) => track.series === series);
    if (filled.has(series) && !own.some(({ behind }) => behind)) continue;
    filled.add(series);
    await fill(series, own);
  }
  filling = false;
}
setInterval(fillShown, 1000);

function take(data) {
  received++;
  offset = Math.max(offset, data.offset);
  const { series, target } = data.forecast;
  const key = `${series}\u0000${target}`;
  let track = tracks.get(key);
  if (track === undefined) {
    track = new Track(series, target);
    tracks.set(key, track);
    layoutStale = true;
  }
  track.add(data);
}

/** Asks how the sources are doing. */
async function fillSources() {
  const sources = await fetchJson("/v1/sources").catch(() => null);
  if (!Array.isArray(sources)) return;
  $("sources").hidden = sources.length === 0;
  showSources($("source-list"), sources);
}
setInterval(fillSources, 5000);

/** `*` and `?` as in a subscription; a text without them is looked for anywhere. */
function filterOf(text) {
  if (text === "") return () => true;
  if (!/[*?]/.test(text)) return ({ name }) => name.toLowerCase().includes(text.toLowerCase());
  const source = text
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  const pattern = new RegExp(`^${source}$`, "i");
  return ({ series, name }) => pattern.test(series) || pattern.test(name);
}

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function makeCard(track) {
  const item = document.createElement("li");
  const button = element("button", "card");
  button.type = "button";
  const head = element("div", "card-head");
  const now = element("span", "card-now");
  const name = element("span", "card-name", track.name);
  name.title = track.name;
  head.append(name, now);
  const canvas = document.createElement("canvas");
  canvas.setAttribute("aria-hidden", "true");
  const foot = element("div", "card-foot");
  const skill = element("span", "");
  const held = element("span", "");
  foot.append(skill, held);
  button.append(head, canvas, foot);
  button.addEventListener("click", () => choose(track));
  item.append(button);
  return { item, button, now, skill, held, chart: new Chart(canvas, { axes: false }) };
}

function choose(track) {
  chosen = track;
  track.changed = true;
  for (const [each, { button }] of cards) button.setAttribute("aria-pressed", String(each === track));
  history.replaceState(null, "", `#${encodeURIComponent(track.name)}`);
}

/** Lays the cards anew, after a series came or the filter changed. */
function layOut() {
  layoutStale = false;
  const fits = filterOf($("filter").value.trim());
  const all = [...tracks.values()]
    .filter(fits)
    .sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  const wanted = all.slice(0, CARDS);
  for (const track of cards.keys()) if (!wanted.includes(track)) cards.delete(track);
  for (const track of wanted) if (!cards.has(track)) cards.set(track, makeCard(track));
  $("cards").replaceChildren(...wanted.map((track) => cards.get(track).item));
  $("tools").hidden = tracks.size < 2;
  $("empty").hidden = tracks.size > 0;
  setText($("shown"), all.length > CARDS ? `${CARDS} of ${all.length} shown` : "");
  const named = decodeURIComponent(location.hash.slice(1));
  if (chosen === null || (!wanted.includes(chosen) && wanted.length > 0)) {
    const first = wanted.find(({ name }) => name === named) ?? wanted[0];
    if (first !== undefined) choose(first);
  } else choose(chosen);
  fillShown();
}

function drawStage(track) {
  const { forecast, values } = track;
  const { coverage } = forecast;
  $("stage").hidden = false;
  const last = forecast.horizon.at(-1);
  setText($("stage-name"), track.name);
  setText(
    $("stage-model"),
    `model ${forecast.model}, ${forecast.horizon.length} steps ahead, issued ${clock(forecast.issuedAt)}`,
  );
  setText($("fact-now"), shown(values.at(-1) ?? Number.NaN));
  setText($("fact-ahead-name"), `in ${span(last.time - forecast.issuedAt)}`);
  setText($("fact-ahead"), shown(last.mean));
  setText($("fact-skill"), skillText(forecast.skill));
  $("fact-skill").className = forecast.skill === null ? "" : forecast.skill >= 0 ? "good" : "bad";
  setText($("fact-coverage-name"), `held, asked ${percent(forecast.level)}`);
  setText($("fact-coverage"), coverage === null ? "–" : percent(coverage));
  setText($("legend-band"), `${percent(forecast.level)} interval`);
  setText($("legend-past"), `interval forecast ${span(track.aheadSteps * track.stepTime)} before`);
  return stageChart.draw(track, colours, STAGE_POINTS);
}

const clock = (time) => `${new Date(time).toISOString().slice(0, 19).replace("T", " ")} UTC`;
const span = (milliseconds) => {
  const seconds = milliseconds / 1000;
  if (seconds < 120) return `${shown(seconds, seconds < 10 ? 0.1 : 1)} s`;
  return seconds < 7200 ? `${shown(seconds / 60, 1)} min` : `${shown(seconds / 3600, 0.1)} h`;
};

function drawCard(track, { now, skill, held, chart }) {
  const { forecast, values } = track;
  const { coverage } = forecast;
  setText(now, shown(values.at(-1) ?? Number.NaN));
  setText(skill, `skill ${skillText(forecast.skill)}`);
  setText(held, coverage === null ? "" : `held ${percent(coverage)}`);
  return chart.draw(track, colours, CARD_POINTS);
}

function frame() {
  if (layoutStale) layOut();
  if (chosen !== null && (chosen.changed || chosen.moving)) chosen.moving = drawStage(chosen);
  for (const [track, card] of cards) {
    if (track.changed || card.moving) card.moving = drawCard(track, card);
    track.changed = false;
  }
  requestAnimationFrame(frame);
}

setInterval(() => {
  setText($("count-series"), String(new Set([...tracks.values()].map(({ series }) => series)).size));
  setText($("count-rate"), String(received));
  setText($("count-offset"), offset.toLocaleString("en"));
  received = 0;
}, 1000);

$("filter").addEventListener("input", () => {
  layoutStale = true;
});
$("example").textContent =
  `curl ${location.origin}/v1/observations -H 'content-type: application/x-ndjson' \\\n` +
  `  -d '{ "series": "tank/level", "value": 3.5 }'`;

const connection = openConnection({
  token,
  onData: take,
  onReady: () => {
    $("token-form").hidden = true;
    // What came while the connection was lost is asked for as well.
    filled.clear();
    fillSources();
    layoutStale = true;
  },
  onState: (state, text) => {
    $("status").dataset.state = state;
    setText($("status"), text);
  },
  onUnauthorised: () => {
    $("token-form").hidden = false;
    $("token").focus();
  },
});
$("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("eddy-token", $("token").value);
  connection.connect();
});
connection.connect();
requestAnimationFrame(frame);
