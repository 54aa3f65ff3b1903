// SPDX-License-Identifier: MIT OR Apache-2.0
/** Types of remotemedia.js. README.md beside this file tells how to use it. */

/** The name under which the server itself takes part. */
export const SERVER: 'remotemedia-server';
/** Label of the data channel that send() uses. */
export const CHANNEL: 'remotemedia';

export interface Capabilities {
	audio: boolean;
	video: boolean;
	data: boolean;
}

export interface SignalingOptions {
	/** Absent: a random one. */
	peerId?: string;
	/** Peers of one session share one pipeline. */
	session?: string;
	/** A function is asked before each announce, so that it can be renewed. */
	token?: string | (() => string | Promise<string>);
	/** Absent: audio, video and data. */
	capabilities?: Capabilities;
	/** false: a lost connection stays lost. Absent: true. */
	reconnect?: boolean;
}

export interface RemoteMediaOptions extends SignalingOptions {
	/** ws:// or wss://. Absent: the server that the page came from. */
	url?: string;
	/** Used beside those that the server hands out. */
	iceServers?: RTCIceServer[];
	/** false: calls the server has lost are not made anew. Absent: true. */
	recall?: boolean;
	/** Milliseconds between `stats` events. Absent or 0: none. */
	statsInterval?: number;
}

export interface Peer {
	peerId: string;
	capabilities: any;
	metadata: any;
}

/** What is sent in a call. */
export interface Offering {
	/** 'receive': nothing is sent, the other side's is wanted. */
	audio?: boolean | MediaTrackConstraints | 'receive';
	video?: boolean | MediaTrackConstraints | 'receive';
	/** Messages. Absent: true, in accept(): false. */
	data?: boolean;
	/** Instead of camera and microphone. */
	stream?: MediaStream;
}

export interface Frames {
	sent: number;
	received: number;
	decoded: number;
	dropped: number;
	/** Of what is received; 0: no picture. */
	width: number;
	height: number;
	perSecond: number;
}

/** Rates and losses are since the reading before; null: not known yet. */
export interface Figures {
	rttMs: number | null;
	sendKbps: number | null;
	receiveKbps: number | null;
	lossPercent: number | null;
	jitterMs: number | null;
	codecs: Record<'audioIn' | 'audioOut' | 'videoIn' | 'videoOut',
		string | null>;
	frames: Frames;
	/** For people. */
	facts: Record<string, string>;
}

export interface CallEvent extends Event {
	peer: string;
	call: Call;
}

export interface RemoteMediaEventMap {
	statechange: Event & {
		state: 'closed' | 'connecting' | 'open' | 'reconnecting';
		/** With 'open': everything goes on as if nothing had been lost. */
		resumed?: boolean;
		/** With 'open': the old peer id was refused, there is a new one. */
		renamed?: boolean;
	};
	peerjoined: Event & { peer: Peer };
	peerleft: Event & { peer: Peer };
	/** Somebody calls. Neither accept() nor reject() nor preventDefault(): refused. */
	incoming: CallEvent & {
		accept(options?: Offering): Promise<Call>;
		reject(): Promise<void>;
	};
	connectionstatechange: CallEvent & { state: RTCPeerConnectionState };
	track: CallEvent & {
		track: MediaStreamTrack;
		stream: MediaStream;
		transceiver: RTCRtpTransceiver;
	};
	/** Another data channel than that of send(). */
	channel: CallEvent & { channel: RTCDataChannel };
	message: CallEvent & {
		data: string | ArrayBuffer;
		/** The value of a JSON text; undefined where it is none. */
		json(): any;
		channel: RTCDataChannel;
	};
	stats: CallEvent & { stats: Figures };
	/** The call was made anew; tracks come again. */
	recall: CallEvent;
	/** The transport failed; only without `recall`. */
	lost: CallEvent;
	/** The other side hung up, or its process died. */
	ended: CallEvent & { reason: string };
	error: Event & {
		error: Error;
		/** JSON-RPC code; 0: none. */
		code: number;
		reason: string;
		peer: string | null;
		call: Call | null;
	};
}

/** One client: a signaling connection, the peers it sees, its calls. */
export class RemoteMedia extends EventTarget {
	constructor(options?: RemoteMediaOptions);
	/** May change when the server refuses to give an old one back. */
	readonly peerId: string;
	/** The one asked for, or that of the token. */
	readonly session: string | undefined;
	readonly state: 'closed' | 'connecting' | 'open' | 'reconnecting';
	readonly peers: Peer[];
	/** Those that are not over. */
	readonly calls: Call[];

