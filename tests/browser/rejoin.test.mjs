// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Leave and come back fifty times, in three ways. With the server's run
 * directory (RM_RUN_DIR) or a process id (--server-pid=N) the processes,
 * descriptors and memory objects below the broker or that process are counted:
 * nothing may be left behind.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Rig, census, sleep } from './rig.mjs';

const TIMES = Number(process.env.REJOIN_TIMES ?? 50);
const option = process.argv.find((a) => a.startsWith('--server-pid='));
const runDir = process.env.RM_RUN_DIR;
const serverPid = Number(option?.split('=')[1] ??
	(runDir ? readFileSync(`${runDir}/broker.pid`, 'utf8') : 0));

let rig;
before(async () => { rig = await Rig.start(); });
after(() => rig.close());

/** One short call: sound pitch and one data message are checked. */
async function shortCall(caller, i) {
	const hz = 300 + i * 7;
	await caller.run('dial');
	await caller.run('openChannel', 'data');
	await caller.run('addTone', hz);
	await caller.until((s) => s === 'open', 'channelState', 'data');
	const sent = await caller.run('post', 'data', 'binary', 700 + i, i);
	const got = await caller.until((l) =>
		l.length >= 1 && l[0].sum, 'received', 'data');
	assert.deepEqual(got, [sent]);
	if (i % 5 === 0) {
		await caller.until((s) => s !== null &&
			Math.abs(s.hz - hz) < 4 && s.purity > 0.9, 'sound');
	}
}

/** Leaves: by hanging up, by closing the socket, by both. */
async function leave(caller, i) {
	if (i % 3 === 0) {
		await caller.run('hangUp');
		return;
	}
	await caller.run('closeSignaling');
	await caller.until((open) => !open, 'signalingOpen');
	await caller.run('hangUp');
	await caller.run('open', rig.url, await caller.run('peerId'));
}

/** Waits until the census is like `first` again; returns the last one. */
async function settled(first) {
	let now;
	for (let i = 0; i < 100; i++) {
		now = await census(serverPid);
		if (same(now, first))
			break;
		await sleep(200);
	}
	return now;
}

const same = (a, b) => JSON.stringify(a.names) === JSON.stringify(b.names) &&
	a.fds <= b.fds && a.memfds <= b.memfds && a.mapped <= b.mapped;

test(`leave and rejoin ${TIMES} times, nothing left behind`, async () => {
	const caller = await rig.caller({ peerId: `again-${process.pid}` });
	// What the server makes once, at its first call, is not what is left.
	for (let i = 0; i < 3; i++) {
		await shortCall(caller, i);
		await leave(caller, i);
	}
	if (serverPid)
		await sleep(3000);
	const first = serverPid ? await census(serverPid) : null;
	for (let i = 0; i < TIMES; i++) {
		await shortCall(caller, i);
		await leave(caller, i);
	}
	if (!first)
		return;
	const last = await settled(first);
	console.log('before', JSON.stringify(first));
	console.log('after ', JSON.stringify(last));
	assert.deepEqual(last.names, first.names);
	assert.ok(last.fds <= first.fds, `${first.fds} -> ${last.fds} descriptors`);
	assert.ok(last.memfds <= first.memfds,
		`${first.memfds} -> ${last.memfds} memory objects held`);
	assert.ok(last.mapped <= first.mapped,
		`${first.mapped} -> ${last.mapped} memory objects mapped`);
	assert.ok(last.kb <= first.kb * 1.25 + 2048,
		`${first.kb} -> ${last.kb} kB of private memory`);
});
