/* media.c - well protected packets that lie: heads, sound, pictures */
#include "tests/hostile/stage.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "core/rtp/pack.h"

enum { ROOM = STAGE_DATAGRAM + SRTP_GROW, PER_TURN = 3, TURN_US = 1000 };

static void put32(uint8_t *out, uint32_t v)
{
	out[0] = (uint8_t)(v >> 24);
	out[1] = (uint8_t)(v >> 16);
	out[2] = (uint8_t)(v >> 8);
	out[3] = (uint8_t)v;
}

/* ---- heads ---- */

/* A head extension: right, cut, overlong, of two bytes, of a strange kind. */
static size_t lie_extension(const struct hostile *h, uint8_t *at)
{
	const struct sdp_line *line =
		hostile_line(h, (enum rtc_kind)dice_below(2));
	size_t words = dice_below(40), len = 4 * words;

	dice_fill(at + 4, len);
	at[0] = dice_below(2) ? 0xbe : 0x10;
	at[1] = at[0] == 0xbe ? 0xde : (uint8_t)dice_below(16);
	if (dice_below(8) == 0)
		dice_fill(at, 2);
	at[2] = (uint8_t)(words >> 8);
	at[3] = (uint8_t)words;
	if (len >= 8 && line && line->ext_mid && at[0] == 0xbe) {
		uint8_t n = (uint8_t)dice_below(16);

		at[4] = (uint8_t)(line->ext_mid << 4 | n);
		if (dice_below(2))
			memcpy(at + 5, line->mid, strnlen(line->mid, 3));
	}
	if (len >= 16 && line && line->ext_transport_cc && at[0] == 0xbe)
		at[12] = (uint8_t)(line->ext_transport_cc << 4 | 1);
	if (dice_below(16) == 0)
		dice_fill(at + 2, 2);

	return 4 + len;
}

static size_t lie_packet(const struct hostile *h, uint8_t *out)
{
	static const enum rtp_codec codecs[] = { RTP_OPUS, RTP_VP8, RTP_VP9 };
	static uint32_t seq;
	int pt = hostile_pt(h, codecs[dice_below(3)]);
	size_t len = 12, payload = dice_below(6) ? dice_below(200) :
						   dice_below(1200);
	unsigned csrcs = dice_below(4) ? 0 : dice_below(16);

	seq += dice_below(8) ? 1 : dice_below(20000);
	dice_fill(out, STAGE_DATAGRAM);
	out[0] = (uint8_t)(0x80 | csrcs);
	out[1] = (uint8_t)((dice_below(2) << 7) |
			   (dice_below(4) && pt >= 0 ? (uint8_t)pt :
						       dice_below(64)));
	out[2] = (uint8_t)(seq >> 8);
	out[3] = (uint8_t)seq;
	/* Own streams, a few others, or one that was never seen. */
	switch (dice_below(4)) {
	case 0:
		put32(out + 8, h->peer->media.ssrc[dice_below(2)]);
		break;
	case 1:
		put32(out + 8, dice_below(8));
		break;
	default:
		break;
	}
	len += 4 * csrcs;
	if (dice_below(2)) {
		out[0] |= 0x10;
		len += lie_extension(h, out + len);
	}
	if (len + payload > STAGE_DATAGRAM - 20)
		payload = 10;
	len += payload;
	if (dice_below(3) == 0)
		out[0] |= 0x20;	/* the last byte, any, says how much padding */

	return dice_below(16) ? len : dice_below((uint32_t)len + 1);
}

void scenario_headers(struct stage *s)
{
	struct mono end;
	uint8_t bytes[ROOM];
	struct hostile h;

	if (!hostile_call(&h, s, SDP_AUDIO | SDP_VIDEO, s->vp9))
		return;
	end = mono_add(mono_now(), s->slice_us);
	do {
		for (int i = 0; i < PER_TURN; i++)
			hostile_rtp(&h, bytes, lie_packet(&h, bytes));
	} while (hostile_goes_on(&h, end, TURN_US));
	hostile_end(&h, "headers");
}

/* ---- sound ---- */

/* Random Opus, genuine Opus with bits turned, other lengths, time that
 * jumps: each way and far. */
