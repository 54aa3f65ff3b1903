/*
 * dring.c - nothing is overwritten before the reader has said so
 *
 *     head     end of the newest record       writer, after the record stands
 *     wanted   reader's position from which   writer: set when it is refused,
 *              on the waiting record fits;    cleared when it has written
 *              0: nobody waits
 *     at       all before is consumed         reader, after its copy
 *
 * The writer reads `at` once, checks that it neither runs back nor ahead,
 * and walks its own records up to it: a cursor that does not stand at the
 * start of one is a lie. So `tail` is always a place from which the records
 * can be walked, which dring_carry_over() needs.
 *
 * Both directions sleep by the same rule as ering.c: announce, full fence,
 * look again; the other stores, full fence, looks for the announcement.
 */

#include "shm/dring.h"

#include "shm/item.h"

#include <errno.h>
#include <limits.h>

struct dring_mem {
	uint64_t magic, size, generation;
	uint64_t zero_a[13];
	uint64_t head;
	uint64_t zero_b[15];
	uint64_t wanted;
	uint64_t zero_c[15];
	unsigned char data[];
};

enum {
	DRING_MIN = 4096, DRING_MAX = 16777216,
	DRING_SHARE = 2,	/* a record takes at most this part */
};

#define DRING_MAGIC 0x31474e4952445352ull

_Static_assert(offsetof(struct dring_mem, head) == SHM_LINE, "dring layout");
_Static_assert(offsetof(struct dring_mem, wanted) == 2 * SHM_LINE,
	       "dring layout");
_Static_assert(offsetof(struct dring_mem, data) == 3 * SHM_LINE,
	       "dring layout");
_Static_assert(sizeof(struct dring_cursor) == 64, "cursor layout");

/* A payload in one or two pieces; the first is whole words unless it is the
 * only one. */
struct piece {
	const void *at;
	size_t bytes;
};

static bool dring_size_ok(size_t data)
{
	return data >= DRING_MIN && data <= DRING_MAX &&
	       (data & (data - 1)) == 0;
}

size_t dring_bytes(size_t data)
{
	return sizeof(struct dring_mem) + data;
}

void dring_init(struct dring_writer *w, void *mem, size_t data,
		const struct dring_cursor *reader, uint64_t generation)
{
	struct dring_mem *m = mem;

	*w = (struct dring_writer){
		.mem = mem, .reader = reader, .size = data,
		.generation = generation, .seq = 1,
	};
	word_store(&m->size, data);
	word_store(&m->generation, generation);
	word_release(&m->magic, DRING_MAGIC);
}

/* Takes over the reader's cursor, if it can be true. */
static int dring_learn(struct dring_writer *w)
{
	const struct dring_mem *m = w->mem;
	uint64_t at = word_acquire(&w->reader->at), tail = w->tail;

	if (at < tail || at > w->head)
		return -EBADMSG;
	while (tail < at)
		tail += item_total(item_peek(m->data, w->size - 1, tail));
	if (tail != at)
		return -EBADMSG;
	w->tail = tail;

	return 0;
}

static bool dring_has_room(const struct dring_writer *w, uint64_t need)
{
	return w->head + need - w->tail <= w->size;
}

/* Whether `need` bytes are free; announces the wish if not. */
static int dring_make_room(struct dring_writer *w, uint64_t need)
{
	struct dring_mem *m = w->mem;
	int err = dring_learn(w);

	if (err != 0 || dring_has_room(w, need))
		return err;
	word_store(&m->wanted, w->head + need - w->size);
	fence_full();
	err = dring_learn(w);
	if (err != 0)
		return err;

	return dring_has_room(w, need) ? 0 : -EAGAIN;
}

static int dring_put(struct dring_writer *w, const struct record *rec,
		     const struct piece pieces[2])
{
	struct dring_mem *m = w->mem;
	uint64_t need = item_bytes(rec->bytes), mask = w->size - 1, at;
	int err;

	if (need > w->size / DRING_SHARE)
		return -EMSGSIZE;
	err = dring_make_room(w, need);
	if (err != 0)
		return err;
	item_put(m->data, mask, w->head, w->seq, w->generation, rec);
	at = w->head + ITEM_BASE;
	for (int i = 0; i < 2 && pieces[i].bytes; i++) {
		words_put(m->data, mask, at, pieces[i].at, pieces[i].bytes);
		at += pieces[i].bytes;
	}
	w->head += need;
	w->seq++;
	word_release(&m->head, w->head);
	if (word_load(&m->wanted))
		word_store(&m->wanted, 0);

	return 0;
}

