// Rights that are asked for, just in time: who wants what, for what, and the answer.
import { ask, change, follow, may } from '../api.js'
import { APPROVE_REQUEST, REJECT_REQUEST, REQUESTS, WATCH_REQUESTS } from '../query.js'
import { Act, bare, html, link, Time, useAnswer, useEffect, useState, Waiting } from '../ui.js'
import { Quorum } from './review.js'

const list = (text) => text.split(/[\s,]+/).filter(Boolean)

function Open({ request, done }) {
  const [reason, say] = useState('')
  const [form, set] = useState({ actions: request.actions.join(' '), resources: request.resources.join(' '), lasts: request.lasts })
  const id = `reason-${bare(request.id)}`
  const said = () => { if (!reason.trim()) throw new Error('say why, for the record'); return reason.trim() }
  const scope = () => {
    const wanted = {}
    for (const name of ['actions', 'resources']) if (form[name] !== request[name].join(' ')) wanted[name] = list(form[name])
    if (form.lasts !== request.lasts) wanted.lasts = form.lasts.trim()
    return Object.keys(wanted).length ? wanted : null
  }
  const approve = async () => { await change(APPROVE_REQUEST, { id: request.id, reason: said(), scope: scope() }); done() }
  const reject = async () => { await change(REJECT_REQUEST, { id: request.id, reason: said() }); done() }
  const field = (name, label) => html`<label>${label} <input value=${form[name]} onInput=${(event) => set({ ...form, [name]: event.target.value })} /></label>`
  return html`<article class="review"><h2><a href=${link('identity', bare(request.identity))}>${bare(request.identity)}</a> <span class="dim">asks for ${request.actions.join(', ')} on ${request.resources.join(', ')}</span></h2>
    <p><b>${request.purpose}</b>, for ${request.lasts}${request.uses ? `, ${request.uses} uses` : ''}${request.chain ? `, in chain ${bare(request.chain)}` : ''};
      asked by ${request.requestedBy} <${Time} at=${request.requestedAt} />, can be answered until <${Time} at=${request.expiresAt} /></p>
    <${Quorum} of=${request} />
    ${may('approver', 'admin') ? html`<details class="narrow"><summary>Narrow it</summary><div class="give">${field('actions', 'Actions')}${field('resources', 'Resources')}${field('lasts', 'For')}</div></details>
      <div class="answer"><label for=${id}>Reason</label><input id=${id} value=${reason} onInput=${(event) => say(event.target.value)} />
      <${Act} label="Grant" kind="good" run=${approve} /><${Act} label="Reject" kind="bad" run=${reject} /></div>`
      : html`<p class="dim">An approver answers this; never who asked, or for whom.</p>`}</article>`
}

export function Requests({ after }) {
  const [state, again] = useAnswer(() => ask(REQUESTS), [])
  useEffect(() => (after ? follow(WATCH_REQUESTS, { after, onEvent: again, onGap: again }) : undefined), [after])
  if (!state.value) return html`<${Waiting} state=${state} />`
  const every = state.value.grantRequests.edges.map((edge) => edge.node)
  const open = every.filter((each) => each.status === 'OPEN')
  const closed = every.filter((each) => each.status !== 'OPEN')
  if (!every.length) return null
  return html`<section><h2>Rights asked for</h2>${open.map((each) => html`<${Open} key=${each.id} request=${each} done=${again} />`)}
    ${closed.length > 0 && html`<ul class="plain">${closed.map((each) => html`<li><b>${each.status}</b> ${bare(each.identity)}: ${each.actions.join(', ')} on ${each.resources.join(', ')}
      ${each.answeredBy && ` by ${bare(each.answeredBy)}`} <${Time} at=${each.answeredAt ?? each.requestedAt} /> ${each.reason && html`<q>${each.reason}</q>`}</li>`)}</ul>`}</section>`
}
