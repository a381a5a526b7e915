// The register of findings: who answers for what by when, and which risks somebody accepts until when.
import { ask, change, may } from '../api.js'
import { ACCEPT_RISK, ASSIGN_FINDING, REGISTER, WITHDRAW_ENTRY } from '../query.js'
import { Act, html, Table, Time, useAnswer, useState, Waiting } from '../ui.js'

const mayAccept = () => may('approver', 'admin')
const mayAssign = () => may('analyst', 'approver', 'admin')

/** A day as the service wants it, so many days from now. */
const dayFromNow = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)

function useForm(first) {
  const [form, set] = useState(first)
  const field = (name, label, more = {}) => html`<label>${label} <input value=${form[name]} ...${more}
    onInput=${(event) => set({ ...form, [name]: event.target.value })} /></label>`
  return [form, field]
}

function Accept({ finding, done }) {
  const [form, field] = useForm({ until: dayFromNow(90), reason: '' })
  const run = async () => {
    if (!form.reason.trim()) throw new Error('say why the risk is acceptable')
    await change(ACCEPT_RISK, { v: { fingerprint: finding.fingerprint, until: form.until, reason: form.reason.trim() } })
    done()
  }
  return html`<div class="give">${field('until', 'Until', { type: 'date', max: dayFromNow(366) })}${field('reason', 'Reason')}<${Act} label="Accept risk" sure run=${run} /></div>`
}

function Assign({ finding, done }) {
  const [form, field] = useForm({ owner: finding.owner, due: finding.due ?? '' })
  const run = async () => {
    if (!form.owner.trim()) throw new Error('say who answers')
    await change(ASSIGN_FINDING, { v: { fingerprint: finding.fingerprint, owner: form.owner.trim(), due: form.due || null } })
    done()
  }
  return html`<div class="give">${field('owner', 'Owner')}${field('due', 'Due', { type: 'date' })}<${Act} label="Assign" kind="quiet" run=${run} /></div>`
}

/** What may be agreed about one finding, folded away until it is wanted. */
export function Answer({ finding, done }) {
  const [open, set] = useState(false)
  const over = () => { set(false); done() }
  return mayAssign() && html`<details open=${open} onToggle=${(event) => set(event.target.open)}><summary>Change</summary>
    ${open && html`<${Assign} finding=${finding} done=${over} />`}${open && mayAccept() && html`<${Accept} finding=${finding} done=${over} />`}</details>`
}

function Withdraw({ entry, done }) {
  const run = async () => { await change(WITHDRAW_ENTRY, { id: entry.id, reason: 'by hand' }); done() }
  return mayAssign() && html`<${Act} label="Withdraw" kind="quiet small" sure run=${run} />`
}

const about = (entry) => html`${entry.fingerprint ? html`<code>${entry.fingerprint}</code>` : html`<code>${entry.pattern}</code>`}
  ${entry.identity !== '*' && html` on <code>${entry.identity}</code>`}`

const agreed = (entry) => (entry.acceptedUntil
  ? html`<span class=${`status ${entry.lapsed ? 'suspended' : ''}`}>${entry.lapsed ? 'lapsed' : 'accepted'}</span> until ${entry.acceptedUntil}`
  : html`${entry.owner || 'nobody'} answers${entry.due && ` by ${entry.due}`}`)

/** Every entry, newest first. turn: a number that changes when the register has; done: told of a change made here. */
export function Register({ turn, done }) {
  const [state] = useAnswer(() => ask(REGISTER).then((data) => data.findingRegister), [turn])
  return html`<section><h2>Register</h2><${Waiting} state=${state} />
    ${state.value && (state.value.length ? html`<${Table} label="Register" head=${['About', 'Agreed', 'Why', 'By', 'Change']}
      rows=${state.value.map((each) => [about(each), agreed(each), each.reason, html`${each.registeredBy} <${Time} at=${each.registeredAt} />`, html`<${Withdraw} key=${each.id} entry=${each} done=${done} />`])} />`
      : html`<p class="empty">Nobody answers for a finding yet, and no risk is accepted. “Change” beside a finding does it, or <code>graphsvc risk</code>.</p>`)}</section>`
}
