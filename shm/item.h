/*
 * item.h - one record as it stands in the data area of a ring
 *
 * Private to shm/. An item is two words, the record, and the payload padded
 * to whole words; it may run over the end of the data area and go on at its
 * start.
 *
 *     0   seq         1 for the first item of the ring, then + 1
 *     8   stamp       low 32 bits of the ring's generation << 32 | payload
 *     16  struct record, 56 bytes
 *     72  payload, zero-padded to a multiple of 8
 *
 * Trust    item_peek() reads the two words once. Nothing in them is believed
 *          before the caller has checked them by item_is_sound().
 */
#ifndef SHM_ITEM_H
#define SHM_ITEM_H

#include <stdbool.h>

#include "shm/record.h"
#include "shm/words.h"

enum { ITEM_HEAD = 16, ITEM_BASE = ITEM_HEAD + (int)sizeof(struct record) };

_Static_assert(ITEM_BASE == 72 && ITEM_BASE % WORD == 0, "item layout");

struct item {
	uint64_t seq, stamp;
};

static inline uint64_t item_bytes(uint64_t payload)
{
	return words_up(ITEM_BASE + payload, WORD);
}

static inline uint32_t item_payload(struct item it)
{
	return (uint32_t)it.stamp;
}

static inline uint64_t item_total(struct item it)
{
	return item_bytes(item_payload(it));
}

static inline uint64_t item_stamp(uint64_t generation, uint32_t payload)
{
	return generation << 32 | payload;
}

static inline struct item item_peek(const void *data, uint64_t mask,
				    uint64_t at)
{
	return (struct item){ word_load(word_in(data, mask, at)),
			      word_load(word_in(data, mask, at + WORD)) };
}

/* most: bytes the item may take at that place; seq 0: any. */
static inline bool item_is_sound(struct item it, uint64_t seq,
				 uint64_t generation, uint64_t most)
{
	return it.seq && (!seq || it.seq == seq) &&
	       it.stamp >> 32 == (uint32_t)generation &&
	       item_total(it) <= most;
}

/* Head and record of an item; the payload follows at `at` + ITEM_BASE. */
static inline void item_put(void *data, uint64_t mask, uint64_t at,
			    uint64_t seq, uint64_t generation,
			    const struct record *rec)
{
	word_store(word_at(data, mask, at), seq);
	word_store(word_at(data, mask, at + WORD),
		   item_stamp(generation, rec->bytes));
	words_put(data, mask, at + ITEM_HEAD, rec, sizeof(*rec));
}

#endif
