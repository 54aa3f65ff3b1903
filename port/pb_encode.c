/* pb_encode.c - protobuf out: our structs into messages */

#include "port/pb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <health.pb-c.h>
#include <reflection_v1.pb-c.h>
#include <webrtc_signaling.pb-c.h>

#define RM(name) Remotemedia__V1__Webrtc__##name
#define INIT(name) REMOTEMEDIA__V1__WEBRTC__##name##__INIT

/* The library's structs take char * although it only reads. */
static char *text(const char *s)
{
	char *out;

	s = s ? s : "";
	memcpy(&out, &s, sizeof(out));

	return out;
}

static int pack(struct pb_bytes *out, const ProtobufCMessage *m)
{
	size_t len = protobuf_c_message_get_packed_size(m);

	out->at = malloc(PB_ROOM + len);
	if (!out->at)
		return -ENOMEM;
	memset(out->at, 0, PB_ROOM);
	out->len = PB_ROOM + len;
	protobuf_c_message_pack(m, out->at + PB_ROOM);

	return 0;
}

static void put_caps(RM(PeerCapabilities) * out, const struct pb_caps *c)
{
	*out = (RM(PeerCapabilities))INIT(PEER_CAPABILITIES);
	out->audio = c->audio;
	out->video = c->video;
	out->data = c->data;
	out->extensions = text(c->extensions);
}

/*
 * The two messages with a map, PeerInfo and PeerJoinedNotification, have
 * entries of different types but the same members.
 */
struct peer_parts {
	RM(PeerInfo) info;
	RM(PeerCapabilities) caps;
	RM(PeerInfo__MetadataEntry) * entries, **pointers;
};

static void parts_free(struct peer_parts *p)
{
	free(p->entries);
	free(p->pointers);
}

static int put_peer(struct peer_parts *p, const struct pb_peer *peer)
{
	size_t n = peer->metadata.len;

	*p = (struct peer_parts){ .info = INIT(PEER_INFO) };
	p->info.peer_id = text(peer->name);
	p->info.state = (RM(PeerState))peer->state;
	p->info.connected_at = peer->connected_at;
	put_caps(&p->caps, &peer->caps);
	p->info.capabilities = &p->caps;
	if (n == 0)
		return 0;
	p->entries = calloc(n, sizeof(*p->entries));
	p->pointers = calloc(n, sizeof(RM(PeerInfo__MetadataEntry) *));
	if (!p->entries || !p->pointers)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		p->entries[i] = (RM(PeerInfo__MetadataEntry))INIT(
			PEER_INFO__METADATA_ENTRY);
		p->entries[i].key = text(peer->metadata.at[i].key);
		p->entries[i].value = text(peer->metadata.at[i].value);
		p->pointers[i] = &p->entries[i];
	}
	p->info.n_metadata = n;
	p->info.metadata = p->pointers;

	return 0;
}

struct peer_list {
	struct peer_parts *parts;
	RM(PeerInfo) * *infos;
	size_t len;
};

static void list_free(struct peer_list *l)
{
	for (size_t i = 0; l->parts && i < l->len; i++)
		parts_free(&l->parts[i]);
	free(l->parts);
	free(l->infos);
}

static int put_peers(struct peer_list *l, const struct pb_peer *peers,
		     size_t len)
{
	int err = 0;

	*l = (struct peer_list){ .len = len };
	if (len == 0)
		return 0;
	l->parts = calloc(len, sizeof(*l->parts));
	l->infos = calloc(len, sizeof(RM(PeerInfo) *));
	if (!l->parts || !l->infos)
		return -ENOMEM;
	for (size_t i = 0; i < len && !err; i++) {
		err = put_peer(&l->parts[i], &peers[i]);
		l->infos[i] = &l->parts[i].info;
	}

	return err;
}

