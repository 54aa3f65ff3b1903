/* main.c - media-worker: sound and picture of many peers, one core.
 * See docs/processes.md. */

#include "common/log.h"
#include "media-worker/options.h"
#include "media-worker/shed.h"
#include "media-worker/worker.h"

#include <signal.h>
#include <stddef.h>

enum { EXIT_USAGE = 2 };

static void on_term(int sig)
{
	(void)sig;
	worker_stop();
}

/* The terminal's interrupt is for the broker, which says what follows. */
static void set_signals(void)
{
	struct sigaction term = { .sa_handler = on_term };

	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigaction(SIGTERM, &term, NULL);
}

int main(int argc, char **argv)
{
	struct options opt;
	struct worker *worker = NULL;
	int err;

	if (options_parse(&opt, argc, argv) != 0)
		return EXIT_USAGE;
	log_open("media-worker", opt.log);
	set_signals();
	shed_place(opt.core);

	/* Open all it will ever own, shed the right to open more, serve. */
	if ((err = worker_new(&worker, &opt)) || (err = shed_rights()) ||
	    (err = worker_run(worker)))
		log_fail(err, "stopping");
	worker_free(worker);

	return err ? 1 : 0;
}
