// SPDX-License-Identifier: MIT OR Apache-2.0
/** web/client/remotemedia.js: calls, negotiation, messages, lost sockets. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Proxy } from './proxy.mjs';
import { Rig, processes, sleep } from './rig.mjs';

const SERVER = 'remotemedia-server';
const runDir = process.env.RM_RUN_DIR;
const broker = runDir
	? Number(readFileSync(`${runDir}/broker.pid`, 'utf8')) : 0;

let rig;
before(async () => { rig = await Rig.start(); });
after(() => rig.close());

const named = (name) => `${name}-${process.pid}-${Date.now() % 100000}`;

const heard = (client, hz, peer = SERVER) => client.until((s) =>
	s !== null && Math.abs(s.hz - hz) < hz * 0.01 && s.purity > 0.9,
'sound', peer);

const open = (client) => client.until((s) => s.signaling === 'open', 'state');

const connected = (client, peer = SERVER) => client.until((s) =>
	s.call === 'connected' && s.negotiation === 'stable', 'state', peer);

/** A client in a call with the server that hears its tone. */
async function inCall(hz, options = {}) {
	const client = await rig.client(options);
	await client.run('call', SERVER, hz);
	await connected(client);
	await heard(client, hz);
	return client;
}

/** A message goes to the server and comes back. */
async function echoes(client, text) {
	assert.deepEqual(await client.run('send', SERVER, 'text', text), {});
	await client.until((l) => l.some((m) => m.text === text), 'messages');
}

/** Media went on: packets came all the time, none lost, no silence. */
async function assertNoGap(client, before) {
	const now = await client.run('flow');
	const seconds = (now.at - before.at) / 1000;
	assert.ok(now.packets - before.packets > 40 * seconds,
		`${now.packets - before.packets} packets in ${seconds} s`);
	assert.equal(now.lost, before.lost);
	const { gaps, longestGapMs } = await client.run('sound');
	assert.equal(gaps, 0, `silence of ${longestGapMs} ms`);
}

test('a call: events, tone, figures', async () => {
	const client = await rig.client({ statsInterval: 300 }, false);
	assert.equal((await client.run('state')).signaling, 'closed');
	await client.run('connect');
	assert.deepEqual((await client.run('events', 'statechange'))
		.map((e) => e.state), ['connecting', 'open']);
	await client.until((s) => s.peers.some((p) =>
		p.peerId === SERVER && p.capabilities.audio === true), 'state');
	await client.run('call', SERVER, 440);
	await connected(client);
	await heard(client, 440);
	const tracks = await client.run('events', 'track');
	assert.deepEqual(tracks.map((e) => [e.peer, e.kind]),
		[[SERVER, 'audio']]);
	const states = (await client.run('events', 'connectionstatechange'))
		.map((e) => e.state);
	assert.equal(states.at(-1), 'connected');
	const stats = await client.until((s) => s.rttMs !== null &&
		s.receiveKbps > 5 && s.sendKbps > 5, 'stats', SERVER);
	assert.equal(stats.codecs.audioIn, 'opus');
	assert.equal(stats.codecs.audioOut, 'opus');
	assert.equal(stats.codecs.videoIn, null);
	assert.equal(stats.lossPercent, 0);
	assert.ok(stats.jitterMs >= 0 && stats.jitterMs < 1000);
	await client.until((l) => l.length >= 2 && l[0].stats.rttMs !== undefined,
		'events', 'stats');
	await client.close();
});

test('without a call there is nobody to send to', async () => {
	const client = await rig.client();
	const { error } = await client.run('send', SERVER, 'text', 'x');
	assert.match(error.message, /no call with remotemedia-server/);
	await client.close();
});

test('a picture joins a running call over the same transport', async () => {
	const client = await inCall(500);
	const before = await client.run('state');
	await client.run('addPicture', SERVER);
	await client.until((s) => s.answers > before.answers &&
		s.lines.length === 2 && s.negotiation === 'stable', 'state');
	await client.until((v) => v !== null && v.distinct >= 15, 'view');
	assert.equal((await client.run('state')).ufrag, before.ufrag);
	const stats = await client.until((s) => s.frames.decoded > 15 &&
		s.codecs.videoIn !== null, 'stats', SERVER);
	assert.deepEqual([stats.frames.width, stats.frames.height], [320, 180]);
	assert.deepEqual(await client.run('events', 'error'), []);
	await client.close();
});

test('only listening: lines that receive', async () => {
	const client = await rig.client();
	await client.run('callListening', SERVER);
	const { lines } = await connected(client);
	assert.equal(lines.length, 2);
	for (const line of lines)
		assert.ok(line === 'recvonly' || line === 'inactive', line);
	await client.close();
});

