// SPDX-License-Identifier: MIT OR Apache-2.0
// @ts-check
/** The demo page: puts camera, call and view together. */

import { RemoteMedia, defaultUrl } from './client/remotemedia.js';
import { Echo } from './echo.js';
import { FrameCodeReader } from './framecode.js';
import {
	LevelMeter, MediaProblem, TestPicture, TestTone, openCamera,
} from './media.js';
import { firstState, inCall, next, retryDelay } from './state.js';
import {
	$, buildCharts, buildSteps, hideProblem, showEmpty, showFacts,
	showLevel, showProblem, showState,
} from './view.js';

const STATS_MS = 1000;
const METER_MS = 50;

/** @type {import('./state.js').State} */
let state = firstState();
/** @type {RemoteMedia | null} */
let client = null;
/** @type {import('./client/remotemedia.js').Call | null} */
let call = null;
/** @type {MediaStream | null} */
let outgoing = null;
/** @type {{picture: TestPicture, tone: TestTone} | null} */
let made = null;
/** @type {AudioContext | null} */
let audio = null;
/** @type {LevelMeter | null} */
let ownMeter = null;
/** @type {LevelMeter | null} */
let returnedMeter = null;
/** @type {any} */
let retryTimer = null;
/** Which press of Connect this is: what an older one still does is void. */
let round = 0;
let returned = new MediaStream();
const echo = new Echo();
const charts = buildCharts();
const reader = new FrameCodeReader();

/** @param {any} event */
function tell(event) {
	state = next(state, { at: performance.now(), ...event });
	showState(state);
	const live = state.phase === 'connected' || state.phase === 'connecting';
	$('mute').disabled = !live;
	$('blank').disabled = !live;
}

function serverUrl() {
	return new URLSearchParams(location.search).get('url') ?? defaultUrl();
}

function source() {
	return /** @type {HTMLInputElement} */ (
		document.querySelector('[name=source]:checked')).value;
}

/** Press of Connect. */
async function begin() {
	const mine = ++round;
	hideProblem();
	tell({ type: 'open' });
	audio ??= new AudioContext();
	audio.resume();
	try {
		const stream = await openSource(audio);
		if (mine !== round) {
			stream.getTracks().forEach((t) => t.stop());
			return;
		}
		outgoing = stream;
	} catch (error) {
		if (mine === round)
			cameraFailed(/** @type {any} */ (error));
		return;
	}
	$('own').srcObject = outgoing;
	$('own-label').textContent = made ? 'Test tone' : 'Microphone';
	$('code-hint').hidden = !made;
	showEmpty('own-empty', '');
	ownMeter = new LevelMeter(audio, outgoing);
	await dial(mine);
}

/** @param {AudioContext} context @returns {Promise<MediaStream>} */
async function openSource(context) {
	if (source() === 'camera')
		return openCamera();
	made = { picture: new TestPicture(), tone: new TestTone(context) };
	return new MediaStream([
		...made.picture.stream.getTracks(), ...made.tone.stream.getTracks(),
	]);
}

/** @param {Error} error */
function cameraFailed(error) {
	tell({ type: 'failed', text: error.message });
	const known = error instanceof MediaProblem;
	showProblem({
		title: known && error.kind === 'refused'
			? 'Camera and microphone are not allowed' : 'No camera',
		text: error.message, test: true, retry: 'Try again',
	});
}

/** One attempt to connect. @param {number} mine */
async function dial(mine) {
	tell({ type: 'dial' });
	showEmpty('returned-empty', 'Connecting\u2026');
	const url = $('url').value.trim() || serverUrl();
	tell({ type: 'step', name: 'signaling', state: 'active', text: 'opening' });
	try {
		client ??= newClient(url);
		await client.connect();
	} catch (error) {
		if (mine === round)
			noServer(url, /** @type {any} */ (error));
		return;
	}
	if (mine !== round)
		return;
	tell({ type: 'step', name: 'signaling', state: 'done', text: 'announced' });
	await startCall(client);
}

