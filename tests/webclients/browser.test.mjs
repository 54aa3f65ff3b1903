// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * The browser libraries in headless Chromium: over HTTP/1.1, over HTTP/2 with
 * TLS, and from a page of another origin. The servers under test serve the
 * page (build/pages) themselves; the other origins are of a server here.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { closeAll, peerBy } from './doors.mjs';
import { CERTIFICATE, SERVER, at, candidateOf, named, sdpOf } from './lib.mjs';

const PAGES = join(dirname(fileURLToPath(import.meta.url)), 'build/pages');
/** Stands in WEBRTC_ORIGINS of the plain server; the other does not. */
const FRIEND = process.env.FRIEND ?? 'http://pages.example:18289';
const STRANGER = FRIEND.replace('pages.', 'strange.');
const TIMEOUT_MS = 20000;

let browser;
let others;
before(async () => {
	others = createServer((request, response) => {
		const file = { '/': 'index.html', '/clients.js': 'clients.js' };
		const name = file[request.url];
		if (!name) {
			response.writeHead(404).end();
			return;
		}
		response.writeHead(200, {
			'content-type': name.endsWith('js')
				? 'text/javascript' : 'text/html',
		});
		response.end(readFileSync(join(PAGES, name)));
	});
	await new Promise((done) =>
		others.listen(Number(new URL(FRIEND).port), '127.0.0.1', done));
	browser = await chromium.launch({
		executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
		headless: true, chromiumSandbox: process.getuid?.() !== 0,
		args: [
			'--disable-gpu', '--disable-quic', '--no-first-run',
			'--disable-background-networking', '--disable-component-update',
			'--disable-sync', '--disable-background-timer-throttling',
			'--disable-renderer-backgrounding', '--disable-dev-shm-usage',
			'--autoplay-policy=no-user-gesture-required',
			'--allow-loopback-in-peer-connection',
			'--ignore-certificate-errors',
			'--host-resolver-rules=MAP *.example 127.0.0.1',
		],
	});
});
after(async () => {
	await browser?.close();
	others?.closeAllConnections?.();
	others?.close();
	closeAll();
});

/** A page; `run(name, ...)` calls `window.rig[name]`. */
async function open(address, base) {
	const page = await browser.newPage();
	page.setDefaultTimeout(TIMEOUT_MS);
	const log = [];
	page.on('console', (m) => log.push(m.text()));
	page.on('pageerror', (e) => log.push(e.message));
	await page.goto(address);
	await page.waitForFunction('window.rig !== undefined');
	const run = async (name, ...args) => {
		const got = await page.evaluate(
			([n, a]) => window.rig[n](...a), [name, args]);
		if (got?.error)
			got.error.log = log.slice(-6);
		return got;
	};
	if (base)
		await run('base', base);
	return { page, run, close: () => page.close() };
}

/** The result; an error fails the test. */
function ok(got) {
	assert.ok(!got.error, JSON.stringify(got.error));
	return got.result;
}

const LIBRARIES = ['connect-web', 'protobuf-ts binary', 'protobuf-ts text',
	'nice-grpc-web fetch', 'nice-grpc-web WebSocket'];
const DOORS = [...LIBRARIES, 'JSON-RPC dialect A', 'JSON-RPC dialect B'];

const PLACES = {
	'http': { address: `http://${at.ws}/`, protocol: 'http/1.1' },
	'https, h2': {
		address: `https://${at.tls}/`, protocol: 'h2', tls: true,
	},
	'another origin': {
		address: `${FRIEND}/`, base: `http://${at.ws}`, protocol: 'http/1.1',
	},
};

for (const [place, { address, base, protocol, tls }] of Object.entries(PLACES)) {
	const skip = tls && !CERTIFICATE;

	test(`${place}: unary calls`, { skip }, async () => {
		const page = await open(address, base);
		assert.equal(await page.run('protocol'), protocol);
		for (const library of LIBRARIES) {
			const got = ok(await page.run('unary', library));
			assert.equal(got.status, 'healthy', library);
			assert.equal(got.peers[0], SERVER, library);
		}
		await page.close();
	});

	for (const door of DOORS) {
		test(`${place}: ${door} calls a peer on ws`, { skip }, async () => {
			const page = await open(address, base);
			const other = await peerBy('ws dialect A', tls);
			const name = named('page');
			const hello = ok(await page.run('begin', door, name));
			assert.ok(hello.other_peers.includes(other.name));
			await other.inbox.next((e) => e.kind === 'joined' &&
				e.from === name, 'peer_joined');
			ok(await page.run('ask', name, 'offer', other.name, sdpOf('a')));
			const offer = await other.inbox.next((e) => e.kind === 'offer');
			assert.deepEqual([offer.from, offer.sdp], [name, sdpOf('a')]);
			await other.answer(name, sdpOf('b'));
			await other.candidate(name, candidateOf(7), '1', 1);
			assert.equal(ok(await page.run('next', name, 'answer')).sdp,
				sdpOf('b'));
			const c = ok(await page.run('next', name, 'candidate'));
			assert.deepEqual([c.candidate, c.mid, c.mline],
				[candidateOf(7), '1', 1]);
			ok(await page.run('ask', name, 'candidate', other.name,
				candidateOf(8)));
			await other.inbox.next((e) => e.candidate === candidateOf(8));
			const { error } = await page.run('ask', name, 'offer', 'nobody',
				sdpOf('x'));
			assert.equal(error.code, door.startsWith('JSON') ? -32000 : 5);
			await page.run('close', name);
			await other.inbox.next((e) => e.kind === 'left' &&
				e.from === name, 'peer_left');
			await other.close();
			await page.close();
		});
	}
}

for (const [place, door] of [
	['http', 'nice-grpc-web WebSocket'],
	['https, h2', 'nice-grpc-web WebSocket'], ['https, h2', 'connect-web'],
]) {
	const { address, tls } = PLACES[place];
	test(`${place}: a real call through ${door}, the tone comes back`,
		{ skip: tls && !CERTIFICATE }, async () => {
			const page = await open(address);
			const name = named('tone');
			ok(await page.run('begin', door, name));
			const first = ok(await page.run('toneCall', name, 630));
			// In one stream the answer comes before the ack; of two streams
			// the browser may read either first.
			if (door !== 'connect-web')
				assert.equal(first, 'answer');
			const end = Date.now() + TIMEOUT_MS;
			let got;
			do {
				got = await page.run('loudest');
				assert.ok(Date.now() < end, `heard ${JSON.stringify(got)}; ` +
					await page.run('callState'));
			} while (!got || got.db < -60 || Math.abs(got.hz - 630) > 8);
			ok(await page.run('ask', name, 'disconnect', SERVER));
			await page.close();
		});
}

test('an origin that is not in the list gets nowhere', async () => {
	const page = await open(`${STRANGER}/`, `http://${at.ws}`);
	for (const library of LIBRARIES) {
		const { error } = await page.run('unary', library);
		assert.ok(error, `${library} was served`);
	}
	for (const door of DOORS.slice(-3)) {
		const { error } = await page.run('begin', door, named('stranger'));
		assert.ok(error, `${door} was served`);
	}
	await page.close();
});
