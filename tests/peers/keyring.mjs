// An MCP server on stdio (SDK) that says with which token it was started.
//
//     TOKEN=… node keyring.mjs MODULES
//
// `whoami` answers "PID TOKEN"; `slow` answers the same after `seconds`.
import { pathToFileURL } from 'node:url';

const load = path => import(pathToFileURL(`${process.argv[2]}/${path}`).href);
const { McpServer } = await load('@modelcontextprotocol/sdk/dist/esm/server/mcp.js');
const { StdioServerTransport } = await load('@modelcontextprotocol/sdk/dist/esm/server/stdio.js');
const { z } = await load('zod/index.js');

const said = () => ({ content: [{ type: 'text', text: `${process.pid} ${process.env.TOKEN}` }] });
const server = new McpServer({ name: 'keyring', version: '1.0.0' });
server.registerTool('whoami', { description: 'Says which token it has.' }, said);
server.registerTool('slow', { description: 'Says it later.', inputSchema: { seconds: z.number() } }, async ({ seconds }) => {
  await new Promise(done => { setTimeout(done, seconds * 1000); });
  return said();
});
await server.connect(new StdioServerTransport());
