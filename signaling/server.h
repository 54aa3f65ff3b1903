/*
 * server.h - the parts of a signaling process, put together
 *
 *	connections -> jsonrpc -> hub      -> other connections
 *	                       -> calls    -> bus -> broker
 *	                          uplink <-> another hub
 */
#ifndef SIGNALING_SERVER_H
#define SIGNALING_SERVER_H

#include "signaling/bus.h"
#include "signaling/door.h"
#include "signaling/host.h"
#include "signaling/jsonrpc.h"
#include "signaling/uplink.h"

enum { BROKER_LOST_US = 120000000 };	/* then there is nobody to serve */

struct server {
	struct loop *loop;
	struct bus bus;
	struct hub *hub;
	struct calls *calls;
	struct files *files;
	struct sources *sources;
	struct auth *auth;
	struct tls_server *tls;	/* NULL: none */
	struct whip *whip;
	struct metrics metrics;
	struct host host;
	struct world world;
	struct door door;
	struct uplink uplink;
	bool joins;		/* uplink is used */
	bool leaving;
	struct timer calls_timer;
	struct watch signals;
	struct mono leave_by;
	int exit_status;
};

/*
 * Opens all it will ever hold, but for connections. On failure what was
 * opened is closed and error holds one line for people, perhaps empty.
 */
int server_open(struct server *s, struct loop *loop,
		const struct sig_options *o, char error[SIG_ERROR]) MUST_USE;
void server_close(struct server *s);

/* Takes both descriptors. The certificate was renewed; after a failure, which
 * is logged, the old one serves on. Running connections go on. */
int server_tls_reload(struct server *s, int cert_fd, int key_fd);

#endif
