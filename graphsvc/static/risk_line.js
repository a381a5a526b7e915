// Risk as it was judged at each decision (after the action, had it been permitted), 0 at the bottom and 1 at the top, a line for each chain; that it fades in between is not drawn.
import { bare, html, link, Time } from './ui.js'

const WIDTH = 480
const HEIGHT = 64

/** Lines by chain, the one decided on last first: [{chain, risk, points: [[x, y]]}], oldest point first. Times that are all the same are spread by their order. */
export function lines(decisions) {
  const oldest = [...decisions].reverse().map((each) => ({ chain: each.chain, at: Date.parse(each.decidedAt), risk: each.risk.after }))
  if (!oldest.length) return []
  const [first, last] = [oldest[0].at, oldest[oldest.length - 1].at]
  const x = (each, place) => (last > first ? (each.at - first) / (last - first) : place / Math.max(1, oldest.length - 1)) * WIDTH
  const found = new Map()
  oldest.forEach((each, place) => {
    const line = found.get(each.chain) ?? { chain: each.chain, points: [] }
    line.points.push([Math.round(x(each, place)), Math.round((1 - each.risk) * HEIGHT)])
    line.risk = each.risk
    found.delete(each.chain)
    found.set(each.chain, line)
  })
  return [...found.values()].reverse()
}

const path = ([[start, level], ...rest]) => rest.reduce((line, [x, y]) => `${line} H${x} V${y}`, `M${start} ${level} h0`)

/** decisions: newest first, as a list of them comes. Nothing is drawn of fewer than two. */
export function RiskLine({ decisions }) {
  if (decisions.length < 2) return null
  const drawn = lines(decisions)
  const highest = Math.max(...decisions.map((each) => each.risk.after)).toFixed(2)
  const told = `risk judged at the last ${decisions.length} decisions, in ${drawn.length} ${drawn.length > 1 ? 'chains' : 'chain'}: newest ${drawn[0].risk.toFixed(2)}, highest ${highest}`
  const [newest, ...others] = drawn
  const named = (line) => html`<a href=${link('chain', bare(line.chain))}>${bare(line.chain)}</a> ${line.risk.toFixed(2)}`
  return html`<figure class="riskline"><svg role="img" aria-label=${told} viewBox=${`-2 -2 ${WIDTH + 4} ${HEIGHT + 4}`} preserveAspectRatio="none">
      <path class="level" d=${`M0 ${HEIGHT} H${WIDTH} M0 0 H${WIDTH}`} />
      ${others.map((line) => html`<path class="line other" d=${path(line.points)}><title>${`${bare(line.chain)}: ${line.risk.toFixed(2)}`}</title></path>`)}
      <path class="line" d=${path(newest.points)}><title>${`${bare(newest.chain)}: ${newest.risk.toFixed(2)}`}</title></path></svg>
    <figcaption class="dim"><${Time} at=${decisions[decisions.length - 1].decidedAt} /> to <${Time} at=${decisions[0].decidedAt} />, 0 to 1, had the action been permitted.
      Lit: ${named(newest)}${others.length > 0 && html`; others: ${others.slice(0, 5).map((line, place) => html`${place > 0 && ', '}${named(line)}`)}${others.length > 5 && `, ${others.length - 5} more`}`}</figcaption></figure>`
}
