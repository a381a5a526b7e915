// One decision: why, the path it would have completed, and the chain it belongs to.
import { ask, may } from '../api.js'
import { CHAIN, DECISIONS, ONE } from '../query.js'
import { bare, Empty, html, link, Risk, Severity, Table, Time, useAnswer, Verdict, Waiting } from '../ui.js'

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

const Why = ({ decision }) => html`<section><h2>Why</h2>
  ${decision.reasons.length ? html`<ul>${decision.reasons.map((reason) => html`<li><code>${reason.code}</code> ${reason.message}
    ${reason.rule && html`<small class="dim">${reason.rule}</small>`}</li>`)}</ul>` : html`<p class="dim">Nothing speaks against it.</p>`}
  </section>`

function Completion({ completion, current }) {
  return html`<section class="completion"><h2><${Severity} value=${completion.pattern.severity} /> ${completion.pattern.title || completion.pattern.id}</h2>
    <p>${completion.explanation}</p>
    <ol class="path">${completion.path.map((step) => html`<li class=${bare(step.decision) === bare(current) ? 'last' : ''}>
      <span class="step">${step.step}</span> <a href=${link('decision', bare(step.decision))}>${step.action}</a>
      <span>${step.resource}</span> <small class="dim">${step.subject}, ${bare(step.chain)} no. ${step.index}, <${Time} at=${step.at} /></small></li>`)}</ol>
  </section>`
}

/** The chain as a line in time; what is part of a completed path is lit. */
export function Timeline({ actions, lit, current }) {
  return html`<ol class="timeline">${actions.map((each) => html`
    <li class=${[each.verdict.toLowerCase(), lit.has(bare(each.id)) ? 'lit' : '', bare(each.id) === bare(current) ? 'current' : ''].join(' ')}
      aria-current=${bare(each.id) === bare(current) ? 'step' : null}>
      <span class="index">${each.index}</span>
      <a href=${link('decision', bare(each.id))}>${each.action}</a> <span>${each.resource.type}:${each.resource.id}</span>
      <${Verdict} value=${each.verdict} /> <small class="dim">${each.subject.id}, <${Time} at=${each.decidedAt} /></small>
      ${lit.has(bare(each.id)) && html`<small class="mark">on the path</small>`}</li>`)}</ol>`
}

export function DecisionPage({ id }) {
  const [state] = useAnswer(() => load(id), [id])
  if (!state.value) return html`<h1>Decision</h1><${Waiting} state=${state} />`
  const { decision, chain, actions } = state.value
  const lit = new Set(decision.completions.flatMap((each) => each.path.map((step) => bare(step.decision))))
  const elsewhere = decision.completions.flatMap((each) => each.path).filter((step) => step.chain !== decision.chain)
  return html`<h1><${Verdict} value=${decision.verdict} /> ${decision.action} <span class="dim">${decision.resource.type}:${decision.resource.id}</span></h1>
    <dl class="facts"><dt>Who</dt><dd>${who(decision.subject)}</dd>
      ${decision.onBehalfOf.length ? html`<dt>For</dt><dd>${decision.onBehalfOf.map(who)}</dd>` : ''}
      <dt>When</dt><dd><${Time} at=${decision.decidedAt} /></dd><dt>Chain</dt><dd>${bare(decision.chain)}, action ${decision.index}</dd>
      <dt>Risk</dt><dd><${Risk} value=${decision.risk.before} /> to <${Risk} value=${decision.risk.after} /></dd>
      ${decision.review ? html`<dt>Review</dt><dd><a href=${link('reviews')}>${decision.review.status}</a></dd>` : ''}
      <dt>Audit</dt><dd>${may('auditor', 'analyst', 'admin') ? html`<a href=${link('audit', bare(decision.id))}>${decision.revision}</a>` : decision.revision}</dd></dl>
    <${Why} decision=${decision} />
    ${decision.completions.map((each) => html`<${Completion} completion=${each} current=${decision.id} />`)}
    <section><h2>The chain${elsewhere.length ? html` <small>and ${new Set(elsewhere.map((step) => step.chain)).size} other(s) on the path</small>` : ''}</h2>
      <${Timeline} actions=${actions} lit=${lit} current=${decision.id} /></section>
    ${chain && html`<section><h2>One step from harm</h2>${chain.nearest.length
      ? html`<${Table} label="Patterns under way" head=${['Pattern', 'Severity', 'Still missing']} rows=${chain.nearest.map((each) => [
        each.pattern.title || each.pattern.id, html`<${Severity} value=${each.pattern.severity} />`, each.remaining.join(', ')])} />`
      : html`<${Empty}>No pattern is under way in this chain.<//>`}</section>`}`
}
