/*
 * ering.c - positions only grow; the writer gives up old records before it
 * touches their bytes
 *
 * All words of the ring are stored by the writer:
 *
 *     tail     oldest record still whole      moved first, then a fence,
 *              then bytes before it are overwritten
 *     head     end of the newest record       moved after the record stands
 *     newest   start of the newest record     moved last; a hint for readers
 *              that must skip
 *
 * A reader believes what it copied only when, after the copy and a fence,
 * tail has not passed the record: then no byte of it had been touched when
 * it was read. Words of a record are judged (-EBADMSG) only after the same
 * check, since an overtaken reader sees anything. Dying between any two
 * stores leaves a ring whose readers see every record up to head, or are
 * told that it is gone.
 *
 * Sleep: the reader stores asleep = 1, full fence, looks at head again; the
 * writer stores head, full fence, looks at asleep. One of them sees the
 * other, so no record waits for a wake-up that nobody sends.
 */

#include "shm/ering.h"

#include "shm/item.h"

#include <errno.h>

struct ering_mem {
	uint64_t magic, size, generation;
	uint64_t zero_a[13];
	uint64_t head, tail, newest;	/* one line, one writer */
	uint64_t zero_b[13];
	unsigned char data[];
};

enum {
	ERING_MIN = 4096, ERING_MAX = 16777216,
	ERING_SHARE = 4,	/* a record takes at most this part */
	ERING_TRIES = 64,	/* to look at a record while being lapped */
};

#define ERING_MAGIC 0x31474e4952455352ull

_Static_assert(offsetof(struct ering_mem, head) == SHM_LINE, "ering layout");
_Static_assert(offsetof(struct ering_mem, data) == 2 * SHM_LINE,
	       "ering layout");
_Static_assert(sizeof(struct ering_cursor) == 64, "cursor layout");

static bool ering_size_ok(size_t data)
{
	return data >= ERING_MIN && data <= ERING_MAX &&
	       (data & (data - 1)) == 0;
}

size_t ering_bytes(size_t data)
{
	return sizeof(struct ering_mem) + data;
}

void ering_init(struct ering_writer *w, void *mem, size_t data,
		uint64_t generation)
{
	struct ering_mem *m = mem;

	*w = (struct ering_writer){
		.mem = mem, .size = data, .generation = generation, .seq = 1,
	};
	word_store(&m->size, data);
	word_store(&m->generation, generation);
	word_release(&m->magic, ERING_MAGIC);
}

/* Gives up old records until `need` bytes are free. */
static void ering_make_room(struct ering_writer *w, uint64_t need)
{
	struct ering_mem *m = w->mem;
	uint64_t tail = w->tail;

	while (w->at + need - tail > w->size)
		tail += item_total(item_peek(m->data, w->size - 1, tail));
	if (tail == w->tail)
		return;
	w->tail = tail;
	word_store(&m->tail, tail);
	fence_release();
}

int ering_write(struct ering_writer *w, const struct record *rec,
		const void *payload)
{
	struct ering_mem *m = w->mem;
	uint64_t need = item_bytes(rec->bytes), mask = w->size - 1;

	if (need > w->size / ERING_SHARE)
		return -EMSGSIZE;
	ering_make_room(w, need);
	item_put(m->data, mask, w->at, w->seq, w->generation, rec);
	if (rec->bytes)
		words_put(m->data, mask, w->at + ITEM_BASE, payload,
			  rec->bytes);
	word_release(&m->head, w->at + need);
	word_release(&m->newest, w->at);
	w->at += need;
	w->seq++;

	return 0;
}

bool ering_must_ring(const struct ering_cursor *reader)
{
	fence_full();

	return word_load(&reader->asleep) != 0;
}

uint64_t ering_read_at(const struct ering_cursor *reader)
{
	return word_load(&reader->at);
}

/* Where the ring stands. -EBADMSG when that is impossible. Head is read
 * first: tail can only be later, so that the distance is never too great. */
static int ering_look(const struct ering_reader *r, uint64_t *head,
		      uint64_t *tail)
{
	const struct ering_mem *m = r->mem;

	*head = word_acquire(&m->head);
	*tail = word_acquire(&m->tail);
	if ((*head | *tail) % WORD ||
	    (int64_t)(*head - *tail) > (int64_t)r->size || *head < r->at)
		return -EBADMSG;

	return 0;
}

/* Whether the record at `at` had not been touched before now. */
static bool ering_still(const struct ering_reader *r, uint64_t at)
{
	const struct ering_mem *m = r->mem;

	fence_acquire();

	return word_load(&m->tail) <= at;
}

