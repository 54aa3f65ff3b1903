// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * JSON-RPC 2.0, dialect A, against the running server: envelopes, methods,
 * relay between peers, calls with remotemedia-server. With --fake as second
 * argument also what only tests/proc/fake_broker answers.
 */
import { equal, frame, ok, peer, report, sleep, socket, test, text } from
	'./lib.mjs';
import { left } from './rpc_kit.mjs';

const fake = process.argv.includes('--fake');
const SERVER = 'remotemedia-server';
const SDP = ['v=0', 'o=- 4611731400430051336 2 IN IP4 127.0.0.1', 's=-',
	't=0 0', 'a=group:BUNDLE 0', 'a=msid-semantic: WMS',
	'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0',
	'a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuvwx',
	'a=ice-options:trickle', 'a=fingerprint:sha-256 ' +
	Array(32).fill('AB').join(':'), 'a=setup:actpass', 'a=mid:0',
	'a=sctp-port:5000', 'a=max-message-size:262144', ''].join('\r\n');
const CANDIDATE = 'candidate:1 1 UDP 2130706431 192.0.2.4 5000 typ host';

/* What is sent, and the whole answer; -code stands for an error of that code
 * whose data.reason is a text. undefined: no answer. */
const LIST = '"method":"list_peers"';
const envelopes = [
	['no JSON', 'hello', null, -32700],
	['half an object', '{"jsonrpc":"2.0","id":1', null, -32700],
	['half a string', '{"jsonrpc":"2.0","id":"1', null, -32700],
	['two values', '{} {}', null, -32700],
	['a key twice', `{"jsonrpc":"2.0","id":1,"id":2,${LIST}}`, null, -32700],
	['a key twice, deeper',
		`{"jsonrpc":"2.0","id":1,${LIST},"params":{"a":1,"a":2}}`, null, -32700],
	['a comma too much', `{"jsonrpc":"2.0","id":1,${LIST},}`, null, -32700],
	['single quotes', "{'jsonrpc':'2.0'}", null, -32700],
	['a leading zero', `{"jsonrpc":"2.0","id":01,${LIST}}`, null, -32700],
	['a control in a string', '{"jsonrpc":"2.0","id":"\t"}', null, -32700],
	['a lone surrogate', `{"jsonrpc":"2.0","id":"\\ud800",${LIST}}`, null,
		-32700],
	['NaN', `{"jsonrpc":"2.0","id":NaN,${LIST}}`, null, -32700],
	['a number', '1', null, -32600],
	['a string', '"hello"', null, -32600],
	['null', 'null', null, -32600],
	['true', 'true', null, -32600],
	['an empty object', '{}', null, -32600],
	['an empty batch', '[]', null, -32600],
	['no jsonrpc', `{"id":1,${LIST}}`, null, -32600],
	['jsonrpc 1.0', `{"jsonrpc":"1.0","id":1,${LIST}}`, null, -32600],
	['jsonrpc a number', `{"jsonrpc":2.0,"id":1,${LIST}}`, null, -32600],
	['jsonrpc null', `{"jsonrpc":null,"id":1,${LIST}}`, null, -32600],
	['jsonrpc 2.0 and a NUL', `{"jsonrpc":"2.0\\u0000","id":1,${LIST}}`, null,
		-32600],
	['no method', '{"jsonrpc":"2.0","id":7}', 7, -32600],
	['no method, no id', '{"jsonrpc":"2.0"}', null, -32600],
	['a method that is a number', '{"jsonrpc":"2.0","id":7,"method":1}', 7,
		-32600],
	['of the specification',
		'{"jsonrpc": "2.0", "method": 1, "params": "bar"}', null, -32600],
	['17 deep in an id', '{"jsonrpc":"2.0","id":' + '['.repeat(16) +
		']'.repeat(16) + `,${LIST}}`, null, -32024],
	['params a number', `{"jsonrpc":"2.0","id":1,${LIST},"params":1}`, 1,
		-32600],
	['params a string', `{"jsonrpc":"2.0","id":1,${LIST},"params":"x"}`, 1,
		-32600],
	['an unknown method', '{"jsonrpc":"2.0","id":6,"method":"nope"}', 6, -32601],
	['an empty method', '{"jsonrpc":"2.0","id":6,"method":""}', 6, -32601],
	['a method of another case',
		'{"jsonrpc":"2.0","id":6,"method":"Announce"}', 6, -32601],
	['a method with a NUL behind',
		'{"jsonrpc":"2.0","id":6,"method":"list_peers\\u0000"}', 6, -32601],
	['17 deep', `{"jsonrpc":"2.0","id":1,${LIST},"params":` +
		'['.repeat(16) + ']'.repeat(16) + '}', null, -32024],
	['1000 deep', '['.repeat(1000), null, -32024],
	['257 members', `{"jsonrpc":"2.0","id":1,${LIST},"params":[` +
		'1,'.repeat(256) + '1]}', null, -32024],
	['a string of 49153 bytes', `{"jsonrpc":"2.0","id":1,${LIST},"x":"` +
		'x'.repeat(49153) + '"}', 1, -32024],
	['17 in a batch', `[${Array(17).fill(`{"jsonrpc":"2.0","id":1,${LIST}}`)}]`,
		null, -32600],
];
for (const [name, message, id, code] of envelopes)
	await test(`envelope: ${name}`, async (open) => {
		const s = await socket(open);
		s.say(message);
		const got = await s.json();
		equal([got.jsonrpc, got.id, got.error?.code], ['2.0', id, code]);
		ok(typeof got.error.message === 'string' && got.error.message,
			'a message');
		ok(typeof got.error.data.reason === 'string', 'a reason');
		equal((await s.call('list_peers')).error, undefined, 'behind it');
	});

