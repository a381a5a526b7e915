// Who there is, what they may do, and stopping or helping them at once.
import { ask, change, may } from '../api.js'
import { GRANT, IDENTITIES, IDENTITY, REINSTATE, REVOKE, SIGNAL, SUMMARY, SUSPEND } from '../query.js'
import { Act, bare, Empty, html, link, Risk, Table, Time, useAnswer, useState, Waiting } from '../ui.js'
import { RiskLine } from '../risk_line.js'
import { Rows } from './live.js'

// One may act for everybody of a group, which has no page.
const named = (id) => (id.startsWith('identity:') || !id.includes(':') ? html`<a href=${link('identity', bare(id))}>${bare(id)}</a>` : id)

export function Identities() {
  const [pages, more] = useState([null])
  const [text, search] = useState('')
  const [top] = useAnswer(() => ask(SUMMARY).then((data) => data.riskSummary.riskiest), [])
  const [state] = useAnswer(async () => {
    const found = []
    let next = null
    for (const after of pages) {
      const page = (await ask(IDENTITIES, { after })).identities
      found.push(...page.edges.map((edge) => edge.node))
      next = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null
    }
    return { found, next }
  }, [pages.length])
  const shown = (state.value?.found ?? []).filter((each) => `${each.id} ${each.name ?? ''} ${each.kind}`.toLowerCase().includes(text.toLowerCase()))
  return html`<h1>Identities</h1>
    ${top.value?.length > 0 && html`<section><h2>Most at risk</h2><ul class="tiles">${top.value.map((each) => html`<li class="tile">
      <${Risk} value=${each.risk} /> ${each.kind === 'identity' ? named(each.id) : html`<span class="dim">session</span> ${bare(each.id)}`}</li>`)}</ul></section>`}
    <div class="filters"><label>Search <input type="search" value=${text} onInput=${(event) => search(event.target.value)} /></label></div>
    <${Waiting} state=${state} />
    ${state.value && (shown.length ? html`<${Table} label="Identities" head=${['Identity', 'Kind', 'Status', 'Permissions', 'Risk']}
      rows=${shown.map((each) => [named(each.id), each.kind, html`<span class=${`status ${each.status}`}>${each.status}</span>`, each.permissions, html`<${Risk} value=${each.risk} />`])} />`
      : html`<${Empty}>No identity ${text ? 'fits' : 'is known yet; import an estate with graphsvc import'}.<//>`)}
    ${state.value?.next && html`<button type="button" onClick=${() => more([...pages, state.value.next])}>More</button>`}`
}

function Grants({ grants, done }) {
  if (!grants.length) return html`<${Empty}>No right for a while.<//>`
  return html`<${Table} label="Situational grants" head=${['Actions', 'Resources', 'Until', 'Purpose', 'Status', 'Change']}
    rows=${grants.map(({ grant, status, used }) => [grant.actions.join(', '), grant.resources.join(', '), html`<${Time} at=${grant.expiresAt} />`,
      `${grant.purpose} (${bare(grant.grantedBy)})`, grant.uses ? `${status}, ${used} of ${grant.uses}` : status,
      may('approver', 'admin') && ['IN_FORCE', 'FUTURE'].includes(status)
        ? html`<${Act} label="Revoke" kind="bad" run=${async () => { await change(REVOKE, { id: grant.id, reason: 'by hand' }); done() }} />` : ''])} />`
}

function Give({ identity, done }) {
  const [form, set] = useState({ actions: '', resources: '', minutes: '60', purpose: '' })
  const field = (name, label, more = {}) => html`<label>${label}<input value=${form[name]} ...${more}
    onInput=${(event) => set({ ...form, [name]: event.target.value })} /></label>`
  const run = async () => {
    const list = (text) => text.split(/[\s,]+/).filter(Boolean)
    const minutes = Number(form.minutes)
    if (!list(form.actions).length || !list(form.resources).length) throw new Error('name actions and resources, such as crm:Read and record:*')
    if (!(minutes > 0)) throw new Error('minutes: a number above 0')
    if (!form.purpose.trim()) throw new Error('say what it is for')
    const expiresAt = new Date(Date.now() + minutes * 60_000).toISOString()
    await change(GRANT, { v: { identity, actions: list(form.actions), resources: list(form.resources), expiresAt, purpose: form.purpose.trim() } })
    set({ actions: '', resources: '', minutes: '60', purpose: '' })
    done()
  }
  return html`<div class="give">${field('actions', 'Actions', { placeholder: 'crm:Read' })}${field('resources', 'Resources', { placeholder: 'record:*' })}
    ${field('minutes', 'Minutes', { inputmode: 'numeric' })}${field('purpose', 'Purpose')}<${Act} label="Grant" run=${run} /></div>`
}

