/* fuzz_ering.c - a hostile writer of an encoded ring: the raw area and pokes
 * between the reader's steps are the input */

#include "shm/ering.h"
#include "tests/fuzz/script.h"

#include <errno.h>

enum { DATA = 4096, CAP = 700, RECORDS = 9 };

static void honest_start(unsigned char *mem)
{
	unsigned char payload[300] = { 1 };
	struct ering_writer w;

	ering_init(&w, mem, DATA, 1);
	for (uint32_t i = 0; i < RECORDS; i++) {
		struct record rec = { .kind = RECORD_AUDIO,
				      .bytes = i * 37 % 300 };

		must(ering_write(&w, &rec, payload) == 0);
	}
}

static void step(struct script *s, struct ering_reader *r)
{
	size_t cap = script_take(s, 2) % CAP;
	unsigned char *payload = malloc(cap ? cap : 1);
	struct record rec;
	uint64_t lost, at = r->at;
	int err = ering_read(r, &rec, payload, cap, &lost);

	must(err == 1 || err == 0 || err == -EOVERFLOW || err == -EMSGSIZE ||
	     err == -EBADMSG);
	must(err != 1 || rec.bytes <= cap);
	must(err != 0 || r->at == at);
	must(r->at >= at && r->at % 8 == 0);
	free(payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t bytes = ering_bytes(DATA);
	unsigned char *mem = aligned_alloc(128, bytes);
	struct script s = { data, len };
	struct ering_cursor cursor = { 0 };
	struct ering_reader r;
	uint64_t mode = script_take(&s, 1);

	memset(mem, 0, bytes);
	honest_start(mem);
	if (mode & 1)
		script_fill(&s, mem, bytes);
	if (ering_open(&r, mem, DATA, &cursor, mode & 2) == 0)
		while (s.left) {
			if (script_take(&s, 1) % 2)
				script_poke(&s, mem, bytes);
			else
				step(&s, &r);
			if (ering_sleep(&r))
				ering_wake(&r);
		}
	free(mem);

	return 0;
}
