// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Dialect A and dialect B in one room: each hears the other in its own words
 * and calls it. Against the running server.
 */
import { equal, frame, ok, report, socket, test } from './lib.mjs';
import { CANDIDATE, fresh, left, peerA, peerB, SERVER } from './rpc_kit.mjs';

await test('both are in both lists', async (open) => {
	const a = await peerA(open, undefined, { metadata: { of: 'a' } });
	const b = await peerB(open, undefined, ['x'], { of: 'b' });
	equal((await a.note('peer_joined')).params, { peer_id: b.name,
		capabilities: ['x'], metadata: { of: 'b' } });
	ok(b.announced.result.other_peers.includes(a.name), 'A in B');
	const ofA = (await a.call('list_peers')).result.peers;
	const ofB = (await b.call('peer.list')).result.peers;
	equal(ofA.find((p) => p.peer_id === b.name).metadata, { of: 'b' });
	equal(ofB.find((p) => p.peer_id === a.name).metadata, { of: 'a' });
	ok(ofA.some((p) => p.peer_id === SERVER), 'the server in A');
	ok(!ofB.some((p) => p.peer_id === SERVER), 'no server in B');
	/* list_peers belongs to both: each gets its own. */
	equal((await b.call('list_peers')).result.peers.length, ofB.length);
});

await test('A calls B', async (open) => {
	const [a, b] = [await peerA(open), await peerB(open)];
	const r = (await a.call('offer', { to_peer_id: b.name, sdp: 'o',
		type: 'offer' })).result;
	const o = (await b.note('peer.offer')).params;
	equal(o, { from: a.name, to: b.name, offer_id: r.offer_id, sdp: 'o',
		type: 'offer' });
	await b.call('peer.answer', { from: 'liar', to: a.name, sdp: 'p' });
	equal((await a.note('answer')).params, { from_peer_id: b.name, sdp: 'p',
		type: 'answer' });
	await a.call('ice_candidate', { to_peer_id: b.name, candidate: CANDIDATE,
		sdp_mid: '0', sdp_mline_index: 7 });
	equal((await b.note('peer.ice_candidate')).params, { from: a.name,
		to: b.name, candidate: CANDIDATE, sdp_mid: '0',
		sdp_m_line_index: 7 });
	await a.call('disconnect', { peer_id: b.name, reason: 'done' });
	equal((await b.note('peer.disconnected')).params, { peer_id: a.name,
		reason: 'done' });
});

await test('B calls A', async (open) => {
	const [a, b] = [await peerA(open), await peerB(open)];
	await b.call('peer.offer', { to: a.name, sdp: 'o' });
	const o = (await a.note('offer')).params;
	equal([o.from_peer_id, o.sdp, o.type], [b.name, 'o', 'offer']);
	ok(o.offer_id.startsWith(`${b.name}_${a.name}_`), 'offer_id');
	await a.call('answer', { to_peer_id: b.name, sdp: 'p', type: 'answer' });
	equal((await b.note('peer.answer')).params, { from: a.name, to: b.name,
		sdp: 'p', type: 'answer' });
	await b.call('peer.ice_candidate', { to: a.name, candidate: '',
		sdp_m_line_index: 1 });
	equal((await a.note('ice_candidate')).params, { from_peer_id: b.name,
		candidate: '', sdp_mid: null, sdp_mline_index: 1 });
	await b.call('peer.disconnect', { peer_id: a.name });
	equal((await a.note('peer_disconnected')).params, { peer_id: b.name });
	b.send(frame(8, Buffer.from([3, 232])));
	await left(a, b.name);
});

await test('an id is one in both dialects', async (open) => {
	const a = await peerA(open);
	const s = await socket(open);
	equal((await s.call('peer.announce', { peer_id: a.name })).error.code,
		-32602);
	equal((await s.call('announce', { peer_id: a.name })).error.code, -32000);
});

await test('methods of both on one connection, words of its announce',
	async (open) => {
		const [a, b] = [await peerA(open), await peerB(open)];
		ok((await a.call('peer.offer', { to: b.name, sdp: 's' })).result
			.success, 'B method on A');
		await b.call('answer', { to_peer_id: a.name, sdp: 's' });
		equal((await a.note('answer')).params.from_peer_id, b.name);
		equal((await a.call('peer.offer', { to: 'nobody', sdp: 's' })).error
			.code, -32000);
		equal((await a.call('peer.announce', { peer_id: a.name })).error.code,
			-32602, 'the code of the method');
	});

await test('a batch of both', async (open) => {
	const a = await peerA(open);
	a.say([{ jsonrpc: '2.0', id: 1, method: 'list_peers' },
		{ jsonrpc: '2.0', id: 2, method: 'peer.list' },
		{ jsonrpc: '2.0', id: 3, method: 'server.info' },
		{ jsonrpc: '2.0', id: 4, method: 'peer.offer', params: {
			to: a.name, sdp: 's' } }]);
	equal((await a.json()).method, 'offer', 'relayed first');
	equal((await a.json()).map((g) => [g.id, !!g.result]),
		[[1, true], [2, true], [3, true], [4, true]]);
});

await test('a room of twenty, ten of each', async (open) => {
	const room = [];
	for (let i = 0; i < 20; i++)
		room.push(await (i & 1 ? peerB : peerA)(open, fresh()));
	const [first, last] = [room[0], room[19]];
	for (const p of room.slice(1))
		equal((await first.note('peer_joined')).params.peer_id, p.name);
	for (const p of room.slice(0, 19))
		await (p === first ? p.call('offer', { to_peer_id: last.name,
			sdp: p.name }) : p.call('peer.offer', { to: last.name,
			sdp: p.name }));
	for (const p of room.slice(0, 19))
		equal((await last.note('peer.offer')).params.sdp, p.name);
});

report();
