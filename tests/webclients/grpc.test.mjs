// SPDX-License-Identifier: MIT OR Apache-2.0
/** @grpc/grpc-js and connect-node: what only gRPC has, plain and TLS. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { Code, createClient } from '@connectrpc/connect';
import { Health } from './build/pb/health.mjs';
import { ServerReflection } from './build/pb/reflection_v1.mjs';
import * as es from './build/es/webrtc_signaling_pb.js';
import { definition } from './definition.mjs';
import {
	DOORS, closeAll, connectNode, feed, grpcJs, peerBy,
} from './doors.mjs';
import { CERTIFICATE, SERVER, at, named, sdpOf } from './lib.mjs';
import { Mailbox } from './mailbox.mjs';

after(closeAll);

/** A unary call as a promise: {value, metadata} or the error. */
const unary = (client, method, request = {}, metadata = new grpc.Metadata()) =>
	new Promise((resolve, reject) => client[method](request, metadata,
		(error, value) => error ? reject(error) : resolve(value)));

for (const tls of [false, true]) {
	const how = tls ? 'TLS' : 'plain';
	const skip = tls && !CERTIFICATE;
	const address = tls ? at.tlsGrpc : at.grpc;

	test(`grpc-js ${how}: Signal, GetPeers, HealthCheck`, { skip },
		async () => {
			const a = await peerBy('grpc-js Signal', tls);
			const b = await peerBy('ws dialect A', tls);
			const client = grpcJs(address, tls);
			const { peers, count } = await unary(client, 'getPeers');
			assert.equal(peers.length, count);
			assert.equal(peers[0].peerId, SERVER);
			const found = peers.find((p) => p.peerId === a.name);
			assert.deepEqual([found.capabilities.audio,
				found.capabilities.video, found.state], [true, false, 1]);
			assert.ok(Math.abs(Number(found.connectedAt) -
				Date.now() / 1000) < 100);
			const health = await unary(client, 'healthCheck');
			assert.equal(health.status, 'healthy');
			assert.ok(health.connectedPeers >= 2);
			assert.equal(typeof JSON.parse(health.metrics), 'object');
			await a.offer(b.name, sdpOf('x'));
			await b.inbox.next((e) => e.kind === 'offer');
			await a.close();
			await b.inbox.next((e) => e.kind === 'left');
			assert.equal(a.status?.code ?? 0, 0);
			await b.close();
		});

	test(`connect-node ${how}: Signal and unary`, { skip }, async () => {
		const a = await peerBy('connect-node gRPC Signal', tls);
		const client = createClient(es.WebRtcSignaling,
			connectNode({ address, tls }));
		const { peers } = await client.getPeers({});
		assert.ok(peers.some((p) => p.peerId === a.name));
		assert.equal((await client.healthCheck({})).status, 'healthy');
		await a.close();
	});

	test(`gRPC-Web by connect-node ${how}, HTTP/1.1 and 2`, { skip },
		async () => {
			for (const version of ['1.1', '2']) {
				const client = createClient(es.WebRtcSignaling, connectNode(
					{ address, tls, web: true, version }));
				assert.equal((await client.healthCheck({})).status,
					'healthy');
			}
		});
}

test('reflection lists the services and has their files', async () => {
	const Reflection =
		grpc.makeGenericClientConstructor(definition(ServerReflection));
	const stream = grpcJs(at.grpc, false, Reflection).serverReflectionInfo();
	const answers = new Mailbox();
	stream.on('data', (m) => answers.put(m.messageResponse));
	stream.on('error', (e) => answers.end(e.message));
	const ask = (messageRequest) => {
		stream.write({ host: '', messageRequest });
		return answers.next();
	};
	const list = await ask({ oneofKind: 'listServices', listServices: '' });
	assert.equal(list.oneofKind, 'listServicesResponse');
	const names = list.listServicesResponse.service.map((s) => s.name);
	for (const name of ['remotemedia.v1.webrtc.WebRtcSignaling',
		'remotemedia.v1.webrtc.WebRtcSignalingWeb', 'grpc.health.v1.Health',
		'grpc.reflection.v1.ServerReflection'])
		assert.ok(names.includes(name), `${name} in ${names}`);
	const file = await ask({
		oneofKind: 'fileContainingSymbol',
		fileContainingSymbol: 'remotemedia.v1.webrtc.WebRtcSignaling',
	});
	assert.equal(file.oneofKind, 'fileDescriptorResponse');
	const text = Buffer.from(
		file.fileDescriptorResponse.fileDescriptorProto[0]).toString('latin1');
	assert.ok(text.includes('IceCandidateRequest'));
	const none = await ask({
		oneofKind: 'fileContainingSymbol', fileContainingSymbol: 'no.Such',
	});
	assert.equal(none.errorResponse?.errorCode, 5);
	stream.end();
});

test('the standard health service', async () => {
	const client = grpcJs(at.grpc, false,
		grpc.makeGenericClientConstructor(definition(Health)));
	assert.equal((await unary(client, 'check', { service: '' })).status, 1);
	assert.equal((await unary(client, 'check',
		{ service: 'remotemedia.v1.webrtc.WebRtcSignaling' })).status, 1);
	await assert.rejects(unary(client, 'check', { service: 'no.Such' }),
		(e) => e.code === 5);
});

test('an unknown method is UNIMPLEMENTED', async () => {
	const Wrong = grpc.makeGenericClientConstructor({
		nothing: {
			path: '/remotemedia.v1.webrtc.WebRtcSignaling/Nothing',
			requestStream: false, responseStream: false,
			requestSerialize: () => Buffer.alloc(0),
			responseDeserialize: (b) => b,
		},
	});
	await assert.rejects(unary(grpcJs(at.grpc, false, Wrong), 'nothing'),
		(e) => e.code === 12);
});

test('the answer comes before the ack of an offer to the server', async () => {
	// Without a browser there is no real call: that the SDP is refused comes
	// as ErrorResponse, in the offer's place, and the stream goes on.
	const peer = await peerBy('grpc-js Signal');
	await assert.rejects(peer.offer(SERVER, sdpOf('no keys')),
		(e) => e.code === 3 && e.reason.length > 3);
	assert.ok((await peer.list()).includes(SERVER));
	await peer.close();
});

test('requests before announce are refused, then announce works', async () => {
	const peer = DOORS['grpc-js Signal'](named('early'));
	await assert.rejects(peer.offer(SERVER, sdpOf('x')), (e) => e.code === 9);
	await peer.announce();
	await peer.close();
	await assert.rejects(peer.answers.next(), /the stream ended/);
});

test('a cancelled stream is a farewell',
	async () => {
		const watcher = await peerBy('ws dialect A');
		const peer = await peerBy('grpc-js Signal');
		await watcher.inbox.next((e) => e.from === peer.name);
		peer.abort();
		await watcher.inbox.next((e) => e.kind === 'left' &&
			e.from === peer.name);
		await watcher.close();
	});

test('deadline and cancellation reach an idle stream', async () => {
	const client = createClient(es.WebRtcSignaling, connectNode());
	const requests = feed();
	const stream = client.signal(requests, { timeoutMs: 400 });
	await assert.rejects(async () => {
		for await (const response of stream)
			assert.fail(`something came: ${response}`);
	}, (e) => e.code === Code.DeadlineExceeded);
	requests.end();
});
