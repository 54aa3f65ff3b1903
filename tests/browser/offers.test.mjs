// SPDX-License-Identifier: MIT OR Apache-2.0
/** Offers of unusual shape, and what is no offer at all. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Rig, sleep } from './rig.mjs';

let rig;
before(async () => { rig = await Rig.start(); });
after(() => rig.close());

const heard = (caller, hz, mid) => caller.until((s) =>
	s !== null && Math.abs(s.hz - hz) < hz * 0.01 && s.purity > 0.9,
'sound', ...mid === undefined ? [] : [mid]);

const directions = (state) => state.transceivers.map((t) => t.now);

test('sound only', async () => {
	const caller = await rig.caller();
	await caller.run('dial');
	await caller.run('addTone', 410);
	await caller.connected();
	await heard(caller, 410);
	assert.deepEqual(directions(await caller.run('state')), ['sendrecv']);
	await caller.close();
});

test('data only', async () => {
	const caller = await rig.caller();
	await caller.run('dial');
	await caller.run('openChannel', 'only');
	await caller.until((s) => s === 'open', 'channelState', 'only');
	const sent = await caller.run('post', 'only', 'text', 333, 1);
	assert.deepEqual(await caller.until((l) =>
		l.length >= 1 && l[0].sum, 'received', 'only'), [sent]);
	assert.deepEqual(directions(await caller.run('state')), []);
	await caller.close();
});

test('receive only: connected, the server is sendonly or inactive', async () => {
	const caller = await rig.caller();
	await caller.run('dial');
	await caller.run('addTransceiver', 'audio', 'recvonly');
	await caller.run('addTransceiver', 'video', 'recvonly');
	await caller.connected();
	for (const now of directions(await caller.run('state')))
		assert.ok(now === 'recvonly' || now === 'inactive', now);
	await caller.close();
});

test('send only: the server takes it and sends nothing', async () => {
	const caller = await rig.caller();
	await caller.run('dial');
	await caller.run('addToneTransceiver', 450, 'sendonly');
	await caller.run('addPictureTransceiver',
		{ width: 320, height: 180, rate: 15 }, 'sendonly');
	await caller.connected();
	assert.deepEqual(directions(await caller.run('state')),
		['sendonly', 'sendonly']);
	await sleep(1000);
	const [sent] = await caller.run('stats', 'outbound-rtp', 'audio');
	assert.ok(sent.packetsSent > 20);
	await caller.close();
});

test('two sound lines: microphone sendonly, reply on the recvonly', async () => {
	const caller = await rig.caller();
	await caller.run('dial');
	await caller.run('addToneTransceiver', 480, 'sendonly');
	await caller.run('addTransceiver', 'audio', 'recvonly');
	await caller.connected();
	const state = await caller.run('state');
	assert.deepEqual(directions(state), ['sendonly', 'recvonly']);
	await heard(caller, 480, state.transceivers[1].mid);
	assert.match(await caller.run('remoteSdp'), /a=(msid|ssrc:\d+ msid):/);
	await caller.close();
});

test('two sound lines and two picture lines, three of them idle', async () => {
	const caller = await rig.caller();
	await caller.run('dial');
	await caller.run('addToneTransceiver', 540, 'sendrecv');
	await caller.run('addTransceiver', 'audio', 'inactive');
	await caller.run('addTransceiver', 'video', 'inactive');
	await caller.run('addTransceiver', 'video', 'recvonly');
	await caller.connected();
	await heard(caller, 540);
	await caller.close();
});

test('an SDP that is none is refused; the socket lives on', async () => {
	const caller = await rig.caller();
	for (const sdp of ['hello', 'v=0\r\n', '', 'v=0\r\nm=', 'x'.repeat(30000)]) {
		const { error } = await caller.run('request', 'offer',
			{ to_peer_id: 'remotemedia-server', sdp, type: 'offer' });
		assert.ok(error, `taken: ${sdp.slice(0, 20)}`);
		assert.ok(error.code < 0, `code ${error.code}: ${error.message}`);
	}
	const { result } = await caller.run('request', 'list_peers', {});
	assert.ok(result.peers.some((p) => p.peer_id === 'remotemedia-server'));
	await caller.run('dial');
	await caller.run('addTone', 380);
	await caller.connected();
	await heard(caller, 380);
	// So many offers may have met the server's rate limit; the client waits
	// as long as it is told and does not knock again and again.
	const { offers } = await caller.run('state');
	assert.ok(offers <= 6, `${offers} offers sent`);
	await caller.close();
});

test('a refused offer is told once and not repeated', async () => {
	const caller = await rig.caller();
	await caller.page.evaluate(() => {
		const send = WebSocket.prototype.send;
		WebSocket.prototype.send = function spoil(text) {
			send.call(this, text.replace('v=0', 'v=1'));
		};
	});
	await caller.run('dial');
	await caller.run('addTone', 380);
	await caller.until((l) => l.some((e) => e.name === 'refused'), 'events');
	await sleep(1500);
	const refused = (await caller.run('events'))
		.filter((e) => e.name === 'refused');
	assert.equal(refused.length, 1);
	assert.ok(refused[0].error.code < 0);
	assert.equal((await caller.run('state')).offers, 1);
	await caller.close();
});

test('an offer to nobody is refused with -32000', async () => {
	const caller = await rig.caller();
	const { error } = await caller.run('request', 'offer',
		{ to_peer_id: 'nobody-here', sdp: 'v=0\r\n', type: 'offer' });
	assert.equal(error.code, -32000);
	await caller.close();
});
