// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * The rig of the browser tests: one headless Chromium, many pages. Each page
 * (`page/caller.html`) is one caller; `Caller` here is its remote control.
 * The pages come from a small HTTP server of the rig, so that a test needs
 * nothing of the server under test but its signaling address.
 */
import { createServer } from 'node:http';
import { readFile, mkdtemp, rm, readdir, readlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join, normalize, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOTS = {
	'/page/': join(HERE, 'page'), '/web/': join(HERE, '../../web'),
	'/bench/': join(HERE, '../../bench/browser'),
};
const TYPES = {
	'.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css',
	'.svg': 'image/svg+xml',
};

/** Longest wait for anything a test waits for, unless it says otherwise. */
export const DEADLINE_MS = 30000;

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/**
 * Flags: without the background ones Chromium looks for hosts it cannot reach;
 * autoplay lets pages start sound without a click; the fake devices stand for
 * camera and microphone; loopback candidates make a call within this machine
 * possible where it has no other address.
 */
const FLAGS = [
	'--disable-gpu', '--disable-quic', '--no-first-run',
	'--disable-background-networking', '--disable-component-update',
	'--disable-sync', '--disable-background-timer-throttling',
	'--disable-renderer-backgrounding',
	'--disable-backgrounding-occluded-windows',
	'--autoplay-policy=no-user-gesture-required',
	'--allow-loopback-in-peer-connection',
	'--use-fake-device-for-media-stream', '--disable-dev-shm-usage',
	'--mute-audio',
];

/** The address of the signaling server: first argument or environment. */
export function signalingUrl() {
	const url = process.argv.slice(2).find((a) => /^wss?:/.test(a)) ??
		process.env.SIGNALING_URL ?? 'ws://127.0.0.1:8080';
	return url.replace(/\/$/, '');
}

/** Serves the pages on a free loopback port. */
async function servePages() {
	const server = createServer(async (request, response) => {
		const path = new URL(request.url, 'http://rig').pathname;
		const root = Object.keys(ROOTS).find((r) => path.startsWith(r));
		try {
			if (!root)
				throw new Error('unknown');
			const file = join(ROOTS[root],
				normalize(`/${path.slice(root.length)}`));
			const body = await readFile(file);
			response.writeHead(200, {
				'content-type': TYPES[extname(file)] ?? 'text/plain',
			});
			response.end(body);
		} catch {
			response.writeHead(404).end();
		}
	});
	await new Promise((done) => server.listen(0, '127.0.0.1', done));
	return server;
}

/** A browser with its page server; `close` ends both. */
export class Rig {
	static async start({ flags = [], url = signalingUrl() } = {}) {
		const rig = new Rig();
		rig.url = url;
		rig.profile = await mkdtemp(join(tmpdir(), 'rig-'));
		rig.server = await servePages();
		rig.origin = `http://127.0.0.1:${rig.server.address().port}`;
		rig.browser = await chromium.launch({
			executablePath: CHROMIUM, headless: true,
			args: [...FLAGS, ...flags],
			chromiumSandbox: process.getuid?.() !== 0,
			ignoreDefaultArgs: ['--mute-audio'],
		});
		rig.callers = [];
		return rig;
	}

	/**
	 * A page that may call.
	 * @param {{peerId?: string, announce?: boolean}} [options]
	 * @returns {Promise<Caller>}
	 */
	async caller(options = {}) {
		const page = await this.browser.newPage();
		const caller = new Caller(page, this);
		this.callers.push(caller);
		page.on('console', (m) => caller.log.push(`${m.type()}: ${m.text()}`));
		page.on('pageerror', (e) => caller.log.push(`error: ${e.message}`));
		page.setDefaultTimeout(DEADLINE_MS);
		await page.goto(`${this.origin}/page/caller.html`);
		await page.waitForFunction('window.rig !== undefined');
		if (options.announce !== false)
			await caller.run('open', this.url, options.peerId ?? null);
		return caller;
	}

	/**
	 * A page with a RemoteMedia, connected unless told otherwise.
	 * @param {object} [options] of RemoteMedia
	 * @param {boolean} [connect]
	 * @returns {Promise<Caller>}
	 */
	async client(options = {}, connect = true) {
		const page = await this.browser.newPage();
		const caller = new Caller(page, this);
		this.callers.push(caller);
		page.on('console', (m) => caller.log.push(`${m.type()}: ${m.text()}`));
		page.on('pageerror', (e) => caller.log.push(`error: ${e.message}`));
		page.setDefaultTimeout(DEADLINE_MS);
		await page.goto(`${this.origin}/page/client.html`);
		await page.waitForFunction('window.rig !== undefined');
		await caller.run('make', { url: this.url, ...options });
		if (connect) {
			const { error } = await caller.run('connect');
			if (error)
				throw new Error(`not connected: ${JSON.stringify(error)}`);
		}
		return caller;
	}

	/** An empty page with this address, for tests of the demo page. */
	async page(address, options = {}) {
		const context = await this.browser.newContext(options);
		const page = await context.newPage();
		page.setDefaultTimeout(DEADLINE_MS);
		await page.goto(address);
		return page;
	}

	async close() {
		for (const caller of this.callers)
			await caller.close().catch(() => {});
		await this.browser.close();
		this.server.closeAllConnections?.();
		await new Promise((done) => this.server.close(done));
		await rm(this.profile, { recursive: true, force: true });
	}
}

/** Remote control of one page: `run(name, ...)` calls `window.rig[name]`. */
export class Caller {
	constructor(page, rig) {
		this.page = page;
		this.rig = rig;
		this.log = [];
		this.closed = false;
	}

	/** Calls a function of the page's rig and returns its result. */
	async run(name, ...args) {
		try {
			return await this.page.evaluate(
				([n, a]) => window.rig[n](...a), [name, args]);
		} catch (error) {
			error.message += this.log.length
				? `\npage log:\n  ${this.log.slice(-12).join('\n  ')}` : '';
			throw error;
		}
	}

	/** Asks `run(name, ...)` until `good(result)`; returns that result. */
	async until(good, name, ...args) {
		const end = Date.now() + DEADLINE_MS;
		for (;;) {
			const result = await this.run(name, ...args);
			if (good(result))
				return result;
			if (Date.now() > end) {
				throw new Error(`${name} did not come to what was waited ` +
					`for; last: ${JSON.stringify(result)}\n` +
					`  ${this.log.slice(-12).join('\n  ')}`);
			}
			await sleep(100);
		}
	}

	/**
	 * Waits until transport and keys stand, and the answer is in place: on the
	 * network thread the first may be there before the page has the second.
	 */
	connected() {
		return this.until((s) => s.connection === 'connected' &&
			s.signaling === 'stable' && s.answers > 0, 'state');
	}

	async close() {
		if (this.closed)
			return;
		this.closed = true;
		await this.run('hangUp').catch(() => {});
		await this.page.close();
	}
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * What the processes under a supervisor hold: `pids` given, or found below
 * `root` by parent.
 * @param {number} root process id of the supervisor
 * @returns {Promise<{names: Record<string, number>, fds: number,
 *   memfds: number, mapped: number, kb: number}>} counts over all of them:
 *   descriptors, those of memory objects, mappings of such, private kB
 */
export async function census(root) {
	const table = new Map();
	for (const entry of await readdir('/proc')) {
		if (!/^\d+$/.test(entry))
			continue;
		const stat = await readFile(`/proc/${entry}/stat`, 'utf8')
			.catch(() => '');
		const match = /^\d+ \((.*)\) \S (\d+)/s.exec(stat);
		if (match)
			table.set(Number(entry), { name: match[1], up: Number(match[2]) });
	}
	const mine = [...table.keys()].filter((pid) => {
		for (let p = pid; p > 1; p = table.get(p)?.up ?? 0) {
			if (p === root)
				return true;
		}
		return false;
	});
	const total = { names: {}, fds: 0, memfds: 0, mapped: 0, kb: 0 };
	for (const pid of mine) {
		const { name } = table.get(pid);
		total.names[name] = (total.names[name] ?? 0) + 1;
		const links = await descriptors(pid);
		total.fds += links.length;
		total.memfds += links.filter((l) => l.startsWith('/memfd:')).length;
		const maps = await readFile(`/proc/${pid}/maps`, 'utf8')
			.catch(() => '');
		total.mapped += maps.split('/memfd:').length - 1;
		const status = await readFile(`/proc/${pid}/status`, 'utf8')
			.catch(() => '');
		total.kb += Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0);
	}
	return total;
}

/**
 * Process ids with this name below `root`.
 * @param {number} root
 * @param {string} name
 */
export async function processes(root, name) {
	const up = new Map();
	const found = [];
	for (const entry of await readdir('/proc')) {
		const stat = /^\d+$/.test(entry) &&
			await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
		const match = /^\d+ \((.*)\) \S (\d+)/s.exec(stat || '');
		if (!match)
			continue;
		up.set(Number(entry), Number(match[2]));
		if (match[1] === name)
			found.push(Number(entry));
	}
	return found.filter((pid) => {
		let p = pid;
		while (p > 1 && p !== root)
			p = up.get(p) ?? 0;
		return p === root;
	});
}

async function descriptors(pid) {
	const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
	return Promise.all(names.map((n) =>
		readlink(`/proc/${pid}/fd/${n}`).catch(() => '')));
}
