// What the walks share: the browser, the client's own side of OAuth, and how a page is looked at.

import { strict as assert } from 'node:assert';
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

export const [base, executablePath, screens, ...rest] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
// Those of docs/screens: of pages that look alike, one.
const PICTURES = [
    ...['sign-in', 'consent', 'my-page', 'my-accounts', 'connect', 'connect-done'].flatMap(
        name => [`${name}-light`, `${name}-dark`, `${name}-narrow`]),
    'sign-in-failed-light', 'sign-in-company-light', 'connect-expired-light', 'connect-onward-light',
];
export const shown = text => console.log(`pages: ${text}`);

const callback = createServer();
const answers = [];
let waiting = [];
callback.on('request', (request, response) => {
    const answer = new URL(request.url, 'http://localhost');
    response.end('Back at the client.');
    if (answer.pathname === '/callback') (waiting.shift() ?? (late => answers.push(late)))(answer.searchParams);
});
await new Promise(done => callback.listen(0, '127.0.0.1', done));
export const redirectUrl = `http://127.0.0.1:${callback.address().port}/callback`;
export const answered = () => new Promise(done => (answers.length ? done(answers.shift()) : waiting.push(done)));

/** The SDK's own way through OAuth; only the browser is ours. */
export function provider() {
    const kept = {};
    return {
        redirectUrl,
        clientMetadata: { client_name: 'Walking client', redirect_uris: [redirectUrl] },
        clientInformation: () => kept.client,
        saveClientInformation: client => { kept.client = client; },
        tokens: () => kept.tokens,
        saveTokens: tokens => { kept.tokens = tokens; },
        codeVerifier: () => kept.verifier,
        saveCodeVerifier: verifier => { kept.verifier = verifier; },
        state: () => 'a-state',
        redirectToAuthorization: to => { kept.to = to; },
        kept,
    };
}

/** Runs a walk with a browser, and says so when it came to its end. */
export async function walking(walk) {
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
    try {
        await walk(browser);
        shown('all passed');
    } finally {
        await browser.close();
        callback.close();
    }
}

/** Looks at a page in light and dark, wide and narrow: nothing runs over the edge, axe finds nothing serious. */
export async function look(page, name) {
    for (const [scheme, width] of [['light', 900], ['dark', 900], ['light', 360]]) {
        // Without motion: axe would measure a colour on its way from one scheme to the other.
        await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
        await page.setViewportSize({ width, height: 1000 });
        const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(over <= 0, `${name} at ${width}: ${over} pixels too wide`);
        // The policy of the pages lets no script in, so it comes by the debugger's way.
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => globalThis.axe.run());
        const bad = violations.map(each => `${each.impact} ${each.id}: ${each.nodes.map(node => node.html).join(' ')}`);
        assert.deepEqual(bad, [], `${name}, ${scheme}, ${width}`);
        const picture = `${name}-${width === 360 ? 'narrow' : scheme}`;
        if (screens && PICTURES.includes(picture)) {
            await page.screenshot({ path: `${screens}/${picture}.png`, fullPage: true });
        }
    }
    await page.setViewportSize({ width: 900, height: 1000 });
    await page.emulateMedia({ colorScheme: 'light' });
    shown(`${name}: light, dark and narrow; axe finds nothing`);
}
