/* spray.c - datagrams of somebody who knows no secret, and of a peer that
 * speaks nonsense over its valid pair */
#include "tests/hostile/stage.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/client/stun.h"

enum { PER_TURN = 5, TURN_US = 1000 };

int foreign_open(const struct rtc_peer *p, struct sockaddr_in *to)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	int fd = -1;

	if (!agent_far(p->agent, to))
		return -1;
	memcpy(&from.sin_addr, agent_candidate(p->agent)->addr.bytes, 4);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&from, sizeof(from))) {
		close(fd);
		return -1;
	}

	return fd;
}

/* A genuine Binding request, with a key that is wrong or with bits turned. */
static size_t make_check(uint8_t *out, const struct rtc_peer *p)
{
	char username[600];
	struct stun_check check = {
		.username = username, .priority = dice(),
		.key = dice_below(2) ? "wrongwrongwrongwrongwrong" :
				       p->agreed.remote_pwd,
		.tie_breaker = (uint64_t)dice() << 32 | dice(),
		.controlling = dice_below(2), .use_candidate = dice_below(2),
	};
	int n;

	snprintf(username, sizeof(username), "%s:%s",
		 dice_below(2) ? p->agreed.remote_ufrag : "nobody",
		 agent_ufrag(p->agent));
	dice_fill(check.txid, sizeof(check.txid));
	n = stun_write_check(&check, out, STUN_MAX);
	if (n <= 0)
		return 0;
	/* One with the right key and no bit turned would be a new pair: that
	 * is no spray. */
	dice_spoil(out, (size_t)n, 1 + dice_below(8));

	return dice_below(3) ? (size_t)n : dice_below((uint32_t)n);
}

static size_t make_stun(uint8_t *out)
{
	size_t len = 20 + dice_below(600);

	dice_fill(out, len);
	out[0] = (uint8_t)dice_below(4);
	memcpy(out + 4, "\x21\x12\xa4\x42", 4);
	if (dice_below(2)) {
		out[2] = (uint8_t)((len - 20) >> 8);
		out[3] = (uint8_t)(len - 20);
	}
	/* An attribute that is known, with a length that is not. */
	if (len > 32) {
		out[20] = 0;
		out[21] = (uint8_t)(dice_below(2) ? 0x06 : dice_below(0x30));
	}

	return dice_below(4) ? len : dice_below((uint32_t)len);
}

/* A DTLS record's head. */
static void record_head(uint8_t *out, uint8_t type, uint16_t epoch,
			size_t len)
{
	out[0] = type;
	out[1] = 0xfe;
	out[2] = dice_below(2) ? 0xfd : 0xff;
	out[3] = (uint8_t)(epoch >> 8);
	out[4] = (uint8_t)epoch;
	dice_fill(out + 5, 6);
	out[5] = out[6] = 0;
	out[11] = (uint8_t)(len >> 8);
	out[12] = (uint8_t)len;
}

static void put24(uint8_t *out, uint32_t v)
{
	out[0] = (uint8_t)(v >> 16);
	out[1] = (uint8_t)(v >> 8);
	out[2] = (uint8_t)v;
}

/* A ClientHello with the NULL cipher only, whole or as a lying fragment. */
static size_t make_hello(uint8_t *out)
{
	uint8_t *h = out + 13, *body = h + 12;
	uint32_t len = 42;

	dice_fill(body, 34);
	body[0] = 0xfe;
	body[1] = 0xfd;
	memcpy(body + 34, "\x00\x00\x00\x02\x00\x00\x01\x00", 8);
	h[0] = (uint8_t)(dice_below(4) ? 1 : dice_below(30));
	put24(h + 1, len);
	h[4] = 0;
	h[5] = (uint8_t)dice_below(3);
	put24(h + 6, 0);
	put24(h + 9, len);
	switch (dice_below(5)) {
	case 0:
		put24(h + 1, 0xffffff);		/* 16 MB are to come */
		break;
	case 1:
		put24(h + 6, dice_below(0x1000000));
		break;
	case 2:
		put24(h + 9, dice_below(0x1000000));
		break;
	case 3:
		dice_spoil(h, 12 + len, 6);
		break;
	default:
		break;
	}
	record_head(out, 22, 0, 12 + len);

	return 13 + 12 + len;
}

static size_t make_dtls(uint8_t *out)
{
	static const uint8_t types[] = { 20, 21, 22, 23, 24, 25, 63 };
	size_t len = dice_below(4) ? dice_below(200) : dice_below(1480);
	uint8_t type = types[dice_below(sizeof(types))];

	if (dice_below(3) == 0)
		return make_hello(out);
	dice_fill(out + 13, len);
	if (type == 21) {	/* alerts in clear text, fatal ones as well */
		len = 2;
		out[13] = (uint8_t)(1 + dice_below(2));
		out[14] = (uint8_t)(dice_below(2) ? 0 : dice_below(120));
	}
	record_head(out, type, (uint16_t)(dice_below(2) ? dice_below(3) :
					  dice()), len);
	if (dice_below(4) == 0)
		dice_fill(out + 11, 2);

	return dice_below(8) ? 13 + len : dice_below((uint32_t)(13 + len));
}

