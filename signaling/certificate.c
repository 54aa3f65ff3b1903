/* certificate.c - where the certificate and key of TLS come from */

#include "signaling/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "port/tls.h"

enum { ONE_DAY_S = 86400 };

struct blob {
	uint8_t *bytes;
	size_t len;
};

/* A key must not stay in freed memory. */
static void wipe(struct blob *b)
{
	if (b->bytes)
		explicit_bzero(b->bytes, b->len);
	free(b->bytes);
	*b = (struct blob){ 0 };
}

static int read_all(struct blob *out, int fd)
{
	ssize_t n;

	*out = (struct blob){ malloc(TLS_PEM_MAX + 1), 0 };
	if (!out->bytes)
		return -ENOMEM;
	do {
		n = read(fd, out->bytes + out->len,
			 TLS_PEM_MAX + 1 - out->len);
		if (n > 0)
			out->len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));

	return n < 0 ? -errno : 0;
}

static int read_file(struct blob *out, const char *path,
		     char error[SIG_ERROR])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int err = fd < 0 ? -errno : read_all(out, fd);

	if (fd >= 0)
		close(fd);
	if (err)
		snprintf(error, SIG_ERROR, "signaling: cannot read %.255s "
			 "(%s): check WEBRTC_TLS_CERT and WEBRTC_TLS_KEY",
			 path, strerror(-err));

	return err;
}

static struct tls_pem pem_of(const struct blob *cert, const struct blob *key)
{
	return (struct tls_pem){ cert->bytes, cert->len, key->bytes,
				 key->len };
}

static void tell_end(const struct tls_server *s)
{
	int64_t left = tls_server_expires(s) - wall_us() / 1000000;

	log_line(left < 0 ? LOG_WARN : LOG_INFO,
		 left < 0 ? "the TLS certificate has ended"
			  : "TLS certificate",
		 "days=%lld", (long long)(left / ONE_DAY_S));
}

static bool is_wanted(const struct sig_options *o)
{
	for (unsigned i = 0; i < o->listen_len; i++)
		if (o->listen[i].tls)
			return true;

	return false;
}

int certificate_open(struct tls_server **out, const struct sig_options *o,
		     char error[SIG_ERROR])
{
	struct blob cert = { 0 }, key = { 0 };
	char why[TLS_WHY] = "";
	struct tls_pem pem;
	int err;

	*out = NULL;
	if (!is_wanted(o))
		return 0;
	if (!o->tls_cert || !o->tls_key) {
		snprintf(error, SIG_ERROR, "signaling: a TLS listener needs "
			 "WEBRTC_TLS_CERT and WEBRTC_TLS_KEY");
		return -EINVAL;
	}
	if (!(err = read_file(&cert, o->tls_cert, error)) &&
	    !(err = read_file(&key, o->tls_key, error))) {
		pem = pem_of(&cert, &key);
		err = tls_server_new(out, &pem, why);
		if (err)
			snprintf(error, SIG_ERROR, "signaling: no TLS with "
				 "%.200s and %.200s: %s", o->tls_cert,
				 o->tls_key, why);
	}
	wipe(&cert);
	wipe(&key);
	if (!err)
		tell_end(*out);

	return err;
}

int certificate_renew(struct tls_server *s, int cert_fd, int key_fd)
{
	struct blob cert = { 0 }, key = { 0 };
	char why[TLS_WHY] = "the descriptors cannot be read";
	struct tls_pem pem;
	int err = s ? 0 : -ENOTSUP;

	if (!err && !(err = read_all(&cert, cert_fd)) &&
	    !(err = read_all(&key, key_fd))) {
		pem = pem_of(&cert, &key);
		err = tls_server_renew(s, &pem, why);
	}
	wipe(&cert);
	wipe(&key);
	close(cert_fd);
	close(key_fd);
	if (!s)
		log_line(LOG_WARN, "no TLS certificate to renew",
			 "why=\"no listener speaks TLS\"");
	else if (err)
		log_line(LOG_ERROR, "the old TLS certificate serves on",
			 "why=\"%s\"", why);
	else
		tell_end(s);

	return err;
}