/** Telling what a detector or a person has noticed: it raises the risk, and fades. */
function Notice({ identity, done }) {
  const [form, set] = useState({ cause: '', weight: '0.3', halfLife: '1h' })
  const field = (name, label, more = {}) => html`<label>${label} <input value=${form[name]} ...${more}
    onInput=${(event) => set({ ...form, [name]: event.target.value })} /></label>`
  const run = async () => {
    if (!form.cause.trim()) throw new Error('say what was noticed')
    if (!(Number(form.weight) > 0 && Number(form.weight) <= 1)) throw new Error('weight: a number above 0, up to 1')
    await change(SIGNAL, { v: { identity, cause: form.cause.trim(), weight: Number(form.weight), halfLife: form.halfLife.trim() } })
    set({ ...form, cause: '' })
    done()
  }
  return html`<div class="give">${field('cause', 'Noticed', { placeholder: 'sign-in from a new country' })}${field('weight', 'Weight', { inputmode: 'decimal' })}
    ${field('halfLife', 'Halves in')}<${Act} label="Send signal" kind="quiet" run=${run} /></div>`
}

export function IdentityPage({ id }) {
  const [state, again] = useAnswer(async () => {
    const data = await ask(IDENTITY, { id })
    if (!data.identity) throw new Error(`there is no identity ${id} in the graph`)
    return data
  }, [id])
  const [reason, say] = useState('')
  if (!state.value) return html`<h1>${id}</h1><${Waiting} state=${state} />`
  const { identity, rights, grants, signals, decisions } = state.value
  const stop = async () => {
    if (!reason.trim()) throw new Error('say why')
    await change(SUSPEND, { v: { kind: 'identity', id: identity.id, reason: reason.trim() } })
    say('')
    again()
  }
  const start = async () => { await change(REINSTATE, { id: identity.id, kind: 'identity' }); again() }
  return html`<h1>${bare(identity.id)} <span class="dim">${identity.kind}</span> <span class=${`status ${identity.status}`}>${identity.status}</span></h1>
    <dl class="facts"><dt>Risk</dt><dd><${Risk} value=${identity.risk} /></dd>
      <dt>Acts for</dt><dd>${identity.actsFor.length ? identity.actsFor.map(named) : 'nobody'}</dd>
      <dt>Groups, roles</dt><dd>${identity.groups.join(', ') || 'none'}</dd></dl>
    <div class="answer">${identity.status === 'suspended'
      ? may('approver', 'admin') && html`<${Act} label="Reinstate" sure run=${start} />`
      : may('analyst', 'approver', 'admin') && html`<label for="why">Reason</label><input id="why" value=${reason} onInput=${(event) => say(event.target.value)} />
        <${Act} label="Suspend" kind="bad" sure run=${stop} />`}</div>
    <section><h2>Signals</h2>${signals.length ? html`<ul class="plain">${signals.map((each) => html`<li><b>+${each.share.toFixed(2)}</b> ${each.cause} <small class="dim"><${Time} at=${each.at} />, was ${each.weight}</small></li>`)}</ul>`
      : html`<${Empty}>Nothing was noticed of late.<//>`}${may('analyst', 'admin') && html`<${Notice} identity=${identity.id} done=${again} />`}</section>
    <section><h2>Rights for a while</h2><${Grants} grants=${grants.edges.map((edge) => edge.node)} done=${again} />
      ${may('approver', 'admin') && html`<${Give} identity=${identity.id} done=${again} />`}</section>
    <section><h2>Permissions</h2>${rights?.permissions.length ? html`<${Table} label="Permissions" head=${['Effect', 'Actions', 'Resources', 'By', 'Condition']}
      rows=${rights.permissions.map((each) => [each.effect, each.actions.join(', '), each.resources.join(', '), each.heldBy, each.conditional ? `needs ${each.needs.join(', ') || 'its condition'}` : ''])} />`
      : html`<${Empty}>Holds none.<//>`}${rights?.endCursor && html`<p class="dim">The first 100 are shown.</p>`}</section>
    <section><h2>Lately</h2><${RiskLine} decisions=${decisions.edges.map((edge) => edge.node)} />
      ${decisions.edges.length ? html`<${Rows} decisions=${decisions.edges.map((edge) => edge.node)} label="Decisions of this identity" />`
      : html`<${Empty}>Has asked for nothing itself; what others do for it stands on their pages.<//>`}</section>`
}
