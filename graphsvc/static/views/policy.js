// The rules in force, and what was published when.
import { ask, change, may } from '../api.js'
import { POLICIES, REINSTATE, SUSPEND } from '../query.js'
import { Act, Empty, html, Severity, Table, Time, useAnswer, useState, Waiting } from '../ui.js'

export function Policies() {
  const [state, again] = useAnswer(() => ask(POLICIES), [])
  const [stopped, mark] = useState([])
  if (!state.value) return html`<h1>Policies</h1><${Waiting} state=${state} />`
  const { policies, patterns } = state.value
  const stop = (id) => async () => { await change(SUSPEND, { v: { kind: 'pattern', id, reason: 'by hand' } }); mark([...stopped, id]); again() }
  const start = (id) => async () => { await change(REINSTATE, { id, kind: 'pattern' }); mark(stopped.filter((each) => each !== id)); again() }
  return html`<h1>Policies</h1>
    <section><h2>Patterns in force</h2>${patterns.length ? html`<${Table} label="Patterns in force" head=${['Pattern', 'Severity', 'On match', 'Scope', 'Steps', 'Pack', 'Change']}
      rows=${patterns.map((each) => [html`<b>${each.id}</b> <span class="dim">${each.title === each.id ? '' : each.title}</span>`, html`<${Severity} value=${each.severity} />`,
        each.onMatch, each.scope, each.steps.join(', '), `${each.pack} ${each.version}`,
        may('approver', 'admin') ? (stopped.includes(each.id) ? html`<${Act} label="Reinstate" run=${start(each.id)} />`
          : html`<${Act} label="Suspend" kind="quiet" sure run=${stop(each.id)} />`) : ''])} />`
      : html`<${Empty}>No rules are in force: publish a pack with graphsvc policy publish.<//>`}</section>
    <section><h2>Published</h2>${policies.length ? html`<${Table} label="Publications" head=${['When', 'Pack', 'Version', 'By', 'Comment', 'In force', 'SHA-256']}
      rows=${policies.map((each) => [html`<${Time} at=${each.publishedAt} />`, each.pack, each.version, each.publishedBy, each.comment, each.inForce ? 'yes' : '', html`<code title=${each.sha256}>${each.sha256.slice(0, 12)}</code>`])} />`
      : html`<${Empty}>Nothing yet.<//>`}</section>`
}
