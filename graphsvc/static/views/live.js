// Decisions as they are made, newest first, and where risk stands.
import { ask, follow } from '../api.js'
import { DECISIONS, NEAR, SUMMARY, WATCH } from '../query.js'
import { bare, Empty, html, link, Risk, Severity, Time, useEffect, useRef, useState, Verdict } from '../ui.js'

// Rows that are kept, rows that wait for the next picture at most, and how often there is one.
const KEPT = 300
const QUEUED = 2000
const EVERY_MS = 120
const VERDICTS = ['PERMIT', 'ESCALATE', 'DENY']

export const matches = (decision, text) => {
  if (!text) return true
  const hay = [
    decision.id, decision.chain, decision.action, decision.subject.id, decision.resource.type, decision.resource.id,
    ...decision.onBehalfOf.map((each) => each.id), ...decision.completions.map((each) => each.pattern.id),
    ...decision.reasons.map((each) => each.code),
  ].join('\n').toLowerCase()
  return text.toLowerCase().split(/\s+/).every((word) => hay.includes(word))
}

const why = (decision) => {
  if (decision.completions.length) {
    const { pattern } = decision.completions[0]
    const more = decision.completions.length - 1
    return html`<${Severity} value=${pattern.severity} /> ${pattern.id}${more > 0 ? ` +${more}` : ''}`
  }
  return decision.reasons.length ? html`<span class="dim">${decision.reasons[0].code}</span>` : ''
}

export const Row = ({ decision }) => html`<tr class=${decision.verdict.toLowerCase()}>
  <td><a href=${link('decision', bare(decision.id))}><${Time} at=${decision.decidedAt} /></a></td>
  <td><${Verdict} value=${decision.verdict} />${decision.wouldBe ? html` <small>would be ${decision.wouldBe}</small>` : ''}</td>
  <td><a href=${link('identity', decision.subject.id)}>${decision.subject.id}</a>${decision.onBehalfOf.length
    ? html` <small>for ${decision.onBehalfOf.map((each) => each.id).join(', ')}</small>` : ''}</td>
  <td>${decision.action}</td><td>${decision.resource.type}:${decision.resource.id}</td>
  <td>${why(decision)}</td><td><${Risk} value=${decision.risk.after} /></td></tr>`

// A decision never changes, so its row is made once; the same row again is nothing to compare.
const made = new WeakMap()
const rowOf = (decision) => {
  if (!made.has(decision)) made.set(decision, html`<${Row} key=${decision.id} decision=${decision} />`)
  return made.get(decision)
}

export const Rows = ({ decisions, label }) => html`<div class="scroll" tabindex="0" role="region" aria-label=${label}>
  <table class="decisions"><thead><tr>${['Time', 'Verdict', 'Who', 'Action', 'Resource', 'Why', 'Risk'].map((name) =>
    html`<th scope="col">${name}</th>`)}</tr></thead>
  <tbody>${decisions.map(rowOf)}</tbody></table></div>`

/** The answer of a document, asked anew every few seconds. */
function usePolled(document) {
  const [value, set] = useState(null)
  useEffect(() => {
    let wanted = true
    const look = () => ask(document).then((data) => wanted && set(data), () => {})
    look()
    const timer = setInterval(look, 5000)
    return () => { wanted = false; clearInterval(timer) }
  }, [])
  return value
}

/** Chains in which one more allowed action would complete a pattern. */
function OneStep() {
  const chains = usePolled(NEAR)?.chains.edges.map((edge) => edge.node) ?? []
  const grave = (each) => ['critical', 'high'].indexOf(each.pattern.severity)
  const near = chains.flatMap((chain) => chain.nearest.filter((each) => each.remaining.length === 1 && each.feasible && grave(each) >= 0)
    .slice(0, 1).map((each) => ({ chain, ...each }))).sort((one, other) => grave(one) - grave(other))
  if (!near.length) return null
  return html`<section class="near"><h2>One step from harm</h2><ul class="plain">${near.slice(0, 4).map((each) => html`
    <li><${Severity} value=${each.pattern.severity} /> <a href=${link('chain', bare(each.chain.id))}>${bare(each.chain.id)}</a> ${' '}
      <span>${each.pattern.title || each.pattern.id}: only <b>${each.remaining[0]}</b> is missing</span></li>`)}
    ${near.length > 4 && html`<li class="dim">${near.length - 4} more chains</li>`}</ul></section>`
}

