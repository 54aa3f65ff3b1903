// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * RFC 6455 by the table: sizes, fragmentations, TCP chops, UTF-8, control
 * frames, opening handshakes. What the server heard is seen in what it echoes:
 * the id of a request comes back exactly (an unknown method needs no
 * announce).
 */
import { connect, equal, frame, ok, report, socket, test, text, upgradeText }
	from './lib.mjs';

const request = (id) => `{"jsonrpc":"2.0","id":${JSON.stringify(id)},` +
	'"method":"echo.none"}';

async function echoes(s, id) {
	const got = await s.json();
	equal(got.id, id, 'echoed id');
	equal(got.error?.code, -32601, 'code');
}

/** Cuts a message into frames of so many bytes. */
function fragments(message, size) {
	const b = Buffer.from(message);
	const out = [];
	for (let at = 0; at < b.length || at === 0; at += size)
		out.push(frame(at ? 0 : 1, b.subarray(at, at + size),
			{ fin: at + size >= b.length }));
	return Buffer.concat(out);
}

async function chopped(s, bytes, step) {
	for (let at = 0; at < bytes.length; at += step)
		s.send(bytes.subarray(at, at + step));
}

const pad = (id, size) => request(id).padEnd(size);

/* Every length form's edge, whole and in fragments. */
for (const size of [60, 124, 125, 126, 127, 128, 129, 254, 255, 256, 1023,
	1024, 4095, 4096, 16383, 16384, 32767, 32768, 65534, 65535, 65536]) {
	await test(`${size} bytes in one frame`, async (open) => {
		const s = await socket(open);
		s.send(text(pad('one', size)));
		await echoes(s, 'one');
	});
	for (const part of [61, 125, 126, 1300, 65535]) {
		if (Math.ceil(size / part) > 64 || part >= size)
			continue;
		await test(`${size} bytes in frames of ${part}`, async (open) => {
			const s = await socket(open);
			s.send(fragments(pad('parts', size), part));
			await echoes(s, 'parts');
		});
	}
}

/* TCP may cut anywhere. */
for (const step of [1, 2, 3, 5, 7, 13, 64, 125, 126, 127, 1448]) {
	await test(`two messages and a ping, ${step} bytes a write`,
		async (open) => {
			const s = await socket(open);
			const all = Buffer.concat([text(pad('first', 300)),
				frame(9, 'between'), fragments(pad('last', 200), 50)]);
			await chopped(s, all, step);
			await echoes(s, 'first');
			await echoes(s, 'last');
		});
}

/* Text that is valid UTF-8 arrives as it was sent, wherever it is cut. */
const valid = [
	['ASCII', 'plain'], ['two bytes', 'äöüß'], ['the first of two', '\u0080'],
	['the last of two', '\u07ff'], ['the first of three', '\u0800'],
	['the last of three', '\uffff'], ['before the surrogates', '\ud7ff'],
	['behind the surrogates', '\ue000'], ['the replacement', '\ufffd'],
	['a noncharacter', '\ufffe'], ['the first of four', '\u{10000}'],
	['the last of four', '\u{10ffff}'], ['Greek', 'κόσμε'],
	['Chinese', '中文測試'], ['emoji with joiners', '👩‍👩‍👧'],
	['combining marks', 'a\u0301\u0328'], ['right to left', 'שלום'],
	['a byte order mark', '\ufeffx'],
];
for (const [name, word] of valid) {
	await test(`UTF-8: ${name}`, async (open) => {
		const s = await socket(open);
		s.send(text(request(word)));
		await echoes(s, word);
	});
	await test(`UTF-8: ${name}, a fragment a byte`, async (open) => {
		const s = await socket(open);
		const b = Buffer.from(request(word));
		const at = b.indexOf(Buffer.from(word)) - 1;
		const bits = [b.subarray(0, at)];
		for (let i = at; i < at + Buffer.byteLength(word) + 1; i++)
			bits.push(b.subarray(i, i + 1));
		bits.push(b.subarray(at + Buffer.byteLength(word) + 1));
		s.send(Buffer.concat(bits.map((part, i) => frame(i ? 0 : 1, part,
			{ fin: i === bits.length - 1 }))));
		await echoes(s, word);
	});
}

/* What is not UTF-8 fails at the byte that makes it impossible, before the
 * frame has ended. */
