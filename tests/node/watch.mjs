// Reads three decisions by graphql-ws or graphql-sse and prints their ids.
import { createClient as createSse } from 'graphql-sse'
import { createClient as createWs } from 'graphql-ws'
import WebSocket from 'ws'

const [, , kind, url, token, after] = process.argv
const authorization = `Bearer ${token}`
const client = kind === 'ws'
  ? createWs({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket, connectionParams: { authorization }, retryAttempts: 0 })
  : createSse({ url, headers: { authorization }, retryAttempts: 0 })
const query = 'subscription($after: String) { decisions(after: $after) { ... on DecisionEvent { decision { id } } } }'
let seen = 0
for await (const result of client.iterate({ query, variables: { after } })) {
  if (result.errors) throw new Error(JSON.stringify(result.errors))
  console.log(result.data.decisions.decision.id)
  seen += 1
  if (seen === 3) break
}
await client.dispose()
process.exit(0)
