// `node company.mjs GATEWAY CHROMIUM SCREENS PEOPLE.json`: see tests/pages/run. Signing in at a real OpenID provider, and what
// becomes of a client when the provider changes its mind.

import { strict as assert } from 'node:assert';
import { writeFileSync } from 'node:fs';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { answered, base, look, provider, rest, shown, walking } from './common.mjs';

const url = new URL(`${base}/mcp/support`);
const [state] = rest;

const people = groups => writeFileSync(state, JSON.stringify({
    'signed-in': 'anna',
    people: { anna: { email: 'anna@example.com', email_verified: true, groups } },
}));

await walking(async browser => {
    people(['support']);
    const looking = await (await browser.newContext()).newPage();
    const page = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
    const auth = provider();
    const transport = new StreamableHTTPClientTransport(url, { authProvider: auth });
    await assert.rejects(new Client({ name: 'walk', version: '0' }).connect(transport), /Unauthorized/i);

    await looking.goto(auth.kept.to.href);
    await look(looking, 'sign-in-company');
    await page.goto(auth.kept.to.href);
    await page.getByRole('link', { name: 'Continue with single sign-on' }).click();
    await page.getByRole('heading', { name: /^Let Walking client use/ }).waitFor();
    assert.equal(new URL(page.url()).origin, base);
    await page.getByText('anna@example.com').first().waitFor();
    shown('signed in at the identity provider, without JavaScript');
    await page.getByRole('radio', { name: '30 days' }).check();
    await page.getByRole('button', { name: 'Allow' }).click();
    await transport.finishAuth((await answered()).get('code'));

    const client = new Client({ name: 'walk', version: '0' });
    await client.connect(new StreamableHTTPClientTransport(url, { authProvider: auth }));
    const { tools } = await client.listTools();
    assert.ok(tools.length > 0);
    const called = await client.callTool({ name: 'demo_list_customers', arguments: {} });
    assert.ok(!called.isError && called.content.length > 0, JSON.stringify(called));
    shown(`consented for 30 days; ${tools.length} tools, and a call`);

    people(['sales']);
    const deadline = Date.now() + 60_000;
    for (;;) {
        const left = await client.listTools().then(list => list.tools.length, () => 0);
        if (left === 0) break;
        assert.ok(Date.now() < deadline, `${left} tools are left`);
        await new Promise(done => setTimeout(done, 200));
    }
    const refused = await client.callTool({ name: 'demo_list_customers', arguments: {} }).catch(error => error);
    assert.ok(refused instanceof Error, JSON.stringify(refused));
    shown('out of the group at the provider: the open session has no tool left, and its call is refused');

    people(['support']);
    while ((await client.listTools().catch(() => ({ tools: [] }))).tools.length === 0) {
        assert.ok(Date.now() < deadline, 'the tools do not come back');
        await new Promise(done => setTimeout(done, 200));
    }
    shown('in again: the same session has them back');

    await page.goto(`${base}/`);
    await page.getByText('Walking client').waitFor();
    await page.getByRole('button', { name: /^Revoke Walking client/ }).click();
    await page.getByText('None yet').waitFor();
    await assert.rejects(client.listTools(), /40[01]|Unauthorized|invalid/i);
    shown('revoked on my page: the next call is refused');
});
