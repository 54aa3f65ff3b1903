// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Raw-socket HTTP and WebSocket for conformance cases: says exactly the bytes
 * a case wants, wrong ones included, and reports exactly what came back.
 * No dependency beyond Node itself.
 */
import net from 'node:net';
import tls from 'node:tls';
import { createHash, randomBytes } from 'node:crypto';

const WAIT_MS = 8000;
let passed = 0;
let failed = 0;
let refused = false;

/** The server under test: first argument, SIGNALING_URL, or the default. */
export function target() {
	const url = new URL(process.argv[2] ?? process.env.SIGNALING_URL ??
		'ws://127.0.0.1:8080');
	const secure = url.protocol === 'wss:' || url.protocol === 'https:';
	return { host: url.hostname.replace(/^\[|\]$/g, ''), secure,
		port: Number(url.port || (secure ? 443 : 80)) };
}

export function equal(got, want, what = 'value') {
	const a = JSON.stringify(got);
	const b = JSON.stringify(want);
	if (a !== b)
		throw new Error(`${what}: got ${a}, want ${b}`);
}

export function ok(condition, what) {
	if (!condition)
		throw new Error(what);
}

export async function test(name, run) {
	const open = [];
	try {
		await run(open);
		passed++;
	} catch (e) {
		failed++;
		console.log(`FAILED ${name}: ${e.message}`);
	}
	for (const c of open)
		c.socket.destroy();
}

/** The closing line; the process leaves with 1 when a case failed. */
export function report() {
	console.log(`${passed} passed, ${failed} failed`);
	process.exit(failed ? 1 : 0);
}

export const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

/** A TCP connection that keeps all it receives. */
export class Wire {
	constructor(socket) {
		this.socket = socket;
		this.bytes = Buffer.alloc(0);
		this.ended = false;
		this.waiters = [];
		socket.on('data', (d) => {
			this.bytes = Buffer.concat([this.bytes, d]);
			this.wake();
		});
		for (const e of ['end', 'close', 'error'])
			socket.on(e, () => { this.ended = true; this.wake(); });
	}

	wake() {
		for (const w of this.waiters.splice(0))
			w();
	}

	send(bytes) {
		this.socket.write(bytes);
	}

	/** Waits until test() gives something else than undefined. */
	async until(test, what) {
		const deadline = Date.now() + WAIT_MS;
		for (;;) {
			const got = test();
			if (got !== undefined)
				return got;
			const left = deadline - Date.now();
			if (left <= 0)
				throw new Error(`waited in vain for ${what}`);
			await new Promise((r) => {
				const t = setTimeout(r, left);
				this.waiters.push(() => { clearTimeout(t); r(); });
			});
		}
	}

	/** Waits for the far end to close; returns all that came. */
	async end() {
		await this.until(() => this.ended || undefined, 'end of file');
		return this.bytes;
	}

	/** One HTTP answer: {status, headers, body}; takes it off the bytes. */
	async answer(head = false) {
		return this.until(() => {
			const at = this.bytes.indexOf('\r\n\r\n');
			if (at < 0) {
				if (this.ended)
					throw new Error('closed without an answer');
				return undefined;
			}
			const lines = this.bytes.subarray(0, at).toString('latin1')
				.split('\r\n');
			const headers = {};
			for (const l of lines.slice(1)) {
				const colon = l.indexOf(':');
				headers[l.slice(0, colon).toLowerCase()] =
					l.slice(colon + 1).trim();
			}
			const status = Number(lines[0].split(' ')[1]);
			const none = head || status === 304 || status === 101;
			const len = none ? 0 : Number(headers['content-length'] ?? 0);
			if (this.bytes.length < at + 4 + len)
				return undefined;
			const body = this.bytes.subarray(at + 4, at + 4 + len);
			this.bytes = this.bytes.subarray(at + 4 + len);
			return { status, headers, body };
		}, 'an HTTP answer');
	}
}

/**
 * Connects; a connection that the limits refuse at once (reset or closed
 * before a byte was sent) is tried again, so that the cases also run against
 * a server with its default limits.
 */
export async function connect(open) {
	const { host, port, secure } = target();
	const deadline = Date.now() + 30000;
	for (;;) {
		const wire = await new Promise((resolve) => {
			/* Whose certificate it is, is no matter of these cases. */
			const tcp = net.connect({ host, port, noDelay: true });
			const s = secure
				? tls.connect({ socket: tcp, rejectUnauthorized: false })
				: tcp;
			/* A reset is TCP's, and a socket of TLS has none. */
			s.resetAndDestroy = () =>
				net.Socket.prototype.resetAndDestroy.call(tcp);
			tcp.on('error', () => resolve(null));
			s.on('error', () => resolve(null));
			s.on(secure ? 'secureConnect' : 'connect', () =>
				resolve(new Wire(s)));
		});
		/* A refusal at accept closes within the same turn of its loop;
		 * where there was one there will be more, so look closer. */
		if (wire)
			await sleep(refused ? 40 : 3);
		if (wire && !wire.ended) {
			open?.push(wire);
			return wire;
		}
		refused = true;
		if (Date.now() > deadline)
			throw new Error('cannot connect');
		await sleep(150);
	}
}

