// SPDX-License-Identifier: MIT OR Apache-2.0
// @ts-check
/**
 * The signaling connection: one WebSocket that speaks JSON-RPC 2.0, comes
 * back by itself when it is lost, and then takes up its peer id again.
 */

/** How long one request may take before it is given up. */
const REQUEST_MS = 10000;

/** An offer to the server may wait that long inside it. */
const OFFER_MS = 13000;

/** First pause before connecting again, and the longest. */
const BACKOFF_MS = 500;
const BACKOFF_MAX_MS = 30000;

/** After so long without a word the server is asked for one. */
const SILENCE_MS = 25000;

/** Codes after which trying again with the same token is of no use. */
const NOT_LET_IN = new Set([-32020, -32023]);

/**
 * @typedef {object} Capabilities
 * @property {boolean} audio
 * @property {boolean} video
 * @property {boolean} data
 */

/**
 * @typedef {object} SignalingOptions
 * @property {string} [peerId] absent: a random one
 * @property {string} [session] peers of one session share one pipeline
 * @property {string | (() => string | Promise<string>)} [token] a function is
 *   asked before each announce, so that an expired token can be renewed
 * @property {Capabilities} [capabilities]
 * @property {boolean} [reconnect] false: a lost connection stays lost
 */

/** An error answer of the server, or a connection that could not serve. */
export class SignalingError extends Error {
	/**
	 * @param {string} message
	 * @param {number} [code] JSON-RPC error code; 0: no answer at all
	 * @param {any} [data]
	 */
	constructor(message, code = 0, data = undefined) {
		super(message);
		this.name = 'SignalingError';
		this.code = code;
		this.data = data;
	}

	/** What to do about it, in the server's words; '' when it did not say. */
	get reason() {
		return String(this.data?.reason ?? '');
	}
}

/** A name that hardly anybody else has. */
export function randomPeerId(prefix = 'web') {
	const bytes = crypto.getRandomValues(new Uint8Array(6));
	const hex = [...bytes].map((b) => b.toString(16).padStart(2, '0'));
	return `${prefix}-${hex.join('')}`;
}

/**
 * @param {EventTarget} target
 * @param {string} name
 * @param {object} [fields] become properties of the event
 * @returns {boolean} false when a listener called preventDefault
 */
export function emit(target, name, fields = {}) {
	const event = new Event(name, { cancelable: true });
	return target.dispatchEvent(Object.assign(event, fields));
}

/**
 * Events:
 *   notification  method, params
 *   open          result, resumed, renamed: announced, first or again.
 *                 resumed: as if the connection had never been lost;
 *                 renamed: the old peer id was refused, there is a new one
 *   closed        code, reason, wanted, retrying
 *   refused       error: not let in again; it is not tried any more
 */
export class Signaling extends EventTarget {
	/** @type {WebSocket | null} */
	#socket = null;
	/** Lost for us, perhaps not yet for the server. @type {WebSocket | null} */
	#stale = null;
	#nextId = 1;
	/** @type {Map<number, {resolve: Function, reject: Function, timer: any}>} */
	#waiting = new Map();
	/** @type {'closed' | 'connecting' | 'open' | 'waiting'} */
	#state = 'closed';
	/** @type {Promise<any> | null} */
	#attempt = null;
	#failures = 0;
	/** @type {any} */
	#retry = null;
	/** @type {any} */
	#silence = null;
	#resumeToken = '';
	#ownName;
	#announcedOnce = false;
	#online = () => this.#state === 'waiting' && this.#again();

	/** @param {string} url ws:// or wss:// @param {SignalingOptions} [options] */
	constructor(url, options = {}) {
		super();
		this.url = url;
		this.#ownName = options.peerId === undefined;
		this.peerId = options.peerId ?? randomPeerId();
		this.session = options.session;
		this.token = options.token;
		this.capabilities =
			options.capabilities ?? { audio: true, video: true, data: true };
		this.reconnect = options.reconnect ?? true;
		/** As the server handed them out. @type {RTCIceServer[]} */
		this.iceServers = [];
	}

	/** Announced, requests may be made. */
	get isOpen() {
		return this.#state === 'open';
	}

	/** 'closed', 'connecting', 'open' or 'waiting' (for the next attempt). */
	get state() {
		return this.#state;
	}

