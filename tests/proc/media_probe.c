/*
 * media_probe.c - a media-worker between real rings, judged by what returns
 *
 * Plays broker and ice-worker: sends tones, recorded speech and pictures
 * that carry their number, decodes what comes back, and asserts on it.
 * Prints one line a case.
 */

#include "common/clock.h"
#include "port/opus.h"
#include "port/vpx.h"
#include "shm/doorbell.h"
#include "tests/media_kit.h"
#include "tests/media_play.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	SOUND_MAX = 48000 * 2 * 20,	/* values of sound kept */
	PICTURES = 1024,
	CHAT = 262144,
};

/* What a peer sends and what came back to it. */
struct peer {
	struct play_link link;
	/* sound */
	struct opus_enc *enc;
	struct opus_dec *dec;
	uint32_t channels;
	double hz[2];			/* a tone; 0: speech */
	int64_t audio_seq, audio_from;	/* packets sent; when the first was */
	int64_t audio_due;
	int16_t *heard;			/* decoded, channels interleaved */
	size_t heard_len;
	int64_t audio_in, audio_time, audio_gaps;
	unsigned gap_rest;		/* gaps that are no whole ticks */
	/* picture */
	struct vpx_enc *venc;
	struct vpx_dec *vdec;
	enum vpx_kind kind;
	struct kit_picture scene;
	uint32_t fps;
	int64_t video_due, video_seq, video_time;
	uint16_t flags;			/* for the next picture */
	bool send_key, deaf;		/* deaf: to wishes for a key frame */
	uint32_t sent_code;
	int codes[PICTURES];		/* read from what came back */
	uint16_t widths[PICTURES];
	bool keys[PICTURES];
	unsigned seen, unread, late_time, key_wishes;
	int64_t video_out_time;
	/* notes */
	unsigned ticks[3];
};

static struct play play;
static uint8_t buffer[RECORD_PAYLOAD_VIDEO];

#define must(cond, ...)                                                       \
	do {                                                                  \
		if (!(cond))                                                  \
			play_die(__VA_ARGS__);                                \
	} while (0)

static void ok(const char *what, const char *figures)
{
	printf("ok %s%s%s\n", what, figures[0] ? ": " : "", figures);
	fflush(stdout);
}

static void sound_on(struct peer *p, uint32_t channels, double left,
		     double right)
{
	struct opus_enc_cfg cfg = { channels, 64000, 5, 0 };

	opus_enc_free(p->enc);
	opus_dec_free(p->dec);
	must(!opus_enc_new(&p->enc, &cfg) && !opus_dec_new(&p->dec, channels),
	     "codecs of the probe");
	p->channels = channels;
	p->hz[0] = left;
	p->hz[1] = right;
	p->heard_len = 0;
	p->audio_due = mono_now().us;
	if (!p->heard)
		p->heard = malloc(SOUND_MAX * sizeof(int16_t));
}

static void picture_on(struct peer *p, enum vpx_kind kind, uint32_t width,
		       uint32_t height, uint32_t fps)
{
	struct vpx_enc_cfg cfg = { kind, width, height, 800000 };

	vpx_enc_free(p->venc);
	free(p->scene.bytes);
	must(!vpx_enc_new(&p->venc, &cfg) &&
	     !kit_picture_new(&p->scene, width, height), "picture of probe");
	if (!p->vdec || p->kind != kind) {
		vpx_dec_free(p->vdec);
		must(!vpx_dec_new(&p->vdec, kind), "decoder of the probe");
	}
	p->kind = kind;
	p->fps = fps;
	p->video_due = mono_now().us;
}

static void make_sound(struct peer *p, int16_t *pcm)
{
	size_t n;
	const int16_t *speech = kit_speech(&n, NULL);
	int64_t at = p->audio_seq * KIT_FRAME;

	if (p->hz[0] == 0) {
		memcpy(pcm, speech + (size_t)at % (n - KIT_FRAME),
		       KIT_FRAME * sizeof(int16_t));
		return;
	}
	for (uint32_t c = 0; c < p->channels; c++)
		kit_tone(pcm + c, KIT_FRAME, p->channels, p->hz[c], at);
}

static void send_sound(struct peer *p)
{
	int16_t pcm[KIT_FRAME * 2];
	uint8_t packet[1500];
	struct record rec = {
		.kind = RECORD_AUDIO, .codec = CODEC_OPUS, .track = 0,
		.seq_first = p->audio_seq, .seq_last = p->audio_seq,
		.rtp_time = 1000000 + p->audio_seq * KIT_FRAME,
		.arrival_us = mono_now().us,
	};
	int n;

	make_sound(p, pcm);
	n = opus_enc_run(p->enc, pcm, packet, sizeof(packet));
	must(n > 0, "probe's encoder");
	rec.bytes = (uint32_t)n;
	must(!link_send_audio(&p->link.end, &rec, packet), "audio not sent");
	p->audio_seq++;
}

