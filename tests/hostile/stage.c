/* stage.c - the healthy call, the calls of the hostile, and the verdicts */
#include "tests/hostile/stage.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "core/rtp/depay.h"

enum {
	SAY_US = 50000, WORKERS = 64, ROOM = STAGE_DATAGRAM + SRTP_GROW,
	NAP_US = 5000, WORK_US = 1000, PICTURE_NICE = 5,
};

/* ---- dice ---- */

static uint64_t dice_state = 1;

void dice_seed(uint64_t seed)
{
	dice_state = seed * 0x9e3779b97f4a7c15u + 1;
}

uint32_t dice(void)
{
	dice_state ^= dice_state << 13;
	dice_state ^= dice_state >> 7;
	dice_state ^= dice_state << 17;

	return (uint32_t)(dice_state >> 16);
}

uint32_t dice_below(uint32_t n)
{
	return dice() % n;
}

void dice_fill(void *out, size_t len)
{
	uint8_t *bytes = out;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)dice();
}

void dice_spoil(uint8_t *bytes, size_t len, unsigned flips)
{
	for (unsigned i = 0; len && i < flips; i++)
		bytes[dice_below((uint32_t)len)] ^=
			(uint8_t)(1u << dice_below(8));
}

/* ---- the machine's own lateness ---- */

static struct {
	pthread_t thread;
	_Atomic int64_t worst_us;
	_Atomic bool over;
	/* The loop's own: from one turn to the next. */
	struct mono turn;
	int64_t between_us;
} lateness;

static int64_t own_cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);

	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

/* Sleeps and works as the worker's pictures do, and as low in priority. */
static void *watch_lateness(void *arg)
{
	const struct timespec nap = { 0, NAP_US * 1000 };

	(void)arg;
	(void)setpriority(PRIO_PROCESS, 0, PICTURE_NICE);
	while (!atomic_load(&lateness.over)) {
		struct mono before = mono_now();
		int64_t late, cpu;

		nanosleep(&nap, NULL);
		cpu = own_cpu_us();
		while (own_cpu_us() - cpu < WORK_US)
			;
		late = mono_since(mono_now(), before) - NAP_US - WORK_US;
		if (late > atomic_load(&lateness.worst_us))
			atomic_store(&lateness.worst_us, late);
	}

	return NULL;
}

/* ---- processes ---- */

uint64_t private_bytes(pid_t pid)
{
	char path[64], line[256];
	uint64_t sum = 0, kb;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	f = pid ? fopen(path, "r") : NULL;
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Private_Clean: %lu", &kb) == 1 ||
		    sscanf(line, "Private_Dirty: %lu", &kb) == 1)
			sum += kb;
	if (f)
		fclose(f);

	return sum * 1024;
}

/* Pids of the workers of a kind ("ice-", "media-"). */
static size_t list_workers(const struct stage *s, const char *kind,
			   pid_t out[WORKERS])
{
	char path[512];
	struct dirent *entry;
	size_t count = 0;
	DIR *dir;

	if (!s->run_dir)
		return 0;
	snprintf(path, sizeof(path), "%s/w", s->run_dir);
	dir = opendir(path);
	while (dir && count < WORKERS && (entry = readdir(dir))) {
		FILE *f;
		int pid;

		if (strncmp(entry->d_name, kind, strlen(kind)))
			continue;
		snprintf(path, sizeof(path), "%s/w/%.200s/pid", s->run_dir,
			 entry->d_name);
		f = fopen(path, "r");
		if (f && fscanf(f, "%d", &pid) == 1)
			out[count++] = pid;
		if (f)
			fclose(f);
	}
	if (dir)
		closedir(dir);

	return count;
}

static bool is_among(pid_t pid, const pid_t *all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (all[i] == pid)
			return true;

	return false;
}

/* ---- running ---- */

