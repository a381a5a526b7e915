// Speaking to the service: questions by POST, events by WebSocket, or as an event stream where sockets do not get through.
import { createClient } from './vendor/graphql-ws.js'

const KEY = 'graphsvc.token'
const listeners = new Set()
let token = sessionStorage.getItem(KEY) ?? ''

/** How the events stand: `live`, `waiting` (since when), `off`. */
export const connection = { state: 'off', since: Date.now(), way: 'socket' }

/** Where people log in at a provider, and who is: `{provider, session}`; the session's cookie is out of a script's reach. */
export const door = { provider: null, session: null }

export const loggedIn = () => token !== '' || door.session !== null

/** Ask whether this browser has a session. */
export async function look() {
  const answer = await fetch('/login/session').then((response) => response.json(), () => ({}))
  Object.assign(door, { provider: answer.provider ?? null, session: answer.session ?? null })
  tell()
}

// A session counts only with this header, which no other page can send.
const proof = () => (token ? { Authorization: `Bearer ${token}` } : { 'X-Graphsvc-Page': '1' })

export function logIn(given) {
  token = given.trim()
  sessionStorage.setItem(KEY, token)
  tell()
}

/** Forget who was here; by hand also at the provider. */
export async function logOut(byHand = false) {
  const ended = byHand && token === '' && door.session
  token = ''
  door.session = null
  sessionStorage.removeItem(KEY)
  tell()
  if (!ended) return
  const answer = await fetch('/login/end', { method: 'POST', headers: { 'X-Graphsvc-Page': '1' } }).then((response) => response.json(), () => ({}))
  if (answer.leave) location.assign(answer.leave)
}

/** Subject, roles and end of the token, as it says itself; the service is who checks it. */
export function claims() {
  if (token === '' && door.session) return door.session
  try {
    const part = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')
    const bytes = Uint8Array.from(atob(part), (character) => character.charCodeAt(0))
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch { return {} }
}

export const may = (...roles) => (claims().roles ?? []).some((role) => roles.includes(role))

export function onChange(listener) {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

const tell = () => listeners.forEach((listener) => listener())

function stand(state) {
  // Every event says `live`: the page is drawn anew only when that is news.
  if (connection.state === state && connection.told === connection.way) return
  if (connection.state !== state) Object.assign(connection, { state, since: Date.now() })
  connection.told = connection.way
  tell()
}

/** The data of a document, or an Error that says what to do. */
export async function ask(query, variables = {}) {
  let response
  try {
    response = await fetch('/graphql', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...proof() },
      body: JSON.stringify({ query, variables }),
    })
  } catch { throw new Error('the service cannot be reached; is it running?') }
  const answer = await response.json().catch(() => ({}))
  if (response.status === 401) {
    logOut()
    throw new Error(answer.error?.message ?? 'the token is not accepted; log in again')
  }
  if (answer.errors?.length) throw new Error(answer.errors[0].message)
  if (!answer.data) throw new Error(answer.error?.message ?? `the service answered ${response.status}`)
  return answer.data
}

/** Carry out a mutation with one field; a failure that came as data is thrown. */
export async function change(query, variables) {
  const value = Object.values(await ask(query, variables))[0]
  if (value.message !== undefined && value.code !== undefined) throw new Error(value.message)
  return value
}

/**
 * Events of a subscription with one field, from `after` on, for ever: a lost connection is opened again behind the
 * last event that was seen. Returns how to end it.
 */
export function follow(query, { after, variables = {}, onEvent, onGap }) {
  let cursor = after
  let ended = false
  let failures = 0
  let stop = () => {}

  const take = (data) => {
    const event = Object.values(data)[0]
    failures = 0
    stand('live')
    if (event.cursor) cursor = event.cursor
    if (event.__typename === 'Gap') onGap?.(event)
    else onEvent(event)
  }

  const open = () => new Promise((resolve, reject) => {
    const asked = { query, variables: { ...variables, after: cursor } }
    // Every second try goes without a socket: some proxies let none through.
    const streamed = failures > 1 && failures % 2 === 0
    connection.way = streamed ? 'stream' : 'socket'
    stop = (streamed ? stream : socket)(asked, take, resolve, reject)
  })

  const loop = async () => {
    while (!ended) {
      try { await open() } catch (error) { failures += 1; if (error.final) { stand('off'); return } }
      if (ended) return
      stand('waiting')
      await new Promise((resolve) => setTimeout(resolve, Math.min(10_000, 250 * 2 ** Math.min(failures, 6))))
    }
  }
  loop()
  return () => { ended = true; stop(); stand('off') }
}

function socket(asked, take, resolve, reject) {
  const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`
  const client = createClient({
    url, retryAttempts: 0, connectionParams: () => (token ? { authorization: `Bearer ${token}` } : {}),
    on: { connected: () => stand('live') },
  })
  // Lazy: the socket closes with its only subscription.
  return client.subscribe(asked, {
    next: (result) => { if (result.data) take(result.data) },
    error: (error) => {
      if (error?.code === 4403) logOut()
      reject(Object.assign(new Error('the socket was lost'), { final: error?.code === 4403 || Array.isArray(error) }))
    },
    complete: resolve,
  })
}

function stream(asked, take, resolve, reject) {
  const abort = new AbortController()
  read(asked, take, abort.signal).then(resolve, reject)
  return () => abort.abort()
}

async function read(asked, take, signal) {
  const response = await fetch('/graphql', {
    method: 'POST', signal,
    headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream', ...proof() },
    body: JSON.stringify(asked),
  })
  if (response.status === 401) logOut()
  if (!response.ok) throw Object.assign(new Error('refused'), { final: response.status === 401 })
  stand('live')
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    text += value
    for (let end = text.search(/\r?\n\r?\n/); end >= 0; end = text.search(/\r?\n\r?\n/)) {
      const block = text.slice(0, end)
      text = text.slice(end).replace(/^\r?\n\r?\n/, '')
      const data = block.split(/\r?\n/).find((line) => line.startsWith('data: '))
      if (data && block.includes('event: next')) {
        const answer = JSON.parse(data.slice(6))
        if (answer.data) take(answer.data)
      }
    }
  }
}
