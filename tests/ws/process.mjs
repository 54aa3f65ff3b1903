// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * The signaling process as a whole: start, limits, its broker going and
 * coming, a hub it joins, its end. Starts its own processes:
 *
 *	node tests/ws/process.mjs [BUILD-FOLDER]
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const build = process.argv[2] ?? 'build/release';
const PORT = 18190;
const HUB_PORT = 18191;
process.argv[2] = `ws://127.0.0.1:${PORT}`;
const { connect, equal, frame, ok, peer, report, sleep, socket, Socket,
	test: plain, 	upgradeText, Wire } = await import('./lib.mjs');

const SERVER = 'remotemedia-server';
const web = mkdtempSync(join(tmpdir(), 'signaling-web-'));
writeFileSync(join(web, 'index.html'), '<!doctype html>');

const houses = new Set();

/** A case; whatever it started is ended with it. */
const test = (name, run) => plain(name, async (open) => {
	try {
		await run(open);
	} finally {
		for (const h of [...houses])
			await h.end();
	}
});

/** A fake broker and its signaling process. */
class House {
	constructor(args, env = {}) {
		this.log = '';
		this.child = spawn(`${build}/tests/proc/fake_broker`,
			[`${build}/bin/signaling`, '--log', 'debug', '--web', web,
				...args], { env: { ...process.env, ...env } });
		this.exited = new Promise((r) => this.child.on('exit', r));
		this.child.stderr.on('data', (d) => { this.log += d; });
		houses.add(this);
		this.exited.then(() => houses.delete(this));
	}

	async says(what) {
		const deadline = Date.now() + 15000;
		while (!this.log.includes(what)) {
			if (Date.now() > deadline)
				throw new Error(`log without "${what}": ${this.log}`);
			await sleep(10);
		}
	}

	signal(s) {
		this.child.kill(s);
	}

	async end() {
		this.signal('SIGTERM');
		return this.exited;
	}
}

const serve = async (extra = [], env = {}) => {
	const h = new House(['--listen', `localhost:${PORT}`, ...extra], env);
	await h.says('broker is there');
	return h;
};
const MANY = ['--max-per-source', '1000'];

async function health() {
	const w = await connect();
	w.send(`GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
	const a = await w.answer();
	w.socket.destroy();
	const told = JSON.parse(a.body.toString());
	if (told.broker === 'down')
		equal(told.media, null, 'media without a broker');
	else
		equal(told.media, { calls: 4, connected: 3, media_workers: 2,
			restarts: 4294967295 }, 'media');
	return [a.status, told.broker];
}

/** Waits until so many of these were closed at accept, and a bit more. */
async function refusals(wires, number) {
	const deadline = Date.now() + 8000;
	while (wires.filter((w) => w.ended).length < number &&
		Date.now() < deadline)
		await sleep(10);
	await sleep(50);
}

const dial = (host, port) => new Promise((resolve, reject) => {
	const s = net.connect({ host, port });
	s.on('connect', () => resolve(new Wire(s)));
	s.on('error', reject);
});

/** Runs the binary alone; what it prints and how it leaves. */
const alone = (args, env = {}) => spawnSync(`${build}/bin/signaling`, args,
	{ encoding: 'utf8', timeout: 10000, env: { ...process.env, ...env } });

for (const [name, args, env, says] of [
	['nothing to do', [], {}, '--listen and --join'],
	['an unknown argument', ['--nope', 'x'], {}, '--nope: no such'],
	['a value that is missing', ['--listen'], {}, '--listen: needs a value'],
	['an address without port', ['--listen', 'localhost'], {},
		'--listen=localhost: allowed is '],
	['a port too high', ['--listen', 'a:65536'], {},
		'--listen=a:65536: allowed is '],
	['no hub', ['--join', 'https://a'], {}, 'allowed is ws://'],
	['TLS without a certificate', ['--listen', `wss://localhost:${PORT}`], {},
		'WEBRTC_TLS_CERT'],
	['a certificate that is not there', ['--listen', `wss://localhost:${PORT}`],
		{ WEBRTC_TLS_CERT: '/nonexistent', WEBRTC_TLS_KEY: '/nonexistent' },
		'/nonexistent'],
	['a certificate that is none', ['--listen', `wss://localhost:${PORT}`],
		{ WEBRTC_TLS_CERT: '/dev/null', WEBRTC_TLS_KEY: '/dev/null' },
		'no certificate that works'],
	['a log level', ['--log', 'loud'], {}, '--log=loud'],
	['a cap', ['--max-per-source', '0'], {}, '1 to 1000000'],
	['a variable', ['--listen', 'a:1'], { WEBRTC_OFFER_RATE: 'x' },
		'WEBRTC_OFFER_RATE=x: allowed is 1 to'],
])
	await test(`start: ${name}`, async () => {
		const r = alone(args, env);
		equal(r.status, 2, 'exit status');
		ok(r.stderr.includes(says), r.stderr);
		equal(r.stderr.trim().split('\n').length, 1, 'lines');
	});

