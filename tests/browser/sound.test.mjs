// SPDX-License-Identifier: MIT OR Apache-2.0
/** Sound: the tone that is sent comes back, with its pitch and no gap. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Rig, sleep } from './rig.mjs';

let rig;
before(async () => { rig = await Rig.start(); });
after(() => rig.close());

/** Waits for a clean tone near `hz`. */
const heard = (caller, hz) => caller.until((s) =>
	s !== null && Math.abs(s.hz - hz) < hz * 0.01 && s.purity > 0.9, 'sound');

/** Of nine readings the one with the median pitch: a receiver that stretches
 * or squeezes time just then bends a single reading. */
async function steady(caller) {
	const readings = [];
	for (let i = 0; i < 9; i++) {
		readings.push(await caller.run('sound'));
		await sleep(150);
	}
	return readings.sort((a, b) => a.hz - b.hz)[4];
}

test('a 440 Hz tone comes back with its pitch and without a gap', async () => {
	const caller = await rig.caller();
	await caller.run('dial');
	await caller.run('addTone', 440);
	await caller.connected();
	await heard(caller, 440);
	await sleep(1500);	// the browser's buffer settles
	await caller.run('forget');
	const [before] = await caller.run('stats', 'inbound-rtp', 'audio');
	await sleep(5000);
	const sound = await steady(caller);
	const [now] = await caller.run('stats', 'inbound-rtp', 'audio');
	assert.ok(Math.abs(sound.hz - 440) < 2, `pitch ${sound.hz}`);
	assert.ok(sound.purity > 0.95, `purity ${sound.purity}`);
	assert.ok(sound.rms > 0.05 && sound.rms < 0.5, `loudness ${sound.rms}`);
	assert.equal(sound.gaps, 0, `silence of ${sound.longestGapMs} ms`);
	assert.equal(now.packetsLost, before.packetsLost);
	const total = now.totalSamplesReceived - before.totalSamplesReceived;
	const hidden = now.concealedSamples - before.concealedSamples;
	assert.ok(total > 4 * 48000, `${total} samples in 5 s`);
	assert.ok(hidden < total * 0.03, `${hidden} of ${total} concealed`);
	assert.equal(await caller.run('codec', 'audio'), 'audio/opus');
	await caller.close();
});

test('the pitch follows the sender', async () => {
	const caller = await rig.caller();
	await caller.run('dial');
	await caller.run('addTone', 300);
	await caller.connected();
	await heard(caller, 300);
	for (const hz of [620, 1000, 250]) {
		await caller.run('setPitch', hz);
		await heard(caller, hz);
	}
	await caller.close();
});

test('muted sound comes back as silence, then again as sound', async () => {
	const caller = await rig.caller();
	await caller.run('dial');
	await caller.run('addTone', 500);
	await caller.connected();
	await heard(caller, 500);
	await caller.run('enable', 'audio', false);
	await caller.until((s) => s.rms < 0.002, 'sound');
	await caller.run('enable', 'audio', true);
	await heard(caller, 500);
	await caller.close();
});
