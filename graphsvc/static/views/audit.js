// The signed log: its newest checkpoint, and the proof that a record is in it, checked here in the browser.
import { ask, may } from '../api.js'
import { AUDIT, PROOF } from '../query.js'
import { Empty, html, useAnswer, useState, Waiting } from '../ui.js'

const bytes = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
const same = (one, other) => one.length === other.length && one.every((byte, place) => byte === other[place])

async function joined(left, right) {
  const both = new Uint8Array(1 + left.length + right.length)
  both.set([1])
  both.set(left, 1)
  both.set(right, 1 + left.length)
  return new Uint8Array(await crypto.subtle.digest('SHA-256', both))
}

/** The root that a leaf and its path lead to (RFC 9162, 2.1.3.2). number counts from 1. */
export async function climb(number, size, leaf, path) {
  let place = number - 1
  let last = size - 1
  let node = leaf
  for (const sibling of path) {
    if (place % 2 === 1 || place === last) {
      node = await joined(sibling, node)
      while (place % 2 === 0 && place !== 0) { place = Math.floor(place / 2); last = Math.floor(last / 2) }
    } else node = await joined(node, sibling)
    place = Math.floor(place / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 ? node : null
}

async function proved(id) {
  const { auditCheckpoint } = await ask(AUDIT)
  // Of the log as it was signed: it may grow before the proof is made, by this very question too.
  const { auditProof } = await ask(PROOF, { id, size: auditCheckpoint.size })
  if (!globalThis.crypto?.subtle) return { ...auditProof, checkpoint: auditCheckpoint, holds: null }
  const root = await climb(auditProof.number, auditProof.size, bytes(auditProof.leaf), auditProof.path.map(bytes))
  const matches = auditProof.size === auditCheckpoint.size && root !== null && same(root, bytes(auditCheckpoint.root))
  return { ...auditProof, checkpoint: auditCheckpoint, holds: matches }
}

function Proof({ id }) {
  const [state] = useAnswer(() => proved(id), [id])
  if (!state.value) return html`<${Waiting} state=${state} />`
  const { number, size, path, holds } = state.value
  return html`<p class=${holds ? 'good' : 'problem'} role="status">${holds === null ? 'This browser checks no hashes here; use graphsvc audit verify.'
    : holds ? `Record ${number} of ${size} is in the log: ${path.length} hashes lead to the signed root.`
      : 'The proof does not lead to the signed root. Tell your auditor.'}</p>`
}

export function Audit({ id }) {
  const allowed = may('analyst', 'auditor', 'admin')
  const [given, set] = useState(id)
  const [asked, look] = useState(id)
  const [state] = useAnswer(() => (allowed ? ask(AUDIT).then((data) => data.auditCheckpoint) : Promise.resolve(null)), [])
  const [ready] = useAnswer(() => fetch('/readyz').then((response) => response.json()), [])
  return html`<h1>Audit and health</h1>
    <section><h2>Health</h2>${ready.value ? html`<p class=${ready.value.ready ? 'good' : 'problem'}>${ready.value.ready ? 'Ready to decide' : 'Not ready'}${ready.value.message === 'ready' ? '' : `: ${ready.value.message}`}</p>` : html`<${Waiting} state=${ready} />`}</section>
    ${!allowed ? html`<${Empty}>The log is for the roles analyst, auditor and admin.<//>` : html`
    <section><h2>Signed checkpoint</h2><${Waiting} state=${state} />
      ${state.value && html`<dl class="facts"><dt>Log</dt><dd>${state.value.origin}</dd><dt>Records</dt><dd>${state.value.size}</dd>
        <dt>Root</dt><dd><code>${state.value.root}</code></dd><dt>Key</dt><dd><code>${state.value.key}</code></dd></dl>
        <p class="dim">Ask for the key by another way than this page before you trust it: <code>graphsvc audit key</code>.</p>`}</section>
    <section><h2>Is a decision in the log?</h2><form class="filters" onSubmit=${(event) => { event.preventDefault(); look(given.trim()) }}>
      <label>Decision or audit id <input required value=${given} onInput=${(event) => set(event.target.value)} /></label>
      <button type="submit">Prove it</button></form>${asked && html`<${Proof} id=${asked.includes('.') || asked.startsWith('decision:') ? asked : `decision:${asked}`} />`}</section>`}`
}
