// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * TLS on the signaling port: what is agreed on, clients that are slow or
 * speak no TLS, a renewed certificate. Starts the whole system itself:
 *
 *	node tests/ws/tls.mjs
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync,
	statSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';

const PORT = 18097;
const PLAIN = 18098;
process.argv[2] = `wss://127.0.0.1:${PORT}`;
const { connect, equal, frame, ok, report, sleep, socket, test, Wire } =
	await import('./lib.mjs');

const dir = mkdtempSync(join(tmpdir(), 'signaling-tls-'));
const path = (name) => join(dir, name);

function certificate(name) {
	const r = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt',
		'ec_paramgen_curve:prime256v1', '-nodes', '-days', '3', '-subj',
		`/CN=${name}`, '-keyout', path('key.pem'), '-out', path('cert.pem')]);
	equal(r.status, 0, `openssl: ${r.stderr}`);
}

certificate('first');
let log = '';
const system = spawn('scripts/webrtc_server', { env: { ...process.env,
	WEBRTC_RUN_DIR: path('run'), WEBRTC_LOG: 'info',
	WEBRTC_SIGNALING_URL: `wss://0.0.0.0:${PORT}`,
	WEBRTC_ENABLE_GRPC_SIGNALING: 'true',
	GRPC_SIGNALING_ADDRESS: `127.0.0.1:${PLAIN}`,
	WEBRTC_TLS_CERT: path('cert.pem'), WEBRTC_TLS_KEY: path('key.pem'),
	WEBRTC_MAX_PER_SOURCE: '1000' } });
const gone = new Promise((r) => system.on('exit', r));
for (const out of [system.stdout, system.stderr])
	out.on('data', (d) => { log += d; });

async function until(what, why) {
	for (const end = Date.now() + 10000; !what();) {
		if (Date.now() > end)
			throw new Error(`waited in vain for ${why}: ${log}`);
		await sleep(20);
	}
}
await until(() => existsSync(path('run/ready')), 'the system');

/** A TCP connection without TLS. */
const dial = (port = PORT) => new Promise((resolve, reject) => {
	const s = net.connect(port, '127.0.0.1');
	s.on('connect', () => resolve(new Wire(s)));
	s.on('error', reject);
});

/** TLS with these options; the socket. */
const dialTls = (options, port = PORT) => new Promise((resolve, reject) => {
	const s = tls.connect({ host: '127.0.0.1', port,
		rejectUnauthorized: false, ...options });
	s.on('secureConnect', () => resolve(s));
	s.on('error', reject);
});

const ask = async (s, head = 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n') => {
	s.write(head);
	return new Wire(s).answer();
};

await test('HTTP/1.1 without a word about protocols', async () => {
	const s = await dialTls({});
	equal(s.alpnProtocol, false, 'protocol');
	equal((await ask(s)).status, 200, 'status');
	s.destroy();
});

await test('HTTP/1.1 by agreement', async () => {
	const s = await dialTls({ ALPNProtocols: ['http/1.1'] });
	equal(s.alpnProtocol, 'http/1.1', 'protocol');
	equal((await ask(s)).status, 200, 'status');
	s.destroy();
});

for (const [name, port] of [['here', PORT], ['on the gRPC address', PLAIN]])
	await test(`HTTP/2 by agreement, ${name}`, async () => {
		const c = http2.connect(`https://127.0.0.1:${port}`,
			{ rejectUnauthorized: false });
		const status = await new Promise((resolve, reject) => {
			c.on('error', reject);
			const r = c.request({ ':path': '/healthz' });
			r.on('response', (h) => resolve(h[':status']));
			r.on('error', reject);
			r.end();
		});
		equal([status, c.alpnProtocol], [200, 'h2']);
		c.destroy();
	});

