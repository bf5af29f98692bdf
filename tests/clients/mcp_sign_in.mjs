// Sign in to an MCP server by OAuth with the protocol's client for TypeScript: prints the address for the browser, waits for
// the code, then prints what a tool answers and the token.
// node mcp_sign_in.mjs URL TOOL ARGUMENTS
import { createServer } from 'node:http'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

const [url, name, given] = process.argv.slice(2)
const waiting = Promise.withResolvers()
const callback = createServer((request, response) => {
  response.end('Connected')
  const code = new URL(request.url, 'http://localhost').searchParams.get('code')
  if (code) waiting.resolve(code)
})
await new Promise((listens) => callback.listen(0, '127.0.0.1', listens))
const redirectUrl = `http://127.0.0.1:${callback.address().port}/callback`

const kept = {}
const authProvider = {
  redirectUrl,
  clientMetadata: {
    client_name: 'TypeScript agent',
    redirect_uris: [redirectUrl],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  },
  state: () => 'kept',
  clientInformation: () => kept.client,
  saveClientInformation: (client) => { kept.client = client },
  tokens: () => kept.tokens,
  saveTokens: (tokens) => { kept.tokens = tokens },
  saveCodeVerifier: (verifier) => { kept.verifier = verifier },
  codeVerifier: () => kept.verifier,
  redirectToAuthorization: (address) => { console.log(address.toString()) },
}

const transport = () => new StreamableHTTPClientTransport(new URL(url), { authProvider })
const first = transport()
try {
  await new Client({ name: 'echoic-test', version: '1' }).connect(first)
  throw new Error('The server let somebody in without a token')
} catch (error) {
  if (!(error instanceof UnauthorizedError)) throw error
}
await first.finishAuth(await waiting.promise)
const client = new Client({ name: 'echoic-test', version: '1' })
await client.connect(transport())
const result = await client.callTool({ name, arguments: JSON.parse(given) })
console.log(JSON.stringify({ result: result.structuredContent, token: kept.tokens.access_token, scope: kept.tokens.scope }))
await client.close()
callback.close()
callback.closeAllConnections()
