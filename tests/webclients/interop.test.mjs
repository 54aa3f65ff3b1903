// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * The 14 interoperability cases of gRPC against the interop service of the
 * test binary (tests/grpc/interop), by grpc-js and by connect-node. Messages
 * may have 512 KiB there, so the large payloads are those of the cases.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { createClient } from '@connectrpc/connect';
import { TestService, UnimplementedService } from './build/pb/interop.mjs';
import * as es from './build/es/interop_pb.js';
import { definition } from './definition.mjs';
import { closeAll, connectNode, feed, grpcJs } from './doors.mjs';
import { at } from './lib.mjs';
import { Mailbox } from './mailbox.mjs';

after(closeAll);

const LARGE_REQUEST = 271828;
const LARGE_RESPONSE = 314159;
const REQUEST_SIZES = [27182, 8, 1828, 45904];
const RESPONSE_SIZES = [31415, 9, 2653, 58979];
const SPECIAL = '\t\ntest with whitespace\r\nand Unicode BMP \u263a and ' +
	'non-BMP \ud83d\ude08\t\n';

const zeros = (n) => ({ type: 0, body: new Uint8Array(n) });

/** `one` as protobuf-ts wants it, with every field. */
const output = (sizes, n) => ({
	responseType: 0, payload: zeros(n),
	responseParameters: sizes.map((size) => ({ size, intervalUs: 0 })),
});

/**
 * The two libraries as one: unary(method, request, options) and
 * stream(method, options) with put, end, cancel, and `got`, a mailbox of
 * messages that ends with {code, details}. options: metadata, deadlineMs.
 */
class GrpcJs {
	constructor() {
		this.test = grpcJs(at.interop, false,
			grpc.makeGenericClientConstructor(definition(TestService)));
		this.other = grpcJs(at.interop, false,
			grpc.makeGenericClientConstructor(
				definition(UnimplementedService)));
	}

	unary(method, request, { metadata = {}, client = this.test } = {}) {
		return new Promise((resolve, reject) => {
			const seen = {};
			const call = client[method](request, meta(metadata),
				(error, value) => {
					seen.error = error;
					seen.value = value;
				});
			call.on('metadata', (m) => { seen.headers = m.getMap(); });
			call.on('status', (s) => {
				seen.trailers = s.metadata.getMap();
				if (s.code)
					reject(Object.assign(new Error(s.details), s));
				else
					setImmediate(() => resolve(seen));
			});
		});
	}

	stream(method, { metadata = {}, deadlineMs, first } = {}) {
		const options = deadlineMs
			? { deadline: Date.now() + deadlineMs } : {};
		const got = new Mailbox();
		const call = first
			? this.test[method](first, meta(metadata), options)
			: method === 'streamingInputCall'
				? this.test[method](meta(metadata), options, (error, value) => {
					if (value)
						got.put(value);
				})
				: this.test[method](meta(metadata), options);
		const end = { headers: {}, done: null };
		end.done = new Promise((resolve) => {
			call.on('status', (s) => setImmediate(() => resolve({
				code: s.code, details: s.details,
				trailers: s.metadata.getMap(),
			})));
		});
		call.on('metadata', (m) => { end.headers = m.getMap(); });
		call.on('data', (m) => got.put(m));
		call.on('error', () => {});
		return {
			got, put: (m) => call.write(m), end: () => call.end(),
			cancel: () => call.cancel(), status: () => end.done,
			headers: () => end.headers,
		};
	}
}

function meta(values) {
	const m = new grpc.Metadata();
	for (const [key, value] of Object.entries(values))
		m.set(key, value);
	return m;
}

class ConnectNode {
	constructor(options = {}) {
		const transport = connectNode({ address: at.interop, ...options });
		this.test = createClient(es.TestService, transport);
		this.other = createClient(es.UnimplementedService, transport);
	}

	async unary(method, request, { metadata = {}, client = this.test } = {}) {
		const seen = {};
		seen.value = await client[method](request, {
			headers: headersOf(metadata),
			onHeader: (h) => { seen.headers = plain(h); },
			onTrailer: (t) => { seen.trailers = plain(t); },
		}).catch(renamed);
		return seen;
	}

	stream(method, { metadata = {}, deadlineMs, first } = {}) {
		const requests = feed();
		const got = new Mailbox();
		const abort = new AbortController();
		let headers = {};
		let trailers = {};
		const options = {
			headers: headersOf(metadata), timeoutMs: deadlineMs,
			signal: abort.signal,
			onHeader: (h) => { headers = plain(h); },
			onTrailer: (t) => { trailers = plain(t); },
		};
		const run = async () => {
			try {
				const answer = this.test[method](first ?? requests, options);
				if (method === 'streamingInputCall') {
					got.put(await answer);
				} else {
					for await (const m of answer)
						got.put(m);
				}
				return { code: 0, details: '', trailers };
			} catch (error) {
				return { code: error.code, details: error.rawMessage };
			}
		};
		const done = run();
		return {
			got, put: (m) => requests.put(m), end: () => requests.end(),
			cancel: () => abort.abort(), status: () => done,
			headers: () => headers,
		};
	}
}

function renamed(error) {
	throw Object.assign(new Error(error.rawMessage),
		{ code: error.code, details: error.rawMessage });
}

const headersOf = (values) => Object.fromEntries(
	Object.entries(values).map(([key, value]) => [key, key.endsWith('-bin')
		? Buffer.from(value).toString('base64') : value]));

