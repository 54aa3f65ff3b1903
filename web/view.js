// SPDX-License-Identifier: MIT OR Apache-2.0
// @ts-check
/** Everything that touches the document, but for the echo. */

import { Chart } from './chart.js';
import { STEPS, inCall } from './state.js';

/** @type {(id: string) => any} */
export const $ = (id) => document.getElementById(id);

const PHASES = {
	idle: 'Not connected',
	opening: 'Opening camera\u2026',
	connecting: 'Connecting\u2026',
	connected: 'Connected',
	waiting: 'Trying again\u2026',
	failed: 'Not connected',
};

const MARKS = { idle: '', active: '\u2026', done: '\u2713', failed: '!' };

/** The four charts: which figure of `stats.js` goes where. */
const CHARTS = [
	{
		id: 'rtt', title: 'Round trip', unit: 'ms', floor: 5, digits: 1,
		lines: [
			{ colour: '--one', key: 'rttMs', name: 'network' },
			{ colour: '--two', key: 'messageMs', name: 'message' },
		],
	},
	{
		id: 'rate', title: 'Bitrate', unit: 'kbit/s', floor: 100, digits: 0,
		lines: [
			{ colour: '--two', key: 'sendKbps', name: 'out' },
			{ colour: '--one', key: 'receiveKbps', name: 'in' },
		],
	},
	{
		id: 'loss', title: 'Packets lost', unit: '%', floor: 1, digits: 1,
		lines: [{ colour: '--four', key: 'lossPercent', name: '' }],
	},
	{
		id: 'jitter', title: 'Jitter', unit: 'ms', floor: 5, digits: 1,
		lines: [{ colour: '--three', key: 'jitterMs', name: '' }],
	},
];

/** @param {string} tag @param {object} [props] @param {any[]} children */
function make(tag, props = {}, ...children) {
	const element = Object.assign(document.createElement(tag), props);
	element.append(...children);
	return element;
}

/** Draws the numbered steps once; `showState` fills them. */
export function buildSteps() {
	$('steps').append(...STEPS.map(({ name, title, help }, i) => {
		const item = make('li', {},
			make('span', { className: 'mark', textContent: String(i + 1) }),
			make('b', { textContent: title }),
			make('small', { textContent: help }));
		item.dataset.step = name;
		return item;
	}));
}

/** @param {import('./state.js').State} state */
export function showState(state) {
	const status = $('status');
	status.dataset.phase = state.phase;
	status.textContent = PHASES[state.phase];
	const connect = $('connect');
	connect.textContent = state.phase === 'connected' ? 'Hang up'
		: inCall(state) ? 'Cancel' : 'Connect';
	connect.classList.toggle('ends', inCall(state));
	for (const radio of document.querySelectorAll('[name=source]'))
		/** @type {HTMLInputElement} */ (radio).disabled = inCall(state);
	$('url').disabled = inCall(state);
	STEPS.forEach(({ name, help }, i) => {
		const step = state.steps[name];
		const item = $('steps').children[i];
		item.dataset.state = step.state;
		item.querySelector('.mark').textContent =
			MARKS[step.state] || String(i + 1);
		item.querySelector('small').textContent = stepText(step, help);
		item.setAttribute('aria-label',
			`${STEPS[i].title}: ${step.state}, ${stepText(step, help)}`);
	});
}

/** @param {import('./state.js').Step} step @param {string} help */
function stepText(step, help) {
	if (step.state === 'idle')
		return help;
	if (step.state === 'done' && step.ms !== null)
		return `${step.text ? `${step.text}, ` : ''}${step.ms} ms`;
	return step.text || help;
}

/**
 * @param {{title: string, text: string, mild?: boolean, test?: boolean,
 *   retry?: string}} problem test: offer the test picture; retry: label of
 *   the button that tries again, none if absent
 */
export function showProblem({ title, text, mild, test, retry }) {
	$('banner').classList.toggle('mild', Boolean(mild));
	$('banner-title').textContent = title;
	$('banner-text').textContent = text;
	$('banner-test').hidden = !test;
	$('banner-retry').hidden = !retry;
	$('banner-retry').textContent = retry ?? '';
	$('banner').hidden = false;
}

export function hideProblem() {
	$('banner').hidden = true;
}

/** @param {string} id @param {string} text empty: a picture is there */
export function showEmpty(id, text) {
	$(id).textContent = text;
	$(id).hidden = !text;
}

/** Builds the charts and returns what feeds them. */
export function buildCharts() {
	const parts = CHARTS.map((spec) => {
		const canvas = /** @type {any} */ (make('canvas'));
		canvas.setAttribute('role', 'img');
		canvas.setAttribute('aria-label', `${spec.title} in the last minute`);
		const now = make('p', { className: 'now', id: `now-${spec.id}` });
		const card = make('div', { className: 'card chart' },
			make('h3', {}, spec.title,
				make('small', { textContent: `, ${spec.unit}` })),
			now, canvas);
		$('charts').append(card);
		const chart = new Chart(canvas, {
			floor: spec.floor, unit: spec.unit,
			colours: spec.lines.map((l) => l.colour),
		});
		showNow(now, spec, {});
		return { spec, now, chart };
	});
	return {
		/** @param {any} figures */
		add(figures) {
			for (const { spec, now, chart } of parts) {
				chart.add(spec.lines.map((l) => figures[l.key] ?? null));
				showNow(now, spec, figures);
			}
		},
		clear() {
			for (const { spec, now, chart } of parts) {
				chart.clear();
				showNow(now, spec, {});
			}
		},
	};
}

/** @param {HTMLElement} now @param {any} spec @param {any} figures */
function showNow(now, spec, figures) {
	now.replaceChildren(...spec.lines.map((/** @type {any} */ line) => {
		const value = figures[line.key];
		const text = value === null || value === undefined
			? '\u2013' : value.toFixed(spec.digits);
		const dot = make('i');
		dot.style.background = `var(${line.colour})`;
		return make('span', {}, ...line.name ? [dot] : [],
			make('b', { textContent: text }),
			make('small', { textContent: line.name ? ` ${line.name}` : '' }));
	}));
}

/** @param {string} id @param {number} level 0 to 1 */
export function showLevel(id, level) {
	const percent = Math.round(level * 100);
	$(id).style.setProperty('--level', `${percent}%`);
	$(id).setAttribute('aria-valuenow', String(percent));
}

/** @param {Record<string, string>} facts */
export function showFacts(facts) {
	const entries = Object.entries(facts);
	$('no-facts').hidden = entries.length > 0;
	$('facts').replaceChildren(...entries.flatMap(([name, value]) => [
		make('dt', { textContent: name }), make('dd', { textContent: value }),
	]));
	$('sent-facts').textContent = facts['Picture sent'] ?? '';
	$('returned-facts').textContent = facts['Picture returned'] ?? '';
}