int dring_write(struct dring_writer *w, const struct record *rec,
		const void *payload)
{
	const struct piece pieces[2] = { { payload, rec->bytes } };

	return dring_put(w, rec, pieces);
}

bool dring_must_ring(const struct dring_cursor *reader)
{
	fence_full();

	return word_load(&reader->asleep) != 0;
}

int dring_open(struct dring_reader *r, const void *mem, size_t data,
	       struct dring_cursor *own)
{
	const struct dring_mem *m = mem;

	if (!dring_size_ok(data) || word_acquire(&m->magic) != DRING_MAGIC ||
	    word_load(&m->size) != data)
		return -EBADMSG;
	*r = (struct dring_reader){
		.mem = mem, .cursor = own, .size = data, .seq = 1,
		.generation = word_load(&m->generation),
	};

	return 0;
}

static void dring_step(struct dring_reader *r, uint64_t bytes)
{
	r->at += bytes;
	r->seq++;
	word_release(&r->cursor->at, r->at);
}

int dring_read(struct dring_reader *r, struct record *rec, void *payload,
	       size_t cap)
{
	const struct dring_mem *m = r->mem;
	uint64_t mask = r->size - 1, held = word_acquire(&m->head) - r->at;
	struct item it;

	if (held == 0)
		return 0;
	if (held > r->size || held % WORD)
		return -EBADMSG;
	if (held > r->size / DRING_SHARE)
		held = r->size / DRING_SHARE;
	it = item_peek(m->data, mask, r->at);
	if (!item_is_sound(it, r->seq, r->generation, held))
		return -EBADMSG;
	if (item_payload(it) > cap) {
		dring_step(r, item_total(it));
		return -EMSGSIZE;
	}
	words_get(rec, m->data, mask, r->at + ITEM_HEAD, sizeof(*rec));
	words_get(payload, m->data, mask, r->at + ITEM_BASE, item_payload(it));
	if (rec->bytes != item_payload(it))
		return -EBADMSG;
	dring_step(r, item_total(it));

	return 1;
}

bool dring_writer_waits(const struct dring_reader *r)
{
	const struct dring_mem *m = r->mem;
	uint64_t wanted;

	fence_full();
	wanted = word_load(&m->wanted);

	return wanted && wanted <= r->at;
}

bool dring_sleep(struct dring_reader *r)
{
	const struct dring_mem *m = r->mem;

	word_store(&r->cursor->asleep, 1);
	fence_full();
	if (word_acquire(&m->head) == r->at)
		return true;
	dring_wake(r);

	return false;
}

void dring_wake(struct dring_reader *r)
{
	word_store(&r->cursor->asleep, 0);
}

/* One record of own memory, from `at`, into another ring. */
static int dring_carry(struct dring_writer *to, const struct dring_writer *from,
		       uint64_t at)
{
	const struct dring_mem *m = from->mem;
	uint64_t mask = from->size - 1;
	uint64_t start = (at + ITEM_BASE) & mask;
	struct piece pieces[2] = { { m->data + start, 0 }, { m->data, 0 } };
	struct record rec;

	words_get(&rec, m->data, mask, at + ITEM_HEAD, sizeof(rec));
	pieces[0].bytes = rec.bytes;
	if (start + rec.bytes > from->size) {
		pieces[0].bytes = from->size - start;
		pieces[1].bytes = rec.bytes - pieces[0].bytes;
	}

	return dring_put(to, &rec, pieces);
}

int dring_carry_over(struct dring_writer *to, const struct dring_writer *from)
{
	const struct dring_mem *m = from->mem;
	struct dring_writer old = *from;
	int count = 0, err = dring_learn(&old);

	for (uint64_t at = old.tail; err == 0 && at < old.head; count++) {
		err = dring_carry(to, &old, at);
		at += item_total(item_peek(m->data, old.size - 1, at));
	}

	return err != 0 ? err : count;
}
