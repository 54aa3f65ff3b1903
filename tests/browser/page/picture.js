// SPDX-License-Identifier: MIT OR Apache-2.0
/** Pictures with a readable number out, numbers of what comes back in. */
import { FrameCodeReader, drawFrameCode } from '/web/framecode.js';

/** A canvas that is drawn anew `rate` times a second, as a media track. */
export class Picture {
	constructor({ width = 640, height = 360, rate = 30 } = {}) {
		this.canvas = document.createElement('canvas');
		this.canvas.width = width;
		this.canvas.height = height;
		this.ctx = this.canvas.getContext('2d', { alpha: false });
		this.count = 0;
		this.drawnAt = new Map();
		this.draw();
		this.stream = this.canvas.captureStream(rate);
		this.track = this.stream.getVideoTracks()[0];
		this.timer = setInterval(() => this.draw(), 1000 / rate);
	}

	resize(width, height) {
		this.canvas.width = width;
		this.canvas.height = height;
		this.draw();
	}

	draw() {
		const { ctx, canvas: { width, height }, count } = this;
		for (let i = 0; i < 8; i++) {
			ctx.fillStyle = `hsl(${(i * 45 + count * 3) % 360} 60% 45%)`;
			ctx.fillRect(width * i / 8, 0, width / 8 + 1, height);
		}
		ctx.fillStyle = '#fff';
		const x = (Math.sin(count / 20) + 1) / 2 * (width - height / 4);
		ctx.fillRect(x, height / 4, height / 4, height / 4);
		drawFrameCode(ctx, width, height, count);
		this.drawnAt.set(count, performance.now());
		this.drawnAt.delete(count - 600 & 0xffff);
		this.count = count + 1 & 0xffff;
	}

	stop() {
		clearInterval(this.timer);
		this.track.stop();
	}
}

/** Looks at a remote track: which codes were seen, in which sizes. */
export class Eye {
	/** @param {Picture} [source] times each code if given */
	constructor(track, source) {
		this.reader = new FrameCodeReader();
		this.source = source;
		this.video = document.createElement('video');
		this.video.muted = true;
		this.video.srcObject = new MediaStream([track]);
		document.body.append(this.video);
		this.video.play().catch(() => {});
		this.reset();
		this.video.requestVideoFrameCallback((now) => this.look(now));
	}

	reset() {
		this.frames = 0;
		this.unreadable = 0;
		this.backwards = 0;
		this.codes = new Set();
		this.last = null;
		this.delays = [];
		this.sizes = new Set();
		this.lastAt = 0;
		this.longestPause = 0;
	}

	look(now) {
		const { videoWidth: w, videoHeight: h } = this.video;
		const code = this.reader.read(this.video, w, h);
		this.frames++;
		if (this.lastAt)
			this.longestPause = Math.max(this.longestPause, now - this.lastAt);
		this.lastAt = now;
		if (code === null) {
			this.unreadable++;
		} else {
			this.sizes.add(`${w}x${h}`);
			const step = this.last === null ? 1 : code - this.last & 0xffff;
			if (step > 0x7fff)
				this.backwards++;
			if (!this.codes.has(code) && this.source?.drawnAt.has(code))
				this.delays.push(now - this.source.drawnAt.get(code));
			this.codes.add(code);
			this.last = code;
		}
		this.video.requestVideoFrameCallback((at) => this.look(at));
	}

	report() {
		const { videoWidth: w, videoHeight: h } = this.video;
		return {
			frames: this.frames, unreadable: this.unreadable,
			backwards: this.backwards, distinct: this.codes.size,
			last: this.last, size: w ? `${w}x${h}` : '',
			sizes: [...this.sizes], longestPauseMs: this.longestPause,
		};
	}

	stop() {
		this.video.srcObject = null;
		this.video.remove();
	}
}