static int respond_peers(struct pb_bytes *out, RM(SignalingResponse) m,
			 const struct pb_response *r)
{
	RM(PeerListResponse) list = INIT(PEER_LIST_RESPONSE);
	struct peer_list peers;
	int err = put_peers(&peers, r->peers, r->peers_len);

	list.peers = peers.infos;
	list.n_peers = peers.len;
	list.count = (uint32_t)peers.len;
	m.peer_list = &list;
	m.response_case =
		REMOTEMEDIA__V1__WEBRTC__SIGNALING_RESPONSE__RESPONSE_PEER_LIST;
	if (!err)
		err = pack(out, &m.base);
	list_free(&peers);

	return err;
}

/* A PeerJoinedNotification is made of the parts of a PeerInfo. */
static int put_joined(RM(PeerJoinedNotification) * joined,
		      struct peer_parts *p, const struct pb_peer *peer,
		      RM(PeerJoinedNotification__MetadataEntry) * *entries)
{
	size_t n = peer->metadata.len;
	int err = put_peer(p, peer);

	if (err)
		return err;
	*entries = calloc(n ? n : 1, sizeof(**entries));
	if (!*entries)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		RM(PeerJoinedNotification__MetadataEntry) *e = *entries + i;

		*e = (RM(PeerJoinedNotification__MetadataEntry))INIT(
			PEER_JOINED_NOTIFICATION__METADATA_ENTRY);
		e->key = p->entries[i].key;
		e->value = p->entries[i].value;
	}
	joined->peer_id = p->info.peer_id;
	joined->capabilities = p->info.capabilities;

	return 0;
}

#define NOTE(name) \
	REMOTEMEDIA__V1__WEBRTC__SIGNALING_NOTIFICATION__NOTIFICATION_##name

static int pack_note(struct pb_bytes *out, RM(SignalingResponse) m,
		     RM(SignalingNotification) * note)
{
	m.notification = note;
	/* clang-format off */
	m.response_case =
		REMOTEMEDIA__V1__WEBRTC__SIGNALING_RESPONSE__RESPONSE_NOTIFICATION;
	/* clang-format on */

	return pack(out, &m.base);
}

static int respond_joined(struct pb_bytes *out, RM(SignalingResponse) m,
			  const struct pb_peer *peer)
{
	RM(SignalingNotification) note = INIT(SIGNALING_NOTIFICATION);
	RM(PeerJoinedNotification) joined = INIT(PEER_JOINED_NOTIFICATION);
	RM(PeerJoinedNotification__MetadataEntry) *entries = NULL;
	RM(PeerJoinedNotification__MetadataEntry) **pointers = NULL;
	size_t n = peer->metadata.len;
	struct peer_parts parts;
	int err = put_joined(&joined, &parts, peer, &entries);

	if (!err) {
		pointers = calloc(n ? n : 1, sizeof(*pointers));
		err = pointers ? 0 : -ENOMEM;
	}
	if (!err) {
		for (size_t i = 0; i < n; i++)
			pointers[i] = entries + i;
		joined.n_metadata = n;
		joined.metadata = pointers;
		note.peer_joined = &joined;
		note.notification_case = NOTE(PEER_JOINED);
		err = pack_note(out, m, &note);
	}
	free(pointers);
	free(entries);
	parts_free(&parts);

	return err;
}

static int respond_offer(struct pb_bytes *out, RM(SignalingResponse) m,
			 const struct pb_response *r)
{
	RM(SignalingNotification) note = INIT(SIGNALING_NOTIFICATION);
	RM(OfferNotification) offer = INIT(OFFER_NOTIFICATION);

	offer.from_peer_id = text(r->peer);
	offer.offer_id = text(r->offer_id);
	offer.sdp = text(r->sdp);
	offer.type = text(r->type);
	note.offer = &offer;
	note.notification_case = NOTE(OFFER);

	return pack_note(out, m, &note);
}