export const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

export function upgradeText(extra = '', path = '/ws') {
	const { host, port } = target();
	return `GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\n` +
		'Upgrade: websocket\r\nConnection: Upgrade\r\n' +
		`Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n` +
		`${extra}\r\n`;
}

/** One frame as bytes. len8: force a length form (2 or 8 bytes). */
export function frame(opcode, payload, { fin = true, rsv = 0, mask = true,
	form = 0, claim = undefined } = {}) {
	const body = Buffer.from(payload);
	const len = claim ?? BigInt(body.length);
	const size = form || (len < 126n ? 1 : len < 65536n ? 2 : 8);
	const head = [(fin ? 0x80 : 0) | rsv << 4 | opcode];
	const m = mask ? 0x80 : 0;
	if (size === 1) {
		head.push(m | Number(len));
	} else {
		head.push(m | (size === 2 ? 126 : 127));
		for (let i = size - 1; i >= 0; i--)
			head.push(Number(len >> BigInt(8 * i) & 255n));
	}
	if (!mask)
		return Buffer.concat([Buffer.from(head), body]);
	const key = randomBytes(4);
	const out = Buffer.from(body.map((b, i) => b ^ key[i & 3]));
	return Buffer.concat([Buffer.from(head), key, out]);
}

export const text = (s, o) => frame(1, s, o);

/** A WebSocket over a Wire: frames in, JSON calls. */
export class Socket extends Wire {
	constructor(wire) {
		super(wire.socket);
		this.bytes = wire.bytes;
		this.notes = [];
		this.id = 0;
	}

	/** The next frame {opcode, fin, payload}, or null at end of file. */
	async frame() {
		return this.until(() => this.take() ?? (this.ended ? null : undefined),
			'a frame');
	}

	take() {
		const b = this.bytes;
		if (b.length < 2)
			return undefined;
		let len = b[1] & 127;
		let at = 2;
		if (len === 126) {
			if (b.length < 4)
				return undefined;
			len = b.readUInt16BE(2);
			at = 4;
		} else if (len === 127) {
			if (b.length < 10)
				return undefined;
			len = Number(b.readBigUInt64BE(2));
			at = 10;
		}
		if (b.length < at + len)
			return undefined;
		this.bytes = b.subarray(at + len);
		return { opcode: b[0] & 15, fin: b[0] >> 7, masked: b[1] >> 7,
			payload: Buffer.from(b.subarray(at, at + len)) };
	}

	/** The next text message as JSON; answers pings in between. */
	async json() {
		for (;;) {
			const f = await this.frame();
			if (f === null)
				throw new Error('closed while a message was awaited');
			if (f.opcode === 9)
				this.send(frame(10, f.payload));
			else if (f.opcode === 8)
				throw new Error('close ' + f.payload.readUInt16BE(0) +
					' while a message was awaited');
			else if (f.opcode === 1)
				return JSON.parse(f.payload.toString());
		}
	}

	/** Waits for a close frame; returns its code (1005 without one). */
	async closed() {
		for (;;) {
			const f = await this.frame();
			if (f === null)
				return null;
			if (f.opcode === 8)
				return f.payload.length ? f.payload.readUInt16BE(0) : 1005;
		}
	}

	say(value) {
		this.send(text(typeof value === 'string' ? value :
			JSON.stringify(value)));
	}

	/** Sends a request; its answer, notifications before it are kept. */
	async call(method, params, id = ++this.id) {
		const m = { jsonrpc: '2.0', id, method };
		if (params !== undefined)
			m.params = params;
		this.say(m);
		for (;;) {
			const got = await this.json();
			if ('id' in got && got.id === id)
				return got;
			this.notes.push(got);
		}
	}

	/** The next notification, kept ones first. */
	async note(method) {
		for (;;) {
			const i = this.notes.findIndex((n) => n.method === method);
			if (i >= 0)
				return this.notes.splice(i, 1)[0];
			this.notes.push(await this.json());
		}
	}
}

/** An open WebSocket. */
export async function socket(open, extra, path) {
	let wire = await connect(open);
	wire.send(upgradeText(extra, path));
	let a = await wire.answer().catch(() => null);
	if (a === null) {
		refused = true;
		wire = await connect(open);
		wire.send(upgradeText(extra, path));
		a = await wire.answer();
	}
	equal(a.status, 101, 'status of the upgrade');
	equal(a.headers['sec-websocket-accept'], createHash('sha1')
		.update(KEY + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11')
		.digest('base64'), 'accept key');
	const s = new Socket(wire);
	open?.push(s);
	return s;
}

let serial = 0;

/** An announced peer with a name that no other case has. */
export async function peer(open, name = `t${process.pid}-${++serial}`) {
	const s = await socket(open);
	const a = await s.call('announce', { peer_id: name,
		capabilities: { audio: true } });
	ok(a.result, `announce of ${name}: ${JSON.stringify(a)}`);
	s.name = name;
	s.announced = a;
	return s;
}
