// SPDX-License-Identifier: MIT OR Apache-2.0
// @ts-check
/** Turns getStats reports of a running call into a few plain figures. */

/**
 * @typedef {object} Figures
 * @property {number | null} rttMs network round trip
 * @property {number | null} sendKbps
 * @property {number | null} receiveKbps
 * @property {number | null} lossPercent of the packets since the last reading
 * @property {number | null} jitterMs
 * @property {Record<'audioIn' | 'audioOut' | 'videoIn' | 'videoOut',
 *   string | null>} codecs such as 'opus'
 * @property {Frames} frames of the picture
 * @property {Record<string, string>} facts for people: codecs, path, keys
 */

/**
 * @typedef {object} Frames
 * @property {number} sent
 * @property {number} received
 * @property {number} decoded
 * @property {number} dropped
 * @property {number} width of what is received; 0: no picture
 * @property {number} height
 * @property {number} perSecond
 */

/** @param {number | undefined} n */
const whole = (n) => n === undefined ? 0 : n;

/** Reads one RTCPeerConnection again and again. */
export class StatsReader {
	/** @type {Record<string, number> | null} */
	#last = null;
	#pc;

	/** @param {RTCPeerConnection} pc */
	constructor(pc) {
		this.#pc = pc;
	}

	/** @returns {Promise<Figures>} */
	async read() {
		/** @type {Map<string, any>} */
		const report = new Map(/** @type {any} */ (await this.#pc.getStats()));
		const all = [...report.values()];
		const transport = all.find((s) => s.type === 'transport');
		const pair = report.get(transport?.selectedCandidatePairId);
		const inbound = all.filter((s) => s.type === 'inbound-rtp');
		const outbound = all.filter((s) => s.type === 'outbound-rtp');
		const sum = (/** @type {any[]} */ list, /** @type {string} */ key) =>
			list.reduce((total, s) => total + whole(s[key]), 0);
		const now = {
			at: performance.now(),
			sent: sum(outbound, 'bytesSent'),
			received: sum(inbound, 'bytesReceived'),
			packets: sum(inbound, 'packetsReceived'),
			lost: sum(inbound, 'packetsLost'),
		};
		const figures = this.#rates(now);
		const sound = inbound.find((s) => s.kind === 'audio') ?? inbound[0];
		return {
			...figures,
			rttMs: pair?.currentRoundTripTime === undefined ? null
				: pair.currentRoundTripTime * 1000,
			jitterMs: sound?.jitter === undefined ? null : sound.jitter * 1000,
			codecs: codecsOf(report, inbound, outbound),
			frames: framesOf(inbound, outbound),
			facts: describe(report, transport, pair, inbound, outbound),
		};
	}

	/** @param {Record<string, number>} now */
	#rates(now) {
		const last = this.#last;
		this.#last = now;
		if (!last || now.at <= last.at)
			return { sendKbps: null, receiveKbps: null, lossPercent: null };
		const ms = now.at - last.at;
		const lost = Math.max(0, now.lost - last.lost);
		const expected = lost + Math.max(0, now.packets - last.packets);
		return {
			sendKbps: Math.max(0, now.sent - last.sent) * 8 / ms,
			receiveKbps: Math.max(0, now.received - last.received) * 8 / ms,
			lossPercent: expected ? 100 * lost / expected : 0,
		};
	}
}

/**
 * @param {Map<string, any>} report
 * @param {any[]} inbound
 * @param {any[]} outbound
 */
function codecsOf(report, inbound, outbound) {
	const name = (/** @type {any[]} */ list, /** @type {string} */ kind) => {
		const s = list.find((x) => x.kind === kind && x.codecId);
		return report.get(s?.codecId)?.mimeType?.split('/')[1] ?? null;
	};
	return {
		audioIn: name(inbound, 'audio'), audioOut: name(outbound, 'audio'),
		videoIn: name(inbound, 'video'), videoOut: name(outbound, 'video'),
	};
}

/** @param {any[]} inbound @param {any[]} outbound @returns {Frames} */
function framesOf(inbound, outbound) {
	const back = inbound.find((s) => s.kind === 'video');
	const sent = outbound.find((s) => s.kind === 'video');
	return {
		sent: whole(sent?.framesSent), received: whole(back?.framesReceived),
		decoded: whole(back?.framesDecoded),
		dropped: whole(back?.framesDropped),
		width: whole(back?.frameWidth), height: whole(back?.frameHeight),
		perSecond: whole(back?.framesPerSecond),
	};
}

/**
 * @param {Map<string, any>} report
 * @param {any} transport
 * @param {any} pair
 * @param {any[]} inbound
 * @param {any[]} outbound
 */
function describe(report, transport, pair, inbound, outbound) {
	/** @type {Record<string, string>} */
	const facts = {};
	const codec = (/** @type {any} */ s) =>
		report.get(s?.codecId)?.mimeType?.split('/')[1];
	const place = (/** @type {any} */ c) =>
		c?.address ? `${c.address}, port ${c.port} (${c.candidateType})`
			: c ? `port ${c.port} (${c.candidateType})` : '';
	const kind = (/** @type {any[]} */ list, /** @type {string} */ k) =>
		list.find((s) => s.kind === k);
	const picture = kind(inbound, 'video');
	const sent = kind(outbound, 'video');
	const sound = kind(inbound, 'audio');

	if (sent?.frameWidth)
		facts['Picture sent'] = size(sent, codec(sent));
	if (picture?.frameWidth)
		facts['Picture returned'] = size(picture, codec(picture));
	if (picture) {
		facts['Frames decoded, dropped'] =
			`${whole(picture.framesDecoded)}, ${whole(picture.framesDropped)}`;
	}
	if (sound && codec(sound)) {
		const total = whole(sound.totalSamplesReceived);
		const hidden = total ? 100 * sound.concealedSamples / total : 0;
		facts['Sound'] = `${codec(sound)}, ${hidden.toFixed(1)} % filled in`;
	}
	if (sound?.jitterBufferEmittedCount) {
		const ms = 1000 * sound.jitterBufferDelay /
			sound.jitterBufferEmittedCount;
		facts['Browser\u2019s sound buffer'] = `${ms.toFixed(0)} ms`;
	}
	if (pair) {
		facts['From'] = place(report.get(pair.localCandidateId));
		facts['To'] = place(report.get(pair.remoteCandidateId));
	}
	if (transport?.srtpCipher)
		facts['Media encryption'] = transport.srtpCipher;
	if (transport?.dtlsCipher)
		facts['Key agreement'] = transport.dtlsCipher;
	return facts;
}

/** @param {any} s @param {string | undefined} codec */
function size(s, codec) {
	const rate = Math.round(whole(s.framesPerSecond));
	return `${s.frameWidth}\u00d7${s.frameHeight}, ${rate}/s` +
		(codec ? `, ${codec}` : '');
}
