// SPDX-License-Identifier: MIT OR Apache-2.0
// @ts-check
/**
 * One call with one other peer. Negotiates by itself whenever it is needed,
 * answers the other side's offers, restarts ICE when the path is lost.
 */

import { SignalingError, emit } from './signaling.js';
import { StatsReader } from './stats.js';

/** The name under which the server itself takes part. */
export const SERVER = 'remotemedia-server';

/** The channel that send() uses. */
export const CHANNEL = 'remotemedia';

/** How often one offer is repeated when the server says: later. */
const MAX_REPEATS = 5;

/** Pause after an offer that met another one, if none of theirs came. */
const GLARE_MS = 400;

/** Candidates kept until they can be used, of either direction. */
const MAX_EARLY_CANDIDATES = 64;

/** A path that is away for so long is looked for anew, so often. */
const PATH_LOST_MS = 3000;
const RESTART_MS = 8000;
const MAX_RESTARTS = 3;

/** send() waits while so much is queued, until it is down to that. */
const QUEUE_HIGH = 1 << 20;
const QUEUE_LOW = 1 << 18;

/**
 * @typedef {object} CallOptions
 * @property {string} [to] absent: the server
 * @property {boolean} [polite] gives way when two offers meet; absent: towards
 *   the server never, else the side whose peer id sorts first
 * @property {RTCConfiguration} [configuration]
 */

/**
 * When two offers meet the server gives way: it forgets its own and answers
 * ours, so towards it this side is the impolite one and passes the server's
 * over. Should ours be refused, the server's is taken after all. Between two
 * clients the smaller peer id is polite.
 *
 * Events:
 *   step     name, state ('active', 'done', 'failed'), text: how far it got;
 *            names offer, answer, ice, dtls, media, data
 *   state    state: of the RTCPeerConnection
 *   track    track, stream, transceiver
 *   channel  channel: the other side opened it, or it was opened again
 *   message  data, json(), channel: through the channel of send()
 *   refused  error: an offer was not taken; a running call goes on
 *   problem  error: something else failed; the call goes on
 *   lost     the transport failed and could not be brought back
 *   ended    reason: the other side hung up, or its process died
 *   over     whoever ended it
 */
export class Call extends EventTarget {
	/** @type {RTCIceCandidateInit[]} */
	#early = [];
	/** Ours, found while the socket was away. @type {object[]} */
	#unsent = [];
	#making = false;
	#ignoring = false;
	/** Theirs, passed over for ours. */
	#passedOver = '';
	#waitsForSocket = false;
	/** Refused: the event that a roll-back brings about is not followed. */
	#holdsBack = false;
	#repeats = 0;
	#restarts = 0;
	/** @type {any} */
	#pathTimer = null;
	/** @type {any} */
	#repeatTimer = null;
	#over = false;
	#watchesDtls = false;
	#signaling;
	/** What the other side sends is taken in order, one by one. */
	#inbox = Promise.resolve();
	#outbox = Promise.resolve();
	#held = false;
	#open = () => {};
	/** @type {Map<MediaStreamTrack, MediaStream[]>} */
	#streams = new Map();
	/** Opened here. @type {Map<string, RTCDataChannelInit | undefined>} */
	#channels = new Map();
	/** @type {RTCDataChannel | null} */
	#channel = null;
	/** @type {((c: RTCDataChannel) => void)[]} */
	#wantChannel = [];
	#controller = new AbortController();
	#configuration;
	/** @type {StatsReader | null} */
	#stats = null;

	/**
	 * @param {import('./signaling.js').Signaling} signaling
	 * @param {CallOptions} [options]
	 */
	constructor(signaling, options = {}) {
		super();
		this.#signaling = signaling;
		this.#configuration = options.configuration ?? {};
		this.to = options.to ?? SERVER;
		this.polite = options.polite ??
			(this.to !== SERVER && signaling.peerId < this.to);
		this.offersSent = 0;
		this.answersTaken = 0;
		this.pc = this.#connection();

		const { signal } = this.#controller;
		signaling.addEventListener('notification', (e) => {
			const { method, params } = /** @type {any} */ (e);
			this.#notified(method, params);
		}, { signal });
		signaling.addEventListener('open', () => this.#socketBack(),
			{ signal });
	}