static void send_picture(struct peer *p)
{
	struct vpx_picture in = {
		{ p->scene.plane[0], p->scene.plane[1], p->scene.plane[2] },
		{ p->scene.stride[0], p->scene.stride[1],
		  p->scene.stride[2] }, p->scene.width, p->scene.height };
	struct vpx_coded coded;
	struct record rec;

	kit_picture_draw(&p->scene, p->sent_code++);
	p->video_time += 90000 / p->fps;
	must(!vpx_enc_run(p->venc, &in, p->video_time, 90000 / p->fps,
			  p->send_key, &coded), "probe's video encoder");
	p->send_key = false;
	if (!coded.bytes)
		return;
	rec = (struct record){
		.kind = RECORD_VIDEO, .track = 1,
		.codec = p->kind == VPX_VP9 ? CODEC_VP9 : CODEC_VP8,
		.flags = (uint16_t)(p->flags | (coded.key ? RECORD_KEY : 0)),
		.bytes = (uint32_t)coded.len, .seq_first = p->video_seq,
		.seq_last = p->video_seq, .rtp_time = p->video_time,
		.arrival_us = mono_now().us,
	};
	p->video_seq++;
	p->flags = 0;
	must(!link_send_video(&p->link.end, &rec, coded.bytes),
	     "video not sent");
}

static void hear(struct peer *p, const struct record *rec)
{
	int16_t pcm[5760 * 2];
	int n;

	must(rec->kind == RECORD_AUDIO && rec->codec == CODEC_OPUS,
	     "kind %d in the audio ring", rec->kind);
	if (p->audio_time && rec->rtp_time != p->audio_time + KIT_FRAME) {
		p->audio_gaps++;
		p->gap_rest += (rec->rtp_time - p->audio_time) % KIT_FRAME != 0;
	}
	must(rec->rtp_time > p->audio_time, "media time runs backwards");
	must(rec->arrival_us <= mono_now().us &&
	     rec->arrival_us > mono_now().us - 5000000, "arrival_us is wrong");
	p->audio_time = rec->rtp_time;
	p->audio_in++;
	if (!p->dec)
		return;
	n = opus_dec_run(p->dec, buffer, rec->bytes, pcm, 5760);
	must(n == KIT_FRAME, "returned packet decodes to %d samples", n);
	if (p->heard_len + (size_t)n * p->channels <= SOUND_MAX) {
		memcpy(p->heard + p->heard_len, pcm,
		       (size_t)n * p->channels * sizeof(int16_t));
		p->heard_len += (size_t)n * p->channels;
	}
}

static void see(struct peer *p, const struct record *rec)
{
	struct vpx_picture pic;
	unsigned i = p->seen % PICTURES;
	int n;

	must(rec->codec == (p->kind == VPX_VP9 ? CODEC_VP9 : CODEC_VP8),
	     "another codec came back");
	must(rec->rtp_time > p->video_out_time, "video time runs backwards");
	p->video_out_time = rec->rtp_time;
	n = vpx_dec_run(p->vdec, buffer, rec->bytes, &pic);
	must(n == 1, "returned picture does not decode: %d", n);
	must(rec->width == pic.width && rec->height == pic.height,
	     "size of record and picture differ");
	p->codes[i] = kit_picture_read(pic.plane[0], pic.stride[0], pic.width,
				       pic.height);
	p->widths[i] = (uint16_t)pic.width;
	p->keys[i] = rec->flags & RECORD_KEY;
	if (p->codes[i] < 0)
		p->unread++;
	p->seen++;
}

/* The worker wants a key frame: a sender gives it. */
static void hear_wish(struct peer *p)
{
	p->key_wishes++;
	p->send_key |= !p->deaf;
}

static void read_rings(struct peer *p)
{
	struct link_end *e = &p->link.end;
	struct record rec;
	uint64_t lost;

	while (e->far_audio && ering_read(&e->audio_in, &rec, buffer,
					  sizeof(buffer), &lost) == 1) {
		if (rec.kind == RECORD_TICK)
			p->ticks[0]++;
		else
			hear(p, &rec);
	}
	while (e->far_video && ering_read(&e->video_in, &rec, buffer,
					  sizeof(buffer), &lost) == 1) {
		if (rec.kind == RECORD_TICK)
			p->ticks[1]++;
		else if (rec.kind == RECORD_KEYFRAME)
			hear_wish(p);
		else
			see(p, &rec);
	}
}

/* Time passes: sends what is due, reads what came, serves the worker. */
static void live(struct peer **peers, unsigned n, int64_t for_us)
{
	int64_t until = mono_now().us + for_us;

	while (mono_now().us < until) {
		for (unsigned i = 0; i < n; i++) {
			struct peer *p = peers[i];
			int64_t now = mono_now().us;

			if (p->enc && now >= p->audio_due) {
				send_sound(p);
				p->audio_due += 20000;
			}
			if (p->venc && now >= p->video_due) {
				send_picture(p);
				p->video_due += 1000000 / p->fps;
			}
			read_rings(p);
		}
		if (play.ctl >= 0)
			play_turn(&play, 2);
		else
			usleep(2000);
	}
}

static void live_one(struct peer *p, int64_t for_us)
{
	live(&p, 1, for_us);
}

/* Until so many packets and pictures have come back in all; what takes
 * longer than any machine needs is a failure. */
static void live_until(struct peer *p, int64_t packets, unsigned pictures)
{
	int64_t until = mono_now().us + 60000000;

	while (p->audio_in < packets || p->seen < pictures) {
		must(mono_now().us < until,
		     "in 60 s %d of %d packets and %u of %u pictures",
		     (int)p->audio_in, (int)packets, p->seen, pictures);
		live_one(p, 20000);
	}
}

/* Sound went on without a break: a machine that stood still may cost whole
 * ticks now and then, our clock never slips. */
