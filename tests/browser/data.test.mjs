// SPDX-License-Identifier: MIT OR Apache-2.0
/** Data channels: what is sent comes back byte for byte. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Rig } from './rig.mjs';

const SIZES = [
	1, 2, 100, 1000, 1199, 1200, 1201, 4096, 16383, 16384, 16385, 65535,
	65536, 131072, 262143, 262144,
];

let rig;
let caller;
before(async () => {
	rig = await Rig.start();
	caller = await rig.caller();
	await caller.run('dial');
	await caller.run('openChannel', 'first');
	await open('first');
});
after(() => rig.close());

const open = (label) =>
	caller.until((s) => s === 'open', 'channelState', label);

/** Everything back: as many messages as were sent, each with its checksum. */
const back = (label, n) => caller.until((list) =>
	list.length >= n && list.every((m) => m.sum), 'received', label);

/** Messages as sets, for channels that may reorder. */
const sorted = (list) =>
	list.map((m) => `${m.size} ${m.binary} ${m.sum}`).sort();

for (const kind of ['text', 'binary']) {
	test(`${kind} of 1 to 262,144 bytes, in order`, async () => {
		const label = `ordered-${kind}`;
		await caller.run('openChannel', label, { ordered: true });
		await open(label);
		const sent = [];
		for (const [i, size] of SIZES.entries())
			sent.push(await caller.run('post', label, kind, size, i));
		assert.deepEqual(await back(label, sent.length), sent);
	});

	test(`${kind} on an unordered channel, nothing missing`, async () => {
		const label = `unordered-${kind}`;
		await caller.run('openChannel', label, { ordered: false });
		await open(label);
		const sent = [];
		for (const [i, size] of SIZES.entries())
			sent.push(await caller.run('post', label, kind, size, 50 + i));
		const got = await back(label, sent.length);
		assert.deepEqual(sorted(got), sorted(sent));
	});
}

test('empty messages keep their kind', async () => {
	await caller.run('openChannel', 'empty');
	await open('empty');
	const sent = [
		await caller.run('post', 'empty', 'text', 0, 1),
		await caller.run('post', 'empty', 'binary', 0, 1),
		await caller.run('post', 'empty', 'text', 3, 1),
	];
	assert.deepEqual(await back('empty', 3), sent);
});

test('several channels at once keep apart', async () => {
	const labels = ['a', 'b', 'c', 'a label with spaces and \u00e9\u4e2d'];
	for (const label of labels)
		await caller.run('openChannel', label);
	const sent = new Map(labels.map((l) => [l, []]));
	for (const label of labels)
		await open(label);
	for (let i = 0; i < 20; i++) {
		for (const [j, label] of labels.entries()) {
			const kind = (i + j) % 2 ? 'text' : 'binary';
			sent.get(label).push(await caller.run('post', label, kind,
				1 + i * 97, i * 8 + j));
		}
	}
	for (const label of labels)
		assert.deepEqual(await back(label, 20), sent.get(label));
});

test('three hundred messages in a row come back in order', async () => {
	await caller.run('openChannel', 'burst');
	await open('burst');
	const sent = [];
	for (let i = 0; i < 300; i++)
		sent.push(await caller.run('post', 'burst', 'binary', 2000, i));
	assert.deepEqual(await back('burst', 300), sent);
});

test('a channel without retransmission works on a clean link', async () => {
	await caller.run('openChannel', 'once',
		{ ordered: false, maxRetransmits: 0 });
	await open('once');
	const sent = [];
	for (let i = 0; i < 20; i++)
		sent.push(await caller.run('post', 'once', 'text', 200 + i, i));
	const got = await back('once', 20);
	assert.deepEqual(sorted(got), sorted(sent));
});
