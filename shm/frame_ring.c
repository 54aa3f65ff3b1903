/*
 * frame_ring.c - slots change hands by words that one side alone stores
 *
 * Observers use the state word as a sequence lock: the writer stores
 * FILLING with a new number, a fence, then bytes; commit stores READY after
 * the bytes. An observer that finds READY and the same number before and
 * after its reading, with fences between, has read one whole frame.
 *
 * The in-line reader's hold is a hazard pointer:
 *
 *     reader                          writer
 *     hold = id                       state = WANTED, number as it is
 *     full fence                      full fence
 *     state still READY?              hold == id?
 *       yes: it is mine                 yes: state = READY, another slot
 *       no:  hold = 0, next frame       no:  state = FILLING | new number,
 *                                            fence, then bytes
 *
 * With both fences at least one side sees the other; if both do, both step
 * back. Under WANTED no byte is touched, so that a check which meets it says
 * that the frame is whole. A reader whose fence is missing (a language
 * without fences) can only be overtaken, never fooled: the state word is
 * checked again when the frame is returned, so it hears -ESTALE.
 *
 * The newest frame is never overwritten, so that an observer always finds
 * one; with two frames held and one being filled that makes four slots.
 */

#include "shm/frame_ring.h"

#include "shm/region.h"
#include "shm/words.h"

#include <errno.h>

enum {
	PAGE = 4096, ALIGN = 64, STATE_BITS = 8, STATE_MASK = 255,
	SIDE_MAX = 4096, RATE_MIN = 8000, RATE_MAX = 192000,
	CHANNELS_MAX = 8, SAMPLES_MAX = 19200, FRAME_TRIES = 8,
	SLOT_WORDS = (int)(sizeof(struct rm_frames_slot) / WORD),
};

