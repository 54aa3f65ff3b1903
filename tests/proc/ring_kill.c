/*
 * ring_kill.c - real SIGKILLs of a writer or a reader, over sealed memfds
 *
 * Usage: ring_kill [kills]   (5000)
 *
 * Each round makes fresh regions, forks the victim, works on the other side
 * for some tens or hundreds of microseconds, kills the victim wherever it
 * is, and looks at what is left. Everything delivered carries a checksum.
 * The last line is "<n> passed, <m> failed"; one round is one test.
 */

#include "common/clock.h"
#include "shm/dring.h"
#include "shm/ering.h"
#include "shm/frame_ring.h"
#include "shm/region.h"
#include "shm/words.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	DATA = 65536, RING_BYTES = 69632, PAGE_BYTES = 4096, PAGE_AT = 128,
	PAYLOAD = 1200, SAMPLES = 960, FRAME_WORDS = SAMPLES * 4 / 8,
};

enum kind {
	ERING_WRITER, ERING_READER, DRING_WRITER, DRING_READER,
	FRAME_WRITER, FRAME_READER, KINDS
};

static const char *const names[KINDS] = {
	"encoded ring, writer killed", "encoded ring, reader killed",
	"data ring, writer killed", "data ring, reader killed",
	"frame ring, writer killed", "frame ring, in-line reader killed",
};

static const struct frame_shape shape = {
	.format = RM_FRAMES_PCM16, .slots = 4, .rate = 48000, .channels = 2,
	.samples = SAMPLES,
};

/* Shared with the victim, apart from the rings. */
struct notes {
	uint64_t ready;
	uint64_t delivered;	/* next record of a victim that reads */
	uint64_t got;		/* how many it took */
	uint64_t broken;	/* it found something wrong */
};

struct round {
	enum kind kind;
	int ring_fd, page_fd;
	size_t ring_bytes;
	struct region ring, page;
	uint64_t next, want;	/* record to write, to read */
	bool whole;
	struct ering_writer ew;
	struct ering_reader er;
	struct dring_writer dw;
	struct dring_reader dr;
	struct frame_writer fw;
	struct frame_reader fr;
};

static struct notes *notes;
static uint64_t rng = 1, delivered[KINDS], skipped[KINDS];

static uint64_t roll(uint64_t below)
{
	uint64_t z = rng += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;

	return (z ^ z >> 31) % below;
}

static uint32_t checksum(const unsigned char *p, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 16777619u;

	return h;
}

static struct record make(uint64_t n, unsigned char *out)
{
	struct record rec = { .kind = RECORD_DATA, .seq_first = (int64_t)n };

	rec.bytes = (uint32_t)(n * 37 % (PAYLOAD + 1));
	for (uint32_t i = 0; i < rec.bytes; i++)
		out[i] = (unsigned char)(n * 31 + i * 7);
	rec.value = checksum(out, rec.bytes);

	return rec;
}

static bool is_whole(const struct record *rec, const unsigned char *bytes)
{
	return rec->bytes == (uint64_t)rec->seq_first * 37 % (PAYLOAD + 1) &&
	       rec->value == checksum(bytes, rec->bytes);
}

static void *page_in(const struct round *r)
{
	return (char *)r->page.base + PAGE_AT;
}

static void *ring_in(const struct round *r)
{
	bool frames = r->kind == FRAME_WRITER || r->kind == FRAME_READER;

	return (char *)r->ring.base + (frames ? 0 : PAGE_AT);
}

/* One step of a side; each returns whether anything moved. */

static bool ering_put(struct round *r)
{
	unsigned char bytes[PAYLOAD];
	struct record rec = make(r->next, bytes);

	r->whole &= ering_write(&r->ew, &rec, bytes) == 0;
	r->next++;

	return true;
}

static bool ering_get(struct round *r)
{
	unsigned char bytes[PAYLOAD];
	struct record rec;
	uint64_t lost;
	int err = ering_read(&r->er, &rec, bytes, sizeof(bytes), &lost);

	r->want += lost;
	skipped[r->kind] += lost;
	if (err == 0 || err == -EOVERFLOW)
		return err != 0;
	r->whole &= err == 1 && (uint64_t)rec.seq_first == r->want &&
		    is_whole(&rec, bytes);
	r->want++;
	delivered[r->kind]++;

	return err == 1;
}

static bool dring_put(struct round *r)
{
	unsigned char bytes[PAYLOAD];
	struct record rec = make(r->next, bytes);
	int err = dring_write(&r->dw, &rec, bytes);

	r->whole &= err == 0 || err == -EAGAIN;
	r->next += err == 0;

	return err == 0;
}

static bool dring_get(struct round *r)
{
	unsigned char bytes[PAYLOAD];
	struct record rec;
	int err = dring_read(&r->dr, &rec, bytes, sizeof(bytes));

	if (err == 0)
		return false;
	r->whole &= err == 1 && (uint64_t)rec.seq_first == r->want &&
		    is_whole(&rec, bytes);
	r->want++;
	delivered[r->kind]++;

	return err == 1;
}