static size_t make_rtp(uint8_t *out)
{
	size_t len = dice_below(4) ? dice_below(120) :
				     dice_below(STAGE_DATAGRAM);

	dice_fill(out, STAGE_DATAGRAM);
	out[0] = (uint8_t)(0x80 | dice_below(64));
	if (dice_below(2))
		out[1] = (uint8_t)(200 + dice_below(8));

	return len;
}

size_t spray_make(uint8_t out[STAGE_DATAGRAM], const struct rtc_peer *p)
{
	switch (dice_below(6)) {
	case 0:
		return make_check(out, p);
	case 1:
		return make_stun(out);
	case 2:
	case 3:
		return make_dtls(out);
	case 4:
		return make_rtp(out);
	default:
		dice_fill(out, STAGE_DATAGRAM);
		return dice_below(STAGE_DATAGRAM);
	}
}

static void spray(int fd, const struct sockaddr_in *to,
		  const struct rtc_peer *p)
{
	uint8_t bytes[STAGE_DATAGRAM];

	for (int i = 0; i < PER_TURN; i++) {
		size_t len = spray_make(bytes, p);

		(void)!sendto(fd, bytes, len, 0, (const struct sockaddr *)to,
			      sizeof(*to));
	}
}

/* At the healthy call itself: it must not notice. */
void scenario_spray(struct stage *s)
{
	struct mono end = mono_add(mono_now(), s->slice_us);
	struct sockaddr_in to;
	uint8_t big[8192];
	int fd = foreign_open(s->healthy, &to);

	check(s, fd >= 0, "no foreign socket");
	while (fd >= 0 && mono_before(mono_now(), end)) {
		spray(fd, &to, s->healthy);
		if (dice_below(32) == 0) {
			dice_fill(big, sizeof(big));
			(void)!sendto(fd, big, sizeof(big), 0,
				      (struct sockaddr *)&to, sizeof(to));
		}
		stage_run(s, TURN_US);
	}
	if (fd >= 0)
		close(fd);
}

static bool has_far(void *arg)
{
	struct hostile *h = arg;
	struct sockaddr_in to;

	return rtc_peer_state(h->peer) == RTC_FAILED ||
	       agent_far(h->peer->agent, &to);
}

/* Before and while a call comes up: it must come up all the same. */
void scenario_early(struct stage *s)
{
	struct mono end = mono_add(mono_now(), STAGE_WAIT_US);
	struct sockaddr_in to;
	struct hostile h;
	int fd = -1;

	if (!hostile_dial(&h, s, SDP_AUDIO | SDP_VIDEO | SDP_DATA, s->vp9))
		return;
	if (stage_wait(s, has_far, &h))
		fd = foreign_open(h.peer, &to);
	check(s, fd >= 0, "early: no foreign socket");
	while (fd >= 0 && rtc_peer_state(h.peer) < RTC_DATA_UP &&
	       mono_before(mono_now(), end)) {
		for (int i = 0; i < 4; i++)
			spray(fd, &to, h.peer);
		stage_run(s, TURN_US);
	}
	check(s, rtc_peer_state(h.peer) == RTC_DATA_UP,
	      "early: the call did not come up: state %d %s",
	      rtc_peer_state(h.peer), rtc_peer_reason(h.peer));
	stage_run(s, 200000);
	hostile_end(&h, "early");
	if (fd >= 0)
		close(fd);
}

/* Over the valid pair: first while DTLS begins, then in a running call. */
void scenario_spoken(struct stage *s)
{
	struct mono end = mono_add(mono_now(), s->slice_us);
	uint8_t bytes[STAGE_DATAGRAM];
	struct hostile h;

	if (!hostile_dial(&h, s, SDP_AUDIO | SDP_DATA, NULL))
		return;
	for (int i = 0; i < 400 && rtc_peer_state(h.peer) != RTC_FAILED; i++) {
		size_t len = spray_make(bytes, h.peer);

		(void)!agent_send(h.peer->agent, bytes, len);
		stage_run(s, TURN_US);
	}
	rtc_peer_free(h.peer);
	if (!hostile_call(&h, s, SDP_AUDIO | SDP_DATA, NULL))
		return;
	do {
		for (int i = 0; i < PER_TURN; i++) {
			size_t len = spray_make(bytes, h.peer);

			(void)!agent_send(h.peer->agent, bytes, len);
		}
	} while (hostile_goes_on(&h, end, TURN_US));
	hostile_end(&h, "spoken");
}
