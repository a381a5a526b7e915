// What waits for a person: what would happen, why it waits, and the answer.
import { ask, change, follow, may } from '../api.js'
import { Narrow, scopeOf } from '../narrow.js'
import { APPROVE, REJECT, REVIEWS, WATCH_REVIEWS } from '../query.js'
import { Act, bare, Empty, html, link, Property, Severity, Table, Time, useAnswer, useEffect, useRef, useState, Waiting } from '../ui.js'
import { Requests } from './request.js'

/** How many people have to agree, who has, and from when others may. */
export function Quorum({ of }) {
  if (of.quorum < 2 && !of.deputiesFrom) return null
  return html`<p>${of.quorum > 1 && html`<b>${of.endorsedBy.length} of ${of.quorum}</b> have approved${of.endorsedBy.length ? `: ${of.endorsedBy.map(bare).join(', ')}` : ''}. `}
    ${of.deputiesFrom && html`Deputies may answer from <${Time} at=${of.deputiesFrom} />.`}</p>`
}

function Answer({ review, critical, done }) {
  const [reason, say] = useState('')
  const [given, narrow] = useState({})
  const { decision } = review
  const id = `reason-${bare(review.id)}`
  const said = () => { if (!reason.trim()) throw new Error('say why, for the record'); return reason.trim() }
  const approve = async () => { await change(APPROVE, { id: review.id, reason: said(), scope: scopeOf(decision.properties, given) }); done() }
  const reject = async () => { await change(REJECT, { id: review.id, reason: said() }); done() }
  if (!may('approver', 'admin')) return html`<p class="dim">An approver answers this; never who asked, or for whom.</p>`
  return html`${!review.afterwards && review.quorum - review.endorsedBy.length < 2 && html`<${Narrow} properties=${decision.properties} given=${given} set=${narrow} />`}
    <div class="answer"><label for=${id}>Reason</label>
      <input id=${id} value=${reason} onInput=${(event) => say(event.target.value)} />
      <${Act} label=${review.afterwards ? 'It was right' : 'Approve once'} kind="good" sure=${critical} run=${approve} />
      <${Act} label=${review.afterwards ? 'It was not' : 'Reject'} kind="bad" run=${reject} /></div>`
}

function Open({ review, done }) {
  const { decision } = review
  const critical = decision.completions.some((each) => ['critical', 'high'].includes(each.pattern.severity))
  const properties = Object.entries(decision.properties ?? {})
  // A completed path is told below, with its severity.
  const reasons = decision.reasons.filter((each) => !decision.completions.some((found) => found.pattern.id === each.rule))
  return html`<article class="review"><h2><a href=${link('decision', bare(decision.id))}>${decision.action}</a>
      <span class="dim">${decision.resource.type}:${decision.resource.id}</span> ${review.afterwards && html`<span class="status suspended">happened in an emergency</span>`}</h2>
    <p><b>${decision.subject.id}</b>${decision.onBehalfOf.length ? ` for ${decision.onBehalfOf.map((each) => each.id).join(', ')}` : ''},
      asked <${Time} at=${review.openedAt} />, ${review.afterwards ? 'has to be looked at' : 'can be answered'} until <${Time} at=${review.expiresAt} /></p>
    ${properties.length > 0 && html`<p>With ${properties.map(([name, value]) => html`<${Property} name=${name} value=${value} /> `)}</p>`}
    ${reasons.length > 0 && html`<ul>${reasons.map((each) => html`<li>${each.message}</li>`)}</ul>`}
    ${decision.completions.map((each) => html`<p><${Severity} value=${each.pattern.severity} /> <b>${each.pattern.title || each.pattern.id}</b>: ${each.explanation}</p>`)}
    <${Quorum} of=${review} />
    <${Answer} review=${review} critical=${critical} done=${done} />
  </article>`
}

const minutes = (ms) => (ms === null ? '-' : ms < 60_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`)

function Load({ load }) {
  if (!load.byRule.length) return null
  return html`<section><h2>Load</h2><p>${load.per100.toFixed(1)} reviews per hundred actions; ${load.medianMs === null ? 'none answered yet' : `answered in ${minutes(load.medianMs)} (median), ${minutes(load.p90Ms)} (nine of ten)`}${load.capped ? `; ${load.capped} denied by the cap` : ''}.</p>
    <${Table} label="Reviews by rule" head=${['Rule', 'Opened', 'Approved', 'Rejected', 'Withdrawn', 'Median']}
      rows=${load.byRule.map((each) => [each.rule, each.opened, each.approved, each.rejected, each.withdrawn, minutes(each.medianMs)])} /></section>`
}

export function Reviews() {
  const [state, again] = useAnswer(() => ask(REVIEWS, {}), [])
  // From the first answer on, so that nothing falls between it and the first event.
  const begin = useRef(null)
  begin.current ??= state.value?.revision ?? null
  useEffect(() => (begin.current ? follow(WATCH_REVIEWS, { after: begin.current, onEvent: again, onGap: again }) : undefined), [begin.current])
  if (!state.value) return html`<h1>Reviews</h1><${Waiting} state=${state} />`
  const every = state.value.reviews.edges.map((edge) => edge.node)
  const open = every.filter((each) => each.status === 'OPEN' && each.decision)
  const closed = every.filter((each) => each.status !== 'OPEN')
  return html`<h1>Reviews</h1>
    ${open.length ? open.map((each) => html`<${Open} key=${each.id} review=${each} done=${again} />`)
      : html`<${Empty}>Nothing waits for you. Escalated actions appear here by themselves.<//>`}
    <${Requests} after=${begin.current} />
    ${closed.length > 0 && html`<h2>Answered</h2><ul class="plain">${closed.map((each) => html`<li><b>${each.status}</b>
      ${each.decision && html` <a href=${link('decision', bare(each.decision.id))}>${each.decision.action}</a>`}
      ${each.reviewedBy && ` by ${bare(each.reviewedBy)}`} <${Time} at=${each.reviewedAt ?? each.openedAt} />
      ${each.narrowed && html` as <code>${JSON.stringify(each.narrowed)}</code>`} ${each.reason && html` <q>${each.reason}</q>`}</li>`)}</ul>`}
    <${Load} load=${state.value.reviewLoad} />`
}