await test('start: a folder that is not there', async () => {
	const r = alone(['--web', '/nonexistent', '--listen',
		`127.0.0.1:${HUB_PORT}`]);
	equal(r.status, 2);
	ok(r.stderr.includes('/nonexistent'), r.stderr);
});

await test('start: an address this machine does not have', async () => {
	const r = alone(['--listen', `192.0.2.1:${HUB_PORT}`]);
	equal(r.status, 3);
	ok(r.stderr.includes(`192.0.2.1:${HUB_PORT}`), r.stderr);
});

await test('start: a hub whose host is no host', async () => {
	const r = alone(['--join', 'ws://host.invalid:1']);
	ok(r.status === 3 && r.stderr.includes('ws://host.invalid:1'), r.stderr);
});

await test('serves both address families; a port in use is named',
	async () => {
		const h = await serve();
		for (const host of ['127.0.0.1', '::1']) {
			const w = await dial(host, PORT);
			w.send('GET / HTTP/1.0\r\n\r\n');
			equal((await w.answer()).status, 200, host);
			w.socket.destroy();
		}
		const r = alone(['--listen', `localhost:${PORT}`]);
		equal(r.status, 3, 'exit status');
		ok(r.stderr.includes(`localhost:${PORT}`) &&
			r.stderr.includes('in use'), r.stderr);
		equal(r.stderr.trim().split('\n').length, 1, 'lines');
		equal(await h.end(), 0, 'exit status of the first');
	});

await test('[::] alone serves IPv4 too', async () => {
	const h = new House(['--listen', `[::]:${PORT}`]);
	await h.says('broker is there');
	for (const host of ['127.0.0.1', '::1']) {
		const w = await dial(host, PORT);
		w.send('GET / HTTP/1.0\r\n\r\n');
		equal((await w.answer()).status, 200, host);
		w.socket.destroy();
	}
	equal(await h.end(), 0);
});

await test('SIGTERM closes every WebSocket with 1001', async (open) => {
	const h = await serve();
	const [a, b] = [await peer(open), await socket(open)];
	h.signal('SIGTERM');
	for (const s of [a, b]) {
		equal(await s.closed(), 1001, 'close code');
		s.send(frame(8, Buffer.from([3, 233])));
		await s.end();
	}
	equal(await h.exited, 0, 'exit status');
});

await test('one address has 32 connections, and 10 new a second', async () => {
	const h = await serve();
	const open = [];
	for (let i = 0; i < 40; i++) {
		open.push(await dial('127.0.0.1', PORT));
		await sleep(2);
	}
	await refusals(open, 8);
	equal(open.filter((w) => !w.ended).length, 32, 'kept');
	for (const w of open.splice(0))
		w.socket.destroy();
	await sleep(1000);
	for (let i = 0; i < 20; i++) {
		open.push(await dial('127.0.0.1', PORT));
		await sleep(2);
	}
	await sleep(50);
	const kept = open.filter((w) => !w.ended).length;
	ok(kept >= 8 && kept <= 18, `${kept} of 20 kept after a second`);
	for (const w of open)
		w.socket.destroy();
	await h.end();
});

