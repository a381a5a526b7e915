// What every view is made of. Text of data reaches the page only as text: htm and preact escape it.
import { h, render } from './vendor/preact.js'
import { useEffect, useRef, useState } from './vendor/preact-hooks.js'
import htm from './vendor/htm.js'

export const html = htm.bind(h)
export { render, useEffect, useRef, useState }

/** `href` of a view; ids hold colons and slashes. */
export const link = (view, id) => (id === undefined ? `#/${view}` : `#/${view}/${encodeURIComponent(id)}`)

/** An id without its kind. */
export const bare = (id) => (id ?? '').replace(/^(identity|decision|chain|session|review|grant|resource):/, '')

const pad = (number) => String(number).padStart(2, '0')

/** Time of day where it is today, else the date too; the whole time is the title. */
export function Time({ at }) {
  if (!at) return html`<span class="dim">-</span>`
  const time = new Date(at)
  const clock = `${pad(time.getHours())}:${pad(time.getMinutes())}:${pad(time.getSeconds())}`
  const today = time.toDateString() === new Date().toDateString()
  const day = `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())} `
  return html`<time datetime=${at} title=${time.toString()}>${today ? '' : day}${clock}</time>`
}

export const Verdict = ({ value }) => html`<span class=${`verdict ${value.toLowerCase()}`}>${value}</span>`

export const Severity = ({ value }) => html`<span class=${`severity ${value}`}>${value}</span>`

const UNKEPT = 'No rule reads it, so its value is not kept. A pack can name it under `shown` of the action.'

/** A property of what was asked for. */
export const Property = ({ name, value }) => html`<span class="dim">${name}</span> ${value === 'not kept'
  ? html`<em class="dim" title=${UNKEPT}>not kept</em>` : html`<code>${typeof value === 'string' ? value : JSON.stringify(value)}</code>`}`

/** A score from 0 to 1 as a bar with its number. */
export function Risk({ value }) {
  const text = value.toFixed(2)
  const level = value >= 0.9 ? 'top' : value >= 0.6 ? 'high' : value >= 0.3 ? 'mid' : 'low'
  return html`<span class=${`risk ${level}`} title=${`risk ${value}`}
    ><meter min="0" max="1" low="0.3" high="0.6" optimum="0" value=${value} aria-label=${`risk ${text}`}></meter>${text}</span>`
}

/** What a promise brought: the value, what went wrong, or that it is on its way. `again` asks once more. */
export function useAnswer(ask, needs) {
  const [state, set] = useState({ pending: true })
  const [turn, again] = useState(0)
  useEffect(() => {
    let wanted = true
    ask().then(
      (value) => wanted && set({ value }),
      (error) => wanted && set({ error }),
    )
    return () => { wanted = false }
  }, [...needs, turn])
  return [state, () => again((count) => count + 1)]
}

export function Waiting({ state }) {
  if (state.error) return html`<p class="problem" role="alert">${state.error.message}</p>`
  return state.value === undefined ? html`<p class="dim" role="status">asking ...</p>` : null
}

/** A button that says what came of it. `sure`: it asks once more before it acts. */
export function Act({ label, sure, run, kind = '' }) {
  const [state, set] = useState('')
  const act = async () => {
    if (sure && state !== 'sure') { set('sure'); return }
    set('busy')
    try { await run(); set('') } catch (error) { set(error.message) }
  }
  const told = state !== '' && state !== 'busy' && state !== 'sure'
  return html`<button type="button" class=${kind} disabled=${state === 'busy'} onClick=${act}
      onBlur=${() => state === 'sure' && set('')}>${state === 'sure' ? `${label}: sure?` : label}</button>
    ${told && html`<span class="problem" role="alert">${state}</span>`}`
}

export const Empty = ({ children }) => html`<p class="empty">${children}</p>`

/** A table whose rows come as arrays; columns that hold numbers are named in `right`. */
export const Table = ({ head, rows, label }) => html`
  <div class="scroll" tabindex="0" role="region" aria-label=${label}>
    <table><thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
    <tbody>${rows.map((cells) => html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table>
  </div>`
