// Two MCP servers (SDK) that know their callers by what they send, and a real authorization server (npm oidc-provider) for one of them.
//
//     node tracker.mjs MODULES STATE.json
//
// Prints one line of JSON: {"oauth": URL of the server that takes tokens of the authorization server, "pasted": URL of the one that takes
// tokens of the state file, "issuer": …, "seen": URL}. Everything else stands in the state file, which may change at any time:
//
//     people    names that have an account; who is not there any more is refused, tokens and refreshes alike
//     signed-in who signs in without being asked; else the authorization server shows a page with a field for a name
//     pasted    {token: name}
//     ttl       seconds that an access token lives
//     down      the authorization server answers nothing
//     rotate    whether a refresh token counts once
//     lose      so many refreshes, from the first, are answered with a closed connection, after (or with "lose-before" before) they were done
//
// `seen` answers what happened: {"refreshes": n, "lost": n, "callers": {name: calls}}.
import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [modules, file] = process.argv.slice(2);
const load = path => import(pathToFileURL(`${modules}/${path}`).href);
const { default: Provider } = await load('oidc-provider/lib/index.js');
const { default: express } = await load('express/index.js');
const { createRemoteJWKSet, jwtVerify } = await load('jose/dist/webapi/index.js');
const { McpServer } = await load('@modelcontextprotocol/sdk/dist/esm/server/mcp.js');
const { StreamableHTTPServerTransport } = await load('@modelcontextprotocol/sdk/dist/esm/server/streamableHttp.js');
const { requireBearerAuth } = await load('@modelcontextprotocol/sdk/dist/esm/server/auth/middleware/bearerAuth.js');
const { InvalidTokenError } = await load('@modelcontextprotocol/sdk/dist/esm/server/auth/errors.js');

const state = () => JSON.parse(readFileSync(file, 'utf8'));
const seen = { refreshes: 0, lost: 0, callers: {} };
const SCOPES = ['tickets:read', 'tickets:write'];

const listen = handler => new Promise(done => {
  const server = createServer(handler);
  server.listen(0, '127.0.0.1', () => done(`http://127.0.0.1:${server.address().port}`));
});

let authorization = (_, response) => response.writeHead(503).end();
let servers = authorization;
const issuer = await listen((request, response) => authorization(request, response));
const base = await listen((request, response) => servers(request, response));
const oauth = `${base}/tracker/mcp`;
authorization = authorizationServer();
servers = mcpServers();
console.log(JSON.stringify({ oauth, pasted: `${base}/wiki/mcp`, issuer, seen: `${base}/seen` }));

function authorizationServer() {
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...key, alg: 'ES256', use: 'sig', kid: 'one' }] },
    // Besides those that register themselves: for people (a native client may come back to any port), and for itself.
    clients: [
      {
        client_id: 'given', application_type: 'native', token_endpoint_auth_method: 'none',
        redirect_uris: ['http://127.0.0.1/connect/callback'], grant_types: ['authorization_code', 'refresh_token'],
      },
      { client_id: 'program', client_secret: 'of-the-program', grant_types: ['client_credentials'], redirect_uris: [], response_types: [] },
    ],
    scopes: ['openid', 'offline_access', ...SCOPES],
    findAccount: (_, id) => (state().people.includes(id) ? { accountId: id, claims: () => ({ sub: id }) } : undefined),
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_, resource) => {
          if (resource !== oauth) throw new Error(`unknown resource ${resource}`);
          return {
            audience: resource, scope: SCOPES.join(' '), accessTokenFormat: 'jwt', accessTokenTTL: state().ttl ?? 300,
            jwt: { sign: { alg: 'ES256' } },
          };
        },
      },
    },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    issueRefreshToken: () => true,
    rotateRefreshToken: () => state().rotate !== false,
    pkce: { required: () => true },
    renderError: (ctx, out) => { ctx.type = 'json'; ctx.body = out; },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    cookies: { keys: ['test'] },
    ttl: { AccessToken: () => state().ttl ?? 300, Interaction: 600, Session: 600, Grant: 3600, RefreshToken: 3600 },
  });
  const callback = provider.callback();
  return async (request, response) => {
    if (state().down) return response.writeHead(503).end();
    if (request.url.startsWith('/interaction/')) return interaction(provider, request, response);
    if (request.url === '/token' && request.method === 'POST') return token(callback, request, response);
    return callback(request, response);
  };
}

