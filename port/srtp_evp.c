/*
 * srtp_evp.c - SRTP on OpenSSL's EVP
 *
 * A context holds one cipher and one MAC object per lane (RTP, RTCP), keyed
 * once; a packet only sets the IV. No object is shared between contexts, so
 * a context made in a forked child is the child's alone. What srtp_warm()
 * fetched is read-only afterwards.
 */
#include "port/srtp.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

enum {
	RTP_HEAD = 12,
	RTCP_HEAD = 8,		/* what SRTCP leaves in clear */
	RTCP_WORD = 4,		/* E flag and index */
	GCM_TAG = 16,
	GCM_SALT = 12,
	SHA1_TAG = 10,
	SHA1_BYTES = 20,
};

#define RTP_INDEX_MAX 0xffffffffffffull
#define RTCP_INDEX_MAX 0x7fffffffu
#define RTCP_ENCRYPTED 0x80000000u

struct lane {
	EVP_CIPHER_CTX *cipher;
	EVP_MAC_CTX *mac;	/* NULL with GCM */
	uint8_t salt[SRTP_SALT_MAX];
};

struct srtp {
	enum srtp_profile profile;
	enum srtp_way way;
	struct lane rtp, rtcp;
};

static struct {
	EVP_CIPHER *gcm, *ctr;
	EVP_MAC *hmac;
} fetched;

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static void put_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static bool profile_ok(enum srtp_profile profile)
{
	return profile == SRTP_CM_SHA1_80 || profile == SRTP_GCM;
}

static size_t salt_bytes(enum srtp_profile profile)
{
	return profile == SRTP_GCM ? GCM_SALT : SRTP_SALT_MAX;
}

size_t srtp_master_bytes(enum srtp_profile profile)
{
	return profile_ok(profile) ? SRTP_KEY + salt_bytes(profile) : 0;
}

int srtp_warm(void)
{
	/* Otherwise the first fetch reads a configuration file. */
	if (!OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL))
		return -EIO;
	if (!fetched.gcm)
		fetched.gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
	if (!fetched.ctr)
		fetched.ctr = EVP_CIPHER_fetch(NULL, "AES-128-CTR", NULL);
	if (!fetched.hmac)
		fetched.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	return fetched.gcm && fetched.ctr && fetched.hmac ? 0 : -EIO;
}

/*
 * RFC 3711 4.3.3: the keystream of AES-CM under the master key, from the
 * salt with the label at octet 7. A 12-octet salt is padded on the right
 * (RFC 7714 11).
 */
static bool derive(EVP_CIPHER_CTX *ctx, const uint8_t *salt, uint8_t label,
		   uint8_t *out, size_t len)
{
	uint8_t iv[16] = { 0 };
	int n = 0;

	memcpy(iv, salt, SRTP_SALT_MAX);
	iv[7] ^= label;
	memset(out, 0, len);

	return EVP_EncryptInit_ex2(ctx, NULL, NULL, iv, NULL) == 1 &&
	       EVP_EncryptUpdate(ctx, out, &n, out, (int)len) == 1;
}

static bool derive_lane(EVP_CIPHER_CTX *ctx, enum srtp_profile profile,
			const uint8_t *salt, uint8_t first,
			struct srtp_keys *out)
{
	bool ok = derive(ctx, salt, first, out->key, SRTP_KEY) &&
		  derive(ctx, salt, first + 2, out->salt,
			 salt_bytes(profile));

	if (ok && profile == SRTP_CM_SHA1_80)
		ok = derive(ctx, salt, first + 1, out->auth, SRTP_AUTH);

	return ok;
}

int srtp_derive(enum srtp_profile profile, const uint8_t *master,
		struct srtp_session *out)
{
	uint8_t salt[SRTP_SALT_MAX] = { 0 };
	EVP_CIPHER_CTX *ctx;
	bool ok;
	int err;

