/* dcep.c - RFC 8832 section 5: DATA_CHANNEL_OPEN and DATA_CHANNEL_ACK */

#include "core/sctp/dcep.h"

#include "common/buf.h"

#include <errno.h>

enum { UNORDERED = 0x80 };

static int parse_open(struct dcep *out, struct buf_in *in)
{
	uint8_t type = buf_get_u8(in);
	size_t label_len, protocol_len;

	out->type = DCEP_OPEN;
	out->unordered = type & UNORDERED;
	out->reliability = type & 0x7f;
	out->priority = buf_get_u16(in);
	out->limit = buf_get_u32(in);
	label_len = buf_get_u16(in);
	protocol_len = buf_get_u16(in);
	if (label_len > DCEP_LABEL_MAX || protocol_len > DCEP_LABEL_MAX)
		return -EBADMSG;
	out->label = buf_get(in, label_len);
	out->protocol = buf_get(in, protocol_len);
	out->label_len = label_len;
	out->protocol_len = protocol_len;
	if (in->bad || buf_left(in) || (type & 0x7f) > DCEP_TIMED)
		return -EBADMSG;

	return 0;
}

int dcep_parse(struct dcep *out, const void *bytes, size_t len)
{
	struct buf_in in = buf_in(bytes, len);
	uint8_t type = buf_get_u8(&in);

	*out = (struct dcep){ 0 };
	if (in.bad)
		return -EBADMSG;
	if (type == DCEP_OPEN)
		return parse_open(out, &in);
	if (type != DCEP_ACK || buf_left(&in))
		return -EBADMSG;
	out->type = DCEP_ACK;

	return 0;
}

int dcep_write(const struct dcep *msg, void *bytes, size_t cap)
{
	struct buf_out out = buf_out(bytes, cap);

	buf_put_u8(&out, (uint8_t)msg->type);
	if (msg->type == DCEP_OPEN) {
		buf_put_u8(&out, (uint8_t)(msg->reliability |
					   (msg->unordered ? UNORDERED : 0)));
		buf_put_u16(&out, msg->priority);
		buf_put_u32(&out, msg->limit);
		buf_put_u16(&out, (uint16_t)msg->label_len);
		buf_put_u16(&out, (uint16_t)msg->protocol_len);
		buf_put(&out, msg->label, msg->label_len);
		buf_put(&out, msg->protocol, msg->protocol_len);
	}

	return out.bad ? -ENOSPC : (int)buf_len(&out);
}
