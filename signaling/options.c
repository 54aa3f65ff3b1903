/* options.c - the command line of signaling */

#include "signaling/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

static int number(const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
	char *end;
	unsigned long long v;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || *end || v < min || v > max)
		return -EINVAL;
	*out = (uint32_t)v;

	return 0;
}

int hostport_parse(struct hostport *out, const char *text)
{
	const char *host = text, *end, *colon;
	uint32_t port;

	if (*text == '[') {
		host = text + 1;
		end = strchr(host, ']');
		colon = end && end[1] == ':' ? end + 1 : NULL;
	} else {
		colon = end = strchr(text, ':');
	}
	if (!colon || end == host || strchr(colon + 1, ':') ||
	    (size_t)(end - host) >= sizeof(out->host) ||
	    number(colon + 1, 0, 65535, &port))
		return -EINVAL;
	memcpy(out->host, host, (size_t)(end - host));
	out->host[end - host] = '\0';
	out->port = (uint16_t)port;

	return 0;
}

/* ws://host[:port][/path] */
static int parse_join(struct sig_options *o, const char *url)
{
	char authority[300];
	size_t len;

	if (strncmp(url, "ws://", 5) != 0)
		return -EINVAL;
	o->join = url;
	url += 5;
	len = strcspn(url, "/?#");
	o->hub_path = url[len] == '/' ? url + len : "/";
	if (len == 0 || len + 4 > sizeof(authority) || strchr(url, '#') ||
	    strchr(url, '@') || strchr(url, ' '))
		return -EINVAL;
	snprintf(authority, sizeof(authority), "%.*s", (int)len, url);
	if (!strchr(authority + (*authority == '[' ?
				 strcspn(authority, "]") : 0), ':'))
		strcat(authority, ":80");

	return hostport_parse(&o->hub, authority);
}

static int on_listen(struct sig_options *o, const char *v)
{
	if (o->listen_len == SIG_LISTEN_MAX)
		return -EINVAL;

	return hostport_parse(&o->listen[o->listen_len++], v);
}

static int on_log(struct sig_options *o, const char *v)
{
	o->log = v;

	return log_filter_ok(v) ? 0 : -EINVAL;
}

static int on_web(struct sig_options *o, const char *v)
{
	o->web = v;

	return 0;
}

static int on_origins(struct sig_options *o, const char *v)
{
	o->origins = v;

	return 0;
}

static int on_max_per_source(struct sig_options *o, const char *v)
{
	return number(v, 1, 1000000, &o->max_per_source);
}

static int on_max_connections(struct sig_options *o, const char *v)
{
	return number(v, 1, 100000, &o->max_connections);
}

static int on_message_rate(struct sig_options *o, const char *v)
{
	return number(v, 1, 10000000, &o->messages_per_s);
}

static int on_offer_rate(struct sig_options *o, const char *v)
{
	return number(v, 1, 10000000, &o->offers_per_s);
}

static const struct option {
	const char *name, *variable;	/* variable NULL: a flag only */
	int (*set)(struct sig_options *o, const char *value);
	const char *allowed;
} table[] = {
	{ "--log", NULL, on_log, "LEVEL or role=LEVEL, comma-separated" },
	{ "--web", NULL, on_web, "a folder" },
	{ "--listen", NULL, on_listen,
	  "HOST:PORT or [IPV6]:PORT, at most 8 times" },
	{ "--join", NULL, parse_join, "ws://HOST[:PORT][/PATH]" },
	{ "--origins", "WEBRTC_ORIGINS", on_origins, "ORIGIN,... or *" },
	{ "--max-per-source", "WEBRTC_MAX_PER_SOURCE", on_max_per_source,
	  "1 to 1000000" },
	{ "--max-connections", "WEBRTC_MAX_CONNECTIONS", on_max_connections,
	  "1 to 100000" },
	{ "--message-rate", "WEBRTC_MESSAGE_RATE", on_message_rate,
	  "1 to 10000000 a second" },
	{ "--offer-rate", "WEBRTC_OFFER_RATE", on_offer_rate,
	  "1 to 10000000 a second" },
};

const char *sig_options_help(void)
{
	return "signaling: started by session-broker with its sockets as "
	       "descriptors 3 and 4\n"
	       "  --log FILTER            as WEBRTC_LOG\n"
	       "  --web DIR               the demo page\n"
	       "  --listen HOST:PORT      serve there; may come several times\n"
	       "  --join ws://HOST:PORT   be a client of that hub instead\n"
	       "  --origins ORIGIN,...    pages that may connect besides our "
	       "own and loopback's\n"
	       "  --max-per-source N      connections of one address (32; 10 "
	       "new a second), and N new a second\n"
	       "  --max-connections N     connections in all (4096)\n"
	       "  --message-rate N        messages a second of one connection "
	       "(50, twice that at once)\n"
	       "  --offer-rate N          offers a second of one connection "
	       "(2, 5 at once)\n"
	       "The last five are also read from WEBRTC_ORIGINS, "
	       "WEBRTC_MAX_PER_SOURCE,\nWEBRTC_MAX_CONNECTIONS, "
	       "WEBRTC_MESSAGE_RATE and WEBRTC_OFFER_RATE; a flag wins.\n";
}

static int set(struct sig_options *out, const struct option *o,
	       const char *name, const char *value, char error[SIG_ERROR])
{
	if (o->set(out, value) == 0)
		return 0;
	snprintf(error, SIG_ERROR, "signaling: %s=%.120s: allowed is %s",
		 name, value, o->allowed);

	return -EINVAL;
}

/* An empty variable is an absent one. */
static int read_variables(struct sig_options *out, char error[SIG_ERROR])
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct option *o = &table[i];
		const char *v = o->variable ? getenv(o->variable) : NULL;

		if (v && *v && set(out, o, o->variable, v, error))
			return -EINVAL;
	}

	return 0;
}

static int check(const struct sig_options *o, char error[SIG_ERROR])
{
	if (o->listen_len || o->join)
		return 0;
	snprintf(error, SIG_ERROR,
		 "signaling: one of --listen and --join is needed");

	return -EINVAL;
}

int sig_options_parse(struct sig_options *out, int argc, char *const *argv,
		      char error[SIG_ERROR])
{
	*out = (struct sig_options){ .max_connections = 4096,
				     .messages_per_s = 50,
				     .offers_per_s = 2 };
	if (read_variables(out, error))
		return -EINVAL;
	for (int i = 1; i < argc; i++) {
		const struct option *o = NULL;

		if (strcmp(argv[i], "--help") == 0) {
			out->help = true;
			return 0;
		}
		for (size_t k = 0; k < ARRAY_LEN(table) && !o; k++)
			if (strcmp(table[k].name, argv[i]) == 0)
				o = &table[k];
		if (!o || i + 1 == argc) {
			snprintf(error, SIG_ERROR, "signaling: %.80s: %s",
				 argv[i], o ? "needs a value"
					    : "no such argument");
			return -EINVAL;
		}
		if (set(out, o, o->name, argv[++i], error))
			return -EINVAL;
	}

	return check(out, error);
}
