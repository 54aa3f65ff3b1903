// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * A lost socket comes back to its peer and its call with the resume token;
 * a farewell ends it at once. Against the running server (its 60 s pass in
 * tests/unit/test_hold.c). With --fake also what only tests/proc/fake_broker
 * answers.
 */
import { equal, frame, ok, report, sleep, socket, test } from './lib.mjs';
import { CANDIDATE, fresh, left, peerA, peerB, SDP, SERVER } from './rpc_kit.mjs';

const fake = process.argv.includes('--fake');

/** Lost without a farewell; waits until the server has seen it. */
async function lose(s, witness) {
	s.socket.resetAndDestroy();
	for (let i = 0; i < 200; i++) {
		const p = (await witness.call('list_peers')).result.peers
			.find((q) => q.peer_id === s.name);
		if (p?.state === 'away')
			return;
		await sleep(20);
	}
	throw new Error(`${s.name} is not away`);
}

const back = (open, s, make = peerA, token = s.token) => make === peerA ?
	peerA(open, s.name, { resume_token: token }) :
	peerB(open, s.name, ['audio'], undefined, { resume_token: token });

for (const [dialect, make] of [['A', peerA], ['B', peerB]])
	await test(`${dialect}: events of the time between arrive, in order`,
		async (open) => {
			const [a, b] = [await make(open), await peerA(open)];
			await lose(a, b);
			for (let i = 0; i < 3; i++)
				equal((await b.call('ice_candidate', { to_peer_id: a.name,
					candidate: `c${i}` })).result, { to_peer_id: a.name });
			const again = await back(open, a, make);
			const r = again.announced.result;
			equal([r.resumed, r.peer_id], [true, a.name]);
			ok(r.resume_token !== a.token &&
				/^[0-9a-f]{32}$/.test(r.resume_token), 'a fresh token');
			for (let i = 0; i < 3; i++) {
				const n = await again.note(dialect === 'A' ? 'ice_candidate' :
					'peer.ice_candidate');
				equal(n.params.candidate, `c${i}`);
			}
			equal(b.notes.filter((n) => /left|joined/.test(n.method) &&
				n.params.peer_id === a.name), [], 'nobody was told');
			await again.call('disconnect', { peer_id: b.name });
			equal((await b.note('peer_disconnected')).params.peer_id, a.name);
		});

await test('by end of file without a close frame too', async (open) => {
	const [a, b] = [await peerA(open), await peerA(open)];
	a.socket.end();
	for (let i = 0; i < 200; i++) {
		if ((await b.call('list_peers')).result.peers.find((p) =>
			p.peer_id === a.name)?.state === 'away')
			break;
		await sleep(20);
	}
	equal((await back(open, a)).announced.result.resumed, true);
});

await test('a farewell ends it at once', async (open) => {
	const [a, b] = [await peerA(open), await peerA(open)];
	a.send(frame(8, Buffer.from([3, 233])));
	await left(b, a.name);
	const r = (await back(open, a)).announced.result;
	equal(r.resumed, false, 'somebody new');
});

await test('a wrong token, or none, is taken', async (open) => {
	const [a, b] = [await peerA(open), await peerA(open)];
	await lose(a, b);
	const s = await socket(open);
	const wrong = a.token.slice(0, 31) + (a.token[31] === '0' ? '1' : '0');
	for (const resume_token of [undefined, null, '', wrong, a.token + '0',
		a.token.slice(1), a.token.toUpperCase() + ' ', 'x'.repeat(4000)]) {
		const params = { peer_id: a.name, resume_token };
		equal((await s.call('announce', params)).error?.code, -32000);
		equal((await s.call('peer.announce', params)).error?.code, -32602);
		if (resume_token?.length > 1000)
			await sleep(400);
	}
	equal((await back(open, a)).announced.result.resumed, true,
		'its owner is unharmed');
});

await test('a token is for its own peer only, and once', async (open) => {
	const [a, b] = [await peerA(open), await peerA(open)];
	const s = await socket(open);
	equal((await s.call('announce', { peer_id: b.name,
		resume_token: a.token })).error.code, -32000);
	await lose(a, b);
	const again = await back(open, a);
	await lose(again, b);
	equal((await s.call('announce', { peer_id: a.name,
		resume_token: a.token })).error.code, -32000, 'the old token');
	equal((await back(open, again)).announced.result.resumed, true);
});

