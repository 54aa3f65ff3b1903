// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Hostile messages, each with its expected answer: the exact code, a reason,
 * the id where it can be known, the connection kept where the protocol
 * allows. Two healthy peers call each other meanwhile and notice nothing.
 * Against the running server.
 */
import { equal, frame, ok, report, sleep, socket, test, text } from
	'./lib.mjs';
import { announced, fresh, peerA, peerB, SDP, SERVER } from './rpc_kit.mjs';

const J = '"jsonrpc":"2.0"';
const LIST = `${J},"id":1,"method":"list_peers"`;
const cases = [];	/* {name, who, message, id, code} */
let number = 0;

/** One message; code undefined: no answer at all. who: stranger, a, b. */
function add(name, message, code, id = null, who = 'stranger') {
	cases.push({ name, message, code, id, who });
}

/* What is no JSON, or no JSON that two parsers would read in one way. */
for (const m of ['', ' ', '{', '}', '[', ']', '{]', '[}', '{"', '"', "'", ',',
	':', '{:}', '{,}', '[,]', '[1,]', '{"a"}', '{"a":}', '{"a":1,}',
	'{a:1}', "{'a':1}", '{"a":1 "b":2}', '[1 2]', '{"a":1}}', '[1]]', '{}{}',
	'{} x', 'nul', 'nulll', 'tru', 'TRUE', 'undefined', 'NaN', 'Infinity',
	'-', '+1', '01', '-01', '1.', '.5', '1e', '1e+', '0x10', '1_000', '--1',
	'"\\x"', '"\\u12"', '"\\u12g4"', '"\\ud800"', '"\\udc00x"',
	'"\\ud800\\ud800"', '"\t"', '"\n"', '"\0"', '"a', '"\\', '"\\"',
	'/* */{}', '// x', '{}//', '#', '<xml/>', 'GET / HTTP/1.1',
	'\ufeff{}', '{"a":1,"a":2}', `{${LIST},"id":2}`,
	`{${LIST},"method":"x"}`, `{${LIST},"params":{"p":1,"p":1}}`,
	`{${LIST},"params":{"p":{"q":1,"q":1}}}`, `{${J},"id":01}`,
	`{${J},"id":1.}`, `{${J},"id":.1}`, `{${J},"id":+1}`, `{${J},"id":0x1}`,
	`[{${LIST}},`, `[{${LIST}}`, `{${LIST},"params":{"a":[1,2}}`,
	`{${LIST},"params":"\\q"}`, '\u0000', '\u2028', '{"\ud83d"'.slice(0, 2)])
	add(`no JSON: ${JSON.stringify(m).slice(0, 40)}`, m, -32700);

/* JSON, but no request. */
for (const m of ['0', '-0', '1e5', '""', '"x"', 'true', 'false', 'null', '{}',
	'[]', '{"a":1}', '{"jsonrpc":"2.0"}', `{"jsonrpc":"2.0 ","id":1}`,
	'{"jsonrpc":2,"id":1,"method":"x"}', '{"jsonrpc":"","method":"x"}',
	'{"jsonrpc":["2.0"],"method":"x"}', '{"jsonrpc":{"2":0}}',
	'{"Jsonrpc":"2.0","method":"x"}', '{"jsonrpc":"2.00","method":"x"}',
	'{"jsonrpc":true,"method":"x"}', '{"jsonrpc":"s2.0","method":"x"}',
	`{${J},"method":null}`, `{${J},"method":7}`, `{${J},"method":{}}`,
	`{${J},"method":["list_peers"]}`, `{${J},"method":true}`,
	`{${J},"result":1}`, `{${J},"error":{"code":1}}`])
	add(`no request: ${m.slice(0, 44)}`, m, -32600);
