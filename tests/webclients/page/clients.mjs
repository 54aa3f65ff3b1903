// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * The browser libraries in a page, driven from Node through `window.rig`:
 * connect-web, protobuf-ts, nice-grpc-web (fetch and WebSocket), plain
 * WebSocket. Bundled by build.mjs; everything returned is plain data.
 */
import { createClient } from '@connectrpc/connect';
import { createGrpcWebTransport } from '@connectrpc/connect-web';
import { GrpcWebFetchTransport } from '@protobuf-ts/grpcweb-transport';
import {
	FetchTransport, Metadata, WebsocketTransport, createChannel,
	createClient as createNice,
} from 'nice-grpc-web';
import * as es from '../build/es/webrtc_signaling_pb.js';
import * as esWeb from '../build/es/webrtc_signaling_web_pb.js';
import { WebRtcSignaling } from '../build/ts/webrtc_signaling.ts';
import {
	WebRtcSignalingClient,
} from '../build/ts/webrtc_signaling.client.ts';
import { WebRtcSignalingWeb } from '../build/ts/webrtc_signaling_web.ts';
import {
	WebRtcSignalingWebClient,
} from '../build/ts/webrtc_signaling_web.client.ts';
import { definition } from '../definition.mjs';
import {
	DIALECT_A, DIALECT_B, GrpcPeer, RpcPeer, protobufEs, protobufTs,
} from '../peers.mjs';

let base = location.origin;
/** @type {Map<string, GrpcPeer | RpcPeer>} */
const peers = new Map();

async function pour(stream, peer) {
	try {
		for await (const response of stream)
			peer.take(response);
		peer.ended('the stream ended');
	} catch (error) {
		peer.ended(`${error.code} ${error.message}`);
	}
}

function connectPair(name) {
	const client = createClient(esWeb.WebRtcSignalingWeb,
		createGrpcWebTransport({ baseUrl: base }));
	const peer = new GrpcPeer(name, protobufEs);
	const abort = new AbortController();
	return peer.overPair((message) => pour(client.subscribe(message, {
		signal: abort.signal,
		onHeader: (h) => { peer.session = h.get('x-session') ?? ''; },
	}), peer), (message, session) =>
		client.send(message, { headers: { 'x-session': session } }),
	() => abort.abort());
}

function protobufPair(name, format) {
	const client = new WebRtcSignalingWebClient(
		new GrpcWebFetchTransport({ baseUrl: base, format }));
	const peer = new GrpcPeer(name, protobufTs);
	const abort = new AbortController();
	return peer.overPair((message) => {
		const call = client.subscribe(message, { abort: abort.signal });
		call.headers.then((h) => { peer.session = String(h['x-session']); },
			() => {});
		pour(call.responses, peer);
	}, (message, session) => client.send(message,
		{ meta: { 'x-session': session } }).response,
	() => abort.abort());
}

function nicePair(name) {
	const client = createNice(definition(WebRtcSignalingWeb),
		createChannel(base, FetchTransport()));
	const peer = new GrpcPeer(name, protobufTs);
	const abort = new AbortController();
	return peer.overPair((message) => pour(client.subscribe(message, {
		signal: abort.signal,
		onHeader: (h) => { peer.session = h.get('x-session') ?? ''; },
	}), peer), (message, session) => client.send(message,
		{ metadata: Metadata({ 'x-session': session }) }),
	() => abort.abort());
}

function niceSocket(name) {
	const client = createNice(definition(WebRtcSignaling),
		createChannel(base, WebsocketTransport()));
	const peer = new GrpcPeer(name, protobufTs);
	const abort = new AbortController();
	const waiting = [];
	let wake = () => {};
	let over = false;
	async function* requests() {
		for (;;) {
			while (waiting.length)
				yield waiting.shift();
			if (over)
				return;
			await new Promise((done) => { wake = done; });
		}
	}
	pour(client.signal(requests(), { signal: abort.signal }), peer);
	return peer.overStream((m) => { waiting.push(m); wake(); },
		() => { over = true; wake(); }, () => abort.abort());
}

const rpc = (dialect) => async (name) => {
	const socket = new WebSocket(base.replace(/^http/, 'ws'));
	await new Promise((resolve, reject) => {
		socket.onopen = resolve;
		socket.onerror = () => reject(new Error('no WebSocket'));
	});
	return new RpcPeer(name, dialect, socket);
};

const DOORS = {
	'connect-web': connectPair,
	'protobuf-ts binary': (name) => protobufPair(name, 'binary'),
	'protobuf-ts text': (name) => protobufPair(name, 'text'),
	'nice-grpc-web fetch': nicePair,
	'nice-grpc-web WebSocket': niceSocket,
	'JSON-RPC dialect A': rpc(DIALECT_A),
	'JSON-RPC dialect B': rpc(DIALECT_B),
};

