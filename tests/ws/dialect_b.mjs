// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * JSON-RPC 2.0, dialect B (peer.*, server.*, control.*), against the running
 * server. With --fake as second argument also what only
 * tests/proc/fake_broker answers.
 */
import { equal, frame, ok, report, socket, test } from './lib.mjs';
import { CANDIDATE, left, peerB, SDP, SERVER } from './rpc_kit.mjs';

const fake = process.argv.includes('--fake');

await test('announce: result, then peer.joined to the others', async (open) => {
	const a = await peerB(open);
	const b = await peerB(open, undefined, ['audio', 'data'], { name: 'é' });
	const r = b.announced.result;
	equal(Object.keys(r), ['success', 'peer_id', 'peers_count', 'other_peers',
		'resume_token', 'resumed', 'session', 'ice_servers']);
	equal([r.success, r.peer_id, r.resumed], [true, b.name, false]);
	equal(r.peers_count, r.other_peers.length + 1, 'count');
	ok(r.other_peers.includes(a.name) && !r.other_peers.includes(b.name) &&
		!r.other_peers.includes(SERVER), 'others');
	equal(await a.note('peer.joined'), { jsonrpc: '2.0',
		method: 'peer.joined', params: { peer_id: b.name,
			capabilities: ['audio', 'data'], metadata: { name: 'é' } } });
});

await test('a whole call between two peers', async (open) => {
	const [a, b] = [await peerB(open), await peerB(open)];
	equal((await a.call('peer.offer', { from: 'somebody', to: b.name,
		sdp: 'any', can_trickle_ice_candidates: true })).result,
	{ success: true, to_peer_id: b.name });
	const n = (await b.note('peer.offer')).params;
	equal([n.from, n.to, n.sdp], [a.name, b.name, 'any']);
	equal((await b.call('peer.answer', { to: a.name, sdp: 'other' })).result,
		{ success: true, to_peer_id: a.name });
	equal((await a.note('peer.answer')).params, { from: b.name, to: a.name,
		sdp: 'other', type: 'answer' });
	equal((await a.call('peer.ice_candidate', { to: b.name,
		candidate: CANDIDATE, sdp_mid: '', sdp_m_line_index: 0 })).result,
	{ success: true, to_peer_id: b.name });
	equal((await b.note('peer.ice_candidate')).params, { from: a.name,
		to: b.name, candidate: CANDIDATE, sdp_mid: '',
		sdp_m_line_index: 0 });
	equal((await b.call('peer.disconnect', { peer_id: a.name,
		reason: 'bye' })).result, { success: true, peer_id: a.name });
	equal((await a.note('peer.disconnected')).params, { peer_id: b.name,
		reason: 'bye' });
	b.send(frame(8, Buffer.from([3, 232])));
	await left(a, b.name);
});

await test('the target hears before the sender', async (open) => {
	const a = await peerB(open);
	a.say({ jsonrpc: '2.0', id: 'o', method: 'peer.offer',
		params: { to: a.name, sdp: 'x' } });
	equal((await a.json()).method, 'peer.offer');
	equal((await a.json()).id, 'o');
});

for (const method of ['peer.list', 'list_peers'])
	await test(`${method} lists peers, itself too, no server`, async (open) => {
		const a = await peerB(open, undefined, { audio: true }, { n: 1 });
		const { peers, count } = (await a.call(method, {})).result;
		equal(count, peers.length, 'count');
		ok(!peers.some((p) => p.peer_id === SERVER), 'no server');
		const self = peers.find((p) => p.peer_id === a.name);
		equal(self, { peer_id: a.name, capabilities: { audio: true },
			state: 'available', metadata: { n: 1 },
			connected_at: self.connected_at });
		ok(Math.abs(self.connected_at - Date.now() / 1000) < 60, 'seconds');
	});

await test('server.info without announce, id as given', async (open) => {
	const s = await socket(open);
	s.say('{"jsonrpc":"2.0","method":"server.info","params":{},' +
		'"id":"lan-discovery"}');
	const got = await s.json();
	equal(got.id, 'lan-discovery');
	const r = got.result;
	ok(Array.isArray(r.addresses) && typeof r.hostname === 'string' &&
		/^\d+\.\d+\.\d+$/.test(r.version) && Array.isArray(r.ice_servers),
	JSON.stringify(r));
	for (const [i, a] of r.addresses.entries()) {
		equal(a.is_default, i === 0, 'is_default');
		ok(!/^(127\.|::1$|fe80:)/.test(a.ip), a.ip);
	}
	equal((await s.call('peer.list')).error, undefined, 'no params');
});

for (const [method, params, code, message] of [
	['peer.offer', { to: 'x', sdp: 'y' }, -32600,
		'Not announced: call peer.announce first'],
	['peer.answer', { to: 'x', sdp: 'y' }, -32600,
		'Not announced: call peer.announce first'],
	['peer.ice_candidate', { to: 'x', candidate: 'y' }, -32600,
		'Not announced: call peer.announce first'],
	['peer.disconnect', { peer_id: 'x' }, -32600,
		'Not announced: call peer.announce first'],
	['control.flush_audio', undefined, -32600,
		'Not announced: call peer.announce before any control.* method'],
	['peer.nope', {}, -32601, 'Unknown method: peer.nope'],
	['control.nope', {}, -32601, 'Unknown method: control.nope'],
])
	await test(`a stranger: ${method} is ${code}`, async (open) => {
		const s = await socket(open);
		const got = await s.call(method, params);
		equal([got.error?.code, got.error?.message], [code, message]);
		ok(got.error.data.reason, 'a reason');
	});

