/*
 * uplink.h - a client of another hub, whose peers call our pipeline
 *
 * Connects to ws://host:port or, where the certificate is for that host and
 * from an authority that is believed, wss://host:port, announces itself as
 * peer-<uuid> (one name for the life of the process) and speaks dialect A as a
 * client. A lost hub is dialled again after 0.5 s, doubling to 30 s, each time
 * +-20 %; calls do not notice.
 *
 * Memory   Storage of the owner; uplink_close() before it goes away.
 * Process  The host is resolved and authorities are read once, by
 *          uplink_resolve(), before the process sheds its right to open
 *          files.
 */
#ifndef SIGNALING_UPLINK_H
#define SIGNALING_UPLINK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "core/http/h1.h"
#include "core/ws/handshake.h"
#include "core/ws/ws.h"
#include "signaling/calls.h"
#include "signaling/options.h"
#include "signaling/stream.h"

enum { UPLINK_ADDRESSES = 8, UPLINK_NAME = 48 };

enum uplink_state {
	UPLINK_WAITING,		/* for the next attempt */
	UPLINK_CONNECTING,
	UPLINK_SECURING,	/* the TLS handshake */
	UPLINK_UPGRADING,	/* the answer to our handshake is awaited */
	UPLINK_ANNOUNCING,
	UPLINK_JOINED,
};

struct uplink {
	struct loop *loop;
	struct calls *calls;
	const struct sig_options *options;
	struct sockaddr_storage addresses[UPLINK_ADDRESSES];
	unsigned addresses_len, next_address;
	char name[UPLINK_NAME];
	enum uplink_state state;
	bool leaving;		/* a farewell is out, nothing is dialled */
	struct tls_client *tls;	/* wss:// only */
	struct stream stream;
	struct ws ws;
	struct timer timer;
	char key[WS_KEY_TEXT];
	uint8_t head[H1_HEAD_MAX];
	size_t head_len;
	int64_t delay_us;	/* before the next attempt */
	char token[HUB_TOKEN];	/* to be itself again there; "": none */
	uint64_t next_id;
	unsigned missed;	/* pings without a sign of life */
};

/* -EADDRNOTAVAIL: no such host. -EINVAL: no authorities to be had. error says
 * so in one line. */
int uplink_resolve(struct uplink *u, const struct sig_options *o,
		   char error[SIG_ERROR]) MUST_USE;

/* After uplink_resolve(). */
void uplink_open(struct uplink *u, struct loop *loop, struct calls *calls,
		 struct mono now);

/* A farewell, so that the hub does not hold our name, which is new each time.
 * It is gone when the hub has said so too, or cannot be reached. Both are
 * fine on one that was never opened (zeroed). */
void uplink_farewell(struct uplink *u);
bool uplink_is_gone(const struct uplink *u);

/* Fine on one that was never opened (zeroed). */
void uplink_close(struct uplink *u);

/* What calls have to say to a peer behind the hub. */
void uplink_deliver(struct uplink *u, const char *peer,
		    const struct hub_event *ev);

#endif
