/*
 * media_sessions.c - several peers of one session on a media-worker
 *
 * Plays broker and ice-workers: publishers that only send, listeners that
 * only receive, a peer that does both, and one of another session. Judges by
 * pitches and numbered pictures who hears and sees whom. Prints one line a
 * case.
 */

#include "common/clock.h"
#include "port/opus.h"
#include "port/vpx.h"
#include "tests/media_kit.h"
#include "tests/media_play.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	HEARD = 48000 * 2,	/* the last 2 s of sound are kept */
	LOUD = 1500,		/* a tone that is there; its peak is 8000 */
	QUIET = 150,		/* one that is not */
	BOTH = LINK_AUDIO | LINK_VIDEO,
	VP8 = 1 << CODEC_VP8, VP9 = 1 << CODEC_VP9,
};

struct party {
	struct play_link link;
	struct msg_media_link_own as;
	bool stalled;		/* reads nothing */
	/* as a source */
	double hz;
	struct opus_enc *enc;
	struct vpx_enc *venc;
	enum vpx_kind kind;
	struct kit_picture scene;
	uint32_t code;		/* of the next picture */
	bool send_key;
	unsigned key_wishes;
	int64_t audio_seq, audio_due, video_seq, video_due, video_time;
	/* as a receiver */
	struct opus_dec *dec;
	struct vpx_dec *vdec;
	unsigned codec;		/* of the last picture */
	int16_t heard[HEARD];
	size_t heard_len;
	unsigned packets, pictures, keys;
	bool first_is_key;	/* of the source that is shown now */
	int last_code;
	int64_t audio_time, picture_time;
	uint32_t bytes;		/* of pictures */
};

static struct play play;
static uint8_t buffer[RECORD_PAYLOAD_VIDEO];
static struct party *all[16];
static unsigned parties;

#define must(cond, ...)                                                       \
	do {                                                                  \
		if (!(cond))                                                  \
			play_die(__VA_ARGS__);                                \
	} while (0)

static void ok(const char *what)
{
	printf("ok %s\n", what);
	fflush(stdout);
}

static struct party *join(uint64_t peer, uint64_t session, unsigned in,
			  unsigned out, unsigned codecs)
{
	struct party *p = calloc(1, sizeof(*p));

	must(p && parties < 16, "no room for a peer");
	p->as = (struct msg_media_link_own){
		.peer = peer, .generation = 1, .session = session,
		.kinds = BOTH, .kinds_in = in, .kinds_out = out,
		.codecs = codecs,
	};
	must(!opus_dec_new(&p->dec, 1), "decoder");
	p->last_code = -1;
	play_link_as(&play, &p->link, &p->as);
	all[parties++] = p;

	return p;
}

static void leave(struct party *p)
{
	for (unsigned i = 0; i < parties; i++)
		if (all[i] == p)
			all[i] = all[--parties];
	play_unlink(&play, &p->link);
	opus_enc_free(p->enc);
	opus_dec_free(p->dec);
	vpx_enc_free(p->venc);
	vpx_dec_free(p->vdec);
	free(p->scene.bytes);
	free(p);
}

static void say(struct party *p, double hz)
{
	struct opus_enc_cfg cfg = { 1, 64000, 5, 0 };

	if (!p->enc)
		must(!opus_enc_new(&p->enc, &cfg), "encoder");
	p->hz = hz;
	p->audio_due = mono_now().us;
}

static void show(struct party *p, enum vpx_kind kind, uint32_t code)
{
	struct vpx_enc_cfg cfg = { kind, 320, 180, 500000 };

	must(!vpx_enc_new(&p->venc, &cfg) &&
	     !kit_picture_new(&p->scene, 320, 180), "picture");
	p->kind = kind;
	p->code = code;
	p->video_due = mono_now().us;
}

static void send_sound(struct party *p)
{
	int16_t pcm[KIT_FRAME];
	uint8_t packet[1500];
	struct record rec = {
		.kind = RECORD_AUDIO, .codec = CODEC_OPUS,
		.seq_first = p->audio_seq, .seq_last = p->audio_seq,
		.rtp_time = p->audio_seq * KIT_FRAME,
		.arrival_us = mono_now().us,
	};
	int n;

	kit_tone(pcm, KIT_FRAME, 1, p->hz, p->audio_seq * KIT_FRAME);
	n = opus_enc_run(p->enc, pcm, packet, sizeof(packet));
	must(n > 0, "opus");
	rec.bytes = (uint32_t)n;
	must(!link_send_audio(&p->link.end, &rec, packet), "sound not sent");
	p->audio_seq++;
	p->audio_due += 20000;
}

