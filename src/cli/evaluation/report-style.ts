/** The style of a report; it follows the reader's choice of light or dark. */
export const REPORT_STYLE = `
:root { color-scheme: light dark; --ground: #fbfbfa; --panel: #fff; --ink: #1c2026; --quiet: #667080; --line: #e3e6ea;
  --c0: #2563c9; --c1: #d1622b; --c2: #2b8a5b; --c3: #8a4fbf; --c4: #b08900; --c5: #c23d6b; --c6: #2b94a8; --c7: #7a6a58; --c8: #5d77d6; --c9: #8fa33a; --band: #2563c92b; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171b; --panel: #1b1f25; --ink: #e6e9ee; --quiet: #98a2b1; --line: #2c323a;
  --c0: #6ea8fe; --c1: #f0985f; --c2: #5fc492; --c3: #c08df0; --c4: #e0bd4a; --c5: #f07f9f; --c6: #62c6d8; --c7: #b5a48e; --c8: #9db0f5; --c9: #bdd06a; --band: #6ea8fe33; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
header, main { max-width: 1080px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 28px; }
h1 { margin: 0; font-size: 22px; overflow-wrap: anywhere; }
h2 { margin: 0 0 10px; font-size: 16px; }
#protocol { margin: 4px 0 0; color: var(--quiet); }
section { margin: 20px 0; padding: 16px 18px; background: var(--panel); border: 1px solid var(--line); border-radius: 10px; }
.note { margin: 8px 0 0; color: var(--quiet); font-size: 13px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { padding: 5px 10px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--quiet); font-weight: 500; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
tr:last-child td { border-bottom: 0; }
.best { font-weight: 650; }
.controls { display: flex; flex-wrap: wrap; gap: 14px; align-items: center; margin: 0 0 10px; color: var(--quiet); font-size: 14px; }
select, button { font: inherit; color: var(--ink); background: var(--ground); border: 1px solid var(--line); border-radius: 6px; padding: 3px 10px; }
button { cursor: pointer; margin-right: 4px; }
button[aria-pressed="true"] { background: var(--c0); border-color: var(--c0); color: var(--panel); }
.chart { position: relative; height: 240px; }
.chart.tall { height: 330px; }
.chart svg { display: block; width: 100%; height: 100%; }
.chart text { fill: var(--quiet); font-size: 12px; }
.grid { stroke: var(--line); stroke-width: 1; }
.asked { stroke: var(--quiet); stroke-width: 1; stroke-dasharray: 5 4; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin-top: 6px; color: var(--quiet); font-size: 13px; }
.legend i { display: inline-block; width: 14px; height: 3px; margin-right: 6px; vertical-align: middle; border-radius: 2px; }
.tip { position: absolute; pointer-events: none; padding: 5px 9px; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; font-size: 12px; white-space: pre; box-shadow: 0 2px 8px #0002; font-variant-numeric: tabular-nums; }
.empty { color: var(--quiet); }
`;