/* Ids come back as they were written, to the byte. */
for (const id of ['1', '0', '-1', '"1"', '""', '"lan-discovery"', 'null', '1.50',
	'1e3', '-0', '0.1', '9007199254740993', '18446744073709551616',
	'123456789012345678901234567890', '1e400', '-1.7976931348623159e308',
	'3.141592653589793238462643', 'true', 'false', '{}', '[]',
	'[1,"a",null]', '{"b":[1,"x",null],"a":{"c":0.5}}',
	'"\u00e9\u{1F600}"', '"a\\"b\\\\c"'])
	await test(`id ${id} is echoed`, async (open) => {
		const s = await socket(open);
		s.say(`{"jsonrpc":"2.0","id":${id},${LIST}}`);
		const f = await s.frame();
		const want = `{"jsonrpc":"2.0","id":${id},"result":{`;
		equal(f.payload.toString().slice(0, want.length), want);
	});

await test('an escaped id means the same', async (open) => {
	const s = await socket(open);
	s.say(`{"jsonrpc":"2.0","\\u0069d":"\\u00e9\\/\\n",${LIST}}`);
	equal((await s.json()).id, 'é/\n', 'id');
});

await test('params may be absent, null, empty, an array', async (open) => {
	const s = await socket(open);
	for (const p of ['', ',"params":null', ',"params":{}', ',"params":[]']) {
		s.say(`{"jsonrpc":"2.0","id":1,${LIST}${p}}`);
		ok((await s.json()).result.count >= 1, p);
	}
});

await test('notifications are not answered, not even errors', async (open) => {
	const s = await socket(open);
	for (const m of ['list_peers', 'nope', 'offer', 'announce'])
		s.say({ jsonrpc: '2.0', method: m });
	s.say(`[{"jsonrpc":"2.0",${LIST}},{"jsonrpc":"2.0","method":"nope"}]`);
	const got = await s.call('list_peers', {}, 'last');
	equal([got.id, s.notes], ['last', []]);
});

await test('a batch is answered in one array', async (open) => {
	const s = await socket(open);
	s.say(`[{"jsonrpc":"2.0","id":"a",${LIST}},1,{"jsonrpc":"2.0",${LIST}},` +
		'{"jsonrpc":"2.0","id":2,"method":"nope"},{}]');
	const got = await s.json();
	equal(got.map((g) => [g.id, g.error?.code]), [['a', null], [null, -32600],
		[2, -32601], [null, -32600]].map(([i, c]) => [i, c ?? undefined]));
});

await test('16 in a batch', async (open) => {
	const s = await socket(open);
	s.say(`[${Array.from({ length: 16 }, (_, i) =>
		`{"jsonrpc":"2.0","id":${i},${LIST}}`)}]`);
	equal((await s.json()).map((g) => g.id), [...Array(16).keys()]);
});

