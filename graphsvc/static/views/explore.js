// What could go wrong at all: the ways from one identity to another, rights that together give more, and what a change would do.
import { ask, may } from '../api.js'
import { Graph, merged, short } from '../graph.js'
import { COMBINATIONS, PATHS, WHAT_IF } from '../query.js'
import { bare, Empty, html, link, Severity, Table, useAnswer, useState, Waiting } from '../ui.js'

export const ORDER = ['critical', 'high', 'medium', 'low']
const DRAWN = 40
const KINDS = ['MEMBER_OF', 'HAS_ROLE', 'GRANTED', 'ACTS_FOR', 'CONTAINS', 'OWNS']

/** Every way in one picture; the table beneath says the same in words. */
function Found({ ways }) {
  const drawn = ways.slice(0, DRAWN)
  const { nodes, edges } = merged(drawn.map((path) => path.hops.map((hop) => ({ from: hop.from, to: hop.to, how: hop.pattern ?? hop.how, maybe: hop.certainty !== 'yes' }))),
    new Set(drawn.map((path) => path.from)), new Set(drawn.map((path) => path.to)))
  return html`<p role="status">${ways.length} ${ways.length === 1 ? 'way' : 'ways'}${ways.length > DRAWN ? `, ${DRAWN} are drawn` : ''}. What holds only under conditions is dashed.</p>
    <${Graph} nodes=${nodes} edges=${edges} label=${`Ways from ${drawn[0].from} to ${drawn[0].to}`} />
    <${Table} label="The ways, hop by hop" head=${['Way', 'From', 'To', 'How', 'By', 'Sure']} rows=${drawn.flatMap((path, number) => path.hops.map((hop) => [number + 1, hop.from, hop.to, hop.how,
      [hop.pattern, ...hop.rights].filter(Boolean).join(', '), hop.certainty === 'yes' ? 'yes' : `if ${hop.conditions.join('; ')}`]))} />`
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
    ${state.value && (state.value.paths.length ? html`<${Found} ways=${state.value.paths} />` : html`<${Empty}>There is no way.<//>`)}
    ${state.value?.truncated && html`<p class="dim">A limit was reached: there may be more.</p>`}</section>`
}

/** How an identity comes by the rights of a combination. */
function Combined({ found }) {
  const hops = found.permissions.map((held) => [
    ...held.via.map((edge) => ({ from: edge.from, to: edge.to, how: edge.type, maybe: held.conditions.length > 0 })),
    { from: held.via.at(-1)?.to ?? found.identity, to: held.right, how: held.on ? `on ${short(held.on)}` : 'allows', maybe: held.conditions.length > 0 },
    { from: held.right, to: found.title, how: 'together', maybe: found.certainty !== 'yes' }])
  const { nodes, edges } = merged(hops, new Set([found.identity]), new Set([found.title]))
  return html`<${Graph} nodes=${nodes} edges=${edges} label=${`How ${found.identity} comes to: ${found.title}`} />`
}

function Combinations({ min }) {
  const [state] = useAnswer(() => ask(COMBINATIONS, { min }).then((data) => data.combinations), [min])
  const [shown, show] = useState(null)
  if (!state.value) return html`<${Waiting} state=${state} />`
  const groups = new Map()
  for (const each of state.value.combinations) {
    const key = JSON.stringify([each.pattern, each.gives, each.certainty])
    const group = groups.get(key) ?? { ...each, all: [] }
    group.all.push(each)
    groups.set(key, group)
  }
  const rows = [...groups.values()].sort((one, other) => ORDER.indexOf(one.severity) - ORDER.indexOf(other.severity) || other.all.length - one.all.length)
  const who = (each) => html`<li><a href=${link('identity', bare(each.identity))}>${bare(each.identity)}</a>
    <button type="button" class="quiet small" onClick=${() => show(each)}>picture</button></li>`
  return html`${rows.length ? html`<${Table} label="Combinations of rights" head=${['Severity', 'Combination', 'Gives', 'Sure', 'Held by']}
      rows=${rows.map((each) => [html`<${Severity} value=${each.severity} />`, html`<b>${each.title}</b> <small class="dim">${each.pattern}</small>`,
        [each.gives, each.values.length === 1 ? short(each.values[0]) : ''].filter(Boolean).join(' '), each.certainty === 'yes' ? 'yes' : 'perhaps',
        html`<details><summary>${each.all.length}: ${short(bare(each.all[0].identity))}</summary><ul class="plain">${each.all.slice(0, 200).map(who)}</ul></details>`])} />`
      : html`<${Empty}>No combination of this severity.<//>`}
    ${shown && html`<h3>${bare(shown.identity)}: ${shown.title}</h3><${Combined} found=${shown} />`}
    <p class="dim">At ${state.value.revision}, by ${state.value.packs.map((each) => `${each.pack} ${each.version}`).join(', ')}${state.value.truncated ? '; a limit was reached, there may be more' : ''}.</p>`
}

const Changed = ({ title, rows }) => html`<h3>${title}</h3>${rows.length ? html`<${Table} label=${title} head=${['Severity', 'Who', 'Combination', 'Rights']}
  rows=${rows.slice(0, 100).map((each) => [html`<${Severity} value=${each.severity} />`, bare(each.identity), each.title, each.permissions.map((held) => held.right).join(', ')])} />`
  : html`<p class="dim">None.</p>`}`

/** One edge more or fewer, and which combinations that would make or end. */
function WhatIf() {
  const [form, set] = useState({ from: '', type: 'MEMBER_OF', to: '', way: 'add' })
  const [asked, look] = useState(null)
  const edge = asked && [{ from: asked.from.trim(), type: asked.type, to: asked.to.trim() }]
  const [state] = useAnswer(() => (asked ? ask(WHAT_IF, asked.way === 'add' ? { add: edge } : { remove: edge }).then((data) => data.whatIf) : Promise.resolve(null)), [asked])
  const field = (name, label, hint) => html`<label>${label} <input required value=${form[name]} placeholder=${hint} onInput=${(event) => set({ ...form, [name]: event.target.value })} /></label>`
  return html`<section><h2>What if</h2><form class="filters" onSubmit=${(event) => { event.preventDefault(); look({ ...form }) }}>
      ${field('from', 'Whoever', 'identity:ben')}
      <label>Edge <select value=${form.type} onChange=${(event) => set({ ...form, type: event.target.value })}>${KINDS.map((each) => html`<option value=${each}>${each}</option>`)}</select></label>
      ${field('to', 'Whatever', 'group:finance')}
      <label>Change <select value=${form.way} onChange=${(event) => set({ ...form, way: event.target.value })}><option value="add">is added</option><option value="remove">is taken away</option></select></label>
      <button type="submit">Ask</button> <span class="dim">Nothing is changed.</span></form>
    ${asked && html`<${Waiting} state=${state} />`}
    ${state.value && html`<${Changed} title="Would appear" rows=${state.value.appears} /><${Changed} title="Would vanish" rows=${state.value.vanishes} />`}</section>`
}

export function Explore() {
  const [min, set] = useState('high')
  if (!may('analyst', 'admin')) return html`<h1>Explore</h1><${Empty}>This needs a token with the role analyst or admin.<//>`
  return html`<h1>Explore</h1><${Ways} />
    <section><h2>Rights that together give more</h2><div class="filters"><label>At least <select value=${min} onChange=${(event) => set(event.target.value)}>
      ${ORDER.map((each) => html`<option value=${each}>${each}</option>`)}</select></label></div><${Combinations} min=${min} /></section>
    <${WhatIf} />`
}