/** @param {string} url @param {Error & {code?: number}} error */
function noServer(url, error) {
	tell({ type: 'step', name: 'signaling', state: 'failed', text: 'no answer' });
	if (error.code) {
		giveUp('The server did not let this page in', error);
		return;
	}
	problemAndRetry('The server does not answer',
		`Nothing answers at ${url}. Is the server running?`);
}

/** @param {string} title @param {Error & {code?: number}} error */
function giveUp(title, error) {
	const code = error.code ? ` (code ${error.code})` : '';
	stopCall();
	tell({ type: 'failed', text: error.message });
	showProblem({
		title, text: `It said: \u201c${error.message}\u201d${code}.`,
		retry: 'Try again',
	});
}

/** What a call that broke off needs is for the person to see: the page calls
 * again itself. @param {string} url */
function newClient(url) {
	const asked = new URLSearchParams(location.search);
	// After the #, so that it is in no request and no log.
	const secret = new URLSearchParams(location.hash.slice(1));
	const made = new RemoteMedia({
		url, recall: false, session: asked.get('session') ?? undefined,
		token: secret.get('token') ?? undefined,
	});
	made.addEventListener('statechange', (e) => {
		if (made === client && call)
			signalingChanged(e.state);
	});
	made.addEventListener('track', (e) => trackBack(e.track));
	made.addEventListener('lost', () => problemAndRetry(
		'The connection is lost', 'Nothing has come from the server lately.'));
	made.addEventListener('ended', (e) => problemAndRetry(
		'The server ended the call',
		`Its reason: ${e.reason || 'none given'}.`));
	return made;
}

/** @param {string} how */
function signalingChanged(how) {
	if (how === 'reconnecting') {
		tell({
			type: 'step', name: 'signaling', state: 'active',
			text: 'lost, reconnecting',
		});
		showProblem({
			title: 'The signaling connection is lost', mild: true,
			text: 'The call itself goes on. Connecting again\u2026',
		});
	} else if (how === 'open') {
		tell({ type: 'step', name: 'signaling', state: 'done', text: 'back' });
		hideProblem();
	}
}

/** @param {RemoteMedia} through */
async function startCall(through) {
	returned = new MediaStream();
	$('returned').srcObject = returned;
	const current = await through.call(undefined,
		{ stream: outgoing ?? undefined, data: false });
	call = current;
	current.addEventListener('step', (e) => {
		const { name, state: how, text } = e;
		tell({ type: 'step', name, state: how, text });
		if (state.phase === 'connected' && name === 'dtls')
			hideProblem();
	});
	current.addEventListener('refused', (e) => {
		if (state.phase !== 'connected')
			giveUp('The server refused the call', e.error);
	});
	echo.use(current.openChannel('echo'));
}

/** @param {MediaStreamTrack} track */
function trackBack(track) {
	returned.addTrack(track);
	if (track.kind === 'audio' && audio) {
		returnedMeter?.stop();
		returnedMeter = new LevelMeter(audio, new MediaStream([track]));
	}
	$('returned').play().catch(() => {});
}

/** Ends what is left of the call and tries again, more and more slowly. */
function problemAndRetry(
	/** @type {string} */ title, /** @type {string} */ text) {
	const mine = round;
	stopCall();
	tell({ type: 'lost', text: title });
	const delay = retryDelay(state);
	if (delay === null) {
		tell({ type: 'failed', text: title });
		showProblem({ title, text, retry: 'Try again' });
		showEmpty('returned-empty', 'Nothing yet');
		return;
	}
	showEmpty('returned-empty', 'Waiting for the server\u2026');
	const seconds = delay < 1000 ? 'half a second' : `${delay / 1000} s`;
	showProblem({
		title, text: `${text} Next attempt in ${seconds}.`, mild: true,
		retry: 'Try now',
	});
	retryTimer = setTimeout(() => mine === round && dial(mine), delay);
}