await test('blanks around', async (open) => {
	const s = await socket(open);
	s.say(` \r\n\t{ "jsonrpc" : "2.0" , "id" : 5 , ${LIST} } \n`);
	equal((await s.json()).id, 5);
});

/* announce */
await test('announce: result, then peer_joined to the others', async (open) => {
	const a = await peer(open);
	const b = await peer(open);
	const r = b.announced.result;
	equal(Object.keys(r), ['peer_id', 'peers_count', 'other_peers',
		'resume_token', 'resumed', 'session', 'ice_servers']);
	ok(/^[0-9a-f]{32}$/.test(r.resume_token), 'resume_token');
	equal([r.resumed, r.session, r.ice_servers], [false, null, []]);
	equal(r.peer_id, b.name);
	equal(r.peers_count, r.other_peers.length + 1);
	equal(r.other_peers[0], SERVER);
	ok(r.other_peers.includes(a.name) && !r.other_peers.includes(b.name),
		'others');
	equal(await a.note('peer_joined'), { jsonrpc: '2.0',
		method: 'peer_joined', params: { peer_id: b.name,
			capabilities: { audio: true }, metadata: {} } });
	equal((await b.call('list_peers')).error, undefined);
	equal(b.notes, [], 'nothing about itself');
});

await test('announce: capabilities as given, numbers too', async (open) => {
	const a = await peer(open);
	const b = await socket(open);
	const caps = { audio: true, x: [1, 2.5, 'é', null, { y: {} }], n: 12345678901 };
	await b.call('announce', { peer_id: a.name + '.b', capabilities: caps });
	equal((await a.note('peer_joined')).params.capabilities, caps);
});

await test('announce: without capabilities', async (open) => {
	const a = await peer(open);
	const b = await socket(open);
	await b.call('announce', { peer_id: a.name + '.b' });
	equal((await a.note('peer_joined')).params.capabilities, {});
});

await test('announce: capabilities as a list, metadata, session',
	async (open) => {
		const a = await peer(open);
		const b = await socket(open);
		const got = await b.call('announce', [a.name + '.b', ['audio', 1],
			{ name: 'é' }, 'room 1']);
		equal(got.result.session, 'room 1');
		equal((await a.note('peer_joined')).params, { peer_id: a.name + '.b',
			capabilities: ['audio', 1], metadata: { name: 'é' } });
	});

await test('announce: by position', async (open) => {
	const a = await peer(open);
	const b = await socket(open);
	const got = await b.call('announce', [a.name + '.b', { video: true }]);
	equal(got.result.peer_id, a.name + '.b');
	equal((await a.note('peer_joined')).params.capabilities, { video: true });
});

for (const [name, params, code] of [
	['no id', {}, -32602],
	['no params', undefined, -32602],
	['an empty id', { peer_id: '' }, -32602],
	['a number', { peer_id: 1 }, -32602],
	['null', { peer_id: null }, -32602],
	['129 bytes', { peer_id: 'x'.repeat(129) }, -32602],
	['65 characters of 2 bytes', { peer_id: 'é'.repeat(65) }, -32602],
	['a newline', { peer_id: 'a\nb' }, -32602],
	['a NUL', { peer_id: 'a\0b' }, -32602],
	['DEL', { peer_id: 'a\x7f' }, -32602],
	['C1', { peer_id: 'a\x85' }, -32602],
	['capabilities a number', { peer_id: 'x', capabilities: 1 }, -32602],
	['capabilities a text', { peer_id: 'x', capabilities: 'audio' }, -32602],
	['metadata a list', { peer_id: 'x', metadata: [] }, -32602],
	['large metadata', { peer_id: 'x',
		metadata: { a: 'x'.repeat(5000) } }, -32602],
	['a session that is a number', { peer_id: 'x', session: 1 }, -32602],
	['a session with a newline', { peer_id: 'x', session: 'a\n' }, -32602],
	['a session of 129 bytes', { peer_id: 'x',
		session: 'x'.repeat(129) }, -32602],
	['a resume_token that is a number', { peer_id: 'x',
		resume_token: 1 }, -32602],
	['a token that is a number', { peer_id: 'x', token: 1 }, -32602],
	['large capabilities', { peer_id: 'x',
		capabilities: { a: 'x'.repeat(5000) } }, -32602],
	['the reserved id', { peer_id: SERVER }, -32000],
])
	await test(`announce: ${name}`, async (open) => {
		const s = await socket(open);
		const got = await s.call('announce', params);
		equal(got.error?.code, code, JSON.stringify(got));
		ok(got.error.data.reason, 'a reason');
		equal((await s.call('offer', { to_peer_id: SERVER, sdp: SDP }))
			.error.code, -32000, 'still not announced');
	});