await test('WEBRTC_MAX_PER_SOURCE and --max-connections', async () => {
	const h = await serve(['--max-connections', '50'],
		{ WEBRTC_MAX_PER_SOURCE: '500' });
	const open = [];
	for (let i = 0; i < 60; i++)
		open.push(await dial('127.0.0.1', PORT));
	await refusals(open, 10);
	equal(open.filter((w) => !w.ended).length, 50, 'kept');
	for (const w of open)
		w.socket.destroy();
	await h.end();
});

await test('without its broker: relay goes on, an offer waits, health says so',
	async (open) => {
		const h = await serve(MANY);
		const [a, b] = [await peer(open), await peer(open)];
		const offer = { to_peer_id: SERVER, sdp: 'v=0 m=' };
		ok((await a.call('offer', offer)).result, 'before');
		h.signal('SIGUSR1');
		await h.says('broker is gone');
		await b.call('offer', { to_peer_id: a.name, sdp: 'x' });
		equal((await a.note('offer')).params.sdp, 'x', 'relay');
		b.say({ jsonrpc: '2.0', id: 'w', method: 'offer', params: offer });
		equal(await health(), [200, 'down'], 'within 5 s');
		await sleep(300);
		h.signal('SIGUSR2');
		const got = await b.note(undefined);
		equal([got.id, !!got.result], ['w', true], 'answered on return');
		await b.note('answer');
		equal(await health(), [200, 'up'], 'again');
		h.signal('SIGUSR1');
		await sleep(100);
		const from = Date.now();
		const e = (await a.call('offer', offer)).error;
		equal([e.code, e.data.retry_after_ms], [-32021, 1000]);
		ok(Date.now() - from > 4500, 'it waited');
		await sleep(400);
		equal(await health(), [503, 'down'], 'after 5 s');
		h.signal('SIGUSR2');
		await sleep(200);
		equal(await health(), [200, 'up'], 'at the end');
		await h.end();
	});

await test('what a hostile worker relays costs its peer alone',
	async (open) => {
		const h = await serve(MANY);
		const [b, a] = [await peer(open), await peer(open)];
		for (let i = 0; i < 2; i++) {
			const got = await a.call('offer', { to_peer_id: SERVER,
				sdp: 'v=0 m= x-fake:rubbish' });
			ok(got.result, 'the offer is answered all the same');
			equal((await a.note('peer_error')).params.reason, 'a?b????\u00e9',
				'a text for humans is cleaned');
			equal((await a.note('answer')).params.type, 'answer');
			ok((await a.note('ice_candidate')).params.candidate
				.endsWith('typ host'), 'the good candidate');
			equal((await a.note('peer_state_change')).params.connection_state,
				'connected');
			equal(a.notes, [], 'nothing else');
		}
		await h.says('messages dropped');
		ok((await b.call('offer', { to_peer_id: SERVER,
			sdp: 'v=0 m= x-fake:nowhy' })).result, 'another peer');
		equal((await b.note('peer_disconnected')).params.reason, 'protocol',
			'an end for no known reason is an end');
		ok(!h.log.includes('broker is gone'), 'the link lived on');
		equal(h.log.split('messages dropped').length, 2, 'lines in the log');
		equal(await h.end(), 0);
	});