/** HealthCheck and GetPeers by each library. */
const UNARY = {
	'connect-web': () => {
		const client = createClient(es.WebRtcSignaling,
			createGrpcWebTransport({ baseUrl: base }));
		return [client.healthCheck({}), client.getPeers({})];
	},
	'protobuf-ts binary': () => unaryTs('binary'),
	'protobuf-ts text': () => unaryTs('text'),
	'nice-grpc-web fetch': () => unaryNice(FetchTransport()),
	'nice-grpc-web WebSocket': () => unaryNice(WebsocketTransport()),
};

function unaryTs(format) {
	const client = new WebRtcSignalingClient(
		new GrpcWebFetchTransport({ baseUrl: base, format }));
	return [client.healthCheck({}).response, client.getPeers({}).response];
}

function unaryNice(transport) {
	const client = createNice(definition(WebRtcSignaling),
		createChannel(base, transport));
	return [client.healthCheck({}), client.getPeers({})];
}

const outcome = async (work) => {
	try {
		return { result: await work() };
	} catch (e) {
		return { error: { code: e.code, message: e.message, reason: e.reason } };
	}
};

/* A real call through a door, without our own client module. */

let pc = null;
let heard = null;

/** A tone goes out; what comes back is looked at by an analyser. */
async function toneCall(peer, hz) {
	const context = new AudioContext();
	const source = context.createOscillator();
	const out = context.createMediaStreamDestination();
	source.frequency.value = hz;
	source.connect(out);
	source.start();
	pc = new RTCPeerConnection();
	pc.addTrack(out.stream.getAudioTracks()[0], out.stream);
	pc.ontrack = ({ track }) => {
		const stream = new MediaStream([track]);
		const element = new Audio();
		element.srcObject = stream;
		element.muted = true;
		element.play();
		const analyser = context.createAnalyser();
		analyser.fftSize = 16384;
		context.createMediaStreamSource(stream).connect(analyser);
		heard = { analyser, element, rate: context.sampleRate };
	};
	pc.onicecandidate = ({ candidate: c }) => {
		if (c?.candidate)
			peer.candidate('remotemedia-server', c.candidate, c.sdpMid,
				c.sdpMLineIndex).catch(() => {});
	};
	await pc.setLocalDescription();
	const taken = peer.offer('remotemedia-server', pc.localDescription.sdp);
	const answer = peer.inbox.next((e) => e.kind === 'answer', 'answer');
	const first = await Promise.race([
		taken.then(() => 'ack'), answer.then(() => 'answer')]);
	await pc.setRemoteDescription(
		{ type: 'answer', sdp: (await answer).sdp });
	await taken;
	const candidates = async () => {
		for (;;) {
			const c = await peer.inbox.next((e) => e.kind === 'candidate');
			if (c.candidate)
				await pc.addIceCandidate({
					candidate: c.candidate, sdpMid: c.mid || undefined,
					sdpMLineIndex: c.mline,
				});
		}
	};
	candidates().catch(() => {});
	return first;
}

window.rig = {
	base(url) { base = url; },
	unary: (library) => outcome(async () => {
		const [health, list] = await Promise.all(UNARY[library]());
		return { status: health.status, peers: list.peers.map((p) => p.peerId) };
	}),
	/** The peer's announce result. */
	begin: (door, name) => outcome(async () => {
		const peer = await DOORS[door](name);
		peers.set(name, peer);
		return peer.announce();
	}),
	/** A request by its name in peers.mjs. */
	ask: (name, method, ...args) =>
		outcome(() => peers.get(name)[method](...args)),
	next: (name, kind) => outcome(() =>
		peers.get(name).inbox.next((e) => e.kind === kind, kind)),
	close(name) { peers.get(name).close(); },
	toneCall: (name, hz) => outcome(() => toneCall(peers.get(name), hz)),
	callState: () => pc?.connectionState,
	/** The strongest frequency of what comes back, null before there is any. */
	loudest() {
		if (!heard)
			return null;
		const bins = new Float32Array(heard.analyser.frequencyBinCount);
		heard.analyser.getFloatFrequencyData(bins);
		let best = 0;
		for (let i = 1; i < bins.length; i++) {
			if (bins[i] > bins[best])
				best = i;
		}
		return {
			hz: best * heard.rate / heard.analyser.fftSize, db: bins[best],
		};
	},
	/** How this page came here. */
	protocol: () =>
		performance.getEntriesByType('navigation')[0].nextHopProtocol,
};
