// SPDX-License-Identifier: MIT OR Apache-2.0
/** RFC 6455 on the signaling port: frames good and bad, closes, limits. */
import { equal, frame, ok, report, sleep, socket, test, text, upgradeText,
	connect, Socket } from './lib.mjs';

const LIST = '{"jsonrpc":"2.0","id":1,"method":"list_peers"}';
const u16 = (n) => Buffer.from([n >> 8, n & 255]);
const close = (code, why = '') => frame(8, Buffer.concat([u16(code),
	Buffer.from(why)]));

async function answers(s, what = 'answer') {
	const got = await s.json();
	ok(got.id === 1 && got.result.count >= 1,
		`${what}: ${JSON.stringify(got)}`);
}

/* Each list of frames is one message that must be answered. */
const good = [
	['one frame', [text(LIST)]],
	['two fragments', [text(LIST.slice(0, 9), { fin: false }),
		frame(0, LIST.slice(9))]],
	['every byte a fragment (46)', [...LIST].map((c, i) =>
		frame(i ? 0 : 1, c, { fin: i === LIST.length - 1 }))],
	['64 fragments', [text(LIST, { fin: false }),
		...Array(62).fill(frame(0, ' ', { fin: false })), frame(0, ' ')]],
	['empty fragments', [text('', { fin: false }), frame(0, '', { fin: false }),
		frame(0, LIST, { fin: false }), frame(0, '')]],
	['blanks to 126 bytes', [text(LIST.padEnd(126))]],
	['blanks to 125 bytes', [text(LIST.padEnd(125))]],
	['blanks to 65535 bytes', [text(LIST.padEnd(65535))]],
	['blanks to 65536 bytes', [text(LIST.padEnd(65536))]],
	['a character over two fragments', (() => {
		const b = Buffer.from('{"jsonrpc":"2.0","id":1,"method":"list_peers"' +
			',"x":"\u{1F600}"}');
		const at = b.indexOf(0xf0) + 2;
		return [text(b.subarray(0, at), { fin: false }),
			frame(0, b.subarray(at))];
	})()],
	['a ping between fragments', [text(LIST.slice(0, 5), { fin: false }),
		frame(9, 'mid'), frame(0, LIST.slice(5))]],
	['a pong nobody asked for', [frame(10, 'x'), text(LIST)]],
	['a ping before', [frame(9, ''), text(LIST)]],
];
for (const [name, frames] of good)
	await test(name, async (open) => {
		const s = await socket(open);
		s.send(Buffer.concat(frames));
		await answers(s);
	});
for (const [name, frames] of good)
	await test(`${name}, byte by byte`, async (open) => {
		const all = Buffer.concat(frames);
		const s = await socket(open);
		const step = all.length > 2000 ? 997 : 1;
		for (let i = 0; i < all.length; i += step)
			s.send(all.subarray(i, i + step));
		await answers(s);
	});

/* What is sent, and the close code that must come back. */
const bad = [
	['reserved bit 1', [text(LIST, { rsv: 4 })], 1002],
	['reserved bit 2', [text(LIST, { rsv: 2 })], 1002],
	['reserved bit 3', [text(LIST, { rsv: 1 })], 1002],
	...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((op) =>
		[`opcode ${op}`, [frame(op, 'x')], 1002]),
	['not masked', [text(LIST, { mask: false })], 1002],
	['an unmasked ping', [frame(9, '', { mask: false })], 1002],
	['binary', [frame(2, 'x')], 1003],
	['an empty binary', [frame(2, '')], 1003],
	['a fragmented binary', [frame(2, 'x', { fin: false })], 1003],
	['nothing to continue', [frame(0, 'x')], 1002],
	['nothing to continue, more to come', [frame(0, 'x', { fin: false })],
		1002],
	['a message inside a message', [text('a', { fin: false }), text('b')],
		1002],
	['a binary inside a message', [text('a', { fin: false }), frame(2, 'b')],
		1002],
	['continuing an ended message', [text(LIST), frame(0, 'x')], 1002],
	['a fragmented ping', [frame(9, 'x', { fin: false })], 1002],
	['a fragmented close', [frame(8, u16(1000), { fin: false })], 1002],
	['a ping of 126 bytes', [frame(9, Buffer.alloc(126))], 1002],
	['a close of 126 bytes', [frame(8, Buffer.alloc(126))], 1002],
	['5 as 16 bits', [text('abcde', { form: 2 })], 1002],
	['125 as 16 bits', [text('a'.repeat(125), { form: 2 })], 1002],
	['5 as 64 bits', [text('abcde', { form: 8 })], 1002],
	['65535 as 64 bits', [text('a'.repeat(65535), { form: 8 })], 1002],
	['2^63 bytes', [text('', { form: 8, claim: 1n << 63n })], 1002],
	['2^64-1 bytes', [text('', { form: 8, claim: (1n << 64n) - 1n })], 1002],
	['2^63-1 bytes', [text('', { form: 8, claim: (1n << 63n) - 1n })], 1009],
	['2^32 bytes', [text('', { form: 8, claim: 1n << 32n })], 1009],
	['65537 bytes', [text('', { form: 8, claim: 65537n })], 1009],
	['65537 bytes in two', [text('a'.repeat(65000), { fin: false }),
		frame(0, 'a'.repeat(537))], 1009],
	['65 fragments', [text('a', { fin: false }),
		...Array(64).fill(frame(0, 'a', { fin: false }))], 1009],
	['65 empty fragments', [text('', { fin: false }),
		...Array(64).fill(frame(0, '', { fin: false }))], 1009],
	...[['c0 80', 'overlong NUL'], ['c1 bf', 'overlong'], ['80', 'a lone tail'],
		['bf', 'another'], ['e0 80 80', 'overlong of 3'],
		['e0 9f bf', 'overlong of 3, its last'],
		['ed a0 80', 'a surrogate'], ['ed bf bf', 'the last surrogate'],
		['f0 80 80 80', 'overlong of 4'], ['f4 90 80 80', 'past U+10FFFF'],
		['f5 80 80 80', 'f5'], ['ff', 'ff'], ['fe', 'fe'],
		['c3', 'a cut character'], ['e2 82', 'a cut character of 3'],
		['f0 9f 98', 'a cut character of 4'], ['61 c3 28', 'a wrong tail']]
		.map(([hex, name]) => [`UTF-8: ${name}`,
			[text(Buffer.from(hex.replace(/ /g, ''), 'hex'))], 1007]),
	['UTF-8: bad in the first of two fragments',
		[text(Buffer.from([0xff]), { fin: false })], 1007],
	['UTF-8: a character cut at the end of the message',
		[text(Buffer.from([0xe2, 0x82]), { fin: false }), frame(0, '')], 1007],
	['a close code of one byte', [frame(8, 'x')], 1002],
	...[0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]
		.map((c) => [`close code ${c}`, [close(c)], 1002]),
	['close text not UTF-8', [frame(8, Buffer.from([3, 232, 0xff]))], 1007],
];
for (const [name, frames, code] of bad)
	await test(name, async (open) => {
		const s = await socket(open);
		s.send(Buffer.concat(frames));
		equal(await s.closed(), code, 'close code');
		await s.end();
	});