/** Headers as grpc-js gives them: bytes where the name ends in -bin. */
const plain = (headers) => Object.fromEntries([...headers].map(([k, v]) =>
	[k, k.endsWith('-bin') ? Buffer.from(v, 'base64') : v]));

const INITIAL = 'x-grpc-test-echo-initial';
const TRAILING = 'x-grpc-test-echo-trailing-bin';
const METADATA = {
	[INITIAL]: 'test_initial_metadata_value',
	[TRAILING]: Buffer.from([0xab, 0xab, 0xab]),
};

/** name -> what the case's description says. @type {Record<string, any>} */
const CASES = {
	async empty_unary(c) {
		assert.ok((await c.unary('emptyCall', {})).value);
	},
	async large_unary(c) {
		const { value } = await c.unary('unaryCall', {
			responseType: 0, responseSize: LARGE_RESPONSE,
			payload: zeros(LARGE_REQUEST),
		});
		assert.equal(value.payload.body.length, LARGE_RESPONSE);
		assert.ok(value.payload.body.every((b) => b === 0));
	},
	async client_streaming(c) {
		const s = c.stream('streamingInputCall');
		for (const n of REQUEST_SIZES)
			s.put({ payload: zeros(n) });
		s.end();
		assert.equal((await s.got.next()).aggregatedPayloadSize, 74922);
		assert.equal((await s.status()).code, 0);
	},
	async server_streaming(c) {
		const s = c.stream('streamingOutputCall',
			{ first: output(RESPONSE_SIZES, 0) });
		assert.equal((await s.status()).code, 0);
		assert.deepEqual(s.got.items.map((m) => m.payload.body.length),
			RESPONSE_SIZES);
	},
	async ping_pong(c) {
		const s = c.stream('fullDuplexCall');
		for (const [i, n] of REQUEST_SIZES.entries()) {
			s.put(output([RESPONSE_SIZES[i]], n));
			assert.equal((await s.got.next()).payload.body.length,
				RESPONSE_SIZES[i]);
		}
		s.end();
		assert.equal((await s.status()).code, 0);
		assert.deepEqual(s.got.items, []);
	},
	async empty_stream(c) {
		const s = c.stream('fullDuplexCall');
		s.end();
		assert.equal((await s.status()).code, 0);
		assert.deepEqual(s.got.items, []);
	},
	async custom_metadata(c) {
		const seen = await c.unary('unaryCall', {
			responseType: 0, responseSize: LARGE_RESPONSE,
			payload: zeros(LARGE_REQUEST),
		}, { metadata: METADATA });
		assert.equal(seen.headers[INITIAL], METADATA[INITIAL]);
		assert.deepEqual([...seen.trailers[TRAILING]], [0xab, 0xab, 0xab]);
		const s = c.stream('fullDuplexCall', { metadata: METADATA });
		s.put(output([LARGE_RESPONSE], LARGE_REQUEST));
		await s.got.next();
		s.end();
		const status = await s.status();
		assert.equal(status.code, 0);
		assert.equal(s.headers()[INITIAL], METADATA[INITIAL]);
		assert.deepEqual([...status.trailers[TRAILING]], [0xab, 0xab, 0xab]);
	},
	async status_code_and_message(c) {
		const responseStatus = { code: 2, message: 'test status message' };
		await assert.rejects(c.unary('unaryCall',
			{ responseType: 0, responseSize: 0, responseStatus }),
		(e) => e.code === 2 && e.details === 'test status message');
		const s = c.stream('fullDuplexCall');
		s.put({ ...output([], 0), responseStatus });
		s.end();
		const status = await s.status();
		assert.deepEqual([status.code, status.details],
			[2, 'test status message']);
	},
	async special_status_message(c) {
		await assert.rejects(c.unary('unaryCall', {
			responseType: 0, responseSize: 0,
			responseStatus: { code: 2, message: SPECIAL },
		}), (e) => e.code === 2 && e.details === SPECIAL);
	},
	async unimplemented_method(c) {
		await assert.rejects(c.unary('unimplementedCall', {}),
			(e) => e.code === 12);
	},
	async unimplemented_service(c) {
		await assert.rejects(c.unary('unimplementedCall', {},
			{ client: c.other }), (e) => e.code === 12);
	},
	async cancel_after_begin(c) {
		const s = c.stream('streamingInputCall');
		s.cancel();
		assert.equal((await s.status()).code, 1);
		assert.deepEqual(s.got.items, []);
	},
	async cancel_after_first_response(c) {
		const s = c.stream('fullDuplexCall');
		s.put(output([31415], 27182));
		assert.equal((await s.got.next()).payload.body.length, 31415);
		s.cancel();
		assert.equal((await s.status()).code, 1);
	},
	async timeout_on_sleeping_server(c) {
		const s = c.stream('fullDuplexCall', { deadlineMs: 1 });
		s.put(output([], 27182));
		assert.equal((await s.status()).code, 4);
	},
};

const CLIENTS = {
	'grpc-js': () => new GrpcJs(),
	'connect-node': () => new ConnectNode(),
	'connect-node, gRPC-Web over h2': () => new ConnectNode({ web: true }),
};

assert.equal(Object.keys(CASES).length, 14);
for (const [client, make] of Object.entries(CLIENTS)) {
	for (const [name, run] of Object.entries(CASES))
		test(`${client}: ${name}`, () => run(make()));
}