await test('joins a hub, answers there, survives its loss', async (open) => {
	const args = ['--listen', `127.0.0.1:${PORT}`, ...MANY];
	let hub = new House(args);
	await hub.says('broker is there');
	const guest = new House(['--join', `ws://127.0.0.1:${PORT}/room`]);
	await guest.says('joined the hub');
	const a = await peer(open);
	const name = a.announced.result.other_peers.find((p) =>
		p.startsWith('peer-'));
	ok(/^peer-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
		.test(name), `name ${name}`);
	ok((await a.call('ice_candidate', { to_peer_id: name, candidate: 'early',
		sdp_mid: '0', sdp_mline_index: 0 })).result, 'candidate');
	ok((await a.call('offer', { to_peer_id: name, sdp: 'v=0 m=',
		type: 'offer' })).result, 'offer');
	const answer = (await a.note('answer')).params;
	equal([answer.from_peer_id, answer.type], [name, 'answer']);
	equal((await a.note('ice_candidate')).params.sdp_mid, '0');
	await a.call('offer', { to_peer_id: name, sdp: 'v=0 m=' });
	ok((await a.note('answer')).params.sdp.includes('x-heard:1'),
		'the early candidate arrived');
	await a.call('offer', { to_peer_id: name, sdp: 'v=0 x-fake:offer' });
	ok((await a.note('offer')).params.offer_id.startsWith(name), 'its offer');
	ok((await a.call('answer', { to_peer_id: name, sdp: 'v=0' })).result,
		'our answer');
	await a.call('offer', { to_peer_id: name, sdp: 'v=0 x-fake:full' });
	equal((await a.note('peer_disconnected')).params.peer_id, name,
		'a refusal');
	await hub.end();
	await guest.says('hub lost');
	hub = new House(args);
	await hub.says('broker is there');
	let b = await peer(open);
	if (!b.announced.result.other_peers.includes(name))
		equal((await b.note('peer_joined')).params.peer_id, name, 'same name');
	await b.call('offer', { to_peer_id: name, sdp: 'v=0 m=' });
	await b.note('answer');
	equal(await guest.end(), 0, 'guest leaves');
	equal((await b.note('peer_left')).params.peer_id, name);
	await hub.end();
});

await test('a hub whose line is cut knows the guest again', async (open) => {
	const hub = new House(['--listen', `127.0.0.1:${PORT}`, ...MANY]);
	await hub.says('broker is there');
	const line = net.createServer((s) => {
		const t = net.connect(PORT, '127.0.0.1');
		for (const [from, to] of [[s, t], [t, s]]) {
			from.on('error', () => {});
			from.on('close', () => to.destroy());
			from.pipe(to);
		}
		line.cut = () => { s.resetAndDestroy(); t.resetAndDestroy(); };
	});
	await new Promise((r) => line.listen(HUB_PORT, '127.0.0.1', r));
	const guest = new House(['--join', `ws://127.0.0.1:${HUB_PORT}`]);
	await guest.says('joined the hub');
	const a = await peer(open);
	const name = a.announced.result.other_peers[1];
	line.cut();
	await guest.says('hub lost');
	guest.log = '';
	await guest.says('joined the hub');
	ok((await a.call('offer', { to_peer_id: name, sdp: 'v=0 m=' })).result,
		'the same name');
	await a.note('answer');
	equal(a.notes.filter((n) => /left|joined/.test(n.method)), [],
		'nobody noticed');
	line.close();
	equal(await guest.end(), 0, 'guest leaves');
	equal((await a.note('peer_left')).params.peer_id, name, 'a farewell');
	await hub.end();
});

await test('a hub that is none', async () => {
	const bad = net.createServer((s) => s.end('hello\r\n\r\n'));
	await new Promise((r) => bad.listen(HUB_PORT, '127.0.0.1', r));
	const guest = new House(['--join', `ws://127.0.0.1:${HUB_PORT}`]);
	await guest.says('it speaks no WebSocket');
	bad.close();
	await guest.says('Connection refused');
	equal(await guest.end(), 0);
});

await test('two thousand idle WebSockets are small', async () => {
	const h = await serve(['--max-per-source', '3000']);
	const pid = () => spawnSync('pgrep', ['-P', String(h.child.pid)],
		{ encoding: 'utf8' }).stdout.trim();
	const memory = () => Number(/VmRSS:\s+(\d+)/.exec(spawnSync('cat',
		[`/proc/${pid()}/status`], { encoding: 'utf8' }).stdout)[1]);
	const before = memory();
	const open = [];
	for (let i = 0; i < 2000; i++) {
		const w = await dial('127.0.0.1', PORT);
		w.send(upgradeText());
		open.push(w);
	}
	for (const w of open) {
		equal((await w.answer()).status, 101, 'upgrade');
		await new Socket(w).call('list_peers');
	}
	await sleep(1500);
	const each = (memory() - before) / 2000;
	if (!build.includes('asan') && !build.includes('tsan'))
		ok(each < 4, `${each.toFixed(1)} KB each`);
	for (const w of open)
		w.socket.destroy();
	await h.end();
});

rmSync(web, { recursive: true });
report();
