/*
 * test_crash.c - death after every store: no torn frame, no broken ring
 *
 * The rings are compiled into this file with a crash point after each store
 * to shared memory. A run takes a ring in the middle of its life, lets one
 * side work until a fuse of seeded length burns out, never lets it continue,
 * and then looks at what is left through the eyes of the other side, of a
 * fresh reader, and of the successor. A million runs in all (fewer under a
 * sanitizer); a failure prints its seed.
 */

#define SHM_CRASH_POINTS

#include "shm/dring.c"
#include "shm/ering.c"
#include "shm/frame_ring.c"

#include <check.h>
#include <setjmp.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { RUNS = 20000 };
#else
enum { RUNS = 200000 };		/* of each of five kinds */
#endif

enum { IMAGES = 64, DATA = 4096, PAYLOAD = 120, SAMPLES = 32, FRAMES = 8192 };

static jmp_buf died;
static unsigned fuse;		/* stores left to live; 0: immortal */

void shm_crash_point(void)
{
	if (fuse && --fuse == 0)
		longjmp(died, 1);
}

static uint64_t rng;

static uint64_t roll(uint64_t below)
{
	uint64_t z = rng += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;

	return (z ^ z >> 31) % below;
}

static void require(bool good, const char *what, uint64_t seed)
{
	if (!good)
		ck_abort_msg("%s, seed %llu", what, (unsigned long long)seed);
}

/* Record n: every byte follows from n. */
static struct record make(uint64_t n, unsigned char *out)
{
	struct record rec = { .kind = RECORD_AUDIO, .seq_first = (int64_t)n };

	rec.bytes = (uint32_t)(n * 37 % (PAYLOAD + 1));
	rec.value = (uint32_t)(n * 2654435761u);
	for (uint32_t i = 0; i < rec.bytes; i++)
		out[i] = (unsigned char)(n * 31 + i * 7);

	return rec;
}

static bool is_whole(const struct record *rec, const unsigned char *bytes)
{
	unsigned char want[PAYLOAD];
	struct record one = make((uint64_t)rec->seq_first, want);

	return memcmp(&one, rec, sizeof(one)) == 0 &&
	       memcmp(want, bytes, one.bytes) == 0;
}

static union {
	unsigned char bytes[FRAMES];
	uint64_t align[FRAMES / 8];
} mem __attribute__((aligned(4096))), mem2 __attribute__((aligned(4096)));

/* The encoded ring */

static struct eimage {
	unsigned char bytes[2 * SHM_LINE + DATA];
	struct ering_writer w;
	struct ering_reader r;
	uint64_t next, want;	/* to write; to read */
} eimages[IMAGES];

static struct ering_writer ew;
static struct ering_reader er;
static struct ering_cursor ecursor;
static uint64_t next, want;

static void eput(void)
{
	unsigned char bytes[PAYLOAD];
	struct record rec = make(next, bytes);

	if (ering_write(&ew, &rec, bytes) != 0)
		abort();
	next++;
}

/* One reading; false when there is nothing. */
static bool eget(struct ering_reader *r, uint64_t *expect, uint64_t seed)
{
	unsigned char bytes[PAYLOAD];
	struct record rec;
	uint64_t lost;
	int err = ering_read(r, &rec, bytes, sizeof(bytes), &lost);

	*expect += lost;
	if (err == 0 || err == -EOVERFLOW)
		return err != 0;
	require(err == 1, "an honest ring is called broken", seed);
	require((uint64_t)rec.seq_first == *expect, "order", seed);
	require(is_whole(&rec, bytes), "torn record", seed);
	++*expect;

	return true;
}

static void make_eimages(void)
{
	ck_assert_uint_eq(ering_bytes(DATA), sizeof(eimages[0].bytes));
	for (int i = 0; i < IMAGES; i++) {
		struct eimage *im = &eimages[i];

		memset(&mem, 0, sizeof(mem));
		memset(&ecursor, 0, sizeof(ecursor));
		next = want = 0;
		ering_init(&ew, &mem, DATA, 9);
		ck_assert_int_eq(ering_open(&er, &mem, DATA, &ecursor, true),
				 0);
		for (int k = 0; k < i * 3; k++) {
			eput();
			if (k < i * 2)
				eget(&er, &want, 0);
		}
		memcpy(im->bytes, &mem, sizeof(im->bytes));
		im->w = ew;
		im->r = er;
		im->next = next;
		im->want = want;
	}
}

