/*
 * options.c - see options.h
 *
 * One row per setting. A row parses into struct options, or is checked here
 * and handed to signaling as it is (PASS), or belongs to a feature that is
 * not built: then only its harmless value is taken (LATER).
 */

#include "common/options.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/version.h"

#define VERSION REMOTEMEDIA_VERSION

enum kind {
	URL, ADDRESS, NUMBER, BOOL, CHOICE, TEXT, PORTS, FILTER,
	PASS_TEXT, PASS_SECRET, PASS_NUMBER, PASS_BOOL, PASS_STARTUPS,
	PASS_TURN, LATER,
};

enum { TURN_MAX = 8, TURN_BYTES = 2047 };

/* What was said, before it is put together. */
struct given {
	bool url, url_tls, grpc_only, grpc, address, tokens;
	const char *public_key, *turn, *turn_secret, *secret;
};

struct parsing {
	struct options out;
	struct given given;
};

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
#define AT(field) offsetof(struct parsing, out.field)
#define GIVEN(field) offsetof(struct parsing, given.field)
	{ "signaling-url", "WEBRTC_SIGNALING_URL", "", URL, 0, 0, 0,
	  "ws:// or wss://HOST[:PORT][/PATH], PORT 1 to 65535", "",
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
	{ "mode", "WEBRTC_MODE", "", CHOICE, 0, 0, GIVEN(grpc_only),
	  "websocket|grpc", "websocket",
	  "grpc: serve GRPC_SIGNALING_ADDRESS alone" },
	{ "grpc-address", "GRPC_SIGNALING_ADDRESS", "", ADDRESS, 0, 0, 0,
	  "HOST:PORT or [IPV6]:PORT", "0.0.0.0:50051",
	  "a second address to serve on; when set, or with "
	  "--enable-grpc-signaling" },
	{ "enable-grpc-signaling", "WEBRTC_ENABLE_GRPC_SIGNALING", "", BOOL,
	  0, 0, GIVEN(grpc), "true or false", "false",
	  "serve on the address of gRPC, too" },
	{ "tls-cert", "WEBRTC_TLS_CERT", "", PASS_TEXT, 0, 0, AT(tls_cert),
	  "a PEM file", "", "certificate, and those above it; read again on "
	  "SIGHUP" },
	{ "tls-key", "WEBRTC_TLS_KEY", "", PASS_TEXT, 0, 0, AT(tls_key),
	  "a PEM file", "", "its key" },
	{ "tls-ca", "WEBRTC_TLS_CA", "", PASS_TEXT, 0, 0, 0, "a PEM file", "",
	  "authorities for a hub that is joined by wss; unset: the machine's"
	},
	{ "auth-mode", "WEBRTC_AUTH_MODE", "", CHOICE, 0, 0, GIVEN(tokens),
	  "none|token", "none",
	  "token: do not start without a key; with a key every client needs "
	  "a token anyway" },
	{ "auth-secret", "WEBRTC_AUTH_SECRET", "", PASS_SECRET, 32, 4096,
	  GIVEN(secret),
	  "a text of 32 to 4096 bytes", "",
	  "clients need a token signed with this (HS256)" },
	{ "auth-public-key", "WEBRTC_AUTH_PUBLIC_KEY", "", PASS_TEXT, 0, 0,
	  GIVEN(public_key), "a PEM file", "",
	  "clients need a token signed with the key of this (ES256)" },
	{ "auth-issuer", "WEBRTC_AUTH_ISSUER", "", PASS_TEXT, 0, 0, 0,
	  "a text", "", "iss that a token must have" },
	{ "auth-audience", "WEBRTC_AUTH_AUDIENCE", "", PASS_TEXT, 0, 0, 0,
	  "a text", "", "aud that a token must have" },
	{ "auth-single-use", "WEBRTC_AUTH_SINGLE_USE", "", PASS_BOOL, 0, 0, 0,
	  "true or false", "false", "a token (its jti) counts once" },
	{ "auth-query-token", "WEBRTC_AUTH_QUERY_TOKEN", "", PASS_BOOL, 0, 0,
	  0, "true or false", "false",
	  "?access_token= of the URL may carry the token" },
	{ "auth-token", "WEBRTC_AUTH_TOKEN", "", PASS_SECRET, 1, 4096, 0,
	  "a token of 4096 bytes at most", "",
	  "token for the hub that is joined" },
	{ "origins", "WEBRTC_ORIGINS", "", PASS_TEXT, 0, 0, 0,
	  "ORIGIN,... or *", "",
	  "pages that may connect besides our own and loopback's" },
	{ "turn-servers", "WEBRTC_TURN_SERVERS", "", PASS_TURN, 0, 0,
	  GIVEN(turn), "turn:HOST:PORT[?transport=udp|tcp],... at most 8",
	  "", "TURN servers that clients are told of" },
	{ "turn-secret", "WEBRTC_TURN_SECRET", "", PASS_SECRET, 1, 4096,
	  GIVEN(turn_secret), "a text of 4096 bytes at most", "",
	  "secret shared with the TURN servers (their REST form)" },
	{ "turn-life-s", "WEBRTC_TURN_LIFE_S", "", PASS_NUMBER, 60, 604800, 0,
	  "60 to 604800", "3600", "life of TURN credentials in seconds" },
	{ "sessions-per-subject", "WEBRTC_SESSIONS_PER_SUBJECT", "",
	  PASS_NUMBER, 1, 10000, 0, "1 to 10000", "4",
	  "calls at the same time of one token's subject" },
	{ "max-per-source", "WEBRTC_MAX_PER_SOURCE", "", PASS_NUMBER, 1,
	  1000000, 0, "1 to 1000000", "32",
	  "connections of one address (IPv6: one /64)" },
	{ "connect-rate", "WEBRTC_CONNECT_RATE", "", PASS_NUMBER, 1, 1000000,
	  0, "1 to 1000000", "",
	  "new connections a second of one address; unset: 10, or "
	  "WEBRTC_MAX_PER_SOURCE when that is set" },
	{ "max-connections", "WEBRTC_MAX_CONNECTIONS", "", PASS_NUMBER, 1,
	  100000, 0, "1 to 100000", "4096", "connections in all" },
	{ "max-startups", "WEBRTC_MAX_STARTUPS", "", PASS_STARTUPS, 0, 0, 0,
	  "BEGIN:PERCENT:FULL", "10:30:100",
	  "connections that have said nothing: from BEGIN on PERCENT of the "
	  "new are dropped, from FULL on all" },
	{ "message-rate", "WEBRTC_MESSAGE_RATE", "", PASS_NUMBER, 1, 10000000,
	  0, "1 to 10000000", "50",
	  "messages a second of one connection; twice that at once" },
	{ "offer-rate", "WEBRTC_OFFER_RATE", "", PASS_NUMBER, 1, 10000000, 0,
	  "1 to 10000000", "2",
	  "offers a second of one connection; 2.5 times that at once" },
	{ "max-message-bytes", "WEBRTC_MAX_MESSAGE_BYTES", "", PASS_NUMBER,
	  4096, 65536, 0, "4096 to 65536", "65536",
	  "bytes of a WebSocket or gRPC message" },
	{ "max-streams", "WEBRTC_MAX_STREAMS", "", PASS_NUMBER, 1, 100, 0,
	  "1 to 100", "100", "streams of an HTTP/2 connection" },
	{ "max-queue-bytes", "WEBRTC_MAX_QUEUE_BYTES", "", PASS_NUMBER, 131072,
	  67108864, 0, "131072 to 67108864", "1048576",
	  "bytes that a WebSocket client has not read" },
	{ "max-queue-messages", "WEBRTC_MAX_QUEUE_MESSAGES", "", PASS_NUMBER,
	  16, 65536, 0, "16 to 65536", "256",
	  "messages that a WebSocket client has not read" },
	{ "tls-rate", "WEBRTC_TLS_RATE", "", PASS_NUMBER, 1, 100000, 0,
	  "1 to 100000", "200", "TLS handshakes a second in all" },
	{ "tls-timeout-s", "WEBRTC_TLS_TIMEOUT_S", "", PASS_NUMBER, 1, 600, 0,
	  "1 to 600", "5", "seconds for a TLS handshake, in all" },
	{ "head-timeout-s", "WEBRTC_HEAD_TIMEOUT_S", "", PASS_NUMBER, 1, 600,
	  0, "1 to 600", "5", "seconds for the head of a request, in all" },
	{ "announce-timeout-s", "WEBRTC_ANNOUNCE_TIMEOUT_S", "", PASS_NUMBER,
	  1, 600, 0, "1 to 600", "10",
	  "seconds for the first message of a WebSocket" },
	{ "ping-interval-s", "WEBRTC_PING_INTERVAL_S", "", PASS_NUMBER, 1,
	  600, 0, "1 to 600", "20",
	  "seconds between pings" },
	{ "tls-source-rate", "WEBRTC_TLS_SOURCE_RATE", "", PASS_NUMBER, 1,
	  100000, 0, "1 to 100000", "10",
	  "TLS handshakes a second of one address; twice that at once" },
	{ "max-head-bytes", "WEBRTC_MAX_HEAD_BYTES", "", PASS_NUMBER, 1024,
	  8192, 0, "1024 to 8192", "8192",
	  "bytes of the head of an HTTP/1.1 request, and of an HTTP/2 "
	  "path" },
	{ "max-headers", "WEBRTC_MAX_HEADERS", "", PASS_NUMBER, 16, 64, 0,
	  "16 to 64", "64", "headers of an HTTP/1.1 request" },
	{ "max-body-bytes", "WEBRTC_MAX_BODY_BYTES", "", PASS_NUMBER, 65536,
	  16777216, 0, "65536 to 16777216", "1048576",
	  "bytes of the body of an HTTP/1.1 request; a method may "
	  "allow less" },
	{ "body-timeout-s", "WEBRTC_BODY_TIMEOUT_S", "", PASS_NUMBER, 1, 600,
	  0, "1 to 600", "30",
	  "seconds for the body of an HTTP/1.1 request, in all" },
	{ "http-idle-s", "WEBRTC_HTTP_IDLE_S", "", PASS_NUMBER, 1, 86400, 0,
	  "1 to 86400", "15", "seconds between two requests of HTTP/1.1" },
	{ "stall-timeout-s", "WEBRTC_STALL_TIMEOUT_S", "", PASS_NUMBER, 1,
	  600, 0, "1 to 600", "30",
	  "seconds in which a client takes nothing of what waits for "
	  "it; of one HTTP/2 stream twice that" },
	{ "max-fragments", "WEBRTC_MAX_FRAGMENTS", "", PASS_NUMBER, 1, 4096,
	  0, "1 to 4096", "64", "frames of a WebSocket message" },
	{ "ping-misses", "WEBRTC_PING_MISSES", "", PASS_NUMBER, 1, 100, 0,
	  "1 to 100", "2", "pings that may go unanswered" },
	{ "max-h2-header-bytes", "WEBRTC_MAX_H2_HEADER_BYTES", "",
	  PASS_NUMBER, 4096, 16384, 0, "4096 to 16384", "16384",
	  "bytes of the fields of an HTTP/2 request, name + value + "
	  "32 each" },
	{ "max-continuations", "WEBRTC_MAX_CONTINUATIONS", "", PASS_NUMBER, 1,
	  64, 0, "1 to 64", "8",
	  "CONTINUATION frames of an HTTP/2 header block" },
	{ "h2-reset-rate", "WEBRTC_H2_RESET_RATE", "", PASS_NUMBER, 1, 10000,
	  0, "1 to 10000", "20",
	  "HTTP/2 streams a second that are taken back or have to be "
	  "reset; 5 times that at once" },
	{ "h2-control-rate", "WEBRTC_H2_CONTROL_RATE", "", PASS_NUMBER, 1,
	  1000000, 0, "1 to 1000000", "200",
	  "HTTP/2 frames a second that bring nothing (PING, SETTINGS, "
	  "...); twice that at once" },
	{ "h2-window-rate", "WEBRTC_H2_WINDOW_RATE", "", PASS_NUMBER, 1,
	  1000000, 0, "1 to 1000000", "2000",
	  "WINDOW_UPDATE frames a second; twice that at once" },
	{ "h2-idle-s", "WEBRTC_H2_IDLE_S", "", PASS_NUMBER, 1, 86400, 0,
	  "1 to 86400", "60", "seconds that HTTP/2 may be without a stream" },
	{ "max-json-depth", "WEBRTC_MAX_JSON_DEPTH", "", PASS_NUMBER, 4, 16,
	  0, "4 to 16", "16", "arrays and objects of JSON inside each other" },
	{ "max-json-members", "WEBRTC_MAX_JSON_MEMBERS", "", PASS_NUMBER, 16,
	  65536, 0, "16 to 65536", "256",
	  "members of one object or array of JSON" },
	{ "max-json-string-bytes", "WEBRTC_MAX_JSON_STRING_BYTES", "",
	  PASS_NUMBER, 1024, 65536, 0, "1024 to 65536", "49152",
	  "bytes of a string of JSON" },
	{ "max-batch", "WEBRTC_MAX_BATCH", "", PASS_NUMBER, 1, 256, 0,
	  "1 to 256", "16", "messages of a JSON-RPC batch" },
	{ "max-sdp-bytes", "WEBRTC_MAX_SDP_BYTES", "", PASS_NUMBER, 4096,
	  32768, 0, "4096 to 32768", "32768", "bytes of an SDP" },
	{ "max-sdp-lines", "WEBRTC_MAX_SDP_LINES", "", PASS_NUMBER, 64, 1024,
	  0, "64 to 1024", "1024", "lines of an SDP" },
	{ "max-breaches", "WEBRTC_MAX_BREACHES", "", PASS_NUMBER, 1, 100000,
	  0, "1 to 100000", "100",
	  "refusals by rate before a connection is closed; 5 are "
	  "forgotten a second" },
	{ "source-peers", "WEBRTC_SOURCE_PEERS", "", PASS_NUMBER, 1, 100000,
	  0, "1 to 100000", "1024", "announced peers of one address" },
	{ "whip-sessions", "WEBRTC_WHIP_SESSIONS", "", PASS_NUMBER, 1, 10000,
	  0, "1 to 10000", "2000", "sessions of WHIP and WHEP, in all" },
	{ "whip-requests", "WEBRTC_WHIP_REQUESTS", "", PASS_NUMBER, 1, 4096,
	  0, "1 to 4096", "256",
	  "WHIP requests whose body is on its way, in all" },
	{ "whip-source-requests", "WEBRTC_WHIP_SOURCE_REQUESTS", "",
	  PASS_NUMBER, 1, 4096, 0, "1 to 4096", "64",
	  "the same of one address" },
	{ "whip-body-timeout-s", "WEBRTC_WHIP_BODY_TIMEOUT_S", "",
	  PASS_NUMBER, 1, 600, 0, "1 to 600", "10",
	  "seconds for the body of a WHIP request, in all" },
	{ "resume-s", "WEBRTC_RESUME_S", "", PASS_NUMBER, 1, 600, 0,
	  "1 to 600", "60", "seconds that a lost peer may come back" },
	{ "max-candidates", "WEBRTC_MAX_CANDIDATES", "", PASS_NUMBER, 1, 64,
	  0, "1 to 64", "64", "remote candidates of one offer" },
	{ "candidate-rate", "WEBRTC_CANDIDATE_RATE", "", PASS_NUMBER, 1, 1000,
	  0, "1 to 1000", "8",
	  "remote candidates a second, after half of them came at once" },
	{ "stun-servers", "WEBRTC_STUN_SERVERS", "", LATER, 0, 0, 0, "", "",
	  "STUN servers, a,b" },
	{ "media-isolation", "WEBRTC_MEDIA_ISOLATION", "", LATER, 0, 0, 0,
	  "core", "core", "who shares a media process" },
#undef AT
#undef GIVEN
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
static int parse_host(char out[OPTIONS_HOST + 1], const char *text,
		      const char **rest)
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
	memcpy(out, text, len);
	out[len] = 0;
	*rest = text + len + (v6 ? 1 : 0);

	return 0;
}

