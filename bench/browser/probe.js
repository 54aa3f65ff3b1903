// SPDX-License-Identifier: MIT OR Apache-2.0
/** The measuring page of roundtrip.mjs: `window.probe`. */
import { Call, Signaling } from '/web/client/remotemedia.js';
import { audioContext } from '/page/sound.js';
import { Eye, Picture } from '/page/picture.js';

const CHIRP_MS = 20;
const EVERY_MS = 500;
const FROM_HZ = 600;
const TO_HZ = 3600;
/** Share of the chirp's own energy that counts as found. */
const FOUND = 0.5;

let open = [];
let picture = null;
let eye = null;
let chirps = null;

/** The chirp as samples; with it the page plays and compares. */
function chirp(rate) {
	const n = Math.round(rate * CHIRP_MS / 1000);
	const out = new Float32Array(n);
	const slope = (TO_HZ - FROM_HZ) / (n / rate);
	for (let i = 0; i < n; i++) {
		const t = i / rate;
		const fade = Math.sin(Math.PI * i / n);
		out[i] = 0.6 * fade *
			Math.sin(2 * Math.PI * (FROM_HZ * t + slope * t * t / 2));
	}
	return out;
}

/** Plays chirps at known times of the audio clock, finds them coming back. */
class Chirps {
	static async start() {
		const me = new Chirps();
		me.audio = await audioContext();
		me.rate = me.audio.sampleRate;
		me.wave = chirp(me.rate);
		me.energy = me.wave.reduce((s, v) => s + v * v, 0);
		me.out = me.audio.createMediaStreamDestination();
		// Opus and the jitter buffer are at work on real sound, never on
		// nothing: a quiet hum fills the pauses.
		me.hum = me.audio.createOscillator();
		const quiet = me.audio.createGain();
		me.hum.frequency.value = 150;
		quiet.gain.value = 0.02;
		me.hum.connect(quiet).connect(me.out);
		me.hum.start();
		me.buffer = me.audio.createBuffer(1, me.wave.length, me.rate);
		me.buffer.copyToChannel(me.wave, 0);
		me.times = [];
		me.played = [];
		me.heard = new Float32Array(me.rate * 2);
		me.timer = setInterval(() => me.play(), EVERY_MS);
		return me;
	}

	play() {
		const at = this.audio.currentTime + 0.05;
		const source = this.audio.createBufferSource();
		source.buffer = this.buffer;
		source.connect(this.out);
		source.start(at);
		this.played.push(Math.round(at * this.rate));
		if (this.played.length > 8)
			this.played.shift();
	}

	async listen(track) {
		const stream = new MediaStream([track]);
		this.element = new Audio();
		this.element.srcObject = stream;
		this.element.muted = true;
		this.element.play().catch(() => {});
		this.source = this.audio.createMediaStreamSource(stream);
		this.node = new AudioWorkletNode(this.audio, 'listener');
		this.source.connect(this.node);
		this.node.port.onmessage = ({ data }) => this.hear(data);
	}

	/** One block, stamped with the audio clock it was heard at. */
	hear({ at, pcm }) {
		const { heard } = this;
		for (let i = 0; i < pcm.length; i++)
			heard[(at + i) % heard.length] = pcm[i];
		const now = at + pcm.length;
		// Each chirp is looked for once, when all of it must be here.
		while (this.played.length &&
			now > this.played[0] + this.rate * 0.45)
			this.find(this.played.shift());
	}

	/** Where after `from` the sound is most like the chirp. */
	find(from) {
		const n = this.wave.length;
		const { heard, wave } = this;
		let best = 0, place = -1;
		const look = (shift) => {
			let xy = 0, yy = 1e-9;
			for (let i = 0; i < n; i++) {
				const y = heard[(from + shift + i) % heard.length];
				xy += wave[i] * y;
				yy += y * y;
			}
			return yy < this.energy * 0.02 ? 0
				: Math.abs(xy) / Math.sqrt(this.energy * yy);
		};
		for (let shift = 0; shift < this.rate * 0.43 - n; shift++) {
			const likeness = look(shift);
			if (likeness > best) {
				best = likeness;
				place = shift;
			}
		}
		if (best > FOUND)
			this.times.push(1000 * place / this.rate);
	}

	stop() {
		clearInterval(this.timer);
		this.hum.stop();
		this.source?.disconnect();
		this.node?.disconnect();
	}
}

/** Sends `track` to the server; returns the track that comes back. */
function byServer(track, url) {
	const signaling = new Signaling(url);
	return new Promise((done, fail) => {
		signaling.open().then(() => {
			const call = new Call(signaling);
			open.push(() => { call.hangUp().then(() => signaling.close()); });
			call.addEventListener('track', (e) => done(e.track));
			call.addEventListener('refused', (e) => fail(e.error));
			call.pc.addTrack(track, new MediaStream([track]));
		}, fail);
	});
}

/** The same by a second connection of this page, which sends it back. */
async function byBrowsers(track) {
	const near = new RTCPeerConnection();
	const far = new RTCPeerConnection();
	open.push(() => { near.close(); far.close(); });
	near.onicecandidate = (e) => e.candidate && far.addIceCandidate(e.candidate);
	far.onicecandidate = (e) => e.candidate && near.addIceCandidate(e.candidate);
	const back = new Promise((done) => {
		near.ontrack = (e) => done(e.track);
	});
	near.addTrack(track, new MediaStream([track]));
	await near.setLocalDescription();
	await far.setRemoteDescription(near.localDescription);
	const [transceiver] = far.getTransceivers();
	transceiver.direction = 'sendrecv';
	const arrived = transceiver.receiver.track;
	// Decoded and encoded again, as the server does it.
	await transceiver.sender.replaceTrack(arrived);
	await far.setLocalDescription();
	await near.setRemoteDescription(far.localDescription);
	return back;
}

window.probe = {
	async start(kind, what, url) {
		const through = kind === 'server' ? byServer : byBrowsers;
		if (what === 'sound') {
			chirps = await Chirps.start();
			const [track] = chirps.out.stream.getAudioTracks();
			await chirps.listen(await through(track, url));
		} else {
			picture = new Picture({ width: 640, height: 360, rate: 30 });
			eye = new Eye(await through(picture.track, url), picture);
		}
	},
	forget() {
		if (chirps)
			chirps.times.length = 0;
		eye?.reset();
	},
	result() { return chirps ? chirps.times : eye.delays; },
	stop() {
		chirps?.stop();
		picture?.stop();
		eye?.stop();
		for (const close of open)
			close();
		open = [];
	},
};