static void must_flow(const struct peer *p)
{
	must(p->gap_rest == 0 && p->audio_gaps <= 2,
	     "%d gaps in media time, %u of them slips", (int)p->audio_gaps,
	     p->gap_rest);
}

static void drop_peer(struct peer *p)
{
	opus_enc_free(p->enc);
	opus_dec_free(p->dec);
	vpx_enc_free(p->venc);
	vpx_dec_free(p->vdec);
	free(p->scene.bytes);
	free(p->heard);
	*p = (struct peer){ 0 };
}

/* Pictures that came back, in order and readable. */
static unsigned good_codes(const struct peer *p, unsigned from)
{
	unsigned good = 0;
	int last = -1;

	for (unsigned i = from; i < p->seen; i++) {
		if (p->codes[i] < 0)
			continue;
		must(p->codes[i] > last, "picture %d after %d", p->codes[i],
		     last);
		last = p->codes[i];
		good++;
	}

	return good;
}

static void tone_comes_back(void)
{
	struct peer p = { 0 };
	double pitch;
	char text[80];

	play_link(&play, &p.link, 1, 1, LINK_AUDIO);
	sound_on(&p, 1, 440, 0);
	live_until(&p, 120, 0);
	must_flow(&p);
	must(p.audio_seq - p.audio_in < 25, "%d packets for %d",
	     (int)p.audio_in, (int)p.audio_seq);
	pitch = kit_pitch(p.heard + p.heard_len - 48000, 48000, 1);
	must(fabs(pitch - 440) < 3, "440 Hz came back as %.1f", pitch);
	snprintf(text, sizeof(text), "%d packets, %.1f Hz", (int)p.audio_in,
		 pitch);
	play_unlink(&play, &p.link);
	drop_peer(&p);
	ok("a tone of 440 Hz comes back, media time without a gap", text);
}

static void stereo_stays_stereo(void)
{
	struct peer p = { 0 };
	double left, right;
	size_t from;
	char text[80];

	play_link(&play, &p.link, 2, 1, LINK_AUDIO);
	sound_on(&p, 2, 500, 900);
	live_until(&p, 95, 0);
	from = p.heard_len - 48000;
	left = kit_pitch(p.heard + from, 24000, 2);
	right = kit_pitch(p.heard + from + 1, 24000, 2);
	must(fabs(left - 500) < 4 && fabs(right - 900) < 4,
	     "500 and 900 Hz came back as %.1f and %.1f", left, right);
	snprintf(text, sizeof(text), "%.1f Hz, %.1f Hz", left, right);
	play_unlink(&play, &p.link);
	drop_peer(&p);
	ok("two channels stay two", text);
}

/* How alike two curves of loudness are, at the best shift; -1 to 1. */
static double alike(const double *a, const double *b, int n, int shifts)
{
	double best = -1;

	for (int s = 0; s < shifts; s++) {
		double ab = 0, aa = 0, bb = 0, ma = 0, mb = 0;
		int m = n - s;

		for (int i = 0; i < m; i++) {
			ma += a[i] / m;
			mb += b[i + s] / m;
		}
		for (int i = 0; i < m; i++) {
			ab += (a[i] - ma) * (b[i + s] - mb);
			aa += (a[i] - ma) * (a[i] - ma);
			bb += (b[i + s] - mb) * (b[i + s] - mb);
		}
		if (aa > 0 && bb > 0 && ab / sqrt(aa * bb) > best)
			best = ab / sqrt(aa * bb);
	}

	return best;
}

/* One run; how alike it is. */
static double speak(const char **kind)
{
	enum { BLOCK = 480, BLOCKS = 350 };	/* of 10 ms */
	static double sent[BLOCKS], got[BLOCKS];
	const int16_t *speech;
	struct peer p = { 0 };
	double like = 0;
	size_t n;
	int real;

	speech = kit_speech(&n, &real);
	play_link(&play, &p.link, 3, 1, LINK_AUDIO);
	sound_on(&p, 1, 0, 0);
	live_until(&p, BLOCK * BLOCKS / KIT_FRAME + 1, 0);
	for (int i = 0; i < BLOCKS; i++) {
		sent[i] = kit_loudness(speech + i * BLOCK, BLOCK);
		got[i] = kit_loudness(p.heard + i * BLOCK, BLOCK);
	}
	/* Second by second: time may have been stretched between them. */
	for (int i = 0; i + 150 <= BLOCKS; i += 100)
		like += alike(sent + i, got + i, 150, 50) / 3;
	*kind = real ? "recorded" : "synthetic";
	play_unlink(&play, &p.link);
	drop_peer(&p);

	return like;
}

/* Where the machine stood still for longer than the jitter buffer holds,
 * speech is concealed, as it should be: then it is said again. */
static void speech_comes_back(void)
{
	enum { RUNS = 5 };
	const char *kind = "";
	char text[80];
	double like = 0;
	int runs = 0;

	while (like <= 0.85 && runs++ < RUNS)
		like = speak(&kind);
	must(like > 0.85, "speech came back %.3f alike", like);
	snprintf(text, sizeof(text), "%s, envelope %.3f alike, run %d", kind,
		 like, runs);
	ok("speech comes back as it was", text);
}

