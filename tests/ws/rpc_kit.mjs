// SPDX-License-Identifier: MIT OR Apache-2.0
/** What the JSON-RPC cases share beside lib.mjs: texts and peers. */
import { equal, ok, socket } from './lib.mjs';

export const SERVER = 'remotemedia-server';
export const CANDIDATE =
	'candidate:1 1 UDP 2130706431 192.0.2.4 5000 typ host';
export const SDP = ['v=0', 'o=- 4611731400430051336 2 IN IP4 127.0.0.1', 's=-',
	't=0 0', 'a=group:BUNDLE 0', 'a=msid-semantic: WMS',
	'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0',
	'a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuvwx',
	'a=ice-options:trickle', 'a=fingerprint:sha-256 ' +
	Array(32).fill('AB').join(':'), 'a=setup:actpass', 'a=mid:0',
	'a=sctp-port:5000', 'a=max-message-size:262144', ''].join('\r\n');

let serial = 0;
export const fresh = () => `k${process.pid}-${++serial}`;

/** A socket that announced itself by that method and with those params. */
export async function announced(open, method, params, extra) {
	const s = await socket(open, extra);
	s.name = params.peer_id;
	s.announced = await s.call(method, params);
	ok(s.announced.result, `announce: ${JSON.stringify(s.announced)}`);
	s.token = s.announced.result.resume_token;
	return s;
}

export const peerA = (open, name = fresh(), more = {}) =>
	announced(open, 'announce', { peer_id: name, ...more });

export const peerB = (open, name = fresh(), capabilities = ['audio'],
	user_data = undefined, more = {}) => announced(open, 'peer.announce',
	{ peer_id: name, capabilities, user_data, ...more });

/** Waits until s hears that this peer left; peers of cases before, whose
 * connections were just dropped, leave a minute later. */
export async function left(s, name) {
	for (;;) {
		const n = await s.note(s.announced.result.success ? 'peer.left' :
			'peer_left');
		if (n.params.peer_id === name) {
			equal(n.params, { peer_id: name });
			return;
		}
	}
}
