/* options.c - the command line of signaling and its variables */

#include "signaling/options.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

enum { SECRET_MIN = 32 };	/* bytes, RFC 7518 3.2 for HS256 */

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

/* ws[s]://host[:port][/path] */
static int parse_join(struct sig_options *o, const char *url)
{
	char authority[300];
	size_t len;

	o->hub_tls = strncmp(url, "wss://", 6) == 0;
	if (!o->hub_tls && strncmp(url, "ws://", 5) != 0)
		return -EINVAL;
	o->join = url;
	url += o->hub_tls ? 6 : 5;
	len = strcspn(url, "/?#");
	o->hub_path = url[len] == '/' ? url + len : "/";
	if (len == 0 || len + 5 > sizeof(authority) || strchr(url, '#') ||
	    strchr(url, '@') || strchr(url, ' '))
		return -EINVAL;
	snprintf(authority, sizeof(authority), "%.*s", (int)len, url);
	if (!strchr(authority + (*authority == '[' ?
				 strcspn(authority, "]") : 0), ':'))
		strcat(authority, o->hub_tls ? ":443" : ":80");

	return hostport_parse(&o->hub, authority);
}

/* [SCHEME://]HOST:PORT */
static int on_listen(struct sig_options *o, const char *v)
{
	static const struct {
		const char *prefix;
		bool tls, grpc;
	} schemes[] = {
		{ "ws://", false, false }, { "wss://", true, false },
		{ "grpc://", false, true }, { "grpcs://", true, true },
	};
	struct listener *l;

	if (o->listen_len == SIG_LISTEN_MAX)
		return -EINVAL;
	l = &o->listen[o->listen_len++];
	*l = (struct listener){ .tls = false };
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t len = strlen(schemes[i].prefix);

		if (strncmp(v, schemes[i].prefix, len) != 0)
			continue;
		l->tls = schemes[i].tls;
		l->grpc = schemes[i].grpc;
		v += len;
		break;
	}

	return hostport_parse(&l->at, v);
}

static int on_log(struct sig_options *o, const char *v)
{
	o->log = v;

	return log_filter_ok(v) ? 0 : -EINVAL;
}

/* BEGIN:RATE:FULL, as OpenSSH's MaxStartups. */
static int on_startups(struct sig_options *o, const char *v)
{
	struct sig_limits *l = &o->limits;
	unsigned begin, rate, full;
	char more;

	if (sscanf(v, "%6u:%3u:%6u%c", &begin, &rate, &full, &more) != 3 ||
	    strspn(v, "0123456789:") != strlen(v) || begin < 1 || rate < 1 ||
	    rate > 100 || full < begin || full > 100000)
		return -EINVAL;
	l->startups_begin = begin;
	l->startups_rate = rate;
	l->startups_full = full;

	return 0;
}

/* The text of the options lives on, so the pieces are cut from a copy that
 * lives as long as the process. */
static int on_turn(struct sig_options *o, const char *v)
{
	static char pieces[2048];
	char *at = pieces, *next;

	if (strlen(v) >= sizeof(pieces))
		return -EINVAL;
	strcpy(pieces, v);
	o->turn_len = 0;
	for (; at; at = next) {
		next = strchr(at, ',');
		if (next)
			*next++ = '\0';
		if (o->turn_len == SIG_TURN_MAX ||
		    (strncmp(at, "turn:", 5) != 0 &&
		     strncmp(at, "turns:", 6) != 0) ||
		    strpbrk(at, "\"\\ \t\r\n"))
			return -EINVAL;
		o->turn[o->turn_len++] = at;
	}

	return 0;
}

enum kind { NUMBER, TEXT, SWITCH, OWN };

#define AT(field) offsetof(struct sig_options, field)
#define LIMIT(field) offsetof(struct sig_options, limits.field)

