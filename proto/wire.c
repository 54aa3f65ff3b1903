/* wire.c - put a message together, take it apart */

#include "proto/wire.h"

#include <errno.h>
#include <string.h>

static int send_row(struct wire *w, enum msg_type type, const void *payload,
		    const void *blob, size_t blob_len, const int *fds)
{
	_Alignas(8) uint8_t frame[MSG_MAX];
	size_t size = msg_payload(type), len = sizeof(struct msg_head) + size;
	struct msg_head head = {
		.type = type,
		.size = (uint32_t)(size + blob_len),
		.fds = msg_fds(type),
		.seq = w->seq,
	};
	int err;

	if (blob_len > MSG_MAX - len)
		return -EMSGSIZE;

	memcpy(frame, &head, sizeof(head));
	memcpy(frame + sizeof(head), payload, size);
	if (blob_len)
		memcpy(frame + len, blob, blob_len);

	err = w->send(w->arg, frame, len + blob_len, fds, head.fds);
	if (!err)
		w->seq++;

	return err;
}

#define ROW(name, ...)                                                        \
	int send_##name(struct wire *w, const struct msg_##name *m,           \
			const void *blob, size_t blob_len, const int *fds)    \
	{                                                                     \
		return send_row(w, MSG_##name, m, blob, blob_len, fds);       \
	}
MSG_TABLE(ROW)
#undef ROW

int wire_open(struct wire_in *out, const void *frame, size_t len,
	      unsigned nfds, enum proc from, enum proc to, enum phase now)
{
	const uint8_t *bytes = frame;
	struct msg_head head;
	size_t size;

	if (len < sizeof(head))
		return -EPROTO;
	memcpy(&head, bytes, sizeof(head));
	if (head.size != len - sizeof(head) || head.fds != nfds ||
	    msg_admit(&head, from, to, now))
		return -EPROTO;

	size = msg_payload(head.type);
	*out = (struct wire_in){
		.type = (enum msg_type)head.type,
		.payload = bytes + sizeof(head),
		.blob = bytes + sizeof(head) + size,
		.blob_len = head.size - size,
	};

	return 0;
}
