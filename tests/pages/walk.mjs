// `node walk.mjs GATEWAY CHROMIUM SCREENS`: see tests/pages/run. One line per thing that was shown; fails at the first that is not.

import { strict as assert } from 'node:assert';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { answered, base, look, provider, shown, walking } from './common.mjs';

const url = new URL(`${base}/mcp/engineering`);

await walking(walk);

async function walk(browser) {
    const context = await browser.newContext({ viewport: { width: 900, height: 1000 }, javaScriptEnabled: true });
    const page = await context.newPage();
    const auth = provider();
    const transport = new StreamableHTTPClientTransport(url, { authProvider: auth });
    const client = new Client({ name: 'walk', version: '0' });
    await assert.rejects(client.connect(transport), /Unauthorized/i);
    assert.ok(auth.kept.to, 'the SDK found its way to /authorize');
    shown('401, metadata and registration: the SDK client has an address for the browser');

    await page.goto(auth.kept.to.href);
    await look(page, 'sign-in');
    await page.getByLabel('Name').fill('alice');
    await page.getByLabel('Password').fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    await look(page, 'sign-in-failed');
    await page.getByLabel('Name').fill('alice');
    await page.getByLabel('Password').fill('correct horse battery staple');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: /^Let Walking client use/ }).waitFor();
    shown('signed in with a local account, by keyboard');

    await look(page, 'consent');
    await page.getByRole('radio', { name: '1 day' }).check();
    await page.getByRole('button', { name: 'Allow' }).click();
    const answer = await answered();
    assert.equal(answer.get('iss'), base);
    assert.equal(answer.get('state'), 'a-state');
    shown('consented for 1 day; the answer has code, state and iss');

    await transport.finishAuth(answer.get('code'));
    const again = new StreamableHTTPClientTransport(url, { authProvider: auth });
    const connected = new Client({ name: 'walk', version: '0' });
    await connected.connect(again);
    const { tools } = await connected.listTools();
    assert.ok(tools.length > 0);
    const name = tools.find(tool => /find|list|search/.test(tool.name))?.name ?? tools[0].name;
    const result = await connected.callTool({ name, arguments: {} }).catch(error => error);
    assert.ok(result.content || result.code, 'the call reached the server');
    shown(`a tool call with the token: ${tools.length} tools, ${name} answered`);

    const stream = await fetch(url, {
        headers: {
            authorization: `Bearer ${auth.kept.tokens.access_token}`, accept: 'text/event-stream',
            'mcp-session-id': again.sessionId, 'mcp-protocol-version': again.protocolVersion,
        },
    });
    assert.equal(stream.status, 200);
    const ended = stream.body.getReader();
    const end = (async () => { for (;;) if ((await ended.read()).done) return; })().catch(() => {});

    await page.goto(`${base}/`);
    await page.getByText('Walking client').waitFor();
    await page.getByText('Add it to an app').first().click();
    await look(page, 'my-page');
    await page.getByRole('button', { name: /^Revoke Walking client/ }).click();
    await page.getByText('None yet').waitFor();
    await Promise.race([end, new Promise((_, late) => setTimeout(late, 10_000, new Error('the stream goes on')))]);
    const refused = await fetch(url, {
        method: 'POST', body: '{"jsonrpc":"2.0","id":9,"method":"tools/list"}',
        headers: {
            authorization: `Bearer ${auth.kept.tokens.access_token}`, 'content-type': 'application/json',
            accept: 'application/json, text/event-stream', 'mcp-session-id': again.sessionId,
        },
    });
    assert.equal(refused.status, 401);
    shown('revoked on my page: the open stream has ended, the next call is 401');

    await page.goto(`${base}/authorize?client_id=nobody`);
    await look(page, 'error');
    await page.goto(`${base}/`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.goto(`${base}/`);
    assert.match(page.url(), /sign-in/);
    shown('signed out');
}