/* One row a setting; a row with a variable may come that way. */
static const struct option {
	const char *flag, *variable;
	enum kind kind;
	size_t offset;
	uint32_t min, max;
	int (*set)(struct sig_options *o, const char *value);	/* OWN */
	const char *allowed, *standard;	/* standard NULL: none */
} table[] = {
	{ "log", NULL, OWN, 0, 0, 0, on_log,
	  "LEVEL or role=LEVEL, comma-separated", NULL },
	{ "web", NULL, TEXT, AT(web), 0, 0, NULL, "a folder", NULL },
	{ "listen", NULL, OWN, 0, 0, 0, on_listen,
	  "[ws:// or wss:// or grpc:// or grpcs://]HOST:PORT, at most 8 times",
	  NULL },
	{ "join", NULL, OWN, 0, 0, 0, parse_join,
	  "ws://HOST[:PORT][/PATH] or wss://", NULL },
	{ "origins", "WEBRTC_ORIGINS", TEXT, AT(origins), 0, 0, NULL,
	  "ORIGIN,... or *", NULL },
	{ "tls-cert", "WEBRTC_TLS_CERT", TEXT, AT(tls_cert), 0, 0, NULL,
	  "a PEM file", NULL },
	{ "tls-key", "WEBRTC_TLS_KEY", TEXT, AT(tls_key), 0, 0, NULL,
	  "a PEM file", NULL },
	{ "tls-ca", "WEBRTC_TLS_CA", TEXT, AT(tls_ca), 0, 0, NULL,
	  "a PEM file", NULL },
	{ "auth-secret", "WEBRTC_AUTH_SECRET", TEXT, AT(auth_secret), 0, 0,
	  NULL, "a text of 32 bytes at least", NULL },
	{ "auth-public-key", "WEBRTC_AUTH_PUBLIC_KEY", TEXT,
	  AT(auth_public_key), 0, 0, NULL, "a PEM file", NULL },
	{ "auth-issuer", "WEBRTC_AUTH_ISSUER", TEXT, AT(auth_issuer), 0, 0,
	  NULL, "a text", NULL },
	{ "auth-audience", "WEBRTC_AUTH_AUDIENCE", TEXT, AT(auth_audience), 0,
	  0, NULL, "a text", NULL },
	{ "auth-single-use", "WEBRTC_AUTH_SINGLE_USE", SWITCH,
	  AT(auth_single_use), 0, 0, NULL, "true or false", "false" },
	{ "auth-query-token", "WEBRTC_AUTH_QUERY_TOKEN", SWITCH,
	  AT(auth_query), 0, 0, NULL, "true or false", "false" },
	{ "auth-token", "WEBRTC_AUTH_TOKEN", TEXT, AT(auth_token), 0, 0, NULL,
	  "a token", NULL },
	{ "turn-servers", "WEBRTC_TURN_SERVERS", OWN, 0, 0, 0, on_turn,
	  "turn:HOST:PORT,... at most 8", NULL },
	{ "turn-secret", "WEBRTC_TURN_SECRET", TEXT, AT(turn_secret), 0, 0,
	  NULL, "a text", NULL },
	{ "turn-life-s", "WEBRTC_TURN_LIFE_S", NUMBER, AT(turn_life_s), 60,
	  604800, NULL, "60 to 604800 seconds", "3600" },
	{ "sessions-per-subject", "WEBRTC_SESSIONS_PER_SUBJECT", NUMBER,
	  AT(sessions_per_subject), 1, 10000, NULL, "1 to 10000", "4" },
	{ "max-per-source", "WEBRTC_MAX_PER_SOURCE", NUMBER,
	  AT(max_per_source), 1, 1000000, NULL, "1 to 1000000", "32" },
	{ "connect-rate", "WEBRTC_CONNECT_RATE", NUMBER, LIMIT(connect_rate),
	  1, 1000000, NULL, "1 to 1000000 a second", NULL },
	{ "max-connections", "WEBRTC_MAX_CONNECTIONS", NUMBER,
	  AT(max_connections), 1, 100000, NULL, "1 to 100000", "4096" },
	{ "max-startups", "WEBRTC_MAX_STARTUPS", OWN, 0, 0, 0, on_startups,
	  "BEGIN:PERCENT:FULL", "10:30:100" },
	{ "message-rate", "WEBRTC_MESSAGE_RATE", NUMBER, AT(messages_per_s),
	  1, 10000000, NULL, "1 to 10000000 a second", "50" },
	{ "offer-rate", "WEBRTC_OFFER_RATE", NUMBER, AT(offers_per_s), 1,
	  10000000, NULL, "1 to 10000000 a second", "2" },
	{ "max-message-bytes", "WEBRTC_MAX_MESSAGE_BYTES", NUMBER,
	  LIMIT(message_bytes), 4096, 65536, NULL, "4096 to 65536", "65536" },
	{ "max-streams", "WEBRTC_MAX_STREAMS", NUMBER, LIMIT(streams), 1, 100,
	  NULL, "1 to 100", "100" },
	{ "max-queue-bytes", "WEBRTC_MAX_QUEUE_BYTES", NUMBER,
	  LIMIT(queue_bytes), 131072, 67108864, NULL, "131072 to 67108864",
	  "1048576" },
	{ "max-queue-messages", "WEBRTC_MAX_QUEUE_MESSAGES", NUMBER,
	  LIMIT(queue_messages), 16, 65536, NULL, "16 to 65536", "256" },
	{ "tls-rate", "WEBRTC_TLS_RATE", NUMBER, LIMIT(tls_rate), 1, 100000,
	  NULL, "1 to 100000 a second", "200" },
	{ "tls-timeout-s", "WEBRTC_TLS_TIMEOUT_S", NUMBER,
	  LIMIT(tls_timeout_s), 1, 600, NULL, "1 to 600 seconds", "5" },
	{ "head-timeout-s", "WEBRTC_HEAD_TIMEOUT_S", NUMBER,
	  LIMIT(head_timeout_s), 1, 600, NULL, "1 to 600 seconds", "5" },
	{ "announce-timeout-s", "WEBRTC_ANNOUNCE_TIMEOUT_S", NUMBER,
	  LIMIT(announce_timeout_s), 1, 600, NULL, "1 to 600 seconds", "10" },
	{ "ping-interval-s", "WEBRTC_PING_INTERVAL_S", NUMBER,
	  LIMIT(ping_interval_s), 1, 600, NULL, "1 to 600 seconds", "20" },
	{ "tls-source-rate", "WEBRTC_TLS_SOURCE_RATE", NUMBER,
	  LIMIT(tls_source_rate), 1, 100000, NULL, "1 to 100000 a second",
	  "10" },
	{ "max-head-bytes", "WEBRTC_MAX_HEAD_BYTES", NUMBER,
	  LIMIT(head_bytes), 1024, 8192, NULL, "1024 to 8192", "8192" },
	{ "max-headers", "WEBRTC_MAX_HEADERS", NUMBER, LIMIT(headers), 16, 64,
	  NULL, "16 to 64", "64" },
	{ "max-body-bytes", "WEBRTC_MAX_BODY_BYTES", NUMBER,
	  LIMIT(body_bytes), 65536, 16777216, NULL, "65536 to 16777216",
	  "1048576" },
	{ "body-timeout-s", "WEBRTC_BODY_TIMEOUT_S", NUMBER,
	  LIMIT(body_timeout_s), 1, 600, NULL, "1 to 600 seconds", "30" },
	{ "http-idle-s", "WEBRTC_HTTP_IDLE_S", NUMBER, LIMIT(http_idle_s), 1,
	  86400, NULL, "1 to 86400 seconds", "15" },
	{ "stall-timeout-s", "WEBRTC_STALL_TIMEOUT_S", NUMBER,
	  LIMIT(stall_timeout_s), 1, 600, NULL, "1 to 600 seconds", "30" },
	{ "max-fragments", "WEBRTC_MAX_FRAGMENTS", NUMBER, LIMIT(fragments),
	  1, 4096, NULL, "1 to 4096", "64" },
	{ "ping-misses", "WEBRTC_PING_MISSES", NUMBER, LIMIT(ping_misses), 1,
	  100, NULL, "1 to 100", "2" },
	{ "max-h2-header-bytes", "WEBRTC_MAX_H2_HEADER_BYTES", NUMBER,
	  LIMIT(h2_header_bytes), 4096, 16384, NULL, "4096 to 16384", "16384" },
	{ "max-continuations", "WEBRTC_MAX_CONTINUATIONS", NUMBER,
	  LIMIT(continuations), 1, 64, NULL, "1 to 64", "8" },
	{ "h2-reset-rate", "WEBRTC_H2_RESET_RATE", NUMBER,
	  LIMIT(h2_reset_rate), 1, 10000, NULL, "1 to 10000 a second", "20" },
	{ "h2-control-rate", "WEBRTC_H2_CONTROL_RATE", NUMBER,
	  LIMIT(h2_control_rate), 1, 1000000, NULL, "1 to 1000000 a second",
	  "200" },
	{ "h2-window-rate", "WEBRTC_H2_WINDOW_RATE", NUMBER,
	  LIMIT(h2_window_rate), 1, 1000000, NULL, "1 to 1000000 a second",
	  "2000" },
	{ "h2-idle-s", "WEBRTC_H2_IDLE_S", NUMBER, LIMIT(h2_idle_s), 1, 86400,
	  NULL, "1 to 86400 seconds", "60" },
	{ "max-json-depth", "WEBRTC_MAX_JSON_DEPTH", NUMBER,
	  LIMIT(json_depth), 4, 16, NULL, "4 to 16", "16" },
	{ "max-json-members", "WEBRTC_MAX_JSON_MEMBERS", NUMBER,
	  LIMIT(json_members), 16, 65536, NULL, "16 to 65536", "256" },
	{ "max-json-string-bytes", "WEBRTC_MAX_JSON_STRING_BYTES", NUMBER,
	  LIMIT(json_string_bytes), 1024, 65536, NULL, "1024 to 65536",
	  "49152" },
	{ "max-batch", "WEBRTC_MAX_BATCH", NUMBER, LIMIT(batch), 1, 256, NULL,
	  "1 to 256", "16" },
	{ "max-sdp-bytes", "WEBRTC_MAX_SDP_BYTES", NUMBER, LIMIT(sdp_bytes),
	  4096, 32768, NULL, "4096 to 32768", "32768" },
	{ "max-sdp-lines", "WEBRTC_MAX_SDP_LINES", NUMBER, LIMIT(sdp_lines),
	  64, 1024, NULL, "64 to 1024", "1024" },
	{ "max-breaches", "WEBRTC_MAX_BREACHES", NUMBER, LIMIT(breaches), 1,
	  100000, NULL, "1 to 100000", "100" },
	{ "source-peers", "WEBRTC_SOURCE_PEERS", NUMBER,
	  LIMIT(source_peers), 1, 100000, NULL, "1 to 100000", "1024" },
	{ "whip-sessions", "WEBRTC_WHIP_SESSIONS", NUMBER,
	  LIMIT(whip_sessions), 1, 10000, NULL, "1 to 10000", "2000" },
	{ "whip-requests", "WEBRTC_WHIP_REQUESTS", NUMBER,
	  LIMIT(whip_requests), 1, 4096, NULL, "1 to 4096", "256" },
	{ "whip-source-requests", "WEBRTC_WHIP_SOURCE_REQUESTS", NUMBER,
	  LIMIT(whip_source_requests), 1, 4096, NULL, "1 to 4096", "64" },
	{ "whip-body-timeout-s", "WEBRTC_WHIP_BODY_TIMEOUT_S", NUMBER,
	  LIMIT(whip_body_timeout_s), 1, 600, NULL, "1 to 600 seconds", "10" },
	{ "resume-s", "WEBRTC_RESUME_S", NUMBER, LIMIT(resume_s), 1, 600,
	  NULL, "1 to 600 seconds", "60" },
	{ "max-candidates", "WEBRTC_MAX_CANDIDATES", NUMBER,
	  LIMIT(candidates), 1, 64, NULL, "1 to 64", "64" },
	{ "candidate-rate", "WEBRTC_CANDIDATE_RATE", NUMBER,
	  LIMIT(candidate_rate), 1, 1000, NULL, "1 to 1000 a second", "8" },
};

