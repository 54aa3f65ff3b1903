/* reports.c - authentic RTCP that is broken, floods, or lies */
#include "tests/hostile/stage.h"

#include <string.h>

#include "common/clock.h"
#include "core/rtcp/rtcp.h"

enum {
	ROOM = STAGE_DATAGRAM + SRTP_GROW,
	MOST = 1400,
	KEYS_PER_S = 11,	/* one in 100 ms, and the first */
	BPS_MAX = 4000000,	/* the estimate's own upper bound */
};

/* Our streams' numbers as the server names them; ours when none came. */
static uint32_t their_ssrc(const struct hostile *h)
{
	uint32_t ssrc = h->peer->media.in[dice_below(RTC_KINDS)].ssrc;

	return ssrc ? ssrc : h->peer->media.in[RTC_AUDIO].ssrc;
}

static uint32_t some_ssrc(const struct hostile *h)
{
	return dice_below(4) ? their_ssrc(h) :
	       dice_below(2) ? h->peer->media.ssrc[dice_below(2)] : dice();
}

static void add_report(struct buf_out *b, const struct hostile *h)
{
	struct rtcp_report reports[4];
	struct rtcp_sr sr;
	unsigned count = dice_below(5);

	dice_fill(reports, sizeof(reports));
	dice_fill(&sr, sizeof(sr));
	sr.ssrc = some_ssrc(h);
	for (unsigned i = 0; i < count; i++)
		reports[i].ssrc = some_ssrc(h);
	if (dice_below(2))
		rtcp_write_sr(b, &sr, reports, count);
	else
		rtcp_write_rr(b, sr.ssrc, reports, count);
}

/* One packet of any type; its length may lie. */
static void add_anything(struct buf_out *b, const struct hostile *h)
{
	uint8_t bytes[4 * 64];
	size_t words = 1 + dice_below(40);

	dice_fill(bytes, sizeof(bytes));
	bytes[0] = (uint8_t)(0x80 | (dice_below(8) == 0) << 5 |
			     dice_below(32));
	if (dice_below(3) == 0)
		bytes[0] = (uint8_t)(0x80 | (dice_below(2) ? 15 : 1));
	bytes[1] = (uint8_t)(200 + dice_below(8));
	bytes[2] = 0;
	bytes[3] = (uint8_t)(dice_below(12) ? words : dice());
	for (int i = 4; i <= 8; i += 4) {
		uint32_t ssrc = some_ssrc(h);

		memcpy(bytes + i, &(uint32_t){ htonl(ssrc) }, 4);
	}
	buf_put(b, bytes, 4 + 4 * words);
}

static void send_anything(struct hostile *h)
{
	uint8_t bytes[ROOM];
	struct buf_out b = buf_out(bytes, MOST);
	unsigned packets = 1 + dice_below(4);
	size_t len;

	for (unsigned i = 0; i < packets; i++)
		if (dice_below(2))
			add_report(&b, h);
		else
			add_anything(&b, h);
	len = buf_len(&b);
	if (dice_below(8) == 0)
		dice_spoil(bytes, len, 4);
	if (dice_below(8) == 0 && len > 8)
		len = 8 + dice_below((uint32_t)(len - 8));
	bytes[0] = (uint8_t)((bytes[0] & 0x3f) | 0x80);
	if (bytes[1] < 192 || bytes[1] > 223)
		bytes[1] = RTCP_RR;
	if (!b.bad && len >= 8)
		hostile_rtcp(h, bytes, len);
}

static void send_bye(struct hostile *h)
{
	uint32_t ssrcs[3] = { h->peer->media.ssrc[0], h->peer->media.ssrc[1],
			      dice() };
	uint8_t bytes[ROOM];
	struct buf_out b = buf_out(bytes, MOST);

	rtcp_write_rr(&b, ssrcs[0], NULL, 0);
	rtcp_write_bye(&b, ssrcs, 3);
	hostile_rtcp(h, bytes, buf_len(&b));
}

void scenario_reports(struct stage *s)
{
	struct hostile h;
	struct mono end;

	if (!hostile_call(&h, s, SDP_AUDIO | SDP_VIDEO, s->vp9))
		return;
	end = mono_add(mono_now(), s->slice_us);
	do {
		for (int i = 0; i < 3; i++)
			send_anything(&h);
		if (dice_below(64) == 0)
			send_bye(&h);
	} while (hostile_goes_on(&h, end, 1000));
	hostile_end(&h, "reports");
}

/* Its own picture goes on while it asks. */
static void unmute(struct hostile *h)
{
	for (int k = 0; k < RTC_KINDS; k++) {
		struct timer *t = &h->peer->media.out[k].timer;

		if (t->handler)
			loop_timer(h->s->loop, t, mono_now(), t->handler,
				   h->peer);
	}
}