await test('a protocol that we do not speak', async () => {
	const e = await dialTls({ ALPNProtocols: ['spdy/3'] }).catch((x) => x);
	equal(e.code, 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
});

await test('TLS 1.1', async () => {
	const e = await dialTls({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1',
		ciphers: 'DEFAULT@SECLEVEL=0' }).catch((x) => x);
	equal(e.code, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
});

for (const [name, bytes] of [
	['HTTP', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
	['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
	['rubbish', 'hello']])
	await test(`a client that speaks no TLS: ${name}`, async () => {
		const w = await dial();
		w.send(bytes);
		const a = await w.answer();
		equal([a.status, a.headers.connection], [400, 'close']);
		ok(a.body.toString().includes('This port speaks TLS'), a.body);
		equal((await w.end()).length, 0, 'bytes behind');
		w.socket.destroy();
	});

/* The first flight of a client, as bytes. */
const hello = await new Promise((resolve) => {
	const l = net.createServer((s) => s.once('data', (d) => {
		resolve(d);
		s.destroy();
		l.close();
	}));
	l.listen(0, '127.0.0.1', () => tls.connect(l.address().port,
		'127.0.0.1').on('error', () => {}));
});

await test('a hello byte by byte is a hello', async () => {
	const w = await dial();
	for (const b of hello)
		w.send(Buffer.from([b]));
	await w.until(() => w.bytes.length > 90 || undefined, 'our flight');
	equal(w.bytes[0], 22, 'a handshake record');
	w.socket.destroy();
});

for (const [name, first, more] of [
	['says nothing', Buffer.alloc(0), false],
	['says one byte', hello.subarray(0, 1), false],
	['says half a hello', hello.subarray(0, 100), false],
	['says a hello and no more', hello, false],
	['says a byte each half second', hello.subarray(0, 1), true]])
	await test(`a client that ${name} is dropped`, async () => {
		const w = await dial();
		const start = Date.now();
		if (first.length)
			w.send(first);
		for (let i = 1; !w.ended && i < 30; i++) {
			await sleep(500);
			if (more && !w.ended)
				w.send(hello.subarray(i, i + 1));
		}
		const span = Date.now() - start;
		ok(w.ended && span > 4500, `${span} ms`);
		w.socket.destroy();
	});

await test('sixty half handshakes beside one that works', async () => {
	const slow = await Promise.all(Array.from({ length: 60 }, () => dial()));
	for (const w of slow)
		w.send(hello.subarray(0, 200));
	const s = await dialTls({});
	equal((await ask(s)).status, 200, 'status');
	s.destroy();
	for (const w of slow)
		w.socket.destroy();
});

await test('a large page comes whole, also to a slow reader', async () => {
	const pages = (at) => readdirSync(at, { withFileTypes: true })
		.flatMap((e) => e.isDirectory() ? pages(join(at, e.name))
			: join(at, e.name));
	const list = pages('web').filter((p) => !p.includes('/.'));
	const largest = list.sort((a, b) => statSync(b).size - statSync(a).size)[0];
	const s = await dialTls({});
	s.write(`GET ${largest.slice(3)} HTTP/1.1\r\nHost: a\r\n` +
		'Connection: close\r\n\r\n');
	const parts = [];
	for await (const d of s) {
		parts.push(d);
		await sleep(5);
	}
	const all = Buffer.concat(parts);
	ok(all.subarray(all.indexOf('\r\n\r\n') + 4)
		.equals(readFileSync(largest)), `${largest} as it is`);
});

await test('a close frame is answered before TLS ends', async (open) => {
	const s = await socket(open);
	s.send(frame(8, Buffer.from([3, 232])));
	equal(await s.closed(), 1000, 'code');
	equal((await s.end()).length, 0, 'bytes behind');
});

const subject = async () => {
	const s = await dialTls({});
	const { CN } = s.getPeerCertificate().subject;
	s.destroy();
	return CN;
};

/** The broker is told to look again. */
const renew = () => system.kill('SIGHUP');

await test('a renewed certificate is for those who come', async (open) => {
	equal(await subject(), 'first', 'before');
	const there = await socket(open);
	certificate('second');
	renew();
	let now = '';
	for (const end = Date.now() + 8000; now !== 'second' && Date.now() < end;) {
		now = await subject();
		await sleep(50);
	}
	equal(now, 'second', 'after');
	there.say({ jsonrpc: '2.0', id: 1, method: 'list_peers' });
	ok((await there.json()).result, 'who was there goes on');
});

await test('a certificate that is broken changes nothing', async () => {
	const key = readFileSync(path('key.pem'));
	certificate('third');
	spawnSync('cp', ['/dev/null', path('cert.pem')]);
	log = '';
	renew();
	await until(() => log.includes('the old TLS certificate serves on'),
		'a word about it');
	equal(await subject(), 'second', 'subject');
	ok(!log.includes(key.toString().split('\n')[1]), 'no key in the log');
});

await test('who failed is counted', async () => {
	const s = await dialTls({});
	s.write('GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
	let page = '';
	for await (const d of s)
		page += d;
	const value = (name) => Number(new RegExp(`^${name} (\\d+)$`, 'm')
		.exec(page)?.[1]);
	ok(value('remotemedia_signaling_tls_failures_total') >= 8, page);
	ok(value('remotemedia_signaling_connections_total\\{listener="tls"\\}') >
		80, page);
});

await connect().then((w) => w.socket.destroy());
system.kill('SIGTERM');
equal(await gone, 0, 'exit status');
ok(!log.includes('killed'), log);
rmSync(dir, { recursive: true });
report();
