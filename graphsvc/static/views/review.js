// What waits for a person: what would happen, why it waits, and the answer.
import { ask, change, follow, may } from '../api.js'
import { APPROVE, REJECT, REVIEWS, WATCH_REVIEWS } from '../query.js'
import { Act, bare, Empty, html, link, Severity, Time, useAnswer, useEffect, useRef, useState, Waiting } from '../ui.js'

function Open({ review, done }) {
  const [reason, say] = useState('')
  const { decision } = review
  const critical = decision.completions.some((each) => ['critical', 'high'].includes(each.pattern.severity))
  const id = `reason-${bare(review.id)}`
  const answer = (document) => async () => {
    if (!reason.trim()) throw new Error('say why, for the record')
    await change(document, { id: review.id, reason: reason.trim() })
    done()
  }
  return html`<article class="review"><h2><a href=${link('decision', bare(decision.id))}>${decision.action}</a>
      <span class="dim">${decision.resource.type}:${decision.resource.id}</span></h2>
    <p><b>${decision.subject.id}</b>${decision.onBehalfOf.length ? ` for ${decision.onBehalfOf.map((each) => each.id).join(', ')}` : ''},
      asked <${Time} at=${review.openedAt} />, can be answered until <${Time} at=${review.expiresAt} /></p>
    <ul>${decision.reasons.map((each) => html`<li>${each.message}</li>`)}</ul>
    ${decision.completions.map((each) => html`<p><${Severity} value=${each.pattern.severity} /> ${each.explanation}</p>`)}
    ${may('approver', 'admin') ? html`<div class="answer"><label for=${id}>Reason</label>
      <input id=${id} value=${reason} onInput=${(event) => say(event.target.value)} />
      <${Act} label="Approve once" kind="good" sure=${critical} run=${answer(APPROVE)} />
      <${Act} label="Reject" kind="bad" run=${answer(REJECT)} /></div>`
      : html`<p class="dim">An approver answers this; never who asked, or for whom.</p>`}
  </article>`
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
    ${closed.length > 0 && html`<h2>Answered</h2><ul class="plain">${closed.map((each) => html`<li><b>${each.status}</b>
      ${each.decision && html` <a href=${link('decision', bare(each.decision.id))}>${each.decision.action}</a>`}
      ${each.reviewedBy && ` by ${bare(each.reviewedBy)}`} <${Time} at=${each.reviewedAt ?? each.openedAt} />
      ${each.reason && html` <q>${each.reason}</q>`}</li>`)}</ul>`}`
}
