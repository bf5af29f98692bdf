// Use an MCP server by the protocol's client for TypeScript; prints what it lists, what a tool answers, and its progress.
// node mcp.mjs URL KEY TOOL ARGUMENTS
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

const [url, key, name, given] = process.argv.slice(2)
const client = new Client({ name: 'echoic-test', version: '1' })
const transport = new StreamableHTTPClientTransport(new URL(url), {
  requestInit: { headers: { Authorization: `Bearer ${key}` } },
})
await client.connect(transport)
const progress = []
const { tools } = await client.listTools()
// The client checks the answer against the output schema of the tool.
const result = await client.callTool({ name, arguments: JSON.parse(given) }, undefined, {
  onprogress: (told) => progress.push(told),
})
console.log(
  JSON.stringify({ server: client.getServerVersion().name, tools: tools.map((tool) => tool.name), result, progress }),
)
await client.close()