for (const name of ['x'.repeat(128), 'é'.repeat(64), 'a b', '"\\', '\u{1F600}',
	'remotemedia-server2'])
	await test(`announce: ${name.slice(0, 12)} is fine`, async (open) => {
		const s = await peer(open, name);
		equal(s.announced.result.peer_id, name);
	});

await test('announce: an id in use is refused, its owner is unharmed',
	async (open) => {
		const a = await peer(open);
		const b = await socket(open);
		equal((await b.call('announce', { peer_id: a.name })).error.code,
			-32000);
		b.socket.destroy();
		await sleep(50);
		const c = await peer(open);
		ok(c.announced.result.other_peers.includes(a.name), 'still there');
		const note = c.call('disconnect', { peer_id: a.name });
		equal((await a.note('peer_disconnected')).params, { peer_id: c.name });
		await note;
		equal(a.notes.filter((n) => n.method === 'peer_left'), []);
	});

await test('announce: twice on one connection', async (open) => {
	const a = await peer(open);
	equal((await a.call('announce', { peer_id: a.name })).error.code, -32000);
	equal((await a.call('announce', { peer_id: a.name + 'x' })).error.code,
		-32025);
});

await test('announce: an id is free again when its socket closes',
	async (open) => {
		const a = await peer(open);
		const b = await peer(open);
		/* With a farewell; resume.mjs has the case without. */
		a.send(frame(8, Buffer.from([3, 232])));
		await left(b, a.name);
		await peer(open, a.name);
	});

/* relay */
await test('relay: a whole call between two peers', async (open) => {
	const [a, b] = [await peer(open), await peer(open)];
	const r = await a.call('offer', { to_peer_id: b.name, sdp: 'any sdp',
		type: 'offer' });
	const n = await b.note('offer');
	equal(Object.keys(r.result), ['offer_id', 'to_peer_id']);
	equal(r.result.to_peer_id, b.name);
	ok(new RegExp(`^${a.name}_${b.name}_\\d{13}$`).test(r.result.offer_id),
		r.result.offer_id);
	equal(n, { jsonrpc: '2.0', method: 'offer', params: {
		from_peer_id: a.name, offer_id: r.result.offer_id, sdp: 'any sdp',
		type: 'offer' } });
	equal((await b.call('answer', { to_peer_id: a.name, sdp: 'other',
		type: 'answer' })).result, { to_peer_id: a.name });
	equal((await a.note('answer')).params, { from_peer_id: b.name,
		sdp: 'other', type: 'answer' });
	equal((await a.call('ice_candidate', { to_peer_id: b.name,
		candidate: CANDIDATE, sdp_mid: '0', sdp_mline_index: 0 })).result,
	{ to_peer_id: b.name });
	equal((await b.note('ice_candidate')).params, { from_peer_id: a.name,
		candidate: CANDIDATE, sdp_mid: '0', sdp_mline_index: 0 });
	equal((await b.call('disconnect', { peer_id: a.name })).result,
		{ peer_id: a.name });
	equal((await a.note('peer_disconnected')).params, { peer_id: b.name });
});

await test('relay: the target hears before the sender', async (open) => {
	const a = await peer(open);
	/* To itself, so that both are in one stream. */
	a.say({ jsonrpc: '2.0', id: 'o', method: 'offer',
		params: { to_peer_id: a.name, sdp: 'x' } });
	equal((await a.json()).method, 'offer');
	equal((await a.json()).id, 'o');
});