test('an ICE restart finds the path again', async () => {
	const client = await inCall(470);
	const before = await client.run('state');
	await client.run('restartIce');
	await client.until((s) => s.answers > before.answers &&
		s.ufrag !== before.ufrag && s.call === 'connected', 'state');
	await echoes(client, 'after the restart');
	await heard(client, 470);
	await client.close();
});

test('messages: text, JSON and bytes come back as they were', async () => {
	const client = await rig.client();
	await client.run('call', SERVER, 350);
	const sends = [
		['text', 'hello \u4e2d \ud83d\ude42'],
		['json', { a: [1, 'two', null], b: { c: true } }],
		['binary', [0, 1, 2, 255, 128]],
		['json', [1, 2, 3]],
	];
	// Before the channel is open: they wait, and keep their order.
	for (const [kind, value] of sends)
		assert.deepEqual(await client.run('send', SERVER, kind, value), {});
	const got = await client.until((l) => l.length >= 4, 'messages');
	assert.equal(got[0].text, sends[0][1]);
	assert.equal(got[0].json, undefined);
	assert.deepEqual(got[1].json, sends[1][1]);
	assert.deepEqual(got[2].bytes, sends[2][1]);
	assert.equal(got[2].text, null);
	assert.deepEqual(got[3].json, [1, 2, 3]);
	assert.ok(got.every((m) => m.peer === SERVER));
	await client.close();
});

test('a message larger than allowed is refused, the next one goes', async () => {
	const client = await inCall(360);
	const { limit } = await client.run('flood', SERVER, 1, 100);
	const { error } = await client.run('send', SERVER, 'text',
		'x'.repeat(limit + 1));
	assert.match(error.message, new RegExp(`${limit} may be sent`));
	await echoes(client, 'still there');
	await client.close();
});

test('much at once waits for room and comes back in order', async () => {
	const client = await rig.client();
	await client.run('call', SERVER, 350);
	const { most } = await client.run('flood', SERVER, 200, 60000);
	assert.ok(most > 200000, `never more than ${most} bytes queued`);
	assert.ok(most <= (1 << 20) + 60000, `${most} bytes queued`);
	const got = await client.until((l) => l.length >= 200, 'messages');
	assert.equal(got.length, 200);
	got.forEach((m, i) => {
		assert.equal(m.size, 60000);
		assert.equal(m.bytes[2] * 256 + m.bytes[3], i);
	});
	await client.close();
});

/** Notifications reach the page so much later; the server's offers counted. */
const slowSocket = (client, ms) => client.page.evaluate((delay) => {
	window.theirs = 0;
	window.WebSocket = class extends WebSocket {
		set onmessage(f) {
			super.onmessage = f && ((e) => {
				const m = JSON.parse(e.data);
				if (m.method === 'offer')
					window.theirs++;
				if (m.method)
					setTimeout(() => f(e), delay);
				else
					f(e);
			});
		}
	};
}, ms);

for (const [delay, rounds] of [[0, 3], [400, 2]]) {
	test(`glare with the server, its offer ${delay} ms late`, async () => {
		const client = await rig.client({}, false);
		await slowSocket(client, delay);
		await client.run('connect');
		await client.run('call', SERVER, 610);
		await connected(client);
		await heard(client, 610);
		for (let i = 1; i <= rounds; i++) {
			await client.run('collide', SERVER);
			// The line that was ours to ask for, and theirs, both stand.
			const s = await client.until((x) => x.call !== 'connected' ||
				x.negotiation === 'stable' && x.lines.length > i &&
				x.lines.every((l) => l !== null), 'state');
			assert.equal(s.call, 'connected');
			await echoes(client, `collision ${i}`);
			await sleep(1500);
		}
		// It really was one: an offer of the server's came, and was passed
		// over.
		assert.ok(await client.page.evaluate(() => window.theirs) > 0);
		await heard(client, 610);
		const last = await client.run('state');
		assert.equal(last.polite, false);
		assert.equal(last.answers, last.offers);
		assert.deepEqual(await client.run('events', 'error'), []);
		await client.close();
	});
}

test('browser to browser: incoming, both hear each other, ended', async () => {
	const [a, b] = [named('a'), named('b')];
	const alice = await rig.client({ peerId: a });
	const bob = await rig.client({ peerId: b });
	await alice.until((l) => l.some((e) => e.peer === b &&
		e.capabilities.audio === true), 'events', 'peerjoined');
	await bob.run('accept', 660);
	await alice.run('call', b, 330);
	await connected(alice, b);
	await connected(bob, a);
	await heard(alice, 660, b);
	await heard(bob, 330, a);
	await alice.run('send', b, 'json', { to: 'bob' });
	await bob.until((l) => l.some((m) => m.json?.to === 'bob'), 'messages');
	await bob.run('send', a, 'text', 'to alice');
	await alice.until((l) => l.some((m) => m.text === 'to alice'), 'messages');
	await alice.run('hangUpCall', b);
	await bob.until((l) => l.length === 1, 'events', 'ended');
	assert.deepEqual((await bob.run('state')).calls, []);
	await alice.close();
	await bob.until((l) => l.some((e) => e.peer === a), 'events', 'peerleft');
	await bob.close();
});

