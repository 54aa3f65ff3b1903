/*
 * sctp_usrsctp.c - sctp.h on usrsctp, without its threads
 *
 * usrsctp_init_nothreads() still starts one "iterator" thread, which serves
 * only wildcard socket options. The linker replaces the function that would
 * start it (--wrap in the Makefile) by the one below, so that a process that
 * will fork stays single-threaded. usrsctp_finish() would wait for that
 * thread and is never called: a process leaves by _exit.
 *
 * No receive callback is set: messages stay in the socket until assoc_read()
 * fetches them, and that is the back-pressure. The address of an association
 * is a small number and tells the far end nothing about our memory.
 */

#include "port/sctp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <usrsctp.h>

enum {
	ASSOCIATIONS = 8,
	SEND_BUFFER = 1048576,	/* more than ASSOC_MESSAGE_MAX, or EAGAIN for
				   ever */
	RECV_BUFFER = 262144,
	COMMON_HEADER = 12,	/* not counted in a path MTU by usrsctp */
	HEARTBEAT_MS = 5000,	/* its answer shows that the peer lives */
};

struct assoc {
	struct socket *sock;
	assoc_packet_h *packet;
	void *arg;
	uintptr_t id;
	uint16_t remote_port, out_streams;
	bool up, down, skipping;
	size_t have;
	uint8_t *message;	/* ASSOC_MESSAGE_MAX bytes, for the pieces */
	uint16_t reset[64];	/* streams the far end reset, to be told */
	unsigned reset_at, resets;
};

static struct assoc *associations[ASSOCIATIONS];

int __wrap_sctp_userspace_thread_create(void *thread, void *start);

int __wrap_sctp_userspace_thread_create(void *thread, void *start)
{
	(void)thread;
	(void)start;

	return 0;
}

static int on_output(void *addr, void *bytes, size_t len, uint8_t tos,
		     uint8_t set_df)
{
	uintptr_t id = (uintptr_t)addr;
	struct assoc *s = id && id <= ASSOCIATIONS ? associations[id - 1] :
						    NULL;

	(void)tos;
	(void)set_df;
	if (s)
		s->packet(bytes, len, s->arg);

	return 0;
}

int assoc_start(void)
{
	usrsctp_tunable_set_sctp_hashtblsize(4);
	usrsctp_tunable_set_sctp_pcbtblsize(4);
	usrsctp_init_nothreads(0, on_output, NULL);
	usrsctp_sysctl_set_sctp_blackhole(2);
	usrsctp_sysctl_set_sctp_no_csum_on_loopback(0);
	usrsctp_sysctl_set_sctp_ecn_enable(0);
	usrsctp_sysctl_set_sctp_asconf_enable(0);
	usrsctp_sysctl_set_sctp_auth_enable(0);
	usrsctp_sysctl_set_sctp_nrsack_enable(0);
	usrsctp_sysctl_set_sctp_pktdrop_enable(0);
	usrsctp_sysctl_set_sctp_delayed_sack_time_default(20);
	usrsctp_sysctl_set_sctp_rto_initial_default(1000);
	usrsctp_sysctl_set_sctp_rto_min_default(200);
	usrsctp_sysctl_set_sctp_rto_max_default(10000);
	usrsctp_sysctl_set_sctp_init_rto_max_default(10000);
	usrsctp_sysctl_set_sctp_heartbeat_interval_default(HEARTBEAT_MS);

	return 0;
}

static int set_option(struct assoc *s, int level, int name, const void *value,
		      size_t len)
{
	if (usrsctp_setsockopt(s->sock, level, name, value, (socklen_t)len))
		return -errno;

	return 0;
}

static int set_int(struct assoc *s, int level, int name, int value)
{
	return set_option(s, level, name, &value, sizeof(value));
}

static int want_events(struct assoc *s)
{
	static const uint16_t types[] = {
		SCTP_ASSOC_CHANGE,
		SCTP_STREAM_RESET_EVENT,
		SCTP_STREAM_CHANGE_EVENT,
		SCTP_PARTIAL_DELIVERY_EVENT,
	};
	int err = 0;

	for (size_t i = 0; i < ARRAY_LEN(types) && !err; i++) {
		struct sctp_event event = {
			.se_assoc_id = SCTP_ALL_ASSOC,
			.se_type = types[i],
			.se_on = 1,
		};

		err = set_option(s, IPPROTO_SCTP, SCTP_EVENT, &event,
				 sizeof(event));
	}

	return err;
}

