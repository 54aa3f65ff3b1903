// SPDX-License-Identifier: MIT OR Apache-2.0
/** One hub: what any two doors have to do with each other. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { DOORS, closeAll, peerBy } from './doors.mjs';
import { SERVER, candidateOf, sdpOf } from './lib.mjs';

after(closeAll);

const doors = Object.keys(DOORS);
const from = (kind, who) => (e) => e.kind === kind && e.from === who.name;

/** The middle of every test: a call set up by relay, all its parts. */
async function relay(a, b) {
	await a.offer(b.name, sdpOf('an offer'));
	const offer = await b.inbox.next(from('offer', a), 'the offer');
	assert.equal(offer.sdp, sdpOf('an offer'));
	await b.answer(a.name, sdpOf('its answer'));
	const answer = await a.inbox.next(from('answer', b), 'the answer');
	assert.equal(answer.sdp, sdpOf('its answer'));
	for (let i = 1; i <= 3; i++) {
		await a.candidate(b.name, candidateOf(i), '1', 1);
		await b.candidate(a.name, candidateOf(i + 10), '0', 0);
	}
	for (let i = 1; i <= 3; i++) {
		const there = await b.inbox.next(from('candidate', a), 'candidate');
		assert.deepEqual([there.candidate, there.mid, there.mline],
			[candidateOf(i), '1', 1]);
		const here = await a.inbox.next(from('candidate', b), 'candidate');
		assert.deepEqual([here.candidate, here.mid, here.mline],
			[candidateOf(i + 10), '0', 0]);
	}
}

for (const first of doors) {
	for (const second of doors) {
		test(`${first} calls ${second}`, async () => {
			const a = await peerBy(first);
			const b = await peerBy(second);
			assert.ok(b.hello.other_peers.includes(a.name));
			const joined = await a.inbox.next(from('joined', b), 'peer_joined');
			assert.ok(joined.caps, 'no capabilities');
			await relay(a, b);
			await a.disconnect(b.name);
			await b.inbox.next(from('disconnected', a), 'peer_disconnected');
			await b.close();
			await a.inbox.next(from('left', b), 'peer_left');
			await a.close();
		});
	}
}

for (const door of doors) {
	test(`${door}: who is there`, async () => {
		const a = await peerBy(door);
		const others = await peerBy('ws dialect A');
		const list = await a.list();
		assert.ok(list.includes(others.name));
		assert.equal(list.includes(SERVER), door !== 'ws dialect B');
		assert.match(a.token, /^[0-9a-f]{32}$/);
		await a.close();
		await others.inbox.next(from('left', a), 'peer_left');
		await others.close();
	});

	test(`${door}: refusals do not end the conversation`, async () => {
		const a = await peerBy(door);
		const rpc = door.startsWith('ws');
		const codes = { absent: rpc ? -32000 : 5, sdp: rpc ? -32002 : 3 };
		await assert.rejects(a.offer('nobody-there', sdpOf('x')),
			(e) => e.code === codes.absent);
		await assert.rejects(a.offer(SERVER, 'no sdp'),
			(e) => e.code === codes.sdp && e.reason.length > 3);
		await assert.rejects(a.candidate('nobody-there', candidateOf(1)),
			(e) => e.code === codes.absent);
		assert.ok((await a.list()).length >= 0);
		await a.close();
	});

	test(`${door}: a name that is taken`, async () => {
		const owner = await peerBy('ws dialect A');
		const late = await DOORS[door](owner.name);
		const code = { 'ws dialect A': -32000, 'ws dialect B': -32602 };
		await assert.rejects(late.announce(), (e) =>
			e.code === (code[door] ?? 6) || / 6 /.test(e.message));
		assert.ok(!(await owner.list()).includes(owner.name));
		await late.close();
		await owner.close();
	});
}

for (const [lost, found] of [
	['ws dialect A', 'grpc-js Signal'], ['grpc-js Signal', 'ws dialect B'],
	['ws dialect B', 'connect-node gRPC Signal'],
]) {
	test(`lost by ${lost}, resumed by ${found}`, async () => {
		const a = await peerBy(lost);
		const watcher = await peerBy('ws dialect A');
		const again = await DOORS[found](a.name);
		const hello = await again.announce({ resumeToken: a.token });
		assert.ok(hello.resumed ?? /resumed/.test(hello.message));
		assert.notEqual(hello.resume_token, a.token);
		await watcher.offer(a.name, sdpOf('after'));
		assert.equal((await again.inbox.next(from('offer', watcher), 'offer'))
			.sdp, sdpOf('after'));
		await again.close();
		await watcher.inbox.next(from('left', a), 'peer_left');
		assert.deepEqual(watcher.inbox.items, []);
		await watcher.close();
	});
}
