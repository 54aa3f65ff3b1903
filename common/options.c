/*
 * options.c - see options.h
 *
 * One row per setting. A row either parses into struct options, or belongs
 * to a feature that is not built: then only its harmless value is taken.
 */

#include "common/options.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

#define VERSION "0.1.0"

enum kind { URL, NUMBER, BOOL, CHOICE, TEXT, PORTS, FILTER, LATER };

static const struct option {
	const char *flag, *name, *alias;	/* without "--"; "" for none */
	enum kind kind;
	uint32_t min, max;
	size_t offset;
	/* What is allowed. Of CHOICE: "no|yes". Of LATER: the one value that
	 * may be given, "" none. */
	const char *allowed;
	const char *standard;	/* the default */
	const char *help;
} table[] = {
#define AT(field) offsetof(struct options, field)
	{ "signaling-url", "WEBRTC_SIGNALING_URL", "", URL, 0, 0, 0,
	  "ws://HOST[:PORT][/PATH], PORT 1 to 65535", "",
	  "serve on this wildcard address, or join this hub; "
	  "unset: serve on localhost:8080" },
	{ "max-peers", "WEBRTC_MAX_PEERS", "", NUMBER, 1, 10000,
	  AT(max_peers), "1 to 10000", "10", "peers at the same time" },
	{ "enable-data-channel", "WEBRTC_ENABLE_DATA_CHANNEL", "", BOOL, 0, 0,
	  AT(data_channel), "true or false", "true", "accept data channels" },
	{ "jitter-buffer-ms", "WEBRTC_JITTER_BUFFER_MS", "", NUMBER, 20, 500,
	  AT(jitter_buffer_ms), "20 to 500", "100",
	  "upper bound of the jitter buffer" },
	{ "media-workers", "WEBRTC_MEDIA_WORKERS", "", NUMBER, 1, 256,
	  AT(media_workers), "1 to 256", "0",
	  "media processes; unset: one per usable core" },
	{ "peer-networks", "WEBRTC_PEER_NETWORKS", "", CHOICE, 0, 0,
	  AT(public_networks), "any|public", "any",
	  "where peers may be: public refuses private addresses" },
	{ "manifest", "WEBRTC_PIPELINE_MANIFEST", "", TEXT, 0, 0,
	  AT(manifest), "a path", "./examples/loopback.yaml",
	  "the pipeline, YAML or JSON" },
	{ "log", "WEBRTC_LOG", "RUST_LOG", FILTER, 0, 0, AT(log),
	  "LEVEL or LEVEL,PROCESS=LEVEL,... with error, warn, info, debug",
	  "info", "what is logged" },
	{ "run-dir", "WEBRTC_RUN_DIR", "", TEXT, 0, 0, AT(run_dir), "a path",
	  "", "directory of the sockets; unset: chosen by the broker" },
	{ "udp-ports", "WEBRTC_UDP_PORTS", "", PORTS, 0, 0, 0,
	  "FIRST-LAST within 1024 to 65535", "20000-29999",
	  "ports of the peers, one each" },
	{ "restart-backoff", "WEBRTC_RESTART_BACKOFF", "", BOOL, 0, 0,
	  AT(restart_backoff), "true or false", "true",
	  "wait before a process that crashes often is started again" },
	{ "web-dir", "WEBRTC_WEB_DIR", "", TEXT, 0, 0, AT(web_dir), "a path",
	  "./web", "directory of the demo page" },
	{ "mode", "WEBRTC_MODE", "", LATER, 0, 0, 0, "websocket",
	  "websocket", "signaling protocol" },
	{ "grpc-address", "GRPC_SIGNALING_ADDRESS", "", LATER, 0, 0, 0, "",
	  "", "address of gRPC signaling" },
	{ "enable-grpc-signaling", "WEBRTC_ENABLE_GRPC_SIGNALING", "", LATER,
	  0, 0, 0, "false", "false", "gRPC beside WebSocket" },
	{ "stun-servers", "WEBRTC_STUN_SERVERS", "", LATER, 0, 0, 0, "", "",
	  "STUN servers, a,b" },
	{ "turn-servers", "WEBRTC_TURN_SERVERS", "", LATER, 0, 0, 0, "", "",
	  "TURN servers, turn:host:port:username:credential,..." },
	{ "tls-cert", "WEBRTC_TLS_CERT", "", LATER, 0, 0, 0, "", "",
	  "certificate for wss" },
	{ "tls-key", "WEBRTC_TLS_KEY", "", LATER, 0, 0, 0, "", "",
	  "key for wss" },
	{ "auth-mode", "WEBRTC_AUTH_MODE", "", LATER, 0, 0, 0, "none", "none",
	  "who may call" },
	{ "auth-secret", "WEBRTC_AUTH_SECRET", "", LATER, 0, 0, 0, "", "",
	  "secret of the tokens" },
	{ "auth-token", "WEBRTC_AUTH_TOKEN", "", LATER, 0, 0, 0, "", "",
	  "token for the hub that is joined" },
	{ "media-isolation", "WEBRTC_MEDIA_ISOLATION", "", LATER, 0, 0, 0,
	  "core", "core", "who shares a media process" },
#undef AT
};

