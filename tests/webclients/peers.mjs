// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * One peer, whichever client library carries it: the same functions and the
 * same events for every door, so that a test can put any two together. Runs
 * in Node and in browsers.
 *
 * Events in `inbox`: {kind, from, ...} with kind joined, left, offer, answer,
 * candidate or disconnected.
 */
import { Mailbox } from './mailbox.mjs';

/** A refusal: gRPC status or JSON-RPC code, and the reason of the server. */
export class Refused extends Error {
	constructor(code, message, reason = '') {
		super(message);
		this.code = code;
		this.reason = reason;
	}
}

const CAPS = { audio: true, video: false, data: true };

/** Oneofs as protobuf-ts writes them. */
export const protobufTs = {
	wrap: (id, kind, value) => ({
		requestId: id, request: { oneofKind: kind, [kind]: value },
	}),
	unwrap: (one) => ({
		kind: one.oneofKind, value: one[one.oneofKind],
	}),
};

/** Oneofs as protobuf-es writes them. */
export const protobufEs = {
	wrap: (id, kind, value) => ({
		requestId: id, request: { case: kind, value },
	}),
	unwrap: (one) => ({ kind: one.case, value: one.value }),
};

/** What became of a request: its value, or a Refused is thrown. */
function settle(answer) {
	if (answer.error)
		throw answer.error;
	return answer.result;
}

const NOTIFICATIONS = {
	peerJoined: 'joined', peerLeft: 'left', offer: 'offer',
	answer: 'answer', iceCandidate: 'candidate',
	peerDisconnected: 'disconnected',
};

/** A peer on any gRPC library: a stream both ways, or Subscribe and Send. */
export class GrpcPeer {
	/**
	 * @param {string} name
	 * @param {typeof protobufTs} form
	 */
	constructor(name, form) {
		this.name = name;
		this.form = form;
		this.inbox = new Mailbox();
		this.answers = new Mailbox();
		this.next = 1;
		this.token = '';
	}

	/**
	 * @param {(message: any) => void} write one SignalingRequest
	 * @param {() => void} end half-closes
	 * @param {() => void} abort
	 */
	overStream(write, end, abort) {
		this.write = write;
		this.close = end;
		this.abort = abort;
		return this;
	}

	/**
	 * Subscribe and Send.
	 * @param {(message: any, peer: GrpcPeer) => void} subscribe begins and
	 *   calls take() for each response; sets `session` from the headers
	 * @param {(message: any, session: string) => Promise<any>} send
	 * @param {() => void} abort
	 */
	overPair(subscribe, send, abort) {
		this.session = '';
		this.write = async (message) => {
			if (!this.session) {
				subscribe(message, this);
				return;
			}
			try {
				this.take(await send(message, this.session));
			} catch (error) {
				this.answers.put({
					id: message.requestId, error: new Refused(error.code,
						error.message),
				});
			}
		};
		this.close = abort;
		this.abort = abort;
		return this;
	}

	/** One SignalingResponse came. */
	take(response) {
		const { kind, value } = this.form.unwrap(response.response);
		const id = response.requestId;
		if (kind === 'notification') {
			this.notified(this.form.unwrap(value.notification));
		} else if (kind === 'error') {
			const details = JSON.parse(value.details || '{}');
			this.answers.put({
				id, error: new Refused(value.code, value.message,
					details.reason),
			});
		} else {
			this.answers.put({
				id, result: kind === 'ack'
					? { ...JSON.parse(value.data), message: value.message }
					: value,
			});
		}
	}

	notified({ kind, value }) {
		this.inbox.put({
			kind: NOTIFICATIONS[kind], from: value.fromPeerId ?? value.peerId,
			sdp: value.sdp, type: value.type, candidate: value.candidate,
			mid: value.sdpMid, mline: value.sdpMlineIndex,
			caps: value.capabilities, metadata: value.metadata,
		});
	}

	/** The stream ended, perhaps with a status. */
	ended(why) {
		this.inbox.end(why);
		this.answers.end(why);
	}

	async ask(kind, value) {
		const id = `${this.name}/${this.next++}`;
		this.write(this.form.wrap(id, kind, value));
		return settle(await this.answers.next((a) => a.id === id, kind));
	}

	async announce({ session, resumeToken, metadata = {} } = {}) {
		const result = await this.ask('announce', {
			peerId: this.name, capabilities: { ...CAPS, extensions: '' },
			metadata: {
				...metadata, ...session && { session },
				...resumeToken && { resume_token: resumeToken },
			},
		});
		this.token = result.resume_token;
		this.session ||= result.x_session ?? '';
		return result;
	}