await test('relay: type as given, texts to the byte', async (open) => {
	const [a, b] = [await peer(open), await peer(open)];
	const sdp = 'v=0\r\n"\\/\b\f\t\u2028é\u{1F600}\x7f';
	await a.call('offer', { to_peer_id: b.name, sdp, type: 'pranswer' });
	const n = await b.note('offer');
	equal([n.params.sdp, n.params.type], [sdp, 'pranswer']);
});

await test('relay: candidate without mid and index, and an empty one',
	async (open) => {
		const [a, b] = [await peer(open), await peer(open)];
		await a.call('ice_candidate', { to_peer_id: b.name, candidate: '' });
		equal((await b.note('ice_candidate')).params, { from_peer_id: a.name,
			candidate: '', sdp_mid: null, sdp_mline_index: null });
	});

await test('relay: by position', async (open) => {
	const [a, b] = [await peer(open), await peer(open)];
	ok((await a.call('offer', [b.name, 'x', 'offer'])).result, 'offer');
	ok((await a.call('ice_candidate', [b.name, CANDIDATE, '1', 1])).result,
		'candidate');
	equal((await b.note('ice_candidate')).params.sdp_mline_index, 1);
});

for (const [method, params, code] of [
	['offer', { sdp: 'x' }, -32602],
	['offer', { to_peer_id: 'x' }, -32602],
	['offer', { to_peer_id: 'x', sdp: '' }, -32602],
	['offer', { to_peer_id: 1, sdp: 'x' }, -32602],
	['offer', { to_peer_id: 'x', sdp: 1 }, -32602],
	['offer', { to_peer_id: 'x', sdp: 'x', type: 1 }, -32602],
	['offer', { to_peer_id: 'x', sdp: 'a\0b' }, -32602],
	['offer', { to_peer_id: 'nobody', sdp: 'x' }, -32000],
	['offer', { to_peer_id: 'nobody', sdp: 'x'.repeat(32769) }, -32002],
	['answer', { to_peer_id: 'x' }, -32602],
	['answer', { to_peer_id: 'nobody', sdp: 'x' }, -32000],
	['answer', { to_peer_id: 'nobody', sdp: 'x'.repeat(32769) }, -32003],
	['answer', { to_peer_id: SERVER, sdp: SDP }, -32025],
	['ice_candidate', { to_peer_id: 'x' }, -32602],
	['ice_candidate', { to_peer_id: 'x', candidate: null }, -32602],
	['ice_candidate', { to_peer_id: 'x', candidate: {} }, -32602],
	['ice_candidate', { to_peer_id: 'x', candidate: 'x', sdp_mid: 1 }, -32602],
	['ice_candidate', { to_peer_id: 'x', candidate: 'x',
		sdp_mline_index: '0' }, -32602],
	['ice_candidate', { to_peer_id: 'x', candidate: 'x',
		sdp_mline_index: -1 }, -32602],
	['ice_candidate', { to_peer_id: 'x', candidate: 'x',
		sdp_mline_index: 1.5 }, -32602],
	['ice_candidate', { to_peer_id: 'nobody', candidate: 'x' }, -32000],
	['ice_candidate', { to_peer_id: 'nobody',
		candidate: 'x'.repeat(449) }, -32026],
	['ice_candidate', { to_peer_id: SERVER, candidate: 'a\nb' }, -32026],
	['disconnect', {}, -32602],
	['offer', { to_peer_id: SERVER, sdp: 'hello' }, -32002],
	['offer', { to_peer_id: SERVER, sdp: 'v=0\r\n' }, -32002],
	['offer', { to_peer_id: SERVER, sdp: SDP, type: 'answer' }, -32002],
])
	await test(`${method} ${JSON.stringify(params).slice(0, 60)}: ${code}`,
		async (open) => {
			const s = await peer(open);
			const got = await s.call(method, params);
			equal(got.error?.code, code, JSON.stringify(got).slice(0, 200));
			ok(got.error.data.reason, 'a reason');
			if (code === -32002)
				ok(got.error.message.includes('Invalid SDP'), 'message');
		});

for (const method of ['offer', 'answer', 'ice_candidate', 'disconnect'])
	await test(`${method} needs announce`, async (open) => {
		const s = await socket(open);
		equal((await s.call(method, { to_peer_id: SERVER, sdp: SDP,
			candidate: CANDIDATE, peer_id: SERVER })).error.code, -32000);
	});

