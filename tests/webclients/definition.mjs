// SPDX-License-Identifier: MIT OR Apache-2.0

/**
 * A service of protobuf-ts as the definition that grpc-js and nice-grpc
 * take: both know a method by path, kind and four functions.
 * @param {import('@protobuf-ts/runtime-rpc').ServiceType} service
 */
export function definition(service) {
	return Object.fromEntries(service.methods.map((m) => [m.localName, {
		path: `/${service.typeName}/${m.name}`,
		requestStream: m.clientStreaming, responseStream: m.serverStreaming,
		requestSerialize: (v) => bytes(m.I.toBinary(m.I.create(v))),
		requestDeserialize: (b) => m.I.fromBinary(b),
		responseSerialize: (v) => bytes(m.O.toBinary(v)),
		responseDeserialize: (b) => m.O.fromBinary(b),
		options: {},
	}]));
}

/** grpc-js wants a Buffer. */
const bytes = (array) => typeof Buffer === 'undefined'
	? array : Buffer.from(array.buffer, array.byteOffset, array.byteLength);