static int set_options(struct assoc *s)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };
	struct sctp_initmsg init = {
		.sinit_num_ostreams = ASSOC_STREAMS,
		.sinit_max_instreams = ASSOC_STREAMS_MAX,
	};
	struct sctp_assoc_value reset = {
		.assoc_id = SCTP_ALL_ASSOC,
		.assoc_value = SCTP_ENABLE_RESET_STREAM_REQ |
			       SCTP_ENABLE_CHANGE_ASSOC_REQ,
	};
	int err;

	if (usrsctp_set_non_blocking(s->sock, 1))
		return -errno;
	if ((err = set_option(s, SOL_SOCKET, SO_LINGER, &linger,
			      sizeof(linger))) < 0 ||
	    (err = set_int(s, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER)) < 0 ||
	    (err = set_int(s, SOL_SOCKET, SO_RCVBUF, RECV_BUFFER)) < 0 ||
	    (err = set_int(s, IPPROTO_SCTP, SCTP_NODELAY, 1)) < 0 ||
	    (err = set_int(s, IPPROTO_SCTP, SCTP_RECVRCVINFO, 1)) < 0 ||
	    (err = set_option(s, IPPROTO_SCTP, SCTP_INITMSG, &init,
			      sizeof(init))) < 0 ||
	    (err = set_option(s, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET,
			      &reset, sizeof(reset))) < 0)
		return err;

	return want_events(s);
}

static struct sockaddr_conn address_of(const struct assoc *s, uint16_t port)
{
	struct sockaddr_conn addr = {
		.sconn_family = AF_CONN,
		.sconn_port = htons(port),
	};

	/* Never a pointer: it stands in the cookie the far end sees. */
	memcpy(&addr.sconn_addr, &s->id, sizeof(addr.sconn_addr));

	return addr;
}

static int open_socket(struct assoc *s)
{
	struct sockaddr_conn addr = address_of(s, ASSOC_PORT);
	int err;

	s->sock = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL,
				 NULL, 0, NULL);
	if (!s->sock)
		return -errno;
	err = set_options(s);
	if (err < 0)
		return err;
	if (usrsctp_bind(s->sock, (struct sockaddr *)&addr, sizeof(addr)))
		return -errno;

	return 0;
}

static int take_id(struct assoc *s)
{
	for (unsigned i = 0; i < ASSOCIATIONS; i++) {
		if (associations[i])
			continue;
		associations[i] = s;
		s->id = i + 1;
		usrsctp_register_address((void *)s->id);
		return 0;
	}

	return -ENOSPC;
}

int assoc_new(struct assoc **out, uint16_t remote_port, assoc_packet_h *packet,
	     void *arg)
{
	struct assoc *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->packet = packet;
	s->arg = arg;
	s->remote_port = remote_port;
	s->message = malloc(ASSOC_MESSAGE_MAX);
	err = s->message ? take_id(s) : -ENOMEM;
	if (!err)
		err = open_socket(s);
	if (err < 0) {
		assoc_free(s);
		return err;
	}
	*out = s;

	return 0;
}

void assoc_free(struct assoc *s)
{
	if (!s)
		return;
	if (s->sock)
		usrsctp_close(s->sock);
	if (s->id) {
		usrsctp_deregister_address((void *)s->id);
		associations[s->id - 1] = NULL;
	}
	free(s->message);
	free(s);
}

static int set_path(struct assoc *s, const struct sockaddr_conn *addr)
{
	struct sctp_paddrparams path = {
		.spp_flags = SPP_PMTUD_DISABLE | SPP_HB_ENABLE,
		.spp_pathmtu = ASSOC_PACKET_MAX - COMMON_HEADER,
		.spp_hbinterval = HEARTBEAT_MS,
	};

	memcpy(&path.spp_address, addr, sizeof(*addr));

	return set_option(s, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path,
			  sizeof(path));
}

int assoc_connect(struct assoc *s)
{
	struct sockaddr_conn addr = address_of(s, s->remote_port);

	if (usrsctp_connect(s->sock, (struct sockaddr *)&addr,
			    sizeof(addr)) &&
	    errno != EINPROGRESS)
		return -errno;

	return set_path(s, &addr);
}