	if (!profile_ok(profile))
		return -EINVAL;
	err = srtp_warm();
	if (err)
		return err;
	ctx = EVP_CIPHER_CTX_new();
	if (!ctx)
		return -ENOMEM;
	memset(out, 0, sizeof(*out));
	memcpy(salt, master + SRTP_KEY, salt_bytes(profile));
	ok = EVP_EncryptInit_ex2(ctx, fetched.ctr, master, NULL, NULL) == 1 &&
	     derive_lane(ctx, profile, salt, 0, &out->rtp) &&
	     derive_lane(ctx, profile, salt, 3, &out->rtcp);
	EVP_CIPHER_CTX_free(ctx);
	OPENSSL_cleanse(salt, sizeof(salt));
	if (!ok)
		ERR_clear_error();

	return ok ? 0 : -EIO;
}

static void lane_fini(struct lane *lane)
{
	EVP_CIPHER_CTX_free(lane->cipher);
	EVP_MAC_CTX_free(lane->mac);
}

static bool mac_init(struct lane *lane, const struct srtp_keys *keys)
{
	char digest[] = "SHA1";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
						 digest, 0),
		OSSL_PARAM_construct_end(),
	};

	lane->mac = EVP_MAC_CTX_new(fetched.hmac);

	return lane->mac &&
	       EVP_MAC_init(lane->mac, keys->auth, SRTP_AUTH, params) == 1;
}

static bool lane_init(struct lane *lane, enum srtp_profile profile,
		      enum srtp_way way, const struct srtp_keys *keys)
{
	bool gcm = profile == SRTP_GCM;
	/* Counter mode is its own inverse. */
	int encrypt = way == SRTP_SEND || !gcm;

	memcpy(lane->salt, keys->salt, SRTP_SALT_MAX);
	lane->cipher = EVP_CIPHER_CTX_new();

	return lane->cipher &&
	       EVP_CipherInit_ex2(lane->cipher,
				  gcm ? fetched.gcm : fetched.ctr, keys->key,
				  NULL, encrypt, NULL) == 1 &&
	       (gcm || mac_init(lane, keys));
}

static void evp_free(struct srtp *s)
{
	if (!s)
		return;
	lane_fini(&s->rtp);
	lane_fini(&s->rtcp);
	OPENSSL_cleanse(s, sizeof(*s));
	free(s);
}

int srtp_evp_resume(struct srtp **out, enum srtp_profile profile,
		    enum srtp_way way, const struct srtp_session *session)
{
	struct srtp *s;
	int err;

	if (!profile_ok(profile))
		return -EINVAL;
	err = srtp_warm();
	if (err)
		return err;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->profile = profile;
	s->way = way;
	if (!lane_init(&s->rtp, profile, way, &session->rtp) ||
	    !lane_init(&s->rtcp, profile, way, &session->rtcp)) {
		ERR_clear_error();
		evp_free(s);
		return -EIO;
	}
	*out = s;

	return 0;
}

static int evp_new(struct srtp **out, enum srtp_profile profile,
		   enum srtp_way way, const uint8_t *master)
{
	struct srtp_session session;
	int err = srtp_derive(profile, master, &session);

	if (!err)
		err = srtp_evp_resume(out, profile, way, &session);
	OPENSSL_cleanse(&session, sizeof(session));

	return err;
}

/* Bytes of the RTP header with CSRCs and extension; 0 if malformed. */
static size_t rtp_head(const uint8_t *p, size_t len)
{
	size_t head;

	if (len < RTP_HEAD || len > INT_MAX - SRTP_GROW || p[0] >> 6 != 2)
		return 0;
	head = RTP_HEAD + 4u * (p[0] & 15);
	if (p[0] & 0x10) {
		if (len < head + 4)
			return 0;
		head += 4 + 4 * (size_t)(p[head + 2] << 8 | p[head + 3]);
	}

	return head <= len ? head : 0;
}

static void iv_xor(uint8_t *iv, const uint8_t *salt, size_t len)
{
	for (size_t i = 0; i < len; i++)
		iv[i] ^= salt[i];
}

/* RFC 7714 8.1 and 9.1: 00 00, SSRC, index in 48 bits, all xor salt. */
static void gcm_iv(uint8_t iv[16], const uint8_t *salt, uint32_t ssrc,
		   uint64_t index)
{
	memset(iv, 0, 16);
	put_be32(iv + 2, ssrc);
	iv[6] = (uint8_t)(index >> 40);
	iv[7] = (uint8_t)(index >> 32);
	put_be32(iv + 8, (uint32_t)index);
	iv_xor(iv, salt, GCM_SALT);
}

