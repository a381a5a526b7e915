// A small directed graph as a picture: layers from left to right, straight enough to follow, the same words beneath.
import { html } from './ui.js'

const BOX = { width: 176, height: 30, across: 92, down: 12 }
const MOST = 80

const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text)
/** The telling end of a name; the whole is the title. */
export const short = (id) => cut(id.split(/[/:]/).pop() || id, 24)

/** Layers by the longest way from where nothing leads to; within a layer near what leads there. */
function layered(names, edges) {
  const depth = new Map(names.map((name) => [name, 0]))
  for (let turn = 0; turn < names.length; turn += 1) {
    let moved = false
    for (const { from, to } of edges) {
      if (depth.get(to) < depth.get(from) + 1 && depth.get(from) + 1 < names.length) { depth.set(to, depth.get(from) + 1); moved = true }
    }
    if (!moved) break
  }
  const layers = []
  for (const name of names) (layers[depth.get(name)] ??= []).push(name)
  const shown = layers.filter(Boolean)
  const place = new Map()
  const settle = (layer) => layer.forEach((name, row) => place.set(name, row))
  shown.forEach(settle)
  for (let turn = 0; turn < 4; turn += 1) {
    for (const layer of shown) {
      const pull = (name) => {
        const near = edges.filter((edge) => edge.from === name || edge.to === name).map((edge) => place.get(edge.from === name ? edge.to : edge.from))
        return near.length ? near.reduce((one, other) => one + other, 0) / near.length : place.get(name)
      }
      const pulls = new Map(layer.map((name) => [name, pull(name)]))
      layer.sort((one, other) => pulls.get(one) - pulls.get(other))
      settle(layer)
    }
  }
  return shown
}

/**
 * nodes: `{id, mark}`, mark: start, end or nothing. edges: `{from, to, how, maybe}`. label: for those who do not see it.
 * A cycle is drawn with an edge that goes back.
 */
export function Graph({ nodes, edges, label }) {
  const kept = nodes.slice(0, MOST)
  const known = new Set(kept.map((node) => node.id))
  const drawn = edges.filter((edge) => known.has(edge.from) && known.has(edge.to))
  const layers = layered(kept.map((node) => node.id), drawn)
  const tallest = Math.max(1, ...layers.map((layer) => layer.length))
  const height = tallest * (BOX.height + BOX.down) + 14
  const width = layers.length * (BOX.width + BOX.across) - BOX.across + 4
  const at = new Map()
  layers.forEach((layer, column) => layer.forEach((name, row) => at.set(name, {
    x: 2 + column * (BOX.width + BOX.across),
    y: 8 + (row + (tallest - layer.length) / 2) * (BOX.height + BOX.down),
  })))
  const line = ({ from, to }) => {
    const [start, end] = [at.get(from), at.get(to)]
    const [x1, y1, x2, y2] = [start.x + BOX.width, start.y + BOX.height / 2, end.x - 7, end.y + BOX.height / 2]
    const bend = Math.max(30, Math.abs(x2 - x1) / 2)
    return `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`
  }
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${label}>
    <svg class="graph" role="img" aria-label=${label} width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`}>
      ${drawn.map((edge) => {
        const [start, end] = [at.get(edge.from), at.get(edge.to)]
        return html`<g class=${edge.maybe ? 'maybe' : ''}><path class="line" d=${line(edge)}><title>${edge.how}</title></path>
          <path class="tip" d=${`M${end.x - 8} ${end.y + BOX.height / 2 - 5} l8 5 l-8 5 z`} />
          <text class="how" x=${(start.x + BOX.width + end.x) / 2} y=${(start.y + end.y) / 2 + BOX.height / 2 - 5} text-anchor="middle">${cut(edge.how, 15)}</text></g>`
      })}
      ${kept.map((node) => html`<g class=${node.mark ?? ''}><title>${node.id}</title>
        <rect x=${at.get(node.id).x} y=${at.get(node.id).y} width=${BOX.width} height=${BOX.height} rx="5" />
        <text x=${at.get(node.id).x + BOX.width / 2} y=${at.get(node.id).y + 19} text-anchor="middle">${short(node.id)}</text></g>`)}
    </svg></div>
    ${nodes.length > kept.length && html`<p class="dim">${nodes.length - kept.length} more are in the table only.</p>`}`
}

/** Nodes and edges of several ways, each once. ways: lists of `{from, to, how, maybe}`. */
export function merged(ways, starts, ends) {
  const nodes = new Map()
  const edges = new Map()
  const mark = (id) => (ends.has(id) ? 'end' : starts.has(id) ? 'start' : '')
  for (const hop of ways.flat()) {
    for (const id of [hop.from, hop.to]) if (!nodes.has(id)) nodes.set(id, { id, mark: mark(id) })
    edges.set(JSON.stringify([hop.from, hop.to, hop.how]), hop)
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()] }
}
