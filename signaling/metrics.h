/*
 * metrics.h - what this process counts, and the access log
 *
 * One table; /metrics is made from it. Counters only go up; a gauge is read
 * when it is asked for.
 *
 * Threads  One. The counters are a plain struct that the world shares.
 */
#ifndef SIGNALING_METRICS_H
#define SIGNALING_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "common/mono.h"
#include "signaling/text.h"

/* enumerator, Prometheus name (without remotemedia_), label, help */
/* clang-format off */
#define METRICS_TABLE(ROW) \
ROW(M_CONN_PLAIN, "signaling_connections_total", "listener=\"plain\"", "Connections that were accepted.") \
ROW(M_CONN_TLS, "signaling_connections_total", "listener=\"tls\"", "") \
ROW(M_CONN_GRPC, "signaling_connections_total", "listener=\"grpc\"", "") \
ROW(M_REFUSED_SOURCE, "signaling_refused_connections_total", "reason=\"source\"", "Connections closed at accept.") \
ROW(M_REFUSED_STARTUP, "signaling_refused_connections_total", "reason=\"startup\"", "") \
ROW(M_REFUSED_TLS, "signaling_refused_connections_total", "reason=\"tls\"", "") \
ROW(M_TLS_FAILED, "signaling_tls_failures_total", "", "TLS handshakes that failed or took too long.") \
ROW(M_HTTP1, "signaling_http_requests_total", "version=\"1.1\"", "HTTP requests.") \
ROW(M_HTTP2, "signaling_http_requests_total", "version=\"2\"", "") \
ROW(M_HTTP_BAD, "signaling_bad_requests_total", "protocol=\"http1\"", "Input that broke a protocol.") \
ROW(M_H2_BAD, "signaling_bad_requests_total", "protocol=\"http2\"", "") \
ROW(M_WS_BAD, "signaling_bad_requests_total", "protocol=\"websocket\"", "") \
ROW(M_RPC_BAD, "signaling_bad_requests_total", "protocol=\"jsonrpc\"", "") \
ROW(M_GRPC_BAD, "signaling_bad_requests_total", "protocol=\"grpc\"", "") \
ROW(M_WS_OPEN, "signaling_websockets_total", "", "WebSockets that were opened.") \
ROW(M_CALL_RPC, "signaling_calls_total", "door=\"jsonrpc\"", "Method calls that were answered.") \
ROW(M_CALL_GRPC, "signaling_calls_total", "door=\"grpc\"", "") \
ROW(M_CALL_WHIP, "signaling_calls_total", "door=\"whip\"", "") \
ROW(M_CALL_FAILED_RPC, "signaling_failed_calls_total", "door=\"jsonrpc\"", "Method calls that were answered with an error.") \
ROW(M_CALL_FAILED_GRPC, "signaling_failed_calls_total", "door=\"grpc\"", "") \
ROW(M_CALL_FAILED_WHIP, "signaling_failed_calls_total", "door=\"whip\"", "") \
ROW(M_RATE_LIMITED, "signaling_rate_limited_total", "", "Messages refused for their rate.") \
ROW(M_AUTH_FAILED, "signaling_auth_failures_total", "", "Tokens that were refused.") \
ROW(M_SLOW_DROPPED, "signaling_slow_clients_total", "", "Connections closed because the client did not read.") \
ROW(M_RELAYED, "signaling_relayed_messages_total", "", "Messages passed from one peer to another.") \
ROW(M_ANNOUNCED, "signaling_announces_total", "result=\"joined\"", "Announced peers.") \
ROW(M_RESUMED, "signaling_announces_total", "result=\"resumed\"", "")
/* clang-format on */

#define METRICS_ROW(id, ...) id,
enum metric { METRICS_TABLE(METRICS_ROW) METRICS };
#undef METRICS_ROW

struct metrics {
	uint64_t count[METRICS];
};

static inline void metrics_add(struct metrics *m, enum metric which)
{
	m->count[which]++;
}

/* What is read when /metrics is asked for; filled by the server. */
struct gauges {
	double uptime_s, start_time_s;
	uint64_t connections, websockets, peers, peers_held, calls;
	uint64_t media_calls, media_connected, media_workers, restarts;
	uint64_t memory_bytes;	/* of the heap, in use */
	int broker_up;
};

/* The whole page, text/plain; version=0.0.4. */
void metrics_write(struct text *out, const struct metrics *m,
		   const struct gauges *g);

/*
 * One line a call, at info: door, peer ("" before it has a name), method,
 * duration, outcome ("ok" or a code). Never a token, never an SDP. At most
 * 250 lines a second and 5 of failures (four times that at once); how many
 * had none stands in a line of its own.
 */
void access_log(const char *door, const char *peer, const char *method,
		struct mono start, struct mono now, const char *outcome);

#endif