	#connection() {
		const pc = new RTCPeerConnection(this.#configuration);
		pc.onnegotiationneeded = () => {
			if (!this.#holdsBack && !this.#held)
				this.negotiate();
		};
		pc.onicecandidate = (e) => this.#candidate(e.candidate);
		pc.oniceconnectionstatechange = () => this.#iceState();
		pc.onconnectionstatechange = () => this.#connectionState();
		pc.ontrack = (e) => this.#track(e);
		pc.ondatachannel = (e) => this.#theirChannel(e.channel);
		return pc;
	}

	get isOver() {
		return this.#over;
	}

	/** Of the RTCPeerConnection; 'closed' once it is over. */
	get state() {
		return this.#over ? 'closed' : this.pc.connectionState;
	}

	/**
	 * Resolves when sound, picture and messages can flow.
	 * @param {number} [ms]
	 * @returns {Promise<this>}
	 */
	whenConnected(ms = 15000) {
		return new Promise((resolve, reject) => {
			const done = new AbortController();
			const fail = (/** @type {Error} */ error) => {
				done.abort();
				clearTimeout(timer);
				reject(error);
			};
			const look = () => {
				if (this.pc.connectionState !== 'connected')
					return;
				done.abort();
				clearTimeout(timer);
				resolve(this);
			};
			const timer = setTimeout(() => fail(new SignalingError(
				`no connection with ${this.to} within ${ms} ms`)), ms);
			const { signal } = done;
			this.addEventListener('state', look, { signal });
			this.addEventListener('refused', (e) =>
				fail(/** @type {any} */ (e).error), { signal });
			for (const name of ['lost', 'ended']) {
				this.addEventListener(name, () => fail(new SignalingError(
					`the call with ${this.to} is over`)), { signal });
			}
			look();
		});
	}

	/* what is sent */

	/**
	 * @param {MediaStreamTrack} track
	 * @param {...MediaStream} streams
	 */
	addTrack(track, ...streams) {
		this.#streams.set(track, streams);
		return this.pc.addTrack(track, ...streams);
	}

	/** @param {MediaStreamTrack} track */
	removeTrack(track) {
		this.#streams.delete(track);
		const sender = this.pc.getSenders().find((s) => s.track === track);
		if (sender)
			this.pc.removeTrack(sender);
	}

	/**
	 * Opens a data channel; the first one makes an offer necessary.
	 * @param {string} label
	 * @param {RTCDataChannelInit} [init]
	 */
	openChannel(label, init) {
		const channel = this.pc.createDataChannel(label, init);
		this.#channels.set(label, init);
		channel.binaryType = 'arraybuffer';
		this.#step('data', 'active', 'waiting for the transport');
		channel.addEventListener('open',
			() => this.#step('data', 'done', 'channel open'));
		return channel;
	}

	/** Opens the channel that send() uses, unless there is one. */
	openMessages() {
		if (!this.#channel && !this.#over)
			this.#useChannel(this.openChannel(CHANNEL));
	}

	/**
	 * Sends a message: a text as text, bytes as bytes, anything else as JSON.
	 * Messages go out in the order of the calls.
	 * @param {any} data
	 * @returns {Promise<void>} when it is queued; waits while the channel is
	 *   not open or much is queued already
	 */
	async send(data) {
		if (this.#over)
			throw new SignalingError(`the call with ${this.to} is over`);
		const payload = await encode(data);
		this.openMessages();
		const sent = this.#outbox.then(() => this.#post(payload));
		this.#outbox = sent.catch(() => {});
		return sent;
	}

	/** @param {string | ArrayBuffer | ArrayBufferView} payload */
	async #post(payload) {
		const channel = await this.#openedChannel();
		const size = typeof payload === 'string'
			? new TextEncoder().encode(payload).length : payload.byteLength;
		const most = this.pc.sctp?.maxMessageSize ?? 0;
		if (most && size > most)
			throw new RangeError(`a message of ${size} bytes: ${most} may be sent`);
		if (channel.bufferedAmount > QUEUE_HIGH)
			await drained(channel);
		channel.send(/** @type {any} */ (payload));
	}

	/** @returns {Promise<RTCDataChannel>} */
	#openedChannel() {
		const channel = this.#channel;
		if (channel?.readyState === 'open')
			return Promise.resolve(channel);
		return new Promise((resolve, reject) => {
			const { signal } = this.#controller;
			const over = () => reject(
				new SignalingError(`the call with ${this.to} is over`));
			if (signal.aborted)
				over();
			signal.addEventListener('abort', over, { once: true });
			this.#wantChannel.push(resolve);
		});
	}

	/** @param {RTCDataChannel} channel */
	#useChannel(channel) {
		this.#channel = channel;
		channel.binaryType = 'arraybuffer';
		channel.bufferedAmountLowThreshold = QUEUE_LOW;
		const opened = () => {
			for (const resolve of this.#wantChannel.splice(0))
				resolve(channel);
		};
		channel.addEventListener('open', opened);
		this.#listen(channel);
		if (channel.readyState === 'open')
			opened();
	}

	/** @param {RTCDataChannel} channel */
	#theirChannel(channel) {
		channel.binaryType = 'arraybuffer';
		if (channel.label !== CHANNEL) {
			emit(this, 'channel', { channel });
			return;
		}
		// Both may have opened one: each sends through its own.
		if (this.#channel)
			this.#listen(channel);
		else
			this.#useChannel(channel);
	}

	/** @param {RTCDataChannel} channel */
	#listen(channel) {
		channel.addEventListener('message',
			(e) => this.#message(channel, e.data));
	}

	/** @param {RTCDataChannel} channel @param {string | ArrayBuffer} data */
	#message(channel, data) {
		emit(this, 'message', { data, channel, json: () => decode(data) });
	}

	/* beginning and end */

	/** Nothing is negotiated until release(): for a call that rings. */
	hold() {
		this.#held = true;
		/** @type {Promise<void>} */
		const gate = new Promise((done) => {
			this.#open = done;
		});
		this.#inbox = this.#inbox.then(() => gate);
	}

	/**
	 * Ends hold(): what came meanwhile is taken, in its order. Nothing is
	 * offered before theirs is answered.
	 */
	release() {
		this.#open();
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

	/**
	 * Calls anew with what was sent so far: the other side knows nothing of
	 * this call any more. Channels are opened again under their labels.
	 * @param {RTCConfiguration} [configuration]
	 */
	redial(configuration = this.#configuration) {
		if (this.#over)
			return;
		this.#configuration = configuration;
		this.#replace();
	}

	/** Another RTCPeerConnection that sends the same. */
	#replace() {
		const old = this.pc;
		const lines = old.getTransceivers().filter((t) =>
			t.direction !== 'stopped' && t.currentDirection !== 'stopped');
		this.#silence(old);
		this.#early = [];
		this.#passedOver = '';
		this.#unsent = [];
		this.#restarts = 0;
		this.#repeats = 0;
		this.#holdsBack = false;
		this.#waitsForSocket = false;
		this.#watchesDtls = false;
		this.#channel = null;
		this.#stats = null;
		this.pc = this.#connection();
		for (const line of lines)
			this.#addAgain(line);
		old.close();
		for (const [label, init] of this.#channels) {
			const channel = this.openChannel(label, init);
			if (label === CHANNEL)
				this.#useChannel(channel);
			else
				emit(this, 'channel', { channel });
		}
	}

	/** @param {RTCRtpTransceiver} line */
	#addAgain({ sender: { track }, receiver, direction }) {
		const streams = track ? this.#streams.get(track) ?? [] : [];
		// Only what addTrack() made may share a line that the other side offers.
		if (track && direction === 'sendrecv')
			this.pc.addTrack(track, ...streams);
		else
			this.pc.addTransceiver(track ?? receiver.track.kind,
				{ direction, streams });
	}

	/** @param {RTCPeerConnection} pc */
	#silence(pc) {
		clearTimeout(this.#pathTimer);
		clearTimeout(this.#repeatTimer);
		this.#pathTimer = null;
		pc.onnegotiationneeded = null;
		pc.onicecandidate = null;
		pc.oniceconnectionstatechange = null;
		pc.onconnectionstatechange = null;
		pc.ontrack = null;
		pc.ondatachannel = null;
	}

	#close() {
		this.#over = true;
		this.#controller.abort();
		this.release();
		this.#silence(this.pc);
		this.pc.close();
		emit(this, 'over');
	}

	/** @param {string} reason */
	#ended(reason) {
		this.#close();
		emit(this, 'ended', { reason });
	}

