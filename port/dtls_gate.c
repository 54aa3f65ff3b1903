#include "port/dtls_gate.h"

#include "common/buf.h"

enum {
	CHANGE_CIPHER_SPEC = 20,
	ALERT = 21,
	HANDSHAKE = 22,
	APPLICATION_DATA = 23,
	/* RFC 5246 6.2.3: a ciphertext may exceed its text by 2048 */
	RECORD_MAX = 16384 + 2048,
};

struct record {
	uint8_t type;
	uint16_t epoch;
	struct buf_in body;
};

static bool next_record(struct buf_in *in, struct record *out)
{
	uint16_t version, len;

	out->type = buf_get_u8(in);
	version = buf_get_u16(in);
	out->epoch = buf_get_u16(in);
	buf_get(in, 6);
	len = buf_get_u16(in);
	out->body = buf_in(buf_get(in, len), in->bad ? 0 : len);

	return !in->bad && (version == 0xfeff || version == 0xfefd) &&
	       out->type >= CHANGE_CIPHER_SPEC &&
	       out->type <= APPLICATION_DATA && len <= RECORD_MAX;
}

bool dtls_gate_is_records(const void *bytes, size_t len)
{
	struct buf_in in = buf_in(bytes, len);
	struct record record;

	while (buf_left(&in)) {
		if (!next_record(&in, &record))
			return false;
	}

	return len > 0;
}

/* Messages in clear text that the far end's role sends (RFC 5246 7.4). */
static bool is_theirs(const struct dtls_gate *gate, uint8_t type)
{
	switch (type) {
	case 1:		/* client_hello */
	case 15:	/* certificate_verify */
	case 16:	/* client_key_exchange */
		return gate->server;
	case 11:	/* certificate */
		return true;
	case 2:		/* server_hello */
	case 3:		/* hello_verify_request */
	case 4:		/* new_session_ticket */
	case 12:	/* server_key_exchange */
	case 13:	/* certificate_request */
	case 14:	/* server_hello_done */
	case 22:	/* certificate_status */
		return !gate->server;
	default:
		return false;
	}
}

/* One fragment (RFC 6347 4.2.2); steps over it. */
static bool fragment_ok(struct dtls_gate *gate, struct buf_in *in)
{
	uint8_t type = buf_get_u8(in);
	uint32_t total = (uint32_t)buf_get_be(in, 3);
	uint16_t seq = buf_get_u16(in);
	uint32_t at = (uint32_t)buf_get_be(in, 3);
	uint32_t len = (uint32_t)buf_get_be(in, 3);

	buf_get(in, len);
	if (in->bad || !is_theirs(gate, type) || seq >= DTLS_GATE_SEQS ||
	    total > DTLS_GATE_HELLO || at > total || len > total - at ||
	    (len == 0 && total != 0))
		return false;
	if (gate->seen[seq].known && (gate->seen[seq].type != type ||
				      gate->seen[seq].total != total))
		return false;
	gate->seen[seq].known = true;
	gate->seen[seq].type = type;
	gate->seen[seq].total = total;

	return true;
}

static bool clear_ok(struct dtls_gate *gate, struct record *record)
{
	struct buf_in *in = &record->body;

	if (record->type == CHANGE_CIPHER_SPEC)
		return buf_left(in) == 1 && buf_get_u8(in) == 1;
	if (record->type != HANDSHAKE || !buf_left(in))
		return false;
	while (buf_left(in)) {
		if (!fragment_ok(gate, in))
			return false;
	}

	return true;
}

enum dtls_verdict dtls_gate_check(struct dtls_gate *gate, const void *bytes,
				  size_t len, uint8_t *alert)
{
	struct buf_in in = buf_in(bytes, len);
	struct dtls_gate after = *gate;
	struct record record;

	if (!dtls_gate_is_records(bytes, len))
		return DTLS_GATE_DROP;
	while (buf_left(&in)) {
		if (!next_record(&in, &record) || record.epoch > 1)
			return DTLS_GATE_DROP;
		if (record.epoch == 1)
			continue;
		if (record.type == ALERT && buf_left(&record.body) == 2) {
			buf_get_u8(&record.body);
			*alert = buf_get_u8(&record.body);
			return DTLS_GATE_ALERT;
		}
		if (!clear_ok(&after, &record))
			return DTLS_GATE_DROP;
	}
	*gate = after;

	return DTLS_GATE_PASS;
}
