/*
 * certificate.h - where the certificate and key of TLS come from
 *
 * At the start from two PEM files; later, when they were renewed, from two
 * descriptors that the broker opened (signaling itself may open nothing).
 *
 * Errors   Negative errno and one line for people.
 */
#ifndef SIGNALING_CERTIFICATE_H
#define SIGNALING_CERTIFICATE_H

#include "common/err.h"
#include "signaling/options.h"

struct tls_server;

/* *out stays NULL when no listener speaks TLS. */
int certificate_open(struct tls_server **out, const struct sig_options *o,
		     char error[SIG_ERROR]) MUST_USE;

/* Takes both descriptors. The old certificate serves on after a failure,
 * which is logged. -ENOTSUP: no listener speaks TLS. */
int certificate_renew(struct tls_server *s, int cert_fd, int key_fd);

#endif