for (const [name, hex] of [
	['c0', 'c0'], ['c1', 'c1'], ['f5', 'f5'], ['f8', 'f8'], ['fc', 'fc'],
	['fe', 'fe'], ['ff', 'ff'], ['a lone tail 80', '80'],
	['a lone tail bf', 'bf'], ['e0 and 80', 'e080'], ['e0 and 9f', 'e09f'],
	['ed and a0', 'eda0'], ['ed and bf', 'edbf'], ['f0 and 80', 'f080'],
	['f0 and 8f', 'f08f'], ['f4 and 90', 'f490'], ['c3 and a letter', 'c341'],
	['e2 82 and a letter', 'e28241'], ['f0 9f 98 and a letter', 'f09f9841'],
	['a tail too many', 'c3a4a4'],
]) {
	await test(`UTF-8 fails at once: ${name}`, async (open) => {
		const s = await socket(open);
		const whole = Buffer.concat([Buffer.from('{"a":"'),
			Buffer.from(hex, 'hex'), Buffer.alloc(200, 0x20)]);
		const bytes = text(whole);
		/* 8 bytes of head; the frame is never completed. */
		s.send(bytes.subarray(0, 8 + 6 + hex.length / 2));
		equal(await s.closed(), 1007, 'close code');
	});
}

/* Control frames. */
for (const size of [0, 1, 2, 3, 4, 7, 8, 15, 16, 63, 64, 100, 124, 125]) {
	await test(`a ping of ${size} bytes inside a message`, async (open) => {
		const s = await socket(open);
		const payload = Buffer.alloc(size, 0xe9);
		const m = Buffer.from(request('around'));
		s.send(Buffer.concat([frame(1, m.subarray(0, 20), { fin: false }),
			frame(9, payload), frame(0, m.subarray(20))]));
		const first = await s.frame();
		const second = await s.frame();
		const [pong, answer] = first.opcode === 10 ? [first, second]
			: [second, first];
		equal(pong.opcode, 10, 'opcode');
		ok(pong.payload.equals(payload), 'the payload of the pong');
		equal(JSON.parse(answer.payload.toString()).id, 'around', 'id');
	});
	await test(`a pong of ${size} bytes is ignored`, async (open) => {
		const s = await socket(open);
		s.send(Buffer.concat([frame(10, Buffer.alloc(size)),
			text(request('next'))]));
		await echoes(s, 'next');
	});
}
for (const size of [0, 1, 5, 60, 122, 123]) {
	await test(`a close with ${size} bytes of text`, async (open) => {
		const s = await socket(open);
		s.send(frame(8, Buffer.concat([Buffer.from([3, 232]),
			Buffer.alloc(size, 0x61)])));
		equal(await s.closed(), 1000, 'close code');
		await s.end();
	});
}
for (const [name, frames] of [
	['a message behind a close', [frame(8, Buffer.from([3, 232])),
		text(request('late'))]],
	['a ping behind a close', [frame(8, Buffer.from([3, 232])),
		frame(9, 'late')]],
	['a second close', [frame(8, Buffer.from([3, 232])),
		frame(8, Buffer.from([3, 233]))]],
	['rubbish behind a close', [frame(8, Buffer.from([3, 232])),
		Buffer.alloc(50, 0xff)]],
	['a close inside a message', [frame(1, '{"a"', { fin: false }),
		frame(8, Buffer.from([3, 232]))]],
]) {
	await test(name, async (open) => {
		const s = await socket(open);
		s.send(Buffer.concat(frames));
		equal(await s.closed(), 1000, 'close code');
		equal(s.bytes.length, 0, 'bytes behind the close');
		await s.end();
	});
}

/* The server's own frames. */
await test('our frames are whole, final and not masked', async (open) => {
	const s = await socket(open);
	s.send(text(request('x'.repeat(30000))));
	const f = await s.frame();
	equal([f.opcode, f.fin, f.masked], [1, 1, 0], 'opcode, fin, mask');
	equal(JSON.parse(f.payload.toString()).id.length, 30000, 'length');
});

/* Opening handshakes: section 4.2.1. What is sent instead of, or besides, the
 * usual lines, and the status that must come. */
const HEAD = 'GET /ws HTTP/1.1\r\n';
const usual = { Host: '127.0.0.1', Upgrade: 'websocket',
	Connection: 'Upgrade', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
	'Sec-WebSocket-Version': '13' };

