// Rules that are tried beside those in force, and what would have been stopped by what is only observed.
import { change, may } from '../api.js'
import { END_TRIAL } from '../query.js'
import { Act, bare, Empty, html, link, Table, Time, Verdict } from '../ui.js'

const share = (trial) => (trial.canary ? `${Math.round(trial.canary * 1000) / 10} % of sessions` : 'told only')

const Tally = ({ title, rows }) => html`<div><h3>${title}</h3>${rows.length ? html`<ul class="plain">${rows.slice(0, 8).map((each) => html`
  <li><b>${each.count}</b> <${Verdict} value=${each.verdict} /> ${each.name}</li>`)}</ul>` : html`<p class="dim">none</p>`}</div>`

/** Decisions that some rules would have answered otherwise, one a row. */
export const Examples = ({ rows, label }) => html`<${Table} label=${label} head=${['When', 'Who', 'Action', 'Resource', 'Was', 'Would be', 'By']}
  rows=${rows.map((each) => [html`<a href=${link('decision', bare(each.decision))}><${Time} at=${each.at} /></a>`, each.subject, each.action, each.resource,
    html`<${Verdict} value=${each.was} />`, html`<${Verdict} value=${each.would} />`, each.by])} />`

export function Trials({ trials, stopped, done }) {
  return html`<section><h2>On trial</h2>${trials.length ? html`<${Table} label="Packs on trial"
      head=${['Pack', 'Since', 'Takes effect', 'Judged', 'Spoke', 'Other verdict', 'Would deny', 'Would escalate', 'Not judged', 'Change']}
      rows=${trials.map((each) => [html`<b>${each.pack}</b> ${each.version} <span class="dim">${each.comment}</span>`, html`<${Time} at=${each.since} /> ${each.by}`,
        share(each), each.decisions, each.spoke, each.differs, each.denies, each.escalates, each.unjudged.join('; '),
        may('analyst', 'admin') ? html`<${Act} label="End trial" kind="quiet" sure run=${async () => { await change(END_TRIAL, { pack: each.pack }); done() }} />` : ''])} />`
    : html`<${Empty}>Nothing is on trial. A pack on trial is judged beside the rules in force, and stops nothing.<//>`}
    ${stopped.decisions > 0 && html`<h3>What would have been stopped</h3>
      <p>Of ${stopped.decisions} decisions ${stopped.denied} would have been denied and ${stopped.escalated} escalated, by rules that are observed, on trial, or gone past in an
        emergency${stopped.truncated ? '; there are more' : ''}.</p>
      ${stopped.examples.length > 0 && html`<div class="columns"><${Tally} title="By rule" rows=${stopped.byRule} /><${Tally} title="By identity" rows=${stopped.byIdentity} /></div>
      <${Examples} label="Actions that would have been stopped" rows=${stopped.examples.map((each) =>
        ({ ...each, was: each.answered, would: each.wouldBe, by: `${each.rules.join(', ')} (${each.why})` }))} />`}`}</section>`
}
