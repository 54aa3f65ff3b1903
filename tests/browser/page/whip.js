// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * A WHIP publisher or WHEP player by fetch() alone, driven from Node through
 * `window.rig`. It trickles: the offer goes out before anything is gathered.
 */
import { Ear, tone } from './sound.js';
import { Eye, Picture } from './picture.js';

const FRAGMENT = 'application/trickle-ice-sdpfrag';
const pc = new RTCPeerConnection();
const found = [];	// candidates that were not sent yet; null ends them
const patches = [];	// statuses of what was sent
let location_ = null;
let etag = null;
let ear = null;
let eye = null;
let picture = null;

pc.onicecandidate = ({ candidate }) => {
	found.push(candidate);
	if (location_)
		trickle();
};
pc.ontrack = async ({ track }) => {
	if (track.kind === 'audio')
		ear = await Ear.on(track);
	else
		eye = new Eye(track, picture);
};

const attribute = (sdp, name) =>
	new RegExp(`^a=${name}:(.*)$`, 'm').exec(sdp)?.[1].trim();

/** A fragment of these candidates below the first m-line. */
function fragment(sdp, candidates) {
	const lines = [
		`a=ice-ufrag:${attribute(sdp, 'ice-ufrag')}`,
		`a=ice-pwd:${attribute(sdp, 'ice-pwd')}`,
		/^m=.*$/m.exec(sdp)[0].trim(), `a=mid:${attribute(sdp, 'mid')}`,
	];
	for (const c of candidates)
		lines.push(c?.candidate ? `a=${c.candidate}` : 'a=end-of-candidates');
	return `${lines.join('\r\n')}\r\n`;
}

async function patch(body, match) {
	return fetch(location_, {
		method: 'PATCH', body,
		headers: { 'Content-Type': FRAGMENT, 'If-Match': match },
	});
}

async function trickle() {
	// Only the first m-line of a BUNDLE gathers.
	const some = found.splice(0).filter((c) => !c?.sdpMLineIndex);
	if (!some.length)
		return;
	const body = fragment(pc.localDescription.sdp, some);
	patches.push((await patch(body, etag)).status);
}

async function post(endpoint) {
	await pc.setLocalDescription();
	const answer = await fetch(endpoint, {
		method: 'POST', body: pc.localDescription.sdp,
		headers: { 'Content-Type': 'application/sdp' },
	});
	if (answer.status !== 201)
		return { status: answer.status, text: await answer.text() };
	await pc.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
	// CORS lets them be read.
	etag = answer.headers.get('ETag');
	location_ = new URL(answer.headers.get('Location'), endpoint).href;
	await trickle();
	return { status: 201, location: location_, etag };
}

/** The remote description with the ICE of a fragment in place of its own. */
function withIce(sdp, text) {
	const candidates = text.split(/\r?\n/)
		.filter((l) => /^a=(candidate|end-of)/.test(l));
	const lines = sdp.split(/\r?\n/)
		.filter((l) => l && !/^a=(candidate|end-of)/.test(l))
		.map((l) => l.replace(/^(a=ice-(ufrag|pwd)):.*/,
			(_, name) => `${name}:${attribute(text, name.slice(2))}`));
	const first = lines.findIndex((l) => l.startsWith('m='));
	const second = lines.findIndex((l, i) => i > first && l.startsWith('m='));
	lines.splice(second < 0 ? lines.length : second, 0, ...candidates);
	return `${lines.join('\r\n')}\r\n`;
}

window.rig = {
	async publish(endpoint, hz, pictured) {
		const source = await tone(hz);
		pc.addTransceiver(source.track, { direction: 'sendonly' });
		if (pictured) {
			picture = new Picture({ width: 320, height: 240, rate: 15 });
			pc.addTransceiver(picture.track, { direction: 'sendonly' });
		}
		return post(endpoint);
	},
	async watch(endpoint, ...kinds) {
		for (const kind of kinds)
			pc.addTransceiver(kind, { direction: 'recvonly' });
		return post(endpoint);
	},
	async restart() {
		const before = pc.remoteDescription.sdp;
		pc.restartIce();
		await pc.setLocalDescription();
		const answer = await patch(
			fragment(pc.localDescription.sdp, found.splice(0)
				.filter((c) => c && !c.sdpMLineIndex)), '*');
		const text = await answer.text();
		const old = etag;
		if (answer.status !== 200)
			return { status: answer.status, text };
		etag = answer.headers.get('ETag');
		await pc.setRemoteDescription(
			{ type: 'answer', sdp: withIce(before, text) });
		await trickle();
		return {
			status: 200, changed: etag !== old,
			type: answer.headers.get('Content-Type'),
			ufrag: attribute(text, 'ice-ufrag'),
			before: attribute(before, 'ice-ufrag'),
			ours: attribute(pc.localDescription.sdp, 'ice-ufrag'),
		};
	},
	async end() {
		const { status } = await fetch(location_, { method: 'DELETE' });
		pc.close();
		ear?.stop();
		eye?.stop();
		picture?.stop();
		return status;
	},
	state() {
		return { connection: pc.connectionState, patches, left: found.length };
	},
	/** The user fragment of the path in use: ours, of the newest session. */
	async path() {
		const stats = await pc.getStats();
		const all = [...stats.values()];
		const pair = stats.get(all.find((s) => s.type === 'transport')
			?.selectedCandidatePairId);
		return {
			ufrag: stats.get(pair?.localCandidateId)?.usernameFragment,
			sent: pair?.bytesSent ?? 0,
		};
	},
	sound() { return ear?.report() ?? null; },
	view() { return eye?.report() ?? null; },
	forget() {
		ear?.reset();
		eye?.reset();
	},
};
