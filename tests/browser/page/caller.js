// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * One caller, driven from Node through `window.rig`. Everything it returns is
 * plain data.
 */
import { Call, Signaling } from '/web/client/remotemedia.js';
import { Ear, tone } from './sound.js';
import { Eye, Picture } from './picture.js';

let signaling = null;
let call = null;
let events = [];
let iceStates = [];
/** What is sent: name -> {sender, track, source} */
const sending = new Map();
/** What comes back: mid -> {track, ear or eye} */
const coming = new Map();
/** label -> {channel, received: [{size, binary, sum}], waiting: []} */
const channels = new Map();

function newCall(configuration) {
	const made = new Call(signaling, { configuration });
	events = [];
	iceStates = [];
	for (const name of ['refused', 'lost', 'ended', 'step']) {
		made.addEventListener(name, (e) => events.push({
			name, step: e.name, state: e.state, reason: e.reason,
			error: e.error && { code: e.error.code, message: e.error.message },
		}));
	}
	made.pc.addEventListener('iceconnectionstatechange',
		() => iceStates.push(made.pc.iceConnectionState));
	made.addEventListener('track', (e) => arrived(e.track, e.transceiver.mid));
	return made;
}

async function arrived(track, mid) {
	const old = coming.get(mid);
	// After `inactive` the same track comes again; its ear stays.
	if (old?.track === track)
		return;
	old?.ear?.stop();
	old?.eye?.stop();
	const entry = { track, kind: track.kind, ear: null, eye: null };
	coming.set(mid, entry);
	if (track.kind === 'audio')
		entry.ear = await Ear.on(track);
	else
		entry.eye = new Eye(track, sending.get('video')?.source);
}

/** The crypto checksum of some bytes, as hex. */
async function sum(bytes) {
	const hash = await crypto.subtle.digest('SHA-256', bytes);
	return [...new Uint8Array(hash)]
		.map((b) => b.toString(16).padStart(2, '0')).join('');
}

/** `size` bytes that differ from call to call but not from run to run. */
function bytesOf(size, seed) {
	const out = new Uint8Array(size);
	let x = (seed + 1) * 2654435761 >>> 0;
	for (let i = 0; i < size; i++) {
		x = Math.imul(x, 1664525) + 1013904223 >>> 0;
		out[i] = x >>> 24;
	}
	return out;
}

function textOf(size, seed) {
	const letters = 'abcdefghijklmnopqrstuvwxyz \u00e9\u4e2d\ud83d\ude42';
	const parts = [...letters];
	const encoder = new TextEncoder();
	let out = '';
	let length = 0;
	for (let i = seed; length < size; i++) {
		const c = parts[i * 7 % parts.length];
		const n = encoder.encode(c).length;
		out += length + n <= size ? c : 'x';
		length += length + n <= size ? n : 1;
	}
	return out;
}

const find = (kind) => [...coming.values()].findLast((c) => c.kind === kind);