static void take_eimage(void)
{
	const struct eimage *im = &eimages[roll(IMAGES)];

	memcpy(&mem, im->bytes, sizeof(im->bytes));
	ew = im->w;
	er = im->r;
	next = im->next;
	want = im->want;
}

/* All that can be seen from here on: contiguous, up to `done` or, when the
 * last record was just published, one more. */
static void edrain(struct ering_reader *r, uint64_t expect, uint64_t done,
		   uint64_t seed)
{
	while (eget(r, &expect, seed))
		;
	require(expect == done || expect == done + 1, "end", seed);
	require(r->at == word_load((uint64_t *)(void *)(mem.bytes + SHM_LINE)),
		"not at head", seed);
}

static void efresh(uint64_t done, uint64_t seed)
{
	struct ering_cursor c = { 0 };
	struct ering_reader r;

	require(ering_open(&r, &mem, DATA, &c, true) == 0, "open", seed);
	edrain(&r, r.seq - 1, done, seed);
	require(ering_open(&r, &mem, DATA, &c, false) == 0, "open", seed);
	edrain(&r, r.seq - 1, done, seed);
}

START_TEST(the_writer_of_an_encoded_ring_dies)
{
	make_eimages();
	for (volatile uint64_t seed = 0; seed < RUNS; seed++) {
		rng = seed;
		take_eimage();
		if (setjmp(died) == 0) {
			fuse = 1 + (unsigned)roll(120);
			for (int k = 0; k < 6; k++)
				eput();
		}
		fuse = 0;
		edrain(&er, want, next, seed);
		efresh(next, seed);
	}
}
END_TEST

START_TEST(the_reader_of_an_encoded_ring_dies)
{
	make_eimages();
	for (volatile uint64_t seed = 0; seed < RUNS; seed++) {
		rng = seed;
		take_eimage();
		if (setjmp(died) == 0) {
			fuse = 1 + (unsigned)roll(20);
			for (int k = 0; k < 40; k++)
				if (!eget(&er, &want, seed) &&
				    ering_sleep(&er))
					ering_wake(&er);
		}
		fuse = 0;
		(void)ering_must_ring(&ecursor);
		for (int k = 0; k < 3; k++)
			eput();
		efresh(next, seed);
	}
}
END_TEST

/* The data ring */

static struct dimage {
	unsigned char bytes[3 * SHM_LINE + DATA];
	struct dring_writer w;
	struct dring_reader r;
	struct dring_cursor cursor;
	uint64_t next, want;
} dimages[IMAGES];

static struct dring_writer dw;
static struct dring_reader dr;
static struct dring_cursor dcursor;

static bool dput(struct dring_writer *w)
{
	unsigned char bytes[PAYLOAD];
	struct record rec = make(next, bytes);
	int err = dring_write(w, &rec, bytes);

	if (err != 0 && err != -EAGAIN)
		abort();
	next += err == 0;

	return err == 0;
}

static bool dget(struct dring_reader *r, uint64_t *expect, uint64_t seed)
{
	unsigned char bytes[PAYLOAD];
	struct record rec;
	int err = dring_read(r, &rec, bytes, sizeof(bytes));

	if (err == 0)
		return false;
	require(err == 1, "an honest ring is called broken", seed);
	require((uint64_t)rec.seq_first == *expect, "order", seed);
	require(is_whole(&rec, bytes), "torn record", seed);
	++*expect;
	(void)dring_writer_waits(r);

	return true;
}