	/** @param {string} name @param {string} state @param {string} text */
	#step(name, state, text = '') {
		if (!this.#over)
			emit(this, 'step', { name, state, text });
	}

	/* negotiation */

	/**
	 * Makes an offer. Needed by hand only after `refused`, once what the
	 * other side did not like is gone.
	 */
	async negotiate() {
		if (this.#over)
			return;
		clearTimeout(this.#repeatTimer);
		this.#holdsBack = false;
		if (!this.#signaling.isOpen) {
			this.#waitsForSocket = true;
			return;
		}
		// An answer is due first, or an offer is under way: the browser asks
		// again when that is over.
		if (this.pc.signalingState !== 'stable')
			return;
		const { pc } = this;
		try {
			this.#making = true;
			this.#step('offer', 'active', 'describing what is sent');
			await pc.setLocalDescription();
		} catch (error) {
			// Closed meanwhile, or the other side's offer was quicker.
			if (pc === this.pc && !this.#over &&
				pc.signalingState === 'stable')
				emit(this, 'problem', { error });
			return;
		} finally {
			this.#making = false;
		}
		if (pc.signalingState === 'have-local-offer')
			await this.#offer(pc);
	}

	/** @param {RTCPeerConnection} pc */
	async #offer(pc) {
		const sdp = pc.localDescription?.sdp;
		const own = ownLine(sdp);
		try {
			this.offersSent++;
			const sent = this.#signaling.request('offer',
				{ to_peer_id: this.to, sdp, type: 'offer' });
			this.#step('answer', 'active', 'waiting');
			await sent;
			this.#step('offer', 'done', 'taken by the server');
		} catch (error) {
			if (this.#over || pc !== this.pc)
				return;
			// Given up for theirs meanwhile, or followed by another one.
			if (pc.signalingState === 'have-local-offer' &&
				ownLine(pc.localDescription?.sdp) === own)
				await this.#offerRefused(pc, error);
		}
	}

	/** @param {RTCPeerConnection} pc @param {any} error */
	async #offerRefused(pc, error) {
		// The socket is away: the offer may have been taken all the same, so
		// it stays as it is and is sent once more.
		if (!(error instanceof SignalingError) || error.code === 0) {
			this.#waitsForSocket = true;
			return;
		}
		this.#holdsBack = true;
		await pc.setLocalDescription({ type: 'rollback' }).catch(() => {});
		if (this.#passedOver)
			this.take('offer', { sdp: this.#passedOver });
		const pause = Number(error.data?.retry_after_ms ??
			(error.code === -32025 ? GLARE_MS : 0));
		if (pause > 0 && this.#repeats < MAX_REPEATS) {
			this.#repeats++;
			this.#step('offer', 'active', 'the server is busy, waiting');
			this.#repeatTimer = setTimeout(() => this.negotiate(), pause);
			return;
		}
		this.#step('offer', 'failed', error.message);
		emit(this, 'refused', { error });
	}

	#socketBack() {
		for (const params of this.#unsent.splice(0))
			this.#sendCandidate(params);
		if (!this.#waitsForSocket)
			return;
		this.#waitsForSocket = false;
		if (this.pc.signalingState === 'have-local-offer')
			this.#offer(this.pc);
		else
			this.negotiate();
	}

	/** @param {RTCIceCandidate | null} candidate */
	#candidate(candidate) {
		const params = {
			to_peer_id: this.to,
			candidate: candidate?.candidate ?? '',
			sdp_mid: candidate?.sdpMid,
			sdp_mline_index: candidate?.sdpMLineIndex,
		};
		// Chromium also tells the end of each generation as an empty one.
		if (candidate && !candidate.candidate)
			return;
		if (this.#signaling.isOpen)
			this.#sendCandidate(params);
		else if (this.#unsent.length < MAX_EARLY_CANDIDATES)
			this.#unsent.push(params);
	}

	/** @param {object} params */
	#sendCandidate(params) {
		this.#signaling.request('ice_candidate', params).catch(() => {
			// One candidate fewer: the others may still lead there.
		});
	}

	/** @param {string} method @param {any} params */
	#notified(method, params) {
		if ((params.from_peer_id ?? params.peer_id) !== this.to)
			return;
		if (method === 'peer_disconnected' || method === 'peer_left') {
			if (!this.#over)
				this.#ended(String(params.reason ?? ''));
			return;
		}
		if (method === 'offer' || method === 'answer' ||
			method === 'ice_candidate')
			this.take(method, params);
	}

	/**
	 * What the other side sent, in its order.
	 * @param {'offer' | 'answer' | 'ice_candidate'} method
	 * @param {any} params
	 */
	take(method, params) {
		const work = async () => {
			if (this.#over)
				return;
			if (method === 'ice_candidate')
				await this.#remoteCandidate(params);
			else
				await this.#description(method, String(params.sdp));
		};
		this.#inbox = this.#inbox.then(work).catch((error) => {
			if (this.#over)
				return;
			this.#step(method, 'failed', String(error));
			emit(this, 'problem', { error });
		}).then(() => { this.#held = false; });
	}

	/** @param {'offer' | 'answer'} type @param {string} sdp */
	async #description(type, sdp) {
		const collision = type === 'offer' &&
			(this.#making || this.pc.signalingState !== 'stable');
		this.#ignoring = collision && !this.polite;
		this.#passedOver = this.#ignoring ? sdp : '';
		if (this.#ignoring)
			return;
		// Chromium, when its very first offer is taken back before any
		// candidate was found, never looks for one again.
		if (collision && !this.pc.currentRemoteDescription) {
			this.#held = true;
			this.#replace();
		}
		const { pc } = this;
		if (type === 'answer' && pc.signalingState !== 'have-local-offer')
			return;
		await pc.setRemoteDescription({ type, sdp });
		await this.#addEarly();
		if (type === 'offer') {
			await pc.setLocalDescription();
			this.#signaling.request('answer', {
				to_peer_id: this.to,
				sdp: pc.localDescription?.sdp,
				type: 'answer',
			}).catch((error) => emit(this, 'problem', { error }));
			// What our own offer wanted is asked for again by the browser.
			if (this.#holdsBack) {
				clearTimeout(this.#repeatTimer);
				this.#repeatTimer = setTimeout(() => this.negotiate(), 0);
			}
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

	/* the path */

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
		if (state === 'checking') {
			this.#step('ice', 'active', 'looking for a path');
		} else if (state === 'connected' || state === 'completed') {
			this.#step('ice', 'done', 'path found');
			clearTimeout(this.#pathTimer);
			this.#pathTimer = null;
			this.#restarts = 0;
		} else if (state === 'disconnected') {
			this.#step('ice', 'active', 'path lost, waiting');
			this.#pathTimer ??= setTimeout(() => this.#restart(), PATH_LOST_MS);
		} else if (state === 'failed') {
			this.#step('ice', 'failed', `no path to ${this.to}`);
			clearTimeout(this.#pathTimer);
			this.#restart();
		}
	}

	/** Looks for another path; needs the other side, so signaling too. */
	#restart() {
		if (this.#over)
			return;
		if (this.#restarts++ >= MAX_RESTARTS) {
			this.#giveUp();
			return;
		}
		if (this.#signaling.isOpen)
			this.pc.restartIce();
		this.#pathTimer = setTimeout(() => {
			this.#pathTimer = null;
			this.#restart();
		}, RESTART_MS);
	}

	#connectionState() {
		const { connectionState } = this.pc;
		emit(this, 'state', { state: connectionState });
		// DTLS may fail while ICE stands: no other path helps then.
		if (connectionState === 'failed' && !this.#over &&
			this.pc.iceConnectionState !== 'failed')
			this.#giveUp();
	}

	/** A listener may keep the call for a redial by preventDefault(). */
	#giveUp() {
		clearTimeout(this.#pathTimer);
		this.#pathTimer = null;
		if (emit(this, 'lost'))
			this.hangUp();
	}

	/** @param {RTCTrackEvent} event */
	#track(event) {
		const { track, transceiver } = event;
		const stream = event.streams[0] ?? new MediaStream([track]);
		this.#step('media', 'active', 'waiting for the first packet');
		track.addEventListener('unmute',
			() => this.#step('media', 'done', 'arriving'));
		emit(this, 'track', { track, stream, transceiver });
	}

	/** Figures since the last time this was asked. */
	stats() {
		this.#stats ??= new StatsReader(this.pc);
		return this.#stats.read();
	}
}

/** Which offer it is: its session line, with the version of each offer. */
function ownLine(/** @type {string | undefined} */ sdp) {
	return /^o=.*$/m.exec(sdp ?? '')?.[0];
}

/** @param {any} data */
async function encode(data) {
	if (typeof data === 'string' || data instanceof ArrayBuffer ||
		ArrayBuffer.isView(data))
		return data;
	if (data instanceof Blob)
		return data.arrayBuffer();
	const text = JSON.stringify(data);
	if (text === undefined)
		throw new TypeError('neither text, bytes nor JSON');
	return text;
}

/** The value of a JSON text; undefined where it is none. */
function decode(/** @type {any} */ data) {
	try {
		return typeof data === 'string' ? JSON.parse(data) : undefined;
	} catch {
		return undefined;
	}
}

/** @param {RTCDataChannel} channel @returns {Promise<void>} */
function drained(channel) {
	return new Promise((resolve, reject) => {
		const low = () => {
			channel.removeEventListener('close', gone);
			resolve();
		};
		const gone = () => {
			channel.removeEventListener('bufferedamountlow', low);
			reject(new SignalingError('the channel closed'));
		};
		channel.addEventListener('bufferedamountlow', low, { once: true });
		channel.addEventListener('close', gone, { once: true });
	});
}