static void send_picture(struct party *p)
{
	struct vpx_picture in = {
		{ p->scene.plane[0], p->scene.plane[1], p->scene.plane[2] },
		{ p->scene.stride[0], p->scene.stride[1],
		  p->scene.stride[2] }, p->scene.width, p->scene.height };
	struct vpx_coded coded;
	struct record rec;

	kit_picture_draw(&p->scene, p->code++);
	p->video_time += 9000;
	p->video_due += 100000;
	must(!vpx_enc_run(p->venc, &in, p->video_time, 9000, p->send_key,
			  &coded), "vpx");
	if (!coded.bytes)
		return;
	p->send_key = false;
	rec = (struct record){
		.kind = RECORD_VIDEO,
		.codec = p->kind == VPX_VP9 ? CODEC_VP9 : CODEC_VP8,
		.flags = coded.key ? RECORD_KEY : 0,
		.bytes = (uint32_t)coded.len, .seq_first = p->video_seq,
		.seq_last = p->video_seq, .rtp_time = p->video_time,
		.arrival_us = mono_now().us,
	};
	p->video_seq++;
	must(!link_send_video(&p->link.end, &rec, coded.bytes),
	     "picture not sent");
}

static void hear(struct party *p, const struct record *rec)
{
	int16_t pcm[5760];

	must(rec->kind == RECORD_AUDIO, "kind %d in the audio ring",
	     rec->kind);
	must(rec->rtp_time > p->audio_time, "sound runs backwards");
	must(opus_dec_run(p->dec, buffer, rec->bytes, pcm, 5760) == KIT_FRAME,
	     "a packet is not 20 ms");
	p->audio_time = rec->rtp_time;
	p->packets++;
	if (p->heard_len + KIT_FRAME > HEARD) {
		memmove(p->heard, p->heard + KIT_FRAME,
			(HEARD - KIT_FRAME) * sizeof(int16_t));
		p->heard_len -= KIT_FRAME;
	}
	memcpy(p->heard + p->heard_len, pcm, KIT_FRAME * sizeof(int16_t));
	p->heard_len += KIT_FRAME;
}

static void see(struct party *p, const struct record *rec)
{
	struct vpx_picture pic;
	int code;

	must(rec->rtp_time > p->picture_time, "pictures run backwards");
	p->picture_time = rec->rtp_time;
	if (p->codec != rec->codec) {
		must(rec->flags & RECORD_KEY, "a codec begins without key");
		vpx_dec_free(p->vdec);
		must(!vpx_dec_new(&p->vdec, rec->codec == CODEC_VP9 ?
				  VPX_VP9 : VPX_VP8), "decoder");
		p->codec = rec->codec;
	}
	must(vpx_dec_run(p->vdec, buffer, rec->bytes, &pic) == 1,
	     "a picture does not decode");
	code = kit_picture_read(pic.plane[0], pic.stride[0], pic.width,
				pic.height);
	if (code < 0)
		return;
	/* Sources count in thousands of their own. */
	if (p->last_code / 1000 != code / 1000 || p->last_code < 0)
		p->first_is_key = rec->flags & RECORD_KEY;
	else
		must(code > p->last_code, "picture %d after %d", code,
		     p->last_code);
	p->last_code = code;
	p->pictures++;
	p->keys += rec->flags & RECORD_KEY;
	p->bytes += rec->bytes;
}

static void read_rings(struct party *p)
{
	struct link_end *e = &p->link.end;
	struct record rec;
	uint64_t lost;
	int got;

	if (p->stalled)
		return;
	while ((got = ering_read(&e->audio_in, &rec, buffer, sizeof(buffer),
				 &lost)) == 1)
		hear(p, &rec);
	while ((got = ering_read(&e->video_in, &rec, buffer, sizeof(buffer),
				 &lost)) == 1) {
		if (rec.kind != RECORD_KEYFRAME) {
			see(p, &rec);
			continue;
		}
		p->key_wishes++;
		p->send_key = true;
	}
	must(got != -EBADMSG, "ring broken");
}

static void turn(void)
{
	for (unsigned i = 0; i < parties; i++) {
		struct party *p = all[i];
		int64_t now = mono_now().us;

		if (p->enc && p->hz > 0 && now >= p->audio_due)
			send_sound(p);
		if (p->venc && now >= p->video_due)
			send_picture(p);
		read_rings(p);
	}
	play_turn(&play, 2);
}

static void live(int64_t for_us)
{
	int64_t until = mono_now().us + for_us;

	while (mono_now().us < until)
		turn();
}

/* What takes longer than any machine needs is a failure. */
#define live_until(cond, ...)                                                 \
	do {                                                                  \
		int64_t by_ = mono_now().us + 60000000;                       \
		while (!(cond)) {                                             \
			must(mono_now().us < by_, __VA_ARGS__);               \
			turn();                                               \
		}                                                             \
	} while (0)

static void listen_anew(struct party *p)
{
	p->heard_len = 0;
}