/* The item at `at`, sound. -EOVERFLOW when it is gone. */
static int ering_item(const struct ering_reader *r, uint64_t at, uint64_t seq,
		      uint64_t head, struct item *out)
{
	const struct ering_mem *m = r->mem;
	uint64_t most = r->size / ERING_SHARE;

	*out = item_peek(m->data, r->size - 1, at);
	if (!ering_still(r, at))
		return -EOVERFLOW;
	if (most > head - at)
		most = head - at;

	return item_is_sound(*out, seq, r->generation, most) ? 0 : -EBADMSG;
}

/*
 * To the start of the newest record, or of the oldest. -EOVERFLOW when the
 * writer was faster ERING_TRIES times: nothing changed.
 */
static int ering_jump(struct ering_reader *r, bool oldest)
{
	const struct ering_mem *m = r->mem;
	uint64_t at, head, tail;
	struct item it;
	int err;

	for (int i = 0; i < ERING_TRIES; i++) {
		at = word_acquire(oldest ? &m->tail : &m->newest);
		err = ering_look(r, &head, &tail);
		if (err != 0)
			return err;
		if (at % WORD || at > head || at < r->at)
			return -EBADMSG;
		if (at == head)
			return head == 0 ? 0 : -EBADMSG;
		err = ering_item(r, at, 0, head, &it);
		if (err == -EOVERFLOW)
			continue;
		if (err != 0 || it.seq < r->seq)
			return -EBADMSG;
		r->at = at;
		r->seq = it.seq;
		return 0;
	}

	return -EOVERFLOW;
}

/* From the newest record over it, to the end. */
static int ering_to_end(struct ering_reader *r)
{
	uint64_t head, tail;
	struct item it;
	int err;

	for (int i = 0; i < ERING_TRIES; i++) {
		err = ering_look(r, &head, &tail);
		if (err != 0 || head == r->at)
			return err;
		err = r->at < tail ? -EOVERFLOW :
				     ering_item(r, r->at, r->seq, head, &it);
		if (err == -EOVERFLOW)
			err = ering_jump(r, false);
		else if (err == 0) {
			r->at += item_total(it);
			r->seq++;
		}
		if (err != 0)
			return err;
	}

	return 0;
}

int ering_open(struct ering_reader *r, const void *mem, size_t data,
	       struct ering_cursor *own, bool from_start)
{
	const struct ering_mem *m = mem;
	int err;

	if (!ering_size_ok(data) || word_acquire(&m->magic) != ERING_MAGIC ||
	    word_load(&m->size) != data)
		return -EBADMSG;
	*r = (struct ering_reader){
		.mem = mem, .cursor = own, .size = data, .seq = 1,
		.generation = word_load(&m->generation),
	};
	err = ering_jump(r, from_start);
	if (err == 0 && !from_start)
		err = ering_to_end(r);
	if (err != 0)
		return -EBADMSG;
	word_release(&own->at, r->at);

	return 0;
}

static int ering_skip(struct ering_reader *r, uint64_t *lost)
{
	uint64_t seq = r->seq;
	int err = ering_jump(r, false);

	if (err != 0 && err != -EOVERFLOW)
		return err;
	*lost = r->seq - seq;
	r->lapped += *lost;
	word_store(&r->cursor->lapped, r->lapped);
	word_release(&r->cursor->at, r->at);

	return -EOVERFLOW;
}

static void ering_step(struct ering_reader *r, uint64_t bytes)
{
	r->at += bytes;
	r->seq++;
	word_release(&r->cursor->at, r->at);
}

int ering_read(struct ering_reader *r, struct record *rec, void *payload,
	       size_t cap, uint64_t *lost)
{
	const struct ering_mem *m = r->mem;
	uint64_t head, tail, mask = r->size - 1;
	struct item it;
	int err;

	*lost = 0;
	err = ering_look(r, &head, &tail);
	if (err != 0 || head == r->at)
		return err;
	err = r->at < tail ? -EOVERFLOW :
			     ering_item(r, r->at, r->seq, head, &it);
	if (err == -EOVERFLOW)
		return ering_skip(r, lost);
	if (err != 0)
		return err;
	if (item_payload(it) > cap) {
		ering_step(r, item_total(it));
		return -EMSGSIZE;
	}
	words_get(rec, m->data, mask, r->at + ITEM_HEAD, sizeof(*rec));
	words_get(payload, m->data, mask, r->at + ITEM_BASE, item_payload(it));
	if (!ering_still(r, r->at))
		return ering_skip(r, lost);
	if (rec->bytes != item_payload(it))
		return -EBADMSG;
	ering_step(r, item_total(it));

	return 1;
}

bool ering_sleep(struct ering_reader *r)
{
	const struct ering_mem *m = r->mem;

	word_store(&r->cursor->asleep, 1);
	fence_full();
	if (word_acquire(&m->head) == r->at)
		return true;
	ering_wake(r);

	return false;
}

void ering_wake(struct ering_reader *r)
{
	word_store(&r->cursor->asleep, 0);
}
