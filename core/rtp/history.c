/* history.c - ring of sent packets */

#include "core/rtp/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/rtp/header.h"

int history_init(struct history *h, uint16_t count, uint32_t bytes)
{
	*h = (struct history){ .count = count };
	if (count == 0)
		return 0;
	if (count > 4096 || count & (count - 1) ||
	    bytes < 2 * RTP_PACKET_MAX)
		return -EINVAL;

	h->size = bytes;
	h->packet = calloc(count, sizeof(*h->packet));
	h->bytes = malloc(bytes);
	if (!h->packet || !h->bytes) {
		history_fini(h);
		return -ENOMEM;
	}

	return 0;
}

void history_fini(struct history *h)
{
	free(h->packet);
	free(h->bytes);
	*h = (struct history){ .count = 0 };
}

void history_put(struct history *h, const struct history_packet *p,
		 const void *bytes, size_t len)
{
	struct history_packet *to;
	uint32_t at;

	if (h->count == 0 || len == 0 || len > RTP_PACKET_MAX)
		return;

	at = (uint32_t)(h->end % h->size);
	if (at + len > h->size) {	/* whole packets only */
		h->end += h->size - at;
		at = 0;
	}
	to = &h->packet[p->index & (h->count - 1u)];
	*to = *p;
	to->at = h->end;
	to->len = (uint16_t)len;
	memcpy(h->bytes + at, bytes, len);
	h->end += len;
}

struct history_packet *history_get(struct history *h, uint64_t index)
{
	struct history_packet *p;

	if (h->count == 0)
		return NULL;
	p = &h->packet[index & (h->count - 1u)];
	if (p->len == 0 || p->index != index || h->end - p->at > h->size)
		return NULL;

	return p;
}

const uint8_t *history_bytes(const struct history *h,
			     const struct history_packet *p)
{
	return h->bytes + p->at % h->size;
}
