/*
 * template.h - the warmed process that peers are forked from
 *
 * It is executed once, loads and warms every library, and then only forks:
 * single-threaded, without a socket on the network. The broker dials the
 * listener it left on descriptor 3; a new broker dials again.
 *
 * Process  Ignores SIGINT (a terminal's Ctrl-C must not end calls before the
 *          broker says so), leaves at SIGTERM. Losing the broker is no
 *          error; without one and without children it leaves after 60 s.
 */
#ifndef ICE_WORKER_TEMPLATE_H
#define ICE_WORKER_TEMPLATE_H

enum { TEMPLATE_FD = 3, TEMPLATE_ALONE_S = 60 };

/* The exit status. In a forked child: the child's. */
int template_run(int listener);

#endif
