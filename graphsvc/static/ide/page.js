// GraphiQL over this service: queries by POST, subscriptions over graphql-transport-ws, the token kept for this tab.
import { createClient } from '../vendor/graphql-ws.js'
import { createElement, createGraphiQLFetcher, createRoot, GraphiQL } from './lib/ide.js'

const KEY = 'graphsvc.ide.token'
const form = document.getElementById('login')
const root = createRoot(document.getElementById('ide'))
const query = `# Ctrl-Enter runs what the cursor is in.
query Newest {
  decisions(first: 10) {
    edges { node { id verdict action subject { id } reasons { code message } } }
  }
}
`

function show(token) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {}
  const wsClient = createClient({
    url: `${location.origin.replace('http', 'ws')}/graphql`,
    connectionParams: { authorization: headers.Authorization },
  })
  const fetcher = createGraphiQLFetcher({ url: '/graphql', headers, wsClient })
  root.render(createElement(GraphiQL, { fetcher, defaultQuery: query, isHeadersEditorEnabled: false }))
}

form.addEventListener('submit', (event) => {
  event.preventDefault()
  sessionStorage.setItem(KEY, form.elements.token.value.trim())
  show(sessionStorage.getItem(KEY))
})
form.elements.token.value = sessionStorage.getItem(KEY) ?? ''
show(form.elements.token.value)