for (const id of ['7', '"x"', 'null', '1.5', '123456789012345678901234567890',
	'[]', '{}', '[1]', '{"a":1}', 'true', 'false']) {
	const back = JSON.parse(id);
	add(`id ${id} without method`, `{${J},"id":${id}}`, -32600, back);
	add(`id ${id}, method a number`, `{${J},"id":${id},"method":7}`, -32600,
		back);
	add(`id ${id}, params a number`,
		`{${J},"id":${id},"method":"list_peers","params":1}`, -32600, back);
	add(`id ${id}, params a text`,
		`{${J},"id":${id},"method":"list_peers","params":"x"}`, -32600, back);
	add(`id ${id}, params true`,
		`{${J},"id":${id},"method":"list_peers","params":true}`, -32600, back);
	add(`id ${id}, no such method`, `{${J},"id":${id},"method":"%n%s"}`,
		-32601, back);
}

/* Names of methods that are none. */
for (const m of ['', ' ', 'Announce', 'announce ', ' announce', 'announce\0',
	'peer', 'peer.', '.announce', 'peer..announce', 'peer.Announce',
	'rpc.discover', '__proto__', 'constructor', 'toString', '../announce',
	'announce;offer', 'announce\n', 'peer.announce.x', 'control', 'control.',
	'server.shutdown', 'server.info ', 'x'.repeat(5000), 'é'.repeat(3000),
	'\u202eannounce', '%s%n', "' OR 1=1 --", '${7*7}', '<script>'])
	add(`method ${JSON.stringify(m).slice(0, 24)}`,
		JSON.stringify({ jsonrpc: '2.0', id: 1, method: m }), -32601, 1);

/* Too deep, too wide, too long. */
for (const [name, m, id] of [
	['arrays', '['.repeat(17), null],
	['objects', '{"a":'.repeat(17), null],
	['60000 arrays', '['.repeat(60000), null],
	['params', `{${LIST},"params":${'['.repeat(16)}${']'.repeat(16)}}`, null],
	['257 elements', `{${LIST},"params":[${'1,'.repeat(256)}1]}`, null],
	['257 members', `{${Array.from({ length: 257 }, (_, i) =>
		`"k${i}":1`)}}`, null],
	['30000 elements', `[${'1,'.repeat(29999)}1]`, null],
	['a long text', `{${LIST},"x":"${'x'.repeat(49153)}"}`, 1],
	['a long key', `{${LIST},"${'x'.repeat(49153)}":1}`, 1],
	['a long id', `{${J},"method":"x","id":"${'x'.repeat(49153)}"}`,
		'x'.repeat(49153)],
	['a long method', `{${J},"id":1,"method":"${'x'.repeat(49153)}"}`, 1],
	['escapes', `{${LIST},"x":"${'\\u0041'.repeat(8200)}"}`, 1],
])
	add(`too much: ${name}`, m, -32024, id);
for (const n of [17, 100, 256])
	add(`a batch of ${n}`, `[${Array(n).fill(`{${J},"method":"x"}`)}]`,
		-32600);

/* Every parameter of every method with what it may not be. */
const wrong = [['a number', 7], ['true', true], ['a list', ['x']],
	['an object', { x: 1 }], ['a NUL', 'a\0b']];
const good = { peer_id: 'nobody', to_peer_id: 'nobody', to: 'nobody',
	sdp: 'v=0', candidate: 'c', topic: 'n.out', node_id: 'n',
	state: 'bypass' };