/* later: the value names a feature that is not built. */
static int fail(char *error, const char *setting, const char *value,
		const char *allowed, bool later)
{
	const char *word = later ? "not available yet" : "allowed is ";
	const char *more = later && allowed[0] ? ", allowed is " : "";

	/* A value of any length leaves room for what is allowed. */
	snprintf(error, OPTIONS_ERROR, "%s=%.80s%s: %s%s%s", setting, value,
		 strlen(value) > 80 ? "..." : "", word, more, allowed);
	for (char *c = error; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';

	return -EINVAL;
}

static int parse_number(const char *text, uint32_t min, uint32_t max,
			uint32_t *out)
{
	uint64_t v = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		v = v * 10 + (uint64_t)(*text - '0');
		if (v > max)
			return -EINVAL;
	}
	if (v < min)
		return -EINVAL;
	*out = (uint32_t)v;

	return 0;
}

static int parse_bool(const char *text, bool *out)
{
	static const char *const words[] = { "false", "0", "no", "off",
					     "true", "1", "yes", "on" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(text, words[i]) == 0) {
			*out = i >= 4;
			return 0;
		}
	}

	return -EINVAL;
}

static int parse_choice(const char *text, const char *pair, bool *out)
{
	const char *bar = strchr(pair, '|');
	size_t no = (size_t)(bar - pair);

	if (strlen(text) == no && memcmp(text, pair, no) == 0)
		*out = false;
	else if (strcmp(text, bar + 1) == 0)
		*out = true;
	else
		return -EINVAL;

	return 0;
}

static int parse_ports(struct options *o, const char *text)
{
	const char *dash = strchr(text, '-');
	uint32_t first, last;
	char head[8];

	if (!dash || (size_t)(dash - text) >= sizeof(head))
		return -EINVAL;
	memcpy(head, text, (size_t)(dash - text));
	head[dash - text] = 0;
	if (parse_number(head, 1024, 65535, &first) < 0 ||
	    parse_number(dash + 1, first, 65535, &last) < 0)
		return -EINVAL;
	o->udp_port_min = (uint16_t)first;
	o->udp_port_max = (uint16_t)last;

	return 0;
}

/* HOST or [IPV6], to the first of ":/" or the end behind it; *rest is there. */
static int parse_host(struct options *o, const char *text, const char **rest)
{
	bool v6 = *text == '[';
	size_t len = v6 ? strcspn(++text, "]") : strcspn(text, ":/");

	if (len == 0 || len > OPTIONS_HOST || (v6 && text[len] != ']'))
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		bool name = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '.' || c == '-' ||
			    c == '_';
		bool address = (c >= '0' && c <= '9') || c == ':' ||
			       c == '.' || (c >= 'a' && c <= 'f') ||
			       (c >= 'A' && c <= 'F');

		if (v6 ? !address : !name)
			return -EINVAL;
	}
	memcpy(o->signaling_host, text, len);
	o->signaling_host[len] = 0;
	*rest = text + len + (v6 ? 1 : 0);

	return 0;
}

static int parse_url(struct options *o, const char *text)
{
	const char *rest;
	uint32_t port = 80;
	char digits[8];
	size_t len;

	if (strncmp(text, "ws://", 5) != 0 ||
	    parse_host(o, text + 5, &rest) < 0)
		return -EINVAL;
	if (*rest == ':') {
		len = strcspn(++rest, "/");
		if (len >= sizeof(digits))
			return -EINVAL;
		memcpy(digits, rest, len);
		digits[len] = 0;
		if (parse_number(digits, 1, 65535, &port) < 0)
			return -EINVAL;
		rest += len;
	}
	if ((*rest && *rest != '/') || strlen(rest) > OPTIONS_HOST)
		return -EINVAL;
	for (const char *c = rest; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '#')
			return -EINVAL;
	o->signaling_port = (uint16_t)port;
	snprintf(o->signaling_path, sizeof(o->signaling_path), "%s",
		 *rest ? rest : "/");
	o->signaling = strcmp(o->signaling_host, "0.0.0.0") == 0 ?
			       SIGNALING_ANY_IPV4 :
		       strcmp(o->signaling_host, "::") == 0 ?
			       SIGNALING_ANY_IPV6 : SIGNALING_JOIN;

	return 0;
}

static int parse_value(struct options *o, const struct option *row,
		       const char *value)
{
	void *field = (char *)o + row->offset;

	switch (row->kind) {
	case URL:
		return parse_url(o, value);
	case NUMBER:
		return parse_number(value, row->min, row->max, field);
	case BOOL:
		return parse_bool(value, field);
	case CHOICE:
		return parse_choice(value, row->allowed, field);
	case PORTS:
		return parse_ports(o, value);
	case FILTER:
		if (!log_filter_ok(value))
			return -EINVAL;
		*(const char **)field = value;
		return 0;
	case TEXT:
		*(const char **)field = value;
		return 0;
	case LATER:
		break;
	}

	return strcmp(value, row->allowed) == 0 ? 0 : -EINVAL;
}

