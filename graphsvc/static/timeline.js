// A chain as a line in time: what happened, what fed what, and the completed path, lit.
import { bare, html, link, Time, Verdict } from './ui.js'

const ROW = 32
const LANE = 9
const LANES = 7

/** Which rows feed a row: those that were named, else the one before, as a sign that nothing was said. */
const feeds = (actions) => {
  const place = new Map(actions.map((each, row) => [bare(each.id), row]))
  return actions.flatMap((each, row) => (each.parents ?? []).flatMap((parent) => {
    const from = place.get(bare(parent))
    return from === undefined ? [] : [{ from, to: row, lit: false }]
  }))
}

const arc = ({ from, to }, right) => {
  const [start, end] = [from * ROW + ROW / 2, to * ROW + ROW / 2]
  const out = right - LANE * Math.min(LANES, Math.abs(to - from))
  return `M${right} ${start} C${out} ${start} ${out} ${end} ${right - 5} ${end}`
}

/** lit: ids of actions on a completed path, in its order. current: the id of the action that is looked at. */
export function Timeline({ actions, lit = new Set(), current = '' }) {
  const on = actions.flatMap((each, row) => (lit.has(bare(each.id)) ? [row] : []))
  const path = on.slice(1).map((row, place) => ({ from: on[place], to: row, lit: true }))
  const arcs = [...feeds(actions), ...path]
  const right = LANE * (LANES + 1)
  const told = (each) => (each.parents === null ? 'may hold all before it'
    : each.parents.length ? `fed by ${each.parents.map((parent) => actions.find((other) => bare(other.id) === bare(parent))?.index ?? 'another chain').join(', ')}` : 'fed by nothing')
  return html`<div class="flow">
    ${arcs.length > 0 && html`<svg class="arcs" aria-hidden="true" width=${right + 2} height=${actions.length * ROW}>
      ${arcs.map((each) => html`<g class=${each.lit ? 'lit' : ''}><path class="line" d=${arc(each, right)} />
        <path class="tip" d=${`M${right - 6} ${each.to * ROW + ROW / 2 - 4} l6 4 l-6 4 z`} /></g>`)}</svg>`}
    <ol class="timeline">${actions.map((each) => html`
      <li class=${[each.verdict.toLowerCase(), lit.has(bare(each.id)) ? 'lit' : '', bare(each.id) === bare(current) ? 'current' : ''].join(' ')}
        aria-current=${bare(each.id) === bare(current) ? 'step' : null}>
        <span class="index">${each.index}</span> <${Verdict} value=${each.verdict} />
        <a href=${link('decision', bare(each.id))}>${each.action}</a> <span>${each.resource.type}:${each.resource.id}</span>
        ${lit.has(bare(each.id)) && html`<small class="mark">on the path</small>`}
        <small class="dim">${each.subject.id}, <${Time} at=${each.decidedAt} />, ${told(each)}</small></li>`)}</ol></div>`
}
