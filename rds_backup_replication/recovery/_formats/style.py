"""The style sheet of a recovery's pages: that of an audit's page, with code and lists of facts."""

from ...fleet._report.style import STYLE as AUDIT_STYLE

STYLE = (
    AUDIT_STYLE
    + r"""
pre {
  margin: 0.6rem 0 0; padding: 0.6rem 0.75rem; overflow-x: auto; white-space: pre-wrap;
  background: var(--page); border: 1px solid var(--line); border-radius: 6px;
  font: 0.8rem/1.5 ui-monospace, Menlo, Consolas, monospace;
}
.commands { padding: 0 1rem 0.7rem; }
.commands pre { margin: 0.35rem 0 0; }
.record {
  display: grid; grid-template-columns: 11rem minmax(0, 1fr); gap: 0.3rem 1.25rem; margin: 0;
  padding: 0.7rem 1rem; font-size: 0.933rem;
}
.heading + .record { border-top: 1px solid var(--line); }
.record dt { color: var(--quiet); }
.record dd { margin: 0; }
.record .arn { font-size: 0.867rem; color: inherit; }
.record pre { margin: 0; }
.hash { font: 0.867rem/1.6 ui-monospace, Menlo, Consolas, monospace; }
.drill strong { font-size: 2rem; }
.drill .state { font-size: inherit; }
.drill > span { align-self: center; }
.unmet { font-weight: 600; color: var(--unprotected); }
#results-table td { white-space: nowrap; }
@media screen and (max-width: 760px) {
  .drill strong { font-size: 1.75rem; }
  .tiles .state { white-space: normal; }
  .record { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .record dd { margin-bottom: 0.5rem; }
  #results-table th:first-child { min-width: 9rem; }
}
@media print {
  .record dt, .record dd { break-inside: avoid; }
  #results-table td { white-space: normal; }
}
"""
)