function Summary() {
  const summary = usePolled(SUMMARY)?.riskSummary
  if (!summary) return null
  const count = (verdict) => summary.verdicts.find((each) => each.verdict === verdict)?.count ?? 0
  return html`<section class="tiles" aria-label="The last 24 hours">
    ${VERDICTS.map((verdict) => html`<div class="tile"><b>${count(verdict)}</b> <${Verdict} value=${verdict} /></div>`)}
    <a class="tile" href=${link('reviews')}><b>${summary.openReviews}</b> waiting for review</a>
    <div class="tile"><b>${summary.grantsInForce}</b> grants in force</div>
    <a class="tile" href=${link('suspended')}><b>${summary.suspended}</b> suspended</a>
    ${summary.riskiest.filter((each) => each.kind === 'identity').slice(0, 3).map((each) => html`
      <a class="tile" href=${link('identity', bare(each.id))}><${Risk} value=${each.risk} /> ${bare(each.id)}</a>`)}
  </section>`
}

export function Live() {
  const [rows, set] = useState([])
  const [told, tell] = useState('')
  const [text, search] = useState('')
  const [hidden, hide] = useState([])
  const [paused, pause] = useState(false)
  const waiting = useRef([])
  const skipped = useRef(0)
  const held = useRef(false)
  held.current = paused

  useEffect(() => {
    let stop = () => {}
    let wanted = true
    const flush = setInterval(() => {
      if (held.current || !waiting.current.length) return
      const fresh = waiting.current.reverse()
      waiting.current = []
      set((old) => {
        const seen = new Set(fresh.map((each) => each.id))
        return [...fresh, ...old.filter((each) => !seen.has(each.id))].slice(0, KEPT)
      })
      if (skipped.current) { tell(`${skipped.current} older ones are not shown`); skipped.current = 0 }
    }, EVERY_MS)
    ask(DECISIONS, { first: 100 }).then((data) => {
      if (!wanted) return
      const first = data.decisions.edges.map((edge) => edge.node)
      set(first)
      stop = follow(WATCH, {
        after: data.revision,
        onEvent: (event) => {
          waiting.current.push(event.decision)
          if (waiting.current.length > QUEUED) { waiting.current.splice(0, QUEUED / 2); skipped.current += QUEUED / 2 }
        },
        onGap: () => tell('some decisions were missed while the connection was away'),
      })
    }, (error) => tell(error.message))
    return () => { wanted = false; stop(); clearInterval(flush) }
  }, [])

  const shown = rows.filter((each) => !hidden.includes(each.verdict) && matches(each, text))
  const toggle = (verdict) => hide(hidden.includes(verdict) ? hidden.filter((each) => each !== verdict) : [...hidden, verdict])
  return html`<h1>Live decisions</h1><${Summary} /><${OneStep} />
    <div class="filters">
      <label>Search <input type="search" value=${text} placeholder="who, action, resource, rule" onInput=${(event) => search(event.target.value)} /></label>
      ${VERDICTS.map((verdict) => html`<label class="check"><input type="checkbox" checked=${!hidden.includes(verdict)}
        onChange=${() => toggle(verdict)} /> ${verdict}</label>`)}
      <button type="button" onClick=${() => pause(!paused)} aria-pressed=${paused}>${paused ? 'Go on' : 'Hold still'}</button>
      <span class="dim" role="status">${shown.length} of ${rows.length} shown${told && `; ${told}`}</span>
    </div>
    ${shown.length ? html`<${Rows} decisions=${shown} label="Decisions, newest first" />`
      : html`<${Empty}>Nothing ${rows.length ? 'fits the filter' : 'was decided yet; decisions appear here as they are made'}.<//>`}`
}
