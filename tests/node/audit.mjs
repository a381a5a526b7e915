// The GraphQL over HTTP audits; prints what is not in order as JSON lines, and the counts last.
import { auditServer } from 'graphql-http'

const [, , url, token] = process.argv
const results = await auditServer({
  url,
  fetchFn: (target, init = {}) => fetch(target, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } }),
})
const counts = {}
for (const result of results) {
  counts[result.status] = (counts[result.status] ?? 0) + 1
  if (result.status !== 'ok') console.log(JSON.stringify({ status: result.status, name: result.name, reason: result.reason }))
}
console.log(JSON.stringify(counts))
