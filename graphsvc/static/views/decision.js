// One decision: why, the path it would have completed, and the chain it belongs to.
import { ask, may } from '../api.js'
import { CHAIN, DECISIONS, ONE } from '../query.js'
import { Timeline } from '../timeline.js'
import { bare, html, link, Property, Risk, Severity, Time, useAnswer, Verdict, Waiting } from '../ui.js'
import { Near } from './chain.js'

const who = (entity) => html`<a href=${link('identity', entity.id)}>${entity.id}</a> <small>${entity.type}</small>`

async function load(id) {
  const decision = (await ask(ONE, { id })).decision
  if (!decision) throw new Error(`there is no decision ${id} that you may see`)
  const [chain, page] = await Promise.all([
    ask(CHAIN, { id: decision.chain }).then((data) => data.chain, () => null),
    ask(DECISIONS, { first: 100, filter: { chain: decision.chain } }),
  ])
  const actions = page.decisions.edges.map((edge) => edge.node)
  return { decision, chain, actions: actions.sort((one, other) => one.index - other.index) }
}

/** A reason in words; a completion that is shown as a path needs no more than its name. */
const told = (decision, reason) => {
  const found = reason.code === 'pattern_completed' && decision.completions.find((each) => each.pattern.id === reason.rule)
  return found ? `completes: ${found.pattern.title || found.pattern.id}` : reason.message
}

const Why = ({ decision }) => html`<section><h2>Why</h2>
  ${decision.reasons.length ? html`<ul>${decision.reasons.map((reason) => html`<li><code>${reason.code}</code> ${told(decision, reason)}
    ${reason.rule && html` <small class="dim">${reason.rule}</small>`}</li>`)}</ul>` : html`<p class="dim">Nothing speaks against it.</p>`}
  </section>`

function Completion({ completion, current }) {
  return html`<section class="completion"><h2><${Severity} value=${completion.pattern.severity} /> ${completion.pattern.title || completion.pattern.id}</h2>
    <p>${completion.explanation}</p>
    <ol class="path">${completion.path.map((step) => html`<li class=${bare(step.decision) === bare(current) ? 'last' : ''}>
      <span class="step">${step.step}</span> <a href=${link('decision', bare(step.decision))}>${step.action}</a>
      <span>${step.resource}</span> <small class="dim">${step.subject}, ${bare(step.chain)} no. ${step.index}, <${Time} at=${step.at} /></small></li>`)}</ol>
  </section>`
}

const Properties = ({ value }) => (Object.keys(value ?? {}).length ? html`<dt>With</dt><dd>${Object.entries(value).map(([name, each]) =>
  html`<span><${Property} name=${name} value=${each} /></span>`)}</dd>` : '')

export function DecisionPage({ id }) {
  const [state] = useAnswer(() => load(id), [id])
  if (!state.value) return html`<h1>Decision</h1><${Waiting} state=${state} />`
  const { decision, chain, actions } = state.value
  const lit = new Set(decision.completions.flatMap((each) => each.path.map((step) => bare(step.decision))))
  const elsewhere = decision.completions.flatMap((each) => each.path).filter((step) => step.chain !== decision.chain)
  return html`<h1><${Verdict} value=${decision.verdict} /> ${decision.action} <span class="dim">${decision.resource.type}:${decision.resource.id}</span></h1>
    <dl class="facts"><dt>Who</dt><dd>${who(decision.subject)}</dd>
      ${decision.onBehalfOf.length ? html`<dt>For</dt><dd>${decision.onBehalfOf.map(who)}</dd>` : ''}
      <dt>When</dt><dd><${Time} at=${decision.decidedAt} /></dd><dt>Chain</dt><dd><a href=${link('chain', bare(decision.chain))}>${bare(decision.chain)}</a> action ${decision.index}</dd>
      <${Properties} value=${decision.properties} />
      <dt>Risk</dt><dd><${Risk} value=${decision.risk.before} /> to <${Risk} value=${decision.risk.after} /></dd>
      ${decision.review ? html`<dt>Review</dt><dd><a href=${link('reviews')}>${decision.review.status}</a></dd>` : ''}
      <dt>Audit</dt><dd>${may('auditor', 'analyst', 'admin') ? html`<a href=${link('audit', bare(decision.id))}>${decision.revision}</a>` : decision.revision}</dd></dl>
    <${Why} decision=${decision} />
    ${decision.completions.map((each) => html`<${Completion} completion=${each} current=${decision.id} />`)}
    <section><h2>The chain${elsewhere.length ? html` <small>and ${new Set(elsewhere.map((step) => step.chain)).size} other(s) on the path</small>` : ''}</h2>
      <${Timeline} actions=${actions} lit=${lit} current=${decision.id} /></section>
    ${chain && html`<${Near} near=${chain.nearest} />`}`
}