static uint64_t mix(uint64_t n, uint64_t i)
{
	return (n * 0x9e3779b97f4a7c15ull) ^ (i * 0xff51afd7ed558ccdull);
}

static bool frame_put(struct round *r)
{
	struct frame_meta meta = { .samples = SAMPLES };
	void *planes[FRAME_PLANES];
	int err = frame_loan(&r->fw, &meta, planes);
	uint64_t n = meta.id >> 8;

	r->whole &= err == 0;
	if (err != 0)
		return false;
	for (uint64_t i = 0; i < FRAME_WORDS; i++)
		word_store((uint64_t *)planes[0] + i, mix(n, i));
	meta.pts_us = (int64_t)n;
	r->whole &= frame_commit(&r->fw, &meta) == 0;

	return true;
}

static bool frame_is_whole(const struct frame_meta *meta, const uint64_t *p)
{
	uint64_t n = meta->id >> 8;

	if (meta->pts_us != (int64_t)n || meta->samples != SAMPLES)
		return false;
	for (uint64_t i = 0; i < FRAME_WORDS; i++)
		if (word_load(&p[i]) != mix(n, i))
			return false;

	return true;
}

static bool frame_get(struct round *r)
{
	const void *planes[FRAME_PLANES];
	struct frame_meta meta;
	uint64_t lost;
	int err = frame_borrow(&r->fr, &meta, planes, &lost);

	if (err != 1) {
		r->whole &= err == 0;
		return false;
	}
	skipped[r->kind] += lost;
	r->whole &= frame_is_whole(&meta, planes[0]);
	r->whole &= frame_return(&r->fr, meta.id) == 0;
	delivered[r->kind]++;

	return true;
}

static bool (*const put[KINDS / 2])(struct round *) = {
	ering_put, dring_put, frame_put
};
static bool (*const get[KINDS / 2])(struct round *) = {
	ering_get, dring_get, frame_get
};

/* Both sides' preparations */

static enum region_kind ring_kind(const struct round *r)
{
	static const enum region_kind kinds[KINDS / 2] = {
		REGION_MEDIA, REGION_PRIVATE, REGION_FRAMES
	};

	return kinds[r->kind / 2];
}

static bool begin_writer(struct round *r)
{
	switch (r->kind / 2) {
	case 0:
		ering_init(&r->ew, ring_in(r), DATA, 1);
		return true;
	case 1:
		dring_init(&r->dw, ring_in(r), DATA,
			   r->page.base ? page_in(r) : NULL, 1);
		return true;
	default:
		return frame_ring_init(&r->fw, ring_in(r), &shape,
				       r->page.base ? page_in(r) : NULL) == 0;
	}
}

static bool begin_reader(struct round *r)
{
	r->want = 0;
	switch (r->kind / 2) {
	case 0:
		return ering_open(&r->er, ring_in(r), DATA, page_in(r),
				  true) == 0 &&
		       (r->want = r->er.seq - 1, true);
	case 1:
		return dring_open(&r->dr, ring_in(r), DATA, page_in(r)) == 0;
	default:
		return frame_ring_open(&r->fr, ring_in(r), &shape,
				       page_in(r)) == 0;
	}
}

static bool map_ring(struct round *r, bool writer)
{
	return (writer ? region_map_writer : region_map_reader)(
		       &r->ring, r->ring_fd, ring_kind(r), r->ring_bytes) == 0;
}

static bool map_page(struct round *r, bool writer)
{
	return (writer ? region_map_writer : region_map_reader)(
		       &r->page, r->page_fd, REGION_PRIVATE, PAGE_BYTES) == 0;
}

static void say_ready(void)
{
	word_release(&notes->ready, 1);
}

static void victim(struct round *r)
{
	uint64_t before = delivered[r->kind];
	bool writes = r->kind % 2 == 0;
	bool ok;

	r->ring = r->page = (struct region){ 0 };
	ok = map_page(r, !writes) && map_ring(r, writes) &&
	     (writes ? begin_writer(r) : begin_reader(r));
	word_release(&notes->broken, !ok);
	say_ready();
	while (ok) {
		if (!(writes ? put : get)[r->kind / 2](r))
			sched_yield();
		word_release(&notes->delivered, r->want);
		word_store(&notes->got, delivered[r->kind] - before);
		if (!r->whole)
			word_release(&notes->broken, 1);
	}
	for (;;)
		pause();
}

/* The survivor's part of a round up to the kill. */
static void work(struct round *r, int64_t for_us)
{
	bool writes = r->kind % 2 == 1;
	struct mono end = mono_add(mono_now(), for_us);

	while (mono_before(mono_now(), end))
		if (!(writes ? put : get)[r->kind / 2](r))
			sched_yield();
}

static void after_writer(struct round *r)
{
	struct round fresh = *r;

	while (get[r->kind / 2](r))
		;
	if (r->kind == DRING_WRITER)
		return;
	/* One more reader, from the start, sees the same end. */
	fresh.whole = begin_reader(&fresh);
	while (get[r->kind / 2](&fresh))
		;
	r->whole &= fresh.whole;
	if (r->kind == ERING_WRITER)
		r->whole &= fresh.want == r->want;
}

