#include "tests/client/stun.h"

#include <errno.h>
#include <string.h>

#include "common/buf.h"
#include "core/ws/digest.h"

#define COOKIE 0x2112a442u
#define FINGERPRINT_XOR 0x5354554eu

enum {
	HEAD = 20,
	ATTR_USERNAME = 0x0006,
	ATTR_INTEGRITY = 0x0008,
	ATTR_ERROR = 0x0009,
	ATTR_XOR_MAPPED = 0x0020,
	ATTR_PRIORITY = 0x0024,
	ATTR_USE_CANDIDATE = 0x0025,
	ATTR_FINGERPRINT = 0x8028,
	ATTR_CONTROLLED = 0x8029,
	ATTR_CONTROLLING = 0x802a,
	TYPE_REQUEST = 0x0001,
	TYPE_INDICATION = 0x0011,
	TYPE_SUCCESS = 0x0101,
	TYPE_ERROR = 0x0111,
};

static uint32_t crc32_of(const uint8_t *p, size_t len)
{
	uint32_t crc = 0xffffffffu;

	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}

	return ~crc;
}

static void hmac(const char *key, const uint8_t *bytes, size_t len,
		 uint8_t out[SHA1_BYTES])
{
	uint8_t pad[SHA1_BLOCK] = { 0 };
	struct sha1 s;

	/* ICE passwords are at most 256 characters, ours much shorter. */
	if (strlen(key) > SHA1_BLOCK) {
		sha1_init(&s);
		sha1_add(&s, key, strlen(key));
		sha1_end(&s, pad);
	} else {
		memcpy(pad, key, strlen(key));
	}
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36;
	sha1_init(&s);
	sha1_add(&s, pad, sizeof(pad));
	sha1_add(&s, bytes, len);
	sha1_end(&s, out);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	sha1_init(&s);
	sha1_add(&s, pad, sizeof(pad));
	sha1_add(&s, out, SHA1_BYTES);
	sha1_end(&s, out);
}

static void put_len(uint8_t *message, size_t len)
{
	message[2] = (uint8_t)((len - HEAD) >> 8);
	message[3] = (uint8_t)(len - HEAD);
}

/* The integrity of all before it, as if it were the last attribute. */
static bool integrity_holds(const uint8_t *bytes, size_t at, const char *key)
{
	uint8_t copy[STUN_MAX], sum[SHA1_BYTES];

	memcpy(copy, bytes, at);
	put_len(copy, at + 4 + SHA1_BYTES);
	hmac(key, copy, at, sum);

	return memcmp(sum, bytes + at + 4, SHA1_BYTES) == 0;
}

static int kind_of(uint16_t type, enum stun_kind *out)
{
	switch (type) {
	case TYPE_REQUEST:
		*out = STUN_REQUEST;
		return 0;
	case TYPE_INDICATION:
		*out = STUN_INDICATION;
		return 0;
	case TYPE_SUCCESS:
		*out = STUN_SUCCESS;
		return 0;
	case TYPE_ERROR:
		*out = STUN_ERROR;
		return 0;
	default:
		return -EBADMSG;
	}
}

static int on_attribute(struct stun *s, uint16_t type, const uint8_t *value,
			size_t len)
{
	if (type == ATTR_USERNAME) {
		if (len > STUN_USERNAME)
			return -EBADMSG;
		memcpy(s->username, value, len);
		s->username[len] = '\0';
	}
	if (type == ATTR_USE_CANDIDATE)
		s->use_candidate = true;
	if (type == ATTR_CONTROLLING)
		s->controlling = true;
	if (type == ATTR_ERROR && len >= 4)
		s->error = (uint16_t)((value[2] & 7) * 100 + value[3]);

	return 0;
}

