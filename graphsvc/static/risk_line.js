// Risk as it was judged at each decision (in its chain, after the action had it been permitted), 0 at the bottom and 1 at the top; that it fades in between is not drawn.
import { html, Time } from './ui.js'

const WIDTH = 480
const HEIGHT = 64

/** Points of the line, oldest first: [x, y] in the picture. Times that are all the same are spread by their order. */
export function points(decisions) {
  const oldest = [...decisions].reverse().map((each) => ({ at: Date.parse(each.decidedAt), risk: each.risk.after }))
  if (!oldest.length) return []
  const [first, last] = [oldest[0].at, oldest[oldest.length - 1].at]
  const x = (each, place) => (last > first ? (each.at - first) / (last - first) : place / Math.max(1, oldest.length - 1)) * WIDTH
  return oldest.map((each, place) => [Math.round(x(each, place)), Math.round((1 - each.risk) * HEIGHT)])
}

/** decisions: newest first, as a list of them comes. Nothing is drawn of fewer than two. */
export function RiskLine({ decisions }) {
  if (decisions.length < 2) return null
  const [[start, level], ...rest] = points(decisions)
  const path = rest.reduce((line, [x, y]) => `${line} H${x} V${y}`, `M${start} ${level}`)
  const risks = decisions.map((each) => each.risk.after)
  const told = `risk judged at the last ${decisions.length} decisions: newest ${risks[0].toFixed(2)}, highest ${Math.max(...risks).toFixed(2)}`
  return html`<figure class="riskline"><svg role="img" aria-label=${told} viewBox=${`-2 -2 ${WIDTH + 4} ${HEIGHT + 4}`} preserveAspectRatio="none">
      <path class="level" d=${`M0 ${HEIGHT} H${WIDTH} M0 0 H${WIDTH}`} /><path class="line" d=${path} /></svg>
    <figcaption class="dim"><${Time} at=${decisions[decisions.length - 1].decidedAt} /> to <${Time} at=${decisions[0].decidedAt} />, 0 to 1; each in its chain, had the action been permitted</figcaption></figure>`
}