const methods = {
	announce: ['peer_id', 'session', 'resume_token', 'token'],
	offer: ['to_peer_id', 'sdp', 'type'],
	answer: ['to_peer_id', 'sdp', 'type'],
	ice_candidate: ['to_peer_id', 'candidate', 'sdp_mid'],
	disconnect: ['peer_id', 'reason'],
	request_offer: ['to_peer_id'],
	'peer.announce': ['peer_id', 'session', 'resume_token', 'token'],
	'peer.offer': ['to', 'sdp'],
	'peer.answer': ['to', 'sdp'],
	'peer.ice_candidate': ['to', 'candidate', 'sdp_mid'],
	'peer.disconnect': ['peer_id', 'reason'],
};
const required = ['peer_id', 'to_peer_id', 'to', 'sdp', 'candidate'];
for (const [method, names] of Object.entries(methods)) {
	const dotted = method.includes('.');
	const who = /announce/.test(method) ? 'stranger' : dotted ? 'b' : 'a';
	const base = Object.fromEntries(names.filter((n) => n in good)
		.map((n) => [n, good[n]]));
	const call = (params) => {
		const id = ++number;
		return [JSON.stringify({ jsonrpc: '2.0', id, method, params }), id];
	};
	for (const name of names)
		for (const [what, value] of wrong) {
			const [m, id] = call({ ...base, [name]: value });
			add(`${method}: ${name} is ${what}`, m, -32602, id, who);
		}
	for (const name of names.filter((n) => required.includes(n))) {
		for (const value of name === 'candidate' ? [null, undefined] :
			[null, undefined, '']) {
			const [m, id] = call({ ...base, [name]: value });
			add(`${method}: ${name} is ${JSON.stringify(value)}`, m, -32602,
				id, who);
		}
	}
	for (const params of [[], {}, null, undefined, [null], [[]]]) {
		const [m, id] = call(params);
		add(`${method}: params ${JSON.stringify(params)}`, m, -32602, id, who);
	}
}
for (const [method, name, values] of [
	['announce', 'peer_id', ['x'.repeat(129), 'é'.repeat(65), '\u0007', 'a\r',
		'\x7f', '\x80', '\x9f', 'tab\t', SERVER + '\n']],
	['announce', 'session', ['x'.repeat(129), '\n', '\x85']],
	['announce', 'capabilities', ['x', 1, true, { a: 'x'.repeat(4096) }]],
	['announce', 'metadata', ['x', 1, true, [], { a: 'x'.repeat(4096) }]],
	['peer.announce', 'user_data', ['x', 1, false, [],
		{ a: 'x'.repeat(4096) }]],
	['peer.announce', 'capabilities', ['x', 1, Array(1500).fill(1)
		.slice(0, 250).map(() => 'x'.repeat(20))]],
])
	for (const value of values) {
		const id = ++number;
		add(`${method}: ${name} ${JSON.stringify(value).slice(0, 20)}`,
			JSON.stringify({ jsonrpc: '2.0', id, method,
				params: { peer_id: 'nobody', [name]: value } }), -32602, id);
	}
for (const [method, key] of [['ice_candidate', 'sdp_mline_index'],
	['peer.ice_candidate', 'sdp_m_line_index']])
	for (const value of ['-1', '65536', '1.5', '1e5', '1e400', '"0"', 'true',
		'[]', '{}', '99999999999999999999']) {
		const id = ++number;
		const to = method === 'ice_candidate' ? 'to_peer_id' : 'to';
		add(`${method}: ${key} ${value}`, `{${J},"id":${id},"method":` +
			`"${method}","params":{"${to}":"x","candidate":"c","${key}":` +
			`${value}}}`, value === '1e400' ? -32700 : -32602,
		value === '1e400' ? null : id, to === 'to' ? 'b' : 'a');
	}