/* Closes that are fine come back with their code. */
for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012,
	1013, 1014, 3000, 3999, 4000, 4999])
	await test(`close ${code} is echoed`, async (open) => {
		const s = await socket(open);
		s.send(close(code, 'bye \u{1F44B}'));
		equal(await s.closed(), code, 'close code');
		equal((await s.end()).length, 0, 'bytes behind');
	});

await test('a close without code', async (open) => {
	const s = await socket(open);
	s.send(frame(8, ''));
	equal(await s.closed(), 1005, 'close code');
	await s.end();
});

await test('a close text of 123 bytes', async (open) => {
	const s = await socket(open);
	s.send(close(1000, 'x'.repeat(123)));
	equal(await s.closed(), 1000, 'close code');
});

await test('nothing is heard behind a close', async (open) => {
	const s = await socket(open);
	s.send(Buffer.concat([close(1000), text(LIST)]));
	equal(await s.closed(), 1000, 'close code');
	equal((await s.end()).length, 0, 'bytes behind');
});

for (const payload of ['', 'a', 'x'.repeat(125), '\0\xff'])
	await test(`a ping of ${payload.length} bytes comes back`, async (open) => {
		const s = await socket(open);
		const bytes = Buffer.from(payload, 'latin1');
		s.send(frame(9, bytes));
		const f = await s.frame();
		equal([f.opcode, f.fin, f.masked, f.payload.toString('latin1')],
			[10, 1, 0, payload], 'pong');
	});

await test('of many pings in one packet the last is answered', async (open) => {
	const s = await socket(open);
	s.send(Buffer.concat(Array.from({ length: 2000 }, (_, i) =>
		frame(9, String(i)))));
	let last;
	let count = 0;
	do {
		last = (await s.frame()).payload.toString();
		count++;
	} while (last !== '1999');
	ok(count < 2000, `${count} pongs`);
});

await test('frames behind the handshake in one packet', async (open) => {
	const w = await connect(open);
	w.send(Buffer.concat([Buffer.from(upgradeText()), text(LIST)]));
	equal((await w.answer()).status, 101, 'status');
	await answers(new Socket(w));
});

await test('fifty messages in one packet are answered in order',
	async (open) => {
		const s = await socket(open);
		s.send(Buffer.concat(Array.from({ length: 50 }, (_, i) =>
			text(LIST.replace('1,"m', `${i},"m`)))));
		for (let i = 0; i < 50; i++)
			equal((await s.json()).id, i, 'id');
	});

await test('an empty message is a parse error', async (open) => {
	const s = await socket(open);
	s.send(text(''));
	equal((await s.json()).error.code, -32700, 'code');
	s.send(text(LIST));
	await answers(s, 'behind it');
});

await test('silence is ended after 10 s', async (open) => {
	const s = await socket(open);
	await sleep(6000);
	equal(await s.closed(), 1008, 'close code');
});

await test('a cut connection hurts nobody', async (open) => {
	const one = await socket(open);
	const two = await socket(open);
	one.send(text(LIST).subarray(0, 20));
	await sleep(20);
	one.socket.destroy();
	two.send(text(LIST));
	await answers(two);
});

report();