/* RFC 3711 4.1.1: (salt << 16) xor (SSRC << 64) xor (index << 16). */
static void cm_iv(uint8_t iv[16], const uint8_t *salt, uint32_t ssrc,
		  uint64_t index)
{
	memset(iv, 0, 16);
	put_be32(iv + 4, ssrc);
	iv[8] = (uint8_t)(index >> 40);
	iv[9] = (uint8_t)(index >> 32);
	put_be32(iv + 10, (uint32_t)index);
	iv_xor(iv, salt, SRTP_SALT_MAX);
}

/* What one AEAD call works on; the tag stands wherever the format wants. */
struct aead {
	const uint8_t *aad, *aad2;
	size_t aad_len, aad2_len;
	uint8_t *text, *tag;
	size_t len;
};

static bool gcm_begin(EVP_CIPHER_CTX *ctx, const uint8_t *iv,
		      const struct aead *a)
{
	int n;

	return EVP_CipherInit_ex2(ctx, NULL, NULL, iv, -1, NULL) == 1 &&
	       EVP_CipherUpdate(ctx, NULL, &n, a->aad, (int)a->aad_len) == 1 &&
	       (!a->aad2_len || EVP_CipherUpdate(ctx, NULL, &n, a->aad2,
						 (int)a->aad2_len) == 1) &&
	       (!a->len || EVP_CipherUpdate(ctx, a->text, &n, a->text,
					    (int)a->len) == 1);
}

static bool gcm_seal(EVP_CIPHER_CTX *ctx, const uint8_t *iv,
		     const struct aead *a)
{
	uint8_t none[16];
	int n;

	return gcm_begin(ctx, iv, a) &&
	       EVP_CipherFinal_ex(ctx, none, &n) == 1 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG,
				   a->tag) == 1;
}

/* The tag is compared in constant time by the library. */
static bool gcm_open(EVP_CIPHER_CTX *ctx, const uint8_t *iv,
		     const struct aead *a)
{
	uint8_t none[16];
	int n;

	return gcm_begin(ctx, iv, a) &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG,
				   a->tag) == 1 &&
	       EVP_CipherFinal_ex(ctx, none, &n) == 1;
}

static bool cm_crypt(EVP_CIPHER_CTX *ctx, const uint8_t *iv, uint8_t *text,
		     size_t len)
{
	int n;

	return EVP_CipherInit_ex2(ctx, NULL, NULL, iv, -1, NULL) == 1 &&
	       (!len || EVP_CipherUpdate(ctx, text, &n, text,
					 (int)len) == 1);
}

/* HMAC over the packet and, with RTP, the roll-over counter behind it. */
static bool sha1_tag(EVP_MAC_CTX *ctx, const uint8_t *bytes, size_t len,
		     const uint8_t *roc, uint8_t tag[SHA1_BYTES])
{
	size_t n;

	return EVP_MAC_init(ctx, NULL, 0, NULL) == 1 &&
	       EVP_MAC_update(ctx, bytes, len) == 1 &&
	       (!roc || EVP_MAC_update(ctx, roc, 4) == 1) &&
	       EVP_MAC_final(ctx, tag, &n, SHA1_BYTES) == 1;
}

/* A failure must not leave its record for the next user of the library. */
static int failed(int err)
{
	ERR_clear_error();

	return err;
}

static int gcm_protect(struct srtp *s, uint8_t *p, size_t head, size_t len,
		       uint64_t index)
{
	struct aead a = { .aad = p, .aad_len = head, .text = p + head,
			  .len = len - head, .tag = p + len };
	uint8_t iv[16];

	gcm_iv(iv, s->rtp.salt, be32(p + 8), index);
	if (!gcm_seal(s->rtp.cipher, iv, &a))
		return failed(-EIO);

	return (int)len + GCM_TAG;
}

