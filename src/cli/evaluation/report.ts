import { REPORT_SCRIPT } from "./report-script.ts";
import { REPORT_STYLE } from "./report-style.ts";
import type { Head, ModelResult } from "./results.ts";
import type { Trace } from "./trace.ts";

/** JSON that may stand inside a script element: nothing in it can end the element or start a comment. */
const embedded = (value: unknown): string =>
  JSON.stringify(value)
    .replaceAll("<", "\\u003c")
    .replaceAll(">", "\\u003e")
    .replaceAll("\u2028", "\\u2028")
    .replaceAll("\u2029", "\\u2029");

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** What a page shows: the figures of every model, and the curves of one. */
export interface Report {
  readonly head: Head;
  readonly results: readonly ModelResult[];
  /** The model whose curves are drawn. */
  readonly shown: string;
  readonly curves: Trace["data"];
  /** Whether rows have times of their own. */
  readonly timed: boolean;
}

/**
 * One file that needs nothing else: figures in a table, forecast against truth, error by horizon, coverage, error and weights
 * over time. Names from the recording get into the page as text only.
 */
export function reportPage(report: Report): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Eddy: ${escaped(report.head.file)}</title>
<style>${REPORT_STYLE}</style>
</head>
<body>
<header><h1></h1><p id="protocol"></p></header>
<main>
<section><h2>Figures</h2><div class="scroll"><table id="figures"></table></div><p class="note">Errors in units of the training rows' deviation. Skill is 1 − mse / mse of the naive forecast: above 0 is better than it.</p></section>
<section><h2>Forecast against truth</h2><p class="controls"><label>target <select id="target"></select></label> <span id="steps" role="group" aria-label="steps ahead"></span></p><div id="forecast" class="chart tall"></div></section>
<section><h2>Error by horizon</h2><div id="horizon" class="chart"></div></section>
<section><h2>Error over time</h2><div id="error" class="chart"></div></section>
<section><h2>Coverage over time</h2><div id="coverage" class="chart"></div></section>
<section><h2>Weights over time</h2><div id="weights" class="chart"></div></section>
<section><h2>By target</h2><div class="scroll"><table id="targets"></table></div></section>
</main>
<script type="application/json" id="report">${embedded(report)}</script>
<script>${REPORT_SCRIPT}</script>
</body>
</html>
`;
}
