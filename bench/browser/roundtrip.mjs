// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Round trip of sound and picture as a browser sees it, its own page included:
 *   node bench/browser/roundtrip.mjs ws://127.0.0.1:8080 [seconds]
 *
 * A page plays a chirp twice a second and finds it again in what comes back by
 * correlation; its picture carries a number whose drawing is timed. The same
 * is measured between two connections of the page itself, which send back what
 * they get (Chromium to Chromium and back): the floor without the server.
 */
import { Rig, sleep } from '../../tests/browser/rig.mjs';

const SECONDS = Number(process.argv.slice(2)
	.find((a) => /^\d+$/.test(a)) ?? 15);
const SETTLE_MS = 4000;

function percentile(values, p) {
	if (!values.length)
		return NaN;
	const sorted = [...values].sort((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1,
		Math.floor(p / 100 * sorted.length))];
}

const row = (name, values) => [
	name.padEnd(26), String(values.length).padStart(5),
	...[50, 90, 99].map((p) => percentile(values, p).toFixed(1).padStart(8)),
].join(' ');

/** Runs one kind of round trip and returns its times in ms. */
async function measure(rig, kind, what) {
	const caller = await rig.caller({ announce: kind === 'server' });
	await caller.page.addScriptTag({
		type: 'module', content: 'import "/bench/probe.js";',
	});
	await caller.page.waitForFunction('window.probe !== undefined');
	const call = (name, ...args) => caller.page.evaluate(
		([n, a]) => window.probe[n](...a), [name, args]);
	await call('start', kind, what, rig.url);
	await sleep(SETTLE_MS);
	await call('forget');
	await sleep(SECONDS * 1000);
	const result = await call('result');
	await call('stop');
	await caller.close();
	return result;
}

const rig = await Rig.start();
const times = {};
for (const what of ['sound', 'picture']) {
	for (const kind of ['browsers', 'server']) {
		times[`${what} ${kind}`] = await measure(rig, kind, what);
	}
}
await rig.close();

console.log(`Round trip in ms, ${SECONDS} s each, page included`);
console.log(`${''.padEnd(26)} count      p50      p90      p99`);
let bad = false;
for (const what of ['sound', 'picture']) {
	const ours = times[`${what} server`];
	const bare = times[`${what} browsers`];
	console.log(row(`${what}, by the server`, ours));
	console.log(row(`${what}, browser to browser`, bare));
	const ratio = percentile(ours, 50) / percentile(bare, 50);
	console.log(`${''.padEnd(20)} ratio of p50 ${ratio.toFixed(2)}`);
	bad ||= !(ours.length && bare.length);
}
if (bad) {
	console.error('roundtrip: nothing came back');
	process.exit(1);
}