/* What the dead reader of a data ring left goes to a fresh ring. */
static void carry_over(struct round *r)
{
	static struct dring_cursor cursor;
	static _Alignas(128) unsigned char mem[RING_BYTES];
	struct round next = *r;
	int count;

	cursor = (struct dring_cursor){ 0 };
	memset(mem, 0, sizeof(mem));
	dring_init(&next.dw, mem, DATA, &cursor, 2);
	count = dring_carry_over(&next.dw, &r->dw);
	next.want = r->next - (uint64_t)count;
	/* The victim may have died with one record in its hands. */
	next.whole = count >= 0 &&
		     next.want >= word_load(&notes->delivered) &&
		     next.want <= word_load(&notes->delivered) + 1 &&
		     dring_open(&next.dr, mem, DATA, &cursor) == 0;
	while (dring_get(&next))
		;
	r->whole &= next.whole && next.want == r->next;
}

static void after_reader(struct round *r)
{
	uint64_t ids[RM_FRAMES_HOLDS];
	int held;

	if (r->kind == ERING_READER)
		for (int i = 0; i < 20; i++)
			ering_put(r);
	if (r->kind == DRING_READER)
		carry_over(r);
	if (r->kind != FRAME_READER)
		return;
	for (int i = 0; i < 8; i++)
		frame_put(r);
	held = frame_holds(&r->fw, ids);
	for (int i = 0; i < held; i++)
		r->whole &= frame_revoke(&r->fw, ids[i]) == 0;
	frame_ring_set_inline(&r->fw, NULL);
	for (int i = 0; i < 8; i++)
		frame_put(r);
}

static bool prepare(struct round *r)
{
	bool writes = r->kind % 2 == 1;

	r->ring_bytes = r->kind / 2 == 2 ? frame_ring_bytes(&shape) :
					   RING_BYTES;
	r->ring_fd = region_create("ring", ring_kind(r), r->ring_bytes, 1, 1);
	r->page_fd = region_create("page", REGION_PRIVATE, PAGE_BYTES, 1, 1);
	if (r->ring_fd < 0 || r->page_fd < 0)
		return false;

	return writes ? map_ring(r, true) && begin_writer(r) &&
				region_seal(r->ring_fd) == 0 :
			map_page(r, true) && region_seal(r->page_fd) == 0;
}

/* Once the victim has mapped what it writes. */
static bool meet(struct round *r)
{
	bool writes = r->kind % 2 == 1;

	while (!word_acquire(&notes->ready))
		sched_yield();
	if (!writes)
		return region_seal(r->ring_fd) == 0 && map_ring(r, false) &&
		       begin_reader(r);
	if (region_seal(r->page_fd) != 0 || !map_page(r, false))
		return false;
	r->dw.reader = page_in(r);
	r->fw.inline_page = page_in(r);

	return true;
}

static bool play(struct round *r)
{
	pid_t pid;
	int status;

	*notes = (struct notes){ 0 };
	r->whole = true;
	if (!prepare(r))
		return false;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		victim(r);
		_exit(1);
	}
	if (pid < 0)
		return false;
	r->whole &= meet(r);
	if (r->whole)
		work(r, 20 + (int64_t)roll(400));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	r->whole &= WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	r->whole &= word_load(&notes->broken) == 0;
	delivered[r->kind] += word_load(&notes->got);
	if (r->whole && r->kind % 2 == 0)
		after_writer(r);
	else if (r->whole)
		after_reader(r);

	return r->whole;
}

static bool play_one(enum kind kind)
{
	struct round r = { .kind = kind, .ring_fd = -1, .page_fd = -1 };
	bool good = play(&r);

	region_unmap(&r.ring);
	region_unmap(&r.page);
	close(r.ring_fd);
	close(r.page_fd);

	return good;
}

int main(int argc, char **argv)
{
	int kills = argc > 1 ? atoi(argv[1]) : 5000;
	int passed[KINDS] = { 0 }, failed[KINDS] = { 0 };
	int all_passed = 0, all_failed = 0;

	notes = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (notes == MAP_FAILED)
		return EXIT_FAILURE;
	for (int i = 0; i < kills; i++) {
		enum kind kind = (enum kind)(i % KINDS);

		if (play_one(kind))
			passed[kind]++;
		else
			failed[kind]++;
	}
	for (int k = 0; k < KINDS; k++) {
		/* A kind that delivered nothing has tested nothing. */
		if (kills >= 600 && !delivered[k])
			failed[k]++;
		all_passed += passed[k];
		all_failed += failed[k];
		printf("%-35s %d kills, %" PRIu64 " delivered whole, %" PRIu64
		       " lapped, %d failed\n", names[k], passed[k] + failed[k],
		       delivered[k], skipped[k], failed[k]);
	}
	printf("ring_kill: %d passed, %d failed\n", all_passed, all_failed);

	return all_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