await test('the newest wins, the old one is told and closed', async (open) => {
	const [a, b] = [await peerA(open), await peerA(open)];
	const again = await back(open, a, peerB);
	equal(again.announced.result.resumed, true);
	equal(await a.closed(), 4001, 'close code');
	await b.call('offer', { to_peer_id: a.name, sdp: 's' });
	equal((await again.note('peer.offer')).params.from, b.name);
	a.socket.destroy();
	await sleep(50);
	const p = (await b.call('list_peers')).result.peers.find((q) =>
		q.peer_id === a.name);
	equal(p?.state, 'available', 'its end is nobody\'s');
});

await test('an old token is worth nothing after the peer has left',
	async (open) => {
		const [a, b] = [await peerA(open), await peerA(open)];
		a.send(frame(8, Buffer.from([3, 232])));
		await left(b, a.name);
		const c = await peerA(open, a.name);
		const s = await socket(open);
		equal((await s.call('announce', { peer_id: a.name,
			resume_token: a.token })).error.code, -32000);
		ok((await c.call('list_peers')).result, 'unharmed');
	});

await test('the session stays, capabilities are the new ones', async (open) => {
	const b = await peerA(open);
	const a = await peerA(open, undefined, { session: 'room',
		capabilities: { audio: true } });
	await lose(a, b);
	const again = await peerA(open, a.name, { resume_token: a.token,
		session: 'other', capabilities: { video: true } });
	equal(again.announced.result.session, 'room');
	const p = (await b.call('list_peers')).result.peers.find((q) =>
		q.peer_id === a.name);
	equal(p.capabilities, { video: true });
});

await test('a sender is told when no more can wait', async (open) => {
	const [a, b] = [await peerA(open), await peerA(open)];
	await lose(a, b);
	let told = 0;
	for (let i = 0; i < 70; i++) {
		const got = await b.call('ice_candidate', { to_peer_id: a.name,
			candidate: String(i) });
		if (got.error?.code === -32021)
			told++;
		else
			equal(got.error, undefined, String(i));
		if (i > 50)
			await sleep(30);
	}
	equal(told, 6, '64 wait');
	const again = await back(open, a);
	for (let i = 0; i < 64; i++)
		equal((await again.note('ice_candidate')).params.candidate,
			String(i));
});

await test('a call goes on', async (open) => {
	const [a, b] = [await peerA(open), await peerA(open)];
	ok((await a.call('offer', { to_peer_id: SERVER, sdp: SDP })).result,
		'a call');
	await a.note('answer');
	await lose(a, b);
	const again = await back(open, a);
	equal(again.announced.result.resumed, true);
	/* A call that had ended would refuse nothing and answer nothing new:
	 * this one takes an offer again and says so. */
	const r = await again.call('ice_candidate', { to_peer_id: SERVER,
		candidate: CANDIDATE, sdp_mid: '0', sdp_mline_index: 0 });
	equal(r.result, { to_peer_id: SERVER });
	equal((await again.call('disconnect', { peer_id: SERVER })).result,
		{ peer_id: SERVER });
});

if (fake) {
	const offer = (what) => ({ to_peer_id: SERVER,
		sdp: `v=0\r\nm=x-fake:${what}\r\n` });

	for (const [dialect, make] of [['A', peerA], ['B', peerB]])
		await test(`fake: ${dialect}: an answer that comes meanwhile waits`,
			async (open) => {
				const [a, b] = [await make(open), await peerA(open)];
				a.say({ jsonrpc: '2.0', id: 'o', method: 'offer',
					params: offer('silent') });
				await a.call('list_peers');
				await lose(a, b);
				ok((await b.call('offer', offer('answer-others'))).result,
					'a call of b');
				const again = await back(open, a, make);
				equal(again.announced.result.resumed, true);
				const n = await again.note(dialect === 'A' ? 'answer' :
					'peer.answer');
				equal(n.params.sdp.slice(0, 3), 'v=0');
				await again.note(dialect === 'A' ? 'ice_candidate' :
					'peer.ice_candidate');
			});

	await test('fake: a call that ends meanwhile ends the wait',
		async (open) => {
			const [a, b] = [await peerA(open), await peerA(open)];
			ok((await a.call('offer', offer('x'))).result, 'a call');
			await lose(a, b);
			ok((await b.call('offer', offer('end-others'))).result,
				'a call of b');
			await left(b, a.name);
			equal((await back(open, a)).announced.result.resumed, false);
		});
}

report();
