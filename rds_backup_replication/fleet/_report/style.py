"""The style sheet of the report's page.

A module, because zip imports and programs that freeze Python code, such as PyInstaller, collect
modules without further configuration, but not data files.
"""

STYLE = r"""
:root {
  color-scheme: light dark;
  --page: #f7f7f5; --card: #fff; --ink: #1d2227; --quiet: #59636d; --line: #dfe2e4; --link: #1f5fa8;
  --protected: #2b7a4b; --starting: #2a69ac; --lagging: #8f5c00; --stopped: #b0470f;
  --unprotected: #b3261e; --unknown: #6d4ca3; --excluded: #626c76; --unmatched: #626c76;
  --at_risk: #a81f63; --drifted: #0f6f78; --ignored: #626c76;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --card: #1c2024; --ink: #e4e7ea; --quiet: #9da7b1; --line: #343a40;
    --link: #8bbcf2; --protected: #69bd8a; --starting: #7fb4ea; --lagging: #dcab4e;
    --stopped: #ee9163; --unprotected: #f28b82; --unknown: #bda6ea; --excluded: #97a1ab;
    --unmatched: #97a1ab; --at_risk: #f08cb8; --drifted: #5cc0c9; --ignored: #97a1ab;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body {
  margin: 0 auto; max-width: 1280px; padding: 2rem 1.25rem; background: var(--page);
  color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; letter-spacing: -0.01em; }
h2 { margin: 2.75rem 0 0.75rem; font-size: 1.2rem; line-height: 1.3; }
h3 { margin: 0; font-size: 1rem; }
p { margin: 0; }
ul { margin: 0; padding: 0; list-style: none; }
.quiet { color: var(--quiet); font-size: 0.867rem; font-weight: 400; }
.visually-hidden {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
}
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }

/* A state has a word, a sign and a color. */
.state { white-space: nowrap; font-weight: 600; font-size: 0.867rem; color: var(--c); }
.state::before, .outcome::before {
  content: var(--sign); content: var(--sign) / ""; margin-right: 0.35em;
}
.protected { --c: var(--protected); --sign: "✓"; }
.starting { --c: var(--starting); --sign: "…"; }
.lagging { --c: var(--lagging); --sign: "!"; }
.drifted { --c: var(--drifted); --sign: "≠"; }
.at_risk { --c: var(--at_risk); --sign: "▲"; }
.stopped { --c: var(--stopped); --sign: "■"; }
.unprotected { --c: var(--unprotected); --sign: "✕"; }
.unknown, .unlisted { --c: var(--unknown); --sign: "?"; }
.excluded { --c: var(--excluded); --sign: "–"; }
.ignored { --c: var(--ignored); --sign: "◇"; }
.unmatched { --c: var(--unmatched); --sign: "○"; }
.used { --c: var(--starting); }
.full { --c: var(--unprotected); }
.accepted { --c: var(--excluded); }
rect, path { fill: var(--c); }
svg { display: block; width: 100%; height: 14px; overflow: visible; }
.bar { height: 8px; border-radius: 4px; overflow: hidden; background: var(--line); }

.verdict { display: flex; align-items: baseline; gap: 0.75rem; margin: 1.25rem 0 0.75rem; }
.verdict strong {
  font-size: 2.75rem; line-height: 1; white-space: nowrap; letter-spacing: -0.02em;
}
.verdict > span > span { display: block; }
.outcome { color: var(--c); font-weight: 600; }
.tiles {
  display: grid; gap: 0.75rem; margin: 1rem 0;
  grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr));
}
.tiles li {
  display: grid; align-content: start; gap: 0.1rem; padding: 0.75rem 1rem;
  background: var(--card); border: 1px solid var(--line); border-radius: 8px;
}
.number { font-size: 1.75rem; line-height: 1.2; font-weight: 600; }
.none .number, .none .state { color: var(--quiet); font-weight: 400; }
nav { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; }

.fine, .group, .wide { background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.fine { padding: 1rem; }
.group { margin-bottom: 1rem; overflow: hidden; }
.heading {
  display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 0.75rem; padding: 0.7rem 1rem;
  box-shadow: inset 4px 0 var(--c);
}
.unlisted h3 { color: var(--c); }
.unlisted { border-color: var(--c); }
.cause, .changes li { padding: 0.7rem 1rem; border-top: 1px solid var(--line); }
.cause ul {
  display: grid; gap: 0.6rem 1.5rem; margin-top: 0.6rem;
  grid-template-columns: repeat(auto-fill, minmax(min(32rem, 100%), 1fr));
}
.changes li {
  display: grid; gap: 0.25rem 1.5rem; grid-template-columns: minmax(0, 5fr) minmax(0, 6fr);
}
.finding-group .cause:first-child { border-top: 0; }
.cause li { break-inside: avoid; }
.cause .state { margin-left: 0.35em; }
.changes li { break-inside: avoid; }
.rest { padding: 0.7rem 1rem; border-top: 1px solid var(--line); }
.since { margin-bottom: 0.75rem; }
.remedy + .finding, .finding + .finding { margin-top: 0.35rem; }
.remedy::before { content: "→ "; content: "→ " / ""; color: var(--quiet); }
.arn { color: var(--quiet); font: 0.8rem/1.6 ui-monospace, Menlo, Consolas, monospace; }

table { width: 100%; border-collapse: collapse; font-size: 0.867rem; }
caption { padding: 0.7rem 1rem; text-align: left; color: var(--quiet); }
th, td { padding: 0.35rem 0.5rem; text-align: left; vertical-align: baseline; }
th:first-child { padding-left: 1rem; }
td:last-child { padding-right: 1rem; }
thead th { color: var(--quiet); font-weight: 600; white-space: nowrap; }
tbody tr { border-top: 1px solid var(--line); break-inside: avoid; }
tbody th { font-weight: 600; }
td:empty::after { content: "—"; content: "—" / ""; color: var(--quiet); }

.unit, :is(.facts, .arn) > span { display: inline-block; max-width: 100%; }
.facts > span:not(:last-child)::after { content: " ·"; color: var(--quiet); }
.facts > span:not(:last-child) { margin-right: 0.35em; }
time { white-space: nowrap; }
#headroom-table { width: auto; }
#headroom-table td:nth-child(3) { min-width: 12rem; }
td > .bar { margin-top: 0.2rem; }
[id$="-backups-table"] :is(th, td) { vertical-align: top; }
[id$="-backups-table"] th:first-child { min-width: 16rem; }
[id$="-backups-table"] th .quiet { display: block; }
[id$="-backups-table"] td:not(:last-child) { white-space: nowrap; overflow-wrap: normal; }
#headroom-table :is(th, td) { white-space: nowrap; }
#rules-table :is(th, td) { vertical-align: top; }
#policy + p { margin-bottom: 0.75rem; }

#matrix-table td, #matrix-table th { vertical-align: top; padding: 0.7rem 1rem; min-width: 9rem; }
#matrix-table strong { font-size: 1.15rem; }
#matrix-table th .state { display: block; white-space: normal; }
#matrix-table li { white-space: nowrap; }
#matrix-table .bar { margin: 0.25rem 0; }
#windows-table td, #windows-table th { vertical-align: middle; }
#windows-table th:first-child { width: 19rem; overflow-wrap: anywhere; }
#windows-table th .quiet { display: block; }
#windows-table td:nth-child(3) { min-width: 8rem; }
.room { container-type: inline-size; }
@container (max-width: 26rem) { .axis .much { display: none; } }
@container (max-width: 14rem) { .axis .some { display: none; } }
.axis text { fill: var(--quiet); font-size: 12px; font-weight: 400; text-anchor: middle; }
.axis .start { text-anchor: start; }
.axis .end { text-anchor: end; }
line { stroke: var(--line); }
.gap { fill: var(--quiet); }
.times { width: 1%; white-space: nowrap; color: var(--quiet); }
.lag { width: 8rem; min-width: 6rem; white-space: nowrap; }
.lag svg { background: none; }
.lag line { stroke: var(--ink); stroke-width: 1.5px; }
[role="region"] + p { margin-top: 0.5rem; }

#instances-table { font-size: 0.78rem; }
#instances-table td { white-space: nowrap; }
#instances-table td:nth-child(7) { min-width: 6rem; white-space: normal; }
#instances-table tbody th { min-width: 9rem; }
#instances-table th, #instances-table td { padding-inline: 0.375rem; }
#instances-table th:first-child { padding-left: 1rem; }
#instances-table td:last-child, #instances-table thead th:last-child { padding-right: 1rem; }
#instances-table .state { font-size: inherit; }
#instances-table td:nth-child(n + 10), #instances-table th:nth-child(n + 10) { text-align: right; }
th button {
  all: unset; cursor: pointer; color: inherit; font: inherit; white-space: nowrap;
}
th button:hover { color: var(--ink); }
th button:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
th button::after { content: " ↕"; content: " ↕" / ""; }
[aria-sort="ascending"] button::after { content: " ↑"; content: " ↑" / ""; }
[aria-sort="descending"] button::after { content: " ↓"; content: " ↓" / ""; }
[aria-sort] { color: var(--ink); }
.controls { display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem; margin: 0 0 0.75rem; }
.controls input {
  width: 18rem; max-width: 100%; padding: 0.4rem 0.6rem; font: inherit; color: inherit;
  background: var(--card); border: 1px solid var(--quiet); border-radius: 6px;
}
footer { margin-top: 2.5rem; color: var(--quiet); font-size: 0.867rem; }

/* A card scrolls inside, so that the names of its rows and columns stay visible. */
@media screen {
  .wide { overflow: auto; max-height: 85vh; scroll-padding-left: 20rem; isolation: isolate; }
  .wide:focus-visible { outline-offset: -2px; }
  caption { position: sticky; left: 0; max-width: min(100vw - 2rem, 1238px); }
  .wide th:first-child {
    position: sticky; left: 0; max-width: 19rem; background: var(--card);
  }
  thead th, .wide thead th:first-child {
    position: sticky; top: 0; z-index: 1; background: var(--card);
    box-shadow: inset 0 -1px var(--line);
  }
  .wide thead th:first-child { z-index: 2; }
  .wide .arn > span { white-space: nowrap; }
  td.why { min-width: 20rem; }
  #rules-table :is(th, td) { min-width: 6rem; overflow-wrap: normal; }
  #rules-table td:nth-child(2) { min-width: 11rem; }
  #rules-table td:nth-child(5) { min-width: 12rem; overflow-wrap: anywhere; }
}
@media screen and (max-width: 760px) {
  body { padding: 1.25rem 0.9rem; }
  .tiles { grid-template-columns: repeat(2, 1fr); gap: 0.5rem; }
  .tiles .none .quiet { display: none; }
  .verdict { display: block; }
  .verdict strong { display: block; margin-bottom: 0.25rem; }
  .changes li { grid-template-columns: minmax(0, 1fr); }
  .wide { scroll-padding-left: 10rem; }
  .wide th:first-child { max-width: 10rem; white-space: normal; }
  .wide tbody th:first-child { box-shadow: inset -1px 0 var(--line); }
  #instances-table tbody th { min-width: 7rem; }
  :is(#matrix-table, [id$="-backups-table"]) th:first-child { min-width: 10rem; }
  #windows-table thead th:nth-child(even), .times { display: none; }
  #windows-table th:first-child { width: 40%; }
}
/* With thousands of rows, the browser shows the top of the page before it lays out the rest. */
@media screen {
  section:has(tr:nth-child(500)) {
    content-visibility: auto; contain-intrinsic-block-size: auto 60rem;
  }
}
@media print {
  :root {
    color-scheme: light;
    --page: #fff; --card: #fff; --ink: #000; --quiet: #444; --line: #bbb; --link: #000;
    --protected: #2b7a4b; --starting: #2a69ac; --lagging: #8f5c00; --stopped: #b0470f;
    --unprotected: #b3261e; --unknown: #6d4ca3; --excluded: #626c76; --unmatched: #626c76;
    --at_risk: #a81f63; --drifted: #0f6f78; --ignored: #626c76;
  }
  @page { size: A4 landscape; margin: 12mm; }
  html { font-size: 12px; }
  body { max-width: none; padding: 0; font-size: 1rem; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  nav, .controls { display: none; }
  tr[hidden] { display: table-row; }
  .wide { border: 0; }
  .group { overflow: visible; }
  h2 { margin-top: 1.75rem; }
  h2, .heading, caption, .cause > div:first-child { break-after: avoid; }
  .cause > div:first-child { break-inside: avoid; }
  thead { display: table-header-group; break-inside: avoid; }
  thead, thead tr { break-after: avoid; }
  tbody tr:first-child { break-before: avoid; }
  th, td { padding: 0.2rem 0.35rem; }
  th button { display: contents; } /* otherwise Chromium does not repeat the head on every sheet */
  th button::after { content: none; }
  #instances-table td:not(:nth-child(3)) { white-space: normal; }
  [id$="-backups-table"] th:first-child { min-width: 0; }
  [id$="-backups-table"] td:not(:last-child) { white-space: normal; }
  #matrix-table td, #matrix-table th { min-width: 0; padding: 0.3rem; }
  /* With many columns, their names run vertically, and a state is only its sign. */
  #matrix-table:has(th:nth-child(7)) { table-layout: fixed; font-size: 8px; }
  #matrix-table:has(th:nth-child(7)) :is(td, th) { padding: 2px; }
  #matrix-table:has(th:nth-child(7)) thead th:not(:first-child) { writing-mode: vertical-lr; }
  #matrix-table:has(th:nth-child(7)) th:first-child { width: 5rem; }
  #matrix-table:has(th:nth-child(7)) strong { font-size: 9px; }
  #matrix-table:has(th:nth-child(7)) li { display: inline-block; margin-right: 4px; }
  #matrix-table:has(th:nth-child(7)) li .state { font-size: 0; }
  #matrix-table:has(th:nth-child(7)) li .state::before { font-size: 8px; margin: 0; }
  .tiles { grid-template-columns: repeat(6, 1fr); gap: 0.4rem; }
  .tiles li { padding: 0.4rem 0.5rem; break-inside: avoid; }
}
"""
