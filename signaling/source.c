/* source.c - how many connections one address may have */

#include "signaling/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "signaling/limit.h"

enum { BUCKETS = 1024 };

struct source {
	struct source_key key;
	unsigned connections;
	struct limit rate, handshakes;
	struct source *next;
};

struct sources {
	struct source_caps caps;
	unsigned total, entries;
	struct source *buckets[BUCKETS];
};

int sources_new(struct sources **out, const struct source_caps *caps)
{
	struct sources *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->caps = *caps;
	if (!s->caps.tls_per_s)
		s->caps.tls_per_s = SOURCE_TLS_PER_S;
	*out = s;

	return 0;
}

void sources_free(struct sources *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (s->buckets[i]) {
			struct source *next = s->buckets[i]->next;

			free(s->buckets[i]);
			s->buckets[i] = next;
		}
	}
	free(s);
}

static bool is_ipv4(const uint8_t a[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(a, mapped, sizeof(mapped)) == 0;
}

struct source_key source_key(const uint8_t ipv6[16])
{
	struct source_key key = { { 0, 0, 0, 1 } };

	if (is_ipv4(ipv6))
		memcpy(key.bytes + 4, ipv6 + 12, 4);
	else
		memcpy(key.bytes, ipv6, SOURCE_KEY);

	return key;
}

uint64_t source_number(struct source_key key)
{
	static const uint8_t v4[4] = { 0, 0, 0, 1 };
	uint64_t number = 0;

	if (memcmp(key.bytes, v4, sizeof(v4)) == 0 && key.bytes[4] == 127)
		return 0;
	for (size_t i = 0; i < SOURCE_KEY; i++)
		number = number << 8 | key.bytes[i];

	return number;
}

bool source_is_loopback(const uint8_t ipv6[16])
{
	static const uint8_t one[16] = { [15] = 1 };

	return is_ipv4(ipv6) ? ipv6[12] == 127
			     : memcmp(ipv6, one, sizeof(one)) == 0;
}

static struct source **find(struct sources *s, struct source_key key)
{
	uint64_t h = 0xcbf29ce484222325u;
	struct source **at;

	for (size_t i = 0; i < SOURCE_KEY; i++)
		h = (h ^ key.bytes[i]) * 0x100000001b3u;
	at = &s->buckets[(h ^ h >> 32) % BUCKETS];
	while (*at && memcmp((*at)->key.bytes, key.bytes, SOURCE_KEY) != 0)
		at = &(*at)->next;

	return at;
}

static struct source *add(struct sources *s, struct source **at,
			  struct source_key key, struct mono now)
{
	if (s->entries >= SOURCES_MAX)
		return NULL;
	*at = calloc(1, sizeof(**at));
	if (!*at)
		return NULL;
	(*at)->key = key;
	limit_init(&(*at)->rate, s->caps.per_s, s->caps.burst, now);
	limit_init(&(*at)->handshakes, s->caps.tls_per_s,
		   2.0 * s->caps.tls_per_s, now);
	s->entries++;

	return *at;
}

int sources_enter(struct sources *s, struct source_key key, struct mono now)
{
	struct source **at = find(s, key);
	struct source *source = *at;

	if (s->total >= s->caps.total)
		return -ENFILE;
	if (!source && !(source = add(s, at, key, now)))
		return -ENOMEM;
	if (source->connections >= s->caps.connections)
		return -EUSERS;
	if (!limit_take(&source->rate, 1, now))
		return -EAGAIN;
	source->connections++;
	s->total++;

	return 0;
}

bool sources_handshake(struct sources *s, struct source_key key,
		       struct mono now)
{
	struct source *source = *find(s, key);

	return source && limit_take(&source->handshakes, 1, now);
}

void sources_leave(struct sources *s, struct source_key key)
{
	struct source *source = *find(s, key);

	if (!source || !source->connections)
		return;
	source->connections--;
	s->total--;
}

static bool is_full(struct limit *l, struct mono now)
{
	(void)limit_take(l, 0, now);

	return l->level >= l->burst;
}

void sources_sweep(struct sources *s, struct mono now)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		struct source **at = &s->buckets[i];

		while (*at) {
			struct source *source = *at;

			if (source->connections ||
			    !is_full(&source->rate, now) ||
			    !is_full(&source->handshakes, now)) {
				at = &source->next;
				continue;
			}
			*at = source->next;
			free(source);
			s->entries--;
		}
	}
}

unsigned sources_total(const struct sources *s)
{
	return s->total;
}