static int cm_protect(struct srtp *s, uint8_t *p, size_t head, size_t len,
		      uint64_t index)
{
	uint8_t iv[16], roc[4], tag[SHA1_BYTES];

	cm_iv(iv, s->rtp.salt, be32(p + 8), index);
	put_be32(roc, (uint32_t)(index >> 16));
	if (!cm_crypt(s->rtp.cipher, iv, p + head, len - head) ||
	    !sha1_tag(s->rtp.mac, p, len, roc, tag))
		return failed(-EIO);
	memcpy(p + len, tag, SHA1_TAG);

	return (int)len + SHA1_TAG;
}

static int evp_protect(struct srtp *s, uint8_t *packet, size_t len,
		       size_t cap, uint64_t index)
{
	bool gcm = s->profile == SRTP_GCM;
	size_t head = rtp_head(packet, len);

	if (s->way != SRTP_SEND || !head || index > RTP_INDEX_MAX ||
	    (uint16_t)index != (packet[2] << 8 | packet[3]))
		return -EINVAL;
	if (cap < len || cap - len < (gcm ? GCM_TAG : SHA1_TAG))
		return -EMSGSIZE;

	return gcm ? gcm_protect(s, packet, head, len, index) :
		     cm_protect(s, packet, head, len, index);
}

static int gcm_unprotect(struct srtp *s, uint8_t *p, size_t head, size_t len,
			 uint64_t index)
{
	struct aead a = { .aad = p, .aad_len = head, .text = p + head };
	uint8_t iv[16];

	if (len < head + GCM_TAG)
		return -EBADMSG;
	a.len = len - head - GCM_TAG;
	a.tag = p + len - GCM_TAG;
	gcm_iv(iv, s->rtp.salt, be32(p + 8), index);
	if (!gcm_open(s->rtp.cipher, iv, &a))
		return failed(-EBADMSG);

	return (int)len - GCM_TAG;
}

static int cm_unprotect(struct srtp *s, uint8_t *p, size_t head, size_t len,
			uint64_t index)
{
	uint8_t iv[16], roc[4], tag[SHA1_BYTES];
	size_t body;

	if (len < head + SHA1_TAG)
		return -EBADMSG;
	body = len - SHA1_TAG;
	put_be32(roc, (uint32_t)(index >> 16));
	if (!sha1_tag(s->rtp.mac, p, body, roc, tag))
		return failed(-EIO);
	if (CRYPTO_memcmp(tag, p + body, SHA1_TAG) != 0)
		return -EBADMSG;
	cm_iv(iv, s->rtp.salt, be32(p + 8), index);
	if (!cm_crypt(s->rtp.cipher, iv, p + head, body - head))
		return failed(-EIO);

	return (int)body;
}

static int evp_unprotect(struct srtp *s, uint8_t *packet, size_t len,
			 uint64_t index)
{
	size_t head = rtp_head(packet, len);

	if (!head)
		return -EBADMSG;
	if (s->way != SRTP_RECV || index > RTP_INDEX_MAX ||
	    (uint16_t)index != (packet[2] << 8 | packet[3]))
		return -EINVAL;

	return s->profile == SRTP_GCM ?
		       gcm_unprotect(s, packet, head, len, index) :
		       cm_unprotect(s, packet, head, len, index);
}

/* RFC 7714 9.3: head, cipher text, tag, then the word with the index. */
static int gcm_protect_rtcp(struct srtp *s, uint8_t *p, size_t len,
			    uint32_t index)
{
	uint8_t *word = p + len + GCM_TAG;
	struct aead a = { .aad = p, .aad_len = RTCP_HEAD,
			  .aad2 = word, .aad2_len = RTCP_WORD,
			  .text = p + RTCP_HEAD, .len = len - RTCP_HEAD,
			  .tag = p + len };
	uint8_t iv[16];

	put_be32(word, RTCP_ENCRYPTED | index);
	gcm_iv(iv, s->rtcp.salt, be32(p + 4), index);
	if (!gcm_seal(s->rtcp.cipher, iv, &a))
		return failed(-EIO);

	return (int)len + GCM_TAG + RTCP_WORD;
}