static void pictures_come_back(enum vpx_kind kind)
{
	struct peer p = { 0 };
	unsigned good, small, before;
	char text[96];

	play_link(&play, &p.link, 4, 1, LINK_VIDEO);
	picture_on(&p, kind, 320, 180, 15);
	live_until(&p, 0, 20);
	small = p.seen;
	must(p.keys[0], "the first picture is no key frame");
	good = good_codes(&p, 0);
	must(p.seen - good <= 2, "%u of %u pictures readable", good, p.seen);
	/* The size changes within the call, without a word. */
	picture_on(&p, kind, 640, 360, 15);
	before = p.seen;
	live_until(&p, 0, before + 20);
	good = good_codes(&p, before);
	must(p.widths[p.seen - 1] == 640, "the new size did not come back");
	must(p.seen - before - good <= 2, "%u of %u readable after the change",
	     good, p.seen - before);
	snprintf(text, sizeof(text), "%s, %u of 320x180, then %u of 640x360",
		 kind == VPX_VP9 ? "VP9" : "VP8", small, p.seen - small);
	play_unlink(&play, &p.link);
	drop_peer(&p);
	ok("pictures come back readable, the size changes with them", text);
}

static void send_up(struct peer *p, enum record_kind kind, uint32_t value)
{
	struct record rec = { .kind = (uint8_t)kind, .value = value,
			      .level = RECORD_NO_LEVEL };

	must(!link_send_video(&p->link.end, &rec, NULL), "note not sent");
}

static unsigned keys_from(const struct peer *p, unsigned from)
{
	unsigned n = 0;

	for (unsigned i = from; i < p->seen; i++)
		n += p->keys[i];

	return n;
}

static void key_frames_on_request(void)
{
	struct peer p = { 0 };
	unsigned before, most;
	int64_t from;

	play_link(&play, &p.link, 5, 1, LINK_VIDEO);
	picture_on(&p, VPX_VP9, 320, 180, 20);
	live_until(&p, 0, 12);
	before = p.seen;
	must(keys_from(&p, 1) == 0, "key frames that nobody wanted");
	from = mono_now().us;
	/* A request with every picture: one in 300 ms is answered. */
	for (int i = 0; i < 20 || p.seen < before + 18; i++) {
		must(i < 400, "pictures stopped");
		send_up(&p, RECORD_KEYFRAME, 0);
		live_one(&p, 50000);
	}
	must(keys_from(&p, before) >= 2, "%u key frames for 20 requests",
	     keys_from(&p, before));
	most = (unsigned)((mono_now().us - from) / 300000) + 1;
	must(keys_from(&p, before) <= most, "%u key frames, %u were due",
	     keys_from(&p, before), most);
	/* After a gap the worker asks the sender, and goes on with its key. */
	p.key_wishes = 0;
	p.deaf = true;
	p.flags = RECORD_GAP;
	for (int i = 0; !p.key_wishes; i++) {
		must(i < 400, "a gap, and no request for a key frame");
		live_one(&p, 50000);
	}
	before = p.seen;
	live_one(&p, 200000);
	must(p.seen == before, "pictures out of a broken chain");
	p.send_key = true;
	live_until(&p, 0, before + 5);
	must(p.seen - before - good_codes(&p, before) <= 1,
	     "nothing readable after the key frame");
	play_unlink(&play, &p.link);
	drop_peer(&p);
	ok("key frames: on request at most every 300 ms, asked for after a gap",
	   "");
}

static void input_is_held_for_the_frame_ring(void)
{
	struct peer p = { 0 };

	play.keep_frames = true;
	play_link(&play, &p.link, 6, 1, LINK_VIDEO);
	picture_on(&p, VPX_VP8, 320, 180, 10);
	for (int i = 0; play.kept.width != 320; i++) {
		must(i < 400, "no wish for a ring");
		live_one(&p, 50000);
	}
	live_one(&p, 200000);
	must(p.seen == 0, "pictures without a ring");
	play_give_frames(&play);
	live_until(&p, 0, 4);
	must(p.keys[0] && p.codes[0] == 0, "began at picture %d, key %d",
	     p.codes[0], p.keys[0]);
	play_unlink(&play, &p.link);
	drop_peer(&p);
	ok("a key frame waits for the frame ring and is not lost", "");
}

static void a_wish_without_answer_is_repeated(void)
{
	struct peer p = { 0 };
	unsigned asked = play.wants;

	play.keep_frames = true;
	play_link(&play, &p.link, 16, 1, LINK_AUDIO);
	sound_on(&p, 1, 440, 0);
	for (int i = 0; play.wants < asked + 2; i++) {
		must(i < 400, "%u wishes", play.wants - asked);
		live_one(&p, 50000);
	}
	must(p.audio_in == 0, "sound without a ring");
	play_give_frames(&play);
	live_until(&p, 20, 0);
	must_flow(&p);
	play_unlink(&play, &p.link);
	drop_peer(&p);
	ok("a wish for a frame ring without an answer is repeated", "");
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;

	return *seed >> 8;
}

static void fill_chat(uint8_t *bytes, uint32_t len, uint32_t number)
{
	uint32_t seed = number;

	for (uint32_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)next_random(&seed);
}

static uint32_t chat_len(uint32_t number)
{
	uint32_t seed = number * 77 + 5;

	if (number % 25 == 24)
		return CHAT;
	if (number % 10 == 3)
		return 0;

	return next_random(&seed) % 40000;
}

