// SPDX-License-Identifier: MIT OR Apache-2.0
/** Changes in a running call: a second offer, the same transport. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Rig, sleep } from './rig.mjs';

let rig;
before(async () => { rig = await Rig.start(); });
after(() => rig.close());

const heard = (caller, hz) => caller.until((s) =>
	s !== null && Math.abs(s.hz - hz) < hz * 0.01 && s.purity > 0.9, 'sound');

/** A call with sound and a data channel. */
async function soundCall(hz) {
	const caller = await rig.caller();
	await caller.run('dial');
	await caller.run('openChannel', 'data');
	await caller.run('addTone', hz);
	await caller.connected();
	await heard(caller, hz);
	return caller;
}

/** Waits until offer number `n` is answered. */
const answered = (caller, n) => caller.until((s) =>
	s.answers >= n && s.signaling === 'stable', 'state');

/** Same fingerprint, same ICE credentials, ICE never left connected. */
function assertSameTransport(before, now) {
	assert.equal(now.connection, 'connected');
	assert.equal(now.fingerprint, before.fingerprint);
	assert.ok(now.fingerprint, 'no fingerprint in the answer');
	assert.equal(now.ufrag, before.ufrag);
	const after = now.iceStates.slice(before.iceStates.length);
	assert.deepEqual(after.filter((s) =>
		s !== 'connected' && s !== 'completed'), []);
}

async function echoWorks(caller, seed) {
	const { length } = await caller.run('received', 'data');
	const sent = await caller.run('post', 'data', 'text', 500, seed);
	const got = await caller.until((l) =>
		l.length > length && l.at(-1).sum, 'received', 'data');
	assert.deepEqual(got.at(-1), sent);
}

test('add a picture to a sound call, take it away, add it again', async () => {
	const caller = await soundCall(440);
	const before = await caller.run('state');
	await caller.run('forget');

	await caller.run('addPicture', { width: 320, height: 180, rate: 15 });
	await answered(caller, before.answers + 1);
	await caller.until((v) => v !== null && v.distinct >= 15, 'view');
	assertSameTransport(before, await caller.run('state'));
	await echoWorks(caller, 1);

	await caller.run('removeTrack', 'video');
	const without = await answered(caller, before.answers + 2);
	assertSameTransport(before, without);
	await heard(caller, 440);
	await echoWorks(caller, 2);

	await caller.run('addPicture', { width: 320, height: 180, rate: 15 });
	await answered(caller, before.answers + 3);
	await caller.run('forget');
	await caller.until((v) => v !== null && v.distinct >= 15, 'view');
	assertSameTransport(before, await caller.run('state'));

	const sound = await caller.run('sound');
	assert.equal(sound.gaps, 0, `silence of ${sound.longestGapMs} ms`);
	await caller.close();
});

test('change of direction: mute by inactive, then send again', async () => {
	const caller = await soundCall(520);
	const before = await caller.run('state');
	await caller.run('setDirection', 'audio', 'inactive');
	let state = await answered(caller, before.answers + 1);
	assert.equal(state.transceivers.find((t) => t.kind === 'audio').now,
		'inactive');
	assertSameTransport(before, state);
	await echoWorks(caller, 3);

	await caller.run('setDirection', 'audio', 'sendonly');
	state = await answered(caller, before.answers + 2);
	assert.equal(state.transceivers.find((t) => t.kind === 'audio').now,
		'sendonly');

	await caller.run('setDirection', 'audio', 'sendrecv');
	state = await answered(caller, before.answers + 3);
	assert.equal(state.transceivers.find((t) => t.kind === 'audio').now,
		'sendrecv');
	assertSameTransport(before, state);
	// The tone that is sent has a level of 0.25.
	await caller.until((l) => l > 0.2 && l < 0.3, 'loudness', 1000);
	await caller.run('enable', 'audio', false);
	await caller.until((l) => l < 0.01, 'loudness', 1000);
	await caller.close();
});

test('a data channel added to a media call', async () => {
	const caller = await rig.caller();
	await caller.run('dial');
	await caller.run('addTone', 360);
	await caller.connected();
	await heard(caller, 360);
	const before = await caller.run('state');
	await caller.run('openChannel', 'data');
	await caller.until((s) => s === 'open', 'channelState', 'data');
	await echoWorks(caller, 4);
	assertSameTransport(before, await caller.run('state'));
	await caller.close();
});

test('an ICE restart keeps keys and sound', async () => {
	const caller = await soundCall(700);
	const before = await caller.run('state');
	await caller.run('restartIce');
	const state = await answered(caller, before.answers + 1);
	assert.equal(state.fingerprint, before.fingerprint);
	assert.notEqual(state.ufrag, before.ufrag);
	await sleep(1000);
	await caller.connected();
	await caller.run('forget');
	await heard(caller, 700);
	await echoWorks(caller, 5);
	await caller.close();
});
