// SPDX-License-Identifier: MIT OR Apache-2.0
// @ts-check
/**
 * What the page knows, without a page: one plain object and a pure function
 * from (state, event) to the next state. `app.js` draws it.
 */

/** The steps of connecting, in order. */
export const STEPS = Object.freeze([
	{ name: 'signaling', title: 'Signaling', help: 'WebSocket to the server' },
	{ name: 'offer', title: 'Offer', help: 'what this browser sends' },
	{ name: 'answer', title: 'Answer', help: 'what the server takes' },
	{ name: 'ice', title: 'ICE', help: 'a network path between both' },
	{ name: 'dtls', title: 'DTLS', help: 'keys for encryption' },
	{ name: 'media', title: 'Media', help: 'sound and picture come back' },
	{ name: 'data', title: 'Data', help: 'messages come back' },
]);

/** Pauses before each new attempt, in ms. */
export const RETRY_MS = Object.freeze([500, 1000, 2000, 4000, 8000, 15000]);

/**
 * @typedef {'idle' | 'opening' | 'connecting' | 'connected' | 'waiting' |
 *   'failed'} Phase
 * @typedef {{state: 'idle' | 'active' | 'done' | 'failed', text: string,
 *   ms: number | null}} Step
 * @typedef {object} State
 * @property {Phase} phase
 * @property {Record<string, Step>} steps
 * @property {number} startedAt ms
 * @property {number} attempt consecutive attempts that failed
 * @property {string} why the last problem, for people
 */

/** @returns {Record<string, Step>} */
function freshSteps() {
	return Object.fromEntries(STEPS.map(({ name }) =>
		[name, { state: 'idle', text: '', ms: null }]));
}

/** @returns {State} */
export function firstState() {
	return {
		phase: 'idle', steps: freshSteps(), startedAt: 0, attempt: 0, why: '',
	};
}

/** @param {State} state */
export function inCall(state) {
	return state.phase !== 'idle' && state.phase !== 'failed';
}

/** Milliseconds until the next attempt, or null when it is given up. */
export function retryDelay(/** @type {State} */ state) {
	return RETRY_MS[state.attempt - 1] ?? null;
}

/**
 * @param {State} state
 * @param {{type: string, at: number, name?: string, state?: any,
 *   text?: string}} event
 * @returns {State}
 */
export function next(state, event) {
	switch (event.type) {
	case 'open':
		return { ...firstState(), phase: 'opening', startedAt: event.at };
	case 'dial':
		return {
			...state, phase: 'connecting', steps: freshSteps(),
			startedAt: event.at,
		};
	case 'step':
		return stepped(state, event);
	case 'lost':
		return {
			...state, phase: 'waiting', attempt: state.attempt + 1,
			why: event.text ?? '', steps: broken(state.steps),
		};
	case 'failed':
		return {
			...state, phase: 'failed', why: event.text ?? '',
			steps: broken(state.steps),
		};
	case 'hangup':
		return firstState();
	default:
		throw new Error(`unknown event ${event.type}`);
	}
}

/** What was under way is what failed. */
function broken(/** @type {Record<string, Step>} */ steps) {
	/** @type {Record<string, Step>} */
	const out = {};
	for (const [name, step] of Object.entries(steps)) {
		out[name] = step.state === 'active'
			? { ...step, state: 'failed' } : step;
	}
	return out;
}

/** @param {State} state @param {any} event */
function stepped(state, event) {
	const old = state.steps[event.name];
	if (!old || !inCall(state))
		return state;
	// A renegotiation passes offer and answer again: the picture of how the
	// call was set up stays.
	if (old.state === 'done' && event.state === 'active' &&
		event.name !== 'ice' && event.name !== 'signaling')
		return state;
	const ms = event.state === 'done'
		? old.ms ?? Math.max(0, Math.round(event.at - state.startedAt))
		: old.ms;
	/** @type {Record<string, Step>} */
	const steps = {
		...state.steps,
		[event.name]: { state: event.state, text: event.text ?? '', ms },
	};
	const there = steps.ice.state === 'done' && steps.dtls.state === 'done';
	const phase = state.phase === 'connecting' && there
		? 'connected' : state.phase;
	return {
		...state, steps, phase,
		attempt: phase === 'connected' ? 0 : state.attempt,
	};
}
