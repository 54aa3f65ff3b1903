// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * A server of our own with a certificate and a key for tokens: the page over
 * https and HTTP/2, calls over wss, sessions, and what a token is refused
 * for.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Rig, sleep } from './rig.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
const PORT = 18092;
const SECRET = 'a secret of the tests that is long enough';
const SERVER = 'remotemedia-server';
const URL_WSS = `wss://localhost:${PORT}`;

let dir;
let server;
let rig;

before(async () => {
	dir = mkdtempSync('/tmp/rm-secure-');
	execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt',
		'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj',
		'/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
		'-keyout', `${dir}/key.pem`, '-out', `${dir}/cert.pem`],
	{ stdio: 'ignore' });
	server = spawn(join(ROOT, 'scripts/webrtc_server'), [], {
		stdio: 'ignore',
		env: {
			...process.env, WEBRTC_RUN_DIR: `${dir}/run`,
			WEBRTC_SIGNALING_URL: `wss://0.0.0.0:${PORT}`,
			WEBRTC_TLS_CERT: `${dir}/cert.pem`,
			WEBRTC_TLS_KEY: `${dir}/key.pem`, WEBRTC_AUTH_SECRET: SECRET,
			WEBRTC_UDP_PORTS: '30000-32767', WEBRTC_MAX_PER_SOURCE: '1000',
			WEBRTC_WEB_DIR: join(ROOT, 'web'),
			WEBRTC_TURN_SERVERS: 'turn:127.0.0.1:18093',
			WEBRTC_TURN_SECRET: 'shared with the TURN server',
		},
	});
	for (let i = 0; i < 200 && !existsSync(`${dir}/run/ready`); i++)
		await sleep(50);
	assert.ok(existsSync(`${dir}/run/ready`), 'the server did not start');
	rig = await Rig.start({
		url: URL_WSS, flags: ['--ignore-certificate-errors'],
	});
});

after(async () => {
	await rig?.close();
	const gone = new Promise((done) => { server.once('exit', done); });
	server.kill('SIGTERM');
	await gone;
	rmSync(dir, { recursive: true, force: true });
});

const part = (value) =>
	Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token of the tests; `claims` over the usual ones. */
function token(claims = {}, secret = SECRET) {
	const now = Math.floor(Date.now() / 1000);
	const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({
		iss: 'tests', aud: 'remotemedia', sub: `u${process.pid}`,
		nbf: now - 5, exp: now + 600, ...claims,
	})}`;
	const mac = createHmac('sha256', secret).update(text).digest('base64url');
	return `${text}.${mac}`;
}

async function refusal(options) {
	const client = await rig.client(options, false);
	const { error } = await client.run('connect');
	const { signaling } = await client.run('state');
	await client.close();
	assert.equal(signaling, 'closed');
	return error;
}

const heard = (client, hz) => client.until((s) => s !== null &&
	Math.abs(s.hz - hz) < hz * 0.01 && s.purity > 0.9, 'sound');

test('a call over wss with a token', async () => {
	const client = await rig.client({ token: token() });
	await client.run('call', SERVER, 430);
	await heard(client, 430);
	await client.run('send', SERVER, 'json', { secure: true });
	await client.until((l) => l.some((m) => m.json?.secure), 'messages');
	await client.close();
});

test('refused tokens have code -32020 and a reason', async () => {
	const past = Math.floor(Date.now() / 1000) - 1000;
	const bad = {
		none: {}, garbage: { token: 'x.y.z' },
		'another key': { token: token({}, `${SECRET}!`) },
		expired: { token: token({ nbf: past - 600, exp: past }) },
	};
	for (const [what, options] of Object.entries(bad)) {
		const error = await refusal(options);
		assert.equal(error?.code, -32020, `${what}: ${error?.message}`);
		assert.ok(error.reason.length > 3, `${what}: no reason`);
	}
});

test('a token for one peer id is for no other: -32023', async () => {
	const named = token({ peer_id: 'only-me' });
	const error = await refusal({ token: named, peerId: 'somebody' });
	assert.equal(error.code, -32023);
	const client = await rig.client({ token: named, peerId: 'only-me' });
	assert.equal((await client.run('state')).peerId, 'only-me');
	await client.close();
});

test('the session: asked for, or that of the token', async () => {
	const asked = await rig.client({ token: token(), session: 'room 1' });
	assert.equal((await asked.run('state')).session, 'room 1');
	const given = await rig.client({ token: token({ session: 'room 2' }) });
	assert.equal((await given.run('state')).session, 'room 2');
	const error = await refusal(
		{ token: token({ session: 'room 2' }), session: 'room 3' });
	assert.equal(error.code, -32023);
	await asked.close();
	await given.close();
});

test('ICE servers of the announce result are used', async () => {
	const client = await rig.client({
		token: token(), iceServers: [{ urls: 'stun:127.0.0.1:18094' }],
	});
	await client.run('call', SERVER, 520);
	const { servers } = await client.run('state');
	assert.deepEqual(servers.flat().sort(),
		['stun:127.0.0.1:18094', 'turn:127.0.0.1:18093']);
	await heard(client, 520);
	await client.close();
});

test('two peers of one session are in two calls, each hears itself',
	async () => {
		const session = `shared ${process.pid}`;
		const one = await rig.client({ token: token(), session });
		const two = await rig.client({ token: token(), session });
		await one.run('call', SERVER, 390);
		await two.run('call', SERVER, 710);
		await heard(one, 390);
		await heard(two, 710);
		await one.close();
		await two.run('forget');
		await heard(two, 710);
		await two.close();
	});

test('the page comes over HTTP/2 and its parts are all there', async () => {
	const page = await rig.page(`https://localhost:${PORT}/?source=test`,
		{ ignoreHTTPSErrors: true });
	const seen = await page.evaluate(() => [
		...performance.getEntriesByType('navigation'),
		...performance.getEntriesByType('resource'),
	].map((e) => [e.name, e.nextHopProtocol]));
	assert.ok(seen.length > 5, JSON.stringify(seen));
	for (const [name, protocol] of seen)
		assert.equal(protocol, 'h2', name);
	assert.equal(await page.inputValue('#url'), `wss://localhost:${PORT}/`);
	// Without a token it is told so in words.
	await page.click('#connect');
	await page.waitForSelector('#banner:visible');
	assert.match(await page.textContent('#banner'), /-32020/);
	await page.context().close();
});

test('the page takes a token after the # and a session', async () => {
	const page = await rig.page(
		`https://localhost:${PORT}/?source=test&session=a#token=${token()}`,
		{ ignoreHTTPSErrors: true });
	await page.click('#connect');
	await page.waitForSelector('#status[data-phase=connected]')
		.catch(async (e) => {
			e.message += `\n${await page.textContent('#banner')}; ` +
				await page.textContent('#steps');
			throw e;
		});
	await page.waitForFunction(() =>
		document.querySelector('#returned').videoWidth > 0);
	await page.context().close();
});