/** Ends the call but keeps camera and socket. */
function stopCall() {
	clearTimeout(retryTimer);
	call?.hangUp();
	call = null;
	echo.drop();
	returnedMeter?.stop();
	returnedMeter = null;
	$('returned').srcObject = null;
	$('delay').hidden = true;
	showLevel('returned-level', 0);
}

/** Press of Hang up. */
function end() {
	round++;
	stopCall();
	client?.close();
	client = null;
	closeSource();
	hideProblem();
	showFacts({});
	charts.clear();
	tell({ type: 'hangup' });
	showEmpty('own-empty', 'Press Connect to begin');
	showEmpty('returned-empty', 'Nothing yet');
}

function closeSource() {
	ownMeter?.stop();
	ownMeter = null;
	made?.picture.stop();
	made?.tone.stop();
	made = null;
	outgoing?.getTracks().forEach((t) => t.stop());
	outgoing = null;
	$('own').srcObject = null;
	$('code-hint').hidden = true;
	showLevel('own-level', 0);
	press('mute', false);
	press('blank', false);
}

/** @param {string} id @param {boolean} down */
function press(id, down) {
	$(id).setAttribute('aria-pressed', String(down));
}

/** @param {string} id @param {'audio' | 'video'} kind */
function toggle(id, kind) {
	const down = $(id).getAttribute('aria-pressed') !== 'true';
	press(id, down);
	for (const track of outgoing?.getTracks() ?? []) {
		if (track.kind === kind)
			track.enabled = !down;
	}
}

/** From the problem banner: try now, or with the test picture. */
function again(/** @type {boolean} */ withTest) {
	if (withTest)
		/** @type {any} */ (document.querySelector('[value=test]')).checked = true;
	clearTimeout(retryTimer);
	if (state.phase === 'waiting') {
		dial(round);
		return;
	}
	closeSource();
	begin();
}

async function readStats() {
	const current = call;
	if (!current || state.phase !== 'connected')
		return;
	echo.ping();
	const figures = await current.stats();
	if (current !== call)
		return;
	charts.add({ ...figures, messageMs: echo.lastMs });
	showFacts(figures.facts);
}

/** Times the way of the test picture, a few times a second. */
function watchPicture() {
	const video = /** @type {HTMLVideoElement} */ ($('returned'));
	/** @type {number[]} */
	const ages = [];
	const look = () => {
		showEmpty('returned-empty', '');
		const code = made &&
			reader.read(video, video.videoWidth, video.videoHeight);
		const age = code === null ? null : made?.picture.age(code) ?? null;
		if (age !== null)
			ages.push(age);
		if (ages.length >= 15) {
			ages.sort((a, b) => a - b);
			$('delay').textContent = `back after ${Math.round(ages[7])} ms`;
			$('delay').hidden = false;
			ages.length = 0;
		}
		video.requestVideoFrameCallback(look);
	};
	video.requestVideoFrameCallback?.(look);
}

function start() {
	buildSteps();
	showState(state);
	$('url').value = serverUrl();
	const params = new URLSearchParams(location.search);
	if (params.get('source') === 'test')
		/** @type {any} */ (document.querySelector('[value=test]')).checked = true;
	$('connect').onclick = () => inCall(state) ? end() : (closeSource(), begin());
	$('mute').onclick = () => toggle('mute', 'audio');
	$('blank').onclick = () => toggle('blank', 'video');
	$('banner-test').onclick = () => again(true);
	$('banner-retry').onclick = () => again(false);
	$('listen').onchange = () => { $('returned').muted = !$('listen').checked; };
	$('url').onchange = () => { client?.close(); client = null; };
	addEventListener('pagehide', () => end());
	setInterval(readStats, STATS_MS);
	setInterval(() => {
		if (ownMeter)
			showLevel('own-level', ownMeter.read());
		if (returnedMeter)
			showLevel('returned-level', returnedMeter.read());
	}, METER_MS);
	watchPicture();
}

start();
