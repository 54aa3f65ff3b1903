// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Two ways for a browser to speak WebRtcSignaling. A browser's fetch cannot
 * send a stream, so plain gRPC-Web has no `Signal`; a WebSocket can
 * (nice-grpc-web), or two methods stand for the two directions.
 */
import { GrpcWebFetchTransport } from '@protobuf-ts/grpcweb-transport';
import type { ServiceType } from '@protobuf-ts/runtime-rpc';
import type { CallOptions } from 'nice-grpc-common';
import {
	type Client, type CompatServiceDefinition, WebsocketTransport,
	createChannel, createClient,
} from 'nice-grpc-web';
import {
	SignalingRequest, type SignalingResponse, WebRtcSignaling,
} from './build/webrtc_signaling';
import { WebRtcSignalingWebClient } from './build/webrtc_signaling_web.client';

export interface Door {
	/** The first request must be an announce. */
	send(request: SignalingRequest): void;
	readonly responses: AsyncIterable<SignalingResponse>;
	/** The peer leaves. */
	close(): void;
}

/** Values put in one by one, read as a stream. */
class Feed<T> implements AsyncIterable<T> {
	#waiting: T[] = [];
	#wake = () => {};
	#over = false;

	put(value: T) {
		this.#waiting.push(value);
		this.#wake();
	}

	end() {
		this.#over = true;
		this.#wake();
	}

	async *[Symbol.asyncIterator]() {
		for (;;) {
			while (this.#waiting.length)
				yield this.#waiting.shift() as T;
			if (this.#over)
				return;
			await new Promise<void>((done) => { this.#wake = done; });
		}
	}
}

/** A service of protobuf-ts as nice-grpc wants it described. */
function definition(service: ServiceType): CompatServiceDefinition {
	return Object.fromEntries(service.methods.map((m) => [m.localName, {
		path: `/${service.typeName}/${m.name}`,
		requestStream: m.clientStreaming, responseStream: m.serverStreaming,
		requestSerialize: (v: object) => m.I.toBinary(m.I.create(v)),
		requestDeserialize: (b: Uint8Array) => m.I.fromBinary(b),
		responseSerialize: (v: object) => m.O.toBinary(m.O.create(v)),
		responseDeserialize: (b: Uint8Array) => m.O.fromBinary(b),
		options: {},
	}])) as CompatServiceDefinition;
}

interface SignalClient {
	signal(requests: AsyncIterable<SignalingRequest>, options?: CallOptions):
		AsyncIterable<SignalingResponse>;
}

/** One bidirectional stream, `Signal`, over a WebSocket. */
export function signalDoor(base: string): Door {
	const client = createClient(definition(WebRtcSignaling),
		createChannel(base, WebsocketTransport())) as
		Client<CompatServiceDefinition> & SignalClient;
	const requests = new Feed<SignalingRequest>();
	const responses = client.signal(requests);
	return {
		responses, send: (r) => requests.put(r), close: () => requests.end(),
	};
}

/** `Subscribe` for what comes, `Send` for what goes, over fetch. */
export function pairDoor(base: string): Door {
	const client = new WebRtcSignalingWebClient(
		new GrpcWebFetchTransport({ baseUrl: base, format: 'binary' }));
	const responses = new Feed<SignalingResponse>();
	const abort = new AbortController();
	let session: Promise<string> | undefined;
	let before: Promise<unknown> = Promise.resolve();

	const subscribe = (announce: SignalingRequest) => {
		const call = client.subscribe(announce, { abort: abort.signal });
		session = call.headers.then((h) => String(h['x-session']));
		call.responses.onNext((m) => {
			if (m)
				responses.put(m);
			else
				responses.end();
		});
	};
	const post = async (request: SignalingRequest) => {
		const meta = { 'x-session': await session as string };
		responses.put(await client.send(request, { meta }).response);
	};
	return {
		responses,
		send(request) {
			if (!session)
				subscribe(request);
			else	// One after the other: candidates follow their offer.
				before = before.then(() => post(request)).catch(console.error);
		},
		close: () => abort.abort(),
	};
}