/* What reaches further in and is refused there. */
for (const [who, method, params, code] of [
	['stranger', 'announce', { peer_id: SERVER }, -32000],
	['stranger', 'peer.announce', { peer_id: SERVER }, -32602],
	['stranger', 'offer', { to_peer_id: SERVER, sdp: SDP }, -32000],
	['stranger', 'peer.offer', { to: SERVER, sdp: SDP }, -32600],
	['stranger', 'request_offer', { to_peer_id: SERVER }, -32000],
	['stranger', 'control.subscribe', { topic: 'n.out' }, -32600],
	['stranger', 'control.publish', { topic: 'n.in', payload: 1 }, -32600],
	['a', 'announce', { peer_id: 'again' }, -32025],
	['b', 'peer.announce', { peer_id: 'again' }, -32025],
	['a', 'answer', { to_peer_id: SERVER, sdp: SDP }, -32025],
	['b', 'peer.answer', { to: SERVER, sdp: SDP }, -32025],
	['a', 'answer', { to_peer_id: 'nobody', sdp: SDP }, -32000],
	['a', 'answer', { to_peer_id: 'x', sdp: 's'.repeat(32769) }, -32003],
	['b', 'peer.answer', { to: 'x', sdp: 's'.repeat(32769) }, -32003],
	['a', 'ice_candidate', { to_peer_id: SERVER, candidate: 'a\nb' }, -32026],
	['a', 'ice_candidate', { to_peer_id: SERVER, candidate: 'c',
		sdp_mid: 'a b' }, -32026],
	['a', 'ice_candidate', { to_peer_id: SERVER, candidate: 'c',
		sdp_mid: 'x'.repeat(33) }, -32026],
	['a', 'ice_candidate', { to_peer_id: 'x',
		candidate: 'c'.repeat(449) }, -32026],
	['b', 'peer.ice_candidate', { to: SERVER, candidate: 'a\rb' }, -32004],
	['b', 'peer.ice_candidate', { to: 'x', candidate: 'c'.repeat(449) },
		-32004],
	['a', 'request_offer', { to_peer_id: SERVER, audio: 1 }, -32602],
	['a', 'request_offer', { to_peer_id: SERVER, video: 'no' }, -32602],
	['a', 'request_offer', { to_peer_id: SERVER, data: null }, -32602],
	['b', 'control.subscribe', { topic: 'n.out' }, -32602],
	['b', 'control.flush_audio', {}, -32602],
]) {
	const id = ++number;
	add(`${who}: ${method} ${JSON.stringify(params).slice(0, 40)}`,
		JSON.stringify({ jsonrpc: '2.0', id, method, params }), code, id, who);
}
/* Each of these takes one of the five offers that a peer may make at once. */
for (const [who, method, params, code] of [
	['a', 'offer', { to_peer_id: SERVER, sdp: 'x' }, -32002],
	['a', 'offer', { to_peer_id: SERVER, sdp: 'v=0\r\n' }, -32002],
	['a', 'offer', { to_peer_id: SERVER, sdp: SDP, type: 'answer' }, -32002],
	['a', 'offer', { to_peer_id: 'nobody', sdp: 'x' }, -32000],
	['b', 'peer.offer', { to: SERVER, sdp: 'v=1 m=' }, -32002],
	['b', 'peer.offer', { to: 'x', sdp: 's'.repeat(32769) }, -32002],
	['b', 'peer.offer', { to: SERVER, sdp: ' v=0 m=' }, -32002],
	['b', 'peer.offer', { to: 'nobody', sdp: 'x' }, -32000],
]) {
	const id = ++number;
	add(`${who}: ${method} ${JSON.stringify(params).slice(0, 44)}`,
		JSON.stringify({ jsonrpc: '2.0', id, method, params }), code, id, who);
}

/* Notifications of all that: nothing comes back. */
for (const method of ['nope', 'announce', 'offer', 'answer', 'ice_candidate',
	'disconnect', 'peer.announce', 'peer.offer', 'peer.nope',
	'control.flush_audio', 'control.subscribe', ''])
	add(`silent: ${method}`, JSON.stringify({ jsonrpc: '2.0', method,
		params: { peer_id: 7 } }), undefined);

/* The healthy pair: B hears all that A sends, and nobody else. */
const healthy = [];
const a = await peerA(healthy);
const b = await peerB(healthy);
let relayed = 0;

async function unharmed() {
	const sdp = `round ${++relayed}`;
	const sent = await a.call('answer', { to_peer_id: b.name, sdp });
	equal(sent.result, { to_peer_id: b.name }, 'the healthy sender');
	equal((await b.note('peer.answer')).params.sdp, sdp, 'the healthy peer');
}