void check(struct stage *s, bool good, const char *format, ...)
{
	va_list args;

	if (good) {
		s->passed++;
		return;
	}
	s->failed++;
	printf("FAIL ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

void stage_run(struct stage *s, int64_t us)
{
	struct mono end = mono_add(mono_now(), us);
	int64_t left;

	do {
		struct mono now = mono_now();

		if (lateness.turn.us &&
		    mono_since(now, lateness.turn) > lateness.between_us)
			lateness.between_us = mono_since(now, lateness.turn);
		lateness.turn = now;
		left = mono_since(end, now);
		if (loop_turn(s->loop, left > 1000 ? 1 : 0) < 0)
			abort();
	} while (left > 0);
}

bool stage_wait(struct stage *s, bool (*done)(void *arg), void *arg)
{
	struct mono end = mono_add(mono_now(), STAGE_WAIT_US);

	while (!done(arg) && mono_before(mono_now(), end))
		stage_run(s, 2000);

	return done(arg);
}

/* ---- the healthy call ---- */

static void on_say(struct mono now, void *arg)
{
	struct stage *s = arg;
	char text[64];
	int n = snprintf(text, sizeof(text), "healthy %u", s->said);

	if (rtc_peer_say(s->healthy, text, (size_t)n) == 0)
		s->said++;
	loop_timer(s->loop, &s->say, mono_add(now, SAY_US), on_say, s);
}

static void on_echo(struct rtc_peer *p, const uint8_t *bytes, size_t len,
		    struct mono now, void *arg)
{
	struct stage *s = arg;
	char text[64];
	int n = snprintf(text, sizeof(text), "healthy %u", s->echoed);

	(void)p;
	(void)now;
	if (len != (size_t)n || memcmp(bytes, text, len))
		s->wrong++;
	s->echoed++;
}

static bool is_up(void *arg)
{
	struct rtc_stats stats;
	struct rtc_peer *p = arg;

	rtc_peer_stats(p, &stats);

	return rtc_peer_state(p) == RTC_FAILED ||
	       (rtc_peer_state(p) == RTC_DATA_UP &&
		stats.flow[RTC_AUDIO].received > 50 &&
		stats.flow[RTC_VIDEO].received > 15);
}

int stage_open(struct stage *s)
{
	char name[32];
	const struct rtc_cfg cfg = {
		.ip = "127.0.0.1", .port = s->port, .name = name,
		.audio = s->audio, .video = s->vp9, .data = true,
	};
	const struct rtc_ops ops = { .data = on_echo, .arg = s };
	pid_t media[WORKERS];
	int err;

	snprintf(name, sizeof(name), "healthy-%d", (int)getpid());
	err = rtc_peer_new(&s->healthy, s->loop, &cfg, &ops);
	if (err)
		return err;
	if (!stage_wait(s, is_up, s->healthy) ||
	    rtc_peer_state(s->healthy) == RTC_FAILED) {
		printf("the healthy call: %s\n",
		       rtc_peer_reason(s->healthy));
		return -ENOTCONN;
	}
	on_say(mono_now(), s);
	if (list_workers(s, "media-", media) == 1)
		s->media = media[0];
	pthread_create(&lateness.thread, NULL, watch_lateness, NULL);

	return 0;
}

static bool is_echoed(void *arg)
{
	const struct stage *s = arg;

	return s->echoed >= s->said;
}

static void judge_flow(struct stage *s, const char *scenario, const char *kind,
		       const struct rtc_flow *f)
{
	int64_t machine = atomic_load(&lateness.worst_us);
	int64_t bound = STAGE_GAP_US + 3 * machine + lateness.between_us;

	check(s, f->received > 0, "%s: no %s came back", scenario, kind);
	check(s, f->lost == 0, "%s: healthy %s lost %llu", scenario, kind,
	      (unsigned long long)f->lost);
	check(s, f->longest_gap_us <= bound, "%s: healthy %s gap %.1f ms, "
	      "the machine's own %.1f", scenario, kind,
	      (double)f->longest_gap_us / 1000, (double)machine / 1000);
}

void stage_judge(struct stage *s, const char *scenario)
{
	struct rtc_stats stats;
	uint64_t now = private_bytes(s->media);

	loop_untimer(&s->say);
	check(s, stage_wait(s, is_echoed, s), "%s: healthy data: %u said, %u "
	      "came back", scenario, s->said, s->echoed);
	check(s, s->wrong == 0, "%s: %u wrong echoes", scenario, s->wrong);
	s->wrong = 0;
	s->echoed = s->said;
	rtc_peer_stats(s->healthy, &stats);
	check(s, rtc_peer_state(s->healthy) == RTC_DATA_UP,
	      "%s: the healthy call ended: %s", scenario,
	      rtc_peer_reason(s->healthy));
	judge_flow(s, scenario, "audio", &stats.flow[RTC_AUDIO]);
	judge_flow(s, scenario, "video", &stats.flow[RTC_VIDEO]);
	printf("%-10s audio %llu gap %.0f ms, video %llu gap %.0f ms; own "
	       "%.0f ms, machine %.0f ms, media-worker %.1f MB\n", scenario,
	       (unsigned long long)stats.flow[RTC_AUDIO].received,
	       (double)stats.flow[RTC_AUDIO].longest_gap_us / 1000,
	       (unsigned long long)stats.flow[RTC_VIDEO].received,
	       (double)stats.flow[RTC_VIDEO].longest_gap_us / 1000,
	       (double)lateness.between_us / 1000,
	       (double)atomic_load(&lateness.worst_us) / 1000,
	       (double)now / 1048576);
	fflush(stdout);
	if (now > s->media_peak)
		s->media_peak = now;
	atomic_store(&lateness.worst_us, 0);
	lateness.between_us = 0;
	rtc_peer_reset_flow(s->healthy);
	on_say(mono_now(), s);
}

void stage_close(struct stage *s)
{
	loop_untimer(&s->say);
	rtc_peer_free(s->healthy);
	atomic_store(&lateness.over, true);
	pthread_join(lateness.thread, NULL);
}

/* ---- hostile calls ---- */

static void on_packet(struct rtc_peer *p, enum rtc_kind kind,
		      const struct rtp_packet *packet, struct mono now,
		      void *arg)
{
	struct hostile *h = arg;
	struct depay d;
	enum rtp_codec codec =
		packet->pt == hostile_pt(h, RTP_VP8) ? RTP_VP8 : RTP_VP9;

	(void)p;
	(void)now;
	h->bytes += packet->payload_len + 40;
	if (kind != RTC_VIDEO ||
	    depay(&d, codec, packet->payload, packet->payload_len) < 0)
		return;
	h->keys += d.first && d.key;
	h->pictures += d.first;
}

static void on_sctp(struct rtc_peer *p, const uint8_t *bytes, size_t len,
		    void *arg)
{
	struct hostile *h = arg;

	(void)p;
	if (len < 28)
		return;
	h->tag = (uint32_t)bytes[4] << 24 | (uint32_t)bytes[5] << 16 |
		 (uint32_t)bytes[6] << 8 | bytes[7];
	if (bytes[12] == 0)
		h->tsn = (uint32_t)bytes[16] << 24 |
			 (uint32_t)bytes[17] << 16 |
			 (uint32_t)bytes[18] << 8 | bytes[19];
}

bool hostile_dial(struct hostile *h, struct stage *s, unsigned kinds,
		  const struct track *video)
{
	char name[32], from[32];
	struct rtc_cfg cfg = {
		.ip = "127.0.0.1", .port = s->port, .name = name, .from = from,
		.audio = kinds & SDP_AUDIO ? s->audio : NULL,
		.video = kinds & SDP_VIDEO ? video : NULL,
		.data = kinds & SDP_DATA,
	};
	const struct rtc_ops ops = { .rtp = on_packet, .arg = h };

	*h = (struct hostile){ .s = s };
	replay_set_init(&h->sent);
	/* Names of an earlier run may be held for those who lost them. */
	snprintf(name, sizeof(name), "hostile-%d-%u", (int)getpid(), s->calls);
	snprintf(from, sizeof(from), "127.0.2.%u", s->calls++ % 250 + 1);
	if (rtc_peer_new(&h->peer, s->loop, &cfg, &ops) < 0) {
		h->peer = NULL;
		check(s, false, "no hostile peer");
		return false;
	}
	h->peer->sctp_tap = on_sctp;
	h->peer->sctp_tap_arg = h;

	return true;
}

struct readiness {
	struct rtc_peer *p;
	enum rtc_state wanted;
};

static bool is_ready(void *arg)
{
	const struct readiness *r = arg;

	return rtc_peer_state(r->p) >= r->wanted;
}

bool hostile_call(struct hostile *h, struct stage *s, unsigned kinds,
		  const struct track *video)
{
	pid_t before[WORKERS], after[WORKERS];
	size_t known = list_workers(s, "ice-", before), count;
	struct readiness ready = {
		.wanted = kinds & SDP_DATA ? RTC_DATA_UP : RTC_CONNECTED,
	};

	if (!hostile_dial(h, s, kinds, video))
		return false;
	ready.p = h->peer;
	stage_wait(s, is_ready, &ready);
	check(s, is_ready(&ready) && rtc_peer_state(h->peer) != RTC_FAILED,
	      "hostile call: state %d %s", rtc_peer_state(h->peer),
	      rtc_peer_reason(h->peer));
	if (rtc_peer_state(h->peer) < ready.wanted ||
	    rtc_peer_state(h->peer) == RTC_FAILED) {
		rtc_peer_free(h->peer);
		return false;
	}
	/* What an honest call needs is touched before it is measured. */
	stage_run(s, 400000);
	for (int k = 0; k < RTC_KINDS; k++)
		loop_untimer(&h->peer->media.out[k].timer);
	count = list_workers(s, "ice-", after);
	for (size_t i = 0; i < count; i++)
		if (!is_among(after[i], before, known))
			h->worker = after[i];
	h->memory = h->peak = private_bytes(h->worker);

	return true;
}

void hostile_look(struct hostile *h)
{
	uint64_t now = private_bytes(h->worker);
	uint64_t media = private_bytes(h->s->media);

	if (now > h->peak)
		h->peak = now;
	if (media > h->s->media_peak)
		h->s->media_peak = media;
}

void hostile_end(struct hostile *h, const char *scenario)
{
	hostile_look(h);
	check(h->s, h->peak - h->memory < STAGE_GROWTH,
	      "%s: its ice-worker grew by %.1f MB", scenario,
	      (double)(h->peak - h->memory) / 1048576);
	printf("%-10s hostile: %s, worker %.1f + %.1f MB, %llu pictures, %llu "
	       "key, %llu KB\n", scenario,
	       rtc_peer_state(h->peer) == RTC_FAILED ?
	       rtc_peer_reason(h->peer) : "still up",
	       (double)h->memory / 1048576,
	       (double)(h->peak - h->memory) / 1048576,
	       (unsigned long long)h->pictures, (unsigned long long)h->keys,
	       (unsigned long long)h->bytes / 1024);
	fflush(stdout);
	rtc_peer_free(h->peer);
	h->peer = NULL;
}

bool hostile_goes_on(struct hostile *h, struct mono end, int64_t us)
{
	static unsigned turns;

	stage_run(h->s, us);
	if (++turns % 64 == 0)
		hostile_look(h);

	return mono_before(mono_now(), end) &&
	       rtc_peer_state(h->peer) != RTC_FAILED;
}

/* ---- authentic packets ---- */

size_t hostile_rtp(struct hostile *h, uint8_t *bytes, size_t len)
{
	uint64_t index;
	uint32_t ssrc;
	uint16_t seq;
	int n = -1;

	if (len >= 12 && h->peer->srtp_out) {
		seq = (uint16_t)(bytes[2] << 8 | bytes[3]);
		ssrc = (uint32_t)bytes[8] << 24 | (uint32_t)bytes[9] << 16 |
		       (uint32_t)bytes[10] << 8 | bytes[11];
		index = replay_set_estimate(&h->sent, ssrc, seq);
		n = srtp_evp.protect(h->peer->srtp_out, bytes, len, ROOM,
				     index);
		if (n > 0)
			(void)!replay_set_commit(&h->sent, ssrc, index);
	}
	if (n < 0)
		n = (int)len;
	(void)!agent_send(h->peer->agent, bytes, (size_t)n);

	return (size_t)n;
}

void hostile_media(struct hostile *h, enum rtc_kind kind,
		   const uint8_t *payload, size_t len, bool marker,
		   int64_t media_time)
{
	struct rtp_send *send = h->peer->media.out[kind].send;
	const struct rtp_send_media media = {
		.payload = payload, .len = len, .marker = marker,
		.media_time = media_time,
		.level = kind == RTC_AUDIO ? (uint8_t)dice_below(128) :
					     RTP_NO_LEVEL,
	};
	uint8_t bytes[RTP_PACKET_MAX + SRTP_GROW];
	struct rtp_sent sent;
	int n;

	if (!send || rtp_send_packet(send, &media, mono_now(), bytes,
				     RTP_PACKET_MAX, &sent) < 0)
		return;
	n = srtp_evp.protect(h->peer->srtp_out, bytes, sent.len,
			     sizeof(bytes), sent.index);
	if (n > 0)
		(void)!agent_send(h->peer->agent, bytes, (size_t)n);
}

void hostile_rtcp(struct hostile *h, uint8_t *bytes, size_t len)
{
	int n = srtp_evp.protect_rtcp(h->peer->srtp_out, bytes, len, ROOM,
				      (uint32_t)h->peer->media.rtcp_index++);

	if (n > 0)
		(void)!agent_send(h->peer->agent, bytes, (size_t)n);
}

const struct sdp_line *hostile_line(const struct hostile *h,
				    enum rtc_kind kind)
{
	const struct sdp_session *a = &h->peer->agreed;
	int index = kind == RTC_AUDIO ? a->audio_out : a->video_out;

	return index >= 0 ? &a->lines[index] : NULL;
}

int hostile_pt(const struct hostile *h, enum rtp_codec codec)
{
	const struct sdp_line *line =
		hostile_line(h, codec == RTP_OPUS ? RTC_AUDIO : RTC_VIDEO);
	enum sdp_codec wanted = codec == RTP_OPUS ? SDP_OPUS :
				codec == RTP_VP8 ? SDP_VP8 : SDP_VP9;

	for (unsigned i = 0; line && i < line->codec_count; i++)
		if (line->codecs[i].codec == wanted)
			return line->codecs[i].payload_type;

	return -1;
}
