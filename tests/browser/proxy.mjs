// SPDX-License-Identifier: MIT OR Apache-2.0
/** A TCP proxy whose connections a test can cut, and that can be shut. */
import { connect, createServer } from 'node:net';

export class Proxy {
	/** @param {string} url ws:// of the real server */
	static async to(url) {
		const proxy = new Proxy();
		const { hostname, port } = new URL(url);
		proxy.pairs = new Set();
		proxy.shut = false;
		proxy.server = createServer((near) => {
			if (proxy.shut) {
				near.resetAndDestroy();
				return;
			}
			const far = connect(Number(port), hostname);
			const pair = [near, far];
			proxy.pairs.add(pair);
			for (const [a, b] of [[near, far], [far, near]]) {
				a.pipe(b);
				a.on('error', () => {});
				a.on('close', () => {
					proxy.pairs.delete(pair);
					b.destroy();
				});
			}
		});
		await new Promise((done) =>
			proxy.server.listen(0, '127.0.0.1', done));
		proxy.url = `ws://127.0.0.1:${proxy.server.address().port}`;
		return proxy;
	}

	/** Resets what is open: nobody can say farewell. */
	cut() {
		const { size } = this.pairs;
		for (const [near, far] of this.pairs) {
			near.resetAndDestroy();
			far.resetAndDestroy();
		}
		this.pairs.clear();
		return size;
	}

	/** What is open stays open, but nothing passes any more. */
	freeze() {
		for (const [near, far] of this.pairs) {
			near.unpipe();
			far.unpipe();
			near.pause();
			far.pause();
		}
		return this.pairs.size;
	}

	async close() {
		this.cut();
		await new Promise((done) => this.server.close(done));
	}
}