const openers = { stranger: socket, a: peerA, b: peerB };
const PER_CONNECTION = 30;	/* two messages a case, 100 at once are free */
for (const who of Object.keys(openers)) {
	const own = cases.filter((c) => c.who === who);
	let s = null;
	let open = [];
	let broken = false;
	for (const [i, c] of own.entries()) {
		if (i % PER_CONNECTION === 0 || broken) {
			broken = false;
			for (const o of open)
				o.socket.destroy();
			open = [];
			s = await openers[who](open);
			await unharmed();
		}
		await test(c.name, async () => {
			broken = true;	/* until it is seen to the end */
			s.say(c.message);
			s.say(`{${J},"id":"behind","method":"peer.list"}`);
			let got = await next(s);
			if (c.code !== undefined) {
				equal([got.jsonrpc, got.id, got.error?.code, got.result],
					['2.0', c.id, c.code, undefined],
					JSON.stringify(got).slice(0, 160));
				ok(got.error.message && typeof got.error.message === 'string',
					'a message');
				ok(got.error.data?.reason &&
					typeof got.error.data.reason === 'string', 'a reason');
				got = await next(s);
			}
			equal([got.id, !!got.result], ['behind', true],
				'the connection goes on');
			broken = false;
		});
	}
	for (const o of open)
		o.socket.destroy();
}

/** The next answer: notifications about other peers do not count. */
async function next(s) {
	for (;;) {
		const got = await s.json();
		if ('id' in got)
			return got;
	}
}

/* What ends the connection, with its code. */
for (const [name, bytes, code] of [
	['a binary frame', frame(2, 'x'), 1003],
	['a binary request', frame(2, `{${LIST}}`), 1003],
	['no UTF-8', frame(1, Buffer.from([0x22, 0xff, 0x22])), 1007],
	['half a character', frame(1, Buffer.from([0x22, 0xc3])), 1007],
	['a surrogate', frame(1, Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])),
		1007],
	['an overlong form', frame(1, Buffer.from([0xc0, 0x80])), 1007],
	['65537 bytes', text(' '.repeat(65537)), 1009],
	['2^63 claimed', frame(1, '', { claim: 1n << 63n }), 1002],
	['2^62 claimed', frame(1, '', { claim: 1n << 62n }), 1009],
	['no mask', frame(1, '{}', { mask: false }), 1002],
	['a reserved bit', frame(1, '{}', { rsv: 4 }), 1002],
	['an opcode of nobody', frame(3, '{}'), 1002],
])
	await test(`the end: ${name}`, async (open) => {
		const s = await peerA(open);
		s.send(bytes);
		equal(await s.closed(), code, 'close code');
		await unharmed();
	});

await test('an eviction by a refused announce', async (open) => {
	const s = await socket(open);
	for (const method of ['announce', 'peer.announce'])
		for (const peer_id of [a.name, b.name])
			ok((await s.call(method, { peer_id, resume_token: '0'.repeat(32) }))
				.error, 'refused');
	s.socket.resetAndDestroy();
	await sleep(50);
	await unharmed();
});

await test('a false sender', async (open) => {
	const s = await announced(open, 'peer.announce', { peer_id: fresh() });
	await s.call('peer.answer', { from: a.name, to: b.name, sdp: 'forged' });
	const n = await b.note('peer.answer');
	equal(n.params.from, s.name);
});

await test('the healthy pair heard nothing else', async () => {
	await unharmed();
	equal(b.notes.filter((n) => !/joined|left/.test(n.method)), [], 'b');
	equal(a.notes.filter((n) => !/joined|left/.test(n.method)), [], 'a');
	ok(cases.length >= 200, `${cases.length} messages`);
	console.log(`${cases.length} hostile messages, ${relayed} healthy rounds`);
});
for (const h of healthy)
	h.socket.destroy();
report();