	/** Rejects with a SignalingError; later losses are mended by themselves. */
	connect(): Promise<this>;
	/** Hangs up everywhere and says farewell. */
	close(): Promise<void>;
	/** Any other request of the protocol. */
	request(method: string, params?: object): Promise<any>;
	/** Calls another peer (absent: the server), or adds to the call there is. */
	call(peer?: string, options?: Offering): Promise<Call>;
	callWith(peer?: string): Call | undefined;
	/** A text as text, bytes as bytes, anything else as JSON. */
	send(data: any, peer?: string): Promise<void>;
	stats(peer?: string): Promise<Figures>;

	addEventListener<K extends keyof RemoteMediaEventMap>(type: K,
		listener: (event: RemoteMediaEventMap[K]) => any,
		options?: boolean | AddEventListenerOptions): void;
	addEventListener(type: string, listener: EventListenerOrEventListenerObject | null,
		options?: boolean | AddEventListenerOptions): void;
}

export interface CallOptions {
	to?: string;
	/** Gives way when two offers meet; towards the server never. */
	polite?: boolean;
	configuration?: RTCConfiguration;
}

export interface CallEventMap {
	step: Event & { name: string; state: string; text: string };
	state: Event & { state: RTCPeerConnectionState };
	track: Event & {
		track: MediaStreamTrack;
		stream: MediaStream;
		transceiver: RTCRtpTransceiver;
	};
	channel: Event & { channel: RTCDataChannel };
	message: Event & {
		data: string | ArrayBuffer;
		json(): any;
		channel: RTCDataChannel;
	};
	refused: Event & { error: SignalingError };
	problem: Event & { error: Error };
	lost: Event;
	ended: Event & { reason: string };
	/** Whoever ended it. */
	over: Event;
}

/** One call; negotiates by itself whenever what is sent changes. */
export class Call extends EventTarget {
	constructor(signaling: Signaling, options?: CallOptions);
	readonly to: string;
	readonly polite: boolean;
	/** Another one after a recall. */
	pc: RTCPeerConnection;
	offersSent: number;
	answersTaken: number;
	readonly isOver: boolean;
	readonly state: RTCPeerConnectionState;

	whenConnected(ms?: number): Promise<this>;
	addTrack(track: MediaStreamTrack, ...streams: MediaStream[]): RTCRtpSender;
	removeTrack(track: MediaStreamTrack): void;
	openChannel(label: string, init?: RTCDataChannelInit): RTCDataChannel;
	/** The channel of send(); send() opens it by itself. */
	openMessages(): void;
	/** Resolves when it is queued; waits while much is queued already. */
	send(data: any): Promise<void>;
	stats(): Promise<Figures>;
	/** Needed by hand only after `refused`. */
	negotiate(): Promise<void>;
	redial(configuration?: RTCConfiguration): void;
	/** Nothing is negotiated until release(). */
	hold(): void;
	release(): void;
	take(method: 'offer' | 'answer' | 'ice_candidate', params: any): void;
	hangUp(): Promise<void>;

	addEventListener<K extends keyof CallEventMap>(type: K,
		listener: (event: CallEventMap[K]) => any,
		options?: boolean | AddEventListenerOptions): void;
	addEventListener(type: string, listener: EventListenerOrEventListenerObject | null,
		options?: boolean | AddEventListenerOptions): void;
}

/** The signaling connection alone. */
export class Signaling extends EventTarget {
	constructor(url: string, options?: SignalingOptions);
	readonly url: string;
	peerId: string;
	session: string | undefined;
	token: SignalingOptions['token'];
	capabilities: Capabilities;
	reconnect: boolean;
	/** As the server handed them out. */
	iceServers: RTCIceServer[];
	readonly isOpen: boolean;
	readonly state: 'closed' | 'connecting' | 'open' | 'waiting';
	open(): Promise<{ peer_id: string; peers_count: number;
		other_peers: string[] }>;
	request(method: string, params?: object): Promise<any>;
	close(): void;
}

/** An error answer of the server, or a connection that could not serve. */
export class SignalingError extends Error {
	constructor(message: string, code?: number, data?: any);
	/** JSON-RPC error code; 0: no answer at all. */
	code: number;
	data: any;
	/** What to do about it, in the server's words; '' when it did not say. */
	readonly reason: string;
}

/** Reads one RTCPeerConnection again and again. */
export class StatsReader {
	constructor(pc: RTCPeerConnection);
	read(): Promise<Figures>;
}

export function randomPeerId(prefix?: string): string;
/** Where the page came from is where the server is. */
export function defaultUrl(): string;
