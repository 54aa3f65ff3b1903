// SPDX-License-Identifier: MIT OR Apache-2.0
// @ts-check
/** Where sound and picture come from: the camera, or made here. */

import { drawFrameCode } from './framecode.js';

/** Why there is no camera, in words; `kind` is for the page's help. */
export class MediaProblem extends Error {
	/** @param {string} kind @param {string} message */
	constructor(kind, message) {
		super(message);
		this.name = 'MediaProblem';
		this.kind = kind;
	}
}

/** @returns {Promise<MediaStream>} */
export async function openCamera() {
	if (!navigator.mediaDevices?.getUserMedia) {
		throw new MediaProblem('insecure',
			'The browser gives the camera only to pages from https:// or ' +
			'from localhost.');
	}
	try {
		return await navigator.mediaDevices.getUserMedia({
			audio: { echoCancellation: true, noiseSuppression: true },
			video: { width: 640, height: 360, frameRate: 30 },
		});
	} catch (error) {
		throw explain(/** @type {any} */ (error));
	}
}

/** @param {{name: string, message: string}} error */
function explain(error) {
	switch (error.name) {
	case 'NotFoundError':
	case 'OverconstrainedError':
		return new MediaProblem('missing',
			'No camera with a microphone was found on this device.');
	case 'NotAllowedError':
	case 'SecurityError':
		return new MediaProblem('refused',
			'The browser was not allowed to use the camera or the ' +
			'microphone. Allow both beside the address bar and try again.');
	case 'NotReadableError':
	case 'AbortError':
		return new MediaProblem('busy',
			'The camera or the microphone is in use by another program.');
	default:
		return new MediaProblem('other',
			`The camera could not be opened: ${error.message}`);
	}
}

/**
 * A moving picture: clock, sweeping hand, colours, and a code that tells
 * which frame it is, so that its way can be timed.
 */
export class TestPicture {
	#canvas = document.createElement('canvas');
	#ctx;
	#timer;
	#count = 0;
	#calm;
	/** When each of the last 1,024 codes was drawn, by code modulo 1,024. */
	#drawnAt = new Float64Array(1024);

	/** @param {{width?: number, height?: number, rate?: number}} [options] */
	constructor({ width = 640, height = 360, rate = 30 } = {}) {
		this.#canvas.width = width;
		this.#canvas.height = height;
		this.#ctx = /** @type {CanvasRenderingContext2D} */ (
			this.#canvas.getContext('2d', { alpha: false }));
		this.#calm = matchMedia('(prefers-reduced-motion: reduce)');
		this.#draw();
		this.stream = this.#canvas.captureStream(rate);
		this.#timer = setInterval(() => this.#draw(), 1000 / rate);
	}

	/** How long ago the frame with this code was drawn, in ms. */
	age(/** @type {number} */ code) {
		const at = this.#drawnAt[code % 1024];
		return at ? performance.now() - at : null;
	}

	stop() {
		clearInterval(this.#timer);
		for (const track of this.stream.getTracks())
			track.stop();
	}

	#draw() {
		const ctx = this.#ctx;
		const { width, height } = this.#canvas;
		const now = new Date();
		const turn = (now.getSeconds() + now.getMilliseconds() / 1000) / 60;
		const scene = height * 0.84;
		this.#backdrop(width, scene, this.#calm.matches ? 0 : turn);
		this.#clock(width * 0.2, scene * 0.5, scene * 0.34, turn);
		this.#words(now, width, scene);
		this.#drawnAt[this.#count % 1024] = performance.now();
		drawFrameCode(ctx, width, height, this.#count);
		this.#count = this.#count + 1 & 0xffff;
	}

	/** @param {number} width @param {number} height @param {number} turn */
	#backdrop(width, height, turn) {
		const ctx = this.#ctx;
		const sky = ctx.createLinearGradient(0, 0, width, height);
		const hue = 215 + 40 * Math.sin(turn * Math.PI * 2);
		sky.addColorStop(0, `hsl(${hue} 60% 16%)`);
		sky.addColorStop(1, `hsl(${hue + 50} 55% 34%)`);
		ctx.fillStyle = sky;
		ctx.fillRect(0, 0, width, height);
		for (let i = 0; i < 7; i++) {
			const a = turn * Math.PI * (6 + i * 2) + i * 1.7;
			const x = width * (0.5 + 0.46 * Math.sin(a));
			const y = height * (0.5 + 0.4 * Math.cos(a * 0.7 + i));
			ctx.beginPath();
			ctx.arc(x, y, height * (0.03 + 0.012 * i), 0, 2 * Math.PI);
			ctx.fillStyle = `hsl(${170 + i * 26} 85% 65% / 0.35)`;
			ctx.fill();
		}
	}

