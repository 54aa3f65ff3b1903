// SPDX-License-Identifier: MIT OR Apache-2.0
// @ts-check
/**
 * Client of a remotemedia-webrtc server for browsers: plain ES module, no
 * dependency.
 *
 *   const signaling = new Signaling('ws://localhost:8080', { peerId: 'me' });
 *   await signaling.open();
 *   const call = new Call(signaling);
 *   call.addEventListener('track', (e) => { video.srcObject = e.stream; });
 *   for (const t of stream.getTracks()) call.pc.addTrack(t, stream);
 *
 * Adding or removing a track or a data channel is all it takes: the offer is
 * made, sent and answered by itself, now and in the running call.
 */

/** The name under which the server itself takes part. */
export const SERVER = 'remotemedia-server';

/** How long one request may take before it is given up. */
const REQUEST_MS = 10000;

/** How often one offer is repeated when the server says: later. */
const MAX_REPEATS = 5;

/** Remote candidates kept while there is no remote description yet. */
const MAX_EARLY_CANDIDATES = 64;

/**
 * @typedef {object} Capabilities
 * @property {boolean} audio
 * @property {boolean} video
 * @property {boolean} data
 */

/** An error answer of the server, or a socket that could not serve. */
export class SignalingError extends Error {
	/**
	 * @param {string} message
	 * @param {number} [code] JSON-RPC error code; 0: no answer at all
	 * @param {unknown} [data]
	 */
	constructor(message, code = 0, data = undefined) {
		super(message);
		this.name = 'SignalingError';
		this.code = code;
		this.data = data;
	}
}

/** A name that hardly anybody else has. */
export function randomPeerId(prefix = 'web') {
	const bytes = crypto.getRandomValues(new Uint8Array(6));
	const hex = [...bytes].map((b) => b.toString(16).padStart(2, '0'));
	return `${prefix}-${hex.join('')}`;
}

/**
 * One WebSocket that speaks JSON-RPC 2.0 (announce, offer, answer,
 * ice_candidate, disconnect, list_peers).
 *
 * Events: `notification` (method, params), `open`, `closed` (code, reason,
 * wanted). After `closed` the same object may be opened again.
 */
export class Signaling extends EventTarget {
	/** @type {WebSocket | null} */
	#socket = null;
	#nextId = 1;
	/** @type {Map<number, {resolve: Function, reject: Function, timer: any}>} */
	#waiting = new Map();
	#wanted = false;
	#announced = false;

	/**
	 * @param {string} url ws:// or wss://
	 * @param {{peerId?: string, capabilities?: Capabilities}} [options]
	 */
	constructor(url, options = {}) {
		super();
		this.url = url;
		this.peerId = options.peerId ?? randomPeerId();
		this.capabilities =
			options.capabilities ?? { audio: true, video: true, data: true };
	}

	get isOpen() {
		return this.#announced;
	}

	/**
	 * Opens the socket and announces this peer.
	 * @returns {Promise<{peer_id: string, peers_count: number,
	 *   other_peers: string[]}>}
	 */
	async open() {
		await this.#connect();
		try {
			const result = await this.request('announce', {
				peer_id: this.peerId,
				capabilities: this.capabilities,
			});
			this.#announced = true;
			this.dispatchEvent(new Event('open'));
			return result;
		} catch (error) {
			this.close();
			throw error;
		}
	}

	/** Opens the socket only; `open` does this and announces. */
	async connectOnly() {
		await this.#connect();
	}

	/** @returns {Promise<void>} */
	#connect() {
		if (this.#socket)
			return Promise.reject(new SignalingError('already open'));
		return new Promise((resolve, reject) => {
			const socket = new WebSocket(this.url);
			const refuse = setTimeout(() => socket.close(), REQUEST_MS);
			this.#socket = socket;
			this.#wanted = false;
			socket.onopen = () => {
				clearTimeout(refuse);
				resolve();
			};
			socket.onmessage = (event) => this.#receive(event.data);
			socket.onclose = (event) => {
				clearTimeout(refuse);
				reject(new SignalingError(`no server answers at ${this.url}`));
				this.#closed(event.code, event.reason);
			};
		});
	}

