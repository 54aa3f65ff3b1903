// SPDX-License-Identifier: MIT OR Apache-2.0
/** Five callers at once: each hears its own tone and gets its own data. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Rig, sleep } from './rig.mjs';

const PITCHES = [262, 330, 392, 523, 659];
const WITH_PICTURE = 2;
const LISTEN_MS = 8000;

let rig;
before(async () => { rig = await Rig.start(); });
after(() => rig.close());

test('five callers: own pitch, own data, two with a picture', async () => {
	const callers = [];
	for (const [i, hz] of PITCHES.entries()) {
		const caller = await rig.caller({ peerId: `five-${process.pid}-${i}` });
		callers.push(caller);
		await caller.run('dial');
		await caller.run('openChannel', 'data');
		await caller.run('addTone', hz);
		if (i < WITH_PICTURE) {
			await caller.run('addPicture',
				{ width: 320, height: 180, rate: 15 });
		}
	}
	for (const caller of callers)
		await caller.connected();
	for (const [i, caller] of callers.entries()) {
		await caller.until((s) => s !== null &&
			Math.abs(s.hz - PITCHES[i]) < 4 && s.purity > 0.9, 'sound');
		await caller.until((s) => s === 'open', 'channelState', 'data');
	}
	for (const caller of callers.slice(0, WITH_PICTURE))
		await caller.until((v) => v !== null && v.distinct >= 10, 'view');
	await sleep(1000);
	const concealed = async (caller) => {
		const [s] = await caller.run('stats', 'inbound-rtp', 'audio');
		return {
			total: s.totalSamplesReceived, all: s.concealedSamples,
			silent: s.silentConcealedSamples, lost: s.packetsLost,
		};
	};
	const first = [];
	for (const caller of callers) {
		await caller.run('forget');
		first.push(await concealed(caller));
	}

	const sent = callers.map(() => []);
	for (let n = 0; n < 20; n++) {
		for (const [i, caller] of callers.entries()) {
			sent[i].push(await caller.run('post', 'data',
				n % 2 ? 'text' : 'binary', 50 + 211 * n, 100 * i + n));
		}
		await sleep(LISTEN_MS / 20);
	}
	for (const [i, caller] of callers.entries()) {
		// One reading may fall on a moment that the browser is stretching.
		const sound = await caller.until((r) =>
			Math.abs(r.hz - PITCHES[i]) < 4, 'sound');
		assert.equal(sound.gaps, 0,
			`caller ${i}: silence of ${sound.longestGapMs} ms`);
		const now = await concealed(caller);
		const total = now.total - first[i].total;
		const hidden = now.all - first[i].all;
		assert.ok(total > LISTEN_MS * 40, `caller ${i}: ${total} samples`);
		assert.ok(hidden < total * 0.05,
			`caller ${i}: ${hidden} of ${total} concealed`);
		assert.equal(now.silent, first[i].silent, `caller ${i}: silence`);
		assert.equal(now.lost, first[i].lost, `caller ${i}: packets lost`);
		const got = await caller.until((l) =>
			l.length >= 20 && l.every((m) => m.sum), 'received', 'data');
		assert.deepEqual(got, sent[i], `caller ${i}: data`);
	}
	for (const caller of callers.slice(0, WITH_PICTURE)) {
		const view = await caller.run('view');
		assert.ok(view.distinct >= 40, `${view.distinct} codes`);
		assert.equal(view.backwards, 0);
		assert.ok(view.unreadable <= view.frames * 0.05,
			`${view.unreadable} of ${view.frames} unreadable`);
	}
});
