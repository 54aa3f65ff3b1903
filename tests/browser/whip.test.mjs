// SPDX-License-Identifier: MIT OR Apache-2.0
/** WHIP and WHEP by fetch(): a page publishes, another one plays. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Caller, Rig, sleep } from './rig.mjs';

let rig;
let http;
let rooms = 0;
before(async () => {
	rig = await Rig.start();
	http = rig.url.replace(/^ws/, 'http');
});
after(() => rig.close());

const room = () => `browser-${process.pid}-${rooms++}`;

async function client() {
	const page = await rig.page(`${rig.origin}/page/whip.html`);
	await page.waitForFunction('window.rig !== undefined');
	return new Caller(page, rig);
}

const connected = (c) => c.until((s) => s.connection === 'connected', 'state');
const heard = (c, hz) => c.until((s) =>
	s !== null && Math.abs(s.hz - hz) < hz * 0.01 && s.purity > 0.9, 'sound');

async function end(c) {
	assert.equal(await c.run('end'), 200);
	await c.page.close();
}

test('a page publishes, another one plays', async () => {
	const name = room();
	const source = await client();
	const made = await source.run('publish', `${http}/whip/${name}`, 440, true);
	assert.equal(made.status, 201, made.text);
	assert.match(made.etag, /^"[0-9a-f]{16}"$/);
	assert.match(made.location, new RegExp(`/whip/${name}/[0-9a-f]{32}$`));
	await connected(source);
	const viewer = await client();
	const played = await viewer.run('watch', `${http}/whep/${name}`, 'audio',
		'video');
	assert.equal(played.status, 201, played.text);
	await connected(viewer);
	await heard(viewer, 440);
	await viewer.until((v) => v !== null && v.distinct >= 10, 'view');
	await viewer.run('forget');
	const view = await viewer.until((v) => v.distinct > 30, 'view');
	assert.equal(view.backwards, 0);
	assert.equal(view.size, '320x240');
	await heard(viewer, 440);
	for (const c of [source, viewer]) {
		const { patches } = await c.run('state');
		assert.ok(patches.length > 0, 'it trickled');
		assert.ok(patches.every((s) => s === 204), `${patches}`);
	}
	await end(viewer);
	await end(source);
});

test('an ICE restart by PATCH: the path is another, sound goes on',
	async () => {
		const name = room();
		const source = await client();
		await source.run('publish', `${http}/whip/${name}`, 550, false);
		const viewer = await client();
		await viewer.run('watch', `${http}/whep/${name}`, 'audio');
		await connected(source);
		await connected(viewer);
		await heard(viewer, 550);
		for (const c of [source, viewer, source]) {
			const done = await c.run('restart');
			assert.equal(done.status, 200, done.text);
			assert.ok(done.changed, 'another entity-tag');
			assert.equal(done.type, 'application/trickle-ice-sdpfrag');
			assert.notEqual(done.ufrag, done.before);
			await c.until((p) => p.ufrag === done.ours && p.sent > 0, 'path');
			await viewer.run('forget');
			await sleep(500);
			await heard(viewer, 550);
		}
		await end(source);
		await end(viewer);
	});

test('a player without a publisher waits for one', async () => {
	const name = room();
	const viewer = await client();
	await viewer.run('watch', `${http}/whep/${name}`, 'audio');
	await connected(viewer);
	const source = await client();
	await source.run('publish', `${http}/whip/${name}`, 620, false);
	await heard(viewer, 620);
	await end(source);
	await end(viewer);
});
