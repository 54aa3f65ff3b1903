/*
 * srtp_lib.c - SRTP on libsrtp2, the judge of srtp_evp.c
 *
 * libsrtp2 keeps the indices itself. A stream is added for each SSRC when it
 * first appears, because srtp_set_stream_roc() does not work for streams that
 * exist through a template; its roll-over counter is set when the caller's
 * index is not where libsrtp2 would go by itself.
 */
#include "port/srtp.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <srtp2/srtp.h>

#define RTP_INDEX_MAX 0xffffffffffffull

enum { RTP_HEAD = 12, RTCP_HEAD = 8 };

struct stream {
	uint32_t ssrc, roc, rtcp;	/* rtcp: last index sent */
	bool started;
};

struct srtp {
	enum srtp_profile profile;
	enum srtp_way way;
	srtp_t session;
	uint8_t master[SRTP_MASTER_MAX];
	struct stream streams[SRTP_LIB_SSRCS];
	unsigned count;
};

static int to_errno(srtp_err_status_t status)
{
	switch ((int)status) {
	case srtp_err_status_ok:
		return 0;
	case srtp_err_status_alloc_fail:
		return -ENOMEM;
	case srtp_err_status_bad_param:
		return -EINVAL;
	default:
		return -EBADMSG;
	}
}

static void set_crypto(srtp_crypto_policy_t *crypto,
		       enum srtp_profile profile)
{
	if (profile == SRTP_GCM)
		srtp_crypto_policy_set_aes_gcm_128_16_auth(crypto);
	else
		srtp_crypto_policy_set_rtp_default(crypto);
}

static int add_stream(struct srtp *s, uint32_t ssrc, struct stream **out)
{
	srtp_policy_t policy = { 0 };
	int err;

	if (s->count == SRTP_LIB_SSRCS)
		return -ENOSPC;
	set_crypto(&policy.rtp, s->profile);
	set_crypto(&policy.rtcp, s->profile);
	policy.ssrc.type = ssrc_specific;
	policy.ssrc.value = ssrc;
	policy.key = s->master;
	policy.window_size = 2048;
	policy.allow_repeat_tx = 1;
	err = to_errno(srtp_add_stream(s->session, &policy));
	if (err)
		return err == -ENOMEM ? err : -EIO;
	s->streams[s->count] = (struct stream){ .ssrc = ssrc };
	*out = &s->streams[s->count++];

	return 0;
}

