// SPDX-License-Identifier: MIT OR Apache-2.0
/** Tones out, pitch and gaps of what comes back in. */

const KEEP = 2;	/* seconds of sound kept for the pitch */
const SILENT = 1e-4;
/*
 * 15 ms at 48 kHz. A lost Opus frame is 20 ms. On a busy machine Chromium's way
 * from decoder to WebAudio now and then runs dry for one block of 10 ms, with
 * an aiortc server too, while its decoder has concealed nothing.
 */
const GAP_SAMPLES = 720;

/** @type {Promise<AudioContext> | undefined} */
let context;

async function newContext() {
	const made = new AudioContext({ sampleRate: 48000 });
	await made.audioWorklet.addModule('listener.js');
	return made;
}

/** The page's one AudioContext, with the listening worklet loaded. */
export async function audioContext() {
	context ??= newContext();
	const made = await context;
	await made.resume();
	return made;
}

/** A steady tone as a media track; `set` changes its pitch. */
export async function tone(hz, gain = 0.25) {
	const audio = await audioContext();
	const source = audio.createOscillator();
	const level = audio.createGain();
	const out = audio.createMediaStreamDestination();
	source.frequency.value = hz;
	level.gain.value = gain;
	source.connect(level).connect(out);
	source.start();
	return {
		stream: out.stream,
		track: out.stream.getAudioTracks()[0],
		set(value) { source.frequency.value = value; },
		stop() { source.stop(); },
	};
}

/** Listens to a remote track: pitch, loudness, and stretches of silence. */
export class Ear {
	static async on(track) {
		const ear = new Ear();
		const audio = await audioContext();
		const stream = new MediaStream([track]);
		// Chromium lets remote sound flow only when an element plays it.
		ear.element = new Audio();
		ear.element.srcObject = stream;
		ear.element.muted = true;
		ear.element.play().catch(() => {});
		ear.source = audio.createMediaStreamSource(stream);
		ear.node = new AudioWorkletNode(audio, 'listener');
		const quiet = audio.createGain();
		quiet.gain.value = 0;
		ear.source.connect(ear.node).connect(quiet).connect(audio.destination);
		ear.rate = audio.sampleRate;
		ear.ring = new Float32Array(ear.rate * KEEP);
		ear.reset();
		ear.node.port.onmessage = (e) => ear.hear(e.data.pcm);
		return ear;
	}

	/** Starts counting anew. */
	reset() {
		this.total = 0;
		this.heard = false;
		this.silent = 0;
		this.gaps = [];
	}

	hear(pcm) {
		for (const s of pcm) {
			this.ring[this.total++ % this.ring.length] = s;
			if (Math.abs(s) < SILENT) {
				this.silent++;
				continue;
			}
			if (this.silent >= GAP_SAMPLES && this.heard)
				this.gaps.push(this.silent);
			this.silent = 0;
			this.heard = true;
		}
	}

	/** The newest second, oldest sample first. */
	newest(samples = this.rate) {
		const n = Math.min(samples, this.total, this.ring.length);
		const out = new Float32Array(n);
		for (let i = 0; i < n; i++)
			out[i] = this.ring[(this.total - n + i) % this.ring.length];
		return out;
	}

	/**
	 * @returns {{hz: number, purity: number, rms: number, gaps: number,
	 *   longestGapMs: number, samples: number}} purity: part of the energy
	 *   that the found tone explains, 1 for a clean tone
	 */
	report() {
		const pcm = this.newest();
		const { hz, purity } = pitch(pcm, this.rate);
		let energy = 0;
		for (const s of pcm)
			energy += s * s;
		return {
			hz, purity, rms: Math.sqrt(energy / Math.max(1, pcm.length)),
			gaps: this.gaps.length,
			longestGapMs: 1000 * Math.max(0, ...this.gaps) / this.rate,
			samples: this.total,
		};
	}

	stop() {
		this.source.disconnect();
		this.node.disconnect();
		this.element.srcObject = null;
	}
}

/**
 * Pitch by autocorrelation between 100 and 2,000 Hz with a parabola through
 * the best lag, over several periods for precision.
 */
export function pitch(pcm, rate) {
	const n = Math.min(8192, pcm.length >> 1);
	if (n < 2048)
		return { hz: 0, purity: 0 };
	const corr = (lag) => {
		let xy = 0, xx = 0, yy = 0;
		for (let i = 0; i < n; i++) {
			const x = pcm[i], y = pcm[i + lag];
			xy += x * y;
			xx += x * x;
			yy += y * y;
		}
		return xx && yy ? xy / Math.sqrt(xx * yy) : 0;
	};
	let best = 0, top = 0;
	const shortest = Math.floor(rate / 2000);
	const longest = Math.ceil(rate / 100);
	const values = [];
	for (let lag = shortest; lag <= longest; lag++)
		values.push(corr(lag));
	// The first local maximum near the top is the period, not a multiple.
	top = Math.max(...values);
	for (let i = 1; i < values.length - 1; i++) {
		if (values[i] > 0.97 * top && values[i] >= values[i - 1] &&
			values[i] >= values[i + 1]) {
			best = i + shortest;
			break;
		}
	}
	if (!best)
		return { hz: 0, purity: 0 };
	const near = Math.min(Math.round(best * 10), pcm.length - n - 2);
	const periods = Math.max(1, Math.round(near / best));
	const around = Math.round(best * periods);
	let at = around, peak = -1;
	for (let lag = around - periods; lag <= around + periods; lag++) {
		if (lag < 1 || lag >= pcm.length - n - 1)
			continue;
		const c = corr(lag);
		if (c > peak) {
			peak = c;
			at = lag;
		}
	}
	const [a, b, c] = [corr(at - 1), peak, corr(at + 1)];
	const shift = a - 2 * b + c ? 0.5 * (a - c) / (a - 2 * b + c) : 0;
	return { hz: periods * rate / (at + shift), purity: top };
}