/* Every packet again and again, a key picture again and again. */
void scenario_floods(struct stage *s)
{
	struct mono start, end;
	struct hostile h;
	uint64_t keys, pictures, sound;
	int64_t us;

	if (!hostile_call(&h, s, SDP_AUDIO | SDP_VIDEO, s->vp9))
		return;
	unmute(&h);
	start = mono_now();
	end = mono_add(start, s->slice_us);
	keys = h.keys;
	pictures = h.pictures;
	sound = h.peer->stats.flow[RTC_AUDIO].received;
	do {
		uint32_t video = h.peer->media.in[RTC_VIDEO].ssrc;
		uint8_t bytes[ROOM];
		struct buf_out b = buf_out(bytes, MOST);
		uint16_t seqs[RTCP_NACK_FCI_MAX];
		uint16_t from = (uint16_t)h.peer->media.in[RTC_VIDEO].last_seq;

		from = dice_below(2) ? (uint16_t)(from - 250) :
				       (uint16_t)dice();
		for (size_t i = 0; i < ARRAY_LEN(seqs); i++)
			seqs[i] = (uint16_t)(from + i);
		rtcp_write_nack(&b, 1, video, seqs, ARRAY_LEN(seqs));
		rtcp_write_pli(&b, 1, video);
		for (int i = 0; i < 8; i++)
			rtcp_write_fir(&b, 1, video, (uint8_t)dice());
		if (!b.bad)
			hostile_rtcp(&h, bytes, buf_len(&b));
	} while (hostile_goes_on(&h, end, 1000));
	us = mono_since(mono_now(), start);
	keys = h.keys - keys;
	check(s, keys <= (uint64_t)(KEYS_PER_S * (us / 1000000 + 1)),
	      "floods: %llu key pictures in %.1f s", (unsigned long long)keys,
	      (double)us / 1e6);
	/* Repairs and new pictures take turns. */
	check(s, (int64_t)(h.pictures - pictures) * 500000 >= us,
	      "floods: %llu pictures in %.1f s",
	      (unsigned long long)(h.pictures - pictures), (double)us / 1e6);
	check(s, h.peer->stats.flow[RTC_AUDIO].received > sound,
	      "floods: no sound came back");
	hostile_end(&h, "floods");
}

static void send_remb(struct hostile *h)
{
	uint64_t bps = dice_below(3) == 0 ? dice_below(1000) :
		       (uint64_t)dice() << dice_below(30);
	uint32_t ssrc = h->peer->media.in[RTC_VIDEO].ssrc;
	uint8_t bytes[ROOM];
	struct buf_out b = buf_out(bytes, MOST);

	rtcp_write_rr(&b, 1, NULL, 0);
	rtcp_write_remb(&b, 1, bps, &ssrc, 1);
	if (!b.bad)
		hostile_rtcp(h, bytes, buf_len(&b));
}

/* Transport feedback on packets that were never sent, or came before they
 * were; statuses of every kind. */
static void send_twcc(struct hostile *h)
{
	size_t words = 5 + dice_below(60);
	uint8_t bytes[ROOM];

	dice_fill(bytes, 4 + 4 * words);
	bytes[0] = 0x8f;
	bytes[1] = RTCP_RTPFB;
	bytes[2] = 0;
	bytes[3] = (uint8_t)words;
	if (dice_below(2)) {	/* a base near what is sent, a sane count */
		bytes[12] = 0;
		bytes[14] = 0;
	}
	hostile_rtcp(h, bytes, 4 + 4 * words);
}

static void send_lie(struct hostile *h)
{
	struct rtcp_report r = {
		.ssrc = their_ssrc(h), .highest = dice(), .jitter = dice(),
		.fraction_lost = (uint8_t)(dice_below(2) ? 0 : 255),
		.lost = (int32_t)(dice() & 0x7fffff), .lsr = dice(),
		.dlsr = dice(),
	};
	uint8_t bytes[ROOM];
	struct buf_out b = buf_out(bytes, MOST);

	rtcp_write_rr(&b, 1, &r, 1);
	if (!b.bad)
		hostile_rtcp(h, bytes, buf_len(&b));
}

void scenario_lies(struct stage *s)
{
	struct mono start, end;
	struct hostile h;
	uint64_t bytes;
	int64_t us;

	if (!hostile_call(&h, s, SDP_AUDIO | SDP_VIDEO, s->vp9))
		return;
	unmute(&h);
	start = mono_now();
	end = mono_add(start, s->slice_us);
	bytes = h.bytes;
	do {
		send_remb(&h);
		send_twcc(&h);
		send_lie(&h);
	} while (hostile_goes_on(&h, end, 2000));
	us = mono_since(mono_now(), start);
	bytes = h.bytes - bytes;
	check(s, bytes > 0, "lies: nothing came back");
	check(s, (double)bytes * 8e6 / (double)us < BPS_MAX * 1.25,
	      "lies: %.0f bit/s", (double)bytes * 8e6 / (double)us);
	hostile_end(&h, "lies");
}