	/**
	 * Sends a request and waits for its result.
	 * @param {string} method
	 * @param {object} [params]
	 * @returns {Promise<any>}
	 */
	request(method, params = {}) {
		const socket = this.#socket;
		if (!socket || socket.readyState !== WebSocket.OPEN)
			return Promise.reject(new SignalingError('not connected'));
		const id = this.#nextId++;
		return new Promise((resolve, reject) => {
			const timer = setTimeout(() => {
				this.#waiting.delete(id);
				reject(new SignalingError(`no answer to ${method}`));
			}, REQUEST_MS);
			this.#waiting.set(id, { resolve, reject, timer });
			socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
		});
	}

	/** Sends bytes as they are: for tests of what a server must withstand. */
	sendRaw(/** @type {string} */ text) {
		this.#socket?.send(text);
	}

	close() {
		this.#wanted = true;
		this.#socket?.close(1000);
	}

	/** @param {unknown} data */
	#receive(data) {
		let message;
		try {
			message = JSON.parse(String(data));
		} catch {
			return;
		}
		if (message === null || typeof message !== 'object')
			return;
		if (typeof message.method === 'string') {
			const event = new Event('notification');
			this.dispatchEvent(Object.assign(event, {
				method: message.method,
				params: message.params ?? {},
			}));
			return;
		}
		// An error without id: the server could not read that far. Requests
		// are answered in order, so it is the oldest one.
		const id = message.error && message.id === null
			? this.#waiting.keys().next().value : message.id;
		const waiting = this.#waiting.get(id);
		if (!waiting)
			return;
		this.#waiting.delete(id);
		clearTimeout(waiting.timer);
		if (message.error) {
			waiting.reject(new SignalingError(
				String(message.error.message ?? 'refused'),
				Number(message.error.code ?? 0), message.error.data));
		} else {
			waiting.resolve(message.result);
		}
	}

	/** @param {number} code @param {string} reason */
	#closed(code, reason) {
		this.#socket = null;
		this.#announced = false;
		for (const { reject, timer } of this.#waiting.values()) {
			clearTimeout(timer);
			reject(new SignalingError('the connection to the server closed'));
		}
		this.#waiting.clear();
		this.dispatchEvent(Object.assign(new Event('closed'),
			{ code, reason, wanted: this.#wanted }));
	}
}

/**
 * One call with one other peer, the server unless told otherwise. Negotiates
 * by itself whenever `pc` asks for it and answers the other side's offers
 * (the "perfect negotiation" pattern, with this side giving way).
 *
 * Events:
 *   step     name, state ('active', 'done', 'failed'), text: how far it got;
 *            names offer, answer, ice, dtls, media, data
 *   track    track, stream, transceiver
 *   channel  channel: the other side opened it
 *   refused  error: an offer was not taken; a running call goes on
 *   lost     the transport failed
 *   ended    reason: the other side hung up, or its process died
 */
export class Call extends EventTarget {
	/** @type {RTCIceCandidateInit[]} */
	#early = [];
	#making = false;
	#ignoring = false;
	#waitsForSocket = false;
	/** Refused: the event that a roll-back brings about is not followed. */
	#holdsBack = false;
	#repeats = 0;
	#over = false;
	#watchesDtls = false;
	#signaling;
	#polite;
	#controller = new AbortController();

	/**
	 * @param {Signaling} signaling
	 * @param {{to?: string, polite?: boolean,
	 *   configuration?: RTCConfiguration}} [options]
	 */
	constructor(signaling, options = {}) {
		super();
		this.#signaling = signaling;
		this.#polite = options.polite ?? true;
		this.to = options.to ?? SERVER;
		this.pc = new RTCPeerConnection(options.configuration ?? {});
		this.offersSent = 0;
		this.answersTaken = 0;

		const { signal } = this.#controller;
		signaling.addEventListener('notification',
			(e) => this.#notified(/** @type {any} */ (e)), { signal });
		signaling.addEventListener('open', () => this.#socketBack(),
			{ signal });
		this.pc.onnegotiationneeded = () => {
			if (!this.#holdsBack)
				this.negotiate();
		};
		this.pc.onicecandidate = (e) => this.#candidate(e.candidate);
		this.pc.oniceconnectionstatechange = () => this.#iceState();
		this.pc.onconnectionstatechange = () => this.#connectionState();
		this.pc.ontrack = (e) => this.#track(e);
		this.pc.ondatachannel = (e) => {
			this.dispatchEvent(Object.assign(new Event('channel'),
				{ channel: e.channel }));
		};
	}

	get isOver() {
		return this.#over;
	}

	/**
	 * Opens a data channel; the first one makes an offer necessary.
	 * @param {string} label
	 * @param {RTCDataChannelInit} [init]
	 */
	openChannel(label, init) {
		const channel = this.pc.createDataChannel(label, init);
		channel.binaryType = 'arraybuffer';
		this.#step('data', 'active', 'waiting for the transport');
		channel.addEventListener('open',
			() => this.#step('data', 'done', 'channel open'));
		return channel;
	}

	/** Tells the other side and closes everything. */
	async hangUp() {
		if (this.#over)
			return;
		this.#close();
		try {
			await this.#signaling.request('disconnect', { peer_id: this.to });
		} catch {
			// The server is gone, and with it what it knew of this call.
		}
	}

	#close() {
		this.#over = true;
		this.#controller.abort();
		this.pc.onconnectionstatechange = null;
		this.pc.oniceconnectionstatechange = null;
		this.pc.close();
	}

	/** @param {string} name @param {string} state @param {string} text */
	#step(name, state, text = '') {
		if (!this.#over) {
			this.dispatchEvent(Object.assign(new Event('step'),
				{ name, state, text }));
		}
	}

	/**
	 * Makes an offer. Needed by hand only after `refused`, once what the
	 * server did not like is gone.
	 */
	async negotiate() {
		if (this.#over)
			return;
		this.#holdsBack = false;
		if (!this.#signaling.isOpen) {
			this.#waitsForSocket = true;
			return;
		}
		const { pc } = this;
		try {
			this.#making = true;
			this.#step('offer', 'active', 'describing what is sent');
			await pc.setLocalDescription();
			this.offersSent++;
			const sent = this.#signaling.request('offer', {
				to_peer_id: this.to,
				sdp: pc.localDescription?.sdp,
				type: pc.localDescription?.type,
			});
			this.#making = false;
			this.#step('answer', 'active', 'waiting');
			await sent;
			this.#step('offer', 'done', 'taken by the server');
		} catch (error) {
			this.#making = false;
			await this.#offerRefused(error);
		}
	}

	/** @param {any} error */
	async #offerRefused(error) {
		if (this.#over)
			return;
		if (error instanceof SignalingError && error.code === 0) {
			this.#waitsForSocket = true;
		} else {
			this.#holdsBack = true;
			this.#repeatOrTell(error);
		}
		if (this.pc.signalingState === 'have-local-offer')
			await this.pc.setLocalDescription({ type: 'rollback' });
	}

	/** @param {any} error */
	#repeatOrTell(error) {
		const pause = Number(error.data?.retry_after_ms ?? 0);
		if (pause > 0 && this.#repeats < MAX_REPEATS) {
			this.#repeats++;
			this.#step('offer', 'active', 'the server is busy, waiting');
			setTimeout(() => this.negotiate(), pause);
			return;
		}
		this.#step('offer', 'failed', error.message);
		this.dispatchEvent(Object.assign(new Event('refused'), { error }));
	}

	#socketBack() {
		if (!this.#waitsForSocket)
			return;
		this.#waitsForSocket = false;
		this.negotiate();
	}

	/** @param {RTCIceCandidate | null} candidate */
	#candidate(candidate) {
		if (!candidate?.candidate || !this.#signaling.isOpen)
			return;
		this.#signaling.request('ice_candidate', {
			to_peer_id: this.to,
			candidate: candidate.candidate,
			sdp_mid: candidate.sdpMid,
			sdp_mline_index: candidate.sdpMLineIndex,
		}).catch(() => {
			// One candidate fewer: the others may still lead there.
		});
	}

	/** @param {{method: string, params: any}} event */
	async #notified({ method, params }) {
		const from = params.from_peer_id ?? params.peer_id;
		if (this.#over || from !== this.to)
			return;
		try {
			if (method === 'offer' || method === 'answer')
				await this.#description(method, params.sdp);
			else if (method === 'ice_candidate')
				await this.#remoteCandidate(params);
			else if (method === 'peer_disconnected' || method === 'peer_left')
				this.#ended(String(params.reason ?? ''));
		} catch (error) {
			if (!this.#over)
				this.#step(method, 'failed', String(error));
		}
	}

	/** @param {'offer' | 'answer'} type @param {string} sdp */
	async #description(type, sdp) {
		const { pc } = this;
		const collision = type === 'offer' &&
			(this.#making || pc.signalingState !== 'stable');
		this.#ignoring = collision && !this.#polite;
		if (this.#ignoring)
			return;
		if (type === 'answer' && pc.signalingState !== 'have-local-offer')
			return;
		await pc.setRemoteDescription({ type, sdp });
		await this.#addEarly();
		if (type === 'offer') {
			await pc.setLocalDescription();
			await this.#signaling.request('answer', {
				to_peer_id: this.to,
				sdp: pc.localDescription?.sdp,
				type: 'answer',
			});
		} else {
			this.answersTaken++;
			this.#repeats = 0;
		}
		this.#step('answer', 'done', 'agreed');
		this.#watchDtls();
	}

	/** @param {any} params */
	async #remoteCandidate(params) {
		if (!params.candidate)
			return;
		const candidate = {
			candidate: params.candidate,
			sdpMid: params.sdp_mid || undefined,
			sdpMLineIndex: params.sdp_mline_index ?? 0,
		};
		if (!this.pc.remoteDescription) {
			if (this.#early.length < MAX_EARLY_CANDIDATES)
				this.#early.push(candidate);
			return;
		}
		try {
			await this.pc.addIceCandidate(candidate);
		} catch (error) {
			if (!this.#ignoring)
				throw error;
		}
	}

	async #addEarly() {
		for (const candidate of this.#early.splice(0))
			await this.pc.addIceCandidate(candidate);
	}

	#watchDtls() {
		const sender = this.pc.getSenders().find((s) => s.transport);
		const dtls = this.pc.sctp?.transport ?? sender?.transport;
		if (!dtls || this.#watchesDtls)
			return;
		this.#watchesDtls = true;
		const tell = () => {
			if (dtls.state === 'connecting')
				this.#step('dtls', 'active', 'agreeing on keys');
			else if (dtls.state === 'connected')
				this.#step('dtls', 'done', 'encrypted');
			else if (dtls.state === 'failed')
				this.#step('dtls', 'failed', 'no common keys');
		};
		dtls.addEventListener('statechange', tell);
		tell();
	}

	#iceState() {
		const state = this.pc.iceConnectionState;
		if (state === 'checking')
			this.#step('ice', 'active', 'looking for a path');
		else if (state === 'connected' || state === 'completed')
			this.#step('ice', 'done', 'path found');
		else if (state === 'disconnected')
			this.#step('ice', 'active', 'path lost, waiting');
		else if (state === 'failed')
			this.#step('ice', 'failed', 'no path to the server');
	}

	#connectionState() {
		this.dispatchEvent(Object.assign(new Event('state'),
			{ state: this.pc.connectionState }));
		if (this.pc.connectionState !== 'failed' || this.#over)
			return;
		this.hangUp();
		this.dispatchEvent(new Event('lost'));
	}

	/** @param {RTCTrackEvent} event */
	#track(event) {
		const { track, transceiver } = event;
		const stream = event.streams[0] ?? new MediaStream([track]);
		this.#step('media', 'active', 'waiting for the first packet');
		track.addEventListener('unmute',
			() => this.#step('media', 'done', 'arriving'));
		this.dispatchEvent(Object.assign(new Event('track'),
			{ track, stream, transceiver }));
	}

	/** @param {string} reason */
	#ended(reason) {
		this.#close();
		this.dispatchEvent(Object.assign(new Event('ended'), { reason }));
	}
}
