/* fuzz_dring.c - a data ring with a hostile writer (the raw area is the
 * input) or a hostile reader (its cursor is) */

#include "shm/dring.h"
#include "tests/fuzz/script.h"

#include <errno.h>

enum { DATA = 4096, CAP = 700, STEPS_MAX = 200 };

static int put(struct dring_writer *w, uint32_t bytes)
{
	static const unsigned char payload[2048];
	struct record rec = { .kind = RECORD_DATA, .bytes = bytes };

	return dring_write(w, &rec, payload);
}

static void read_some(struct script *s, struct dring_reader *r)
{
	size_t cap = script_take(s, 2) % CAP;
	unsigned char *payload = malloc(cap ? cap : 1);
	struct record rec;
	uint64_t at = r->at;
	int err = dring_read(r, &rec, payload, cap);

	must(err == 1 || err == 0 || err == -EMSGSIZE || err == -EBADMSG);
	must(err != 1 || rec.bytes <= cap);
	must(r->at >= at && r->at % 8 == 0);
	(void)dring_writer_waits(r);
	if (dring_sleep(r))
		dring_wake(r);
	free(payload);
}

static void hostile_writer(struct script *s, unsigned char *mem, bool fill)
{
	struct dring_cursor cursor = { 0 };
	struct dring_writer w;
	struct dring_reader r;

	dring_init(&w, mem, DATA, &cursor, 1);
	for (uint32_t i = 0; i < 6; i++)
		must(put(&w, i * 71 % 300) == 0);
	if (fill)
		script_fill(s, mem, dring_bytes(DATA));
	if (dring_open(&r, mem, DATA, &cursor) != 0)
		return;
	while (s->left) {
		if (script_take(s, 1) % 2)
			script_poke(s, mem, dring_bytes(DATA));
		else
			read_some(s, &r);
	}
}

static void carry(const struct dring_writer *w)
{
	unsigned char *mem = aligned_alloc(128, dring_bytes(DATA));
	struct dring_cursor cursor = { 0 };
	struct dring_writer to;
	int err;

	memset(mem, 0, dring_bytes(DATA));
	dring_init(&to, mem, DATA, &cursor, 2);
	err = dring_carry_over(&to, w);
	must(err >= 0 || err == -EBADMSG);
	free(mem);
}

static void hostile_reader(struct script *s, unsigned char *mem)
{
	struct dring_cursor cursor = { 0 };
	struct dring_writer w;
	int err;

	dring_init(&w, mem, DATA, &cursor, 1);
	for (int i = 0; i < STEPS_MAX && s->left; i++) {
		switch (script_take(s, 1) % 4) {
		case 0:
			cursor.at = script_number(s);
			break;
		case 1:
			/* A true one, sometimes. */
			cursor.at = script_take(s, 1) % 2 ? w.head : w.tail;
			break;
		case 2:
			carry(&w);
			break;
		default:
			err = put(&w, (uint32_t)script_take(s, 2) % 1977);
			must(err == 0 || err == -EAGAIN || err == -EBADMSG);
		}
		must(w.tail <= w.head && w.head - w.tail <= DATA);
		(void)dring_must_ring(&cursor);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	unsigned char *mem = aligned_alloc(128, dring_bytes(DATA));
	struct script s = { data, len };
	uint64_t mode = script_take(&s, 1);

	memset(mem, 0, dring_bytes(DATA));
	if (mode & 1)
		hostile_writer(&s, mem, mode & 2);
	else
		hostile_reader(&s, mem);
	free(mem);

	return 0;
}