static void make_dimages(void)
{
	ck_assert_uint_eq(dring_bytes(DATA), sizeof(dimages[0].bytes));
	for (int i = 0; i < IMAGES; i++) {
		struct dimage *im = &dimages[i];

		memset(&mem, 0, sizeof(mem));
		memset(&dcursor, 0, sizeof(dcursor));
		next = want = 0;
		dring_init(&dw, &mem, DATA, &dcursor, 9);
		ck_assert_int_eq(dring_open(&dr, &mem, DATA, &dcursor), 0);
		for (int k = 0; k < i * 3; k++)
			if (!dput(&dw) || k % 3)
				dget(&dr, &want, 0);
		memcpy(im->bytes, &mem, sizeof(im->bytes));
		im->w = dw;
		im->r = dr;
		im->cursor = dcursor;
		im->next = next;
		im->want = want;
	}
}

static void take_dimage(void)
{
	const struct dimage *im = &dimages[roll(IMAGES)];

	memcpy(&mem, im->bytes, sizeof(im->bytes));
	dw = im->w;
	dr = im->r;
	dcursor = im->cursor;
	next = im->next;
	want = im->want;
}

START_TEST(the_writer_of_a_data_ring_dies)
{
	make_dimages();
	for (volatile uint64_t seed = 0; seed < RUNS; seed++) {
		rng = seed;
		take_dimage();
		if (setjmp(died) == 0) {
			fuse = 1 + (unsigned)roll(120);
			for (int k = 0; k < 6; k++)
				dput(&dw);
		}
		fuse = 0;
		while (dget(&dr, &want, seed))
			;
		require(want == next || want == next + 1, "end", seed);
	}
}
END_TEST

START_TEST(the_reader_of_a_data_ring_dies_and_nothing_is_lost)
{
	struct dring_cursor c;
	struct dring_writer w2;
	struct dring_reader r2;
	uint64_t first, expect;

	make_dimages();
	for (volatile uint64_t seed = 0; seed < RUNS; seed++) {
		rng = seed;
		take_dimage();
		if (setjmp(died) == 0) {
			fuse = 1 + (unsigned)roll(20);
			for (int k = 0; k < 40; k++)
				if (!dget(&dr, &want, seed) &&
				    dring_sleep(&dr))
					dring_wake(&dr);
		}
		fuse = 0;
		dput(&dw);
		memset(&c, 0, sizeof(c));
		memset(&mem2, 0, dring_bytes(DATA));
		dring_init(&w2, &mem2, DATA, &c, 10);
		require(dring_open(&r2, &mem2, DATA, &c) == 0, "open", seed);
		first = next - (uint64_t)dring_carry_over(&w2, &dw);
		require(first == want || first == want + 1, "carried", seed);
		expect = first;
		while (dget(&r2, &expect, seed))
			;
		require(expect == next, "end", seed);
	}
}
END_TEST

/* The frame ring */

static struct frame_shape shape = {
	.format = RM_FRAMES_PCM16, .rate = 8000, .channels = 1,
	.samples = SAMPLES,	/* slots: 3 or 4 */
};

static struct frame_writer fw;
static struct frame_reader fr;
static struct rm_frames_page fpage;
static struct frame_meta held[RM_FRAMES_HOLDS];
static const void *held_data[RM_FRAMES_HOLDS][FRAME_PLANES];
static uint64_t revoked, committed;

static bool frame_whole(const void *data, uint64_t n)
{
	const uint64_t *p = data;

	for (uint64_t i = 0; i < SAMPLES / 4; i++)
		if (p[i] != n * 0x9e3779b97f4a7c15ull + i)
			return false;

	return true;
}

/* One act of the writer: mostly a frame, now and then something else. */
static void fact(uint64_t seed)
{
	struct frame_meta meta = { .samples = SAMPLES };
	void *planes[FRAME_PLANES];
	uint64_t ids[RM_FRAMES_HOLDS];
	int err;

	if (roll(16) == 0 && frame_holds(&fw, ids) > 0) {
		revoked = ids[0];
		if (frame_revoke(&fw, ids[0]) != 0)
			abort();
	}
	err = frame_loan(&fw, &meta, planes);
	if (err == -ENOBUFS && shape.slots == 3 && frame_holds(&fw, ids) == 2)
		return;
	require(err == 0, "no slot", seed);
	if (roll(16) == 0) {
		frame_cancel(&fw);
		return;
	}
	for (uint64_t i = 0; i < SAMPLES / 4; i++)
		word_store((uint64_t *)planes[0] + i,
			   (meta.id >> 8) * 0x9e3779b97f4a7c15ull + i);
	meta.pts_us = (int64_t)(meta.id >> 8);
	if (frame_commit(&fw, &meta) != 0)
		abort();
	committed = meta.id;
}