static int find_stream(struct srtp *s, uint32_t ssrc, struct stream **out)
{
	for (unsigned i = 0; i < s->count; i++) {
		if (s->streams[i].ssrc == ssrc) {
			*out = &s->streams[i];
			return 0;
		}
	}

	return add_stream(s, ssrc, out);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/* libsrtp2 is at the caller's index afterwards. */
static int follow(struct srtp *s, const uint8_t *packet, uint64_t index)
{
	uint32_t roc = (uint32_t)(index >> 16);
	struct stream *stream;
	int err = find_stream(s, be32(packet + 8), &stream);

	if (err)
		return err;
	if (!stream->started && roc != 0)
		err = to_errno(srtp_set_stream_roc(s->session, stream->ssrc,
						   roc));
	else if (stream->started && roc > stream->roc + 1)
		err = to_errno(srtp_set_stream_roc(s->session, stream->ssrc,
						   roc));
	stream->started = true;
	if (roc > stream->roc)
		stream->roc = roc;

	return err;
}

static void lib_free(struct srtp *s)
{
	if (!s)
		return;
	if (s->session)
		srtp_dealloc(s->session);
	explicit_bzero(s, sizeof(*s));
	free(s);
}

static int lib_new(struct srtp **out, enum srtp_profile profile,
		   enum srtp_way way, const uint8_t *master)
{
	static bool started;
	struct srtp *s;

	if (!srtp_master_bytes(profile))
		return -EINVAL;
	if (!started && srtp_init() != srtp_err_status_ok)
		return -EIO;
	started = true;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->profile = profile;
	s->way = way;
	memcpy(s->master, master, srtp_master_bytes(profile));
	if (srtp_create(&s->session, NULL) != srtp_err_status_ok) {
		s->session = NULL;
		lib_free(s);
		return -EIO;
	}
	*out = s;

	return 0;
}

static int check(const struct srtp *s, enum srtp_way way,
		 const uint8_t *packet, size_t len, size_t least)
{
	if (s->way != way)
		return -EINVAL;
	if (len < least || len > INT_MAX - SRTP_GROW || packet[0] >> 6 != 2)
		return way == SRTP_SEND ? -EINVAL : -EBADMSG;

	return 0;
}

static int check_rtp(const struct srtp *s, enum srtp_way way,
		     const uint8_t *packet, size_t len, uint64_t index)
{
	int err = check(s, way, packet, len, RTP_HEAD);

	if (!err && (index > RTP_INDEX_MAX ||
		     (uint16_t)index != (packet[2] << 8 | packet[3])))
		err = -EINVAL;

	return err;
}

static int lib_protect(struct srtp *s, uint8_t *packet, size_t len,
		       size_t cap, uint64_t index)
{
	int n = (int)len, err = check_rtp(s, SRTP_SEND, packet, len, index);

	if (err)
		return err;
	if (cap < len || cap - len < (s->profile == SRTP_GCM ? 16 : 10))
		return -EMSGSIZE;
	err = follow(s, packet, index);
	if (err)
		return err;
	err = to_errno(srtp_protect(s->session, packet, &n));
	if (err)
		return err == -EBADMSG ? -EINVAL : err;

	return n;
}

static int lib_unprotect(struct srtp *s, uint8_t *packet, size_t len,
			 uint64_t index)
{
	int n = (int)len, err = check_rtp(s, SRTP_RECV, packet, len, index);

	if (!err)
		err = follow(s, packet, index);
	if (!err)
		err = to_errno(srtp_unprotect(s->session, packet, &n));

	return err ? err : n;
}

static int lib_protect_rtcp(struct srtp *s, uint8_t *packet, size_t len,
			    size_t cap, uint32_t index)
{
	struct stream *stream;
	int n = (int)len, err = check(s, SRTP_SEND, packet, len, RTCP_HEAD);

	if (err)
		return err;
	if (cap < len || cap - len < (s->profile == SRTP_GCM ? 20 : 14))
		return -EMSGSIZE;
	err = find_stream(s, be32(packet + 4), &stream);
	if (err)
		return err;
	if (index != stream->rtcp + 1)
		return -ENOTSUP;
	err = to_errno(srtp_protect_rtcp(s->session, packet, &n));
	if (err)
		return err;
	stream->rtcp = index;

	return n;
}

static int lib_unprotect_rtcp(struct srtp *s, uint8_t *packet, size_t len,
			      uint32_t *index)
{
	size_t tail = s->profile == SRTP_GCM ? 4 : 14;
	int n = (int)len, err = check(s, SRTP_RECV, packet, len, RTCP_HEAD);
	struct stream *stream;
	uint32_t word;

	if (err)
		return err;
	if (len < RTCP_HEAD + tail)
		return -EBADMSG;
	word = be32(packet + len - tail) & 0x7fffffffu;
	err = find_stream(s, be32(packet + 4), &stream);
	if (!err)
		err = to_errno(srtp_unprotect_rtcp(s->session, packet, &n));
	if (err)
		return err;
	*index = word;

	return n;
}

const struct srtp_ops srtp_lib = {
	.name = "libsrtp2",
	.new = lib_new,
	.free = lib_free,
	.protect = lib_protect,
	.unprotect = lib_unprotect,
	.protect_rtcp = lib_protect_rtcp,
	.unprotect_rtcp = lib_unprotect_rtcp,
};