test('a call nobody takes is ended', async () => {
	const b = named('busy');
	const alice = await rig.client();
	const bob = await rig.client({ peerId: b });
	await alice.run('call', b, 330);
	await alice.until((l) => l.length === 1, 'events', 'ended');
	assert.equal((await bob.run('events', 'incoming')).length, 1);
	assert.deepEqual((await bob.run('state')).calls, []);
	await alice.close();
	await bob.close();
});

test('both call each other at once: one call comes of it', async () => {
	const [a, b] = [named('a'), named('b')];
	const alice = await rig.client({ peerId: a });
	const bob = await rig.client({ peerId: b });
	await alice.run('accept', 330);
	await bob.run('accept', 660);
	await Promise.all([alice.run('call', b, 330), bob.run('call', a, 660)]);
	await connected(alice, b);
	await connected(bob, a);
	await heard(alice, 660, b);
	await heard(bob, 330, a);
	assert.equal((await alice.run('state', b)).polite, true);
	assert.equal((await bob.run('state', a)).polite, false);
	await Promise.all([alice.run('addPicture', b), bob.run('addPicture', a)]);
	await alice.until((v) => v !== null && v.distinct >= 10, 'view', b);
	await bob.until((v) => v !== null && v.distinct >= 10, 'view', a);
	for (const client of [alice, bob])
		assert.deepEqual(await client.run('events', 'error'), []);
	await alice.close();
	await bob.close();
});

test('an error of the server has code and reason', async () => {
	const client = await rig.client();
	const { error } = await client.run('request', 'offer',
		{ to_peer_id: 'nobody-here', sdp: 'v=0\r\n', type: 'offer' });
	assert.equal(error.code, -32000);
	const bad = await client.run('request', 'ice_candidate', {});
	assert.equal(bad.error.code, -32602);
	assert.ok(bad.error.reason.length > 3, bad.error.reason);
	await client.close();
});

test('a name that is taken is refused, and its owner stays', async () => {
	const name = named('owner');
	const owner = await inCall(410, { peerId: name });
	const other = await rig.client({ peerId: name }, false);
	const { error } = await other.run('connect');
	assert.equal(error.code, -32000);
	assert.equal((await other.run('state')).signaling, 'closed');
	await echoes(owner, 'unharmed');
	await owner.close();
	await other.close();
});

test('a cut connection: media go on, same peer, nobody heard of it', async () => {
	const proxy = await Proxy.to(rig.url);
	const watcher = await rig.client();
	const client = await inCall(440, { url: proxy.url });
	const before = await client.run('state');
	await client.run('clear');
	await watcher.run('clear');
	await client.run('forget');
	const flow = await client.run('flow');
	for (let i = 0; i < 3; i++) {
		assert.equal(proxy.cut(), 1);
		await client.until((l) => l.filter((e) =>
			e.state === 'open').length > i, 'events', 'statechange');
	}
	const changes = await client.run('events', 'statechange');
	assert.deepEqual(changes.map((e) => e.state), ['reconnecting', 'open',
		'reconnecting', 'open', 'reconnecting', 'open']);
	assert.ok(changes.filter((e) => e.state === 'open').every((e) =>
		e.resumed && !e.renamed));
	const now = await client.run('state');
	assert.equal(now.peerId, before.peerId);
	assert.equal(now.ufrag, before.ufrag);
	assert.equal(now.offers, before.offers);
	await assertNoGap(client, flow);
	await client.run('addPicture', SERVER);
	await client.until((v) => v !== null && v.distinct >= 10, 'view');
	await echoes(client, 'after the cut');
	assert.deepEqual(await client.run('events', 'recall'), []);
	assert.deepEqual((await watcher.run('events'))
		.filter((e) => e.peer === before.peerId), []);
	await client.close();
	await watcher.until((l) => l.some((e) => e.peer === before.peerId),
		'events', 'peerleft');
	await watcher.close();
	await proxy.close();
});