/* ":PORT" at *rest, if there; *rest is behind it. */
static int parse_port(const char **rest, uint32_t *port)
{
	char digits[8];
	size_t len;

	if (**rest != ':')
		return 0;
	len = strcspn(++*rest, "/");
	if (len >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, *rest, len);
	digits[len] = 0;
	*rest += len;

	return parse_number(digits, 1, 65535, port);
}

static int parse_url(struct parsing *p, const char *text)
{
	bool tls = strncmp(text, "wss://", 6) == 0;
	struct options *o = &p->out;
	uint32_t port = tls ? 443 : 80;
	const char *rest;

	if ((!tls && strncmp(text, "ws://", 5) != 0) ||
	    parse_host(o->signaling_host, text + (tls ? 6 : 5), &rest) < 0 ||
	    parse_port(&rest, &port) < 0 || (*rest && *rest != '/') ||
	    strlen(rest) > OPTIONS_HOST)
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
	p->given.url = true;
	p->given.url_tls = tls;

	return 0;
}

/* HOST:PORT of gRPC. */
static int parse_address(struct parsing *p, const char *text)
{
	const char *rest;
	uint32_t port = 0;

	if (parse_host(p->out.grpc_host, text, &rest) < 0 ||
	    parse_port(&rest, &port) < 0 || !port || *rest)
		return -EINVAL;
	p->out.grpc_port = (uint16_t)port;

	return 0;
}

