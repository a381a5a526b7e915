// What is stopped now: by whom, why and until when, with the way to let it go on.
import { ask, change, may } from '../api.js'
import { REINSTATE, SUSPENSIONS } from '../query.js'
import { Act, bare, Empty, html, link, Table, Time, useAnswer, Waiting } from '../ui.js'

const PAGES = ['identity', 'chain']

const what = ({ kind, id }) => html`<span class="dim">${kind}</span> ${PAGES.includes(kind) ? html`<a href=${link(kind, bare(id))}>${bare(id)}</a>` : bare(id)}`

function End({ suspension, done }) {
  const run = async () => { await change(REINSTATE, { id: suspension.id, kind: suspension.kind }); done() }
  return may('approver', 'admin') ? html`<${Act} label="Reinstate" kind="small" sure run=${run} />` : ''
}

export function Suspensions() {
  const [state, again] = useAnswer(() => ask(SUSPENSIONS).then((data) => data.suspensions), [])
  return html`<h1>Suspended</h1><p class="dim">Identities, chains and patterns are suspended on their own pages, sessions and actions with <code>graphsvc suspend</code>.</p>
    <${Waiting} state=${state} />
    ${state.value && (state.value.length ? html`<${Table} label="Suspended" head=${['What', 'Why', 'By', 'Until', 'Change']}
      rows=${state.value.map((each) => [what(each), each.reason, html`${each.suspendedBy} <${Time} at=${each.suspendedAt} />`,
        each.until ? html`<${Time} at=${each.until} />` : 'reinstated', html`<${End} key=${each.id} suspension=${each} done=${again} />`])} />`
      : html`<${Empty}>Nothing is suspended.<//>`)}`
}
