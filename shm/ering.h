/*
 * ering.h - encoded ring: one writer, variable records, several readers
 *
 * The writer never waits. A reader that falls a whole ring behind is lapped:
 * it is told so and continues at the newest record. Each reader owns a
 * struct ering_cursor in memory that only it writes; the ring's memory is
 * written by the writer alone and mapped read-only by all others.
 *
 * Memory   ering_bytes(data) bytes at a 64-byte boundary of a sealed region.
 *          Nothing is allocated here.
 * Errors   Negative errno. -EBADMSG: the other side broke the rules; the
 *          ring is dead for this reader until a new generation.
 * Threads  One writer thread, one thread per reader, any processes.
 * Trust    Indices and sizes of the other side are read once, then checked.
 *          A payload is copied out before anyone parses it.
 * Order    The states and who moves them: docs/shm.md and ering.c.
 */
#ifndef SHM_ERING_H
#define SHM_ERING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "shm/record.h"

/* In the reader's own page; 64 bytes, zero at first. */
struct ering_cursor {
	uint64_t at;		/* position of the next record to read */
	uint64_t asleep;	/* 1: ring my doorbell after the next write */
	uint64_t lapped;	/* records missed so far, for statistics */
	uint64_t zero[5];
};

/* Private copies of all bookkeeping: nothing is read back from the ring but
 * the lengths of own records. */
struct ering_writer {
	void *mem;
	uint64_t size, generation;
	uint64_t at, tail;	/* end of the newest, start of the oldest */
	uint64_t seq;		/* of the next record */
};

struct ering_reader {
	const void *mem;
	struct ering_cursor *cursor;
	uint64_t size, generation;
	uint64_t at, seq;	/* of the next record */
	uint64_t lapped;
};

/* Bytes of memory a ring with `data` bytes of records takes. data is a power
 * of two, 4096 to 16 MiB. */
size_t ering_bytes(size_t data);

/* Lays an empty ring into zeroed memory. The writer calls it, once, before
 * the seal. */
void ering_init(struct ering_writer *w, void *mem, size_t data,
		uint64_t generation);

/*
 * Copies the record and rec->bytes of payload into the ring and publishes.
 * -EMSGSIZE when they take more than a quarter of the ring.
 */
int ering_write(struct ering_writer *w, const struct record *rec,
		const void *payload) MUST_USE;

/*
 * Whether this reader sleeps and must be rung now. Clears nothing: the
 * reader does, so ring at each write while it is true. Called after
 * ering_write().
 */
bool ering_must_ring(const struct ering_cursor *reader);

/* Where this reader stands: a number that changes when it reads. */
uint64_t ering_read_at(const struct ering_cursor *reader);

/*
 * Starts at the newest end (empty) or, with from_start, at the oldest record
 * still there. data comes from the broker, never from the ring. -EBADMSG: not
 * a ring of this size, or broken. own is written: zero it before.
 */
int ering_open(struct ering_reader *r, const void *mem, size_t data,
	       struct ering_cursor *own, bool from_start) MUST_USE;

/*
 * 1          *rec and rec->bytes of payload are copied out
 * 0          nothing there
 * -EOVERFLOW lapped; the reader stands at a newer record now, *lost says how
 *            many records it missed (0 when it was overtaken again while it
 *            looked: the next call counts them). Call again.
 * -EMSGSIZE  payload larger than cap; the record is skipped
 * -EBADMSG   broken ring
 * After any result but 1 *rec and the payload buffer hold anything.
 */
int ering_read(struct ering_reader *r, struct record *rec, void *payload,
	       size_t cap, uint64_t *lost) MUST_USE;

/*
 * Before waiting: announce sleep. false when a record came meanwhile (then
 * the reader is awake again and should read). After waking call ering_wake().
 */
bool ering_sleep(struct ering_reader *r);
void ering_wake(struct ering_reader *r);

#endif
