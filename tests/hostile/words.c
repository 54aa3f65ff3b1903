/* words.c - descriptions and candidates that must be refused in words */
#include "tests/hostile/stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

enum {
	TEXT = 48000,
	BAD_SDP = -32002, RATE = -32022, BAD_CANDIDATE = -32026,
	ID_ANNOUNCE = 1, ID_OFFER, ID_LIST, ID_CANDIDATE,
};

/* One signaling connection and the last thing it heard. */
struct speaker {
	struct rpc *rpc;
	bool open, closed, answered;
	int64_t result;		/* id of the last result */
	int64_t code;		/* of the last error; 0 none */
	unsigned errors, candidate_errors, rate_errors;
	char name[32];
};

static void on_open(struct mono now, void *arg)
{
	struct speaker *k = arg;

	(void)now;
	k->open = true;
}

static void on_message(const struct js *root, struct mono now, void *arg)
{
	const struct js *error = js_get(root, "error");
	struct speaker *k = arg;
	size_t len;
	const char *method = js_string(js_get(root, "method"), &len);
	int64_t code = 0;

	(void)now;
	if (method && !strcmp(method, "answer"))
		k->answered = true;
	if (method && !strcmp(method, "peer_error"))
		error = js_get(root, "params");
	if (error && js_int(js_get(error, "code"), &code)) {
		k->code = code;
		k->errors++;
		k->candidate_errors += code == BAD_CANDIDATE;
		k->rate_errors += code == RATE;
	} else if (!method) {
		(void)js_int(js_get(root, "id"), &k->result);
	}
}

static void on_closed(const char *why, void *arg)
{
	struct speaker *k = arg;

	(void)why;
	k->closed = true;
}

static bool is_open(void *arg)
{
	const struct speaker *k = arg;

	return k->open || k->closed;
}

static bool is_answered(void *arg)
{
	const struct speaker *k = arg;

	return k->closed || k->errors || k->answered;
}

static bool is_announced(void *arg)
{
	const struct speaker *k = arg;

	return k->closed || k->result == ID_ANNOUNCE;
}

static bool is_listed(void *arg)
{
	const struct speaker *k = arg;

	return k->closed || k->result == ID_LIST;
}

static bool open_speaker(struct speaker *k, struct stage *s)
{
	const struct rpc_ops ops = { on_open, on_message, on_closed, k };
	char from[32], members[128];
	const struct rpc_to to = { "127.0.0.1", s->port, from };

	*k = (struct speaker){ 0 };
	snprintf(from, sizeof(from), "127.0.3.%u", s->calls % 250 + 1);
	snprintf(k->name, sizeof(k->name), "speaker-%d-%u", (int)getpid(),
		 s->calls++);
	snprintf(members, sizeof(members), "\"peer_id\":\"%s\","
		 "\"capabilities\":{}", k->name);
	if (rpc_new(&k->rpc, s->loop, &to, &ops) < 0)
		return false;
	if (stage_wait(s, is_open, k) && !k->closed &&
	    rpc_call(k->rpc, ID_ANNOUNCE, "announce", members) == 0)
		stage_wait(s, is_announced, k);

	return k->result == ID_ANNOUNCE;
}

static void offer(struct speaker *k, const char *text)
{
	char *quoted = rpc_quote(text), *members = NULL;

	if (quoted && asprintf(&members, "\"to_peer_id\":"
			       "\"remotemedia-server\",\"type\":\"offer\","
			       "\"sdp\":%s", quoted) > 0)
		(void)!rpc_call(k->rpc, ID_OFFER, "offer", members);
	free(quoted);
	free(members);
}

/* ---- descriptions ---- */

static char text[TEXT + 1];
static size_t used;

__attribute__((format(printf, 1, 2)))
static void add(const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text + used, sizeof(text) - used, format, args);
	va_end(args);
	if (n > 0)
		used += (size_t)n;
	if (used > TEXT)
		used = TEXT;
}

static void add_head(void)
{
	used = 0;
	add("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n");
}

static void add_security(void)
{
	add("a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n"
	    "a=setup:actpass\r\na=fingerprint:sha-256 ");
	for (int i = 0; i < 32; i++)
		add(i ? ":%02X" : "%02X", dice() & 0xff);
	add("\r\n");
}

static void add_audio(const char *mid)
{
	add("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n"
	    "a=mid:%s\r\na=sendrecv\r\na=rtcp-mux\r\n"
	    "a=rtpmap:111 opus/48000/2\r\n", mid);
}

static void good(void)
{
	add_head();
	add("a=group:BUNDLE 0\r\n");
	add_security();
	add_audio("0");
}

static void too_long(void)
{
	good();
	while (used < 33000)
		add("a=x-filler:%080u\r\n", dice());
}

static void too_many_lines(void)
{
	good();
	for (int i = 0; i < 1100; i++)
		add("a=x\r\n");
}

static void long_line(void)
{
	good();
	add("a=x:%03000u\r\n", 1);
}

static void same_mids(void)
{
	good();
	add_audio("0");
}

static void many_media(void)
{
	good();
	for (int i = 1; i < 18; i++) {
		char mid[16];

		snprintf(mid, sizeof(mid), "%d", i);
		add_audio(mid);
	}
}

static void many_types(void)
{
	add_head();
	add_security();
	add("m=audio 9 UDP/TLS/RTP/SAVPF");
	for (int i = 0; i < 70; i++)
		add(" %d", i);
	add("\r\nc=IN IP4 0.0.0.0\r\na=rtcp-mux\r\n");
}

static void no_fingerprint(void)
{
	add_head();
	add("a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n");
	add_audio("0");
}

