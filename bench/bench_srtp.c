/*
 * bench_srtp.c - cost of protecting and unprotecting one packet
 *
 * Ours beside the bare EVP calls that it cannot do without (GCM) and beside
 * libsrtp2. All variants take turns in short rounds, so that a busy machine
 * slows all of them; the figure is the median of the rounds.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "port/srtp.h"

enum { ROUNDS = 61, PACKETS = 500, ROOM = 1300 };

static uint8_t packets[PACKETS][ROOM];
static int lens[PACKETS];

enum variant { EVP_BARE, OURS, LIB, VARIANTS };

struct bed {
	struct srtp *out, *in;
	const struct srtp_ops *ops;
	EVP_CIPHER_CTX *bare_out, *bare_in;
	uint64_t index;
	size_t len;
	double protect[ROUNDS], unprotect[ROUNDS];
};

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);

	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "bench_srtp: %s\n", what);
	exit(1);
}

static void fill(uint64_t index, size_t len)
{
	for (int i = 0; i < PACKETS; i++) {
		uint8_t *p = packets[i];

		p[0] = 0x80;
		p[2] = (uint8_t)((index + (uint64_t)i) >> 8);
		p[3] = (uint8_t)(index + (uint64_t)i);
		p[8] = 1;
		lens[i] = (int)len;
	}
}

static void bare_iv(uint8_t iv[12], uint64_t index)
{
	memset(iv, 0x33, 12);
	memcpy(iv + 4, &index, 8);
}

static int bare_seal(EVP_CIPHER_CTX *c, uint8_t *p, int len, uint64_t index)
{
	uint8_t iv[12], none[16];
	int n;

	bare_iv(iv, index);
	if (EVP_EncryptInit_ex(c, NULL, NULL, NULL, iv) != 1 ||
	    EVP_EncryptUpdate(c, NULL, &n, p, 12) != 1 ||
	    EVP_EncryptUpdate(c, p + 12, &n, p + 12, len - 12) != 1 ||
	    EVP_EncryptFinal_ex(c, none, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, p + len) != 1)
		die("bare seal");

	return len + 16;
}

static int bare_open(EVP_CIPHER_CTX *c, uint8_t *p, int len, uint64_t index)
{
	uint8_t iv[12], none[16];
	int n;

	bare_iv(iv, index);
	if (EVP_DecryptInit_ex(c, NULL, NULL, NULL, iv) != 1 ||
	    EVP_DecryptUpdate(c, NULL, &n, p, 12) != 1 ||
	    EVP_DecryptUpdate(c, p + 12, &n, p + 12, len - 28) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, 16,
				p + len - 16) != 1 ||
	    EVP_DecryptFinal_ex(c, none, &n) != 1)
		die("bare open");

	return len - 16;
}

static void bed_open(struct bed *b, enum variant v, enum srtp_profile profile,
		     size_t len)
{
	uint8_t master[SRTP_MASTER_MAX] = { 9 };

	memset(b, 0, sizeof(*b));
	b->len = len;
	b->index = 1;
	b->ops = v == OURS ? &srtp_evp : v == LIB ? &srtp_lib : NULL;
	if (b->ops) {
		if (b->ops->new(&b->out, profile, SRTP_SEND, master) ||
		    b->ops->new(&b->in, profile, SRTP_RECV, master))
			die(b->ops->name);
		return;
	}
	b->bare_out = EVP_CIPHER_CTX_new();
	b->bare_in = EVP_CIPHER_CTX_new();
	if (EVP_EncryptInit_ex(b->bare_out, EVP_aes_128_gcm(), NULL, master,
			       NULL) != 1 ||
	    EVP_DecryptInit_ex(b->bare_in, EVP_aes_128_gcm(), NULL, master,
			       NULL) != 1)
		die("bare");
}

static void bed_close(struct bed *b)
{
	if (b->ops) {
		b->ops->free(b->out);
		b->ops->free(b->in);
	}
	EVP_CIPHER_CTX_free(b->bare_out);
	EVP_CIPHER_CTX_free(b->bare_in);
}

static void protect_all(struct bed *b)
{
	for (int i = 0; i < PACKETS; i++) {
		uint64_t index = b->index + (uint64_t)i;

		lens[i] = b->ops ? b->ops->protect(b->out, packets[i],
						   b->len, ROOM, index) :
				   bare_seal(b->bare_out, packets[i],
					     lens[i], index);
		if (lens[i] <= (int)b->len)
			die("protect");
	}
}

static void unprotect_all(struct bed *b)
{
	for (int i = 0; i < PACKETS; i++) {
		uint64_t index = b->index + (uint64_t)i;
		int n = b->ops ? b->ops->unprotect(b->in, packets[i],
						   (size_t)lens[i], index) :
				 bare_open(b->bare_in, packets[i], lens[i],
					   index);

		if (n != (int)b->len)
			die("unprotect");
	}
}

static void turn(struct bed *b, int round)
{
	double start;

	fill(b->index, b->len);
	start = now_ns();
	protect_all(b);
	b->protect[round] = (now_ns() - start) / PACKETS;
	start = now_ns();
	unprotect_all(b);
	b->unprotect[round] = (now_ns() - start) / PACKETS;
	b->index += PACKETS;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v)
{
	qsort(v, ROUNDS, sizeof(*v), by_value);

	return v[ROUNDS / 2];
}

static void print_row(const char *profile, size_t len, const char *what,
		      const double ns[VARIANTS])
{
	printf("srtp %-12s %4zu B %-9s  ours %6.0f ns", profile, len, what,
	       ns[OURS]);
	if (ns[EVP_BARE] > 0)
		printf("  bare EVP %6.0f ns  ratio %.2f", ns[EVP_BARE],
		       ns[OURS] / ns[EVP_BARE]);
	printf("  libsrtp2 %6.0f ns  ratio %.2f\n", ns[LIB],
	       ns[OURS] / ns[LIB]);
}

static void measure(enum srtp_profile profile, const char *name, size_t len)
{
	enum variant first = profile == SRTP_GCM ? EVP_BARE : OURS;
	double protect[VARIANTS] = { 0 }, unprotect[VARIANTS] = { 0 };
	static struct bed beds[VARIANTS];

	for (int v = (int)first; v < VARIANTS; v++)
		bed_open(&beds[v], (enum variant)v, profile, len);
	for (int round = 0; round < ROUNDS; round++) {
		for (int v = (int)first; v < VARIANTS; v++)
			turn(&beds[v], round);
	}
	for (int v = (int)first; v < VARIANTS; v++) {
		protect[v] = median(beds[v].protect);
		unprotect[v] = median(beds[v].unprotect);
		bed_close(&beds[v]);
	}
	print_row(name, len, "protect", protect);
	print_row(name, len, "unprotect", unprotect);
}

int main(void)
{
	measure(SRTP_GCM, "AES_128_GCM", 172);
	measure(SRTP_GCM, "AES_128_GCM", 1200);
	measure(SRTP_CM_SHA1_80, "CM_SHA1_80", 172);
	measure(SRTP_CM_SHA1_80, "CM_SHA1_80", 1200);

	return 0;
}
