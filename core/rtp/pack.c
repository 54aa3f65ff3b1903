/* pack.c - coded picture to RTP payloads: VP8 and VP9 descriptors */

#include "core/rtp/pack.h"

#include <errno.h>

#include "common/buf.h"

enum {
	PACK_PAYLOAD_MIN = 64,
	PICTURE_IDS = 0x8000,
	/* X, I + 15 bit (RFC 7741 4.2) */
	VP8_DESCRIPTOR = 4,
	/* head, 15-bit id, layer byte, TL0PICIDX (RFC 9628 4.2) */
	VP9_DESCRIPTOR = 5,
	VP9_STRUCTURE = 8,
};

void pack_init(struct pack *p, enum rtp_codec codec, uint64_t *next_id)
{
	*p = (struct pack){ .codec = codec, .next_id = next_id };
}

static size_t descriptor_bytes(const struct pack *p)
{
	if (p->codec == RTP_VP8)
		return VP8_DESCRIPTOR;

	return VP9_DESCRIPTOR + (p->key && p->width ? VP9_STRUCTURE : 0);
}

int pack_start(struct pack *p, const struct pack_picture *picture,
	       size_t payload_max)
{
	uint64_t next = *p->next_id;
	uint32_t id = next & (PICTURE_IDS - 1);
	uint8_t tl0 = (uint8_t)(next >> 16);
	size_t room;

	if (payload_max < PACK_PAYLOAD_MIN || picture->len == 0)
		return -EINVAL;

	/* A hole in the ids tells the far end that a reference is missing; a
	 * key picture needs none. */
	if (picture->gap && !picture->key) {
		id = (id + 1) & (PICTURE_IDS - 1);
		tl0++;
	}
	p->at = picture->bytes;
	p->left = picture->len;
	p->id = (uint16_t)id;
	p->tl0 = tl0;
	p->key = picture->key;
	p->width = picture->width;
	p->height = picture->height;
	p->first = true;
	room = payload_max - descriptor_bytes(p);
	p->pieces = (p->left + room - 1) / room;

	id = (id + 1) & (PICTURE_IDS - 1);
	*p->next_id = id | (uint64_t)(uint8_t)(tl0 + 1) << 16;

	return 0;
}

static void write_vp8(struct buf_out *out, const struct pack *p)
{
	buf_put_u8(out, p->first ? 0x90 : 0x80);	/* X, S; PID 0 */
	buf_put_u8(out, 0x80);				/* I */
	buf_put_u16(out, 0x8000 | p->id);
}

/* One spatial layer of known size; groups of one picture, each refers to
 * the one before: what Chromium needs to follow non-flexible mode. */
static void write_structure(struct buf_out *out, const struct pack *p)
{
	buf_put_u8(out, 0x18);		/* N_S 0, Y, G */
	buf_put_u16(out, p->width);
	buf_put_u16(out, p->height);
	buf_put_u8(out, 1);		/* N_G */
	buf_put_u8(out, 0x04);		/* TID 0, U 0, R 1 */
	buf_put_u8(out, 1);		/* P_DIFF */
}

static void write_vp9(struct buf_out *out, const struct pack *p, bool last)
{
	bool structure = p->first && p->key && p->width;

	buf_put_u8(out, (uint8_t)(0xa0 |		/* I, L */
				  (p->key ? 0 : 0x40) |	/* P */
				  (p->first ? 0x08 : 0) |	/* B */
				  (last ? 0x04 : 0) |	/* E */
				  (structure ? 0x02 : 0)));	/* V */
	buf_put_u16(out, 0x8000 | p->id);
	buf_put_u8(out, 0);		/* TID 0, U 0, SID 0, D 0 */
	buf_put_u8(out, p->tl0);
	if (structure)
		write_structure(out, p);
}

int pack_next(struct pack *p, void *out, size_t cap, bool *marker)
{
	struct buf_out b = buf_out(out, cap);
	bool last = p->pieces == 1;
	size_t take;

	if (p->left == 0)
		return 0;

	take = (p->left + p->pieces - 1) / p->pieces;
	if (p->codec == RTP_VP8)
		write_vp8(&b, p);
	else
		write_vp9(&b, p, last);
	buf_put(&b, p->at, take);
	if (b.bad)
		return -ENOSPC;

	p->at += take;
	p->left -= take;
	p->pieces--;
	p->first = false;
	*marker = last;

	return (int)buf_len(&b);
}
