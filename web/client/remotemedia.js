// SPDX-License-Identifier: MIT OR Apache-2.0
// @ts-check
/**
 * Client of a remotemedia-webrtc server for browsers: plain ES modules, no
 * dependency, no build step.
 *
 *   const media = new RemoteMedia({ url: 'wss://example.org/' });
 *   media.addEventListener('track', (e) => { video.srcObject = e.stream; });
 *   await media.connect();
 *   await media.call('remotemedia-server', { audio: true, video: true });
 *
 * README.md beside this file has a longer example and the list of events,
 * remotemedia.d.ts the types.
 */

import { Call, SERVER } from './call.js';
import { Signaling, SignalingError, emit } from './signaling.js';

export { CHANNEL, Call, SERVER } from './call.js';
export { Signaling, SignalingError, randomPeerId } from './signaling.js';
export { StatsReader } from './stats.js';

/** Where the page came from is where the server is, unless told otherwise. */
export function defaultUrl() {
	const { protocol, host } = globalThis.location;
	return `${protocol === 'https:' ? 'wss:' : 'ws:'}//${host}/`;
}

/**
 * @typedef {import('./signaling.js').Capabilities} Capabilities
 * @typedef {{peerId: string, capabilities: any, metadata: any}} Peer
 */

/**
 * What is sent in a call. `receive`: nothing is sent, the other side's is
 * wanted. data: messages; absent: yes.
 * @typedef {object} Offering
 * @property {boolean | MediaTrackConstraints | 'receive'} [audio]
 * @property {boolean | MediaTrackConstraints | 'receive'} [video]
 * @property {boolean} [data]
 * @property {MediaStream} [stream] instead of camera and microphone
 */

/** One client: a signaling connection, the peers it sees, its calls. */
export class RemoteMedia extends EventTarget {
	/** @type {Map<string, Peer>} */
	#peers = new Map();
	/** @type {Map<string, Call>} */
	#calls = new Map();
	/** Media this object opened itself, by call. @type {Map<Call, MediaStream>} */
	#opened = new Map();
	#signaling;
	#iceServers;
	#recall;
	#statsMs;
	/** @type {any} */
	#statsTimer = null;