function opening(change, first = HEAD) {
	const all = { ...usual, ...change };
	return first + Object.entries(all).filter(([, v]) => v !== null)
		.map(([k, v]) => `${k}: ${v}\r\n`).join('') + '\r\n';
}

for (const [name, bytes, want] of [
	['as usual', opening({}), 101],
	['names in other cases', opening({ Upgrade: null, Connection: null,
		UPGRADE: 'WebSocket', connection: 'upgrade' }), 101],
	['Connection with two tokens', opening({
		Connection: 'keep-alive, Upgrade' }), 101],
	['Connection with odd blanks', opening({
		Connection: 'keep-alive ,\tupgrade ,' }), 101],
	['unknown headers', opening({ 'X-A': '1', Cookie: 'a=b' }), 101],
	['an extension is not taken', opening({
		'Sec-WebSocket-Extensions': 'permessage-deflate' }), 101],
	['an unknown subprotocol', opening({
		'Sec-WebSocket-Protocol': 'chat, superchat' }), 101],
	['any path', opening({}, 'GET /a/b?c=d HTTP/1.1\r\n'), 101],
	['the root', opening({}, 'GET / HTTP/1.1\r\n'), 101],
	['version 12', opening({ 'Sec-WebSocket-Version': '12' }), 426],
	['version 14', opening({ 'Sec-WebSocket-Version': '14' }), 426],
	['version 0', opening({ 'Sec-WebSocket-Version': '0' }), 426],
	['version 013', opening({ 'Sec-WebSocket-Version': '013' }), 426],
	['no version', opening({ 'Sec-WebSocket-Version': null }), 426],
	['no key', opening({ 'Sec-WebSocket-Key': null }), 400],
	['an empty key', opening({ 'Sec-WebSocket-Key': '' }), 400],
	['a key of 15 bytes', opening({
		'Sec-WebSocket-Key': Buffer.alloc(15).toString('base64') }), 400],
	['a key of 17 bytes', opening({
		'Sec-WebSocket-Key': Buffer.alloc(17).toString('base64') }), 400],
	['a key that is no base64', opening({
		'Sec-WebSocket-Key': '!!!!!!!!!!!!!!!!!!!!!!==' }), 400],
	['two keys', opening({ 'sec-websocket-key':
		'dGhlIHNhbXBsZSBub25jZQ==' }), 400],
	['POST', opening({}, 'POST /ws HTTP/1.1\r\n'), 405],
	['HTTP/1.0', opening({}, 'GET /ws HTTP/1.0\r\n'), 400],
	['no host', opening({ Host: null }), 400],
	['two hosts', opening({ host: 'b' }), 400],
	['HTTP/2.0 in the line', opening({}, 'GET /ws HTTP/2.0\r\n'), 505],
	['a control in a value', opening({ 'X-A': 'a\x01b' }), 400],
	['a NUL in a value', opening({ 'X-A': 'a\0b' }), 400],
	['a blank before the colon', opening({ 'X-A ': 'b' }), 400],
	['a foreign page', opening({ Origin: 'http://evil.example' }), 403],
	['a page of null origin', opening({ Origin: 'null' }), 403],
	['a local page', opening({ Origin: 'http://localhost:5173' }), 101],
	['65 headers', opening(Object.fromEntries(Array.from({ length: 65 },
		(_, i) => [`X-${i}`, 'a']))), 431],
	['a head of 9000 bytes', opening({ 'X-A': 'a'.repeat(9000) }), 431],
]) {
	await test(`opening: ${name}`, async (open) => {
		const c = await connect(open);
		c.send(Buffer.from(bytes, 'latin1'));
		const got = await c.answer();
		equal(got.status, want, 'status');
		if (want === 101)
			equal([got.headers['sec-websocket-extensions'],
				got.headers.upgrade?.toLowerCase()],
			[undefined, 'websocket'], 'extensions and upgrade');
		if (want === 426)
			equal(got.headers['sec-websocket-version'], '13', 'version');
	});
}
await test('an opening byte by byte', async (open) => {
	const c = await connect(open);
	await chopped(c, Buffer.from(upgradeText()), 1);
	equal((await c.answer()).status, 101, 'status');
});

report();
