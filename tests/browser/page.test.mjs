// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * The demo page as its reader meets it. It is taken from the server itself
 * (http at the signaling address) when that serves it, else from this tree.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { Rig } from './rig.mjs';

let rig;
let home;
before(async () => {
	rig = await Rig.start();
	const own = rig.url.replace(/^ws/, 'http');
	const served = await fetch(`${own}/`).catch(() => null);
	home = served?.ok && served.headers.get('content-type')?.includes('html')
		? `${own}/` : `${rig.origin}/web/index.html`;
	console.log(`page from ${home === `${own}/` ? 'the server' : 'the tree'}`);
});
after(() => rig.close());

/** The page, told to use `url`; errors of scripts are collected. */
async function visit(query = '', url = rig.url, options = {}) {
	const page = await rig.page(
		`${home}?url=${encodeURIComponent(url)}${query}`, options);
	page.problems = [];
	page.on('pageerror', (e) => page.problems.push(e.message));
	return page;
}

const phase = (page, name) => page.waitForSelector(`#status[data-phase=${name}]`);

async function connect(page) {
	await page.click('#connect');
	await phase(page, 'connected');
}

test('generated sound and picture: every step, picture, charts', async () => {
	const page = await visit('&source=test');
	await connect(page);
	for (const step of ['signaling', 'offer', 'answer', 'ice', 'dtls', 'media',
		'data'])
		await page.waitForSelector(`[data-step=${step}][data-state=done]`);
	await page.waitForFunction(() => {
		const video = document.querySelector('#returned');
		return video.videoWidth > 0 && video.currentTime > 1;
	});
	// The code in the picture was read back: it is our own picture.
	await page.waitForFunction(() =>
		/back after \d+ ms/.test(document.querySelector('#delay').textContent));
	for (const id of ['own-level', 'returned-level']) {
		await page.waitForFunction((i) =>
			Number(document.getElementById(i).ariaValueNow) > 30, id);
	}
	for (const id of ['rtt', 'rate', 'loss', 'jitter']) {
		await page.waitForFunction((i) =>
			/^[^\u2013]*\d/.test(document.getElementById(i).textContent),
		`now-${id}`);
	}
	const painted = await page.evaluate(() =>
		[...document.querySelectorAll('canvas')].every((c) => c.getContext('2d')
			.getImageData(0, 0, c.width, c.height).data.some((v) => v)));
	assert.ok(painted, 'a chart is empty');
	assert.match(await page.textContent('#facts'), /opus/i);
	assert.deepEqual(page.problems, []);
	await page.context().close();
});

test('the echo shows the text and its round trip', async () => {
	const page = await visit('&source=test');
	await connect(page);
	await page.waitForSelector('#text:enabled');
	await page.fill('#text', 'Hello \u4e2d <b>loop</b>');
	await page.press('#text', 'Enter');
	await page.waitForFunction(() =>
		/\d ms$/.test(document.querySelector('#messages .time')?.textContent));
	assert.equal(await page.textContent('#messages li span'),
		'Hello \u4e2d <b>loop</b>');
	await page.context().close();
});

test('mute, stop the picture, hang up, connect again', async () => {
	const page = await visit('&source=test');
	await connect(page);
	await page.waitForFunction(() =>
		Number(document.querySelector('#returned-level').ariaValueNow) > 30);
	await page.click('#mute');
	await page.waitForFunction(() =>
		Number(document.querySelector('#returned-level').ariaValueNow) < 10);
	assert.equal(await page.getAttribute('#mute', 'aria-pressed'), 'true');
	await page.click('#mute');
	await page.waitForFunction(() =>
		Number(document.querySelector('#returned-level').ariaValueNow) > 30);
	await page.click('#blank');
	assert.equal(await page.getAttribute('#blank', 'aria-pressed'), 'true');
	await page.click('#connect');
	await phase(page, 'idle');
	await connect(page);
	await page.waitForSelector('[data-step=media][data-state=done]');
	assert.deepEqual(page.problems, []);
	await page.context().close();
});

test('camera and microphone (the browser\u2019s own fake ones)', async () => {
	const page = await visit('', rig.url,
		{ permissions: ['camera', 'microphone'] });
	await connect(page);
	await page.waitForFunction(() =>
		document.querySelector('#returned').videoWidth > 0);
	await page.context().close();
});

