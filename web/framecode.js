// SPDX-License-Identifier: MIT OR Apache-2.0
// @ts-check
/**
 * A number that a camera can read: 16 bits of counter and an 8-bit check (CRC,
 * polynomial 0x07) as 24 black or white cells, two rows of twelve, most
 * significant first, over the whole width of the lowest 16 % of the picture.
 * Places are relative, so the code survives any change of size.
 */

const COLUMNS = 12;
const ROWS = 2;
const TOP = 0.84;
const DARK = 96;
const LIGHT = 160;

/** @param {number} value 16 bits */
function check(value) {
	let crc = 0;
	for (const byte of [value >> 8, value & 255]) {
		crc ^= byte;
		for (let i = 0; i < 8; i++)
			crc = crc & 0x80 ? (crc << 1 ^ 0x07) & 255 : crc << 1;
	}
	return crc ^ 0x55;
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} width
 * @param {number} height
 * @param {number} value its low 16 bits are drawn
 */
export function drawFrameCode(ctx, width, height, value) {
	const bits = (value & 0xffff) * 256 + check(value & 0xffff);
	const top = Math.round(height * TOP);
	ctx.fillStyle = '#000';
	ctx.fillRect(0, top, width, height - top);
	ctx.fillStyle = '#fff';
	for (let i = 0; i < COLUMNS * ROWS; i++) {
		if (!(bits >> 23 - i & 1))
			continue;
		const { x, y, w, h } = cell(i, width, height);
		ctx.fillRect(x, y, w, h);
	}
}

/** @param {number} i @param {number} width @param {number} height */
function cell(i, width, height) {
	const column = i % COLUMNS;
	const row = Math.floor(i / COLUMNS);
	const x = Math.round(width * column / COLUMNS);
	const y = Math.round(height * (TOP + (1 - TOP) * row / ROWS));
	return {
		x, y,
		w: Math.round(width * (column + 1) / COLUMNS) - x,
		h: Math.round(height * (TOP + (1 - TOP) * (row + 1) / ROWS)) - y,
	};
}

/** Reads codes out of pictures; keeps one small canvas for it. */
export class FrameCodeReader {
	#canvas = document.createElement('canvas');
	#ctx;

	constructor() {
		this.#canvas.width = COLUMNS * 8;
		this.#canvas.height = ROWS * 8;
		this.#ctx = /** @type {CanvasRenderingContext2D} */ (
			this.#canvas.getContext('2d', { willReadFrequently: true }));
	}

	/**
	 * @param {CanvasImageSource} picture
	 * @param {number} width
	 * @param {number} height
	 * @returns {number | null} null: no readable code in it
	 */
	read(picture, width, height) {
		if (!width || !height)
			return null;
		const w = this.#canvas.width;
		const h = this.#canvas.height;
		this.#ctx.drawImage(picture, 0, height * TOP, width,
			height * (1 - TOP), 0, 0, w, h);
		const { data } = this.#ctx.getImageData(0, 0, w, h);
		let bits = 0;
		for (let i = 0; i < COLUMNS * ROWS; i++) {
			const light = mean(data, w, i % COLUMNS * 8,
				Math.floor(i / COLUMNS) * 8);
			if (light > DARK && light < LIGHT)
				return null;
			bits = bits * 2 + (light >= LIGHT ? 1 : 0);
		}
		const value = bits >> 8;
		return (bits & 255) === check(value) ? value : null;
	}
}

/**
 * The middle of one cell, its edges left out.
 * @param {Uint8ClampedArray} data
 * @param {number} width
 * @param {number} left
 * @param {number} top
 */
function mean(data, width, left, top) {
	let total = 0;
	for (let y = top + 3; y < top + 5; y++) {
		for (let x = left + 3; x < left + 5; x++)
			total += data[(y * width + x) * 4 + 1];
	}
	return total / 4;
}
