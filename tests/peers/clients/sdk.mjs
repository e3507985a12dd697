// A client made with the TypeScript SDKs: `node sdk.mjs 1|2 legacy|modern`, the job on stdin, one JSON array on stdout.
// The job and the answer are told in tests/peers/run. Runs from a copy beside node_modules, where its imports are found.

import { readFileSync } from 'node:fs';

const [major, mode] = process.argv.slice(2);
const job = JSON.parse(readFileSync(0, 'utf8'));

const connect = { 1: connectV1, 2: connectV2 }[major];
const { client, call, onElicit } = await connect();
onElicit(() => ({ action: 'accept', content: { name: 'Alice' } }));
const seen = [];
for (const step of job.steps) seen.push(await attempt(step));
await client.close();
console.log(JSON.stringify(seen));
process.exit(0);

async function attempt(step) {
    try {
        return { ok: await take(step) };
    } catch (error) {
        return { error: { code: error.code ?? null, message: String(error.message ?? error) } };
    }
}

async function take(step) {
    switch (step.do) {
        case 'tools':
            return all('tools', cursor => client.listTools(cursor));
        case 'prompts':
            return all('prompts', cursor => client.listPrompts(cursor));
        case 'resources':
            return all('resources', cursor => client.listResources(cursor));
        case 'prompt':
            return client.getPrompt({ name: step.name, arguments: step.arguments });
        case 'read':
            return client.readResource({ uri: step.uri });
        case 'call': {
            const progress = [];
            const options = step.progress ? { onprogress: each => progress.push(each.progress) } : {};
            const result = await call({ name: step.name, arguments: step.arguments }, options);
            return step.progress ? { result, progress } : result;
        }
        default:
            throw new Error(`unknown step ${step.do}`);
    }
}

async function all(key, list) {
    const items = [];
    let cursor;
    do {
        const page = await list(cursor === undefined ? undefined : { cursor });
        items.push(...page[key]);
        cursor = page.nextCursor;
    } while (cursor !== undefined);
    return items;
}

function identity() {
    const capabilities = job.elicitation ? { elicitation: {} } : {};
    return [{ name: `sdk-${major}`, version: '1.0.0' }, { capabilities }];
}

async function connectV1() {
    const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
    const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js');
    const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
    const { ElicitRequestSchema } = await import('@modelcontextprotocol/sdk/types.js');
    const client = new Client(...identity());
    await client.connect(transport(StdioClientTransport, StreamableHTTPClientTransport));
    return {
        client,
        call: (params, options) => client.callTool(params, undefined, options),
        onElicit: answer => job.elicitation && client.setRequestHandler(ElicitRequestSchema, answer),
    };
}

async function connectV2() {
    const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
    const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio');
    const [info, options] = identity();
    const negotiation = mode === 'modern' ? { mode: { pin: '2026-07-28' } } : { mode: 'legacy' };
    const client = new Client(info, { ...options, versionNegotiation: negotiation });
    await client.connect(transport(StdioClientTransport, StreamableHTTPClientTransport));
    return {
        client,
        call: (params, callOptions) => client.callTool(params, callOptions),
        onElicit: answer => job.elicitation && client.setRequestHandler('elicitation/create', answer),
    };
}

function transport(Stdio, Http) {
    if (job.url) return new Http(new URL(job.url));
    const [command, ...args] = job.command;
    return new Stdio({ command, args, stderr: 'ignore', env: { ...process.env, ...job.env } });
}