void assoc_recv(struct assoc *s, const uint8_t *bytes, size_t len)
{
	usrsctp_conninput((void *)s->id, bytes, len, 0);
}

void assoc_tick(uint32_t elapsed_ms)
{
	usrsctp_handle_timers(elapsed_ms);
}

/* Notifications */

static enum assoc_event on_association(struct assoc *s,
				      const struct sctp_assoc_change *change)
{
	switch (change->sac_state) {
	case SCTP_COMM_UP:
	case SCTP_RESTART:
		s->out_streams = change->sac_outbound_streams;
		s->have = 0;
		s->up = true;
		return ASSOC_UP;
	case SCTP_COMM_LOST:
	case SCTP_SHUTDOWN_COMP:
	case SCTP_CANT_STR_ASSOC:
		s->up = false;
		s->down = true;
		return ASSOC_DOWN;
	default:
		return ASSOC_NOTHING;
	}
}

static void on_reset(struct assoc *s, const struct sctp_stream_reset_event *e)
{
	size_t head = sizeof(*e), count;

	if (e->strreset_length < head ||
	    !(e->strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN) ||
	    (e->strreset_flags &
	     (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED)))
		return;
	count = (e->strreset_length - head) / sizeof(uint16_t);
	for (size_t i = 0; i < count && s->resets < ARRAY_LEN(s->reset); i++)
		s->reset[(s->reset_at + s->resets++) % ARRAY_LEN(s->reset)] =
			e->strreset_stream_list[i];
}

static enum assoc_event on_notification(struct assoc *s, const void *bytes,
				       size_t len)
{
	union sctp_notification note;

	if (len < sizeof(note.sn_header))
		return ASSOC_NOTHING;
	memset(&note, 0, sizeof(note));
	memcpy(&note, bytes, len < sizeof(note) ? len : sizeof(note));
	switch (note.sn_header.sn_type) {
	case SCTP_ASSOC_CHANGE:
		return on_association(s, &note.sn_assoc_change);
	case SCTP_STREAM_RESET_EVENT:
		/* the list stands behind the struct: read it in place */
		if (note.sn_header.sn_length <= len)
			on_reset(s, bytes);
		return ASSOC_NOTHING;
	case SCTP_STREAM_CHANGE_EVENT:
		if (!(note.sn_strchange_event.strchange_flags &
		      (SCTP_STREAM_CHANGE_DENIED | SCTP_STREAM_CHANGE_FAILED)))
			s->out_streams =
				note.sn_strchange_event.strchange_outstrms;
		return ASSOC_NOTHING;
	case SCTP_PARTIAL_DELIVERY_EVENT:
		s->have = 0;
		return ASSOC_NOTHING;
	default:
		return ASSOC_NOTHING;
	}
}

/* One piece of a message came: an event when it is the last. */
static enum assoc_event on_piece(struct assoc *s, const struct sctp_rcvinfo *in,
				size_t len, bool last,
				struct assoc_message *out)
{
	s->have += len;
	if (!last) {
		if (s->have < ASSOC_MESSAGE_MAX)
			return ASSOC_NOTHING;
		s->have = 0;
		s->skipping = true;
		return ASSOC_TOO_LONG;
	}
	len = s->have;
	s->have = 0;
	if (s->skipping) {
		s->skipping = false;
		return ASSOC_NOTHING;
	}
	*out = (struct assoc_message){
		.stream = in->rcv_sid,
		.unordered = in->rcv_flags & SCTP_UNORDERED,
		.ppid = ntohl(in->rcv_ppid),
		.bytes = s->message,
		.len = len,
	};

	return ASSOC_MESSAGE;
}

/* -EAGAIN when the socket is empty. */
static int read_once(struct assoc *s, struct assoc_message *out,
		     enum assoc_event *event)
{
	struct sctp_rcvinfo info = { 0 };
	socklen_t info_len = sizeof(info);
	unsigned info_type = 0;
	int flags = 0;
	ssize_t n = usrsctp_recvv(s->sock, s->message + s->have,
				  ASSOC_MESSAGE_MAX - s->have, NULL, NULL,
				  &info, &info_len, &info_type, &flags);

