// `node connect.mjs GATEWAY CHROMIUM SCREENS TRACKER STATE`: people connect their own accounts at two servers, of tests/peers/tracker.mjs:
// TRACKER is what it printed, STATE its file. See tests/pages/run.

import { strict as assert } from 'node:assert';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { answered, base, look, provider, rest, shown, walking } from './common.mjs';

const url = new URL(`${base}/mcp/support`);
const tracker = JSON.parse(rest[0]);
const DEADLINE = 20_000;

function change(edit) {
    const state = JSON.parse(readFileSync(rest[1], 'utf8'));
    edit(state);
    writeFileSync(`${rest[1]}.new`, JSON.stringify(state));
    renameSync(`${rest[1]}.new`, rest[1]);
}

await walking(async browser => {
    const alice = await withScript(browser);
    await withoutScript(browser);
    await dead(alice);
    await stepUp(alice);
    await revoked(alice);
});

/** Alice, from her client's 401 to calls that each server knows her by; and with another account after that. */
async function withScript(browser) {
    const context = await browser.newContext({ viewport: { width: 900, height: 1000 } });
    const page = await context.newPage();
    const app = await begin();
    await page.goto(app.auth.kept.to.href);
    await signIn(page, 'alice');
    await page.getByRole('heading', { name: 'Connect your accounts' }).waitFor();
    assert.equal(await page.getByRole('link', { name: 'Continue' }).count(), 0);
    await look(page, 'connect');

    await page.getByLabel('Token of your account at wiki').fill('no-such token');
    await page.getByRole('button', { name: /: wiki$/ }).click();
    await page.getByRole('alert').waitFor();
    await look(page, 'connect-failed');
    await paste(page, 'wiki-of-anna');
    assert.equal(await page.getByRole('link', { name: 'Continue' }).count(), 0, 'one of two is not enough');
    await page.getByRole('button', { name: /: tracker$/ }).click();
    await page.getByRole('heading', { name: /^Sign in at/ }).waitFor();
    await look(page, 'connect-onward');
    await atTracker(page, 'anna');
    await look(page, 'connect-done');
    shown('Continue appears when both accounts are connected: one at its authorization server, one by a pasted token');
    await page.getByRole('link', { name: 'Continue' }).click();
    await consent(page);
    const client = await app.finish();
    assert.deepEqual(await who(client), { tracker: 'anna', wiki: 'anna' });
    shown('the SDK client calls both servers, and each knows the account');

    // Another account at the tracker: she signs out there, so that it asks who she is.
    await context.clearCookies({ domain: '127.0.0.1' });
    await page.goto(`${base}/`);
    await page.getByRole('heading', { name: 'Your accounts' }).waitFor();
    await look(page, 'my-accounts');
    await page.getByRole('link', { name: 'Re-authenticate: tracker' }).click();
    await page.getByRole('button', { name: 'Re-authenticate: tracker' }).click();
    await atTracker(page, 'anna-at-work');
    await page.getByText('go back to your app').waitFor();
    assert.deepEqual(await who(client), { tracker: 'anna-at-work', wiki: 'anna' });
    await page.getByText('Re-authenticate', { exact: true }).last().click();
    await paste(page, 'wiki-of-anna-at-work');
    assert.deepEqual(await who(client), { tracker: 'anna-at-work', wiki: 'anna-at-work' });
    shown('re-authenticated with other accounts: the same client is known by them from its next call on');
    return { app, client, context, page };
}

/** Bob, in a browser that runs no script at all; Alice's accounts are hers. */
async function withoutScript(browser) {
    const context = await browser.newContext({ viewport: { width: 900, height: 1000 }, javaScriptEnabled: false });
    const page = await context.newPage();
    const app = await begin();
    await page.goto(app.auth.kept.to.href);
    await signIn(page, 'bob');
    await page.getByRole('heading', { name: 'Connect your accounts' }).waitFor();
    await page.getByRole('button', { name: /: tracker$/ }).click();
    await atTracker(page, 'ben');
    await paste(page, 'wiki-of-ben');
    await page.getByRole('link', { name: 'Continue' }).click();
    await consent(page);
    const client = await app.finish();
    assert.deepEqual(await who(client), { tracker: 'ben', wiki: 'ben' });
    shown('the whole way works without JavaScript, for another person with accounts of his own');
    await client.close();
    await context.close();
}

/** An account that is not taken any more leads to the page: by a tool's error, or by a question to the client. */
async function dead({ app, client, page }) {
    change(state => { state.people = state.people.filter(name => name !== 'anna-at-work'); });
    const refused = await client.callTool({ name: 'tracker_whoami', arguments: {} });
    assert.equal(refused.isError, true, JSON.stringify(refused));
    const link = /http\S+\/connect\/support/.exec(refused.content[0].text)?.[0];
    assert.ok(link, `the error has the link: ${refused.content[0].text}`);
    const { tools } = await client.listTools();
    shown(`a dead account: the tool's error has the link; ${tools.length} tools are listed meanwhile`);

    const opener = await connected(app.auth, { elicitation: { url: {} } });
    const asked = await opener.callTool({ name: 'tracker_whoami', arguments: {} }).catch(error => error);
    assert.equal(asked.code, -32042, String(asked));
    assert.equal(asked.data?.elicitations?.[0]?.url, link);
    await opener.close();
    shown('a client that opens links is asked to open it for its user');

    await page.goto(link);
    await page.getByText('Not accepted any more').waitFor();
    await look(page, 'connect-expired');
    await page.context().clearCookies({ domain: '127.0.0.1' });
    await page.getByRole('button', { name: 'Re-authenticate: tracker' }).click();
    await atTracker(page, 'anna');
    assert.equal((await who(client)).tracker, 'anna');
    shown('connected again on that page: the same client goes on');
}