static void fstart(uint64_t seed)
{
	shape.slots = 3 + (uint32_t)roll(2);
	memset(&mem, 0, RM_FRAMES_DATA_AT);
	memset(&fpage, 0, sizeof(fpage));
	memset(held, 0, sizeof(held));
	revoked = committed = 0;
	if (frame_ring_bytes(&shape) > sizeof(mem) ||
	    frame_ring_init(&fw, &mem, &shape, &fpage) != 0 ||
	    frame_ring_open(&fr, &mem, &shape, &fpage) != 0)
		abort();
	for (uint64_t k = roll(6); k > 0; k--)
		fact(seed);
}

static void fborrow(uint64_t seed)
{
	uint64_t lost;
	int err;

	for (int h = 0; h < RM_FRAMES_HOLDS; h++) {
		if (held[h].id || roll(3) == 0)
			continue;
		err = frame_borrow(&fr, &held[h], held_data[h], &lost);
		require(err == 0 || err == 1, "borrow", seed);
		if (err == 0)
			held[h].id = 0;
	}
}

static void freturn(int h, uint64_t seed)
{
	bool good;
	int err;

	if (!held[h].id)
		return;
	good = frame_whole(held_data[h][0], held[h].id >> 8);
	err = frame_return(&fr, held[h].id);
	require(good || err == -ESTALE, "torn frame", seed);
	require(err == 0 || revoked, "stale, not revoked", seed);
	held[h].id = 0;
}

/* What another process finds. */
static void flook(uint64_t seed)
{
	const void *view[FRAME_PLANES];
	struct rm_frames_page page = { 0 };
	struct frame_reader r;
	struct frame_meta m;
	uint64_t lost, last = 0;
	int err;

	require(frame_ring_open(&r, &mem, &shape, NULL) == 0, "open", seed);
	err = frame_look(&r, &m, view);
	require(err == 0 || err == 1, "look", seed);
	require(err == 1 || !committed || revoked, "no newest frame", seed);
	require(err == 0 || frame_whole(view[0], m.id >> 8), "torn", seed);
	require(err == 0 || m.id >> 8 == (uint64_t)m.pts_us, "torn", seed);
	require(frame_ring_open(&r, &mem, &shape, &page) == 0, "open", seed);
	while (frame_borrow(&r, &m, view, &lost) == 1) {
		require(m.id >> 8 > last, "order", seed);
		last = m.id >> 8;
		require(m.pts_us == (int64_t)last, "torn", seed);
		require(frame_whole(view[0], last), "torn", seed);
		require(frame_return(&r, m.id) == 0, "stale", seed);
	}
}

/* Both kinds of death by turns; both sides act before it. */
START_TEST(either_side_of_a_frame_ring_dies)
{
	for (volatile uint64_t seed = 0; seed < RUNS; seed++) {
		rng = seed;
		fstart(seed);
		if (setjmp(died) == 0) {
			if (seed % 2 == 0)
				fborrow(seed);
			fuse = 1 + (unsigned)roll(seed % 2 ? 24 : 160);
			for (int k = 0; k < 5; k++) {
				if (seed % 2) {
					fborrow(seed);
					freturn((int)roll(2), seed);
				} else {
					fact(seed);
				}
			}
		}
		fuse = 0;
		flook(seed);
		if (seed % 2) {
			/* The writer goes on, old holds or not. */
			for (int k = 0; k < 6; k++)
				fact(seed);
			flook(seed);
		} else {
			freturn(0, seed);
			freturn(1, seed);
		}
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("crash points");
	TCase *tc = tcase_create("all");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, the_writer_of_an_encoded_ring_dies);
	tcase_add_test(tc, the_reader_of_an_encoded_ring_dies);
	tcase_add_test(tc, the_writer_of_a_data_ring_dies);
	tcase_add_test(tc, the_reader_of_a_data_ring_dies_and_nothing_is_lost);
	tcase_add_test(tc, either_side_of_a_frame_ring_dies);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
