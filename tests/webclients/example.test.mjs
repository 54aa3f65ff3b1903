// SPDX-License-Identifier: MIT OR Apache-2.0
/** examples/grpc-web as its reader builds it, from another origin. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { at } from './lib.mjs';

const EXAMPLE = join(dirname(fileURLToPath(import.meta.url)),
	'../../examples/grpc-web');
const FRIEND = process.env.FRIEND ?? 'http://pages.example:18289';

let browser;
let pages;
before(async () => {
	const run = (...args) => execFileSync('npm', args,
		{ cwd: EXAMPLE, stdio: ['ignore', 'inherit', 'inherit'] });
	if (!existsSync(join(EXAMPLE, 'node_modules/.package-lock.json')))
		run('ci', '--ignore-scripts', '--silent');
	run('run', '-s', 'build');
	pages = createServer((request, response) => {
		const script = request.url === '/main.js';
		response.writeHead(200,
			{ 'content-type': script ? 'text/javascript' : 'text/html' });
		response.end(readFileSync(join(EXAMPLE, 'build',
			script ? 'main.js' : 'index.html')));
	});
	await new Promise((done) =>
		pages.listen(Number(new URL(FRIEND).port), '127.0.0.1', done));
	browser = await chromium.launch({
		executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
		headless: true, chromiumSandbox: process.getuid?.() !== 0,
		args: [
			'--disable-gpu', '--disable-quic', '--no-first-run',
			'--disable-background-networking', '--disable-component-update',
			'--disable-sync', '--disable-dev-shm-usage',
			'--autoplay-policy=no-user-gesture-required',
			'--allow-loopback-in-peer-connection',
			'--host-resolver-rules=MAP *.example 127.0.0.1',
		],
	});
});
after(async () => {
	await browser?.close();
	pages?.closeAllConnections?.();
	pages?.close();
});

for (const door of ['signal', 'pair']) {
	test(`the example calls through ${door} and hears its tone`, async () => {
		const page = await browser.newPage();
		page.setDefaultTimeout(20000);
		await page.goto(`${FRIEND}/?server=http://${at.ws}`);
		await page.selectOption('#door', door);
		await page.click('button');
		await page.waitForFunction(() =>
			document.querySelector('#back').srcObject);
		await page.waitForFunction(() =>
			/call: connected/.test(document.querySelector('#log').textContent));
		await page.evaluate(() => {
			const context = new AudioContext();
			window.analyser = context.createAnalyser();
			window.analyser.fftSize = 16384;
			context.createMediaStreamSource(
				document.querySelector('#back').srcObject)
				.connect(window.analyser);
		});
		await page.waitForFunction(() => {
			const bins = new Float32Array(window.analyser.frequencyBinCount);
			window.analyser.getFloatFrequencyData(bins);
			const best = bins.indexOf(Math.max(...bins));
			const hz = best * window.analyser.context.sampleRate / 16384;
			return bins[best] > -60 && Math.abs(hz - 440) < 8;
		});
		const log = await page.textContent('#log');
		assert.doesNotMatch(log, /refused/);
		await page.close();
	});
}
