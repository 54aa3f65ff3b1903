// SPDX-License-Identifier: MIT OR Apache-2.0
/** Waiting for messages; for Node and browsers. */

/** Longest wait for anything a test waits for. */
export const DEADLINE_MS = 15000;

/** Values that come one by one; `next` waits for one that fits. */
export class Mailbox {
	constructor() {
		this.items = [];
		this.wake = () => {};
		this.ended = null;
	}

	put(item) {
		this.items.push(item);
		this.wake();
	}

	/** Nothing more comes; who waits is told why. */
	end(why = 'the stream ended') {
		this.ended ??= why;
		this.wake();
	}

	/**
	 * Takes the first that fits out.
	 * @param {(item: any) => boolean} fits
	 * @param {string} what for the error
	 */
	async next(fits = () => true, what = 'anything') {
		const end = Date.now() + DEADLINE_MS;
		for (;;) {
			const i = this.items.findIndex(fits);
			if (i >= 0)
				return this.items.splice(i, 1)[0];
			const left = end - Date.now();
			if (this.ended || left <= 0) {
				throw new Error(`${what} did not come` +
					`${this.ended ? `: ${this.ended}` : ''}; there is ` +
					JSON.stringify(this.items));
			}
			await new Promise((done) => {
				const timer = setTimeout(done, left);
				this.wake = () => { clearTimeout(timer); done(); };
			});
		}
	}
}