/** Counts refreshes, and loses the answers of some. The body is looked at and handed on. */
async function token(callback, request, response) {
  const body = await text(request);
  request.body = Object.fromEntries(new URLSearchParams(body));
  if (request.body.grant_type === 'refresh_token') {
    seen.refreshes += 1;
    const { lose = 0, 'lose-before': before = false } = state();
    if (seen.lost < lose) {
      seen.lost += 1;
      if (before) return request.socket.destroy();
      response.end = () => request.socket.destroy();
    }
  }
  return callback(request, response);
}

async function interaction(provider, request, response) {
  try {
    const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
    if (prompt.name === 'login') {
      const accountId = state()['signed-in'] ?? new URLSearchParams(await text(request)).get('name');
      if (accountId) return await provider.interactionFinished(request, response, { login: { accountId } });
      response.setHeader('content-type', 'text/html; charset=utf-8');
      return response.end(`<!doctype html><html lang="en"><title>Tracker</title><main><h1>Sign in at Tracker</h1>
        <form method="post"><label>Account <input name="name" required></label> <button>Sign in</button></form></main>`);
    }
    const grant = grantId ? await provider.Grant.find(grantId)
      : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    if (params.resource) grant.addResourceScope(oauth, params.scope);
    return await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
  } catch (error) {
    return response.writeHead(500).end(String(error));
  }
}

function mcpServers() {
  const app = express();
  app.use(express.json());
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
  const metadata = `${base}/.well-known/oauth-protected-resource/tracker/mcp`;
  app.get('/.well-known/oauth-protected-resource/tracker/mcp', (_, response) => response.json({
    resource: oauth, authorization_servers: [issuer], scopes_supported: ['tickets:read'], bearer_methods_supported: ['header'],
  }));
  app.get('/seen', (_, response) => response.json(seen));
  const byOAuth = requireBearerAuth({
    resourceMetadataUrl: metadata,
    verifier: {
      verifyAccessToken: async token => {
        const { payload } = await jwtVerify(token, keys, { issuer, audience: oauth }).catch(error => {
          throw new InvalidTokenError(error.message);
        });
        if (!state().people.includes(payload.sub)) throw new InvalidTokenError('there is no such account any more');
        return { token, clientId: payload.client_id, scopes: (payload.scope ?? '').split(' '), expiresAt: payload.exp, extra: { name: payload.sub } };
      },
    },
  });
  app.all('/tracker/mcp', byOAuth, (request, response) => {
    const wants = request.body?.params?.name === 'close_ticket' ? 'tickets:write' : 'tickets:read';
    if (!request.auth.scopes.includes(wants)) {
      response.set('WWW-Authenticate', `Bearer error="insufficient_scope", scope="${wants}", resource_metadata="${metadata}"`);
      return response.status(403).json({ error: 'insufficient_scope' });
    }
    return answer(tracker(request.auth.extra.name), request, response);
  });
  const byTable = requireBearerAuth({
    verifier: {
      verifyAccessToken: async token => {
        const name = state().pasted?.[token];
        if (!name) throw new InvalidTokenError('nobody has this token');
        return { token, clientId: 'pasted', scopes: [], expiresAt: Date.now() / 1000 + 60, extra: { name } };
      },
    },
  });
  app.all('/wiki/mcp', byTable, (request, response) => answer(wiki(request.auth.extra.name), request, response));
  return app;
}

function tracker(name) {
  const server = new McpServer({ name: 'tracker', version: '1.0.0' });
  const readOnly = { annotations: { readOnlyHint: true } };
  server.registerTool('whoami', { description: 'Says whose account this is.', ...readOnly }, () => said(name));
  server.registerTool('close_ticket', { description: 'Closes a ticket. Needs the right to write.' }, () => said(name));
  return server;
}

function wiki(name) {
  const server = new McpServer({ name: 'wiki', version: '1.0.0' });
  server.registerTool('whoami', { description: 'Says whose account this is.', annotations: { readOnlyHint: true } }, () => said(name));
  return server;
}

function said(name) {
  seen.callers[name] = (seen.callers[name] ?? 0) + 1;
  return { content: [{ type: 'text', text: name }] };
}

/** Without sessions: every request stands for itself, with its own token. */
async function answer(server, request, response) {
  if (request.method !== 'POST') return response.status(405).end();
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  response.on('close', () => { transport.close(); server.close(); });
  await server.connect(transport);
  return transport.handleRequest(request, response, request.body);
}

async function text(request) {
  let body = '';
  for await (const part of request) body += part;
  return body;
}
