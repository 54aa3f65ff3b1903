// SPDX-License-Identifier: MIT OR Apache-2.0
/** What the tests of npm's clients share. */
export const SERVER = 'remotemedia-server';

/**
 * Addresses from the environment (scripts/test sets them): of the plain
 * server the WebSocket door and the gRPC door, of the TLS server the same,
 * of the interop server its one.
 */
export const at = {
	ws: process.env.WS_AT ?? '127.0.0.1:18285',
	grpc: process.env.GRPC_AT ?? '127.0.0.1:18286',
	tls: process.env.TLS_AT ?? 'localhost:18287',
	tlsGrpc: process.env.TLS_GRPC_AT ?? 'localhost:18288',
	interop: process.env.INTEROP_AT ?? '127.0.0.1:18290',
};

/** The TLS server's certificate, which is its own authority. */
export const CERTIFICATE = process.env.TLS_CERT ?? '';

let count = 0;

/** A peer id of this test alone. */
export const named = (what) => `${what}-${process.pid}-${++count}`;

/** An SDP that is relayed as it is. */
export const sdpOf = (tag) =>
	`v=0\r\no=- ${tag.length} 1 IN IP4 127.0.0.1\r\ns=${tag}\r\nt=0 0\r\n` +
	'm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n' +
	'a=rtpmap:111 opus/48000/2\r\n';

export const candidateOf = (n) =>
	`candidate:${n} 1 udp 2130706431 192.0.2.${n} ${5000 + n} typ host`;
