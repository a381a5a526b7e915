// Breaking the glass: who goes past which rules for a while, and whether somebody has looked at it afterwards.
import { ask, change, may } from '../api.js'
import { BREAK_GLASS, EMERGENCIES } from '../query.js'
import { Act, bare, Empty, html, link, Table, Time, useAnswer, useState, Waiting } from '../ui.js'

function Declare({ done }) {
  const [form, set] = useState({ identity: '', chain: '', reason: '' })
  const field = (name, label, more = {}) => html`<label>${label} <input value=${form[name]} ...${more}
    onInput=${(event) => set({ ...form, [name]: event.target.value })} /></label>`
  const run = async () => {
    if (!form.identity.trim() || !form.reason.trim()) throw new Error('name the identity and the reason; both go into the record')
    await change(BREAK_GLASS, { v: { identity: form.identity.trim(), chain: form.chain.trim() || null, reason: form.reason.trim() } })
    set({ identity: '', chain: '', reason: '' })
    done()
  }
  return html`<section><h2>Declare one</h2><p class="dim">Within what a pack's <code>break_glass</code> allows; every action is recorded with the verdict that it would have got, and has to be reviewed.</p>
    <div class="give">${field('identity', 'Identity')}${field('chain', 'Chain', { placeholder: 'everywhere' })}${field('reason', 'Reason')}
      <${Act} label="Break the glass" kind="bad" sure run=${run} /></div></section>`
}

export function Emergencies() {
  const [state, again] = useAnswer(() => ask(EMERGENCIES), [])
  if (!state.value) return html`<h1>Emergencies</h1><${Waiting} state=${state} />`
  const { emergencies } = state.value
  const running = (each) => new Date(each.until) > new Date()
  return html`<h1>Emergencies</h1>
    ${emergencies.length ? html`<${Table} label="Emergencies" head=${['Who', 'Where', 'Why', 'Declared', 'Until', 'Pack', 'To be reviewed']}
      rows=${emergencies.map((each) => [html`<a href=${link('identity', bare(each.identity))}>${bare(each.identity)}</a>`,
        each.chain ? html`<a href=${link('chain', bare(each.chain))}>${bare(each.chain)}</a>` : 'everywhere', each.reason,
        html`${each.declaredBy} <${Time} at=${each.declaredAt} />`, html`<${Time} at=${each.until} /> ${running(each) && html`<span class="status suspended">running</span>`}`, each.pack,
        each.unreviewed ? html`<a href=${link('reviews')}><b>${each.unreviewed}</b> actions</a>` : 'none'])} />`
      : html`<${Empty}>None was declared.<//>`}
    ${may('approver', 'admin', 'pep') && html`<${Declare} done=${again} />`}`
}