static void weak_fingerprint(void)
{
	add_head();
	add("a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n"
	    "a=setup:actpass\r\na=fingerprint:md5 "
	    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n");
	add_audio("0");
}

static void short_secret(void)
{
	add_head();
	add_security();
	add("a=ice-ufrag:a\r\na=ice-pwd:b\r\n");
	add_audio("0");
	text[16] = 'x';
}

static void no_media(void)
{
	add_head();
	add_security();
}

static void noise(void)
{
	used = 0;
	for (int i = 0; i < 3000; i++)
		text[used++] = (char)(1 + dice_below(126));
	text[used] = '\0';
}

static void nothing(void)
{
	used = 0;
	add("hello");
}

static const struct description {
	const char *name;
	void (*write)(void);
} descriptions[] = {
	{ "33,000 bytes", too_long },
	{ "1,100 lines", too_many_lines },
	{ "a line of 3,000 bytes", long_line },
	{ "one mid twice", same_mids },
	{ "18 m-lines", many_media },
	{ "70 payload types", many_types },
	{ "no fingerprint", no_fingerprint },
	{ "md5", weak_fingerprint },
	{ "short secrets", short_secret },
	{ "no media", no_media },
	{ "noise", noise },
	{ "hello", nothing },
};

static void offer_bad(struct stage *s, const struct description *d)
{
	struct speaker k;

	if (open_speaker(&k, s)) {
		d->write();
		offer(&k, text);
		stage_wait(s, is_answered, &k);
		check(s, k.code == BAD_SDP, "SDP with %s: %lld", d->name,
		      (long long)k.code);
		(void)!rpc_call(k.rpc, ID_LIST, "list_peers", "");
		stage_wait(s, is_listed, &k);
		check(s, !k.closed && k.result == ID_LIST,
		      "SDP with %s: the socket does not live on", d->name);
	} else {
		check(s, false, "SDP with %s: no signaling", d->name);
	}
	rpc_free(k.rpc);
}

/* A good one with bytes changed: any answer, but one. */
static void offer_spoiled(struct stage *s)
{
	struct speaker k;

	if (open_speaker(&k, s)) {
		good();
		for (unsigned i = dice_below(6) + 1; i; i--)
			text[dice_below((uint32_t)used)] =
				(char)(1 + dice_below(126));
		offer(&k, text);
		stage_wait(s, is_answered, &k);
		check(s, !k.closed && (k.answered || k.code < 0),
		      "a spoiled SDP: no answer");
	} else {
		check(s, false, "a spoiled SDP: no signaling");
	}
	rpc_free(k.rpc);
}

void scenario_sdp(struct stage *s)
{
	for (size_t i = 0; i < ARRAY_LEN(descriptions); i++) {
		offer_bad(s, &descriptions[i]);
		offer_spoiled(s);
	}
}

/* ---- candidates ---- */

static void say_candidate(struct speaker *k, const char *line)
{
	char members[600];

	snprintf(members, sizeof(members), "\"to_peer_id\":"
		 "\"remotemedia-server\",\"candidate\":\"%s\","
		 "\"sdp_mid\":\"0\",\"sdp_mline_index\":0", line);
	(void)!rpc_call(k->rpc, ID_CANDIDATE, "ice_candidate", members);
}

static bool begin_call(struct speaker *k, struct stage *s)
{
	if (!open_speaker(k, s))
		return false;
	good();
	offer(k, text);
	stage_wait(s, is_answered, k);

	return k->answered;
}

static bool is_refused(void *arg)
{
	const struct speaker *k = arg;

	return k->closed || k->candidate_errors;
}

static void refused_addresses(struct stage *s)
{
	static const char *const lines[] = {
		"candidate:1 1 udp 1 169.254.169.254 80 typ host",
		"candidate:1 1 udp 1 239.1.2.3 5000 typ host",
		"candidate:1 1 udp 1 0.0.0.0 5000 typ host",
		"candidate:1 1 udp 1 255.255.255.255 5000 typ host",
		"candidate:1 1 udp 1 192.0.2.1 0 typ host",
		"candidate:1 1 udp x 192.0.2.1 9 typ host",
		"candidate:1 1 udp 1 ff02::1 5000 typ host",
		"candidate:1 1 udp 1 ::ffff:169.254.169.254 5000 typ host",
	};
	struct speaker k;
	bool up = begin_call(&k, s);

	check(s, up, "candidates: no call, error %lld", (long long)k.code);
	for (size_t i = 0; up && i < ARRAY_LEN(lines); i++) {
		k.candidate_errors = 0;
		say_candidate(&k, lines[i]);
		stage_wait(s, is_refused, &k);
		check(s, k.candidate_errors, "not refused: %s", lines[i]);
	}
	rpc_free(k.rpc);
}

/* More than 64: at least those beyond are refused, the socket lives. */
static void too_many(struct stage *s)
{
	struct speaker k;
	bool up = begin_call(&k, s);
	char line[96];

	check(s, up, "candidates: no call, error %lld", (long long)k.code);
	for (int i = 0; up && i < 90; i++) {
		snprintf(line, sizeof(line), "candidate:%d 1 udp %u 192.0.2.%d "
			 "%u typ host", i, dice() >> 1, i + 1,
			 1024 + dice_below(60000));
		say_candidate(&k, line);
		stage_run(s, 5000);
	}
	stage_run(s, 300000);
	check(s, k.candidate_errors + k.rate_errors >= 26,
	      "90 candidates: only %u refused", k.candidate_errors);
	(void)!rpc_call(k.rpc, ID_LIST, "list_peers", "");
	stage_wait(s, is_listed, &k);
	check(s, !k.closed && k.result == ID_LIST,
	      "90 candidates: the socket does not live on");
	rpc_free(k.rpc);
}

void scenario_candidates(struct stage *s)
{
	refused_addresses(s);
	too_many(s);
}