const char *sig_options_help(void)
{
	return "signaling: started by session-broker with its sockets as "
	       "descriptors 3 and 4\n"
	       "  --log FILTER            as WEBRTC_LOG\n"
	       "  --web DIR               the demo page\n"
	       "  --listen [SCHEME://]HOST:PORT\n"
	       "                          serve there; may come several times."
	       " wss and grpcs\n"
	       "                          speak TLS, ws (or no scheme) and "
	       "grpc do not\n"
	       "  --join ws://HOST:PORT   be a client of that hub instead\n"
	       "Every other setting of signaling (webrtc_server --help) is a "
	       "variable here and\n"
	       "a flag of its name; a flag wins.\n";
}

static int parse_value(struct sig_options *out, const struct option *o,
		       const char *value)
{
	void *field = (char *)out + o->offset;

	switch (o->kind) {
	case NUMBER:
		return number(value, o->min, o->max, field);
	case TEXT:
		*(const char **)field = *value ? value : NULL;
		return 0;
	case SWITCH:
		*(bool *)field = strcmp(value, "true") == 0;
		return *(bool *)field || strcmp(value, "false") == 0 ?
			       0 : -EINVAL;
	case OWN:
		break;
	}

	return o->set(out, value);
}

/* Whether the value must not be shown. */
static bool is_secret(const struct option *o)
{
	return o->variable && (strstr(o->variable, "_SECRET") ||
			       strcmp(o->variable, "WEBRTC_AUTH_TOKEN") == 0);
}

