// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Clients that flood or stand still, beside one that behaves: the process
 * stays within 8 MB of what it had, and the good client is answered.
 *
 *	node tests/ws/floods.mjs [BUILD-FOLDER]
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const build = process.argv[2] ?? 'build/release';
const PORT = 18192;
process.argv[2] = `ws://127.0.0.1:${PORT}`;
const { connect, equal, frame, ok, report, sleep, socket, test, text } =
	await import('./lib.mjs');

const SPAN_MS = 3000;
const MORE_KB = 8192;
const SLOW_MS = 250;	/* generous: others use the machine, too */
const HOST = `Host: 127.0.0.1:${PORT}\r\n`;
const ASAN = build.includes('asan') || build.includes('tsan');

const web = mkdtempSync(join(tmpdir(), 'signaling-floods-'));
writeFileSync(join(web, 'index.html'), '<!doctype html>');
writeFileSync(join(web, 'large.bin'), Buffer.alloc(4000000, 'x'));

let log = '';
const house = spawn(`${build}/tests/proc/fake_broker`,
	[`${build}/bin/signaling`, '--web', web, '--listen',
		`127.0.0.1:${PORT}`, '--max-per-source', '5000',
		'--max-connections', '5000'],
	{ env: { ...process.env, WEBRTC_MESSAGE_RATE: '1000000' } });
const left = new Promise((r) => house.on('exit', r));
house.stderr.on('data', (d) => { log += d; });
for (const end = Date.now() + 15000; !log.includes('broker is there');) {
	if (Date.now() > end)
		throw new Error(`no start: ${log}`);
	await sleep(20);
}
const pid = Number(spawnSync('pgrep', ['-P', String(house.pid)],
	{ encoding: 'utf8' }).stdout.trim());
const memory = () => Number(/VmRSS:\s+(\d+)/
	.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

const good = await socket();
const LIST = text('{"jsonrpc":"2.0","id":1,"method":"list_peers"}');

/** One round trip of the client that behaves, in ms. */
async function roundTrip() {
	const start = performance.now();
	good.send(LIST);
	await good.json();
	return performance.now() - start;
}
const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];

/** Runs an attack for a while; how the good client and memory fare. */
async function attack(name, begin, again) {
	await test(name, async (open) => {
		const idle = [];
		for (let i = 0; i < 30; i++)
			idle.push(await roundTrip());
		const before = memory();
		const state = await begin(open);
		const spans = [];
		let most = 0;
		for (const end = Date.now() + SPAN_MS; Date.now() < end;) {
			if (again)
				for (let i = 0; i < 4; i++)
					again(state);
			spans.push(await roundTrip());
			most = Math.max(most, memory() - before);
			await sleep(5);
		}
		ok(ASAN || most < MORE_KB, `${most} KB more`);
		const ms = median(spans);
		ok(ms < SLOW_MS, `median ${ms} ms`);
		console.log(`  ${name}: ${most} KB more, median ` +
			`${ms.toFixed(2)} ms (idle ${median(idle).toFixed(2)}), ` +
			`longest ${spans[spans.length - 1].toFixed(1)}`);
	});
	await sleep(300);
}

/* A client that writes as long as the other side takes it and never reads. */
const deaf = async (open, upgraded = true) => {
	const w = upgraded ? await socket(open) : await connect(open);
	w.socket.pause();
	w.socket.removeAllListeners('data');
	return w;
};
const push = (w, bytes) => {
	if (w.socket.writableLength < 1 << 20 && !w.socket.destroyed)
		w.socket.write(bytes);
};

const pings = Buffer.concat(Array(2000).fill(frame(9, 'x'.repeat(100))));
await attack('pings whose answers are never read', deaf,
	(w) => push(w, pings));

const calls = Buffer.concat(Array(500).fill(LIST));
await attack('messages whose answers are never read', deaf,
	(w) => push(w, calls));

const ones = Buffer.concat([text('a', { fin: false }),
	...Array(62).fill(frame(0, 'a', { fin: false })), frame(0, 'a')]);
await attack('messages of one-byte fragments', deaf,
	(w) => push(w, Buffer.concat(Array(100).fill(ones))));

await attack('messages promised and never finished', async (open) => {
	const list = [];
	for (let i = 0; i < 100; i++) {
		list.push(await socket(open));
		list[i].send(text('x', { claim: 65536n, form: 8 }));
	}
	return list;
}, (list) => list.forEach((w) => push(w, 'y')));

await attack('three hundred slow heads', async (open) => {
	const list = [];
	for (let i = 0; i < 300; i++) {
		list.push(await connect(open));
		list[i].send('GET / HTTP/1.1\r\n');
	}
	return list;
}, (list) => list.forEach((w) => push(w, 'A: b\r\n')));

await attack('two hundred slow bodies', async (open) => {
	const list = [];
	for (let i = 0; i < 200; i++) {
		list.push(await connect(open));
		list[i].send(`POST / HTTP/1.1\r\n${HOST}` +
			'Transfer-Encoding: chunked\r\n\r\n');
	}
	return list;
}, (list) => list.forEach((w) => push(w, '1\r\nx\r\n')));

await attack('a hundred large files that nobody reads', async (open) => {
	const list = [];
	for (let i = 0; i < 100; i++) {
		list.push(await deaf(open, false));
		push(list[i], `GET /large.bin HTTP/1.1\r\n${HOST}\r\n`.repeat(50));
	}
	return list;
});

await attack('requests in one stream, answers never read',
	(open) => deaf(open, false),
	(w) => push(w, `GET / HTTP/1.1\r\n${HOST}\r\n`.repeat(500)));

await attack('connections that come and go', async () => null, () => {
	connect().then((w) => w.socket.resetAndDestroy(), () => {});
});

await test('all that is over leaves nothing', async () => {
	const w = await connect();
	w.send(`GET /metrics HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
	const page = (await w.end()).toString();
	ok(/^remotemedia_signaling_websockets 1$/m.test(page), page);
	w.socket.destroy();
});

good.socket.destroy();
house.kill('SIGTERM');
equal(await left, 0, 'exit status');
rmSync(web, { recursive: true });
report();
