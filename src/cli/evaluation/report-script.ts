/** The script of a report: plain SVG, names as text nodes only, nothing loaded. */
export const REPORT_SCRIPT = String.raw`
"use strict";
const { head, results, shown, curves, timed } = JSON.parse(document.getElementById("report").textContent);
const $ = (id) => document.getElementById(id);
const make = (tag, attributes = {}, ...children) => {
  const svg = ["svg", "g", "path", "line", "text", "rect", "circle"].includes(tag);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};
const colour = (i) => "var(--c" + (i % 10) + ")";
const fixed = (value, places) => (value === null || value === undefined ? "–" : value.toFixed(places));
const percent = (value) => (value === null || value === undefined ? "–" : (100 * value).toFixed(1) + "%");
const short = (value) => {
  const size = Math.abs(value);
  if (value !== 0 && (size >= 1e6 || size < 1e-3)) return value.toExponential(1);
  return String(Number(value.toPrecision(4)));
};
const span = curves.times.length > 1 ? curves.times[curves.times.length - 1] - curves.times[0] : 0;
const moment = (i) => {
  if (!timed) return "row " + curves.rows[i];
  const iso = new Date(curves.times[i]).toISOString();
  return span > 40 * 864e5 ? iso.slice(0, 10) : iso.slice(5, 16).replace("T", " ");
};

/** About n round values from low to high. */
function ticks(low, high, n) {
  const raw = (high - low) / n || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
  const out = [];
  for (let i = Math.ceil(low / step); i * step <= high + step * 1e-9; i++) out.push(i * step);
  return out;
}

/** Draws lines (and bands) over a common x; lines are { name, values, colour, band?, dashed? }. */
function chart(host, { lines, label, low, high, format = short, asked }) {
  host.replaceChildren();
  const all = lines.flatMap((line) => [...line.values, ...(line.band ? [...line.band[0], ...line.band[1]] : [])]).filter((v) => v !== null);
  if (all.length === 0) { host.append(make("p", { class: "empty" }, "nothing to draw")); return; }
  const n = Math.max(...lines.map((line) => line.values.length));
  const width = Math.max(320, host.clientWidth), height = host.clientHeight;
  let y0 = low ?? Math.min(...all), y1 = high ?? Math.max(...all);
  if (y1 === y0) { y0 -= 1; y1 += 1; }
  const pad = low === undefined ? 0.05 * (y1 - y0) : 0;
  y0 -= pad; if (high === undefined) y1 += 0.05 * (y1 - y0);
  const left = 56, right = 12, top = 8, bottom = 26;
  const x = (i) => left + (n > 1 ? i / (n - 1) : 0.5) * (width - left - right);
  const y = (v) => top + (1 - (v - y0) / (y1 - y0)) * (height - top - bottom);
  const svg = make("svg", { viewBox: "0 0 " + width + " " + height, preserveAspectRatio: "none", role: "img" });
  for (const v of ticks(y0, y1, 5)) {
    svg.append(make("line", { class: "grid", x1: left, x2: width - right, y1: y(v), y2: y(v) }));
    svg.append(make("text", { x: left - 8, y: y(v) + 4, "text-anchor": "end" }, format(v)));
  }
  const marks = Math.min(n, Math.max(2, Math.floor(width / 160)));
  const used = new Set();
  for (let m = 0; m < marks; m++) {
    const i = marks > 1 ? Math.round((m * (n - 1)) / (marks - 1)) : 0;
    if (used.has(i)) continue;
    used.add(i);
    svg.append(make("text", { x: x(i), y: height - 6, "text-anchor": m === 0 && n > 1 ? "start" : m === marks - 1 && n > 1 ? "end" : "middle" }, label(i)));
  }
  if (asked !== undefined) svg.append(make("line", { class: "asked", x1: left, x2: width - right, y1: y(asked), y2: y(asked) }));
  const path = (values) => {
    let d = "", pen = false;
    values.forEach((v, i) => {
      if (v === null) { pen = false; return; }
      d += (pen ? "L" : "M") + x(i).toFixed(1) + " " + y(v).toFixed(1);
      pen = true;
    });
    return d;
  };
  /* Every stretch without a gap is an area of its own. */
  const area = (lower, upper) => {
    let d = "";
    for (let i = 0; i < n; ) {
      if (lower[i] === null || upper[i] === null) { i++; continue; }
      let j = i;
      while (j < n && lower[j] !== null && upper[j] !== null && lower[j] !== undefined) j++;
      for (let k = i; k < j; k++) d += (k === i ? "M" : "L") + x(k).toFixed(1) + " " + y(upper[k]).toFixed(1);
      for (let k = j - 1; k >= i; k--) d += "L" + x(k).toFixed(1) + " " + y(lower[k]).toFixed(1);
      d += "Z";
      i = Math.max(j, i + 1);
    }
    return d;
  };
  for (const line of lines) if (line.band) svg.append(make("path", { d: area(line.band[0], line.band[1]), style: "fill:var(--band)" }));
  for (const line of lines) {
    svg.append(make("path", { d: path(line.values), style: "fill:none;stroke:" + line.colour, "stroke-width": 1.6, "stroke-linejoin": "round", ...(line.dashed ? { "stroke-dasharray": "5 4" } : {}) }));
    if (n === 1 && line.values[0] !== null) svg.append(make("circle", { cx: x(0), cy: y(line.values[0]), r: 3, style: "fill:" + line.colour }));
  }
  const cursor = make("line", { class: "grid", y1: top, y2: height - bottom, x1: -9, x2: -9 });
  const tip = make("div", { class: "tip", hidden: "" });
  svg.append(cursor);
  host.append(svg, tip);
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * width;
    const i = Math.max(0, Math.min(n - 1, Math.round(((at - left) / (width - left - right)) * (n - 1))));
    cursor.setAttribute("x1", x(i)); cursor.setAttribute("x2", x(i));
    const said = lines.map((line) => line.name + "  " + (line.values[i] === null || line.values[i] === undefined ? "–" : format(line.values[i])) + (line.band && line.band[0][i] !== null ? "  [" + format(line.band[0][i]) + ", " + format(line.band[1][i]) + "]" : ""));
    tip.textContent = [label(i), ...said].join("\n");
    tip.hidden = false;
    const offset = (x(i) / width) * box.width;
    tip.style.left = Math.min(offset + 12, box.width - tip.offsetWidth - 4) + "px";
    tip.style.top = "8px";
  });
  svg.addEventListener("pointerleave", () => { tip.hidden = true; cursor.setAttribute("x1", -9); cursor.setAttribute("x2", -9); });
  const legend = make("div", { class: "legend" });
  for (const line of lines) legend.append(make("span", {}, make("i", { style: "background:" + line.colour }), line.name));
  if (host.nextElementSibling && host.nextElementSibling.className === "legend") host.nextElementSibling.remove();
  host.after(legend);
}

function table(host, heading, rows, best = {}) {
  host.replaceChildren(make("tr", {}, ...heading.map((name) => make("th", {}, name))));
  rows.forEach((cells, r) => host.append(make("tr", {}, ...cells.map((cell, c) => make("td", best[c] === r ? { class: "best" } : {}, cell)))));
}
const least = (values) => values.reduce((b, v, i) => (v !== null && (b < 0 || v < values[b]) ? i : b), -1);

document.querySelector("h1").textContent = head.file;
$("protocol").textContent = head.rows + " rows · scaled by the first " + head.train + " · scored rows " + head.test[0] + " to " + (head.test[1] - 1) + " · horizon " + head.horizon + " · " + head.targets.length + (head.targets.length === 1 ? " target" : " targets") + " · curves: " + shown;
table($("figures"), ["model", "mse", "mae", "skill", "vs seasonal", "coverage", "by quarter", "interval score", "rows/s"],
  results.map((r) => [r.model, fixed(r.mse, 4), fixed(r.mae, 4), fixed(r.skill, 3), fixed(r.skillSeasonal, 3), percent(r.coverage), r.coverageQuarters.map((q) => q === null ? "–" : (100 * q).toFixed(1)).join(" "), fixed(r.intervalScore, 3), r.rowsPerSecond.toFixed(0)]),
  results.length > 1 ? { 1: least(results.map((r) => r.mse)), 2: least(results.map((r) => r.mae)), 7: least(results.map((r) => r.intervalScore)) } : {});
const one = results.find((r) => r.model === shown);
table($("targets"), ["target", "mse", "mae", "mae, own units", "skill", "vs seasonal", "coverage", "interval score"],
  one.targets.map((t) => [t.target, fixed(t.mse, 4), fixed(t.mae, 4), t.ownMae === null ? "–" : short(t.ownMae), fixed(t.skill, 3), fixed(t.skillSeasonal, 3), percent(t.coverage), fixed(t.intervalScore, 3)]));

head.targets.forEach((target, d) => $("target").append(make("option", { value: d }, target)));
let chosen = curves.curves.length - 1;
curves.curves.forEach(({ step }, s) => {
  const button = make("button", { type: "button" }, step === 1 ? "1 step" : step + " steps");
  button.addEventListener("click", () => { chosen = s; draw(); });
  $("steps").append(button);
});
$("target").addEventListener("change", draw);

function draw() {
  [...$("steps").children].forEach((button, s) => button.setAttribute("aria-pressed", String(s === chosen)));
  const { step, targets } = curves.curves[chosen];
  const t = targets[Number($("target").value) || 0];
  chart($("forecast"), {
    label: (i) => moment(i),
    lines: [
      { name: "forecast, " + step + (step === 1 ? " step" : " steps") + " ahead, with its " + Math.round(100 * head.coverageAsked) + "% interval", values: t.mean, colour: colour(0), band: [t.lower, t.upper] },
      { name: "truth", values: t.label, colour: colour(1) },
    ],
  });
  const naive = one.steps.map((s) => s.msePersistence);
  const seasonal = one.steps.map((s) => s.mseSeasonalNaive);
  chart($("horizon"), {
    label: (i) => String(i + 1), low: 0,
    lines: [
      ...results.filter((r) => r.model !== "persistence").map((r, m) => ({ name: r.model, values: r.steps.map((s) => s.mse), colour: colour(m) })),
      { name: "persistence", values: naive, colour: "var(--quiet)", dashed: true },
      ...(seasonal.some((v) => v !== null) ? [{ name: "seasonal naive (" + head.season + ")", values: seasonal, colour: colour(4), dashed: true }] : []),
    ],
  });
  const first = head.test[0] - 1, last = head.test[1] - head.horizon - 1;
  const bins = curves.coverage.length;
  const rowOf = (i) => "row " + Math.round(first + ((i + 0.5) / bins) * (last - first));
  chart($("error"), { label: rowOf, low: 0, lines: [
    { name: shown, values: curves.error, colour: colour(0) },
    { name: "persistence", values: curves.errorPersistence, colour: "var(--quiet)", dashed: true } ] });
  const covered = curves.coverage.filter((v) => v !== null);
  chart($("coverage"), { label: rowOf, low: Math.max(0, Math.min(head.coverageAsked - 0.1, ...covered)), high: 1, format: (v) => (100 * v).toFixed(v % 1 && Math.abs(100 * v - Math.round(100 * v)) > 0.05 ? 1 : 0) + "%", asked: head.coverageAsked,
    lines: [{ name: "share of labels inside their interval; dashed: asked for", values: curves.coverage, colour: colour(2) }] });
  drawWeights();
}

/** The heaviest experts each by itself, the others together; weights of a regression may be below 0. */
function drawWeights() {
  const most = 8;
  const of = (e) => curves.weights.map(({ weights }) => weights[e]);
  const heaviness = (e) => of(e).reduce((sum, w) => sum + Math.abs(w), 0);
  const order = curves.experts.map((_, e) => e).sort((a, b) => heaviness(b) - heaviness(a));
  const rest = order.slice(most);
  const lines = order.slice(0, most).map((e, i) => ({ name: curves.experts[e], values: of(e), colour: colour(i) }));
  if (rest.length > 0) {
    const values = curves.weights.map(({ weights }) => rest.reduce((sum, e) => sum + weights[e], 0));
    lines.push({ name: rest.length + " others together", values, colour: "var(--quiet)", dashed: true });
  }
  chart($("weights"), { label: (i) => "row " + curves.weights[i].row, format: (v) => Math.round(100 * v) + "%", lines });
}
draw();
let resized;
addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(draw, 100); });
`;
