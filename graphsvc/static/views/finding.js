// Findings: combinations of rights as people work through them, with who answers for each, as the register says.
import { ask, may } from '../api.js'
import { FINDINGS } from '../query.js'
import { bare, Empty, html, link, Severity, Table, useAnswer, useState, Waiting } from '../ui.js'
import { ORDER } from './explore.js'
import { Answer, Register } from './register.js'

const SIZE = 25
const MOST_BYTES = 500_000
const NONE = { name: '', entries: null, wrong: '' }

/** The entries of a register of `explore findings --register`, written as JSON, under the names that GraphQL has for them. */
export function entries(text) {
  let read
  try { read = JSON.parse(text) } catch (error) { throw new Error(`the register is no JSON: ${error.message}`) }
  if (!Array.isArray(read?.findings)) throw new Error('the register: wants {"findings": [...]}')
  const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase())
  return read.findings.map((each, place) => {
    if (each === null || typeof each !== 'object' || Array.isArray(each)) throw new Error(`findings[${place}]: wants an object such as {"pattern": "*", "owner": "platform"}`)
    return Object.fromEntries(Object.entries(each).map(([name, value]) => [camel(name), value]))
  })
}

function Bring({ register, bring }) {
  const read = async (event) => {
    const file = event.target.files[0]
    if (!file) { bring(NONE); return }
    try {
      if (file.size > MOST_BYTES) throw new Error(`the register is larger than ${MOST_BYTES / 1000} kB`)
      bring({ name: file.name, entries: entries(await file.text()), wrong: '' })
    } catch (error) { bring({ ...NONE, wrong: error.message }) }
  }
  return html`<label>Own register (JSON) <input type="file" accept=".json,application/json" onChange=${read} /></label>
    ${register.wrong && html`<span class="problem" role="alert">${register.wrong}</span>`}`
}

const held = (identities) => html`<details><summary>${identities.length}: ${bare(identities[0])}</summary><ul class="plain">
  ${identities.slice(0, 200).map((id) => html`<li><a href=${link('identity', bare(id))}>${bare(id)}</a></li>`)}</ul>
  ${identities.length > 200 && html`<p class="dim">The first 200 are shown.</p>`}</details>`

const row = (done) => (each) => [html`<${Severity} value=${each.severity} />`, html`<b>${each.title}</b> <small class="dim">${each.pattern} ${each.fingerprint}</small>`,
  each.certainty === 'yes' ? 'yes' : 'perhaps', held(each.identities), html`<span class=${`status ${each.status === 'OVERDUE' ? 'suspended' : ''}`}>${each.status.toLowerCase()}</span>`,
  each.owner || 'nobody', html`<span class="day">${each.due ?? ''}</span>`, html`<span class="day">${each.acceptedUntil ?? ''}</span> ${each.reason && html`<small class="dim">${each.reason}${each.acceptedBy && ` (${each.acceptedBy})`}</small>`}`,
  html`<${Answer} key=${each.fingerprint} finding=${each} done=${done} />`]

function Page({ found, before, done }) {
  const { edges, totalCount, revision, packs, truncated } = found
  return html`${edges.length ? html`<${Table} label="Findings" head=${['Severity', 'Finding', 'Sure', 'Held by', 'Status', 'Owner', 'Due', 'Accepted until', 'Change']}
      rows=${edges.map((edge) => edge.node).map(row(done))} /><p>${before + 1} to ${before + edges.length} of ${totalCount}</p>` : html`<${Empty}>No finding of this kind.<//>`}
    <p class="dim">At ${revision}, by ${packs.map((each) => `${each.pack} ${each.version}`).join(', ')}${truncated ? '; a limit was reached, there may be more' : ''}.</p>`
}

function List() {
  const [asked, set] = useState({ severity: '', status: '', owner: '', register: NONE, cursors: [null] })
  const [turn, again] = useState(0)
  const done = () => again((count) => count + 1)
  const { cursors, register } = asked
  const narrow = (change) => set((was) => ({ ...was, ...change, cursors: [null] }))
  const [state] = useAnswer(async () => {
    const filter = { severity: asked.severity || null, status: asked.status || null, owner: asked.owner.trim() || null }
    const { findings } = await ask(FINDINGS, { first: SIZE, after: cursors.at(-1), filter, register: register.entries })
    return { ...findings, before: (cursors.length - 1) * SIZE }
  }, [asked, turn])
  const choice = (name, label, values) => html`<label>${label} <select value=${asked[name]} onChange=${(event) => narrow({ [name]: event.target.value })}>
    <option value="">any</option>${values.map((each) => html`<option value=${each}>${each.toLowerCase()}</option>`)}</select></label>`
  // The owner's field has no value of ours: what is being typed stays when an answer comes in.
  const next = state.value?.pageInfo.hasNextPage && state.value.pageInfo.endCursor
  return html`<div class="filters">${choice('severity', 'Severity', ORDER)}${choice('status', 'Status', ['OPEN', 'OVERDUE', 'ACCEPTED'])}
      <label>Owner <input onChange=${(event) => narrow({ owner: event.target.value })} /></label>
      <${Bring} register=${register} bring=${(given) => narrow({ register: given })} /></div>
    <p class="dim">Owners, due days and accepted risks come from the register below. A register of your own, the file of <code>explore findings --register</code> as JSON, counts first, for you alone.</p>
    <${Waiting} state=${state} />${state.value && html`<${Page} found=${state.value} before=${state.value.before} done=${done} />`}
    <div class="answer">${cursors.length > 1 && html`<button type="button" class="quiet" onClick=${() => set({ ...asked, cursors: cursors.slice(0, -1) })}>Back</button>`}
      ${next && html`<button type="button" onClick=${() => set({ ...asked, cursors: [...cursors, next] })}>Next</button>`}</div>
    <${Register} turn=${turn} done=${done} />`
}

export function Findings() {
  return html`<h1>Findings</h1>${may('analyst', 'approver', 'admin') ? html`<${List} />` : html`<${Empty}>This needs a token with the role analyst, approver or admin.<//>`}`
}