/** A tool that needs more than was granted: the person is led to grant it, and then it works. */
async function stepUp({ client, page }) {
    const refused = await client.callTool({ name: 'tracker_close_ticket', arguments: {} });
    assert.equal(refused.isError, true, JSON.stringify(refused));
    assert.match(refused.content[0].text, /\/connect\/support/);
    await page.goto(`${base}/connect/support`);
    await page.getByRole('button', { name: 'Re-authenticate: tracker' }).click();
    await atTracker(page, 'anna');
    const done = await client.callTool({ name: 'tracker_close_ticket', arguments: {} });
    assert.equal(done.content[0].text, 'anna', JSON.stringify(done));
    assert.equal((await who(client)).tracker, 'anna', 'what was granted before still is');
    shown('a tool that needs another scope leads to the page, and works once it is granted');
}

async function revoked({ app, client, page }) {
    const stream = await fetch(url, { headers: app.headers('text/event-stream') });
    assert.equal(stream.status, 200);
    const end = drained(stream);
    await page.goto(`${base}/`);
    await page.getByRole('button', { name: /^Revoke Walking client/ }).first().click();
    await page.getByText('None yet').waitFor();
    await within(end, 'the stream goes on');
    const refused = await fetch(url, {
        method: 'POST', body: '{"jsonrpc":"2.0","id":9,"method":"tools/list"}',
        headers: { ...app.headers('application/json, text/event-stream'), 'content-type': 'application/json' },
    });
    assert.equal(refused.status, 401);
    shown('revoked on my page: the open stream has ended, the next call is 401');
    await client.close();
}

/** A client that was refused, and knows where its person has to go. */
async function begin() {
    const auth = provider();
    const transport = new StreamableHTTPClientTransport(url, { authProvider: auth });
    await assert.rejects(new Client({ name: 'walk', version: '0' }).connect(transport), /Unauthorized/i);
    assert.ok(auth.kept.to, 'the SDK found its way to /authorize');
    const app = {
        auth,
        async finish() {
            await transport.finishAuth((await answered()).get('code'));
            const client = await connected(auth, {});
            app.transport = client.transport;
            return client;
        },
        headers: accept => ({
            authorization: `Bearer ${auth.kept.tokens.access_token}`, accept,
            'mcp-session-id': app.transport.sessionId, 'mcp-protocol-version': app.transport.protocolVersion,
        }),
    };
    return app;
}

async function connected(auth, capabilities) {
    const client = new Client({ name: 'walk', version: '0' }, { capabilities });
    await client.connect(new StreamableHTTPClientTransport(url, { authProvider: auth }));
    return client;
}

/** Whose account each server sees. */
async function who(client) {
    const seen = {};
    for (const server of ['tracker', 'wiki']) {
        const answer = await client.callTool({ name: `${server}_whoami`, arguments: {} });
        seen[server] = answer.content[0].text;
    }
    return seen;
}

async function signIn(page, name) {
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Password').fill('correct horse battery staple');
    await page.keyboard.press('Enter');
}

async function consent(page) {
    await page.getByRole('heading', { name: /^Let Walking client use/ }).waitFor();
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.getByText('Back at the client.').waitFor();
}

async function paste(page, token) {
    await page.getByLabel('Token of your account at wiki').fill(token);
    await page.getByRole('button', { name: /: wiki$/ }).click();
    await page.locator('section', { has: page.getByRole('heading', { name: 'wiki' }) }).getByText('Connected').waitFor();
}

/** From the gateway's last page on to the tracker, and back. */
async function atTracker(page, name) {
    await page.getByRole('link', { name: /^Go to/ }).click();
    await page.waitForURL(/interaction|\/connect\//);
    if (page.url().startsWith(tracker.issuer)) {
        await page.getByLabel('Account').fill(name);
        await page.getByRole('button', { name: 'Sign in' }).click();
    }
    await page.getByRole('heading', { name: 'Connect your accounts' }).waitFor();
    await page.locator('section', { has: page.getByRole('heading', { name: 'tracker' }) }).getByText('Connected').waitFor();
}

async function drained(stream) {
    const reader = stream.body.getReader();
    try {
        while (!(await reader.read()).done);
    } catch {
        // Cut: it has ended too.
    }
}

function within(what, otherwise) {
    return Promise.race([what, new Promise((_, late) => { setTimeout(late, DEADLINE, new Error(otherwise)).unref(); })]);
}