#define AT(type, field, at) \
	_Static_assert(offsetof(struct type, field) == (at), #type " layout")

_Static_assert(sizeof(struct rm_region_head) == 64, "region layout");
_Static_assert(sizeof(struct rm_region_head) == sizeof(struct region_head),
	       "one region head");
_Static_assert((unsigned)RM_REGION_MAGIC == REGION_MAGIC &&
	       (int)RM_REGION_ABI == REGION_ABI &&
	       (int)RM_REGION_FRAMES == REGION_FRAMES &&
	       (int)RM_REGION_PRIVATE == REGION_PRIVATE, "one region head");
_Static_assert(sizeof(struct rm_frames_head) == 64, "head layout");
AT(rm_frames_head, format, 8);
AT(rm_frames_head, slots, 12);
AT(rm_frames_head, slot_bytes, 16);
AT(rm_frames_head, width, 24);
AT(rm_frames_head, height, 28);
AT(rm_frames_head, rate, 32);
AT(rm_frames_head, channels, 36);
AT(rm_frames_head, samples, 40);
_Static_assert(sizeof(struct rm_frames_news) == SHM_LINE, "news layout");
AT(rm_frames_news, newest, 0);
AT(rm_frames_news, dropped, 8);
_Static_assert(sizeof(struct rm_frames_slot) == SHM_LINE, "slot layout");
AT(rm_frames_slot, state, 0);
AT(rm_frames_slot, pts_us, 8);
AT(rm_frames_slot, source, 16);
AT(rm_frames_slot, bytes, 24);
AT(rm_frames_slot, width, 32);
AT(rm_frames_slot, height, 36);
AT(rm_frames_slot, stride, 40);
AT(rm_frames_slot, samples, 52);
AT(rm_frames_slot, plane_at, 56);
AT(rm_frames_slot, flags, 80);
_Static_assert(sizeof(struct rm_frames_page) == SHM_LINE, "page layout");
AT(rm_frames_page, asleep, 0);
AT(rm_frames_page, hold, 8);
AT(rm_frames_page, seen, 24);
_Static_assert(RM_FRAMES_SLOT_AT + RM_FRAMES_SLOTS_MAX * SHM_LINE <=
	       RM_FRAMES_DATA_AT, "slots before data");

/* Where the planes of a frame stand in its slot. */
struct planes {
	uint32_t stride[FRAME_PLANES];
	uint64_t at[FRAME_PLANES];
	uint64_t bytes;
};

static bool shape_ok(const struct frame_shape *s)
{
	if (s->slots < RM_FRAMES_SLOTS_MIN || s->slots > RM_FRAMES_SLOTS_MAX)
		return false;
	if (s->format == RM_FRAMES_I420)
		return s->width >= 1 && s->width <= SIDE_MAX &&
		       s->height >= 1 && s->height <= SIDE_MAX && !s->rate &&
		       !s->channels && !s->samples;

	return s->format == RM_FRAMES_PCM16 && !s->width && !s->height &&
	       s->rate >= RATE_MIN && s->rate <= RATE_MAX &&
	       s->channels >= 1 && s->channels <= CHANNELS_MAX &&
	       s->samples >= 1 && s->samples <= SAMPLES_MAX;
}

static void lay_picture(struct planes *p, uint32_t width, uint32_t height)
{
	uint64_t chroma = (height + 1) / 2;

	p->stride[0] = (uint32_t)words_up(width, ALIGN);
	p->stride[1] = (uint32_t)words_up((width + 1) / 2, ALIGN);
	p->stride[2] = p->stride[1];
	p->at[1] = (uint64_t)p->stride[0] * height;
	p->at[2] = p->at[1] + p->stride[1] * chroma;
	p->bytes = p->at[2] + p->stride[2] * chroma;
}

/* False when such a frame does not fit the shape. */
static bool lay_out(struct planes *p, const struct frame_shape *s,
		    uint32_t width, uint32_t height, uint32_t samples)
{
	*p = (struct planes){ .bytes = 0 };
	if (s->format == RM_FRAMES_I420) {
		if (!width || width > s->width || !height ||
		    height > s->height || samples)
			return false;
		lay_picture(p, width, height);
		return true;
	}
	if (!samples || samples > s->samples || width || height)
		return false;
	p->bytes = (uint64_t)samples * s->channels * sizeof(int16_t);

	return true;
}

static uint64_t slot_size(const struct frame_shape *s)
{
	struct planes p;

	if (!shape_ok(s) ||
	    !lay_out(&p, s, s->width, s->height, s->samples))
		return 0;

	return words_up(p.bytes, SHM_LINE);
}

size_t frame_ring_bytes(const struct frame_shape *shape)
{
	uint64_t slot = slot_size(shape);

	return slot ? words_up(RM_FRAMES_DATA_AT + shape->slots * slot, PAGE) :
		      0;
}

size_t frame_bytes(const struct frame_shape *shape,
		   const struct frame_meta *meta)
{
	struct planes p;

	if (!shape_ok(shape) || !lay_out(&p, shape, meta->width, meta->height,
					 meta->samples))
		return 0;

	return p.bytes;
}

static uint64_t number_of(uint64_t word)
{
	return word >> STATE_BITS;
}

static uint64_t ready(uint64_t number)
{
	return number << STATE_BITS | RM_FRAMES_READY;
}

static uint64_t id_of(uint64_t number, uint32_t slot)
{
	return number << STATE_BITS | slot;
}

/* The words of a slot's descriptor; the first is its state. */
static uint64_t *slot_words(unsigned char *mem, uint32_t slot)
{
	return (uint64_t *)(void *)(mem + RM_FRAMES_SLOT_AT + slot * SHM_LINE);
}

static const uint64_t *slot_in(const unsigned char *mem, uint32_t slot)
{
	return (const uint64_t *)(const void *)(mem + RM_FRAMES_SLOT_AT +
						slot * SHM_LINE);
}

static uint64_t *news_words(unsigned char *mem)
{
	return (uint64_t *)(void *)(mem + RM_FRAMES_NEWS_AT);
}

static const uint64_t *news_in(const unsigned char *mem)
{
	return (const uint64_t *)(const void *)(mem + RM_FRAMES_NEWS_AT);
}

/* The writer */

int frame_ring_init(struct frame_writer *w, void *mem,
		    const struct frame_shape *shape,
		    const struct rm_frames_page *inline_page)
{
	struct rm_frames_head head = {
		.magic = RM_FRAMES_MAGIC, .major = RM_FRAMES_MAJOR,
		.minor = RM_FRAMES_MINOR, .format = shape->format,
		.slots = shape->slots, .slot_bytes = slot_size(shape),
		.width = shape->width, .height = shape->height,
		.rate = shape->rate, .channels = shape->channels,
		.samples = shape->samples,
	};
	uint64_t words[sizeof(head) / WORD];
	uint64_t *to = (uint64_t *)mem + RM_FRAMES_HEAD_AT / WORD;

	if (!head.slot_bytes)
		return -EINVAL;
	*w = (struct frame_writer){
		.mem = mem, .inline_page = inline_page, .shape = *shape,
		.slot_bytes = head.slot_bytes, .loaned = -1,
	};
	memcpy(words, &head, sizeof(head));
	for (size_t i = sizeof(head) / WORD; i-- > 1;)
		word_store(&to[i], words[i]);
	word_release(&to[0], words[0]);

	return 0;
}

void frame_ring_set_inline(struct frame_writer *w,
			   const struct rm_frames_page *page)
{
	w->inline_page = page;
}

static void set_state(struct frame_writer *w, uint32_t slot, uint64_t state)
{
	w->state[slot] = state;
	word_release(slot_words(w->mem, slot), state);
}

/* Whether this id is a frame that stands in the ring. */
static bool stands(const struct frame_writer *w, uint64_t id)
{
	uint32_t slot = (uint32_t)(id & STATE_MASK);

	return slot < w->shape.slots &&
	       w->state[slot] == ready(number_of(id));
}

int frame_holds(const struct frame_writer *w, uint64_t out[RM_FRAMES_HOLDS])
{
	int count = 0;

	for (int i = 0; w->inline_page && i < RM_FRAMES_HOLDS; i++) {
		uint64_t id = word_acquire(&w->inline_page->hold[i]);

		if (id && stands(w, id))
			out[count++] = id;
	}

	return count;
}

static bool is_held(const struct frame_writer *w, uint32_t slot)
{
	uint64_t ids[RM_FRAMES_HOLDS];
	int count = frame_holds(w, ids);

	for (int i = 0; i < count; i++)
		if ((ids[i] & STATE_MASK) == slot)
			return true;

	return false;
}

/* The slot to fill next, not one of `tried` (bits): unused ones first, then
 * the oldest frame. -1: none. */
static int pick(const struct frame_writer *w, unsigned tried)
{
	uint64_t best_age = UINT64_MAX, age;
	int best = -1;

	for (uint32_t i = 0; i < w->shape.slots; i++) {
		if (tried & 1u << i ||
		    (w->newest && (w->newest & STATE_MASK) == i &&
		     stands(w, w->newest)) ||
		    is_held(w, i))
			continue;
		age = (w->state[i] & STATE_MASK) == RM_FRAMES_READY ?
			      number_of(w->state[i]) : 0;
		if (age < best_age) {
			best = (int)i;
			best_age = age;
		}
	}

	return best;
}

/* Marks a slot as being filled; false when its frame was taken meanwhile. */
static bool seize(struct frame_writer *w, uint32_t slot, uint64_t number)
{
	uint64_t old = w->state[slot];

	if ((old & STATE_MASK) == RM_FRAMES_READY) {
		word_release(slot_words(w->mem, slot),
			     (old & ~(uint64_t)STATE_MASK) | RM_FRAMES_WANTED);
		fence_full();
		if (is_held(w, slot)) {
			word_release(slot_words(w->mem, slot), old);
			return false;
		}
	}
	set_state(w, slot, number << STATE_BITS | RM_FRAMES_FILLING);
	fence_release();

	return true;
}

/*
 * A slot marked as being filled, or -1. A slot that was refused may be free
 * again when the others have been tried: the reader stepped back from it and
 * took another one. The second round finds it (tests/spin/frame_ring.pml).
 */
static int take_slot(struct frame_writer *w)
{
	for (int round = 0; round < 2; round++) {
		unsigned tried = 0;
		int slot;

		while ((slot = pick(w, tried)) >= 0) {
			if (seize(w, (uint32_t)slot, w->number))
				return slot;
			tried |= 1u << slot;
		}
		if (!tried)
			return -1;
	}

	return -1;
}

static void *slot_data(unsigned char *mem, uint64_t slot_bytes, uint32_t slot)
{
	return mem + RM_FRAMES_DATA_AT + slot * slot_bytes;
}

int frame_loan(struct frame_writer *w, struct frame_meta *meta,
	       void *planes[FRAME_PLANES])
{
	struct planes p;
	char *data;
	int slot;

	if (w->loaned >= 0)
		return -EBUSY;
	if (!lay_out(&p, &w->shape, meta->width, meta->height, meta->samples))
		return -EINVAL;
	w->number++;
	slot = take_slot(w);
	if (slot < 0) {
		word_store(&news_words(w->mem)[1], ++w->dropped);
		return -ENOBUFS;
	}
	w->loaned = slot;
	meta->id = id_of(w->number, (uint32_t)slot);
	data = slot_data(w->mem, w->slot_bytes, (uint32_t)slot);
	for (int i = 0; i < FRAME_PLANES; i++) {
		meta->stride[i] = p.stride[i];
		planes[i] = i && !p.at[i] ? NULL : data + p.at[i];
	}
	w->loan = *meta;

	return 0;
}

static void describe(struct frame_writer *w, uint32_t slot,
		     const struct frame_meta *meta, const struct planes *p)
{
	struct rm_frames_slot d = {
		.pts_us = meta->pts_us, .source = meta->source,
		.bytes = p->bytes, .width = meta->width,
		.height = meta->height, .samples = meta->samples,
	};
	uint64_t words[SLOT_WORDS];

	for (int i = 0; i < FRAME_PLANES; i++) {
		d.stride[i] = p->stride[i];
		d.plane_at[i] = p->at[i];
	}
	memcpy(words, &d, sizeof(d));
	for (int i = 1; i < SLOT_WORDS; i++)
		word_store(&slot_words(w->mem, slot)[i], words[i]);
}

int frame_commit(struct frame_writer *w, const struct frame_meta *meta)
{
	uint32_t slot = (uint32_t)w->loaned;
	struct planes p;

	if (w->loaned < 0 || meta->id != w->loan.id ||
	    meta->width != w->loan.width || meta->height != w->loan.height ||
	    meta->samples > w->loan.samples ||
	    !lay_out(&p, &w->shape, meta->width, meta->height, meta->samples))
		return -EINVAL;
	describe(w, slot, meta, &p);
	set_state(w, slot, ready(w->number));
	w->newest = meta->id;
	word_release(&news_words(w->mem)[0], meta->id);
	w->loaned = -1;

	return 0;
}

void frame_cancel(struct frame_writer *w)
{
	if (w->loaned >= 0)
		set_state(w, (uint32_t)w->loaned,
			  w->number << STATE_BITS | RM_FRAMES_FREE);
	w->loaned = -1;
}

int frame_revoke(struct frame_writer *w, uint64_t id)
{
	if (!stands(w, id))
		return -ENOENT;
	set_state(w, (uint32_t)(id & STATE_MASK),
		  number_of(id) << STATE_BITS | RM_FRAMES_REVOKED);

	return 0;
}

bool frame_must_ring(const struct rm_frames_page *reader)
{
	fence_full();

	return word_load(&reader->asleep) != 0;
}

/* The readers */

int frame_ring_open(struct frame_reader *r, const void *mem,
		    const struct frame_shape *shape,
		    struct rm_frames_page *page)
{
	const uint64_t *from = (const uint64_t *)mem + RM_FRAMES_HEAD_AT / WORD;
	struct rm_frames_head head;
	uint64_t words[sizeof(head) / WORD], slot = slot_size(shape);

	words[0] = word_acquire(&from[0]);
	for (size_t i = 1; i < sizeof(head) / WORD; i++)
		words[i] = word_load(&from[i]);
	memcpy(&head, words, sizeof(head));
	if (!slot || head.magic != RM_FRAMES_MAGIC ||
	    head.major != RM_FRAMES_MAJOR || head.slot_bytes != slot ||
	    head.format != shape->format || head.slots != shape->slots ||
	    head.width != shape->width || head.height != shape->height ||
	    head.rate != shape->rate || head.channels != shape->channels ||
	    head.samples != shape->samples)
		return -EBADMSG;
	*r = (struct frame_reader){
		.mem = mem, .page = page, .shape = *shape, .slot_bytes = slot,
	};

	return 0;
}

int frame_check(const struct frame_reader *r, uint64_t id)
{
	uint32_t slot = (uint32_t)(id & STATE_MASK);
	uint64_t state;

	if (slot >= r->shape.slots)
		return -ESTALE;
	fence_acquire();
	state = word_load(slot_in(r->mem, slot));

	return number_of(state) == number_of(id) &&
	       ((state & STATE_MASK) == RM_FRAMES_READY ||
		(state & STATE_MASK) == RM_FRAMES_WANTED) ? 0 : -ESTALE;
}

static bool describes(const struct rm_frames_slot *d, const struct planes *p)
{
	bool ok = d->bytes == p->bytes;

	for (int i = 0; i < FRAME_PLANES; i++)
		ok = ok && d->stride[i] == p->stride[i] &&
		     d->plane_at[i] == p->at[i];

	return ok;
}

/*
 * Facts and planes of one frame. -ESTALE when it is not READY or was
 * overtaken; -EBADMSG when it is whole and wrong.
 */
static int read_slot(const struct frame_reader *r, uint64_t id,
		     struct frame_meta *meta, const void **planes)
{
	uint32_t slot = (uint32_t)(id & STATE_MASK);
	const uint64_t *from = slot_in(r->mem, slot);
	const unsigned char *data = r->mem + RM_FRAMES_DATA_AT +
				    slot * r->slot_bytes;
	uint64_t words[SLOT_WORDS];
	struct rm_frames_slot d;
	struct planes p;

	words[0] = word_acquire(&from[0]);
	for (int i = 1; i < SLOT_WORDS; i++)
		words[i] = word_load(&from[i]);
	if (words[0] != ready(number_of(id)) || frame_check(r, id) != 0)
		return -ESTALE;
	memcpy(&d, words, sizeof(d));
	if (!lay_out(&p, &r->shape, d.width, d.height, d.samples) ||
	    !describes(&d, &p))
		return -EBADMSG;
	*meta = (struct frame_meta){
		.id = id, .pts_us = d.pts_us, .source = d.source,
		.width = d.width, .height = d.height, .samples = d.samples,
	};
	for (int i = 0; i < FRAME_PLANES; i++) {
		meta->stride[i] = p.stride[i];
		planes[i] = i && !p.at[i] ? NULL : data + p.at[i];
	}

	return 0;
}

static void saw(struct frame_reader *r, uint64_t number)
{
	r->seen = number;
	if (r->page)
		word_release(&r->page->seen, number);
}

/* 1 and the id of the newest frame, or 0 when it is no news. An in-line
 * reader may be ahead of it: a frame is READY just before it is newest. */
static int newest_id(const struct frame_reader *r, uint64_t *id)
{
	*id = word_acquire(&news_in(r->mem)[0]);
	if (number_of(*id) <= r->seen)
		return 0;

	return (*id & STATE_MASK) < r->shape.slots ? 1 : -EBADMSG;
}

static int look(struct frame_reader *r, struct frame_meta *meta,
		const void *planes[FRAME_PLANES])
{
	uint64_t id;
	int err;

	for (int i = 0; i < FRAME_TRIES; i++) {
		err = newest_id(r, &id);
		if (err <= 0)
			return err;
		err = read_slot(r, id, meta, planes);
		if (err != -ESTALE)
			return err != 0 ? err : 1;
	}

	return 0;
}

int frame_look(struct frame_reader *r, struct frame_meta *meta,
	       const void *planes[FRAME_PLANES])
{
	int err = look(r, meta, planes);

	if (err == 1)
		saw(r, number_of(meta->id));

	return err;
}

int frame_copy(struct frame_reader *r, struct frame_meta *meta, void *out,
	       size_t cap)
{
	const void *planes[FRAME_PLANES];
	size_t bytes;
	int err = look(r, meta, planes);

	if (err != 1)
		return err;
	bytes = frame_bytes(&r->shape, meta);
	if (bytes > cap)
		return -EMSGSIZE;
	words_get(out, planes[0], UINT64_MAX, 0, bytes);
	err = frame_check(r, meta->id);
	if (err != 0)
		return err;
	saw(r, number_of(meta->id));

	return 1;
}

/* The oldest READY frame after the last one taken; 0: none. */
static uint64_t next_id(const struct frame_reader *r)
{
	uint64_t best = 0;

	for (uint32_t i = 0; i < r->shape.slots; i++) {
		uint64_t state = word_acquire(slot_in(r->mem, i));
		uint64_t number = number_of(state);

		if ((state & STATE_MASK) == RM_FRAMES_READY &&
		    number > r->seen && (!best || number < number_of(best)))
			best = id_of(number, i);
	}

	return best;
}

/* The writer wanted this frame's slot just now. Never asking for it again
 * makes both sides come to an end (tests/spin/frame_ring.pml, M10). */
static void pass_over(struct frame_reader *r, uint64_t id)
{
	r->passed += number_of(id) - r->seen;
	r->seen = number_of(id);
}

int frame_borrow(struct frame_reader *r, struct frame_meta *meta,
		 const void *planes[FRAME_PLANES], uint64_t *lost)
{
	int h = r->held[0] ? 1 : 0, err = -ESTALE;
	uint64_t id;

	*lost = 0;
	if (!r->page)
		return -EINVAL;
	if (r->held[h])
		return -EBUSY;
	for (int i = 0; i < FRAME_TRIES && err == -ESTALE; i++) {
		id = next_id(r);
		if (!id)
			return 0;
		word_release(&r->page->hold[h], id);
		fence_full();
		err = read_slot(r, id, meta, planes);
		if (err != 0)
			word_release(&r->page->hold[h], 0);
		if (err == -ESTALE)
			pass_over(r, id);
	}
	if (err != 0)
		return err == -ESTALE ? 0 : err;
	r->held[h] = id;
	*lost = r->passed + number_of(id) - r->seen - 1;
	r->passed = 0;
	saw(r, number_of(id));

	return 1;
}

int frame_return(struct frame_reader *r, uint64_t id)
{
	int err;

	for (int h = 0; h < RM_FRAMES_HOLDS; h++) {
		if (!id || r->held[h] != id)
			continue;
		err = frame_check(r, id);
		r->held[h] = 0;
		word_release(&r->page->hold[h], 0);
		return err;
	}

	return -EINVAL;
}

/* Whether nothing can be read now. A newest frame that was revoked is not
 * news; whatever takes its place will be announced. */
static bool is_idle(const struct frame_reader *r)
{
	uint64_t id = 0, before;

	for (int i = 0; i < FRAME_TRIES; i++) {
		before = id;
		if (newest_id(r, &id) == 0 || (id == before && id))
			return true;
		if (frame_check(r, id) == 0)
			return false;
	}

	return false;
}

bool frame_sleep(struct frame_reader *r)
{
	word_store(&r->page->asleep, 1);
	fence_full();
	if (is_idle(r))
		return true;
	frame_wake(r);

	return false;
}

void frame_wake(struct frame_reader *r)
{
	word_store(&r->page->asleep, 0);
}
