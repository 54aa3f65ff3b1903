/* fuzz_frame_ring.c - a frame ring with a hostile writer (the raw area is
 * the input) or a hostile reader (its page is) */

#include "shm/frame_ring.h"
#include "tests/fuzz/script.h"

#include <errno.h>

enum { HEADS = 4096, STEPS_MAX = 200 };

static const struct frame_shape shapes[2] = {
	{ .format = RM_FRAMES_PCM16, .slots = 4, .rate = 8000, .channels = 2,
	  .samples = 40 },
	{ .format = RM_FRAMES_I420, .slots = 3, .width = 35, .height = 7 },
};

static int put(struct frame_writer *w, const struct frame_shape *shape)
{
	struct frame_meta meta = { .width = shape->width,
				   .height = shape->height,
				   .samples = shape->samples };
	void *planes[FRAME_PLANES];
	int err = frame_loan(w, &meta, planes);

	if (err != 0)
		return err;
	memset(planes[0], 0x5a, frame_bytes(shape, &meta));

	return frame_commit(w, &meta);
}

static void inside(const struct frame_reader *r, const struct frame_meta *meta,
		   const void *const *planes)
{
	size_t bytes = frame_bytes(&r->shape, meta);
	const unsigned char *p = planes[0];

	must(bytes && p >= r->mem + HEADS);
	must(p + bytes <= r->mem + frame_ring_bytes(&r->shape));
}

static void read_some(struct script *s, struct frame_reader *r)
{
	const void *planes[FRAME_PLANES];
	unsigned char copy[2048];
	struct frame_meta meta;
	uint64_t lost;
	int err;

	switch (script_take(s, 1) % 4) {
	case 0:
		err = frame_copy(r, &meta, copy, sizeof(copy));
		must(err == 1 || err == 0 || err == -ESTALE ||
		     err == -EBADMSG);
		break;
	case 1:
		err = frame_look(r, &meta, planes);
		must(err == 1 || err == 0 || err == -EBADMSG);
		if (err == 1)
			inside(r, &meta, planes);
		break;
	case 2:
		err = frame_borrow(r, &meta, planes, &lost);
		must(err == 1 || err == 0 || err == -EBUSY ||
		     err == -EBADMSG);
		if (err == 1)
			inside(r, &meta, planes);
		break;
	default:
		err = frame_return(r, r->held[script_take(s, 1) % 2]);
		must(err == 0 || err == -ESTALE || err == -EINVAL);
	}
}

static void hostile_writer(struct script *s, unsigned char *mem,
			   const struct frame_shape *shape, bool fill)
{
	struct rm_frames_page page = { 0 };
	struct frame_writer w;
	struct frame_reader r;

	must(frame_ring_init(&w, mem, shape, &page) == 0);
	for (int i = 0; i < 3; i++)
		must(put(&w, shape) == 0);
	if (fill)
		script_fill(s, mem, HEADS);
	if (frame_ring_open(&r, mem, shape, &page) != 0)
		return;
	while (s->left) {
		if (script_take(s, 1) % 2)
			script_poke(s, mem + RM_FRAMES_NEWS_AT,
				    RM_FRAMES_SLOTS_MAX * 128);
		else
			read_some(s, &r);
		if (frame_sleep(&r))
			frame_wake(&r);
	}
}

static void hostile_reader(struct script *s, unsigned char *mem,
			   const struct frame_shape *shape)
{
	struct rm_frames_page page = { 0 };
	uint64_t ids[RM_FRAMES_HOLDS];
	struct frame_writer w;
	int count, err;

	must(frame_ring_init(&w, mem, shape, &page) == 0);
	for (int i = 0; i < STEPS_MAX && s->left; i++) {
		switch (script_take(s, 1) % 4) {
		case 0:
			script_poke(s, &page, sizeof(page));
			break;
		case 1:
			page.hold[script_take(s, 1) % 2] = w.newest;
			break;
		case 2:
			count = frame_holds(&w, ids);
			must(count >= 0 && count <= RM_FRAMES_HOLDS);
			if (count && frame_revoke(&w, ids[0]) == 0)
				must(frame_revoke(&w, ids[0]) == -ENOENT);
			break;
		default:
			err = put(&w, shape);
			/* Four slots: two held, the newest, and one more. */
			must(err == 0 ||
			     (err == -ENOBUFS && shape->slots < 4));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct script s = { data, len };
	uint64_t mode = script_take(&s, 1);
	const struct frame_shape *shape = &shapes[mode >> 2 & 1];
	size_t bytes = frame_ring_bytes(shape);
	unsigned char *mem = aligned_alloc(4096, bytes);

	memset(mem, 0, HEADS);
	if (mode & 1)
		hostile_writer(&s, mem, shape, mode & 2);
	else
		hostile_reader(&s, mem, shape);
	free(mem);

	return 0;
}
