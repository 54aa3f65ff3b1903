// SPDX-License-Identifier: MIT OR Apache-2.0
/** Calls remotemedia-server through one of the doors and plays what returns. */
import { type Door, pairDoor, signalDoor } from './doors';
import {
	type SignalingNotification, SignalingRequest, type SignalingResponse,
} from './build/webrtc_signaling';

const SERVER = 'remotemedia-server';
const base = new URLSearchParams(location.search).get('server') ??
	location.origin;
const element = <T extends HTMLElement>(id: string) =>
	document.getElementById(id) as T;

let door: Door | undefined;
let pc: RTCPeerConnection | undefined;
let requests = 0;

function log(text: string) {
	element('log').textContent += `${text}\n`;
}

function send(request: SignalingRequest['request']) {
	door?.send(SignalingRequest.create(
		{ requestId: String(++requests), request }));
}

function tone(): MediaStream {
	const context = new AudioContext();
	const source = new OscillatorNode(context, { frequency: 440 });
	const out = context.createMediaStreamDestination();
	source.connect(out);
	source.start();
	return out.stream;
}

/** Step 1: somebody is there. Step 2, the offer, follows its ack. */
function announce() {
	send({
		oneofKind: 'announce', announce: {
			peerId: `example-${crypto.getRandomValues(new Uint32Array(1))[0]}`,
			capabilities: {
				audio: true, video: false, data: false, extensions: '',
			},
			metadata: {},
		},
	});
}

async function offer(stream: MediaStream) {
	pc = new RTCPeerConnection();
	pc.addTrack(stream.getAudioTracks()[0], stream);
	pc.ontrack = ({ streams: [back] }) => {
		element<HTMLAudioElement>('back').srcObject = back;
	};
	pc.onconnectionstatechange = () => log(`call: ${pc?.connectionState}`);
	pc.onicecandidate = ({ candidate: c }) => {
		if (c?.candidate)
			send({
				oneofKind: 'iceCandidate', iceCandidate: {
					toPeerId: SERVER, candidate: c.candidate,
					sdpMid: c.sdpMid ?? '',
					sdpMlineIndex: c.sdpMLineIndex ?? 0,
				},
			});
	};
	await pc.setLocalDescription();
	send({
		oneofKind: 'offer', offer: {
			toPeerId: SERVER, type: 'offer',
			sdp: pc.localDescription?.sdp ?? '',
		},
	});
}

/** The server answers before its candidates, so none comes too early. */
async function notified({ notification: n }: SignalingNotification) {
	if (n.oneofKind === 'answer') {
		await pc?.setRemoteDescription({ type: 'answer', sdp: n.answer.sdp });
	} else if (n.oneofKind === 'iceCandidate' && n.iceCandidate.candidate) {
		const { candidate, sdpMid, sdpMlineIndex } = n.iceCandidate;
		await pc?.addIceCandidate(
			{ candidate, sdpMid, sdpMLineIndex: sdpMlineIndex });
	}
}

async function received(message: SignalingResponse, stream: MediaStream) {
	const { response: r } = message;
	if (r.oneofKind === 'error')
		log(`refused: ${r.error.message} ${r.error.details}`);
	else if (r.oneofKind === 'notification')
		await notified(r.notification);
	else if (r.oneofKind === 'ack' && !pc) {
		log(r.ack.message);
		await offer(stream);
	}
}

async function call() {
	const asked = new FormData(element<HTMLFormElement>('form'));
	const stream = asked.get('source') === 'microphone'
		? await navigator.mediaDevices.getUserMedia({ audio: true }) : tone();
	pc?.close();
	pc = undefined;
	door?.close();
	door = element<HTMLSelectElement>('door').value === 'signal'
		? signalDoor(base) : pairDoor(base);
	announce();
	for await (const response of door.responses)
		await received(response, stream);
}

element('form').onsubmit = (event) => {
	event.preventDefault();
	call().catch((error) => log(String(error)));
};