	/** @param {number} x @param {number} y @param {number} r @param {number} turn */
	#clock(x, y, r, turn) {
		const ctx = this.#ctx;
		const angle = turn * 2 * Math.PI - Math.PI / 2;
		ctx.lineCap = 'round';
		ctx.lineWidth = r * 0.12;
		ctx.strokeStyle = 'rgb(255 255 255 / 0.18)';
		ctx.beginPath();
		ctx.arc(x, y, r, 0, 2 * Math.PI);
		ctx.stroke();
		ctx.strokeStyle = '#5eead4';
		ctx.beginPath();
		ctx.arc(x, y, r, -Math.PI / 2, angle);
		ctx.stroke();
		ctx.lineWidth = r * 0.06;
		ctx.strokeStyle = '#fff';
		ctx.beginPath();
		ctx.moveTo(x, y);
		ctx.lineTo(x + r * 0.78 * Math.cos(angle), y + r * 0.78 * Math.sin(angle));
		ctx.stroke();
	}

	/** @param {Date} now @param {number} width @param {number} height */
	#words(now, width, height) {
		const ctx = this.#ctx;
		const pad = (/** @type {number} */ n, size = 2) =>
			String(n).padStart(size, '0');
		const time = `${pad(now.getHours())}:${pad(now.getMinutes())}:` +
			pad(now.getSeconds());
		const family = 'ui-monospace, "DejaVu Sans Mono", monospace';
		ctx.textAlign = 'left';
		ctx.fillStyle = '#fff';
		ctx.font = `600 ${height * 0.2}px ${family}`;
		ctx.fillText(time, width * 0.4, height * 0.52);
		ctx.font = `${height * 0.085}px ${family}`;
		ctx.fillStyle = 'rgb(255 255 255 / 0.85)';
		ctx.fillText(`.${pad(now.getMilliseconds(), 3)}  frame ` +
			pad(this.#count, 5), width * 0.405, height * 0.68);
	}
}

/**
 * A soft tone that swells once a second, so that the level meters move.
 */
export class TestTone {
	/** @param {AudioContext} context @param {number} [hz] */
	constructor(context, hz = 440) {
		this.hz = hz;
		this.nodes = [];
		const out = context.createMediaStreamDestination();
		const level = context.createGain();
		const swell = context.createOscillator();
		const depth = context.createGain();
		level.gain.value = 0.12;
		depth.gain.value = 0.07;
		swell.frequency.value = 1;
		swell.connect(depth).connect(level.gain);
		for (const [ratio, gain] of [[1, 1], [1.5, 0.35], [2, 0.15]]) {
			const tone = context.createOscillator();
			const part = context.createGain();
			tone.frequency.value = hz * ratio;
			part.gain.value = gain;
			tone.connect(part).connect(level);
			tone.start();
			this.nodes.push(tone);
		}
		swell.start();
		this.nodes.push(swell);
		level.connect(out);
		this.stream = out.stream;
	}

	stop() {
		for (const node of this.nodes)
			node.stop();
		for (const track of this.stream.getTracks())
			track.stop();
	}
}

/** How loud a stream is: 0 silent (below -60 dB) to 1 full scale. */
export class LevelMeter {
	#samples = new Float32Array(1024);
	#source;
	#analyser;

	/** @param {AudioContext} context @param {MediaStream} stream */
	constructor(context, stream) {
		this.#source = context.createMediaStreamSource(stream);
		this.#analyser = context.createAnalyser();
		this.#analyser.fftSize = this.#samples.length;
		this.#source.connect(this.#analyser);
	}

	read() {
		this.#analyser.getFloatTimeDomainData(this.#samples);
		let energy = 0;
		for (const s of this.#samples)
			energy += s * s;
		const db = 10 * Math.log10(energy / this.#samples.length + 1e-12);
		return Math.min(1, Math.max(0, 1 + db / 60));
	}

	stop() {
		this.#source.disconnect();
	}
}