/* Peak of this tone in what was heard (Goertzel). */
static double tone(const struct party *p, double hz)
{
	double w = 2 * 3.14159265358979323846 * hz / KIT_HZ, k = 2 * cos(w);
	double a = 0, b = 0;

	for (size_t i = 0; i < p->heard_len; i++) {
		double c = p->heard[i] + k * a - b;

		b = a;
		a = c;
	}
	if (!p->heard_len)
		return 0;

	return 2 * sqrt(fabs(a * a + b * b - k * a * b)) /
	       (double)p->heard_len;
}

static bool is_heard(const struct party *p, unsigned which, bool say_it)
{
	static const double hz[] = { 400, 1000, 1700 };

	for (int i = 0; i < 3; i++) {
		double peak = tone(p, hz[i]);
		bool good = which >> i & 1 ? peak >= LOUD : peak <= QUIET;

		if (!good && say_it)
			fprintf(stderr, "peer %d: %.0f Hz has %.0f\n",
				(int)p->as.peer, hz[i], peak);
		if (!good)
			return false;
	}

	return true;
}

/*
 * Whether there is a second in which of the tones 400, 1000, 1700 Hz these
 * are heard (bits 1, 2, 4) and no other. Where this machine stands still for
 * a moment a second is spoilt; ten in a row are no accident.
 */
static bool hears(struct party *p, unsigned which)
{
	for (int tries = 0; tries < 10; tries++) {
		listen_anew(p);
		live(100000);
		listen_anew(p);
		live(1000000);
		if (is_heard(p, which, tries == 9))
			return true;
	}

	return false;
}

static void set_kinds(struct party *p, unsigned in, unsigned out)
{
	must(!send_media_peer_kinds(&play.to_ctl,
		&(struct msg_media_peer_kinds){ p->as.peer,
		p->as.generation, in, out, p->as.codecs, 0 }, NULL, 0, NULL),
	     "media_peer_kinds not sent");
}

static struct party *one, *two, *ear, *eye, *both, *stranger;

static void two_publishers_two_listeners(void)
{
	one = join(10, 5, BOTH, 0, 0);
	say(one, 400);
	show(one, VPX_VP8, 1000);
	ear = join(20, 5, 0, BOTH, VP8 | VP9);
	live_until(ear->pictures > 5 && ear->packets > 50, "nothing came");
	must(ear->first_is_key && ear->last_code / 1000 == 1,
	     "the first picture is no key frame");
	two = join(30, 5, BOTH, 0, 0);
	say(two, 1000);
	show(two, VPX_VP8, 2000);
	eye = join(40, 5, 0, BOTH, VP8 | VP9);
	both = join(50, 5, LINK_AUDIO, BOTH, VP8 | VP9);
	say(both, 1700);
	stranger = join(60, 6, 0, BOTH, VP8 | VP9);
	live_until(eye->pictures > 5 && eye->packets > 50, "nothing came");
	must(eye->first_is_key, "a late listener begins in the middle");
	must(hears(ear, 7) && hears(eye, 7), "the mix is not whole");
	ok("both publishers are heard by both listeners");
	must(ear->last_code / 1000 == 1 && eye->last_code / 1000 == 1,
	     "they see %d and %d", ear->last_code, eye->last_code);
	ok("both see the publisher that came first");
	must(hears(both, 4) && both->last_code / 1000 == 1,
	     "who sends sound hears itself, and sees what listeners see");
	ok("a peer that sends sound hears its own only");
	must(!stranger->packets && !stranger->pictures, "another session");
	must(!one->packets && !one->pictures && !two->packets &&
	     !two->pictures, "a publisher got something back");
	ok("another session and the publishers get nothing");
}

static void the_next_source_is_shown(void)
{
	unsigned keys = eye->keys;

	leave(one);
	live_until(ear->last_code / 1000 == 2 && eye->last_code / 1000 == 2,
		   "they still see %d and %d", ear->last_code,
		   eye->last_code);
	must(ear->first_is_key && eye->first_is_key && eye->keys > keys,
	     "no key frame at the switch");
	must(hears(ear, 2 | 4), "who left is heard on, or all are silent");
	ok("when the first leaves the next one is shown, from a key frame");
}

static void roles_change(void)
{
	unsigned had;

	set_kinds(ear, 0, 0);
	live(300000);
	had = ear->packets + ear->pictures;
	live(500000);
	must(ear->packets + ear->pictures == had,
	     "who receives nothing still gets something");
	set_kinds(ear, 0, BOTH);
	live_until(ear->packets + ear->pictures > had + 40 &&
		   ear->last_code / 1000 == 2, "it listens in vain");
	/* The same link, and now it sends: it hears itself. */
	set_kinds(ear, LINK_AUDIO, BOTH);
	say(ear, 400);
	must(hears(ear, 1) && hears(eye, 1 | 2 | 4), "roles were not taken");
	ear->hz = 0;
	set_kinds(ear, 0, BOTH);
	must(hears(ear, 2 | 4), "it is no listener again");
	ok("directions change without a new link");
}