/* RFC 3711 3.4: head, cipher text, the word with the index, tag. */
static int cm_protect_rtcp(struct srtp *s, uint8_t *p, size_t len,
			   uint32_t index)
{
	uint8_t iv[16], tag[SHA1_BYTES];

	cm_iv(iv, s->rtcp.salt, be32(p + 4), index);
	put_be32(p + len, RTCP_ENCRYPTED | index);
	if (!cm_crypt(s->rtcp.cipher, iv, p + RTCP_HEAD, len - RTCP_HEAD) ||
	    !sha1_tag(s->rtcp.mac, p, len + RTCP_WORD, NULL, tag))
		return failed(-EIO);
	memcpy(p + len + RTCP_WORD, tag, SHA1_TAG);

	return (int)len + RTCP_WORD + SHA1_TAG;
}

static bool rtcp_ok(const uint8_t *p, size_t len)
{
	return len >= RTCP_HEAD && len <= INT_MAX - SRTP_GROW &&
	       p[0] >> 6 == 2;
}

static int evp_protect_rtcp(struct srtp *s, uint8_t *packet, size_t len,
			    size_t cap, uint32_t index)
{
	bool gcm = s->profile == SRTP_GCM;

	if (s->way != SRTP_SEND || !rtcp_ok(packet, len) ||
	    index > RTCP_INDEX_MAX)
		return -EINVAL;
	if (cap < len ||
	    cap - len < RTCP_WORD + (size_t)(gcm ? GCM_TAG : SHA1_TAG))
		return -EMSGSIZE;

	return gcm ? gcm_protect_rtcp(s, packet, len, index) :
		     cm_protect_rtcp(s, packet, len, index);
}

static int gcm_unprotect_rtcp(struct srtp *s, uint8_t *p, size_t body,
			      uint32_t index)
{
	struct aead a = { .aad = p, .aad_len = RTCP_HEAD,
			  .aad2 = p + body + GCM_TAG, .aad2_len = RTCP_WORD,
			  .text = p + RTCP_HEAD, .len = body - RTCP_HEAD,
			  .tag = p + body };
	uint8_t iv[16];

	gcm_iv(iv, s->rtcp.salt, be32(p + 4), index);
	if (!gcm_open(s->rtcp.cipher, iv, &a))
		return failed(-EBADMSG);

	return (int)body;
}

static int cm_unprotect_rtcp(struct srtp *s, uint8_t *p, size_t body,
			     uint32_t index)
{
	uint8_t iv[16], tag[SHA1_BYTES];

	if (!sha1_tag(s->rtcp.mac, p, body + RTCP_WORD, NULL, tag))
		return failed(-EIO);
	if (CRYPTO_memcmp(tag, p + body + RTCP_WORD, SHA1_TAG) != 0)
		return -EBADMSG;
	cm_iv(iv, s->rtcp.salt, be32(p + 4), index);
	if (!cm_crypt(s->rtcp.cipher, iv, p + RTCP_HEAD, body - RTCP_HEAD))
		return failed(-EIO);

	return (int)body;
}

static int evp_unprotect_rtcp(struct srtp *s, uint8_t *packet, size_t len,
			      uint32_t *index)
{
	bool gcm = s->profile == SRTP_GCM;
	size_t tail = RTCP_WORD + (gcm ? GCM_TAG : SHA1_TAG), body;
	uint32_t word;
	int n;

	if (s->way != SRTP_RECV)
		return -EINVAL;
	if (!rtcp_ok(packet, len) || len < RTCP_HEAD + tail)
		return -EBADMSG;
	body = len - tail;
	word = be32(packet + body + (gcm ? GCM_TAG : 0));
	/* Both profiles promise secrecy: clear text is not from our peer. */
	if (!(word & RTCP_ENCRYPTED))
		return -EBADMSG;
	word &= RTCP_INDEX_MAX;
	n = gcm ? gcm_unprotect_rtcp(s, packet, body, word) :
		  cm_unprotect_rtcp(s, packet, body, word);
	if (n >= 0)
		*index = word;

	return n;
}

const struct srtp_ops srtp_evp = {
	.name = "evp",
	.new = evp_new,
	.free = evp_free,
	.protect = evp_protect,
	.unprotect = evp_unprotect,
	.protect_rtcp = evp_protect_rtcp,
	.unprotect_rtcp = evp_unprotect_rtcp,
};