void scenario_sound(struct stage *s)
{
	int64_t at = (int64_t)1 << 40;
	uint8_t payload[1400];
	struct mono end;
	struct hostile h;

	if (!hostile_call(&h, s, SDP_AUDIO, NULL))
		return;
	end = mono_add(mono_now(), s->slice_us);
	do {
		const struct track_frame *f =
			&s->audio->frames[dice_below(s->audio->count)];
		size_t len = dice_below(1100);

		dice_fill(payload, len);
		if (dice_below(2)) {
			len = f->len;
			memcpy(payload, f->bytes, len);
			dice_spoil(payload, len, dice_below(12));
		}
		at += 960;
		if (dice_below(32) == 0)
			at += (int32_t)dice();
		hostile_media(&h, RTC_AUDIO, payload, len, dice_below(8) == 0,
			      at);
	} while (hostile_goes_on(&h, end, dice_below(4) ? 2000 : 20000));
	hostile_end(&h, "sound");
}

/* ---- pictures ---- */

static void put_bits(uint8_t *bytes, size_t at, unsigned count, uint32_t v)
{
	for (unsigned i = 0; i < count; i++, at++) {
		uint8_t bit = (uint8_t)(0x80 >> at % 8);

		if (v >> (count - 1 - i) & 1)
			bytes[at / 8] |= bit;
		else
			bytes[at / 8] &= (uint8_t)~bit;
	}
}

/* A genuine key frame that claims another size. */
static void claim_size(uint8_t *bytes, size_t len, enum rtp_codec codec,
		       uint32_t width, uint32_t height)
{
	if (len < 12)
		return;
	if (codec == RTP_VP8) {
		bytes[6] = (uint8_t)width;
		bytes[7] = (uint8_t)(width >> 8 & 0x3f);
		bytes[8] = (uint8_t)height;
		bytes[9] = (uint8_t)(height >> 8 & 0x3f);
	} else {
		put_bits(bytes, 36, 16, width - 1);
		put_bits(bytes, 52, 16, height - 1);
	}
}

static uint32_t some_side(void)
{
	static const uint32_t sides[] = {
		1, 2, 15, 16, 17, 319, 1080, 1920, 1921, 4096, 16383, 65535,
	};

	return sides[dice_below(ARRAY_LEN(sides))];
}

struct studio {
	struct hostile *h;
	const struct track *track;
	struct pack pack;
	uint64_t picture_id;
	int64_t at;
	uint8_t picture[RTP_PACKET_MAX * 64];
};

/* Cuts a picture into packets; some descriptors lie. */
static void send_pieces(struct studio *t, size_t len, bool key, unsigned lies)
{
	const struct pack_picture picture = {
		.bytes = t->picture, .len = len, .key = key,
		.width = t->track->width, .height = t->track->height,
	};
	uint8_t payload[RTP_PACKET_MAX];
	bool marker;
	int n;

	if (pack_start(&t->pack, &picture, 1100) < 0)
		return;
	while ((n = pack_next(&t->pack, payload, sizeof(payload),
			      &marker)) > 0) {
		if (dice_below(100) < lies)
			dice_spoil(payload, n < 8 ? (size_t)n : 8,
				   1 + dice_below(4));
		hostile_media(t->h, RTC_VIDEO, payload, (size_t)n,
			      marker && dice_below(100) >= lies, t->at);
	}
}

static void send_frame(struct studio *t, unsigned lies)
{
	const struct track_frame *f = &t->track->frames[
		dice_below(4) ? 0 : dice_below(t->track->count)];
	size_t len = f->len < sizeof(t->picture) ? f->len : 0;

	memcpy(t->picture, f->bytes, len);
	switch (dice_below(6)) {
	case 0:
		if (f->key)
			claim_size(t->picture, len, t->track->codec,
				   some_side(), some_side());
		break;
	case 1:
		dice_spoil(t->picture, len, 1 + dice_below(40));
		break;
	case 2:
		dice_spoil(t->picture, len < 24 ? len : 24, 1 + dice_below(4));
		break;
	case 3:
		dice_fill(t->picture + len / 2, len - len / 2);
		break;
	case 4:
		len = dice_below((uint32_t)len) + 1;
		break;
	default:
		break;
	}
	send_pieces(t, len, f->key, lies);
}

