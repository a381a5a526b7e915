// The frame of the dashboard: who is logged in, which view is shown, and whether what it shows is fresh.
import { claims, connection, door, loggedIn, logIn, logOut, look, onChange } from './api.js'
import { html, link, render, useEffect, useState } from './ui.js'
import { Audit } from './views/audit.js'
import { ChainPage } from './views/chain.js'
import { DecisionPage } from './views/decision.js'
import { Emergencies } from './views/emergency.js'
import { Explore } from './views/explore.js'
import { Findings } from './views/finding.js'
import { Identities, IdentityPage } from './views/identity.js'
import { Live } from './views/live.js'
import { Policies } from './views/policy.js'
import { Reviews } from './views/review.js'
import { Suspensions } from './views/suspension.js'

const VIEWS = [
  ['live', 'Live', Live],
  ['reviews', 'Reviews', Reviews],
  ['identities', 'Identities', Identities],
  ['explore', 'Explore', Explore],
  ['findings', 'Findings', Findings],
  ['policies', 'Policies', Policies],
  ['emergencies', 'Emergencies', Emergencies],
  ['audit', 'Audit', Audit],
]
const PAGES = { decision: DecisionPage, identity: IdentityPage, chain: ChainPage, suspended: Suspensions }

function place() {
  const [view = '', id = '', then = ''] = location.hash.replace(/^#\//, '').split('/')
  const plain = (text) => { try { return decodeURIComponent(text) } catch { return '' /* not a link of ours */ } }
  return { view: view || 'live', id: plain(id), then: plain(then) }
}

// A login at a provider leaves this page; where one was is found again after it.
const PLACE = 'graphsvc.place'
const keep = () => sessionStorage.setItem(PLACE, location.hash)
const back = sessionStorage.getItem(PLACE)
if (back !== null) { sessionStorage.removeItem(PLACE); if (!location.hash && back) history.replaceState(null, '', back) }

function Login({ offered, then, done }) {
  // A link may bring a token (`graphsvc tour`); it is filled in and not used before somebody presses the button,
  // or a stranger's link would log people in as the stranger.
  const [given, set] = useState(offered)
  useEffect(() => { if (offered) history.replaceState(null, '', `#/${then}`) }, [])
  return html`<main class="login"><form onSubmit=${(event) => { event.preventDefault(); if (given.trim()) { logIn(given); done() } }}>
    <h1>graphsvc</h1>
    <p>Whether this may happen now, given everything that has happened before.</p>
    ${door.provider && html`<a class="button" href="/login/start" onClick=${keep}>Log in at ${door.provider}</a><p class="or dim">or</p>`}
    <label for="token">Token</label>
    <input id="token" type="password" autocomplete="off" required value=${given} onInput=${(event) => set(event.target.value)} />
    <button type="submit">Log in</button>
    ${!door.provider && html`<p class="dim">Make one where the service runs: <code>graphsvc token --role analyst --role approver --subject you</code></p>`}
  </form></main>`
}

function Freshness() {
  const [now, set] = useState(Date.now())
  useEffect(() => { const timer = setInterval(() => set(Date.now()), 1000); return () => clearInterval(timer) }, [])
  const seconds = Math.max(0, Math.round((now - connection.since) / 1000))
  const told = connection.state === 'live' ? (connection.way === 'stream' ? 'live (stream)' : 'live')
    : connection.state === 'waiting' ? `not connected for ${seconds} s: what is shown may be old` : 'as it was when opened'
  return html`<span class=${`freshness ${connection.state}`} role="status">${told}</span>`
}

function App() {
  const [at, go] = useState(place())
  const [, again] = useState(0)
  useEffect(() => {
    const moved = () => { go(place()); document.getElementById('view')?.focus({ preventScroll: true }); scrollTo(0, 0) }
    addEventListener('hashchange', moved)
    const forget = onChange(() => again((count) => count + 1))
    return () => { removeEventListener('hashchange', moved); forget() }
  }, [])
  if (at.view === 'login') return html`<${Login} offered=${at.id} then=${at.then} done=${() => go(place())} />`
  if (!loggedIn()) return html`<${Login} offered="" done=${() => go(place())} />`
  const who = claims()
  const View = PAGES[at.view] ?? VIEWS.find(([name]) => name === at.view)?.[2] ?? Live
  return html`
    <a class="skip" href="#view" onClick=${(event) => { event.preventDefault(); document.getElementById('view').focus() }}>Skip to content</a>
    <header><strong class="brand">graphsvc</strong>
      <nav aria-label="Views">${VIEWS.map(([name, title]) => html`
        <a href=${link(name)} aria-current=${at.view === name ? 'page' : null}>${title}</a>`)}</nav>
      <${Freshness} />
      <span class="who">${who.sub ?? ''} <span class="dim">${(who.roles ?? []).join(', ')}</span>
        <button type="button" class="quiet" onClick=${() => logOut(true)}>Log out</button></span></header>
    <main id="view" tabindex="-1"><${View} key=${`${at.view}/${at.id}`} id=${at.id} /></main>`
}

render(html`<${App} />`, document.getElementById('app'))
if (!loggedIn()) look()
