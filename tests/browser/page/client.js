// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * One RemoteMedia, driven from Node through `window.rig`. Everything it
 * returns is plain data.
 */
import { RemoteMedia } from '/web/client/remotemedia.js';
import { Ear, tone } from './sound.js';
import { Eye, Picture } from './picture.js';

/** @type {RemoteMedia} */
let media = null;
/** Every event, oldest first. */
let events = [];
let messages = [];
let accepting = null;
const ears = new Map();
const eyes = new Map();
const tones = new Map();
let picture = null;

const EVENTS = ['statechange', 'peerjoined', 'peerleft', 'incoming',
	'connectionstatechange', 'track', 'channel', 'stats', 'recall', 'lost',
	'ended', 'error'];

function note(e) {
	events.push({
		name: e.type, peer: e.peer?.peerId ?? e.peer, state: e.state,
		resumed: e.resumed, renamed: e.renamed, code: e.code, reason: e.reason,
		kind: e.track?.kind, stats: e.stats, capabilities: e.peer?.capabilities,
	});
}

async function heard(e) {
	const bytes = typeof e.data === 'string'
		? null : [...new Uint8Array(e.data)].slice(0, 16);
	messages.push({
		peer: e.peer, text: bytes ? null : e.data, json: e.json(), bytes,
		size: bytes ? e.data.byteLength : e.data.length,
	});
}

async function arrived({ peer, track }) {
	if (track.kind === 'audio') {
		ears.get(peer)?.stop();
		ears.set(peer, await Ear.on(track));
	} else {
		eyes.set(peer, new Eye(track, picture));
	}
}

async function toneOf(peer, hz) {
	const source = await tone(hz);
	tones.set(peer, source);
	return source;
}

const failure = (e) => ({
	error: { code: e.code, reason: e.reason, message: e.message },
});

window.rig = {
	make(options) {
		media = new RemoteMedia(options);
		events = [];
		messages = [];
		for (const name of EVENTS)
			media.addEventListener(name, note);
		media.addEventListener('message', heard);
		media.addEventListener('track', arrived);
		media.addEventListener('incoming', async (e) => {
			if (!accepting)
				return;
			e.preventDefault();
			const source = await toneOf(e.peer, accepting);
			await e.accept({ stream: source.stream, data: true });
		});
	},
	async connect() {
		try {
			await media.connect();
			return { peerId: media.peerId };
		} catch (e) {
			return failure(e);
		}
	},
	/** Incoming calls are taken with a tone of this pitch; null: none are. */
	accept(hz) { accepting = hz; },
	async call(peer, hz, data = true) {
		const source = await toneOf(peer, hz);
		await media.call(peer, { stream: source.stream, data });
	},
	async callListening(peer) {
		await media.call(peer, { audio: 'receive', video: 'receive' });
	},
	addPicture(peer) {
		picture = new Picture({ width: 320, height: 180, rate: 15 });
		media.callWith(peer).addTrack(picture.track, picture.stream);
	},
	async request(method, params) {
		try {
			return { result: await media.request(method, params) };
		} catch (e) {
			return failure(e);
		}
	},
	/** A change of ours and a wish for theirs in the same instant. */
	async collide(peer) {
		const wish = media.request('request_offer',
			{ to_peer_id: peer, audio: true });
		media.callWith(peer).pc.addTransceiver('video',
			{ direction: 'recvonly' });
		try {
			return { result: await wish };
		} catch (e) {
			return failure(e);
		}
	},
	openChannel(peer, label) { media.callWith(peer).openChannel(label); },
	pitch(peer, hz) { tones.get(peer).set(hz); },
	async send(peer, kind, value) {
		const data = kind === 'binary' ? new Uint8Array(value) : value;
		try {
			await media.send(data, peer);
			return {};
		} catch (e) {
			return failure(e);
		}
	},
	/** Many at once; the most that was ever queued. */
	async flood(peer, count, size) {
		const { pc } = media.callWith(peer);
		let most = 0;
		const real = RTCDataChannel.prototype.send;
		RTCDataChannel.prototype.send = function watched(data) {
			real.call(this, data);
			most = Math.max(most, this.bufferedAmount);
		};
		const sends = [];
		for (let i = 0; i < count; i++) {
			const bytes = new Uint8Array(size);
			new DataView(bytes.buffer).setUint32(0, i);
			sends.push(media.send(bytes, peer));
		}
		await Promise.all(sends);
		RTCDataChannel.prototype.send = real;
		return { most, limit: pc.sctp.maxMessageSize };
	},
	async stats(peer) {
		try {
			return await media.stats(peer);
		} catch (e) {
			return failure(e);
		}
	},
	state(peer = 'remotemedia-server') {
		const call = media?.callWith(peer);
		return {
			signaling: media?.state, peerId: media?.peerId,
			session: media?.session,
			peers: media?.peers, calls: media?.calls.map((c) => c.to),
			call: call?.state ?? 'none', polite: call?.polite,
			negotiation: call?.pc.signalingState,
			offers: call?.offersSent, answers: call?.answersTaken,
			servers: call?.pc.getConfiguration().iceServers.map((s) => s.urls),
			ufrag: /a=ice-ufrag:(\S+)/.exec(
				call?.pc.remoteDescription?.sdp ?? '')?.[1],
			lines: call?.pc.getTransceivers().map((t) => t.currentDirection),
		};
	},
	sound(peer = 'remotemedia-server') {
		return ears.get(peer)?.report() ?? null;
	},
	view(peer = 'remotemedia-server') { return eyes.get(peer)?.report() ?? null; },
	forget() {
		for (const ear of ears.values())
			ear.reset();
	},
	/** What the browser says of the path from now on; null: the truth. */
	sayPath(state) {
		const { pc } = media.callWith('remotemedia-server');
		if (state === null)
			delete pc.iceConnectionState;
		else
			Object.defineProperty(pc, 'iceConnectionState',
				{ value: state, configurable: true });
		pc.oniceconnectionstatechange();
	},
	events(name) { return events.filter((e) => !name || e.name === name); },
	messages() { return messages; },
	clear() { events = []; messages = []; },
	restartIce(peer = 'remotemedia-server') { media.callWith(peer).pc.restartIce(); },
	/** Packets and concealment so far: what tells whether media went on. */
	async flow(peer = 'remotemedia-server') {
		const report = [...(await media.callWith(peer).pc.getStats()).values()];
		const s = report.find((x) =>
			x.type === 'inbound-rtp' && x.kind === 'audio');
		return {
			packets: s?.packetsReceived ?? 0, lost: s?.packetsLost ?? 0,
			at: performance.now(),
		};
	},
	async hangUp() {
		await media?.close();
		for (const ear of ears.values())
			ear.stop();
		for (const source of tones.values())
			source.stop();
		picture?.stop?.();
	},
	async hangUpCall(peer) { await media.callWith(peer)?.hangUp(); },
};
