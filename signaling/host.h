/*
 * host.h - what this machine is called and where it can be reached
 *
 * Memory   Plain data; the addresses point into it.
 * Process  Asks the system: once, before the process sheds its rights.
 */
#ifndef SIGNALING_HOST_H
#define SIGNALING_HOST_H

enum { HOST_ADDRESSES = 16 };

struct host {
	char name[256];
	char texts[HOST_ADDRESSES][48];
	const char *addresses[HOST_ADDRESSES];	/* numeric; no loopback, no
						   link-local; IPv4 first */
	unsigned len;
};

/* What cannot be found out stays empty. */
void host_read(struct host *h);

#endif
