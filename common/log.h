/*
 * log.h - one line per event: time role peer level text key=value ...
 *
 * Process  log_open() once in main. A line goes to stderr by one write();
 *          a restricted process gives a sink instead, which hands the line
 *          to the broker (docs/processes.md).
 * Levels   error warn info debug; the filter is a text like
 *          "info,ice-worker=debug" (WEBRTC_LOG, RUST_LOG).
 * Never    ufrag passwords, keys, tokens, a whole SDP.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

enum { LOG_LINE_MAX = 512 };	/* bytes of one line, longer is cut */

/* role and filter must live as long as the process; filter may be NULL. */
void log_open(const char *role, const char *filter);

/* The peer named in the lines that follow; "" or NULL for none. Copied. */
void log_peer(const char *peer);

/* Whether a filter text is well formed. */
bool log_filter_ok(const char *filter);

/* line holds no newline and is valid during the call only. */
typedef void log_sink_h(enum log_level level, const char *line, size_t len,
			void *arg);
void log_set_sink(log_sink_h *sink, void *arg);

/* Print a line that another process made (the broker, for its workers). */
void log_relay(const char *line, size_t len);

/* As log_relay(), but time, role, peer and level are ours: the first four
 * words of the line are not believed. */
void log_relay_as(const char *role, const char *peer, enum log_level level,
		  const char *line, size_t len);

bool log_on(enum log_level level);

/* text says what happened; the rest is "key=value" pairs by printf. */
void log_line(enum log_level level, const char *text, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(text, ...) log_line(LOG_ERROR, text, "" __VA_ARGS__)
#define log_warn(text, ...) log_line(LOG_WARN, text, "" __VA_ARGS__)
#define log_info(text, ...) log_line(LOG_INFO, text, "" __VA_ARGS__)
#define log_debug(text, ...)                                                  \
	do {                                                                  \
		if (log_on(LOG_DEBUG))                                        \
			log_line(LOG_DEBUG, text, "" __VA_ARGS__);            \
	} while (0)

/* Adds error=<text> for a negative errno. */
void log_fail(int err, const char *text);

#endif