static bool send_chat(struct peer *p, uint32_t number)
{
	static uint8_t bytes[CHAT];
	struct record rec = {
		.kind = RECORD_DATA, .level = RECORD_NO_LEVEL,
		.flags = number & 1 ? RECORD_BINARY : 0,
		.value = number % 7, .bytes = chat_len(number),
	};
	int err;

	fill_chat(bytes, rec.bytes, number);
	err = link_send_data(&p->link.end, &rec, bytes);
	must(!err || err == -EAGAIN, "data: %d", err);

	return !err;
}

static bool read_chat(struct peer *p, uint32_t number)
{
	static uint8_t got[CHAT], want[CHAT];
	struct record rec;
	int n = link_recv_data(&p->link.end, &rec, got, sizeof(got));

	must(n >= 0, "down data ring: %d", n);
	if (!n)
		return false;
	must(rec.kind == RECORD_DATA && rec.bytes == chat_len(number) &&
	     rec.value == number % 7 &&
	     (rec.flags & RECORD_BINARY) == (number & 1 ? RECORD_BINARY : 0),
	     "message %u came back otherwise", number);
	fill_chat(want, rec.bytes, number);
	must(!memcmp(got, want, rec.bytes), "bytes of message %u", number);

	return true;
}

static void data_comes_back_whole(void)
{
	enum { MESSAGES = 300 };
	struct peer p = { 0 };
	uint32_t sent = 0, got = 0, stuck_at;
	int64_t until;
	char text[80];

	play_link(&play, &p.link, 7, 1, LINK_DATA);
	/* Nobody reads: both rings fill, and sending stops. */
	until = mono_now().us + 600000;
	while (mono_now().us < until && sent < MESSAGES) {
		if (send_chat(&p, sent))
			sent++;
		else
			usleep(1000);
	}
	stuck_at = sent;
	must(sent < MESSAGES, "no back-pressure");
	/* Now it is read: all comes, in order, byte for byte. */
	until = mono_now().us + 10000000;
	while (got < MESSAGES) {
		must(mono_now().us < until, "%u of %u messages came back", got,
		     MESSAGES);
		while (read_chat(&p, got))
			got++;
		while (sent < MESSAGES && send_chat(&p, sent))
			sent++;
		play_turn(&play, 1);
	}
	snprintf(text, sizeof(text), "%u messages, the sender stopped at %u",
		 got, stuck_at);
	play_unlink(&play, &p.link);
	drop_peer(&p);
	ok("data comes back byte for byte, with back-pressure", text);
}

static void ticks_come_back(void)
{
	struct peer p = { 0 };
	struct record tick = { .kind = RECORD_TICK }, rec;
	unsigned data = 0;

	play_link(&play, &p.link, 8, 1, LINK_AUDIO | LINK_VIDEO | LINK_DATA);
	for (int i = 0; i < 50; i++) {
		must(!link_send_audio(&p.link.end, &tick, NULL) &&
		     !link_send_video(&p.link.end, &tick, NULL) &&
		     !link_send_data(&p.link.end, &tick, NULL), "ticks");
		live_one(&p, 2000);
	}
	for (int i = 0; i < 400 && p.ticks[0] + p.ticks[1] + data < 150; i++) {
		live_one(&p, 10000);
		while (link_recv_data(&p.link.end, &rec, buffer,
				      sizeof(buffer)) == 1)
			data += rec.kind == RECORD_TICK;
	}
	must(p.ticks[0] == 50 && p.ticks[1] == 50 && data == 50,
	     "%u %u %u of 50 ticks", p.ticks[0], p.ticks[1], data);
	play_unlink(&play, &p.link);
	ok("an empty record comes back in each ring", "");
}

/* Overwrites what the reader believes of a ring. */
static void vandalise(struct play_link *l)
{
	memset((char *)l->end.own_media.base + 64, 0xff,
	       l->end.own_media.bytes - 64);
	doorbell_ring(l->end.ring_audio_fd);
	doorbell_ring(l->end.ring_video_fd);
}

static void a_broken_ring_breaks_its_link_only(void)
{
	struct peer good = { 0 }, bad = { 0 };
	struct peer *both[2] = { &good, &bad };
	unsigned broken = play.broken;

	play_link(&play, &good.link, 9, 1, LINK_AUDIO | LINK_VIDEO);
	play_link(&play, &bad.link, 10, 1, LINK_AUDIO | LINK_VIDEO);
	sound_on(&good, 1, 440, 0);
	picture_on(&good, VPX_VP8, 160, 120, 10);
	sound_on(&bad, 1, 300, 0);
	for (int i = 0; bad.audio_in <= 10; i++) {
		must(i < 400, "the second peer never spoke");
		live(both, 2, 50000);
	}
	vandalise(&bad.link);
	live_until(&good, good.audio_in + 50, good.seen + 8);
	must(play.broken == broken + 1 && play.broken_peer == 10 &&
	     play.broken_why == WHY_PROTOCOL, "%u links broken, why %u",
	     play.broken - broken, play.broken_why);
	must_flow(&good);
	play_unlink(&play, &bad.link);
	play_unlink(&play, &good.link);
	drop_peer(&good);
	drop_peer(&bad);
	ok("a broken ring ends its own link and nobody else's", "");
}