/* Words that name a feature which will exist, as opposed to a slip. */
static bool is_later(const struct option *row, const char *value)
{
	return row->kind == LATER ||
	       (row->kind == URL && strncmp(value, "wss://", 6) == 0);
}

static int set(struct options *o, const struct option *row,
	       const char *setting, const char *value, char *error)
{
	if ((*value || row->kind == LATER) && parse_value(o, row, value) == 0)
		return 0;

	return fail(error, setting, value, row->allowed,
		    is_later(row, value));
}

/* The variable, else its alias. An empty one is an absent one. */
static int set_from_environment(struct options *o, const struct option *row,
				options_get_h *get, char *error)
{
	const char *name = row->name, *value = get(name);

	if ((!value || !*value) && row->alias[0]) {
		name = row->alias;
		value = get(name);
	}
	if (!value || !*value)
		return 0;

	return set(o, row, name, value, error);
}

static const struct option *find_flag(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strlen(table[i].flag) == len &&
		    memcmp(table[i].flag, name, len) == 0)
			return &table[i];

	return NULL;
}

/* -m is --mode; --name=value or --name value. Arguments used, or -EINVAL. */
static int set_from_flag(struct options *o, int left, char *const *argv,
			 char *error)
{
	const char *arg = argv[0], *equals = strchr(arg, '=');
	const struct option *row = NULL;
	const char *value;
	char name[48];
	int used = 1;

	if (strncmp(arg, "--", 2) == 0)
		row = find_flag(arg + 2, equals ? (size_t)(equals - arg - 2) :
						  strlen(arg + 2));
	else if (strcmp(arg, "-m") == 0)
		row = find_flag("mode", 4);
	if (!row) {
		snprintf(error, OPTIONS_ERROR, "%.80s: unknown argument; "
			 "--help lists them", arg);
		return -EINVAL;
	}
	snprintf(name, sizeof(name), "--%s", row->flag);
	if (equals) {
		value = equals + 1;
	} else if (left > 1) {
		value = argv[1];
		used = 2;
	} else {
		snprintf(error, OPTIONS_ERROR, "%s: a value is missing, "
			 "allowed is %s", name, row->allowed);
		return -EINVAL;
	}

	return set(o, row, name, value, error) < 0 ? -EINVAL : used;
}

static void set_standard(struct options *o)
{
	memset(o, 0, sizeof(*o));
	o->signaling = SIGNALING_LOCALHOST;
	o->signaling_port = 8080;
	strcpy(o->signaling_host, "localhost");
	strcpy(o->signaling_path, "/");
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct option *row = &table[i];
		void *field = (char *)o + row->offset;

		/* "" and "0" stand for what the reader decides later. */
		if (row->kind == TEXT)
			*(const char **)field = row->standard;
		else if (row->kind == NUMBER)
			*(uint32_t *)field = (uint32_t)atoi(row->standard);
		else if (row->standard[0])
			(void)parse_value(o, row, row->standard);
	}
}

int options_parse(struct options *out, int argc, char *const *argv,
		  options_get_h *get, char *error)
{
	error[0] = 0;
	set_standard(out);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0)
			return OPTIONS_HELP;
		if (strcmp(argv[i], "--version") == 0 ||
		    strcmp(argv[i], "-V") == 0)
			return OPTIONS_VERSION;
	}
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (set_from_environment(out, &table[i], get, error) < 0)
			return -EINVAL;
	for (int i = 1; i < argc;) {
		int used = set_from_flag(out, argc - i, argv + i, error);

		if (used < 0)
			return -EINVAL;
		i += used;
	}

	return OPTIONS_RUN;
}

static void help_row(FILE *to, const struct option *row)
{
	fprintf(to, "  --%s, %s%s%s\n      %s", row->flag, row->name,
		row->alias[0] ? ", " : "", row->alias, row->help);
	if (row->kind == LATER) {
		fprintf(to, "; not available yet");
		if (row->allowed[0])
			fprintf(to, ", allowed is %s", row->allowed);
		fputc('\n', to);
		return;
	}
	fprintf(to, "\n      allowed: %s", row->allowed);
	if (row->standard[0] && strcmp(row->standard, "0") != 0)
		fprintf(to, "; default: %s", row->standard);
	fputc('\n', to);
}

void options_help(FILE *to, const char *program)
{
	fprintf(to, "Usage: %s [--NAME VALUE | --NAME=VALUE]...\n\n"
		"A flag beats the variable beside it.\n\n", program);
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		help_row(to, &table[i]);
	fprintf(to, "  --help, -h\n      this list\n"
		"  --version, -V\n      the version\n");
}

const char *options_version(void)
{
	return VERSION;
}
