// SPDX-License-Identifier: MIT OR Apache-2.0
/** HTTP/1.1 on the signaling port: pages, health, refusals, upgrades. */
import { connect, equal, KEY, ok, report, target, test, upgradeText } from
	'./lib.mjs';

const { host, port, secure } = target();
const HOST = `Host: ${host}:${port}\r\n`;

/* What is sent, and the status that must come back. */
const statuses = [
	['a page', `GET / HTTP/1.1\r\n${HOST}\r\n`, 200],
	['its own name', `GET /index.html HTTP/1.1\r\n${HOST}\r\n`, 200],
	['a query', `GET /?a=b HTTP/1.1\r\n${HOST}\r\n`, 200],
	['HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', 200],
	['absolute form', `GET http://x/index.html HTTP/1.1\r\n${HOST}\r\n`, 200],
	['%-form', `GET /%69ndex.html HTTP/1.1\r\n${HOST}\r\n`, 200],
	['a blank line before', `\r\nGET / HTTP/1.1\r\n${HOST}\r\n`, 200],
	['no such page', `GET /nope HTTP/1.1\r\n${HOST}\r\n`, 404],
	['dots', `GET /../etc/passwd HTTP/1.1\r\n${HOST}\r\n`, 404],
	['%-dots', `GET /%2e%2e/etc/passwd HTTP/1.1\r\n${HOST}\r\n`, 404],
	['%-NUL', `GET /%00 HTTP/1.1\r\n${HOST}\r\n`, 404],
	['cut %-form', `GET /%4 HTTP/1.1\r\n${HOST}\r\n`, 404],
	['a hidden file', `GET /.git/config HTTP/1.1\r\n${HOST}\r\n`, 404],
	['POST', `POST / HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`, 405],
	['POST with a body',
		`POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`, 405],
	['DELETE', `DELETE / HTTP/1.1\r\n${HOST}\r\n`, 405],
	['lower-case method', `get / HTTP/1.1\r\n${HOST}\r\n`, 405],
	['a large body',
		`POST / HTTP/1.1\r\n${HOST}Content-Length: 99999999\r\n\r\n`, 413],
	['a chunked body', `POST / HTTP/1.1\r\n${HOST}` +
		'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n', 405],
	['OPTIONS', `OPTIONS / HTTP/1.1\r\n${HOST}\r\n`, 204],
	['OPTIONS of all', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, 204],
	['an expectation of ours', `GET / HTTP/1.1\r\n${HOST}` +
		'Expect: 100-continue\r\n\r\n', 200],
	['another expectation', `GET / HTTP/1.1\r\n${HOST}` +
		'Expect: 200-ok\r\n\r\n', 417],
	['another coding',
		`POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip\r\n\r\n`, 501],
	['HTTP/2.0', `GET / HTTP/2.0\r\n${HOST}\r\n`, 505],
	['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
	['two Hosts', `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`, 400],
	['a Host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
	['two lengths', `GET / HTTP/1.1\r\n${HOST}Content-Length: 1\r\n` +
		'Content-Length: 1\r\n\r\n', 400],
	['length and coding', `GET / HTTP/1.1\r\n${HOST}Content-Length: 1\r\n` +
		'Transfer-Encoding: chunked\r\n\r\n', 400],
	['a signed length',
		`GET / HTTP/1.1\r\n${HOST}Content-Length: +1\r\n\r\n`, 400],
	['a list of lengths',
		`GET / HTTP/1.1\r\n${HOST}Content-Length: 1, 1\r\n\r\n`, 400],
	['an empty length',
		`GET / HTTP/1.1\r\n${HOST}Content-Length:\r\n\r\n`, 400],
	['space before the colon', `GET / HTTP/1.1\r\nHost : a\r\n\r\n`, 400],
	['a folded line', `GET / HTTP/1.1\r\n${HOST}A: b\r\n c\r\n\r\n`, 400],
	['no colon', `GET / HTTP/1.1\r\n${HOST}A\r\n\r\n`, 400],
	['an empty name', `GET / HTTP/1.1\r\n${HOST}: a\r\n\r\n`, 400],
	['NUL in a value', `GET / HTTP/1.1\r\n${HOST}A: b\0c\r\n\r\n`, 400],
	['a bare LF', `GET / HTTP/1.1\n${HOST}\r\n`, 400],
	['a bare CR', `GET / HTTP/1.1\r\n${HOST}A: b\rc\r\n\r\n`, 400],
	['no target', `GET HTTP/1.1\r\n${HOST}\r\n`, 400],
	['two spaces', `GET  / HTTP/1.1\r\n${HOST}\r\n`, 400],
	['a fragment', `GET /#a HTTP/1.1\r\n${HOST}\r\n`, 400],
	['a star for GET', `GET * HTTP/1.1\r\n${HOST}\r\n`, 400],
	['CONNECT', `CONNECT a:80 HTTP/1.1\r\n${HOST}\r\n`, 400],
	['bytes that are no HTTP', 'hello\r\n\r\n', 400],
	['a TLS hello', Buffer.from([0x16, 3, 1, 2, 0, 1, 0]), 400],
	['65 headers', `GET / HTTP/1.1\r\n${HOST}` +
		'A: b\r\n'.repeat(64) + '\r\n', 431],
	['64 headers', `GET / HTTP/1.1\r\n${HOST}` +
		'A: b\r\n'.repeat(63) + '\r\n', 200],
	['a head over 8 KiB',
		`GET / HTTP/1.1\r\n${HOST}A: ${'x'.repeat(8200)}\r\n\r\n`, 431],
	['an endless target', `GET /${'x'.repeat(9000)}`, 431],
];

for (const [name, bytes, status] of statuses)
	await test(name, async (open) => {
		const w = await connect(open);
		w.send(bytes);
		equal((await w.answer()).status, status, 'status');
		if (status === 400 || status === 431 || status >= 500)
			equal((await w.end()).length, 0, 'bytes behind the answer');
	});

await test('health says what it is', async (open) => {
	const w = await connect(open);
	w.send(`GET /healthz HTTP/1.1\r\n${HOST}\r\n`);
	const a = await w.answer();
	const h = JSON.parse(a.body.toString());
	equal(a.status, 200, 'status');
	equal(a.headers['content-type'], 'application/json', 'type');
	equal(Object.keys(h), ['status', 'peers', 'uptime_s', 'broker', 'media']);
	equal([h.status, h.broker], ['ok', 'up']);
});

await test('HEAD has the head of GET and no body', async (open) => {
	const w = await connect(open);
	w.send(`GET / HTTP/1.1\r\n${HOST}\r\n`);
	const get = await w.answer();
	w.send(`HEAD / HTTP/1.1\r\n${HOST}\r\n`);
	const head = await w.answer(true);
	equal(head.headers, get.headers, 'headers');
	ok(get.body.length > 0, 'the page is not empty');
	w.send(`GET /healthz HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
	equal((await w.answer()).status, 200, 'status behind HEAD');
});

await test('a page that is known is not sent again', async (open) => {
	const w = await connect(open);
	w.send(`GET / HTTP/1.1\r\n${HOST}\r\n`);
	const { etag } = (await w.answer()).headers;
	w.send(`GET / HTTP/1.1\r\n${HOST}If-None-Match: ${etag}\r\n\r\n`);
	const same = await w.answer();
	equal([same.status, same.body.length], [304, 0]);
	w.send(`GET / HTTP/1.1\r\n${HOST}If-None-Match: "x", ${etag}\r\n\r\n`);
	equal((await w.answer()).status, 304, 'in a list');
	w.send(`GET / HTTP/1.1\r\n${HOST}If-None-Match: "x"\r\n\r\n`);
	equal((await w.answer()).status, 200, 'another tag');
});

await test('requests in one packet are answered in order', async (open) => {
	const w = await connect(open);
	w.send([`GET /healthz`, `GET /nope`, `GET /`, `HEAD /nope`, `GET /healthz`]
		.map((l) => `${l} HTTP/1.1\r\n${HOST}\r\n`).join(''));
	const got = [];
	for (const head of [false, false, false, true, false])
		got.push((await w.answer(head)).status);
	equal(got, [200, 404, 200, 404, 200], 'statuses');
});

await test('forty requests in one packet', async (open) => {
	const w = await connect(open);
	w.send(`GET / HTTP/1.1\r\n${HOST}\r\n`.repeat(40));
	for (let i = 0; i < 40; i++)
		equal((await w.answer()).status, 200, `status ${i}`);
});

await test('a head byte by byte', async (open) => {
	const w = await connect(open);
	for (const c of `GET /healthz HTTP/1.1\r\n${HOST}\r\n`)
		w.send(c);
	equal((await w.answer()).status, 200, 'status');
});

await test('a body is not taken for a request', async (open) => {
	const w = await connect(open);
	w.send(`POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nGET /` +
		`GET /healthz HTTP/1.1\r\n${HOST}\r\n`);
	equal((await w.answer()).status, 405, 'the POST');
	equal((await w.answer()).status, 200, 'behind it');
});

/* Chunks behind an answer that is out already: read, dropped, and broken
 * ones end the connection without a word in the middle of nowhere. */
const chunked = [
	['sizes', '1\r\na\r\nA\r\n0123456789\r\n0\r\n\r\n', true],
	['an extension', '1;x="y"\r\na\r\n0\r\n\r\n', true],
	['trailers', '0\r\nA: b\r\nC: d\r\n\r\n', true],
	['no size', '\r\na\r\n0\r\n\r\n', false],
	['a sign', '+1\r\na\r\n0\r\n\r\n', false],
	['a size of 2^64', '10000000000000000\r\na\r\n', false],
	['a bare LF', '1\na\r\n0\r\n\r\n', false],
	['more than the size', '1\r\nab\r\n0\r\n\r\n', false],
	['a trailer without a name', '0\r\n: b\r\n\r\n', false],
	['an endless extension', `1;${'x'.repeat(5000)}`, false],
	['an endless trailer', `0\r\nA: ${'x'.repeat(5000)}`, false],
];

for (const [name, bytes, good] of chunked)
	await test(`a chunked body: ${name}`, async (open) => {
		const w = await connect(open);
		w.send(`POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n` +
			`${bytes}${good ? `GET / HTTP/1.1\r\n${HOST}\r\n` : ''}`);
		equal((await w.answer()).status, 405, 'status');
		if (good)
			equal((await w.answer()).status, 200, 'behind it');
		else
			equal((await w.end()).length, 0, 'bytes behind the answer');
	});

await test('chunks byte by byte', async (open) => {
	const w = await connect(open);
	for (const c of `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked` +
		`\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n${HOST}\r\n`)
		w.send(c);
	equal((await w.answer()).status, 405, 'status');
	equal((await w.answer()).status, 200, 'behind it');
});

await test('Connection: close closes', async (open) => {
	const w = await connect(open);
	w.send(`GET /healthz HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
	const a = await w.answer();
	equal([a.status, a.headers.connection], [200, 'close']);
	equal((await w.end()).length, 0, 'bytes behind');
});

await test('HTTP/1.0 closes', async (open) => {
	const w = await connect(open);
	w.send('GET /healthz HTTP/1.0\r\n\r\n');
	equal((await w.answer()).headers.connection, 'close');
	await w.end();
});

await test('a slow head ends after 5 s', async (open) => {
	const w = await connect(open);
	w.send('GET / HTTP/1.1\r\n');
	equal((await w.answer()).status, 408, 'status');
	await w.end();
});

await test('types and caching', async (open) => {
	const w = await connect(open);
	w.send(`GET / HTTP/1.1\r\n${HOST}\r\n`);
	const { headers } = await w.answer();
	equal([headers['content-type'], headers['cache-control'],
		headers['x-content-type-options']],
	['text/html; charset=utf-8', 'no-cache', 'nosniff']);
});

/* Upgrades: changed headers, and the status that must come back. */
const upgrades = [
	['as it should be', upgradeText(), 101],
	['any path', upgradeText('', '/any/where?x=1'), 101],
	['lower-case values', upgradeText().replace('Upgrade: websocket',
		'upgrade: WebSocket').replace('Connection: Upgrade',
		'connection: keep-alive, upgrade'), 101],
	['same host', upgradeText(`Origin: http://${host}:${port}\r\n`), 101],
	['a loopback page', upgradeText('Origin: http://localhost:3000\r\n'), 101],
	['a loopback page by number',
		upgradeText('Origin: https://127.0.0.1\r\n'), 101],
	['a loopback page by IPv6', upgradeText('Origin: http://[::1]:9\r\n'), 101],
	['a strange page', upgradeText('Origin: http://evil.example\r\n'), 403],
	['a page that looks like loopback',
		upgradeText('Origin: http://127.0.0.1.evil.example\r\n'), 403],
	['a page of localhost.evil',
		upgradeText('Origin: http://localhost.evil.example\r\n'), 403],
	['no page', upgradeText('Origin: null\r\n'), 403],
	['two origins', upgradeText('Origin: http://localhost\r\n' +
		'Origin: http://localhost\r\n'), 403],
	['another version', upgradeText().replace('Version: 13', 'Version: 8'), 426],
	['no version', upgradeText().replace('Sec-WebSocket-Version: 13\r\n', ''),
		426],
	['no key', upgradeText().replace(`Sec-WebSocket-Key: ${KEY}\r\n`, ''), 400],
	['a short key', upgradeText().replace(KEY, 'abc='), 400],
	['a key of the right length, no base64',
		upgradeText().replace(KEY, 'dGhlIHNhbXBsZSBub25jZ!=='), 400],
	['two keys', upgradeText(`Sec-WebSocket-Key: ${KEY}\r\n`), 400],
	['no Connection', upgradeText().replace('Connection: Upgrade\r\n', ''),
		400],
	['a POST', upgradeText().replace('GET', 'POST'), 405],
	['HTTP/1.0', upgradeText().replace('HTTP/1.1', 'HTTP/1.0'), 400],
	['a body', upgradeText('Content-Length: 4\r\n'), 400],
];

for (const [name, bytes, status] of upgrades)
	await test(`upgrade: ${name}`, async (open) => {
		const w = await connect(open);
		w.send(bytes);
		const a = await w.answer();
		equal(a.status, status, 'status');
		if (status === 426)
			equal(a.headers['sec-websocket-version'], '13', 'version');
		if (status !== 101)
			await w.end();
		else
			equal(a.headers['sec-websocket-extensions'], undefined,
				'extensions');
	});

report();