static void a_new_broker_finds_all_as_it_was(void)
{
	struct peer p = { 0 };
	unsigned holds = play.holds;

	play_link(&play, &p.link, 11, 3, LINK_AUDIO | LINK_VIDEO);
	sound_on(&p, 1, 440, 0);
	picture_on(&p, VPX_VP9, 320, 180, 10);
	live_until(&p, 30, 5);
	play_hang_up(&play);
	live_until(&p, p.audio_in + 50, p.seen + 8);
	play_dial(&play);
	live_until(&p, p.audio_in + 15, p.seen + 2);
	must(play.links_said == 1 && play.holds == holds + 1,
	     "it holds %u links and named %u", play.links_said,
	     play.holds - holds);
	must_flow(&p);
	must(p.unread <= 1, "%u pictures unreadable", p.unread);
	play_unlink(&play, &p.link);
	drop_peer(&p);
	ok("calls go on without a broker, a new one is told what is held", "");
}

static void killed_and_replaced(const char *path)
{
	struct peer p = { 0 };
	struct play_link old;
	int64_t at, time, gap_us, up_us;
	unsigned before;
	char text[80];

	play_link(&play, &p.link, 12, 1, LINK_AUDIO | LINK_VIDEO);
	sound_on(&p, 1, 440, 0);
	picture_on(&p, VPX_VP9, 320, 180, 15);
	live_until(&p, 40, 10);
	time = p.audio_time;
	before = p.seen;
	p.audio_gaps = 0;
	play_kill(&play);
	at = mono_now().us;
	play_start(&play, path);
	old = p.link;
	play_link(&play, &p.link, 12, 2, LINK_AUDIO | LINK_VIDEO);
	play_unlink(NULL, &old);
	p.key_wishes = 0;
	p.audio_due = p.video_due = mono_now().us;
	p.audio_seq += (mono_now().us - at) / 20000;
	up_us = mono_now().us - at;
	for (int i = 0; !p.key_wishes; i++) {
		must(i < 400, "the successor asks for no key frame");
		live_one(&p, 20000);
	}
	live_until(&p, p.audio_in + 40, before + 8);
	/* Media time is the machine's clock: no jump but the time it took. */
	gap_us = mono_now().us - p.audio_time * 125 / 6;
	must(p.audio_time > time && gap_us > -40000 && gap_us < 2000000,
	     "media time is off by %d ms", (int)(gap_us / 1000));
	must(p.keys[before % PICTURES], "no key frame after the change");
	must(p.seen - before - good_codes(&p, before) <= 2,
	     "%u pictures after the change", p.seen - before);
	snprintf(text, sizeof(text), "new process and link in %d ms",
		 (int)(up_us / 1000));
	play_unlink(&play, &p.link);
	drop_peer(&p);
	ok("a killed worker is replaced, the call goes on", text);
}

static void a_newer_link_takes_over(void)
{
	struct peer p = { 0 };
	struct play_link old;

	play_link(&play, &p.link, 13, 1, LINK_AUDIO);
	sound_on(&p, 1, 440, 0);
	live_until(&p, 40, 0);
	old = p.link;
	play_link(&play, &p.link, 13, 2, LINK_AUDIO | LINK_VIDEO);
	picture_on(&p, VPX_VP8, 320, 180, 10);
	play_unlink(NULL, &old);
	live_until(&p, 100, 9);
	must_flow(&p);
	must(good_codes(&p, 0) >= 8, "no picture in the newer link");
	play_unlink(&play, &p.link);
	drop_peer(&p);
	ok("a newer link with a picture takes over, sound goes on", "");
}

/* The next answer is media_link_broken of this link. */
static void must_break(unsigned from, const struct play_link *l, uint32_t why)
{
	play_wait(&play, &play.broken, from, "media_link_broken");
	must(play.broken == from + 1 && play.broken_peer == l->peer &&
	     play.broken_generation == l->generation &&
	     play.broken_why == why, "link %d of %d is broken, why %u",
	     (int)play.broken_generation, (int)play.broken_peer,
	     play.broken_why);
}

/* A broker dies after each step of a link's set-up, the next one begins
 * again. */
static void a_link_is_set_up_anew(void)
{
	struct peer p = { 0 };
	struct play_link old, half;
	unsigned mapped, broken;

	play_link(&play, &p.link, 20, 4, LINK_AUDIO);
	sound_on(&p, 1, 440, 0);
	live_until(&p, 20, 0);
	for (uint64_t generation = 5; generation >= 4; generation--) {
		mapped = play.mapped;
		play_link_own(&play, &half, 20, generation, LINK_AUDIO);
		play_wait(&play, &play.mapped, mapped, "media_link_mapped");
		play_unlink(NULL, &half);
		play_hang_up(&play);
		play_dial(&play);
		must(play.links_said == 1, "it holds %u", play.links_said);
	}
	/* The same number again, then the number that flows. */
	for (int i = 0; i < 2; i++) {
		old = p.link;
		play_link(&play, &p.link, 20, 5, LINK_AUDIO);
		play_unlink(NULL, &old);
		live_until(&p, p.audio_in + 30, 0);
	}
	broken = play.broken;
	play_link_own(&play, &half, 20, 4, LINK_AUDIO);
	must_break(broken, &half, WHY_RESOURCES);
	play_unlink(NULL, &half);
	live_until(&p, p.audio_in + 20, 0);
	must_flow(&p);
	play_unlink(&play, &p.link);
	drop_peer(&p);
	ok("a link half set up is set up anew, an older one is refused", "");
}