	offer(to, sdp) {
		return this.ask('offer', { toPeerId: to, sdp, type: 'offer' });
	}

	answer(to, sdp) {
		return this.ask('answer', { toPeerId: to, sdp, type: 'answer' });
	}

	candidate(to, candidate, mid = '0', mline = 0) {
		return this.ask('iceCandidate', {
			toPeerId: to, candidate, sdpMid: mid, sdpMlineIndex: mline,
		});
	}

	disconnect(peer) {
		return this.ask('disconnect', { peerId: peer });
	}

	async list() {
		const { peers } = await this.ask('listPeers', {});
		return peers.map((p) => p.peerId);
	}
}

/** How the two dialects of JSON-RPC name things. */
export const DIALECT_A = {
	method: {
		announce: 'announce', offer: 'offer', answer: 'answer',
		candidate: 'ice_candidate', disconnect: 'disconnect',
		list: 'list_peers',
	},
	caps: CAPS,
	to: 'to_peer_id', from: 'from_peer_id', mline: 'sdp_mline_index',
};
export const DIALECT_B = {
	method: {
		announce: 'peer.announce', offer: 'peer.offer',
		answer: 'peer.answer', candidate: 'peer.ice_candidate',
		disconnect: 'peer.disconnect', list: 'peer.list',
	},
	caps: ['audio', 'data'],
	to: 'to', from: 'from', mline: 'sdp_m_line_index',
};

const RPC_KINDS = {
	peer_joined: 'joined', peer_left: 'left', offer: 'offer',
	answer: 'answer', ice_candidate: 'candidate',
	peer_disconnected: 'disconnected',
	'peer.joined': 'joined', 'peer.left': 'left', 'peer.offer': 'offer',
	'peer.answer': 'answer', 'peer.ice_candidate': 'candidate',
	'peer.disconnected': 'disconnected',
};

/** A peer on a WebSocket, the one of `ws` or of the browser. */
export class RpcPeer {
	/**
	 * @param {string} name
	 * @param {typeof DIALECT_A} dialect
	 * @param {any} socket a WebSocket that is open
	 */
	constructor(name, dialect, socket) {
		this.name = name;
		this.dialect = dialect;
		this.socket = socket;
		this.inbox = new Mailbox();
		this.answers = new Mailbox();
		this.next = 1;
		this.token = '';
		socket.onmessage = (e) => this.take(JSON.parse(e.data));
		socket.onclose = (e) => {
			this.inbox.end(`closed ${e.code}`);
			this.answers.end(`closed ${e.code}`);
		};
	}

	take(m) {
		if (m.error) {
			this.answers.put({
				id: m.id, error: new Refused(m.error.code, m.error.message,
					m.error.data?.reason),
			});
		} else if (m.method) {
			const kind = RPC_KINDS[m.method];
			const { from, mline } = this.dialect;
			if (kind) {
				this.inbox.put({
					kind, from: m.params[from] ?? m.params.peer_id,
					sdp: m.params.sdp, type: m.params.type,
					candidate: m.params.candidate, mid: m.params.sdp_mid,
					mline: m.params[mline], caps: m.params.capabilities,
					metadata: m.params.metadata,
				});
			}
		} else {
			this.answers.put({ id: m.id, result: m.result });
		}
	}

	async ask(what, params) {
		const id = `${this.name}/${this.next++}`;
		this.socket.send(JSON.stringify({
			jsonrpc: '2.0', id, method: this.dialect.method[what] ?? what,
			params,
		}));
		return settle(await this.answers.next((a) => a.id === id, what));
	}

	async announce({ session, resumeToken } = {}) {
		const result = await this.ask('announce', {
			peer_id: this.name, capabilities: this.dialect.caps, session,
			resume_token: resumeToken,
		});
		this.token = result.resume_token;
		return result;
	}

	offer(to, sdp) {
		return this.ask('offer',
			{ from: this.name, [this.dialect.to]: to, sdp, type: 'offer' });
	}

	answer(to, sdp) {
		return this.ask('answer',
			{ from: this.name, [this.dialect.to]: to, sdp, type: 'answer' });
	}

	candidate(to, candidate, mid = '0', mline = 0) {
		return this.ask('candidate', {
			from: this.name, [this.dialect.to]: to, candidate, sdp_mid: mid,
			[this.dialect.mline]: mline,
		});
	}

	disconnect(peer) {
		return this.ask('disconnect', { peer_id: peer });
	}

	async list() {
		const { peers } = await this.ask('list', {});
		return peers.map((p) => p.peer_id);
	}

	close() {
		this.socket.close(1000);
	}

	abort() {
		this.socket.terminate();
	}
}