window.rig = {
	/* signaling */
	async open(url, peerId) {
		signaling = new Signaling(url, peerId ? { peerId } : {});
		return signaling.open();
	},
	async request(method, params) {
		try {
			return { result: await signaling.request(method, params) };
		} catch (e) {
			return { error: { code: e.code, message: e.message } };
		}
	},
	closeSignaling() { signaling?.close(); },
	signalingOpen() { return signaling?.isOpen ?? false; },
	reopen() { return signaling.open(); },
	peerId() { return signaling.peerId; },

	/* calling; a call begins by itself with the first track or channel */
	dial(configuration) { call = newCall(configuration); },
	async hangUp() {
		await call?.hangUp();
		call = null;
		for (const { ear, eye } of coming.values()) {
			ear?.stop();
			eye?.stop();
		}
		for (const { source } of sending.values())
			source.stop();
		coming.clear();
		sending.clear();
		channels.clear();
	},
	async addTone(hz, name = 'audio') {
		const source = await tone(hz);
		const sender = call.pc.addTrack(source.track, source.stream);
		sending.set(name, { sender, track: source.track, source });
	},
	addPicture(options = {}, name = 'video') {
		const source = new Picture(options);
		const sender = call.pc.addTrack(source.track, source.stream);
		sending.set(name, { sender, track: source.track, source });
		if (options.codec) {
			const transceiver = call.pc.getTransceivers()
				.find((t) => t.sender === sender);
			const all = RTCRtpReceiver.getCapabilities('video').codecs;
			transceiver.setCodecPreferences(all.filter((c) =>
				[`video/${options.codec}`, 'video/rtx'].includes(c.mimeType)));
		}
	},
	addTransceiver(kind, direction) {
		call.pc.addTransceiver(kind, { direction });
	},
	async addToneTransceiver(hz, direction, name = 'audio') {
		const source = await tone(hz);
		const { sender } = call.pc.addTransceiver(source.track,
			{ direction, streams: [source.stream] });
		sending.set(name, { sender, track: source.track, source });
	},
	addPictureTransceiver(options, direction, name = 'video') {
		const source = new Picture(options);
		const { sender } = call.pc.addTransceiver(source.track,
			{ direction, streams: [source.stream] });
		sending.set(name, { sender, track: source.track, source });
	},
	removeTrack(name) {
		const { sender, source } = sending.get(name);
		call.pc.removeTrack(sender);
		source.stop();
		sending.delete(name);
	},
	setDirection(kind, direction) {
		call.pc.getTransceivers().find((t) =>
			t.receiver.track.kind === kind).direction = direction;
	},
	enable(name, on) { sending.get(name).track.enabled = on; },
	setPitch(hz, name = 'audio') { sending.get(name).source.set(hz); },
	resize(width, height, name = 'video') {
		sending.get(name).source.resize(width, height);
	},
	restartIce() { call.pc.restartIce(); },

	/* looking at it */
	state() {
		if (!call)
			return { connection: 'none' };
		const { pc } = call;
		const finger = /a=fingerprint:(\S+ \S+)/;
		const ufrag = /a=ice-ufrag:(\S+)/;
		const remote = pc.remoteDescription?.sdp ?? '';
		return {
			connection: pc.connectionState, ice: pc.iceConnectionState,
			signaling: pc.signalingState, iceStates,
			offers: call.offersSent, answers: call.answersTaken,
			over: call.isOver, fingerprint: finger.exec(remote)?.[1],
			ufrag: ufrag.exec(remote)?.[1],
			transceivers: pc.getTransceivers().map((t) => ({
				mid: t.mid, kind: t.receiver.track.kind,
				direction: t.direction, now: t.currentDirection,
			})),
		};
	},
	events() { return events; },
	remoteSdp() { return call?.pc.remoteDescription?.sdp ?? ''; },
	sound(mid) {
		const entry = mid === undefined ? find('audio') : coming.get(mid);
		return entry?.ear?.report() ?? null;
	},
	view(mid) {
		const entry = mid === undefined ? find('video') : coming.get(mid);
		return entry?.eye?.report() ?? null;
	},
	delays() { return find('video')?.eye?.delays ?? []; },
	forget() {
		for (const { ear, eye } of coming.values()) {
			ear?.reset();
			eye?.reset();
		}
	},
	async stats(type, kind) {
		const report = [...(await call.pc.getStats()).values()];
		return report.filter((s) => s.type === type &&
			(kind === undefined || s.kind === kind));
	},
	/**
	 * Sound decoded in so many ms, by getStats: the level that a steady tone
	 * of this energy has, 0 to 1. WebAudio is no judge of a track that came
	 * back after `inactive`: Chromium feeds it zeros then.
	 */
	async loudness(ms) {
		const read = async () => (await this.stats('inbound-rtp', 'audio'))[0];
		const a = await read();
		await new Promise((done) => { setTimeout(done, ms); });
		const b = await read();
		if (!a || !b)
			return 0;
		const seconds = b.totalSamplesDuration - a.totalSamplesDuration;
		return seconds ? Math.sqrt(Math.max(0,
			b.totalAudioEnergy - a.totalAudioEnergy) / seconds) : 0;
	},
	async codec(kind) {
		const map = new Map(await call.pc.getStats());
		const s = [...map.values()].find((x) =>
			x.type === 'inbound-rtp' && x.kind === kind);
		return map.get(s?.codecId)?.mimeType ?? null;
	},

	/* data */
	openChannel(label, init) {
		const channel = call.openChannel(label, init);
		const entry = { channel, received: [], closed: false };
		channels.set(label, entry);
		channel.onclose = () => { entry.closed = true; };
		channel.onmessage = async ({ data }) => {
			const binary = typeof data !== 'string';
			const bytes = binary ? new Uint8Array(data)
				: new TextEncoder().encode(data);
			const got = { size: bytes.length, binary, sum: null };
			entry.received.push(got);
			got.sum = await sum(bytes);
		};
	},
	channelState(label) { return channels.get(label).channel.readyState; },
	/** Sends one message and returns what must come back. */
	async post(label, kind, size, seed) {
		const binary = kind === 'binary';
		const data = binary ? bytesOf(size, seed) : textOf(size, seed);
		const { channel } = channels.get(label);
		while (channel.bufferedAmount > 1 << 20)
			await new Promise((done) => { setTimeout(done, 5); });
		channel.send(data);
		return {
			size, binary,
			sum: await sum(binary ? data : new TextEncoder().encode(data)),
		};
	},
	received(label) { return channels.get(label).received; },
	/** Round trips of `n` small messages, one after the other, in ms. */
	async pings(label, n) {
		const { channel } = channels.get(label);
		const times = [];
		for (let i = 0; i < n; i++) {
			const at = performance.now();
			const back = new Promise((done) => {
				channel.addEventListener('message', done, { once: true });
			});
			channel.send(`ping ${i}`);
			await back;
			times.push(performance.now() - at);
		}
		return times;
	},
};
