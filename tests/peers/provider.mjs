// A real OpenID provider (npm oidc-provider) on loopback, whose people stand in a file that a test may change meanwhile.
//
//     node provider.mjs MODULES PORT ACCOUNTS.json [REDIRECT_URI]
//
// MODULES is the node_modules with the provider. Prints `listening URL`. Its keys are new at every start. Whoever signs in is `signed-in`
// of the accounts' file, without being asked: {"signed-in": "alice", "people": {"alice": {"email": …, "groups": […]}}}; a person
// that the file has no more is refused everything. Clients: `mcpgw` (signs people in), `program` (client credentials, for JWTs).
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const [modules, port, file, redirect = 'http://127.0.0.1/sign-in/callback'] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(`${modules}/oidc-provider/lib/index.js`).href);

const accounts = () => JSON.parse(readFileSync(file, 'utf8'));
const key = (kind, options, alg) => ({
  ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }),
  alg, use: 'sig', kid: `${alg}-${process.pid}`,
});

const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  jwks: { keys: [key('rsa', { modulusLength: 2048 }, 'RS256'), key('ec', { namedCurve: 'P-256' }, 'ES256')] },
  clients: [
    {
      client_id: 'mcpgw', client_secret: 'provider+secret/%', redirect_uris: [redirect],
      grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
    },
    {
      client_id: 'program', client_secret: 'program-secret', redirect_uris: [], response_types: [],
      grant_types: ['client_credentials'],
    },
  ],
  scopes: ['openid', 'offline_access', 'email', 'profile'],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups', 'hd'] },
  findAccount: (_, id) => {
    const person = accounts().people[id];
    return person && { accountId: id, claims: () => ({ sub: id, ...person }) };
  },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource) => ({
        audience: resource, scope: '', accessTokenFormat: 'jwt', accessTokenTTL: 300,
        jwt: { sign: { alg: resource.includes('es256') ? 'ES256' : 'RS256' } },
      }),
    },
  },
  extraTokenClaims: () => accounts().claims ?? {},
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  issueRefreshToken: () => accounts().refresh !== false,
  rotateRefreshToken: true,
  pkce: { required: () => true },
  renderError: (ctx, out) => { ctx.type = 'json'; ctx.body = out; },
  cookies: { keys: ['test'] },
  ttl: { AccessToken: 300, IdToken: 300, Interaction: 300, Session: 300, Grant: 3600, RefreshToken: 3600, ClientCredentials: () => accounts().ttl ?? 300 },
});

const callback = provider.callback();
createServer(async (request, response) => {
  if (!request.url.startsWith('/interaction/')) return callback(request, response);
  try {
    const { prompt, params, session } = await provider.interactionDetails(request, response);
    const { 'signed-in': accountId } = accounts();
    if (prompt.name === 'login') {
      return await provider.interactionFinished(request, response, { login: { accountId } });
    }
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    return await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
}).listen(Number(port), '127.0.0.1', () => console.log(`listening ${issuer}`));