/* BEGIN:PERCENT:FULL, as OpenSSH's MaxStartups. */
static int parse_startups(const char *text)
{
	uint32_t part[3] = { 0 };
	const char *at = text;

	for (int i = 0; i < 3; i++, at++) {
		size_t len = strcspn(at, ":");
		char digits[8];

		if (len >= sizeof(digits) || (at[len] == ':') != (i < 2))
			return -EINVAL;
		memcpy(digits, at, len);
		digits[len] = 0;
		if (parse_number(digits, 1, i == 1 ? 100 : 100000,
				 &part[i]) < 0)
			return -EINVAL;
		at += len;
	}

	return part[0] <= part[2] ? 0 : -EINVAL;
}

/* One "turn:HOST:PORT[?transport=...]" of the list. */
static bool turn_ok(const char *text)
{
	char host[OPTIONS_HOST + 1], digits[8];
	bool tls = strncmp(text, "turns:", 6) == 0;
	const char *rest;
	uint32_t port;
	size_t len;

	if ((!tls && strncmp(text, "turn:", 5) != 0) ||
	    parse_host(host, text + (tls ? 6 : 5), &rest) < 0 || *rest != ':')
		return false;
	len = strcspn(++rest, "?");
	if (len >= sizeof(digits))
		return false;
	memcpy(digits, rest, len);
	digits[len] = 0;
	rest += len;

	return parse_number(digits, 1, 65535, &port) == 0 &&
	       (!*rest || strcmp(rest, "?transport=udp") == 0 ||
		strcmp(rest, "?transport=tcp") == 0);
}