await test('disconnect of nobody is a success', async (open) => {
	const s = await peer(open);
	equal((await s.call('disconnect', { peer_id: 'nobody' })).result,
		{ peer_id: 'nobody' });
	equal((await s.call('disconnect', { peer_id: SERVER })).result,
		{ peer_id: SERVER });
});

await test('list_peers', async (open) => {
	const [a, b] = [await peer(open), await peer(open)];
	const { peers, count } = (await b.call('list_peers')).result;
	equal(count, peers.length, 'count');
	equal(peers[0].metadata, { type: 'server',
		version: peers[0].metadata.version }, 'metadata');
	equal([peers[0].peer_id, peers[0].capabilities, peers[0].state], [SERVER,
		{ audio: true, video: true, data: true }, 'available']);
	const found = peers.find((p) => p.peer_id === a.name);
	equal(found, { peer_id: a.name, capabilities: { audio: true },
		state: 'available', metadata: {},
		connected_at: found.connected_at });
	ok(Math.abs(found.connected_at - Date.now() / 1000) < 60, 'connected_at');
	ok(!peers.some((p) => p.peer_id === b.name), 'not itself');
});

await test('what was announced is announced for notifications too',
	async (open) => {
		const a = await peer(open);
		const b = await socket(open);
		b.say({ jsonrpc: '2.0', method: 'announce',
			params: { peer_id: a.name + '.n' } });
		equal((await a.note('peer_joined')).params.peer_id, a.name + '.n');
	});

/* calls with the pipeline */
await test('server: result, then answer', async (open) => {
	const s = await peer(open);
	const r = await s.call('offer', { to_peer_id: SERVER, sdp: SDP,
		type: 'offer' });
	ok(r.result, JSON.stringify(r));
	equal(s.notes.filter((n) => n.method === 'answer'), [], 'not before');
	equal(r.result.to_peer_id, SERVER);
	ok(r.result.offer_id.startsWith(`${s.name}_${SERVER}_`), 'offer_id');
	const n = await s.note('answer');
	equal([n.params.from_peer_id, n.params.type, n.params.sdp.slice(0, 3)],
		[SERVER, 'answer', 'v=0']);
	equal((await s.call('disconnect', { peer_id: SERVER })).result,
		{ peer_id: SERVER });
});

await test('server: an offer in a batch', async (open) => {
	const s = await peer(open);
	s.say([{ jsonrpc: '2.0', id: 'o', method: 'offer',
		params: { to_peer_id: SERVER, sdp: SDP } },
	{ jsonrpc: '2.0', id: 'c', method: 'ice_candidate', params: {
		to_peer_id: SERVER, candidate: CANDIDATE, sdp_mid: '0' } }]);
	let got;
	do
		got = await s.json();
	while (!Array.isArray(got));
	equal(got.map((g) => [g.id, !!g.result]).sort(), [['c', true],
		['o', true]]);
	await s.note('answer');
});

await test('server: an SDP without sense is refused', async (open) => {
	const s = await peer(open);
	const sdp = fake ? 'v=0\r\nm=x-fake:refuse\r\n' : 'v=0\r\nm=nonsense\r\n';
	const got = await s.call('offer', { to_peer_id: SERVER, sdp });
	equal(got.error?.code, -32002, JSON.stringify(got));
	ok(got.error.message.includes('Invalid SDP') && got.error.data.reason,
		'texts');
});

await test('server: offers and messages are limited', async (open) => {
	const s = await peer(open);
	const codes = [];
	for (let i = 0; i < 8; i++)
		codes.push((await s.call('offer', { to_peer_id: 'nobody', sdp: 'x' }))
			.error);
	const limited = codes.filter((e) => e.code === -32022);
	ok(limited.length >= 1 && limited.length <= 3, `${limited.length} refused`);
	ok(limited[0].data.retry_after_ms > 0, 'retry_after_ms');
});