	/**
	 * @param {{url?: string, peerId?: string, session?: string,
	 *   token?: string | (() => string | Promise<string>),
	 *   capabilities?: Capabilities, iceServers?: RTCIceServer[],
	 *   recall?: boolean, statsInterval?: number}} [options]
	 */
	constructor(options = {}) {
		super();
		this.#signaling = new Signaling(options.url ?? defaultUrl(), options);
		this.#iceServers = options.iceServers ?? [];
		this.#recall = options.recall ?? true;
		this.#statsMs = options.statsInterval ?? 0;
		// First of all: a call that is made anew must not go on by itself.
		this.#signaling.addEventListener('open', (e) =>
			this.#announced(/** @type {any} */ (e)));
		this.#signaling.addEventListener('closed', (e) => {
			if (/** @type {any} */ (e).retrying)
				emit(this, 'statechange', { state: 'reconnecting' });
		});
		this.#signaling.addEventListener('refused', (e) => {
			this.#problem(/** @type {any} */ (e).error, null);
			emit(this, 'statechange', { state: 'closed' });
		});
		this.#signaling.addEventListener('notification', (e) => {
			const { method, params } = /** @type {any} */ (e);
			this.#notified(method, params);
		});
	}

	/** May change when the server refuses to give an old one back. */
	get peerId() {
		return this.#signaling.peerId;
	}

	/** The one asked for, or that of the token. */
	get session() {
		return this.#signaling.session;
	}

	/** 'closed', 'connecting', 'open' or 'reconnecting'. */
	get state() {
		const { state } = this.#signaling;
		return state === 'waiting' ? 'reconnecting' : state;
	}

	/** The others. @returns {Peer[]} */
	get peers() {
		return [...this.#peers.values()];
	}

	/** Calls that are not over. @returns {Call[]} */
	get calls() {
		return [...this.#calls.values()];
	}

	/**
	 * Connects and announces this peer. Rejects with a SignalingError (code
	 * and reason) when that fails; later losses are mended by themselves.
	 * @returns {Promise<this>}
	 */
	async connect() {
		if (this.#signaling.isOpen)
			return this;
		const opening = this.#signaling.open();
		emit(this, 'statechange', { state: 'connecting' });
		try {
			await opening;
		} catch (error) {
			emit(this, 'statechange', { state: this.state });
			throw error;
		}
		return this;
	}

	/** Hangs up everywhere and says farewell. */
	async close() {
		clearInterval(this.#statsTimer);
		this.#statsTimer = null;
		const calls = this.calls.map((call) => call.hangUp());
		// hangUp() has sent its words by now; close() follows them.
		this.#signaling.close();
		await Promise.all(calls);
		this.#peers.clear();
		emit(this, 'statechange', { state: 'closed' });
	}

	/**
	 * Any other request of the protocol.
	 * @param {string} method
	 * @param {object} [params]
	 */
	request(method, params) {
		return this.#signaling.request(method, params);
	}

	/**
	 * Calls another peer, or adds to the call there is.
	 * @param {string} [peer]
	 * @param {Offering} [options]
	 * @returns {Promise<Call>} whenConnected() of it tells when media flow
	 */
	async call(peer = SERVER, options = {}) {
		const stream = await openMedia(options);
		const call = this.#calls.get(peer) ?? this.#newCall(peer);
		this.#bring(call, options, stream);
		return call;
	}

	/**
	 * @param {string} peer
	 * @returns {Call | undefined} the call with this peer
	 */
	callWith(peer = SERVER) {
		return this.#calls.get(peer);
	}

	/**
	 * Sends a message in a call: text, bytes, or anything JSON can hold.
	 * @param {any} data
	 * @param {string} [peer]
	 */
	async send(data, peer = SERVER) {
		return this.#callOr(peer).send(data);
	}

	/** Figures of a call since they were last asked for. @param {string} [peer] */
	async stats(peer = SERVER) {
		return this.#callOr(peer).stats();
	}

	/** @param {string} peer */
	#callOr(peer) {
		const call = this.#calls.get(peer);
		if (!call)
			throw new SignalingError(`no call with ${peer}`);
		return call;
	}

	/* calls */

	/** @returns {RTCConfiguration} */
	#configuration() {
		return {
			iceServers: [...this.#iceServers, ...this.#signaling.iceServers],
		};
	}

	/** @param {string} peer */
	#newCall(peer) {
		const call = new Call(this.#signaling,
			{ to: peer, configuration: this.#configuration() });
		this.#calls.set(peer, call);
		const pass = (/** @type {string} */ from, /** @type {string} */ to) =>
			call.addEventListener(from, (e) => {
				const { isTrusted, ...fields } = /** @type {any} */ (e);
				emit(this, to, { peer, call, ...fields });
			});
		pass('track', 'track');
		pass('channel', 'channel');
		pass('message', 'message');
		pass('state', 'connectionstatechange');
		for (const name of ['refused', 'problem']) {
			call.addEventListener(name, (e) =>
				this.#problem(/** @type {any} */ (e).error, call));
		}
		call.addEventListener('lost', (e) => this.#lost(call, e));
		call.addEventListener('over', () => this.#forget(call));
		pass('ended', 'ended');
		this.#watchStats();
		return call;
	}

	/**
	 * @param {Call} call
	 * @param {Offering} options
	 * @param {MediaStream | null} stream
	 */
	#bring(call, options, stream) {
		if (stream && !options.stream)
			this.#opened.set(call, stream);
		for (const track of stream?.getTracks() ?? []) {
			if (!call.pc.getSenders().some((s) => s.track === track))
				call.addTrack(track, /** @type {MediaStream} */ (stream));
		}
		for (const kind of /** @type {const} */ (['audio', 'video'])) {
			if (options[kind] === 'receive')
				call.pc.addTransceiver(kind, { direction: 'recvonly' });
		}
		if (options.data ?? true)
			call.openMessages();
	}

	/** @param {Call} call @param {Event} event */
	#lost(call, event) {
		if (this.#recall && this.#calls.get(call.to) === call) {
			event.preventDefault();
			if (this.#signaling.isOpen)
				this.#callAnew(call);
			// Else when signaling is back: #announced() finds it failed.
			return;
		}
		emit(this, 'lost', { peer: call.to, call });
	}

	/** The other side must not take the new offer for a change of the old. */
	async #callAnew(/** @type {Call} */ call) {
		await this.#signaling.request('disconnect', { peer_id: call.to })
			.catch(() => {});
		if (call.isOver)
			return;
		call.redial(this.#configuration());
		emit(this, 'recall', { peer: call.to, call });
	}

	/** @param {Call} call */
	#forget(call) {
		if (this.#calls.get(call.to) === call)
			this.#calls.delete(call.to);
		this.#opened.get(call)?.getTracks().forEach((t) => t.stop());
		this.#opened.delete(call);
	}

	/* what the server tells */

	/** @param {{result: any, resumed: boolean, renamed: boolean}} event */
	#announced({ result, resumed, renamed }) {
		if (!resumed) {
			this.#peers.clear();
			for (const id of result.other_peers ?? []) {
				this.#peers.set(id,
					{ peerId: id, capabilities: {}, metadata: {} });
			}
			for (const call of this.calls) {
				const well = call.state === 'connected' && !renamed;
				if (!well && this.#recall)
					this.#callAnew(call);
			}
		}
		this.#listPeers();
		emit(this, 'statechange', { state: 'open', resumed, renamed });
	}

	/** Capabilities, too, of those that were there before. */
	async #listPeers() {
		const result = await this.#signaling.request('list_peers')
			.catch(() => null);
		for (const p of result?.peers ?? []) {
			if (p.peer_id !== this.peerId) {
				this.#peers.set(p.peer_id, {
					peerId: p.peer_id, capabilities: p.capabilities ?? {},
					metadata: p.metadata ?? {},
				});
			}
		}
	}

	/** @param {string} method @param {any} params */
	#notified(method, params) {
		const peerId = String(params.peer_id ?? params.from_peer_id ?? '');
		if (method === 'peer_joined') {
			const peer = {
				peerId, capabilities: params.capabilities ?? {},
				metadata: params.metadata ?? {},
			};
			this.#peers.set(peerId, peer);
			emit(this, 'peerjoined', { peer });
		} else if (method === 'peer_left') {
			const peer = this.#peers.get(peerId);
			this.#peers.delete(peerId);
			emit(this, 'peerleft', { peer: peer ??
				{ peerId, capabilities: {}, metadata: {} } });
		} else if (method === 'peer_error') {
			this.#problem(new SignalingError(String(params.message ?? ''),
				Number(params.code ?? 0), { reason: params.reason }),
			this.#calls.get(peerId) ?? null);
		} else if (method === 'offer' && !this.#calls.has(peerId)) {
			this.#rings(peerId, params);
		}
	}

	/** Somebody calls. @param {string} peer @param {any} params */
	#rings(peer, params) {
		const call = this.#newCall(peer);
		call.hold();
		call.take('offer', params);
		const incoming = {
			peer, call,
			accept: async (/** @type {any} */ options = {}) => {
				const stream = await openMedia(options);
				this.#bring(call, { data: false, ...options }, stream);
				call.release();
				return call;
			},
			reject: () => call.hangUp(),
		};
		// Nobody there to ask: nothing is answered, and nothing is kept.
		if (!this.#heard('incoming', incoming))
			incoming.reject();
	}

	/** @param {string} name @param {object} fields */
	#heard(name, fields) {
		let taken = false;
		const mark = (/** @type {Function} */ f) =>
			(/** @type {any[]} */ ...a) => { taken = true; return f(...a); };
		const { accept, reject, ...rest } = /** @type {any} */ (fields);
		const event = Object.assign(new Event(name, { cancelable: true }),
			rest, { accept: mark(accept), reject: mark(reject) });
		// preventDefault(): accepted or refused later.
		return !this.dispatchEvent(event) || taken;
	}

	/** @param {any} error @param {Call | null} call */
	#problem(error, call) {
		emit(this, 'error', {
			error, code: error.code ?? 0,
			reason: error.reason || error.message || String(error),
			peer: call?.to ?? null, call,
		});
	}

	#watchStats() {
		if (!this.#statsMs || this.#statsTimer)
			return;
		this.#statsTimer = setInterval(async () => {
			for (const call of this.calls) {
				if (call.state !== 'connected')
					continue;
				const stats = await call.stats();
				emit(this, 'stats', { peer: call.to, call, stats });
			}
		}, this.#statsMs);
	}
}

/**
 * The stream given, or camera and microphone as asked for.
 * @param {Offering} options
 * @returns {Promise<MediaStream | null>}
 */
async function openMedia({ audio, video, stream }) {
	if (stream)
		return stream;
	const wants = (/** @type {any} */ x) => x === 'receive' ? false : x ?? false;
	const constraints = { audio: wants(audio), video: wants(video) };
	if (!constraints.audio && !constraints.video)
		return null;
	return navigator.mediaDevices.getUserMedia(constraints);
}
