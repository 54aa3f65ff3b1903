/* main.c - signaling: one process, every client. See docs/processes.md. */

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>

#include "common/log.h"
#include "common/loop.h"
#include "port/json.h"
#include "port/seccomp.h"
#include "signaling/options.h"
#include "signaling/server.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_ADDRESS = 3 };

enum { SPARE_FDS = 64 };	/* beside connections */

/* As many descriptors as connections ask for, and no core dump: it would
 * hold what clients said. */
static int limit_resources(struct sig_options *o)
{
	struct rlimit core = { 0, 0 }, files;

	if (setrlimit(RLIMIT_CORE, &core) ||
	    getrlimit(RLIMIT_NOFILE, &files))
		return -errno;
	if (files.rlim_max > o->max_connections + SPARE_FDS)
		files.rlim_max = o->max_connections + SPARE_FDS;
	else if (files.rlim_max > SPARE_FDS)
		o->max_connections = (uint32_t)files.rlim_max - SPARE_FDS;
	files.rlim_cur = files.rlim_max;

	return setrlimit(RLIMIT_NOFILE, &files) ? -errno : 0;
}

/* told: what a setting names cannot be used, and the error said so. */
static int exit_status(int err, bool told, const struct server *s)
{
	if (err == -EADDRINUSE || err == -EADDRNOTAVAIL || err == -EACCES)
		return EXIT_ADDRESS;

	return told ? EXIT_USAGE : err ? EXIT_FAILED : s->exit_status;
}

int main(int argc, char **argv)
{
	static struct server server;
	struct sig_options options;
	char error[SIG_ERROR] = "";
	struct loop *loop = NULL;
	int err;

	if (sig_options_parse(&options, argc, argv, error)) {
		fprintf(stderr, "%s\n", error);
		return EXIT_USAGE;
	}
	if (options.help) {
		fputs(sig_options_help(), stdout);
		return 0;
	}
	log_open("signaling", options.log);
	js_seed();

	/* Open all it will ever own, shed the right to open more, serve. */
	if ((err = limit_resources(&options)) || (err = loop_new(&loop)) ||
	    (err = server_open(&server, loop, &options, error))) {
		fprintf(stderr, "%s\n", *error ? error
					       : "signaling: cannot start");
		loop_free(loop);
		return exit_status(err, *error, &server);
	}
	if ((err = sandbox_enter(SANDBOX_SIGNALING)) || (err = loop_run(loop)))
		log_fail(err, "stopping");

	server_close(&server);
	loop_free(loop);

	return exit_status(err, false, &server);
}
