// SPDX-License-Identifier: MIT OR Apache-2.0
// @ts-check
/** A small line chart of the last minute on a canvas. */

const WINDOW_MS = 60000;

/** The next "round" number at or above n: 1, 2 or 5 times a power of ten. */
export function roundUp(/** @type {number} */ n) {
	const power = 10 ** Math.floor(Math.log10(n));
	const lead = n / power;
	return (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10) * power;
}

export class Chart {
	/** @type {{at: number, values: (number | null)[]}[]} */
	#points = [];
	#canvas;
	#floor;
	#colours;
	#unit;

	/**
	 * @param {HTMLCanvasElement} canvas
	 * @param {{floor: number, colours: string[], unit: string}} options
	 *   floor: the smallest top of the scale; colours: names of CSS variables,
	 *   one for each line
	 */
	constructor(canvas, { floor, colours, unit }) {
		this.#canvas = canvas;
		this.#floor = floor;
		this.#colours = colours;
		this.#unit = unit;
		new ResizeObserver(() => this.draw()).observe(canvas);
		matchMedia('(prefers-color-scheme: dark)')
			.addEventListener('change', () => this.draw());
	}

	clear() {
		this.#points = [];
		this.draw();
	}

	/** @param {(number | null)[]} values one for each line */
	add(values) {
		const at = performance.now();
		this.#points.push({ at, values });
		while (this.#points[0].at < at - WINDOW_MS - 2000)
			this.#points.shift();
		this.draw();
	}

	draw() {
		const ratio = devicePixelRatio || 1;
		const width = this.#canvas.clientWidth;
		const height = this.#canvas.clientHeight;
		const ctx = this.#canvas.getContext('2d');
		if (!ctx || !width || !height)
			return;
		this.#canvas.width = Math.round(width * ratio);
		this.#canvas.height = Math.round(height * ratio);
		ctx.scale(ratio, ratio);
		const style = getComputedStyle(this.#canvas);
		const top = this.#top();
		this.#grid(ctx, style, width, height, top);
		this.#colours.forEach((name, i) => this.#line(ctx, i,
			style.getPropertyValue(name).trim(), width, height, top));
	}

	#top() {
		let most = this.#floor;
		for (const { values } of this.#points) {
			for (const v of values)
				most = Math.max(most, v ?? 0);
		}
		return roundUp(most * 1.05);
	}

	/**
	 * @param {CanvasRenderingContext2D} ctx
	 * @param {CSSStyleDeclaration} style
	 * @param {number} width
	 * @param {number} height
	 * @param {number} top
	 */
	#grid(ctx, style, width, height, top) {
		ctx.strokeStyle = style.getPropertyValue('--line').trim();
		ctx.lineWidth = 1;
		for (const part of [0, 0.5, 1]) {
			const y = Math.round(4 + (height - 8) * part) + 0.5;
			ctx.beginPath();
			ctx.moveTo(0, y);
			ctx.lineTo(width, y);
			ctx.stroke();
		}
		ctx.fillStyle = style.getPropertyValue('--quiet').trim();
		ctx.font = `11px ${style.fontFamily}`;
		ctx.textBaseline = 'top';
		ctx.fillText(`${top} ${this.#unit}`, 2, 8);
	}

	/**
	 * @param {CanvasRenderingContext2D} ctx
	 * @param {number} index
	 * @param {string} colour
	 * @param {number} width
	 * @param {number} height
	 * @param {number} top
	 */
	#line(ctx, index, colour, width, height, top) {
		const end = this.#points.at(-1)?.at ?? 0;
		const bottom = height - 4;
		const places = this.#points
			.filter((p) => p.values[index] !== null)
			.map((p) => [
				width - 3 - (width - 3) * (end - p.at) / WINDOW_MS,
				bottom - (height - 8) * Number(p.values[index]) / top,
			]);
		if (!places.length)
			return;
		ctx.beginPath();
		places.forEach(([x, y], i) => i ? ctx.lineTo(x, y) : ctx.moveTo(x, y));
		ctx.strokeStyle = colour;
		ctx.lineWidth = 2;
		ctx.lineJoin = 'round';
		ctx.stroke();
		const [x, y] = places[places.length - 1];
		ctx.lineTo(x, bottom);
		ctx.lineTo(places[0][0], bottom);
		ctx.closePath();
		ctx.globalAlpha = 0.12;
		ctx.fillStyle = colour;
		ctx.fill();
		ctx.globalAlpha = 1;
		ctx.beginPath();
		ctx.arc(x, y, 3, 0, 2 * Math.PI);
		ctx.fill();
	}
}
