// SPDX-License-Identifier: MIT OR Apache-2.0
/** Picture: the numbers drawn into it are read from what comes back. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Rig, sleep } from './rig.mjs';

let rig;
before(async () => { rig = await Rig.start(); });
after(() => rig.close());

/** Waits until `n` different codes were read. */
const seen = (caller, n) =>
	caller.until((v) => v !== null && v.distinct >= n, 'view');

/** A call with a picture, looked at for five seconds once it runs. */
async function watch(options) {
	const caller = await rig.caller();
	await caller.run('dial');
	await caller.run('addPicture', options);
	await caller.connected();
	await seen(caller, 10);
	await caller.run('forget');
	await sleep(5000);
	const view = await caller.run('view');
	return { caller, view };
}

function assertMoving(view, least) {
	assert.ok(view.distinct >= least, `${view.distinct} different codes`);
	assert.equal(view.backwards, 0, 'a picture came back out of order');
	assert.ok(view.unreadable <= view.frames * 0.05,
		`${view.unreadable} of ${view.frames} unreadable`);
}

test('codes come back readable and in order; VP9 by default', async () => {
	const { caller, view } = await watch({ width: 640, height: 360, rate: 30 });
	assertMoving(view, 60);
	assert.equal(await caller.run('codec', 'video'), 'video/VP9');
	await caller.close();
});

test('VP8 when the offer has nothing else', async () => {
	const { caller, view } = await watch(
		{ width: 640, height: 360, rate: 30, codec: 'VP8' });
	assertMoving(view, 60);
	assert.equal(await caller.run('codec', 'video'), 'video/VP8');
	await caller.close();
});

for (const codec of ['VP9', 'VP8']) {
	test(`${codec}: the size changes in mid-call`, async () => {
		const caller = await rig.caller();
		await caller.run('dial');
		await caller.run('addPicture',
			{ width: 640, height: 360, rate: 20, codec });
		await caller.connected();
		await seen(caller, 10);
		for (const [w, h] of [[320, 180], [480, 480], [640, 360]]) {
			await caller.run('resize', w, h);
			// The browser may scale down what it sends when it is busy, so
			// the shape is what must follow.
			await caller.until((v) => {
				const [a, b] = v.size.split('x').map(Number);
				return a && Math.abs(a / b - w / h) < 0.02 && a <= w;
			}, 'view');
			await caller.run('forget');
			await seen(caller, 15);
			const view = await caller.run('view');
			assert.equal(view.backwards, 0);
		}
		await caller.close();
	});
}

test('a stopped picture comes back black, then moving again', async () => {
	const caller = await rig.caller();
	await caller.run('dial');
	await caller.run('addPicture', { width: 320, height: 180, rate: 15 });
	await caller.connected();
	await seen(caller, 10);
	await caller.run('enable', 'video', false);
	await caller.until((v) => v.unreadable >= 1, 'view');
	await caller.run('enable', 'video', true);
	await caller.run('forget');
	await seen(caller, 20);
	await caller.close();
});
