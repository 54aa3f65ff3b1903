/*
 * fuzz_media_records.c - records as a hostile ice-worker may write them
 *
 * Each step is a whole struct record taken from the bytes, and a payload:
 * sound and picture paths of the media-worker as its threads drive them,
 * with the checks of what they put out.
 */

#include "media-worker/audio.h"
#include "media-worker/coder.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct audio *audio;
	struct coder *coder;
	struct mono now;
	int64_t audio_time, video_time;
};

static void check(bool ok)
{
	if (!ok)
		abort();
}

static int ring_fd(const struct frame_shape *shape)
{
	int fd = region_create("fuzz", REGION_FRAMES,
			       frame_ring_bytes(shape), 1, 1);

	check(fd >= 0);

	return fd;
}

static void sound(struct world *w, const struct record *rec,
		  const uint8_t *payload)
{
	uint32_t channels;
	struct frame_shape shape;
	int fd;

	(void)!audio_push(w->audio, rec, payload, w->now);
	channels = audio_wants_frames(w->audio);
	if (!channels)
		return;
	shape = frames_pcm(channels);
	fd = ring_fd(&shape);
	check(audio_take_frames(w->audio, &shape, fd) == 0);
	close(fd);
}

static void listen_to(struct world *w)
{
	uint8_t packet[1500];
	struct record out;

	for (int i = 0; i < 10; i++) {
		if (mono_before(w->now, audio_due(w->audio)))
			return;
		if (audio_tick(w->audio, w->now, &out, packet,
			       sizeof(packet)) != 1)
			continue;
		check(out.bytes > 0 && out.bytes <= 1275);
		check(out.rtp_time > w->audio_time);
		w->audio_time = out.rtp_time;
	}
}

static void picture(struct world *w, const struct record *rec,
		    const uint8_t *payload)
{
	struct frame_shape shape;
	const void *bytes;
	struct record out;
	int fd;

	if (rec->kind == RECORD_KEYFRAME)
		coder_force_key(w->coder, (enum record_codec)rec->codec);
	if (rec->kind == RECORD_BITRATE)
		coder_bitrate(w->coder, (enum record_codec)rec->codec,
			      rec->value);
	if (rec->kind != RECORD_VIDEO)
		return;
	(void)!coder_decode(w->coder, rec, payload);
	(void)coder_asks_key(w->coder, w->now);
	if (coder_wants_frames(w->coder, &shape)) {
		if (shape.width * shape.height > 320 * 320) {
			coder_drop(w->coder);	/* time, not paths */
			return;
		}
		fd = ring_fd(&shape);
		check(coder_take_frames(w->coder, &shape, fd) == 0);
		close(fd);
	}
	if (coder_take(w->coder, w->now) != 1)
		return;
	/* Now and then in both codecs. */
	if (rec->seq_first & 1)
		(void)!coder_encode(w->coder, rec->codec == CODEC_VP8 ?
				    CODEC_VP9 : CODEC_VP8, w->now, &out,
				    &bytes);
	if (coder_encode(w->coder, (enum record_codec)rec->codec, w->now, &out,
			 &bytes) == 1) {
		check(out.rtp_time > w->video_time);
		check(out.bytes > 0 && out.width <= 1920);
		w->video_time = out.rtp_time;
	}
}

static void step(struct world *w, const struct record *rec,
		 const uint8_t *payload)
{
	if (rec->kind == RECORD_AUDIO)
		sound(w, rec, payload);
	else
		picture(w, rec, payload);
	if (rec->kind == RECORD_BITRATE)
		audio_bitrate(w->audio, rec->value);
	w->now = mono_add(w->now, (rec->zero8 & 63) * 1000);
	listen_to(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct audio_cfg cfg = { 200000, 64000, 0, 1 };
	struct world w = { .now = mono_at(100000000) };

	check(!audio_new(&w.audio, &cfg) && !coder_new(&w.coder, 1));
	for (int i = 0; size >= sizeof(struct record) && i < 64; i++) {
		struct record rec;
		size_t len;

		memcpy(&rec, data, sizeof(rec));
		data += sizeof(rec);
		size -= sizeof(rec);
		len = rec.bytes & 0xfff;
		rec.bytes = (uint32_t)(len < size ? len : size);
		rec.kind %= RECORD_KINDS;
		/* A moment near ours finds more than one of any time. */
		if (rec.zero8 & 64)
			rec.arrival_us = w.now.us - (rec.value & 0xffff);
		step(&w, &rec, data);
		data += rec.bytes;
		size -= rec.bytes;
	}
	audio_free(w.audio);
	coder_free(w.coder);

	return 0;
}