static int parse_turn(const char *text)
{
	char one[OPTIONS_HOST + 64];
	unsigned count = 0;

	if (strlen(text) > TURN_BYTES)
		return -EINVAL;
	for (const char *at = text;; at++) {
		size_t len = strcspn(at, ",");

		if (len >= sizeof(one) || ++count > TURN_MAX)
			return -EINVAL;
		memcpy(one, at, len);
		one[len] = 0;
		if (!turn_ok(one))
			return -EINVAL;
		at += len;
		if (!*at)
			return 0;
	}
}

/* For signaling; what comes later (a flag) takes the place of a variable. */
static void pass(struct options *o, const char *name, const char *value)
{
	unsigned i = 0;

	while (i < o->pass_len && strcmp(o->pass[i].name, name) != 0)
		i++;
	o->pass[i] = (struct options_pass){ name, value };
	o->pass_len += i == o->pass_len;
}

static int parse_secret(const char *text, size_t min, size_t max)
{
	size_t len = strlen(text);

	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return -EINVAL;

	return len < min || len > max ? -EINVAL : 0;
}

static int parse_pass(struct parsing *p, const struct option *row,
		      const char *value)
{
	uint32_t number;
	bool yes = false;
	int err = 0;

	if (row->kind == PASS_NUMBER)
		err = parse_number(value, row->min, row->max, &number);
	else if (row->kind == PASS_BOOL)
		err = parse_bool(value, &yes);
	else if (row->kind == PASS_STARTUPS)
		err = parse_startups(value);
	else if (row->kind == PASS_TURN)
		err = parse_turn(value);
	else if (row->kind == PASS_SECRET)
		err = parse_secret(value, row->min, row->max);
	if (err)
		return err;
	if (row->offset)
		*(const char **)((char *)p + row->offset) = value;
	if (row->kind == PASS_BOOL)
		value = yes ? "true" : "false";
	pass(&p->out, row->name, value);

	return 0;
}

