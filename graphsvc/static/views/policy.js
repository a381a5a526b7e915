// The rules: in force, on trial, in draft, and every version that was.
import { ask, change, may } from '../api.js'
import { Diff } from '../diff.js'
import { DRAFTS, POLICIES, REINSTATE, ROLLBACK, SUSPEND, TRIALS, VERSIONS } from '../query.js'
import { Act, Empty, html, link, Severity, Table, Time, useAnswer, useState, Waiting } from '../ui.js'
import { Drafts, Try } from './draft.js'
import { Trials } from './trial.js'

function Patterns({ patterns, done }) {
  const [stopped, mark] = useState([])
  const stop = (id) => async () => { await change(SUSPEND, { v: { kind: 'pattern', id, reason: 'by hand' } }); mark([...stopped, id]); done() }
  const start = (id) => async () => { await change(REINSTATE, { id, kind: 'pattern' }); mark(stopped.filter((each) => each !== id)); done() }
  return html`<section><h2>Patterns in force</h2>${patterns.length ? html`<${Table} label="Patterns in force" head=${['Pattern', 'Severity', 'On match', 'Scope', 'Steps', 'Pack', 'Change']}
      rows=${patterns.map((each) => [html`<b>${each.id}</b> <span class="dim">${each.title === each.id ? '' : each.title}</span>`, html`<${Severity} value=${each.severity} />`,
        each.onMatch, each.scope, each.steps.join(', '), html`<a href=${link('policies', each.pack)}>${each.pack}</a> ${each.version}`,
        may('approver', 'admin') ? (stopped.includes(each.id) ? html`<${Act} label="Reinstate" run=${start(each.id)} />`
          : html`<${Act} label="Suspend" kind="quiet" sure run=${stop(each.id)} />`) : ''])} />`
      : html`<${Empty}>No rules are in force: publish a pack with graphsvc policy publish.<//>`}</section>`
}

const load = async () => Object.assign({}, ...await Promise.all([POLICIES, VERSIONS, DRAFTS, TRIALS].map((each) => ask(each))))

export function Policies({ id }) {
  if (id) return html`<${Versions} pack=${id} />`
  const [state, again] = useAnswer(load, [])
  if (!state.value) return html`<h1>Policies</h1><${Waiting} state=${state} />`
  const { policies, patterns, policyDrafts, policyTrials, wouldHaveStopped } = state.value
  return html`<h1>Policies</h1>
    <${Drafts} drafts=${policyDrafts} policies=${policies} done=${again} />
    <${Trials} trials=${policyTrials} stopped=${wouldHaveStopped} done=${again} />
    <${Patterns} patterns=${patterns} done=${again} />
    <section><h2>Published</h2>${policies.length ? html`<${Table} label="Publications" head=${['When', 'Pack', 'Version', 'By', 'Comment', 'In force', 'SHA-256']}
      rows=${policies.map((each) => [html`<${Time} at=${each.publishedAt} />`, html`<a href=${link('policies', each.pack)}>${each.pack}</a>`, each.version, each.publishedBy, each.comment, each.inForce ? 'yes' : '', html`<code title=${each.sha256}>${each.sha256.slice(0, 12)}</code>`])} />`
      : html`<${Empty}>Nothing yet.<//>`}</section>
    <${Try} done=${again} />`
}

/** Every text of a pack; two of them line by line. */
function Versions({ pack }) {
  const [state, again] = useAnswer(async () => (await ask(VERSIONS)).policies.filter((each) => each.pack === pack), [pack])
  const [chosen, choose] = useState([1, 0])
  if (!state.value) return html`<h1>${pack}</h1><${Waiting} state=${state} />`
  const texts = state.value
  if (!texts.length) return html`<h1>${pack}</h1><${Empty}>No pack of this name was published.<//>`
  const [before, after] = chosen.map((place) => texts[Math.min(place, texts.length - 1)])
  const pick = (which, label) => html`<label>${label} <select value=${Math.min(chosen[which], texts.length - 1)}
    onChange=${(event) => choose(chosen.map((each, place) => (place === which ? Number(event.target.value) : each)))}>
    ${texts.map((each, place) => html`<option value=${place}>${each.version}, ${each.publishedAt.slice(0, 19).replace('T', ' ')}${each.inForce ? ' (in force)' : ''}</option>`)}</select></label>`
  const back = (each) => async () => { await change(ROLLBACK, { v: { pack, version: each.version, comment: 'from the dashboard' } }); again() }
  return html`<h1>${pack} <a class="dim" href=${link('policies')}>all policies</a></h1>
    <${Table} label="Versions" head=${['Published', 'Version', 'By', 'Comment', 'In force', 'Change']} rows=${texts.map((each) => [html`<${Time} at=${each.publishedAt} />`,
      each.version, each.publishedBy, each.comment, each.inForce ? 'yes' : '', may('admin') && !each.inForce ? html`<${Act} label="Roll back to it" kind="quiet" sure run=${back(each)} />` : ''])} />
    <section><h2>What changed</h2><div class="filters">${pick(0, 'From')}${pick(1, 'To')}</div>
      ${texts.length > 1 ? html`<${Diff} label="Differences of the two texts" before=${before.text} after=${after.text} />`
        : html`<pre class="diff" tabindex="0" role="region" aria-label="Text of the pack">${after.text}</pre>`}</section>`
}
