/* header.c - RTP fixed header, extensions and demultiplexing */

#include "core/rtp/header.h"

#include <errno.h>

enum {
	PROFILE_ONE_BYTE = 0xbede,	/* RFC 8285 4.2 */
	PROFILE_TWO_BYTE = 0x1000,	/* RFC 8285 4.3, upper 12 bits */
	ONE_BYTE_STOP = 15,
};

enum packet_kind packet_kind(const void *bytes, size_t len)
{
	const uint8_t *b = bytes;

	if (len == 0)
		return PACKET_OTHER;
	if (b[0] <= 3)				/* RFC 7983 section 7 */
		return PACKET_STUN;
	if (b[0] >= 20 && b[0] <= 63)
		return PACKET_DTLS;
	if (b[0] < 128 || b[0] > 191 || len < 2)
		return PACKET_OTHER;

	/* RFC 5761 section 4: types 192..223 are RTCP; as an RTP packet they
	 * would be payload types 64..95, which nobody may use. */
	return b[1] >= 192 && b[1] <= 223 ? PACKET_RTCP : PACKET_RTP;
}

int rtp_parse(struct rtp_packet *out, const void *bytes, size_t len)
{
	struct buf_in in = buf_in(bytes, len);
	uint8_t first = buf_get_u8(&in);
	uint8_t second = buf_get_u8(&in);
	size_t padding;

	*out = (struct rtp_packet){
		.marker = second >> 7,
		.pt = second & 0x7f,
		.csrc_count = first & 0x0f,
	};
	out->seq = buf_get_u16(&in);
	out->ts = buf_get_u32(&in);
	out->ssrc = buf_get_u32(&in);
	out->csrc = buf_get(&in, out->csrc_count * 4u);
	if (first & 0x10) {
		out->ext_profile = buf_get_u16(&in);
		out->ext_len = buf_get_u16(&in) * (size_t)4;
		out->ext = buf_get(&in, out->ext_len);
	}
	if (in.bad || first >> 6 != 2)
		return -EBADMSG;

	out->payload = in.at;
	out->payload_len = buf_left(&in);
	out->header_len = len - out->payload_len;
	if (!(first & 0x20))
		return 0;

	padding = out->payload_len ? in.end[-1] : 0;
	if (padding == 0 || padding > out->payload_len)
		return -EBADMSG;
	out->payload_len -= padding;

	return 0;
}

/* One step through the list: 1 and the element, 0 at the end or where the
 * list is broken. */
static int ext_next(struct buf_in *in, bool two_byte, struct rtp_ext *out)
{
	uint8_t head;

	do {
		head = buf_get_u8(in);
	} while (!in->bad && head == 0);	/* padding */
	if (in->bad)
		return 0;

	if (two_byte) {
		out->id = head;
		out->len = buf_get_u8(in);
	} else {
		out->id = head >> 4;
		out->len = (uint8_t)((head & 0x0f) + 1);
		if (out->id == ONE_BYTE_STOP)
			return 0;
	}
	out->data = buf_get(in, out->len);

	return !in->bad;
}

static bool ext_is_two_byte(uint16_t profile)
{
	return (profile & 0xfff0) == PROFILE_TWO_BYTE;
}

const uint8_t *rtp_ext_find(const struct rtp_packet *p, uint8_t id,
			    size_t *len)
{
	struct buf_in in = buf_in(p->ext, p->ext ? p->ext_len : 0);
	bool two_byte = ext_is_two_byte(p->ext_profile);
	struct rtp_ext e;

	if (id == 0 || (!two_byte && p->ext_profile != PROFILE_ONE_BYTE))
		return NULL;

	while (ext_next(&in, two_byte, &e)) {
		if (e.id == id) {
			*len = e.len;
			return e.data;
		}
	}

	return NULL;
}

static void ext_take(struct rtp_ext_values *out, const struct rtp_ext *e,
		     const struct rtp_ext_ids *ids)
{
	const uint8_t *d = e->data;

	if (e->id == ids->mid && !out->mid && e->len) {
		out->mid = e->data;
		out->mid_len = e->len;
	} else if (e->id == ids->twcc && e->len >= 2) {
		out->has_twcc = true;
		out->twcc = (uint16_t)(d[0] << 8 | d[1]);
	} else if (e->id == ids->level && e->len >= 1) {
		out->voice = d[0] >> 7;
		out->level = d[0] & 0x7f;
	}
}

void rtp_ext_read(struct rtp_ext_values *out, const struct rtp_packet *p,
		  const struct rtp_ext_ids *ids)
{
	struct buf_in in = buf_in(p->ext, p->ext ? p->ext_len : 0);
	bool two_byte = ext_is_two_byte(p->ext_profile);
	struct rtp_ext e;

	*out = (struct rtp_ext_values){ .level = RTP_NO_LEVEL };
	if (!two_byte && p->ext_profile != PROFILE_ONE_BYTE)
		return;

	while (ext_next(&in, two_byte, &e))
		if (e.id)	/* id 0 in two-byte form is padding */
			ext_take(out, &e, ids);
}

static bool exts_fit_one_byte(const struct rtp_ext *exts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (exts[i].id > RTP_EXT_ID_MAX || exts[i].len == 0 ||
		    exts[i].len > 16)
			return false;

	return true;
}

static void exts_write(struct buf_out *out, const struct rtp_ext *exts,
		       size_t count)
{
	bool one = exts_fit_one_byte(exts, count);
	uint8_t *words;
	size_t from, len;

	buf_put_u16(out, one ? PROFILE_ONE_BYTE : PROFILE_TWO_BYTE);
	words = buf_reserve(out, 2);
	from = buf_len(out);
	for (size_t i = 0; i < count; i++) {
		const struct rtp_ext *e = &exts[i];

		if (e->id == 0 || e->id == ONE_BYTE_STOP)
			out->bad = true;
		if (one) {
			buf_put_u8(out, (uint8_t)(e->id << 4 | (e->len - 1)));
		} else {
			buf_put_u8(out, e->id);
			buf_put_u8(out, e->len);
		}
		buf_put(out, e->data, e->len);
	}
	while (!out->bad && (buf_len(out) - from) % 4)
		buf_put_u8(out, 0);
	if (out->bad)
		return;

	len = (buf_len(out) - from) / 4;
	words[0] = (uint8_t)(len >> 8);
	words[1] = (uint8_t)len;
}

void rtp_write(struct buf_out *out, const struct rtp_packet *p,
	       const struct rtp_ext *exts, size_t count)
{
	buf_put_u8(out, count ? 0x90 : 0x80);
	buf_put_u8(out, (uint8_t)((p->marker ? 0x80 : 0) | (p->pt & 0x7f)));
	buf_put_u16(out, p->seq);
	buf_put_u32(out, p->ts);
	buf_put_u32(out, p->ssrc);
	if (count)
		exts_write(out, exts, count);
}
