// An MCP server behind a login: npm `@modelcontextprotocol/sdk` with its own bearer middleware and metadata routes, on
// a free port of loopback. Takes the folder that the package is in and the issuer of its tokens, which it asks about
// each token. Prints its URL in one line of JSON. Ends with its standard input.

import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [packages, issuer] = process.argv.slice(2);
const { resolve } = createRequire(`${packages}/package.json`);
const load = async (name) => import(pathToFileURL(resolve(`@modelcontextprotocol/sdk/${name}`)).href);
const { Server } = await load('server/index.js');
const { StreamableHTTPServerTransport } = await load('server/streamableHttp.js');
const { createMcpExpressApp } = await load('server/express.js');
const { requireBearerAuth } = await load('server/auth/middleware/bearerAuth.js');
const { getOAuthProtectedResourceMetadataUrl, mcpAuthMetadataRouter } = await load('server/auth/router.js');
const { InvalidTokenError } = await load('server/auth/errors.js');
const { CallToolRequestSchema, ListToolsRequestSchema } = await load('types.js');

const metadata = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
const ourselves = `Basic ${btoa('resource-server:the-resource-server-itself')}`;

/** What the authorization server says of a token. */
async function verifyAccessToken(token) {
  const body = new URLSearchParams({ token });
  const headers = { authorization: ourselves };
  const answer = await fetch(metadata.introspection_endpoint, { method: 'POST', headers, body });
  const { active, client_id, scope, exp, aud, sub } = await answer.json();
  if (!active) throw new InvalidTokenError('the authorization server does not know this token');
  const [scopes, resource] = [scope.split(' '), new URL(aud)];
  return { token, clientId: client_id, scopes, expiresAt: exp, resource, extra: { sub } };
}

function mcpServer() {
  const server = new Server({ name: 'crm', version: '1.0.0' }, { capabilities: { tools: {} } });
  const tool = { name: 'whoami', description: 'Says whose token it was', inputSchema: { type: 'object' } };
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [tool] }));
  server.setRequestHandler(CallToolRequestSchema, (_, { authInfo }) => {
    const text = authInfo.extra.sub ? `a person: ${authInfo.extra.sub}` : `a client: ${authInfo.clientId}`;
    return { content: [{ type: 'text', text }] };
  });
  return server;
}

const app = createMcpExpressApp();
const listener = createServer(app);
await new Promise((done) => listener.listen(0, '127.0.0.1', done));
const resource = new URL(`http://127.0.0.1:${listener.address().port}/mcp`);
const requiredScopes = ['tools:list', 'tools:call'];
const resourceMetadataUrl = getOAuthProtectedResourceMetadataUrl(resource);
app.use(
  mcpAuthMetadataRouter({ oauthMetadata: metadata, resourceServerUrl: resource, scopesSupported: requiredScopes }),
);
const guard = requireBearerAuth({
  verifier: { verifyAccessToken },
  requiredScopes,
  resourceMetadataUrl,
  expectedResource: resource,
});
app.post('/mcp', guard, async (request, response) => {
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  await mcpServer().connect(transport);
  await transport.handleRequest(request, response, request.body);
});
app.all('/mcp', guard, (_, response) => response.sendStatus(405));
console.log(JSON.stringify({ url: resource.href }));
process.stdin.on('end', () => process.exit(0)).resume();
