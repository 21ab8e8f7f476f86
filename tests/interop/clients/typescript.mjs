// Drives a stdio server with npm `@modelcontextprotocol/client`. Takes the path of its orders (JSON) and the negotiation
// mode, `legacy` or `auto`; prints what it saw as one JSON object, before it closes. The orders name the folder that the
// package is in.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

process.on('uncaughtException', (error) => {
  console.error(`${error.name}: ${error.message}`);
  process.exit(1);
});

const [path, mode] = process.argv.slice(2);
const orders = JSON.parse(readFileSync(path, 'utf8'));
const { resolve } = createRequire(`${orders.packages}/package.json`);
const load = async (name) => import(pathToFileURL(resolve(name)).href);
const { Client } = await load('@modelcontextprotocol/client');
const { StdioClientTransport } = await load('@modelcontextprotocol/client/stdio');

const options = mode === 'auto' ? { versionNegotiation: { mode: 'auto' } } : {};
const client = new Client({ name: 'manyhands-interop', version: '1.0.0' }, options);
await client.connect(new StdioClientTransport({ command: orders.command, args: orders.args }));
const seen = { protocol: client.getNegotiatedProtocolVersion() };
seen.tools = (await client.listTools()).tools.map((tool) => tool.name);
if (!orders.listOnly) {
  seen.call = await client.callTool({ name: orders.tool, arguments: orders.arguments });
  seen.prompt = await client.getPrompt({ name: orders.prompt, arguments: {} });
  seen.resource = await client.readResource({ uri: orders.resource });
  try {
    seen.unknown = await client.callTool({ name: orders.unknown, arguments: {} });
  } catch (error) {
    seen.unknown = { isError: true, thrown: String(error) };
  }
}
console.log(JSON.stringify(seen));
await client.close();