static int respond_answer(struct pb_bytes *out, RM(SignalingResponse) m,
			  const struct pb_response *r)
{
	RM(SignalingNotification) note = INIT(SIGNALING_NOTIFICATION);
	RM(AnswerNotification) answer = INIT(ANSWER_NOTIFICATION);

	answer.from_peer_id = text(r->peer);
	answer.sdp = text(r->sdp);
	answer.type = text(r->type);
	note.answer = &answer;
	note.notification_case = NOTE(ANSWER);

	return pack_note(out, m, &note);
}

static int respond_candidate(struct pb_bytes *out, RM(SignalingResponse) m,
			     const struct pb_response *r)
{
	RM(SignalingNotification) note = INIT(SIGNALING_NOTIFICATION);
	RM(IceCandidateNotification) ice = INIT(ICE_CANDIDATE_NOTIFICATION);

	ice.from_peer_id = text(r->peer);
	ice.candidate = text(r->candidate);
	ice.sdp_mid = text(r->mid);
	ice.sdp_mline_index = r->mline;
	note.ice_candidate = &ice;
	note.notification_case = NOTE(ICE_CANDIDATE);

	return pack_note(out, m, &note);
}

static int respond_gone(struct pb_bytes *out, RM(SignalingResponse) m,
			const struct pb_response *r)
{
	RM(SignalingNotification) note = INIT(SIGNALING_NOTIFICATION);
	RM(PeerLeftNotification) left = INIT(PEER_LEFT_NOTIFICATION);
	RM(PeerDisconnectedNotification) off =
		INIT(PEER_DISCONNECTED_NOTIFICATION);

	left.peer_id = off.peer_id = text(r->peer);
	if (r->say == PB_LEFT) {
		note.peer_left = &left;
		note.notification_case = NOTE(PEER_LEFT);
	} else {
		note.peer_disconnected = &off;
		note.notification_case = NOTE(PEER_DISCONNECTED);
	}

	return pack_note(out, m, &note);
}

static int respond_ack(struct pb_bytes *out, RM(SignalingResponse) m,
		       const struct pb_response *r)
{
	RM(AckResponse) ack = INIT(ACK_RESPONSE);

	ack.message = text(r->message);
	ack.data = text(r->data);
	m.ack = &ack;
	m.response_case =
		REMOTEMEDIA__V1__WEBRTC__SIGNALING_RESPONSE__RESPONSE_ACK;

	return pack(out, &m.base);
}

static int respond_error(struct pb_bytes *out, RM(SignalingResponse) m,
			 const struct pb_response *r)
{
	RM(ErrorResponse) error = INIT(ERROR_RESPONSE);

	error.code = r->code;
	error.message = text(r->message);
	error.details = text(r->data);
	m.error = &error;
	m.response_case =
		REMOTEMEDIA__V1__WEBRTC__SIGNALING_RESPONSE__RESPONSE_ERROR;

	return pack(out, &m.base);
}

int pb_response_encode(struct pb_bytes *out, const struct pb_response *r)
{
	RM(SignalingResponse) m = INIT(SIGNALING_RESPONSE);

	m.request_id = text(r->id);
	switch (r->say) {
	case PB_ACK:
		return respond_ack(out, m, r);
	case PB_PEERS:
		return respond_peers(out, m, r);
	case PB_ERROR:
		return respond_error(out, m, r);
	case PB_JOINED:
		return respond_joined(out, m, r->peers);
	case PB_GOT_OFFER:
		return respond_offer(out, m, r);
	case PB_GOT_ANSWER:
		return respond_answer(out, m, r);
	case PB_GOT_CANDIDATE:
		return respond_candidate(out, m, r);
	case PB_LEFT:
	case PB_DISCONNECTED:
		return respond_gone(out, m, r);
	}

	return -EINVAL;
}

