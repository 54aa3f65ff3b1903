/* options.c - the command line of a media-worker */

#include "media-worker/options.h"

#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 1023, ALONE_S = 120 };

static int take_number(uint32_t *out, const char *name, const char *text)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || v > NUMBER_MAX) {
		fprintf(stderr, "media-worker: %s %s: 0 to %d is allowed\n",
			name, text, NUMBER_MAX);
		return -EINVAL;
	}
	*out = (uint32_t)v;

	return 0;
}

static int take(struct options *out, const char *name, const char *value)
{
	if (!strcmp(name, "--index"))
		return take_number(&out->index, name, value);
	if (!strcmp(name, "--core"))
		return take_number(&out->core, name, value);
	if (!strcmp(name, "--alone"))
		return take_number(&out->alone_s, name, value);
	if (strcmp(name, "--log") != 0) {
		fprintf(stderr, "media-worker: %s: --index, --core, --log and "
			"--alone are allowed\n", name);
		return -EINVAL;
	}
	if (!log_filter_ok(value)) {
		fprintf(stderr, "media-worker: --log %s: not a filter like "
			"info,media-worker=debug\n", value);
		return -EINVAL;
	}
	out->log = value;

	return 0;
}

int options_parse(struct options *out, int argc, char **argv)
{
	*out = (struct options){ .alone_s = ALONE_S };
	for (int i = 1; i < argc; i += 2) {
		int err;

		if (i + 1 == argc) {
			fprintf(stderr, "media-worker: %s needs a value\n",
				argv[i]);
			return -EINVAL;
		}
		err = take(out, argv[i], argv[i + 1]);
		if (err)
			return err;
	}

	return 0;
}