for (const [method, params, code] of [
	['peer.announce', {}, -32602],
	['peer.offer', {}, -32602],
	['peer.offer', { to: 'x' }, -32602],
	['peer.offer', { to: 'nobody', sdp: 'x' }, -32000],
	['peer.offer', { to: SERVER, sdp: 'x' }, -32002],
	['peer.offer', { to: SERVER, sdp: 'v=0\r\n' }, -32002],
	['peer.offer', { to: 'nobody', sdp: 'x'.repeat(32769) }, -32002],
	['peer.answer', { to: 'nobody', sdp: 'x' }, -32000],
	['peer.answer', { to: SERVER, sdp: SDP }, -32025],
	['peer.answer', { to: 'x', sdp: 'x'.repeat(32769) }, -32003],
	['peer.ice_candidate', { to: 'nobody', candidate: 'x' }, -32000],
	['peer.ice_candidate', { to: 'x' }, -32602],
	['peer.ice_candidate', { to: SERVER, candidate: 'a\nb' }, -32004],
	['peer.ice_candidate', { to: 'x', candidate: 'x'.repeat(449) }, -32004],
	['peer.disconnect', {}, -32602],
	['control.subscribe', { topic: 'vad.out' }, -32602],
])
	await test(`a peer: ${method} ${JSON.stringify(params).slice(0, 50)}: ${
		code}`, async (open) => {
		const s = await peerB(open);
		const got = await s.call(method, params);
		equal(got.error?.code, code, JSON.stringify(got).slice(0, 200));
		ok(got.error.data.reason, 'a reason');
		equal((await s.call('peer.list', {})).error, undefined, 'behind it');
	});

await test('an id in use is -32602 and its owner unharmed', async (open) => {
	const a = await peerB(open);
	const b = await socket(open);
	const e = (await b.call('peer.announce', { peer_id: a.name })).error;
	equal(e.code, -32602);
	ok(e.message.includes('already announced'), e.message);
	ok((await a.call('peer.list')).result.peers.some((p) =>
		p.peer_id === a.name), 'still there');
});

await test('the sample without to_peer_id is refused clearly', async (open) => {
	const s = await peerB(open);
	const e = (await s.call('offer', { sdp: SDP, type: 'offer' })).error;
	equal([e.code, e.data.reason], [-32602, 'to_peer_id is missing']);
});

await test('server: the result is the answer, then candidates',
	async (open) => {
		const s = await peerB(open);
		const r = await s.call('peer.offer', { from: s.name, to: SERVER,
			sdp: SDP });
		ok(r.result, JSON.stringify(r));
		equal(Object.keys(r.result), ['type', 'sdp', 'from', 'to']);
		equal([r.result.type, r.result.from, r.result.to,
			r.result.sdp.slice(0, 3)], ['answer', SERVER, s.name, 'v=0']);
		equal(s.notes.filter((n) => /candidate|answer/.test(n.method)), [],
			'no candidate before');
		/* All of them may stand in the answer already. */
		if (!r.result.sdp.includes('a=end-of-candidates')) {
			const n = await s.note('peer.ice_candidate');
			equal([n.params.from, n.params.to], [SERVER, s.name]);
			ok('sdp_m_line_index' in n.params, 'this dialect\'s index');
		}
		equal((await s.call('peer.disconnect', { peer_id: SERVER })).result,
			{ success: true, peer_id: SERVER });
		equal(s.notes.filter((m) => m.method === 'peer.answer'), [],
			'said once');
	});

await test('control.* checks what it is asked, then asks the broker',
	async (open) => {
		const s = await peerB(open);
		ok((await s.call('peer.offer', { to: SERVER, sdp: SDP })).result,
			'a call');
		for (const params of [{}, { topic: 'vad' }, { topic: 'vad.in' },
			{ topic: 1 }])
			equal((await s.call('control.subscribe', params)).error.code,
				-32602, JSON.stringify(params));
		const got = await s.call('control.set_node_state',
			{ node_id: 'n', state: 'Bypass' });
		if (fake)
			equal(got.result, { asked: { method: 'control.set_node_state',
				params: { node_id: 'n', state: 'bypass' } } });
		else
			ok(got.result || [-32602, -32021].includes(got.error.code),
				JSON.stringify(got));
	});

if (fake) {
	await test('fake: errors of control', async (open) => {
		const s = await peerB(open);
		await s.call('peer.offer', { to: SERVER, sdp: SDP });
		for (const [word, code] of [['refuse', -32602], ['busy', -32021],
			['no-call', -32602], ['unsupported', -32602],
			['broken', -32602]]) {
			const e = (await s.call('control.publish', { topic: 'n.in',
				payload: `fake-${word}` })).error;
			equal(e?.code, code, word);
			ok(e.data.reason, 'a reason');
		}
		const e = (await s.call('control.publish', { topic: 'n.in',
			payload: 'fake-silent' })).error;
		equal([e.code, e.data.retry_after_ms], [-32021, 1000], 'in vain');
	});

	await test('fake: state_change names the peer', async (open) => {
		const s = await peerB(open);
		await s.call('peer.offer', { to: SERVER, sdp: SDP });
		const n = (await s.note('peer.state_change')).params;
		equal([n.peer_id, n.connection_state], [s.name, 'connected']);
		ok(Math.abs(n.timestamp - Date.now()) < 10000, 'timestamp');
	});

	await test('fake: the server makes an offer', async (open) => {
		const s = await peerB(open);
		await s.call('peer.offer', { to: SERVER,
			sdp: 'v=0\r\nm=x-fake:offer\r\n' });
		const n = (await s.note('peer.offer')).params;
		equal([n.from, n.to], [SERVER, s.name]);
		equal((await s.call('peer.answer', { to: SERVER, sdp: SDP })).result,
			{ success: true, to_peer_id: SERVER });
	});
}

report();