static int set(struct sig_options *out, const struct option *o,
	       const char *name, const char *value, char error[SIG_ERROR])
{
	if (parse_value(out, o, value) == 0)
		return 0;
	snprintf(error, SIG_ERROR, "signaling: %s=%.120s: allowed is %s",
		 name, is_secret(o) ? "..." : value, o->allowed);

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

static void set_standard(struct sig_options *out)
{
	*out = (struct sig_options){ .log = NULL };
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].standard)
			(void)parse_value(out, &table[i], table[i].standard);
}

static int fail(char error[SIG_ERROR], const char *text)
{
	snprintf(error, SIG_ERROR, "signaling: %s", text);

	return -EINVAL;
}

/* What only fits together, or not. */
static int check(struct sig_options *o, char error[SIG_ERROR])
{
	if (!o->listen_len && !o->join)
		return fail(error, "one of --listen and --join is needed");
	if (!o->tls_cert != !o->tls_key)
		return fail(error, "WEBRTC_TLS_CERT and WEBRTC_TLS_KEY: one "
			    "is set without the other");
	for (unsigned i = 0; i < o->listen_len; i++)
		if (o->listen[i].tls && !o->tls_cert)
			return fail(error, "a TLS address needs "
				    "WEBRTC_TLS_CERT and WEBRTC_TLS_KEY");
	if (o->auth_secret && o->auth_public_key)
		return fail(error, "WEBRTC_AUTH_SECRET and "
			    "WEBRTC_AUTH_PUBLIC_KEY: only one key");
	if (o->auth_secret && strlen(o->auth_secret) < SECRET_MIN)
		return fail(error, "WEBRTC_AUTH_SECRET: allowed is a text of "
			    "32 bytes at least");
	/* It becomes a part of a header. */
	if (o->auth_token && strpbrk(o->auth_token, " \t\r\n"))
		return fail(error, "WEBRTC_AUTH_TOKEN: allowed is a token "
			    "without spaces");
	if (o->turn_len && !o->turn_secret)
		return fail(error, "WEBRTC_TURN_SERVERS needs "
			    "WEBRTC_TURN_SECRET");
	/* Who allows many connections allows them to come at once. */
	if (!o->limits.connect_rate)
		o->limits.connect_rate = o->max_per_source == 32 ?
						 10 : o->max_per_source;

	return 0;
}

static const struct option *find_flag(const char *arg)
{
	if (strncmp(arg, "--", 2) != 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strcmp(table[i].flag, arg + 2) == 0)
			return &table[i];

	return NULL;
}

int sig_options_parse(struct sig_options *out, int argc, char *const *argv,
		      char error[SIG_ERROR])
{
	set_standard(out);
	if (read_variables(out, error))
		return -EINVAL;
	for (int i = 1; i < argc; i++) {
		const struct option *o = find_flag(argv[i]);

		if (strcmp(argv[i], "--help") == 0) {
			out->help = true;
			return 0;
		}
		if (!o || i + 1 == argc) {
			snprintf(error, SIG_ERROR, "signaling: %.80s: %s",
				 argv[i], o ? "needs a value"
					    : "no such argument");
			return -EINVAL;
		}
		if (set(out, o, argv[i], argv[i + 1], error))
			return -EINVAL;
		i++;
	}

	return check(out, error);
}
