// An authorization server: npm `oidc-provider` on a free port of loopback. Takes the folder that the package is in, and
// how many seconds an access token lives after a login. Prints its issuer in a first line of JSON, then a line for each
// thing that happens. Ends with its standard input.
//
// Clients register themselves, everybody is `ada` and agrees to everything, a refresh token is good once, and a token
// is for the one resource that it was asked for.

import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [packages, loginSeconds] = process.argv.slice(2);
const { resolve } = createRequire(`${packages}/package.json`);
const { Provider, errors } = await import(pathToFileURL(resolve('oidc-provider')).href);

const SCOPES = 'tools:list tools:call';
const tell = (line) => console.log(JSON.stringify(line));

const known = (client_id, client_secret, grant_types) => ({
  client_id,
  client_secret,
  grant_types,
  redirect_uris: [],
  response_types: [],
});

const configuration = {
  clients: [
    known('resource-server', 'the-resource-server-itself', []),
    known('robot', 'the-secret-of-the-robot', ['client_credentials']),
  ],
  cookies: { keys: ['a-key-for-one-run'] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: (_, client) => client.clientId === 'resource-server' },
    registration: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo(_, resource) {
        if (new URL(resource).pathname !== '/mcp') throw new errors.InvalidTarget();
        return { scope: SCOPES, accessTokenFormat: 'opaque' };
      },
    },
    revocation: { enabled: true, allowedPolicy: (_, client, token) => client.clientId === token.clientId },
  },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  scopes: ['openid', 'offline_access', ...SCOPES.split(' ')],
  ttl: {
    AccessToken: ({ oidc }) => (oidc.params.grant_type === 'authorization_code' ? Number(loginSeconds) : 120),
    ClientCredentials: 120,
    Grant: 3600,
    Interaction: 600,
    RefreshToken: 3600,
    Session: 3600,
  },
};

/** Answers the question of an interaction as somebody would who trusts everyone. */
async function agree(provider, request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    return provider.interactionFinished(request, response, { login: { accountId: 'ada' } });
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  grant.addResourceScope(params.resource, params.scope);
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
}

const listener = createServer();
await new Promise((done) => listener.listen(0, '127.0.0.1', done));
const issuer = `http://127.0.0.1:${listener.address().port}`;
const provider = new Provider(issuer, configuration);
for (const event of ['registration_create.success', 'authorization.success', 'grant.success', 'grant.revoked']) {
  provider.on(event, ({ oidc }) => tell({ event, grant: oidc.params?.grant_type ?? null }));
}
for (const event of ['registration_create.error', 'authorization.error', 'grant.error', 'server_error']) {
  provider.on(event, (_, error) => tell({ event, error: `${error.message}: ${error.error_description ?? ''}` }));
}
const protocol = provider.callback();
listener.on('request', (request, response) => {
  if (!request.url.startsWith('/interaction/')) return protocol(request, response);
  return agree(provider, request, response).catch((error) => response.writeHead(500).end(String(error)));
});
tell({ issuer });
process.stdin.on('end', () => process.exit(0)).resume();