static void wish(struct party *p, enum record_kind kind, uint32_t value)
{
	struct record rec = { .kind = (uint8_t)kind, .value = value,
			      .level = RECORD_NO_LEVEL };

	must(!link_send_video(&p->link.end, &rec, NULL), "no wish");
}

static void a_listener_gets_what_it_can_decode(void)
{
	struct party *old = join(70, 5, 0, BOTH, VP9);

	live_until(old->pictures > 5, "no picture in the other codec");
	must(old->codec == CODEC_VP9 && eye->codec == CODEC_VP8,
	     "codecs %u and %u", old->codec, eye->codec);
	must(old->first_is_key && old->last_code / 1000 == 2,
	     "it sees %d", old->last_code);
	leave(old);
	ok("a listener without the source's codec gets the other one");
}

static void a_standing_listener_costs_nobody(void)
{
	struct party *dead = join(80, 5, 0, BOTH, VP8);
	unsigned pictures, packets, keys;

	live_until(dead->pictures > 2, "no picture");
	wish(dead, RECORD_BITRATE, 1000);
	dead->stalled = true;
	live(1500000);
	keys = eye->keys;
	pictures = eye->pictures;
	packets = eye->packets;
	for (int i = 0; i < 30; i++) {
		wish(dead, RECORD_KEYFRAME, 0);
		live(100000);
	}
	live_until(eye->pictures - pictures > 15 &&
		   eye->packets - packets > 100, "%u pictures, %u packets",
		   eye->pictures - pictures, eye->packets - packets);
	must(eye->keys == keys, "%u key frames for one that reads nothing",
	     eye->keys - keys);
	leave(dead);
	ok("a listener that reads nothing costs the others nothing");
}

static void key_frames_on_request(void)
{
	unsigned keys = eye->keys, others = ear->keys;

	wish(eye, RECORD_KEYFRAME, 0);
	live_until(eye->keys > keys && ear->keys > others, "no key frame");
	keys = eye->keys;
	for (int i = 0; i < 40; i++) {
		wish(eye, RECORD_KEYFRAME, 0);
		live(50000);
	}
	must(eye->keys > keys && eye->keys <= keys + 4,
	     "%u key frames in 2 s", eye->keys - keys);
	ok("a listener's key frame comes from the source's encoder, not often");
}

static void a_newer_link_goes_on(void)
{
	struct play_link old = ear->link;
	int64_t time = ear->audio_time;

	ear->as.generation++;
	ear->picture_time = 0;	/* the picture begins anew */
	play_link_as(&play, &ear->link, &ear->as);
	play_unlink(NULL, &old);
	must(hears(ear, 2 | 4), "silent after a new link");
	must(ear->audio_time - time < 48000 * 5, "media time jumped");
	ok("a newer link of a listener goes on");
}

static void killed_and_replaced(const char *path)
{
	unsigned seen;

	play_kill(&play);
	play_start(&play, path);
	for (unsigned i = 0; i < parties; i++) {
		struct play_link old = all[i]->link;

		all[i]->as.generation++;
		/* An ice-worker gives a new worker a new zero. */
		all[i]->audio_time = all[i]->picture_time = 0;
		play_link_as(&play, &all[i]->link, &all[i]->as);
		play_unlink(NULL, &old);
	}
	seen = eye->pictures;
	live_until(eye->pictures > seen + 3 && ear->packets > 3,
		   "nothing after the worker was replaced");
	must(hears(ear, 2 | 4) && eye->last_code / 1000 == 2,
	     "the session did not come back");
	ok("a killed worker is replaced, the whole session goes on");
}

static void all_leave(void)
{
	struct party *again;

	while (parties)
		leave(all[0]);
	live(200000);
	again = join(90, 5, 0, BOTH, VP8);
	live(500000);
	must(!again->packets && !again->pictures, "ghosts are heard");
	leave(again);
	ok("a session ends with its last peer");
}

int main(int argc, char **argv)
{
	char room[512];
	const char *path = play_path(argv[0], room, sizeof(room));

	play.loud = argc > 1;
	play.ctl = play.fds = -1;
	play_start(&play, path);
	two_publishers_two_listeners();
	the_next_source_is_shown();
	roles_change();
	a_listener_gets_what_it_can_decode();
	a_standing_listener_costs_nobody();
	key_frames_on_request();
	a_newer_link_goes_on();
	killed_and_replaced(path);
	all_leave();
	must(play_quit(&play) == 0, "media_quit");
	play_end(&play);
	printf("media_sessions: all cases passed\n");

	return 0;
}
