/* log.c - format a line, filter it, write it in one piece */

#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const char *const names[] = { "error", "warn", "info", "debug" };

static struct {
	const char *role;
	char peer[40];
	enum log_level max;
	log_sink_h *sink;
	void *arg;
} lg = { .role = "?", .max = LOG_INFO };

/* A level's number, "off" and "trace" included, or -2. */
static int level_parse(const char *s, size_t len)
{
	if (len == 3 && !strncasecmp(s, "off", 3))
		return -1;
	if (len == 5 && !strncasecmp(s, "trace", 5))
		return LOG_DEBUG;
	for (int i = 0; i < 4; i++)
		if (strlen(names[i]) == len && !strncasecmp(s, names[i], len))
			return i;
	return -2;
}

/*
 * Walks "level,role=level,..." and gives the level for role; false when an
 * item is malformed. A role that no process bears (a Rust module path in
 * RUST_LOG) is allowed and matches nothing.
 */
static bool filter_walk(const char *filter, const char *role, int *level)
{
	while (filter && *filter) {
		size_t len = strcspn(filter, ",");
		const char *eq = memchr(filter, '=', len);
		const char *value = eq ? eq + 1 : filter;
		int got = level_parse(value, (size_t)(filter + len - value));

		if (got == -2 || eq == filter)
			return false;
		if (!eq || (strlen(role) == (size_t)(eq - filter) &&
			    !strncmp(filter, role, (size_t)(eq - filter))))
			*level = got;
		filter += len;
		filter += *filter == ',';
	}

	return true;
}

bool log_filter_ok(const char *filter)
{
	int level = 0;

	return filter_walk(filter, "", &level);
}

void log_open(const char *role, const char *filter)
{
	int level = LOG_INFO;

	lg.role = role;
	if (!filter_walk(filter, role, &level))
		level = LOG_INFO;
	lg.max = level < 0 ? LOG_ERROR : (enum log_level)level;
	tzset();
}

void log_peer(const char *peer)
{
	snprintf(lg.peer, sizeof(lg.peer), "%s", peer ? peer : "");
	for (char *c = lg.peer; *c; c++)
		if (*c <= ' ' || *c == 0x7f)
			*c = '_';
}

void log_set_sink(log_sink_h *sink, void *arg)
{
	lg.sink = sink;
	lg.arg = arg;
}

bool log_on(enum log_level level)
{
	return level <= lg.max;
}

void log_relay(const char *line, size_t len)
{
	char out[LOG_LINE_MAX + 1];
	ssize_t done;

	if (len > LOG_LINE_MAX)
		len = LOG_LINE_MAX;
	for (size_t i = 0; i < len; i++)
		out[i] = (unsigned char)line[i] < ' ' || line[i] == 0x7f ?
				 '?' : line[i];
	out[len] = '\n';
	done = write(STDERR_FILENO, out, len + 1);
	(void)done;
}

static size_t stamp(char *out, size_t cap)
{
	struct timeval tv;
	struct tm tm;

	gettimeofday(&tv, NULL);
	gmtime_r(&tv.tv_sec, &tm);

	return (size_t)snprintf(out, cap,
				"%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ ",
				tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
				tm.tm_hour, tm.tm_min, tm.tm_sec,
				(long)tv.tv_usec);
}

void log_relay_as(const char *role, const char *peer, enum log_level level,
		  const char *line, size_t len)
{
	char out[LOG_LINE_MAX + 1], name[40];
	const char *at = line, *end = line + len;
	size_t n;

	for (int word = 0; word < 4 && at < end; word++) {
		const char *blank = memchr(at, ' ', (size_t)(end - at));

		at = blank ? blank + 1 : end;
	}
	snprintf(name, sizeof(name), "%s", peer);
	for (char *c = name; *c; c++)
		if (*c <= ' ' || *c == 0x7f)
			*c = '_';
	n = stamp(out, sizeof(out));
	n += (size_t)snprintf(out + n, sizeof(out) - n, "%s %s %s %.*s", role,
			      *name ? name : "-", names[level],
			      (int)(end - at), at);
	log_relay(out, n < LOG_LINE_MAX ? n : LOG_LINE_MAX);
}

void log_line(enum log_level level, const char *text, const char *fmt, ...)
{
	char line[LOG_LINE_MAX + 1];
	size_t at;
	va_list ap;
	int n;

	if (!log_on(level))
		return;

	at = stamp(line, sizeof(line));
	n = snprintf(line + at, sizeof(line) - at, "%s %s %s %s%s", lg.role,
		     lg.peer[0] ? lg.peer : "-", names[level], text,
		     *fmt ? " " : "");
	at += n > 0 ? (size_t)n : 0;
	if (at < sizeof(line)) {
		va_start(ap, fmt);
		n = vsnprintf(line + at, sizeof(line) - at, fmt, ap);
		va_end(ap);
		at += n > 0 ? (size_t)n : 0;
	}
	if (at > LOG_LINE_MAX)
		at = LOG_LINE_MAX;

	if (lg.sink)
		lg.sink(level, line, at, lg.arg);
	else
		log_relay(line, at);
}

void log_fail(int err, const char *text)
{
	log_line(LOG_ERROR, text, "error=\"%s\"",
		 strerror(err < 0 ? -err : err));
}
