// A task in flight: its actions as they are judged, and the harm that is one step away.
import { ask, change, follow, may } from '../api.js'
import { CHAIN, DECISIONS, SUSPEND, WATCH_CHAIN } from '../query.js'
import { Timeline } from '../timeline.js'
import { Act, bare, Empty, html, link, Severity, Table, Time, useAnswer, useEffect, useState, Waiting } from '../ui.js'

const one = (each) => each.remaining.length === 1 && each.feasible

/** Patterns under way; those that a single allowed action would complete come first and are marked. */
export function Near({ near }) {
  const sorted = [...near].sort((left, right) => one(right) - one(left) || left.remaining.length - right.remaining.length)
  return html`<section class=${sorted.some(one) ? 'near' : ''}><h2>One step from harm</h2>${sorted.length
    ? html`<${Table} label="Patterns under way" head=${['Pattern', 'Severity', 'Still missing', 'Could happen']} rows=${sorted.map((each) => [
      html`${one(each) && html`<span class="mark">next: </span>`}${each.pattern.title || each.pattern.id}`, html`<${Severity} value=${each.pattern.severity} />`,
      each.remaining.join(', '), each.feasible ? 'yes' : 'no, nobody here may do it'])} />`
    : html`<${Empty}>No pattern is under way in this chain.<//>`}</section>`
}

async function load(id) {
  const [data, page] = await Promise.all([ask(CHAIN, { id }), ask(DECISIONS, { first: 100, filter: { chain: id } })])
  if (!data.chain) throw new Error(`there is no chain ${id} that you may see`)
  const actions = page.decisions.edges.map((edge) => edge.node).sort((left, right) => left.index - right.index)
  return { chain: data.chain, revision: data.revision, actions, more: page.decisions.pageInfo.hasNextPage }
}

function Stop({ chain, done }) {
  const [reason, say] = useState('')
  if (!may('analyst', 'approver', 'admin') || chain.status === 'closed') return null
  const stop = async () => {
    if (!reason.trim()) throw new Error('say why')
    await change(SUSPEND, { v: { kind: 'chain', id: bare(chain.id), reason: reason.trim() } })
    done()
  }
  return html`<div class="answer"><label for="why">Reason</label><input id="why" value=${reason} onInput=${(event) => say(event.target.value)} />
    <${Act} label="Stop this chain" kind="bad" sure run=${stop} /></div>`
}

export function ChainPage({ id }) {
  const [state, again] = useAnswer(() => load(id), [id])
  const [since, from] = useState(null)
  useEffect(() => { if (state.value && since === null) from(state.value.revision) }, [state.value])
  useEffect(() => (since ? follow(WATCH_CHAIN, { after: since, variables: { chain: id }, onEvent: again, onGap: again }) : undefined), [since])
  if (!state.value) return html`<h1>Chain ${id}</h1><${Waiting} state=${state} />`
  const { chain, actions, more } = state.value
  const lit = new Set(actions.flatMap((each) => each.completions.flatMap((found) => found.path.map((step) => bare(step.decision)))))
  const intent = chain.drift?.intent
  return html`<h1>Chain ${bare(chain.id)} <span class=${`status ${chain.status}`}>${chain.status}</span></h1>
    <dl class="facts"><dt>Opened</dt><dd><${Time} at=${chain.openedAt} /> by ${chain.owner}</dd>
      <dt>Session</dt><dd>${bare(chain.session)}</dd>
      ${chain.parent && html`<dt>Spawned from</dt><dd><a href=${link('chain', bare(chain.parent))}>${bare(chain.parent)}</a></dd>`}
      <dt>Actions</dt><dd>${chain.length}${intent ? `, ${chain.drift.outside} outside of what it is for` : ''}</dd>
      ${intent && html`<dt>Meant for</dt><dd><code>${JSON.stringify(intent)}</code></dd>`}
      ${chain.revokedGrants.length > 0 && html`<dt>Relied on</dt><dd>${chain.revokedGrants.length} right(s) revoked since</dd>`}</dl>
    <${Stop} chain=${chain} done=${again} />
    <${Near} near=${chain.nearest} />
    <section><h2>What happened</h2>${actions.length ? html`<${Timeline} actions=${actions} lit=${lit} />` : html`<${Empty}>Nothing was asked in it yet.<//>`}
      ${more && html`<p class="dim">The newest 100 actions are shown.</p>`}</section>`
}
