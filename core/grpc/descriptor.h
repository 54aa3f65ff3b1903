/*
 * descriptor.h - what a compiled .proto file holds, for reflection
 *
 * Reads a FileDescriptorSet of one file, as protoc writes it. The bytes are
 * part of the program, yet every length is checked.
 *
 * Memory   Spans point into the set.
 * Errors   A set that cannot be read holds nothing.
 */
#ifndef CORE_GRPC_DESCRIPTOR_H
#define CORE_GRPC_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/http/h1.h"

struct descriptor {
	const uint8_t *at;	/* the FileDescriptorProto; NULL: none */
	size_t len;
};

struct descriptor descriptor_first(const void *set, size_t len);

/* "webrtc_signaling.proto" */
struct h1_span descriptor_name(struct descriptor d);

/* The n-th import; at NULL past the last. */
struct h1_span descriptor_import(struct descriptor d, unsigned n);

/* The n-th service with its package, written to out (cap bytes, NUL
 * included); false past the last. */
bool descriptor_service(struct descriptor d, unsigned n, char *out,
			size_t cap);

/* Whether a message, a field, an enum, a value, a service or a method of
 * that full name is defined here, or a package of it. */
bool descriptor_defines(struct descriptor d, struct h1_span symbol);

#endif
