// SPDX-License-Identifier: MIT OR Apache-2.0
// @ts-check
/** The message echo: sends text, shows what came back and how fast. */

import { $ } from './view.js';

const SHOWN = 6;

export class Echo {
	/** @type {RTCDataChannel | null} */
	#channel = null;
	#next = 1;
	/** @type {Map<number, {at: number, item: HTMLElement | null}>} */
	#waiting = new Map();
	/** Round trip of the newest message, in ms; null: none came back yet. */
	lastMs = /** @type {number | null} */ (null);

	constructor() {
		$('echo').addEventListener('submit', (/** @type {Event} */ e) => {
			e.preventDefault();
			const text = $('text').value;
			if (!text)
				return;
			$('text').value = '';
			this.#send(text);
		});
	}

	/** @param {RTCDataChannel} channel */
	use(channel) {
		this.drop();
		this.#channel = channel;
		channel.onopen = () => this.#enable(true);
		channel.onclose = () => this.#enable(false);
		channel.onmessage = (e) => this.#back(e.data);
	}

	/** A message of its own, not shown: keeps the chart moving. */
	ping() {
		if (this.#channel?.readyState === 'open' && this.#waiting.size < 20)
			this.#post(null, undefined);
	}

	drop() {
		this.#channel = null;
		this.lastMs = null;
		for (const { item } of this.#waiting.values()) {
			if (item)
				this.#time(item, 'did not come back');
		}
		this.#waiting.clear();
		this.#enable(false);
	}

	/** @param {boolean} on */
	#enable(on) {
		$('text').disabled = !on;
		$('send').disabled = !on;
	}

	/** @param {string} text */
	#send(text) {
		const item = document.createElement('li');
		const words = document.createElement('span');
		const time = document.createElement('span');
		words.textContent = text;
		time.className = 'time';
		time.textContent = 'on its way';
		item.append(words, time);
		$('messages').prepend(item);
		while ($('messages').children.length > SHOWN)
			$('messages').lastChild.remove();
		this.#post(item, text);
	}

	/** @param {HTMLElement | null} item @param {string | undefined} text */
	#post(item, text) {
		const id = this.#next++;
		try {
			this.#channel?.send(JSON.stringify({ id, text }));
			this.#waiting.set(id, { at: performance.now(), item });
		} catch {
			if (item)
				this.#time(item, 'could not be sent');
		}
	}

	/** @param {any} data */
	#back(data) {
		let message;
		try {
			message = JSON.parse(data);
		} catch {
			return;
		}
		const sent = this.#waiting.get(message?.id);
		if (!sent)
			return;
		this.#waiting.delete(message.id);
		this.lastMs = performance.now() - sent.at;
		if (!sent.item)
			return;
		const words = sent.item.querySelector('span');
		if (words)
			words.textContent = String(message.text);
		this.#time(sent.item, `${this.lastMs.toFixed(1)} ms`);
	}

	/** @param {HTMLElement} item @param {string} text */
	#time(item, text) {
		const time = item.querySelector('.time');
		if (time)
			time.textContent = text;
	}
}