int pb_peers_encode(struct pb_bytes *out, const struct pb_peer *peers,
		    size_t len)
{
	RM(GetPeersResponse) m = INIT(GET_PEERS_RESPONSE);
	struct peer_list list;
	int err = put_peers(&list, peers, len);

	m.peers = list.infos;
	m.n_peers = list.len;
	m.count = (uint32_t)list.len;
	if (!err)
		err = pack(out, &m.base);
	list_free(&list);

	return err;
}

int pb_health_encode(struct pb_bytes *out, const struct pb_health *h)
{
	RM(HealthCheckResponse) m = INIT(HEALTH_CHECK_RESPONSE);

	m.status = text(h->status);
	m.uptime_seconds = h->uptime_s;
	m.connected_peers = h->peers;
	m.metrics = text(h->metrics);

	return pack(out, &m.base);
}

int pb_serving_encode(struct pb_bytes *out, enum pb_serving serving)
{
	Grpc__Health__V1__HealthCheckResponse m =
		GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

	m.status = (Grpc__Health__V1__HealthCheckResponse__ServingStatus)
		serving;

	return pack(out, &m.base);
}

/* grpc.reflection.v1 */

#define RE(name) Grpc__Reflection__V1__##name
#define RE_INIT(name) GRPC__REFLECTION__V1__##name##__INIT
/* clang-format off */
#define ANSWER(name) \
	GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##name
/* clang-format on */

static int reflect_files(struct pb_bytes *out,
			 RE(ServerReflectionResponse) m,
			 const struct pb_reflection *r)
{
	RE(FileDescriptorResponse) files = RE_INIT(FILE_DESCRIPTOR_RESPONSE);
	ProtobufCBinaryData *data = calloc(r->files_len, sizeof(*data));
	int err;

	if (!data)
		return -ENOMEM;
	for (size_t i = 0; i < r->files_len; i++) {
		data[i].len = r->files[i].len;
		memcpy(&data[i].data, &r->files[i].bytes,
		       sizeof(data[i].data));
	}
	files.n_file_descriptor_proto = r->files_len;
	files.file_descriptor_proto = data;
	m.file_descriptor_response = &files;
	m.message_response_case = ANSWER(FILE_DESCRIPTOR_RESPONSE);
	err = pack(out, &m.base);
	free(data);

	return err;
}

static int reflect_services(struct pb_bytes *out,
			    RE(ServerReflectionResponse) m,
			    const struct pb_reflection *r)
{
	RE(ListServiceResponse) list = RE_INIT(LIST_SERVICE_RESPONSE);
	RE(ServiceResponse) *services = calloc(r->services_len,
					       sizeof(*services));
	RE(ServiceResponse) **pointers = calloc(r->services_len,
						sizeof(*pointers));
	int err = -ENOMEM;

	if (services && pointers) {
		for (size_t i = 0; i < r->services_len; i++) {
			services[i] = (RE(ServiceResponse))RE_INIT(
				SERVICE_RESPONSE);
			services[i].name = text(r->services[i]);
			pointers[i] = &services[i];
		}
		list.n_service = r->services_len;
		list.service = pointers;
		m.list_services_response = &list;
		m.message_response_case = ANSWER(LIST_SERVICES_RESPONSE);
		err = pack(out, &m.base);
	}
	free(services);
	free(pointers);

	return err;
}

int pb_reflection_encode(struct pb_bytes *out, const struct pb_question *q,
			 const struct pb_reflection *r)
{
	RE(ServerReflectionResponse) m = RE_INIT(SERVER_REFLECTION_RESPONSE);
	RE(ErrorResponse) error = RE_INIT(ERROR_RESPONSE);
	RE(ServerReflectionRequest) *original = q->message;

	m.valid_host = original->host;
	m.original_request = original;
	if (r->files_len)
		return reflect_files(out, m, r);
	if (r->services_len)
		return reflect_services(out, m, r);
	error.error_code = (int32_t)r->error;
	error.error_message = text(r->message);
	m.error_response = &error;
	m.message_response_case = ANSWER(ERROR_RESPONSE);

	return pack(out, &m.base);
}