/* Packets of one picture that never ends: no marker, one timestamp. */
static void send_endless(struct studio *t, unsigned packets)
{
	uint8_t payload[1100];

	for (unsigned i = 0; i < packets; i++) {
		dice_fill(payload, sizeof(payload));
		/* the middle of a picture, in either format */
		payload[0] = 0;
		hostile_media(t->h, RTC_VIDEO, payload, sizeof(payload), false,
			      t->at);
	}
}

static void send_noise(struct studio *t)
{
	uint8_t payload[1100];
	size_t len = dice_below(40) + 1;

	dice_fill(payload, sizeof(payload));
	hostile_media(t->h, RTC_VIDEO, payload, dice_below(3) ? len :
		      dice_below(sizeof(payload)), dice_below(2), t->at);
}

static void pictures_of(struct stage *s, const struct track *track,
			const char *name, int64_t slice_us)
{
	static struct studio t;
	struct hostile h;
	struct mono end;

	if (!hostile_call(&h, s, SDP_VIDEO, track))
		return;
	end = mono_add(mono_now(), slice_us);
	t = (struct studio){ .h = &h, .track = track, .at = 1 << 20 };
	pack_init(&t.pack, track->codec, &t.picture_id);
	do {
		t.at += dice_below(16) ? 3000 : (int32_t)dice();
		if (dice_below(16) == 0)
			t.picture_id += dice();
		switch (dice_below(8)) {
		case 0:
			send_endless(&t, 1 + dice_below(60));
			break;
		case 1:
			send_noise(&t);
			break;
		case 2:
			send_frame(&t, 30);
			break;
		default:
			send_frame(&t, 0);
		}
	} while (hostile_goes_on(&h, end, 8000));
	hostile_end(&h, name);
}

void scenario_picture(struct stage *s)
{
	pictures_of(s, s->vp9, "VP9", s->slice_us);
	stage_judge(s, "VP9");
	pictures_of(s, s->vp8, "VP8", s->slice_us);
}

/* ---- the same again ---- */

enum { KEPT = 256, FRAME_US = 20000 };

/* Each packet comes again, at once and much later, from the peer and from a
 * stranger. What comes back is sound in real time, no faster. */
void scenario_replay(struct stage *s)
{
	static struct {
		uint8_t bytes[ROOM];
		size_t len;
	} kept[KEPT];
	struct sockaddr_in to;
	struct rtc_stats before, after;
	unsigned sent = 0;
	struct hostile h;
	struct mono end;
	int64_t us;
	int fd;

	if (!hostile_call(&h, s, SDP_AUDIO, NULL))
		return;
	fd = foreign_open(h.peer, &to);
	rtc_peer_stats(h.peer, &before);
	end = mono_add(mono_now(), s->slice_us);
	do {
		const struct track_frame *f = &s->audio->frames[sent % 50];
		uint8_t *bytes = kept[sent % KEPT].bytes;

		bytes[0] = 0x80;
		bytes[1] = (uint8_t)hostile_pt(&h, RTP_OPUS);
		bytes[2] = (uint8_t)(sent >> 8);
		bytes[3] = (uint8_t)sent;
		put32(bytes + 4, sent * 960);
		put32(bytes + 8, 0x5eed5eed);
		memcpy(bytes + 12, f->bytes, f->len);
		kept[sent % KEPT].len = hostile_rtp(&h, bytes, 12 + f->len);
		sent++;
		for (int i = 0; i < 12; i++) {
			unsigned k = dice_below(sent < KEPT ? sent : KEPT);

			if (i % 2)
				(void)!agent_send(h.peer->agent, kept[k].bytes,
						  kept[k].len);
			else if (fd >= 0)
				(void)!sendto(fd, kept[k].bytes, kept[k].len,
					      0, (struct sockaddr *)&to,
					      sizeof(to));
		}
	} while (hostile_goes_on(&h, end, 20000));
	rtc_peer_stats(h.peer, &after);
	after.flow[RTC_AUDIO].received -= before.flow[RTC_AUDIO].received;
	us = mono_since(mono_now(), mono_add(end, -s->slice_us));
	check(s, (int64_t)after.flow[RTC_AUDIO].received <=
	      us / FRAME_US * 11 / 10 + 25,
	      "replay: %u sent, %llu came back in %.1f s", sent,
	      (unsigned long long)after.flow[RTC_AUDIO].received,
	      (double)us / 1e6);
	hostile_end(&h, "replay");
	if (fd >= 0)
		close(fd);
}