	if (n <= 0)
		return -EAGAIN;
	if (flags & MSG_NOTIFICATION)
		*event = on_notification(s, s->message + s->have, (size_t)n);
	else if (info_type == SCTP_RECVV_RCVINFO)
		*event = on_piece(s, &info, (size_t)n, flags & MSG_EOR, out);
	else
		*event = ASSOC_NOTHING;

	return 0;
}

enum assoc_event assoc_read(struct assoc *s, struct assoc_message *out)
{
	enum assoc_event event = ASSOC_NOTHING;

	while (!s->down && event == ASSOC_NOTHING) {
		if (s->resets) {
			out->stream = s->reset[s->reset_at];
			s->reset_at = (s->reset_at + 1) % ARRAY_LEN(s->reset);
			s->resets--;
			return ASSOC_STREAM_RESET;
		}
		if (read_once(s, out, &event) < 0)
			break;
	}

	return event;
}

/* Asks for more outgoing streams; they come with a later packet. */
static int want_streams(struct assoc *s, uint16_t stream)
{
	struct sctp_add_streams add = {
		.sas_outstrms = (uint16_t)(stream + 1 - s->out_streams),
	};
	int err;

	if (stream >= ASSOC_STREAMS_MAX)
		return -EINVAL;
	err = set_option(s, IPPROTO_SCTP, SCTP_ADD_STREAMS, &add,
			 sizeof(add));

	return err == -EALREADY || err == 0 ? -EAGAIN : err;
}

static void set_limit(struct sctp_sendv_spa *spa, const struct assoc_send *how)
{
	static const uint16_t policies[] = {
		[ASSOC_RELIABLE] = SCTP_PR_SCTP_NONE,
		[ASSOC_MAX_RETRANSMITS] = SCTP_PR_SCTP_RTX,
		[ASSOC_MAX_LIFETIME] = SCTP_PR_SCTP_TTL,
	};

	if (how->limit == ASSOC_RELIABLE)
		return;
	spa->sendv_flags |= SCTP_SEND_PRINFO_VALID;
	spa->sendv_prinfo.pr_policy = policies[how->limit];
	spa->sendv_prinfo.pr_value = how->limit_value;
}

int assoc_send(struct assoc *s, const struct assoc_send *how, const void *bytes,
	      size_t len)
{
	struct sctp_sendv_spa spa = {
		.sendv_flags = SCTP_SEND_SNDINFO_VALID,
		.sendv_sndinfo = {
			.snd_sid = how->stream,
			.snd_flags = SCTP_EOR |
				     (how->unordered ? SCTP_UNORDERED : 0),
			.snd_ppid = htonl(how->ppid),
		},
	};

	if (!s->up)
		return -ENOTCONN;
	if (len == 0 || len > ASSOC_MESSAGE_MAX)
		return -EMSGSIZE;
	if (how->stream >= s->out_streams)
		return want_streams(s, how->stream);
	set_limit(&spa, how);
	if (usrsctp_sendv(s->sock, bytes, len, NULL, 0, &spa, sizeof(spa),
			  SCTP_SENDV_SPA, 0) < 0)
		return -errno;

	return 0;
}

int assoc_reset_stream(struct assoc *s, uint16_t stream)
{
	_Alignas(struct sctp_reset_streams) uint8_t
		reset[sizeof(struct sctp_reset_streams) + sizeof(stream)];
	const struct sctp_reset_streams head = {
		.srs_flags = SCTP_STREAM_RESET_OUTGOING,
		.srs_number_streams = 1,
	};

	if (!s->up)
		return -ENOTCONN;
	if (stream >= s->out_streams)
		return 0;
	memcpy(reset, &head, sizeof(head));
	memcpy(reset + sizeof(head), &stream, sizeof(stream));
	if (usrsctp_setsockopt(s->sock, IPPROTO_SCTP, SCTP_RESET_STREAMS,
			       reset, sizeof(reset)))
		return errno == EALREADY ? -EAGAIN : -errno;

	return 0;
}

size_t assoc_unacked(const struct assoc *s)
{
	struct sctp_status status = { 0 };
	socklen_t len = sizeof(status);

	if (!s->up || usrsctp_getsockopt(s->sock, IPPROTO_SCTP, SCTP_STATUS,
					 &status, &len))
		return 0;

	return (size_t)status.sstat_unackdata + status.sstat_penddata;
}
