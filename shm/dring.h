/*
 * dring.h - data ring: one writer, one reader, lossless
 *
 * For data-channel messages: what is reliable must not be lapped as media
 * may. A full ring refuses; the writer announces that it waits, and the
 * reader rings it when there is room.
 *
 * Memory, errors, threads, trust: as ering.h. The reader's cursor also tells
 * the writer how much is free; a cursor that runs backwards or ahead of the
 * writer is -EBADMSG.
 */
#ifndef SHM_DRING_H
#define SHM_DRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "shm/record.h"

/* In the reader's own page; 64 bytes, zero at first. */
struct dring_cursor {
	uint64_t at;		/* all before this is consumed */
	uint64_t asleep;	/* ring me after the next write */
	uint64_t zero[6];
};

/* Private copies; tail is a cursor of the reader that was found to stand at
 * the start of a record (or at head). */
struct dring_writer {
	void *mem;
	const struct dring_cursor *reader;
	uint64_t size, generation;
	uint64_t head, tail;
	uint64_t seq;		/* of the next record */
};

struct dring_reader {
	const void *mem;
	struct dring_cursor *cursor;
	uint64_t size, generation;
	uint64_t at, seq;
};

/* data: a power of two, 4096 to 16 MiB; a record takes at most half of it. */
size_t dring_bytes(size_t data);

/* Lays an empty ring into zeroed memory, before the seal. reader may still be
 * NULL: put it into the struct before the first dring_write(). */
void dring_init(struct dring_writer *w, void *mem, size_t data,
		const struct dring_cursor *reader, uint64_t generation);

/*
 * -EAGAIN    full; the wish for room is announced, the reader rings when
 *            there is some
 * -EMSGSIZE  can never fit
 * -EBADMSG   the reader's cursor is impossible
 */
int dring_write(struct dring_writer *w, const struct record *rec,
		const void *payload) MUST_USE;

/* Whether the reader sleeps; as ering_must_ring(). */
bool dring_must_ring(const struct dring_cursor *reader);

int dring_open(struct dring_reader *r, const void *mem, size_t data,
	       struct dring_cursor *own) MUST_USE;

/* As ering_read(), without -EOVERFLOW. Consumes the record. */
int dring_read(struct dring_reader *r, struct record *rec, void *payload,
	       size_t cap) MUST_USE;

/* After dring_read(): whether the writer waits for room, has it now, and must
 * be rung. */
bool dring_writer_waits(const struct dring_reader *r);

bool dring_sleep(struct dring_reader *r);
void dring_wake(struct dring_reader *r);

/*
 * For a writer whose reader was replaced: copies every record that the old
 * reader had not consumed (by its cursor, checked) into the new ring.
 * The records must fit: a fresh ring of the same size always takes them.
 * Returns the number copied, -EBADMSG, or what dring_write() says when they
 * do not fit (those before it are copied).
 */
int dring_carry_over(struct dring_writer *to, const struct dring_writer *from)
	MUST_USE;

#endif
