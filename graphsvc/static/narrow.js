// Approving less than was asked: lower numbers, fewer entries, a shorter time.
import { html } from './ui.js'

const MINUTES = 60

/** What may be narrowed of the properties of an action: numbers and lists. */
export const narrowable = (properties) => Object.entries(properties ?? {}).filter(([, value]) =>
  typeof value === 'number' || (Array.isArray(value) && value.length > 1))

/** The scope for the service: null when nothing is narrower than asked. */
export function scopeOf(properties, given) {
  const changed = {}
  for (const [name, value] of narrowable(properties)) {
    if (!(name in given)) continue
    const wanted = typeof value === 'number' ? Number(given[name]) : value.filter((each) => !given[name].includes(JSON.stringify(each)))
    if (typeof value === 'number' && !(wanted <= value)) throw new Error(`${name}: a number up to ${value}`)
    if (Array.isArray(wanted) && !wanted.length) throw new Error(`${name}: leave at least one entry`)
    if (JSON.stringify(wanted) !== JSON.stringify(value)) changed[name] = wanted
  }
  const scope = {}
  if (Object.keys(changed).length) scope.properties = changed
  if (given.minutes) {
    if (!(Number(given.minutes) > 0 && Number(given.minutes) <= MINUTES)) throw new Error(`minutes: a number from 1 to ${MINUTES}`)
    scope.expiresAt = new Date(Date.now() + Number(given.minutes) * 60_000).toISOString()
  }
  return Object.keys(scope).length ? scope : null
}

/** given: what was entered so far, by name; of a list the entries that are left out. */
export function Narrow({ properties, given, set }) {
  const toggle = (name, entry) => {
    const out = given[name] ?? []
    set({ ...given, [name]: out.includes(entry) ? out.filter((each) => each !== entry) : [...out, entry] })
  }
  return html`<details class="narrow"><summary>Narrow it</summary><div class="give">
    ${narrowable(properties).map(([name, value]) => (typeof value === 'number'
      ? html`<label>${name} <input inputmode="decimal" value=${given[name] ?? value} onInput=${(event) => set({ ...given, [name]: event.target.value })} /> <small class="dim">of ${value}</small></label>`
      : html`<fieldset><legend>${name}</legend>${value.map((each) => html`<label class="check"><input type="checkbox"
          checked=${!(given[name] ?? []).includes(JSON.stringify(each))} onChange=${() => toggle(name, JSON.stringify(each))} /> ${typeof each === 'string' ? each : JSON.stringify(each)}</label>`)}</fieldset>`))}
    <label>Minutes to use it <input inputmode="numeric" placeholder="60" value=${given.minutes ?? ''} onInput=${(event) => set({ ...given, minutes: event.target.value })} /></label>
  </div></details>`
}