static void a_close_ends_what_was_meant(void)
{
	struct peer p = { 0 };

	play_link(&play, &p.link, 21, 5, LINK_AUDIO | LINK_VIDEO);
	sound_on(&p, 1, 440, 0);
	live_until(&p, 10, 0);
	play_close(&play, 21, 4);
	play_hang_up(&play);
	play_dial(&play);
	must(play.links_said == 1, "closed by an older number");
	live_until(&p, p.audio_in + 30, 0);
	must_flow(&p);
	play_close(&play, 21, 5);
	play_turn(&play, 100);
	for (int i = 0; play.links_said; i++) {
		must(i < 100, "not closed");
		play_turn(&play, 20);
		play_hang_up(&play);
		play_dial(&play);
	}
	play_unlink(NULL, &p.link);
	drop_peer(&p);
	ok("media_peer_close ends links up to its generation", "");
}

static void open_half(uint64_t peer)
{
	struct play_link half;
	unsigned mapped = play.mapped;

	play_link_own(&play, &half, peer, 1, LINK_AUDIO);
	play_wait(&play, &play.mapped, mapped, "media_link_mapped");
	play_unlink(NULL, &half);
}

static void refuse(uint64_t peer)
{
	struct play_link half;
	unsigned broken = play.broken;

	play_link_own(&play, &half, peer, 1, LINK_AUDIO);
	must_break(broken, &half, WHY_RESOURCES);
	play_unlink(NULL, &half);
}

static void one_link_too_many(void)
{
	enum { LINKS = 512, FIRST = 1000 };
	struct peer p = { 0 };

	play_link(&play, &p.link, 22, 1, LINK_AUDIO);
	sound_on(&p, 1, 440, 0);
	live_until(&p, 10, 0);
	for (unsigned i = 1; i < LINKS; i++) {
		open_half(FIRST + i);
		if (i % 8 == 0)
			live_one(&p, 1000);
	}
	refuse(FIRST + LINKS);
	refuse(FIRST + LINKS + 1);
	live_until(&p, p.audio_in + 20, 0);
	/* One goes, one has room. */
	play_close(&play, FIRST + 1, 1);
	play_hang_up(&play);
	play_dial(&play);
	open_half(FIRST + LINKS);
	refuse(FIRST + 1);
	live_until(&p, p.audio_in + 20, 0);
	must(p.gap_rest == 0, "%u slips of media time", p.gap_rest);
	for (unsigned i = 2; i <= LINKS; i++)
		play_close(&play, FIRST + i, 1);
	play_unlink(&play, &p.link);
	drop_peer(&p);
	ok("the 513th link is refused, the others go on", "");
}

static void bad_regions_break_their_link_only(void)
{
	struct peer p = { 0 };
	struct play_link bad;
	unsigned broken, mapped;

	play_link(&play, &p.link, 23, 1, LINK_AUDIO);
	sound_on(&p, 1, 440, 0);
	live_until(&p, 10, 0);
	/* Smaller than their kinds need. */
	mapped = play.mapped;
	play_link_own(&play, &bad, 24, 1, LINK_AUDIO);
	play_wait(&play, &play.mapped, mapped, "media_link_mapped");
	broken = play.broken;
	bad.generation = 2;
	must(!send_media_link_own(&play.to_fds, &(struct msg_media_link_own){
			.peer = 24, .generation = 2, .session = 24,
			.kinds = LINK_AUDIO | LINK_VIDEO }, NULL, 0,
			bad.media), "media_link_own not sent");
	must_break(broken, &bad, WHY_RESOURCES);
	play_unlink(&play, &bad);
	/* Not sealed; and a head that its writer spoilt. */
	for (int sealed = 0; sealed < 2; sealed++) {
		mapped = play.mapped;
		play_link_own(&play, &bad, 25, 1, LINK_AUDIO | LINK_VIDEO);
		play_wait(&play, &play.mapped, mapped, "media_link_mapped");
		if (sealed)
			memset(bad.end.own_media.base, 0xff, 64);
		broken = play.broken;
		play_link_far(&play, &bad, sealed);
		must_break(broken, &bad,
			   sealed ? WHY_PROTOCOL : WHY_RESOURCES);
		play_unlink(&play, &bad);
	}
	live_until(&p, p.audio_in + 20, 0);
	must_flow(&p);
	play_unlink(&play, &p.link);
	drop_peer(&p);
	ok("bad regions break their link, each with whose fault it is", "");
}

/* A frame ring that cannot be mapped is not wished for over and over. */
static void a_bad_frame_ring_breaks_its_link(enum link_kinds kind)
{
	struct msg_media_frames answer;
	struct peer p = { 0 };
	unsigned broken, wants;
	int fd;

	play.keep_frames = true;
	play.kept.slots = 0;
	play_link(&play, &p.link, 26, 1, kind);
	if (kind == LINK_AUDIO)
		sound_on(&p, 1, 440, 0);
	else
		picture_on(&p, VPX_VP8, 160, 120, 10);
	for (int i = 0; !play.kept.slots; i++) {
		must(i < 400, "no wish for a ring");
		live_one(&p, 50000);
	}
	broken = play.broken;
	wants = play.wants;
	memcpy(&answer, &play.kept, sizeof(answer));
	fd = region_create("bad", REGION_FRAMES, 4096, 1, 26);
	must(fd >= 0 && !send_media_frames(&play.to_fds, &answer, NULL, 0,
					   &fd), "media_frames not sent");
	close(fd);
	must_break(broken, &p.link, WHY_RESOURCES);
	live_one(&p, 300000);
	must(play.wants <= wants + 1, "%u wishes after it",
	     play.wants - wants);
	play.keep_frames = false;
	play.kept.slots = 0;
	play_unlink(&play, &p.link);
	drop_peer(&p);
	ok("a frame ring of no use breaks its link",
	   kind == LINK_AUDIO ? "sound" : "picture");
}