static int parse_value(struct parsing *p, const struct option *row,
		       const char *value)
{
	void *field = (char *)p + row->offset;

	switch (row->kind) {
	case URL:
		return parse_url(p, value);
	case ADDRESS:
		p->given.address = true;
		return parse_address(p, value);
	case NUMBER:
		return parse_number(value, row->min, row->max, field);
	case BOOL:
		return parse_bool(value, field);
	case CHOICE:
		return parse_choice(value, row->allowed, field);
	case PORTS:
		return parse_ports(&p->out, value);
	case FILTER:
		if (!log_filter_ok(value))
			return -EINVAL;
		*(const char **)field = value;
		return 0;
	case TEXT:
		*(const char **)field = value;
		return 0;
	case PASS_TEXT:
	case PASS_SECRET:
	case PASS_NUMBER:
	case PASS_BOOL:
	case PASS_STARTUPS:
	case PASS_TURN:
		return parse_pass(p, row, value);
	case LATER:
		break;
	}

	return strcmp(value, row->allowed) == 0 ? 0 : -EINVAL;
}

/* Words that name a feature which will exist, as opposed to a slip: fixed
 * credentials of a TURN server have two parts more. */
static bool is_later(const struct option *row, const char *value)
{
	unsigned colons = 0;

	if (row->kind != PASS_TURN)
		return row->kind == LATER;
	for (const char *c = value; *c && *c != ','; c++)
		colons += *c == ':';

	return strncmp(value, "turn", 4) == 0 && colons == 4;
}

