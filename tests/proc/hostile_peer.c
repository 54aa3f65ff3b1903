/*
 * hostile_peer.c - a peer that does harm beside one that must not notice
 *
 *	hostile_peer PORT SECONDS SEED [RUN_DIR [SCENARIO]]
 *
 * SECONDS in all, shared by the scenarios (calls to begin and end are on
 * top). With the server's RUN_DIR the memory of its workers is watched, too;
 * the server should have one media-worker, so that both share it. Exit
 * status 0: all held.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/hostile/stage.h"

static const struct {
	const char *name;
	void (*run)(struct stage *s);
} scenarios[] = {
	{ "spray", scenario_spray },
	{ "early", scenario_early },
	{ "spoken", scenario_spoken },
	{ "headers", scenario_headers },
	{ "sound", scenario_sound },
	{ "picture", scenario_picture },
	{ "replay", scenario_replay },
	{ "reports", scenario_reports },
	{ "floods", scenario_floods },
	{ "lies", scenario_lies },
	{ "sctp", scenario_sctp },
	{ "channels", scenario_channels },
	{ "pressure", scenario_pressure },
	{ "sdp", scenario_sdp },
	{ "candidates", scenario_candidates },
};

static void make_tracks(struct stage *s)
{
	struct track_picture picture = { RTP_VP9, 320, 180, 15, 45, 300000 };
	struct track *audio, *vp9, *vp8;

	if (track_speech(&audio, 5, 32000) || track_moving(&vp9, &picture)) {
		fprintf(stderr, "hostile_peer: no tracks\n");
		exit(2);
	}
	picture.codec = RTP_VP8;
	if (track_moving(&vp8, &picture))
		exit(2);
	s->audio = audio;
	s->vp9 = vp9;
	s->vp8 = vp8;
}

/* What honest calls of each codec cost the media-worker at most. Hostile ones
 * may cost no more, and STAGE_GROWTH. */
static void warm(struct stage *s)
{
	struct hostile a, b;

	if (hostile_call(&a, s, SDP_AUDIO | SDP_VIDEO | SDP_DATA, s->vp8)) {
		if (hostile_call(&b, s, SDP_AUDIO | SDP_VIDEO, s->vp9)) {
			stage_run(s, 500000);
			hostile_end(&b, "honest");
		}
		hostile_end(&a, "honest");
	}
	stage_run(s, 1000000);
	stage_judge(s, "honest");
	s->media_honest = s->media_peak;
}

static void judge_media(struct stage *s)
{
	uint64_t now;

	/* The last of them must be gone. */
	stage_run(s, 1000000);
	now = private_bytes(s->media);
	if (now > s->media_peak)
		s->media_peak = now;
	printf("media-worker: %.1f MB with honest calls, %.1f at most, %.1f "
	       "after\n", (double)s->media_honest / 1048576,
	       (double)s->media_peak / 1048576, (double)now / 1048576);
	check(s, s->media_peak < s->media_honest + STAGE_GROWTH,
	      "the media-worker grew by %.1f MB",
	      (double)(s->media_peak - s->media_honest) / 1048576);
}

int main(int argc, char **argv)
{
	const size_t count = ARRAY_LEN(scenarios);
	struct stage s = { 0 };
	int err;

	if (argc < 4) {
		fprintf(stderr, "usage: hostile_peer PORT SECONDS SEED "
			"[RUN_DIR [SCENARIO]]\n");
		return 2;
	}
	s.port = (uint16_t)atoi(argv[1]);
	s.slice_us = (int64_t)atoi(argv[2]) * 1000000 / (argc > 5 ? 1 :
							 (int64_t)count);
	dice_seed(strtoull(argv[3], NULL, 10));
	s.run_dir = argc > 4 ? argv[4] : NULL;
	make_tracks(&s);
	if ((err = loop_new(&s.loop)) || (err = stage_open(&s))) {
		fprintf(stderr, "hostile_peer: %s\n", strerror(-err));
		return 2;
	}
	warm(&s);
	for (size_t i = 0; i < count; i++) {
		if (argc > 5 && strcmp(argv[5], scenarios[i].name))
			continue;
		scenarios[i].run(&s);
		stage_judge(&s, scenarios[i].name);
	}
	judge_media(&s);
	stage_close(&s);
	printf("%u passed, %u failed\n", s.passed, s.failed);

	return s.failed || !s.passed;
}