	/**
	 * Connects and announces; at once also while it waits for an attempt.
	 * @returns {Promise<{peer_id: string, peers_count: number,
	 *   other_peers: string[]}>}
	 */
	open() {
		if (this.#state === 'open')
			return Promise.reject(new SignalingError('already open'));
		clearTimeout(this.#retry);
		this.#attempt ??= this.#try().finally(() => { this.#attempt = null; });
		return this.#attempt;
	}

	async #try() {
		this.#state = 'connecting';
		try {
			const socket = await this.#connect();
			return await this.#announce(socket);
		} catch (error) {
			this.#abandon();
			if (this.#state === 'connecting')
				this.#state = 'closed';
			throw error;
		}
	}

	/** @returns {Promise<WebSocket>} */
	#connect() {
		return new Promise((resolve, reject) => {
			const socket = new WebSocket(this.url);
			const refuse = setTimeout(() => socket.close(), REQUEST_MS);
			this.#socket = socket;
			socket.onopen = () => {
				clearTimeout(refuse);
				resolve(socket);
			};
			socket.onmessage = (event) => this.#receive(event.data);
			socket.onclose = (event) => {
				clearTimeout(refuse);
				reject(new SignalingError(
					`no server answers at ${this.url}`));
				if (socket === this.#socket)
					this.#lost(event.code, event.reason);
			};
		});
	}

	/** @param {WebSocket} socket */
	async #announce(socket) {
		const name = this.peerId;
		const token = typeof this.token === 'function'
			? await this.token() : this.token;
		let result;
		try {
			result = await this.#ask(token);
		} catch (error) {
			if (!this.#mayBeNew(error))
				throw error;
			// The token counted already, or the error were another.
			result = await this.#ask(undefined);
		}
		if (socket !== this.#socket)
			throw new SignalingError('the connection to the server closed');
		this.#resumeToken = String(result.resume_token ?? '');
		this.iceServers = result.ice_servers ?? [];
		this.session = result.session ?? this.session;
		this.#state = 'open';
		this.#failures = 0;
		this.#announcedOnce = true;
		this.#stale?.close(1000);
		this.#stale = null;
		globalThis.addEventListener?.('online', this.#online);
		this.#listenForSilence();
		emit(this, 'open', {
			result, resumed: result.resumed === true,
			renamed: name !== this.peerId,
		});
		return result;
	}

	/** @param {string | undefined} token */
	#ask(token) {
		return this.request('announce', {
			peer_id: this.peerId, capabilities: this.capabilities,
			session: this.session, token,
			resume_token: this.#resumeToken || undefined,
		});
	}

	/** The name is not ours any more: another one, or the bare name again. */
	#mayBeNew(/** @type {any} */ error) {
		if (!this.#resumeToken || error.code === 0 ||
			NOT_LET_IN.has(error.code))
			return false;
		this.#resumeToken = '';
		if (this.#ownName)
			this.peerId = randomPeerId();
		return true;
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
				// Its request limit passed unanswered: it is gone.
				if (socket === this.#socket && this.#state === 'open')
					this.#suspect();
			}, method === 'offer' ? OFFER_MS : REQUEST_MS);
			this.#waiting.set(id, { resolve, reject, timer });
			socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
		});
	}

	/** The farewell: the server forgets this peer and ends its calls. */
	close() {
		const socket = this.#socket ?? this.#stale;
		clearTimeout(this.#retry);
		globalThis.removeEventListener?.('online', this.#online);
		if (this.#state === 'closed' && !socket)
			return;
		this.#drop('this side closed it');
		this.#state = 'closed';
		this.#announcedOnce = false;
		this.#resumeToken = '';
		this.#stale = null;
		this.#socket = null;
		if (socket) {
			socket.onmessage = null;
			socket.onclose = null;
			socket.close(1000);
		}
		emit(this, 'closed',
			{ code: 1000, reason: '', wanted: true, retrying: false });
	}

	/** An attempt came to nothing: its socket is none of ours. */
	#abandon() {
		const socket = this.#socket;
		this.#socket = null;
		this.#drop('the connection to the server closed');
		if (socket) {
			socket.onmessage = null;
			socket.onclose = null;
			socket.close(1000);
		}
	}

	/**
	 * No answer came. A close frame would be a farewell, so the old socket is
	 * left alone until the new one has the name.
	 */
	#suspect() {
		const socket = this.#socket;
		if (!socket)
			return;
		socket.onmessage = null;
		socket.onclose = null;
		this.#stale = socket;
		this.#lost(1006, 'no answer');
	}

	/** @param {number} code @param {string} reason */
	#lost(code, reason) {
		const wasOpen = this.#state === 'open';
		this.#socket = null;
		this.#drop('the connection to the server closed');
		if (!wasOpen)
			return;
		this.#state = this.reconnect ? 'waiting' : 'closed';
		emit(this, 'closed',
			{ code, reason, wanted: false, retrying: this.reconnect });
		if (this.#state === 'waiting')
			this.#later();
	}

	/** @param {string} why */
	#drop(why) {
		clearTimeout(this.#silence);
		for (const { reject, timer } of this.#waiting.values()) {
			clearTimeout(timer);
			reject(new SignalingError(why));
		}
		this.#waiting.clear();
	}

	/** Half of the pause is chance: not all clients come back at once. */
	#later() {
		const full = Math.min(BACKOFF_MAX_MS,
			BACKOFF_MS * 2 ** Math.min(this.#failures++, 10));
		this.#retry = setTimeout(() => this.#again(),
			full / 2 + Math.random() * full / 2);
	}

	async #again() {
		try {
			await this.open();
		} catch (error) {
			const { code } = /** @type {any} */ (error);
			if (this.#state !== 'closed' || !this.#announcedOnce)
				return;
			if (NOT_LET_IN.has(code)) {
				emit(this, 'refused', { error });
				return;
			}
			this.#state = 'waiting';
			this.#later();
		}
	}

	#listenForSilence() {
		clearTimeout(this.#silence);
		this.#silence = setTimeout(
			() => this.request('list_peers').catch(() => {}), SILENCE_MS);
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
		if (this.#state === 'open')
			this.#listenForSilence();
		if (typeof message.method === 'string') {
			emit(this, 'notification',
				{ method: message.method, params: message.params ?? {} });
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
}
