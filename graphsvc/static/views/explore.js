// What could go wrong at all: combinations of rights, and the ways from one identity to another.
import { ask, may } from '../api.js'
import { COMBINATIONS, PATHS } from '../query.js'
import { bare, Empty, html, link, Severity, Table, useAnswer, useState, Waiting } from '../ui.js'

const ORDER = ['critical', 'high', 'medium', 'low']
const STEP = { width: 190, gap: 70, height: 54 }

const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text)
const short = (id) => cut(id.split(/[/:]/).pop() || id, 24)

/** A path as a row of boxes; the table beneath says the same in words. */
function Picture({ path }) {
  const nodes = [path.from, ...path.hops.map((hop) => hop.to)]
  const width = nodes.length * STEP.width + (nodes.length - 1) * STEP.gap + 4
  const told = nodes.map(short).join(' to ')
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${`Picture of the path ${told}`}>
    <svg class="graph" role="img" aria-label=${told} width=${width} height="110" viewBox=${`0 0 ${width} 110`}>
    ${path.hops.map((hop, place) => {
      const start = 2 + (place + 1) * STEP.width + place * STEP.gap
      return html`<g class=${hop.certainty === 'unknown' ? 'maybe' : ''}><line x1=${start} y1="47" x2=${start + STEP.gap - 9} y2="47" />
        <path d=${`M${start + STEP.gap - 10} 41 l9 6 l-9 6 z`} />
        <text class="how" x=${start + STEP.gap / 2} y="36" text-anchor="middle">${hop.how}</text>
        <text class="how" x=${start + STEP.gap / 2} y="96" text-anchor="middle">${cut(hop.pattern ?? '', 30)}</text></g>`
    })}
    ${nodes.map((node, place) => html`<g class=${place === nodes.length - 1 ? 'end' : ''}><title>${node}</title>
      <rect x=${2 + place * (STEP.width + STEP.gap)} y="20" width=${STEP.width} height=${STEP.height} rx="6" />
      <text x=${2 + place * (STEP.width + STEP.gap) + STEP.width / 2} y="52" text-anchor="middle">${short(node)}</text></g>`)}
    </svg></div>`
}

function Ways() {
  const [form, set] = useState({ from: '', to: 'admin' })
  const [asked, look] = useState(null)
  const [state] = useAnswer(() => (asked ? ask(PATHS, { from: asked.from, to: asked.to || null }).then((data) => data.paths) : Promise.resolve(null)), [asked])
  return html`<section><h2>Ways</h2><form class="filters" onSubmit=${(event) => { event.preventDefault(); if (form.from.trim()) look({ ...form }) }}>
      <label>From <input required value=${form.from} onInput=${(event) => set({ ...form, from: event.target.value })} /></label>
      <label>To <input value=${form.to} placeholder="admin, tier:NAME, an id" onInput=${(event) => set({ ...form, to: event.target.value })} /></label>
      <button type="submit">Show ways</button></form>
    ${asked && html`<${Waiting} state=${state} />`}
    ${state.value && (state.value.paths.length ? state.value.paths.slice(0, 20).map((path) => html`<article><${Picture} path=${path} />
      <${Table} label="The path, hop by hop" head=${['From', 'To', 'How', 'By', 'Sure']} rows=${path.hops.map((hop) => [hop.from, hop.to, hop.how,
        [hop.pattern, ...hop.rights].filter(Boolean).join(', '), hop.certainty === 'yes' ? 'yes' : `if ${hop.conditions.join('; ')}`])} /></article>`)
      : html`<${Empty}>There is no way.<//>`)}
    ${state.value?.truncated && html`<p class="dim">A limit was reached: there may be more.</p>`}</section>`
}

export function Explore() {
  const [min, set] = useState('high')
  const allowed = may('analyst', 'admin')
  const [state] = useAnswer(() => (allowed ? ask(COMBINATIONS, { min }).then((data) => data.combinations) : Promise.resolve(null)), [min])
  if (!allowed) return html`<h1>Explore</h1><${Empty}>This needs a token with the role analyst or admin.<//>`
  const groups = new Map()
  for (const each of state.value?.combinations ?? []) {
    const key = JSON.stringify([each.pattern, each.gives, each.certainty])
    const group = groups.get(key) ?? { ...each, who: [] }
    group.who.push(each.identity)
    groups.set(key, group)
  }
  const rows = [...groups.values()].sort((one, other) => ORDER.indexOf(one.severity) - ORDER.indexOf(other.severity) || other.who.length - one.who.length)
  return html`<h1>Explore</h1><${Ways} />
    <section><h2>Rights that together give more</h2><div class="filters"><label>At least <select value=${min} onChange=${(event) => set(event.target.value)}>
      ${ORDER.map((each) => html`<option value=${each}>${each}</option>`)}</select></label></div>
    <${Waiting} state=${state} />
    ${state.value && (rows.length ? html`<${Table} label="Combinations of rights" head=${['Severity', 'Combination', 'Gives', 'Sure', 'Held by']}
      rows=${rows.map((each) => [html`<${Severity} value=${each.severity} />`, html`<b>${each.title}</b> <small class="dim">${each.pattern}</small>`,
        [each.gives, each.values.length === 1 ? short(each.values[0]) : ''].filter(Boolean).join(' '), each.certainty === 'yes' ? 'yes' : 'perhaps',
        html`<details><summary>${each.who.length}: ${short(bare(each.who[0]))}</summary><ul class="plain">${each.who.slice(0, 200).map((who) => html`<li><a href=${link('identity', bare(who))}>${bare(who)}</a></li>`)}</ul></details>`])} />`
      : html`<${Empty}>No combination of this severity.<//>`)}
    ${state.value && html`<p class="dim">At ${state.value.revision}, by ${state.value.packs.map((each) => `${each.pack} ${each.version}`).join(', ')}${state.value.truncated ? '; a limit was reached, there may be more' : ''}.</p>`}</section>`
}
