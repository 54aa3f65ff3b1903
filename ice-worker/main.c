/* main.c - ice-worker --template: the only way to start it */

#include "common/log.h"
#include "ice-worker/template.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_listener(int fd)
{
	int listening = 0, type = 0;
	socklen_t len = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) ==
		       0 &&
	       listening &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	       type == SOCK_SEQPACKET;
}

static int usage(void)
{
	static const char text[] =
		"ice-worker --template [--log FILTER]\n"
		"Started by session-broker, with its socket on descriptor "
		"3.\n";

	return write(STDERR_FILENO, text, sizeof(text) - 1) < 0 ? 1 : 2;
}

int main(int argc, char **argv)
{
	const char *filter = NULL;
	bool template = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--template"))
			template = true;
		else if (!strcmp(argv[i], "--log") && i + 1 < argc)
			filter = argv[++i];
		else
			return usage();
	}
	if (!template || !is_listener(TEMPLATE_FD))
		return usage();
	log_open("ice-worker", filter);

	return template_run(TEMPLATE_FD);
}
