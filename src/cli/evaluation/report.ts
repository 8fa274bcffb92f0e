import { readBrowserFiles } from "../../server/browser-files.ts";
import type { Report } from "./report-data.ts";

/** JSON that may stand inside a script element: nothing in it can end the element or start a comment. */
const embedded = (value: unknown): string =>
  JSON.stringify(value)
    .replaceAll("<", "\\u003c")
    .replaceAll(">", "\\u003e")
    .replaceAll("\u2028", "\\u2028")
    .replaceAll("\u2029", "\\u2029");

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** A file of the report that stands within it; what would end its element does not occur in it. */
function part(name: string, end: RegExp): string {
  const content = readBrowserFiles().get(name)?.toString("utf8");
  if (content === undefined) throw new Error(`${name}: not among the files of the report`);
  return content.replaceAll(end, (match) => `<\\${match.slice(1)}`);
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
<style>${part("report.css", /<\/style/gi)}</style>
</head>
<body>
<header><h1></h1><p id="protocol"></p></header>
<main>
<section><h2>Figures</h2><div class="scroll"><table id="figures"></table></div><p class="note">Errors in units of the training rows' deviation. Skill is 1 − mse / mse of the naive forecast: above 0 is better than it.</p></section>
<section><h2>Forecast against truth</h2><p class="controls"><label>target <select id="target"></select></label> <span id="steps" role="group" aria-label="steps ahead"></span> <span>drag to look closer, double click to go back</span></p><div id="forecast" class="chart tall"></div></section>
<section><h2>Error by horizon</h2><div id="horizon" class="chart"></div></section>
<section><h2>Error over time</h2><div id="error" class="chart"></div></section>
<section><h2>Coverage over time</h2><div id="coverage" class="chart"></div></section>
<section><h2>Weights over time</h2><div id="weights" class="chart"></div></section>
<section><h2>By target</h2><div class="scroll"><table id="targets"></table></div></section>
</main>
<script type="application/json" id="report">${embedded(report)}</script>
<script>${part("report.js", /<(\/script|!--)/gi)}</script>
</body>
</html>
`;
}