static int set(struct parsing *p, const struct option *row,
	       const char *setting, const char *value, char *error)
{
	bool later;

	if ((*value || row->kind == LATER) && parse_value(p, row, value) == 0)
		return 0;
	later = is_later(row, value);
	/* Secrets are not for a log. */
	if (row->kind == PASS_SECRET || (row->kind == PASS_TURN && later))
		value = "...";

	return fail(error, setting, value, row->allowed, later);
}

/* The variable, else its alias. An empty one is an absent one. */
static int set_from_environment(struct parsing *p, const struct option *row,
				options_get_h *get, char *error)
{
	const char *name = row->name, *value = get(name);

	if ((!value || !*value) && row->alias[0]) {
		name = row->alias;
		value = get(name);
	}
	if (!value || !*value)
		return 0;

	return set(p, row, name, value, error);
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
static int set_from_flag(struct parsing *p, int left, char *const *argv,
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

	return set(p, row, name, value, error) < 0 ? -EINVAL : used;
}

static void set_standard(struct parsing *p)
{
	struct options *o = &p->out;

	memset(p, 0, sizeof(*p));
	o->signaling = SIGNALING_LOCALHOST;
	o->signaling_port = 8080;
	strcpy(o->signaling_host, "localhost");
	strcpy(o->signaling_path, "/");
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct option *row = &table[i];
		void *field = (char *)p + row->offset;

		/* "" and "0" stand for what the reader decides later. */
		if (row->kind == TEXT)
			*(const char **)field = row->standard;
		else if (row->kind == NUMBER)
			*(uint32_t *)field = (uint32_t)atoi(row->standard);
		else if (row->standard[0])
			(void)parse_value(p, row, row->standard);
	}
	p->given = (struct given){ .url = false };
}

