/* sound.c - a call's audio rings */

#include "media-worker/sound.h"

#include "common/clock.h"
#include "common/log.h"
#include "media-worker/worker.h"

#include <errno.h>

enum { RECORDS = 64, PACKET = 1500 };

static bool is_routed(struct call *c)
{
	struct graph_tag tag = { c->peer, GRAPH_AUDIO };

	return graph_route(&c->w->graph, tag) == c->peer;
}

static void take(struct call *c, const struct record *rec,
		 const void *payload, struct mono now)
{
	struct record tick = { .kind = RECORD_TICK, .value = rec->value,
			       .level = RECORD_NO_LEVEL,
			       .arrival_us = rec->arrival_us };

	switch (rec->kind) {
	case RECORD_AUDIO:
		count(&c->w->counts.audio_in, 1);
		if (c->audio && is_routed(c))
			(void)!audio_push(c->audio, rec, payload, now);
		break;
	case RECORD_BITRATE:
		if (c->audio)
			audio_bitrate(c->audio, rec->value);
		break;
	case RECORD_TICK:
		(void)!link_send_audio(&c->end, &tick, NULL);
		break;
	default:
		break;
	}
}

/* A sender that changes to stereo needs a ring of another shape. */
void sound_ask_frames(struct call *c)
{
	uint32_t channels = c->audio ? audio_wants_frames(c->audio) : 0;
	struct msg_media_frames_want want = {
		.peer = c->peer, .generation = c->generation,
	};
	struct frame_shape shape;

	if (!channels || channels == c->asked)
		return;
	shape = frames_pcm(channels);
	frames_wish(&want, &shape);
	if (send_media_frames_want(&c->w->wire, &want, NULL, 0, NULL))
		return;
	c->asked = channels;
	c->wished = mono_now();
}

int sound_pump(struct call *c, struct mono now)
{
	struct ering_reader *in = &c->end.audio_in;
	uint8_t payload[PACKET];
	struct record rec;
	uint64_t lost;
	int err;

	if (!c->end.far_audio)
		return 0;
	ering_wake(in);
	for (int n = 0; n < RECORDS; n++) {
		err = ering_read(in, &rec, payload, sizeof(payload), &lost);
		if (err == 1)
			take(c, &rec, payload, now);
		if (err == -EBADMSG)
			return err;
		if (err == 0) {
			sound_ask_frames(c);
			/* Awake while playing: the next tick looks. */
			if (c->audio &&
			    audio_due(c->audio).us != MONO_NEVER.us)
				return 0;
			if (ering_sleep(in))
				return 0;
		}
	}
	sound_ask_frames(c);

	return 1;
}

static int send_sound(struct call *c, const struct record *out,
		      const void *packet)
{
	int err = link_send_audio(&c->end, out, packet);

	if (!err)
		count(&c->w->counts.audio_out, 1);

	return err == -EBADMSG ? err : 0;
}

/* Those who listen to this source have something to do. */
static void wake_listeners(struct call *c)
{
	struct graph_tag tag = { c->peer, GRAPH_AUDIO };

	for (struct call *to = c->room->first; to; to = to->room_next) {
		if (to == c || !to->mixdown ||
		    !route_reaches(tag, to->peer, call_role(to)))
			continue;
		if (audio_open_tap(c->audio))
			return;		/* no memory: they do not hear it */
		mixdown_wake(to->mixdown, audio_heard(c->audio));
		call_arm_mix(to);
	}
}

int sound_tick(struct call *c, struct mono now)
{
	struct graph_tag tag = { c->peer, GRAPH_AUDIO };
	bool back = route_reaches(tag, c->peer, call_role(c));
	uint64_t before = audio_frames(c->audio);
	uint8_t packet[PACKET];
	struct record out;
	int err = sound_pump(c, now);

	if (err < 0)
		return err;
	err = audio_tick(c->audio, now, &out, back ? packet : NULL,
			 sizeof(packet));
	if (err < 0)
		log_fail(err, "sound not coded");
	if (audio_frames(c->audio) != before)
		wake_listeners(c);

	return err == 1 ? send_sound(c, &out, packet) : 0;
}

int sound_mix(struct call *c, struct mono now)
{
	uint8_t packet[PACKET];
	struct record out;
	int err;

	if (!mixdown_begin(c->mixdown, now))
		return 0;
	for (struct call *from = c->room->first; from; from = from->room_next)
		if (from != c && from->audio)
			mixdown_add(c->mixdown, from->peer, from->audio);
	err = mixdown_end(c->mixdown, &out, packet, sizeof(packet));
	if (err < 0)
		log_fail(err, "mix not coded");

	return err == 1 ? send_sound(c, &out, packet) : 0;
}
