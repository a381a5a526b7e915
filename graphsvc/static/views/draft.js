// Rules before they are in force: what a text would change, drafts that wait for a second person, and versions side by side.
import { ask, change, may } from '../api.js'
import { Diff } from '../diff.js'
import { DRAFT, PUBLISH_DRAFT, REPLAY, SHADOW, WITHDRAW_DRAFT } from '../query.js'
import { Act, Empty, html, Table, Time, useState, Verdict } from '../ui.js'
import { Examples } from './trial.js'

const names = (rows) => rows.slice(0, 12).map((each) => `${each.name} (+${each.tightened} -${each.loosened})`).join(', ')

/** What stored history would have been under these texts. */
function Replayed({ found }) {
  return html`<p role="status">${found.differing} of ${found.decisions} stored decisions would have been answered otherwise${found.complete ? '' : '; the time ran out, there are more'}.</p>
    ${found.moves.length > 0 && html`<${Table} label="Verdicts that move" head=${['From', 'To', 'Decisions']}
      rows=${found.moves.map((each) => [html`<${Verdict} value=${each.before} />`, html`<${Verdict} value=${each.after} />`, each.count])} />
      <p class="dim">Tightened and loosened, by pattern: ${names(found.patterns) || 'none'}; by identity: ${names(found.identities) || 'none'}</p>
      <${Examples} label="Decisions that would differ" rows=${found.examples.map((each) => ({ ...each, was: each.before, would: each.after,
        by: [...each.completedAfter.filter((id) => !each.completedBefore.includes(id)).map((id) => `+${id}`),
          ...each.completedBefore.filter((id) => !each.completedAfter.includes(id)).map((id) => `-${id}`)].join(', ') }))} />`}`
}

export function Replay({ files }) {
  const [found, set] = useState(null)
  const run = async () => set((await ask(REPLAY, { v: { files, first: 20, seconds: 30 } })).replayDiff)
  if (!may('analyst', 'admin')) return null
  return html`<${Act} label="What would it have changed?" kind="quiet" run=${run} />${found && html`<${Replayed} found=${found} />`}`
}

/** The pack that a text is of, as the text says. */
const packOf = (text) => /^pack:\s*(?:\{[^}]*?\bid:|\n(?:\s+.*\n)*?\s+id:)\s*["']?([\w.-]+)/m.exec(text)?.[1] ?? ''

function Draft({ draft, inForce, done }) {
  const files = draft.texts.map((yaml, place) => ({ yaml, file: draft.files[place] }))
  const act = (document) => async () => { await change(document, { draft: draft.draft }); done() }
  return html`<article><h3>${draft.comment || draft.files.join(', ')} <span class="dim">by ${draft.draftedBy}, <${Time} at=${draft.draftedAt} /></span></h3>
    ${files.map(({ yaml, file }) => html`<p><b>${packOf(yaml) || file}</b></p>
      <${Diff} label=${`What the draft of ${file} changes`} before=${inForce.get(packOf(yaml)) ?? ''} after=${yaml} />`)}
    <div class="answer">${may('admin') && html`<${Act} label="Publish" kind="good" sure run=${act(PUBLISH_DRAFT)} />`}
      ${may('analyst', 'admin') && html`<${Act} label="Withdraw" kind="bad" run=${act(WITHDRAW_DRAFT)} />`}
      <${Replay} files=${files} /></div></article>`
}

export function Drafts({ drafts, policies, done }) {
  const inForce = new Map(policies.filter((each) => each.inForce).map((each) => [each.pack, each.text]))
  return html`<section><h2>Drafts</h2>${drafts.length ? drafts.map((each) => html`<${Draft} key=${each.draft} draft=${each} inForce=${inForce} done=${done} />`)
    : html`<${Empty}>Nothing waits to be published.<//>`}</section>`
}

/** A place to try a text: against history, beside the rules in force, or handed in. */
export function Try({ done }) {
  const [text, set] = useState('')
  const [comment, say] = useState('')
  if (!may('analyst', 'admin')) return null
  const given = (run) => async () => {
    if (!text.trim()) throw new Error('put the text of a pack in first')
    await run()
    set('')
    done()
  }
  return html`<section><h2>Try a text</h2><details><summary>A pack in YAML</summary>
    <label class="block">Text <textarea rows="10" spellcheck="false" value=${text} onInput=${(event) => set(event.target.value)}></textarea></label>
    <div class="answer"><label for="comment">Comment</label><input id="comment" value=${comment} onInput=${(event) => say(event.target.value)} />
      <${Act} label="Put on trial" kind="quiet" run=${given(() => change(SHADOW, { v: { yaml: text, comment } }))} />
      <${Act} label="Hand in as draft" run=${given(() => change(DRAFT, { v: { yaml: text, comment } }))} /></div>
    ${text.trim() && html`<${Replay} key=${text.length} files=${[{ yaml: text, file: 'tried.yaml' }]} />`}</details></section>`
}
