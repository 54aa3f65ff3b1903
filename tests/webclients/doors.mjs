// SPDX-License-Identifier: MIT OR Apache-2.0
/** Peers through each client library that runs in Node. */
import { readFileSync } from 'node:fs';
import grpc from '@grpc/grpc-js';
import { createClient } from '@connectrpc/connect';
import {
	Http2SessionManager, createGrpcTransport, createGrpcWebTransport,
} from '@connectrpc/connect-node';
import WebSocket from 'ws';
import { WebRtcSignaling } from './build/pb/webrtc_signaling.mjs';
import { WebRtcSignalingWeb } from './build/pb/webrtc_signaling_web.mjs';
import * as es from './build/es/webrtc_signaling_pb.js';
import * as esWeb from './build/es/webrtc_signaling_web_pb.js';
import { definition } from './definition.mjs';
import { CERTIFICATE, at, named } from './lib.mjs';
import {
	DIALECT_A, DIALECT_B, GrpcPeer, RpcPeer, protobufEs, protobufTs,
} from './peers.mjs';

const Signaling =
	grpc.makeGenericClientConstructor(definition(WebRtcSignaling));
const SignalingWeb =
	grpc.makeGenericClientConstructor(definition(WebRtcSignalingWeb));

export const authority = () => readFileSync(CERTIFICATE);

/** What keeps a connection of its own. @type {(() => void)[]} */
const closers = [];

/** For after(): else Node waits for connections that idle. */
export function closeAll() {
	for (const close of closers.splice(0))
		close();
}

export function grpcJs(address = at.grpc, tls = false, Client = Signaling) {
	const client = new Client(address, tls
		? grpc.credentials.createSsl(authority())
		: grpc.credentials.createInsecure());
	closers.push(() => client.close());
	return client;
}

/** A transport of connect-node, gRPC or gRPC-Web. */
export function connectNode({ address = at.grpc, tls = false, web = false,
	version = '2' } = {}) {
	const make = web ? createGrpcWebTransport : createGrpcTransport;
	const baseUrl = `${tls ? 'https' : 'http'}://${address}`;
	const nodeOptions = tls ? { ca: authority() } : {};
	if (version === '1.1')
		return make({ baseUrl, httpVersion: version, nodeOptions });
	const sessionManager =
		new Http2SessionManager(baseUrl, {}, nodeOptions);
	closers.push(() => sessionManager.abort());
	return make({ baseUrl, httpVersion: '2', sessionManager });
}

/** An iterable that others fill. */
export function feed() {
	const waiting = [];
	let wake = () => {};
	let over = false;
	return {
		put(value) { waiting.push(value); wake(); },
		end() { over = true; wake(); },
		async *[Symbol.asyncIterator]() {
			for (;;) {
				while (waiting.length)
					yield waiting.shift();
				if (over)
					return;
				await new Promise((done) => { wake = done; });
			}
		},
	};
}

/** Reads a stream of responses into the peer. */
async function pour(stream, peer) {
	try {
		for await (const response of stream)
			peer.take(response);
		peer.ended('the stream ended');
	} catch (error) {
		peer.ended(`${error.code} ${error.message}`);
	}
}

function grpcJsPeer(name, address, tls) {
	const client = grpcJs(address, tls);
	const peer = new GrpcPeer(name, protobufTs);
	const stream = client.signal();
	stream.on('data', (m) => peer.take(m));
	stream.on('end', () => peer.ended('the stream ended'));
	stream.on('error', (e) => peer.ended(`${e.code} ${e.details}`));
	stream.on('status', (s) => { peer.status = s; });
	return peer.overStream((m) => stream.write(m), () => stream.end(),
		() => stream.cancel());
}

function grpcJsPair(name, address) {
	const client = grpcJs(address, false, SignalingWeb);
	const peer = new GrpcPeer(name, protobufTs);
	let stream;
	return peer.overPair((message) => {
		stream = client.subscribe(message);
		stream.on('metadata', (m) => {
			[peer.session] = m.get('x-session');
		});
		stream.on('data', (m) => peer.take(m));
		stream.on('error', (e) => peer.ended(`${e.code} ${e.details}`));
	}, (message, session) => new Promise((resolve, reject) => {
		const metadata = new grpc.Metadata();
		metadata.set('x-session', session);
		client.send(message, metadata,
			(error, m) => error ? reject(error) : resolve(m));
	}), () => stream.cancel());
}

function connectPeer(name, options) {
	const client = createClient(es.WebRtcSignaling, connectNode(options));
	const peer = new GrpcPeer(name, protobufEs);
	const requests = feed();
	const abort = new AbortController();
	pour(client.signal(requests, { signal: abort.signal }), peer);
	return peer.overStream((m) => requests.put(m), () => requests.end(),
		() => abort.abort());
}

function connectPair(name, options) {
	const client = createClient(esWeb.WebRtcSignalingWeb,
		connectNode(options));
	const peer = new GrpcPeer(name, protobufEs);
	const abort = new AbortController();
	return peer.overPair((message) => pour(client.subscribe(message, {
		signal: abort.signal,
		onHeader: (h) => { peer.session = h.get('x-session') ?? ''; },
	}), peer), (message, session) =>
		client.send(message, { headers: { 'x-session': session } }),
	() => abort.abort());
}

/** @returns {Promise<WebSocket>} */
export function socket(url, protocols = [], options = {}) {
	return new Promise((resolve, reject) => {
		const s = new WebSocket(url, protocols, options);
		s.onopen = () => resolve(s);
		s.onerror = (e) => reject(e.error ?? new Error(e.message));
	});
}

const rpc = (dialect) => async (name, tls) => new RpcPeer(name, dialect,
	await socket(tls ? `wss://${at.tls}/` : `ws://${at.ws}/any/path`, [],
		tls ? { ca: authority() } : {}));

/** Each door: (name, tls) -> a peer that has not announced itself. */
export const DOORS = {
	'ws dialect A': rpc(DIALECT_A),
	'ws dialect B': rpc(DIALECT_B),
	'grpc-js Signal': (name, tls) =>
		grpcJsPeer(name, tls ? at.tlsGrpc : at.grpc, tls),
	'grpc-js Subscribe and Send': (name) => grpcJsPair(name),
	'connect-node gRPC Signal': (name, tls) => connectPeer(name,
		{ address: tls ? at.tlsGrpc : at.grpc, tls }),
	'connect-node gRPC-Web Signal over h2': (name, tls) => connectPeer(name,
		{ address: tls ? at.tlsGrpc : at.grpc, tls, web: true }),
	'connect-node gRPC-Web Subscribe and Send over HTTP/1.1': (name) =>
		connectPair(name, { address: at.ws, web: true, version: '1.1' }),
};

/** A peer that has announced itself. */
export async function peerBy(door, tls = false, options = {}) {
	const peer = await DOORS[door](named('p'), tls);
	peer.hello = await peer.announce(options);
	return peer;
}
