/*
 * rtc_call.c - calls a running server with some peers and says what came back
 *
 *	rtc_call PORT PEERS SECONDS [audio] [video|vp8] [data]
 *
 * One line a peer. Exit status 0 when all were connected and each kind that
 * was asked for came back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/client/rtc_peer.h"

enum { PEERS = 500, SAY_US = 100000 };

static struct {
	struct rtc_peer *peers[PEERS];
	unsigned count, said;
	struct loop *loop;
	struct timer end, say;
} call;

static void die(const char *what, int err)
{
	fprintf(stderr, "rtc_call: %s: %s\n", what, strerror(-err));
	exit(2);
}

static void on_end(struct mono now, void *arg)
{
	(void)now;
	(void)arg;
	loop_stop(call.loop);
}

static void on_say(struct mono now, void *arg)
{
	char text[64];

	(void)arg;
	for (unsigned i = 0; i < call.count; i++) {
		int n = snprintf(text, sizeof(text), "message %u", call.said);

		(void)!rtc_peer_say(call.peers[i], text, (size_t)n);
	}
	call.said++;
	loop_timer(call.loop, &call.say, mono_add(now, SAY_US), on_say, NULL);
}

static double ms(struct mono to, struct mono from)
{
	return to.us ? (double)mono_since(to, from) / 1000 : -1;
}

static void print_flow(const char *name, const struct rtc_flow *f)
{
	printf("  %s out %llu in %llu lost %llu late %llu gap %.1f ms", name,
	       (unsigned long long)f->sent, (unsigned long long)f->received,
	       (unsigned long long)f->lost, (unsigned long long)f->late,
	       (double)f->longest_gap_us / 1000);
}

/* Whether everything asked for came back. */
static bool report(const struct rtc_peer *p, const struct rtc_cfg *cfg)
{
	struct rtc_stats s;

	rtc_peer_stats(p, &s);
	printf("state %d %s answer %.1f ice %.1f dtls %.1f ms",
	       rtc_peer_state(p), rtc_peer_reason(p),
	       ms(s.at[RTC_ANSWERED], s.at[RTC_OFFERED]),
	       ms(s.at[RTC_ICE_UP], s.at[RTC_OFFERED]),
	       ms(s.at[RTC_CONNECTED], s.at[RTC_OFFERED]));
	if (cfg->audio)
		print_flow("audio", &s.flow[RTC_AUDIO]);
	if (cfg->video)
		print_flow("video", &s.flow[RTC_VIDEO]);
	printf("  data %llu keys %llu resent %llu bad %llu\n",
	       (unsigned long long)s.messages, (unsigned long long)s.key_asked,
	       (unsigned long long)s.resent, (unsigned long long)s.bad);

	return rtc_peer_state(p) >= RTC_CONNECTED &&
	       rtc_peer_state(p) != RTC_FAILED &&
	       (!cfg->audio || s.flow[RTC_AUDIO].received) &&
	       (!cfg->video || s.flow[RTC_VIDEO].received) &&
	       (!cfg->data || s.messages);
}

static struct track *audio, *video;

static void read_kinds(struct rtc_cfg *cfg, char **words, int count)
{
	struct track_picture picture = { RTP_VP9, 320, 180, 25, 75, 300000 };
	int err = 0;

	for (int i = 0; i < count && !err; i++) {
		if (!strcmp(words[i], "audio")) {
			track_free(audio);
			audio = NULL;
			err = track_speech(&audio, 10, 32000);
		} else if (!strcmp(words[i], "data")) {
			cfg->data = true;
		} else {
			if (!strcmp(words[i], "vp8"))
				picture.codec = RTP_VP8;
			track_free(video);
			video = NULL;
			err = track_moving(&video, &picture);
		}
	}
	if (err)
		die("tracks", err);
	cfg->audio = audio;
	cfg->video = video;
}

int main(int argc, char **argv)
{
	struct rtc_cfg cfg = { .ip = "127.0.0.1" };
	struct rtc_ops ops = { 0 };
	struct mono now;
	char name[64];
	bool good = true;
	int err;

	if (argc < 5 || atoi(argv[2]) < 1 || atoi(argv[2]) > PEERS) {
		fprintf(stderr, "usage: rtc_call PORT PEERS SECONDS KIND...\n");
		return 2;
	}
	cfg.port = (uint16_t)atoi(argv[1]);
	call.count = (unsigned)atoi(argv[2]);
	read_kinds(&cfg, argv + 4, argc - 4);
	if ((err = loop_new(&call.loop)))
		die("loop", err);
	for (unsigned i = 0; i < call.count; i++) {
		snprintf(name, sizeof(name), "call-%d-%u", (int)getpid(), i);
		cfg.name = name;
		err = rtc_peer_new(&call.peers[i], call.loop, &cfg, &ops);
		if (err)
			die("peer", err);
	}
	now = mono_now();
	loop_timer(call.loop, &call.end,
		   mono_add(now, atoi(argv[3]) * 1000000LL), on_end, NULL);
	loop_timer(call.loop, &call.say, now, on_say, NULL);
	if ((err = loop_run(call.loop)))
		die("loop", err);
	for (unsigned i = 0; i < call.count; i++)
		good &= report(call.peers[i], &cfg);
	for (unsigned i = 0; i < call.count; i++)
		rtc_peer_free(call.peers[i]);
	loop_untimer(&call.say);
	loop_free(call.loop);
	track_free(audio);
	track_free(video);

	return good ? 0 : 1;
}