test('a connection without an answer: left, and taken up anew', async () => {
	const proxy = await Proxy.to(rig.url);
	const watcher = await rig.client();
	const client = await inCall(440, { url: proxy.url });
	const { peerId } = await client.run('state');
	await client.run('clear');
	await watcher.run('clear');
	await client.run('forget');
	const flow = await client.run('flow');
	assert.equal(proxy.freeze(), 1);
	const { error } = await client.run('request', 'list_peers');
	assert.match(error.message, /no answer to list_peers/);
	const [event] = (await client.until((l) => l.some((e) =>
		e.state === 'open'), 'events', 'statechange')).slice(-1);
	assert.equal(event.resumed, true);
	assert.equal((await client.run('state')).peerId, peerId);
	await assertNoGap(client, flow);
	await client.run('openChannel', SERVER, 'after');
	await connected(client);
	assert.deepEqual((await watcher.run('events'))
		.filter((e) => e.peer === peerId), []);
	await client.close();
	await watcher.close();
	await proxy.close();
});

test('a path that is away for 3 s is looked for anew', async () => {
	const client = await inCall(520);
	const before = await client.run('state');
	// Nothing here can take a path away: the browser's word is put on.
	await client.run('sayPath', 'disconnected');
	await client.until((s) => s.answers > before.answers &&
		s.ufrag !== before.ufrag, 'state');
	await client.run('sayPath', null);
	await client.run('forget');
	await heard(client, 520);
	await client.close();
});

test('what others sent while the socket was away arrives', async () => {
	const proxy = await Proxy.to(rig.url);
	const [a, b] = [named('away'), named('caller')];
	const away = await rig.client({ peerId: a, url: proxy.url });
	await away.run('accept', 660);
	await away.run('clear');
	proxy.shut = true;
	proxy.cut();
	await away.until((s) => s.signaling === 'reconnecting', 'state');
	const caller = await rig.client({ peerId: b });
	await caller.run('call', a, 330);
	await sleep(500);
	proxy.shut = false;
	await open(away);
	await connected(away, b);
	await heard(away, 330, b);
	await heard(caller, 660, a);
	assert.deepEqual((await away.run('events', 'peerjoined'))
		.filter((e) => e.peer === b).length, 1);
	await away.close();
	await caller.close();
	await proxy.close();
});

test('signaling killed: media go on, then everything works', async (t) => {
	if (!broker)
		return t.skip('the server is not ours (RM_RUN_DIR)');
	const client = await inCall(540);
	const before = await client.run('state');
	await client.run('clear');
	await client.run('forget');
	const flow = await client.run('flow');
	const [pid] = await processes(broker, 'signaling');
	process.kill(pid, 'SIGKILL');
	await client.until((l) => l.some((e) => e.state === 'open'),
		'events', 'statechange');
	assert.equal((await client.run('state')).peerId, before.peerId);
	await assertNoGap(client, flow);
	await client.run('addPicture', SERVER);
	await client.until((v) => v !== null && v.distinct >= 10, 'view');
	await echoes(client, 'after the kill');
	const now = await client.run('state');
	assert.equal(now.ufrag, before.ufrag);
	assert.deepEqual(await client.run('events', 'recall'), []);
	await client.close();
});

/** From now on the page shows a resume token that is none. */
const forgeToken = (client) => client.page.evaluate(() => {
	const send = WebSocket.prototype.send;
	WebSocket.prototype.send = function forge(text) {
		const m = JSON.parse(text);
		if (m.params?.resume_token)
			m.params.resume_token = '0'.repeat(32);
		send.call(this, JSON.stringify(m));
	};
});

test('a name not given back: a new one, and the call anew', async () => {
	const proxy = await Proxy.to(rig.url);
	const client = await inCall(480, { url: proxy.url });
	const before = await client.run('state');
	await client.run('clear');
	await forgeToken(client);
	proxy.cut();
	const [event] = await client.until((l) => l.filter((e) =>
		e.state === 'open').length === 1 && l.slice(-1), 'events',
	'statechange').then((l) => l.slice(-1));
	assert.equal(event.renamed, true);
	assert.equal(event.resumed, false);
	await client.until((l) => l.length === 1, 'events', 'recall');
	const now = await connected(client);
	assert.notEqual(now.peerId, before.peerId);
	assert.notEqual(now.ufrag, before.ufrag);
	await client.run('forget');
	await heard(client, 480);
	await echoes(client, 'in the new call');
	await client.close();
	await proxy.close();
});

test('close is a farewell', async () => {
	const watcher = await rig.client();
	const client = await inCall(300);
	const { peerId } = await client.run('state');
	await client.run('hangUp');
	await watcher.until((l) => l.some((e) => e.peer === peerId),
		'events', 'peerleft');
	const last = (await client.run('events', 'statechange')).at(-1);
	assert.equal(last.state, 'closed');
	const again = await rig.client({ peerId });
	await again.close();
	await client.close();
	await watcher.close();
});