test('permission refused: said in words, and the way out works', async () => {
	const page = await visit();
	await page.evaluate(() => {
		navigator.mediaDevices.getUserMedia = () => Promise.reject(
			new DOMException('denied', 'NotAllowedError'));
	});
	await page.click('#connect');
	await page.waitForSelector('#banner:visible');
	assert.match(await page.textContent('#banner'), /not allowed/);
	await page.click('#banner-test');
	await phase(page, 'connected');
	await page.waitForSelector('#banner', { state: 'hidden' });
	await page.context().close();
});

test('no camera: said in words', async () => {
	const page = await visit();
	await page.evaluate(() => {
		navigator.mediaDevices.getUserMedia = () => Promise.reject(
			new DOMException('none', 'NotFoundError'));
	});
	await page.click('#connect');
	await page.waitForSelector('#banner:visible');
	assert.match(await page.textContent('#banner'), /No camera/);
	assert.equal(await page.isVisible('#banner-test'), true);
	await page.context().close();
});

test('server gone: said in words, tried again, hang up ends it', async () => {
	const free = createServer();
	await new Promise((done) => free.listen(0, '127.0.0.1', done));
	const { port } = free.address();
	await new Promise((done) => free.close(done));
	const page = await visit('&source=test', `ws://127.0.0.1:${port}`);
	await page.click('#connect');
	await page.waitForSelector('#banner:visible');
	const words = await page.textContent('#banner');
	assert.match(words, /does not answer/);
	assert.ok(words.includes(String(port)), words);
	await page.waitForSelector('[data-step=signaling][data-state=failed]');
	await page.click('#connect');
	await phase(page, 'idle');
	await page.waitForSelector('#banner', { state: 'hidden' });
	await page.context().close();
});

test('a refused call shows the reason of the server', async () => {
	const page = await visit('&source=test');
	// Between page and server: every offer is refused.
	await page.evaluate(() => {
		const send = WebSocket.prototype.send;
		WebSocket.prototype.send = function refuse(text) {
			const message = JSON.parse(text);
			if (message.method !== 'offer') {
				send.call(this, text);
				return;
			}
			this.onmessage({ data: JSON.stringify({
				jsonrpc: '2.0', id: message.id,
				error: { code: -32000, message: 'the house is full' },
			}) });
		};
	});
	await page.click('#connect');
	await page.waitForSelector('#banner:visible');
	assert.match(await page.textContent('#banner'), /the house is full/);
	await phase(page, 'failed');
	await page.context().close();
});

test('the server ends the call: the page calls again by itself', async () => {
	const page = await visit('&source=test');
	await page.evaluate(() => {
		const real = WebSocket;
		window.WebSocket = class extends real {
			constructor(...a) {
				super(...a);
				window.socket = this;
			}
		};
	});
	await connect(page);
	// The server really ends it here, by a request the page knows nothing of.
	await page.evaluate(() => window.socket.send(JSON.stringify({
		jsonrpc: '2.0', id: 'aside', method: 'disconnect',
		params: { peer_id: 'remotemedia-server' },
	})));
	await page.evaluate(() => window.socket.onmessage({
		data: JSON.stringify({
			jsonrpc: '2.0', method: 'peer_disconnected',
			params: { peer_id: 'remotemedia-server' },
		}),
	}));
	await phase(page, 'waiting');
	assert.match(await page.textContent('#banner'), /ended the call/);
	await phase(page, 'connected');
	await page.waitForSelector('#banner', { state: 'hidden' });
	await page.waitForFunction(() =>
		document.querySelector('#returned').videoWidth > 0);
	await page.context().close();
});

test('it fits a narrow screen and every control has a name', async () => {
	const page = await visit('&source=test', rig.url,
		{ viewport: { width: 360, height: 740 } });
	const wide = await page.evaluate(() =>
		document.documentElement.scrollWidth - innerWidth);
	assert.ok(wide <= 0, `${wide} px too wide`);
	const nameless = await page.evaluate(() =>
		[...document.querySelectorAll('button, input, [role=meter], video')]
			.filter((e) => !e.labels?.length && !e.textContent.trim() &&
				!e.ariaLabel && !e.getAttribute('aria-labelledby')).map((e) => e.id));
	assert.deepEqual(nameless, []);
	await page.keyboard.press('Tab');
	assert.equal(await page.evaluate(() => document.activeElement.className),
		'skip');
	await page.context().close();
});