await test('a flood of messages is refused, then ended with 1008',
	async (open) => {
		const a = await peer(open);
		const s = await socket(open);
		s.send(Buffer.concat(Array.from({ length: 400 }, (_, i) => text(
			`{"jsonrpc":"2.0","id":${i},${LIST}}`))));
		let answered = 0;
		let refused = 0;
		for (;;) {
			const f = await s.frame();
			if (f === null || f.opcode === 8) {
				equal(f?.payload.readUInt16BE(0), 1008, 'close code');
				break;
			}
			const m = JSON.parse(f.payload.toString());
			if (m.result)
				answered++;
			else if (m.error.code === -32022)
				refused++;
		}
		ok(answered >= 100 && answered < 130, `${answered} answered`);
		ok(refused >= 100 && refused < 120, `${refused} refused`);
		equal((await a.call('list_peers')).error, undefined, 'others');
	});

await test('a peer that does not read is dropped, its senders are told',
	async (open) => {
		const a = await peer(open);
		a.socket.pause();
		const codes = new Set();
		const sdp = 'x'.repeat(30000);
		for (let i = 0; i < 60 && !codes.has(-32000); i++) {
			const s = await peer(open);
			for (let k = 0; k < 5; k++) {
				const got = await s.call('offer',
					{ to_peer_id: a.name, sdp });
				codes.add(got.error?.code ?? 0);
			}
			s.socket.destroy();
		}
		ok(codes.has(0) && codes.has(-32021), `codes ${[...codes]}`);
	});

if (fake) {
	const offer = (what) => ({ to_peer_id: SERVER,
		sdp: `v=0\r\nm=x-fake:${what}\r\n` });

	await test('fake: early candidates all arrive', async (open) => {
		const s = await peer(open);
		for (let i = 0; i < 10; i++)
			await s.call('ice_candidate', { to_peer_id: SERVER,
				candidate: CANDIDATE, sdp_mid: '0' });
		await s.call('offer', offer('x'));
		ok((await s.note('answer')).params.sdp, 'answered');
		/* The next answer says what the broker had heard before it. */
		await s.call('offer', offer('x'));
		ok((await s.note('answer')).params.sdp.includes('x-heard:10'),
			'all ten');
	});

	await test('fake: over capacity', async (open) => {
		const s = await peer(open);
		const e = (await s.call('offer', offer('full'))).error;
		equal([e.code, e.data.reason, e.data.retry_after_ms], [-32021,
			'all peers are taken', 1000]);
	});

	await test('fake: a crash is told', async (open) => {
		const s = await peer(open);
		ok((await s.call('offer', offer('crash'))).result, 'result');
		equal((await s.note('peer_disconnected')).params, {
			peer_id: SERVER, reason: 'its process died' });
	});

	await test('fake: the server makes an offer', async (open) => {
		const s = await peer(open);
		await s.call('offer', offer('offer'));
		const n = await s.note('offer');
		equal([n.params.from_peer_id, n.params.type], [SERVER, 'offer']);
		ok(n.params.offer_id.startsWith(`${SERVER}_${s.name}_`), 'id');
		equal((await s.call('answer', { to_peer_id: SERVER, sdp: SDP,
			type: 'answer' })).result, { to_peer_id: SERVER });
	});

	await test('fake: state, candidates behind the answer', async (open) => {
		const s = await peer(open);
		await s.call('offer', offer('x'));
		equal((await s.json()).method, 'answer');
		equal((await s.json()).params, { from_peer_id: SERVER,
			candidate: 'candidate:1 1 UDP 2130706431 127.0.0.1 40000 ' +
				'typ host', sdp_mid: '0', sdp_mline_index: 0 });
		const n = (await s.json()).params;
		equal([n.peer_id, n.connection_state], [SERVER, 'connected']);
		ok(Math.abs(n.timestamp - Date.now()) < 10000, 'timestamp');
	});

	await test('fake: an offer while one waits, then none at all',
		async (open) => {
			const s = await peer(open);
			s.say({ jsonrpc: '2.0', id: 'o', method: 'offer',
				params: offer('silent') });
			equal((await s.call('offer', offer('x'))).error.code, -32025);
			s.say({ jsonrpc: '2.0', id: 'd', method: 'disconnect',
				params: { peer_id: SERVER } });
			const got = [await s.json(), await s.json()];
			equal(got.map((g) => g.id), ['o', 'd'], 'order');
			equal(got[0].error.code, -32001);
		});
}

report();