static int conflict(char *error, const char *text)
{
	snprintf(error, OPTIONS_ERROR, "%s", text);

	return -EINVAL;
}

/* What does not go together. */
static int check(const struct parsing *p, char *error)
{
	const struct given *g = &p->given;
	const struct options *o = &p->out;
	bool joins = o->signaling == SIGNALING_JOIN;

	if (!o->tls_cert != !o->tls_key)
		return conflict(error, o->tls_cert ?
				"WEBRTC_TLS_CERT: needs WEBRTC_TLS_KEY, too" :
				"WEBRTC_TLS_KEY: needs WEBRTC_TLS_CERT, too");
	if (g->url_tls && !joins && !o->tls_cert)
		return conflict(error, "WEBRTC_SIGNALING_URL=wss://...: needs "
				"WEBRTC_TLS_CERT and WEBRTC_TLS_KEY");
	if (joins && g->grpc_only)
		return conflict(error, "WEBRTC_MODE=grpc: serves, but "
				"WEBRTC_SIGNALING_URL names a hub to join");
	if (joins && (g->grpc || g->address))
		return conflict(error, "GRPC_SIGNALING_ADDRESS: nothing is "
				"served when WEBRTC_SIGNALING_URL names a hub "
				"to join");
	if (g->secret && g->public_key)
		return conflict(error, "WEBRTC_AUTH_SECRET and "
				"WEBRTC_AUTH_PUBLIC_KEY: only one of them");
	if (g->tokens && !g->secret && !g->public_key)
		return conflict(error, "WEBRTC_AUTH_MODE=token: needs "
				"WEBRTC_AUTH_SECRET or "
				"WEBRTC_AUTH_PUBLIC_KEY");
	if (g->turn && !g->turn_secret)
		return conflict(error, "WEBRTC_TURN_SERVERS: needs "
				"WEBRTC_TURN_SECRET");

	return 0;
}

/* Which address speaks what. An explicit ws:// stays plain. */
static void put_together(struct parsing *p)
{
	const struct given *g = &p->given;
	struct options *o = &p->out;

	o->signaling_tls = g->url ? g->url_tls : o->tls_cert != NULL;
	o->websocket = !g->grpc_only;
	if (!g->grpc_only && !g->grpc && !g->address)
		o->grpc_port = 0;
}

static int parse_all(struct parsing *p, int argc, char *const *argv,
		     options_get_h *get, char *error)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (set_from_environment(p, &table[i], get, error) < 0)
			return -EINVAL;
	for (int i = 1; i < argc;) {
		int used = set_from_flag(p, argc - i, argv + i, error);

		if (used < 0)
			return -EINVAL;
		i += used;
	}

	return check(p, error);
}

int options_parse(struct options *out, int argc, char *const *argv,
		  options_get_h *get, char *error)
{
	struct parsing p;

	error[0] = 0;
	set_standard(&p);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0)
			return OPTIONS_HELP;
		if (strcmp(argv[i], "--version") == 0 ||
		    strcmp(argv[i], "-V") == 0)
			return OPTIONS_VERSION;
	}
	if (parse_all(&p, argc, argv, get, error) < 0)
		return -EINVAL;
	put_together(&p);
	*out = p.out;

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