/* Each link has all its bells and a frame ring under way; the next one would
 * leave no room for the descriptors of a message. */
static void few_descriptors(const char *path)
{
	enum { LINKS = 5, FILES = 64 + 4 * LINKS };
	struct peer peers[LINKS] = { 0 }, *list[LINKS];

	play.files = FILES;
	play_start(&play, path);
	for (unsigned i = 0; i < LINKS; i++) {
		list[i] = &peers[i];
		play_link(&play, &peers[i].link, 30 + i, 1,
			  LINK_AUDIO | LINK_VIDEO | LINK_DATA);
		sound_on(&peers[i], 1, 300, 0);
		picture_on(&peers[i], VPX_VP8, 160, 120, 5);
	}
	refuse(40);
	for (unsigned i = 0; i < LINKS; i++)
		for (int n = 0; peers[i].audio_in < 10 || peers[i].seen < 2;
		     n++) {
			must(n < 400, "peer %u is silent", i);
			live(list, LINKS, 50000);
		}
	refuse(40);
	for (unsigned i = 0; i < LINKS; i++) {
		play_unlink(&play, &peers[i].link);
		drop_peer(&peers[i]);
	}
	play_quit(&play);
	play.files = 0;
	ok("with few descriptors it takes as many links as they suffice for",
	   "");
}

static void it_leaves_when_nobody_is_left(const char *path)
{
	struct peer p = { 0 };
	int64_t until, from;
	int status;
	char text[80];

	play.alone = "4";
	play_start(&play, path);
	play.alone = NULL;
	play_link(&play, &p.link, 41, 1, LINK_AUDIO);
	/* A broker and no sound, sound and no broker: both are company. */
	live_one(&p, 7000000);
	sound_on(&p, 1, 440, 0);
	live_until(&p, 20, 0);
	play_hang_up(&play);
	live_one(&p, 7000000);
	live_until(&p, p.audio_in + 20, 0);
	must(waitpid(play.pid, &status, WNOHANG) == 0, "it left too early");
	from = mono_now().us;
	until = from + 60000000;
	while (waitpid(play.pid, &status, WNOHANG) == 0) {
		must(mono_now().us < until, "alone, and it does not leave");
		usleep(20000);
	}
	must(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	     "status %#x when alone", (unsigned)status);
	must(mono_now().us - from > 2900000, "it did not wait");
	snprintf(text, sizeof(text), "after %d ms of 4 s and a look",
		 (int)((mono_now().us - from) / 1000));
	play_unlink(NULL, &p.link);
	drop_peer(&p);
	ok("without broker and sound it leaves", text);
}

static void it_leaves_when_told(void)
{
	struct peer p = { 0 };
	int status;

	play_link(&play, &p.link, 14, 1, LINK_AUDIO | LINK_VIDEO);
	sound_on(&p, 1, 440, 0);
	picture_on(&p, VPX_VP9, 320, 180, 10);
	live_until(&p, 10, 2);
	status = play_quit(&play);
	must(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	     "status %#x on media_quit", (unsigned)status);
	play_unlink(NULL, &p.link);
	drop_peer(&p);
	ok("media_quit ends it with status 0, calls or not", "");
}

static void sigterm_ends_it(const char *path)
{
	struct peer p = { 0 };
	int status = -1;

	play_start(&play, path);
	play_link(&play, &p.link, 15, 1, LINK_AUDIO);
	sound_on(&p, 1, 440, 0);
	live_until(&p, 10, 0);
	kill(play.pid, SIGINT);
	live_until(&p, p.audio_in + 10, 0);
	kill(play.pid, SIGTERM);
	must(waitpid(play.pid, &status, 0) == play.pid, "not reaped");
	must(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	     "status %#x on SIGTERM", (unsigned)status);
	play_unlink(NULL, &p.link);
	drop_peer(&p);
	ok("SIGTERM ends it, SIGINT does not", "");
}

int main(int argc, char **argv)
{
	char room[512];
	const char *path = play_path(argv[0], room, sizeof(room));

	play.loud = argc > 1;
	play.ctl = play.fds = -1;
	play_start(&play, path);
	tone_comes_back();
	stereo_stays_stereo();
	speech_comes_back();
	pictures_come_back(VPX_VP9);
	pictures_come_back(VPX_VP8);
	key_frames_on_request();
	input_is_held_for_the_frame_ring();
	a_wish_without_answer_is_repeated();
	data_comes_back_whole();
	ticks_come_back();
	a_broken_ring_breaks_its_link_only();
	a_new_broker_finds_all_as_it_was();
	a_newer_link_takes_over();
	a_link_is_set_up_anew();
	a_close_ends_what_was_meant();
	one_link_too_many();
	bad_regions_break_their_link_only();
	a_bad_frame_ring_breaks_its_link(LINK_AUDIO);
	a_bad_frame_ring_breaks_its_link(LINK_VIDEO);
	killed_and_replaced(path);
	it_leaves_when_told();
	few_descriptors(path);
	it_leaves_when_nobody_is_left(path);
	sigterm_ends_it(path);
	play_end(&play);
	printf("media_probe: all cases passed\n");

	return 0;
}
