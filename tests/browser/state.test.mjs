// SPDX-License-Identifier: MIT OR Apache-2.0
/** The page's states, without a page or a browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
	RETRY_MS, firstState, inCall, next, retryDelay,
} from '../../web/state.js';

const step = (name, state, at) => ({ type: 'step', name, state, at, text: '' });

/** A call that got as far as keys. */
function connected() {
	let s = next(firstState(), { type: 'open', at: 0 });
	s = next(s, { type: 'dial', at: 10 });
	for (const name of ['signaling', 'offer', 'answer', 'ice', 'dtls'])
		s = next(s, step(name, 'done', 60));
	return s;
}

test('connected when path and keys stand, with times from the dial', () => {
	const s = connected();
	assert.equal(s.phase, 'connected');
	assert.equal(s.steps.dtls.ms, 50);
});

test('a second offer does not undo the picture of the first', () => {
	const s = next(connected(), step('offer', 'active', 500));
	assert.equal(s.steps.offer.state, 'done');
	assert.equal(next(s, step('offer', 'done', 600)).steps.offer.ms, 50);
});

test('a lost path is shown, the phase stays until it is given up', () => {
	const s = next(connected(), step('ice', 'active', 500));
	assert.equal(s.steps.ice.state, 'active');
	assert.equal(s.phase, 'connected');
});

test('attempts get slower and end; success forgets them', () => {
	let s = connected();
	const pauses = [];
	for (;;) {
		s = next(s, { type: 'lost', at: 0, text: 'x' });
		const pause = retryDelay(s);
		if (pause === null)
			break;
		pauses.push(pause);
		s = next(s, { type: 'dial', at: 0 });
	}
	assert.deepEqual(pauses, [...RETRY_MS]);
	s = next(s, { type: 'dial', at: 0 });
	s = next(s, step('ice', 'done', 1));
	assert.equal(next(s, step('dtls', 'done', 2)).attempt, 0);
});

test('what was under way is what failed', () => {
	let s = next(firstState(), { type: 'dial', at: 0 });
	s = next(s, step('signaling', 'active', 1));
	s = next(s, { type: 'failed', at: 2, text: 'gone' });
	assert.equal(s.steps.signaling.state, 'failed');
	assert.equal(s.steps.offer.state, 'idle');
	assert.equal(inCall(s), false);
	assert.equal(next(s, step('offer', 'done', 3)), s);
});

test('hanging up leaves nothing', () => {
	assert.deepEqual(next(connected(), { type: 'hangup', at: 9 }), firstState());
});
