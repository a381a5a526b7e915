// A certified provider with one client and two people; prints its address once it listens.
// Arguments: where browsers reach the service, the client's secret.
import { createServer } from 'node:http'
import Provider from 'oidc-provider'

const [service, secret] = process.argv.slice(2)
const ROLES = { dana: ['analyst', 'approver', 'pep'], nobody: ['janitor'] }
const server = createServer()
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'dashboard', client_secret: secret, redirect_uris: [`${service}/login/callback`],
      post_logout_redirect_uris: [`${service}/`], response_types: ['code'], grant_types: ['authorization_code'],
    }],
    pkce: { required: () => true },
    claims: { openid: ['sub', 'roles'] },
    conformIdTokenClaims: false,
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, roles: ROLES[id] ?? [] }) }),
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    cookies: { keys: ['only-for-this-test'] },
  })
  server.on('request', provider.callback())
  console.log(issuer)
})
