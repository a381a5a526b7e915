// Two texts line by line: what went, what came, and a few lines around.
import { Empty, html } from './ui.js'

const AROUND = 3
const MOST = 4000

/** Lines as `[sign, text]`, sign: ' ', '-' or '+'; by the longest common part. */
export function lines(before, after) {
  const [one, other] = [before.split('\n'), after.split('\n')]
  let start = 0
  while (start < one.length && start < other.length && one[start] === other[start]) start += 1
  let end = 0
  while (end < one.length - start && end < other.length - start && one.at(-1 - end) === other.at(-1 - end)) end += 1
  const [left, right] = [one.slice(start, one.length - end), other.slice(start, other.length - end)]
  const told = one.slice(0, start).map((text) => [' ', text])
  if (left.length * right.length > MOST * MOST / 4) {
    told.push(...left.map((text) => ['-', text]), ...right.map((text) => ['+', text]))
  } else {
    const common = Array.from({ length: left.length + 1 }, () => new Uint32Array(right.length + 1))
    for (let row = left.length - 1; row >= 0; row -= 1) {
      for (let column = right.length - 1; column >= 0; column -= 1) {
        common[row][column] = left[row] === right[column] ? common[row + 1][column + 1] + 1 : Math.max(common[row + 1][column], common[row][column + 1])
      }
    }
    let [row, column] = [0, 0]
    while (row < left.length || column < right.length) {
      if (row < left.length && column < right.length && left[row] === right[column]) { told.push([' ', left[row]]); row += 1; column += 1 }
      else if (column >= right.length || (row < left.length && common[row + 1][column] >= common[row][column + 1])) { told.push(['-', left[row]]); row += 1 }
      else { told.push(['+', right[column]]); column += 1 }
    }
  }
  return [...told, ...one.slice(one.length - end).map((text) => [' ', text])]
}

export function Diff({ before, after, label }) {
  const all = lines(before, after)
  const near = all.map((_, place) => all.slice(Math.max(0, place - AROUND), place + AROUND + 1).some(([sign]) => sign !== ' '))
  if (!near.some(Boolean)) return html`<${Empty}>The texts are the same.<//>`
  const parts = []
  all.forEach(([sign, text], place) => {
    if (near[place]) parts.push(html`<span class=${sign === '+' ? 'came' : sign === '-' ? 'went' : ''}>${`${sign} ${text}`}</span>`)
    else if (place === 0 || near[place - 1]) parts.push(html`<span class="gap">⋯</span>`)
  })
  return html`<pre class="diff" tabindex="0" role="region" aria-label=${label}>${parts}</pre>`
}