int stun_parse(struct stun *out, const void *bytes, size_t len,
	       const char *key)
{
	struct buf_in in = buf_in(bytes, len);
	uint16_t type = buf_get_u16(&in), size = buf_get_u16(&in);
	uint32_t cookie = buf_get_u32(&in);
	const uint8_t *txid = buf_get(&in, STUN_TXID);
	bool proven = false;

	memset(out, 0, sizeof(*out));
	if (in.bad || len > STUN_MAX || cookie != COOKIE ||
	    size != len - HEAD || kind_of(type, &out->kind) < 0)
		return -EBADMSG;
	memcpy(out->txid, txid, STUN_TXID);
	/* What stands behind the integrity is not covered by it. */
	while (buf_left(&in) && !proven) {
		size_t at = (size_t)(in.at - (const uint8_t *)bytes);
		uint16_t attr = buf_get_u16(&in), n = buf_get_u16(&in);
		const uint8_t *value = buf_get(&in, n);

		buf_get(&in, -(size_t)n & 3);
		if (in.bad || on_attribute(out, attr, value, n) < 0)
			return -EBADMSG;
		if (attr != ATTR_INTEGRITY)
			continue;
		if (n != SHA1_BYTES || !integrity_holds(bytes, at, key))
			return -EBADMSG;
		proven = true;
	}

	return proven || out->kind == STUN_INDICATION ? 0 : -EBADMSG;
}

static void put_head(struct buf_out *b, uint16_t type, const uint8_t *txid)
{
	buf_put_u16(b, type);
	buf_put_u16(b, 0);
	buf_put_u32(b, COOKIE);
	buf_put(b, txid, STUN_TXID);
}

static void put_attribute(struct buf_out *b, uint16_t type, const void *value,
			  size_t len)
{
	buf_put_u16(b, type);
	buf_put_u16(b, (uint16_t)len);
	buf_put(b, value, len);
	buf_put(b, "\0\0\0", -len & 3);
}

static int finish(struct buf_out *b, const char *key)
{
	uint8_t sum[SHA1_BYTES];
	uint32_t crc;

	if (b->bad || (size_t)(b->end - b->at) < 4 + SHA1_BYTES + 8)
		return -ENOSPC;
	put_len(b->start, buf_len(b) + 4 + SHA1_BYTES);
	hmac(key, b->start, buf_len(b), sum);
	put_attribute(b, ATTR_INTEGRITY, sum, sizeof(sum));
	put_len(b->start, buf_len(b) + 8);
	crc = crc32_of(b->start, buf_len(b)) ^ FINGERPRINT_XOR;
	buf_put_u16(b, ATTR_FINGERPRINT);
	buf_put_u16(b, 4);
	buf_put_u32(b, crc);

	return b->bad ? -ENOSPC : (int)buf_len(b);
}

int stun_write_check(const struct stun_check *c, void *out, size_t cap)
{
	struct buf_out b = buf_out(out, cap);

	put_head(&b, TYPE_REQUEST, c->txid);
	put_attribute(&b, ATTR_USERNAME, c->username, strlen(c->username));
	buf_put_u16(&b, ATTR_PRIORITY);
	buf_put_u16(&b, 4);
	buf_put_u32(&b, c->priority);
	buf_put_u16(&b, c->controlling ? ATTR_CONTROLLING : ATTR_CONTROLLED);
	buf_put_u16(&b, 8);
	buf_put_u64(&b, c->tie_breaker);
	if (c->use_candidate)
		put_attribute(&b, ATTR_USE_CANDIDATE, NULL, 0);

	return finish(&b, c->key);
}

int stun_write_success(const uint8_t txid[STUN_TXID], const char *key,
		       uint32_t ip, uint16_t port, void *out, size_t cap)
{
	struct buf_out b = buf_out(out, cap);

	put_head(&b, TYPE_SUCCESS, txid);
	buf_put_u16(&b, ATTR_XOR_MAPPED);
	buf_put_u16(&b, 8);
	buf_put_u16(&b, 1);	/* IPv4 */
	buf_put_u16(&b, (uint16_t)(port ^ COOKIE >> 16));
	buf_put_u32(&b, ip ^ COOKIE);

	return finish(&b, key);
}
