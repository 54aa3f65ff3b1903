/*
 * lone_peer.c - one ice-worker with an echo behind it
 *
 * Lines on standard input: "offer N", "answer N" or "candidate N", each
 * followed by N bytes; "want KINDS"; "relink"; "close". On standard output:
 * "local KIND N" and N bytes, "state NAME", "gone WHY", "echoed AUDIO VIDEO
 * DATA". Records that come up go down again, as a media-worker without
 * codecs would do.
 */

#include "tests/proc/house.h"

#include "common/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct house house;
static struct house_peer *peer;
static uint64_t audio, video, data;
static uint8_t payload[RECORD_PAYLOAD_VIDEO];
static bool data_full;

static void echo_audio(struct link_end *e)
{
	struct record r;
	uint64_t lost;
	int got;

	while ((got = ering_read(&e->audio_in, &r, payload, sizeof(payload),
				 &lost)) == 1 || got == -EOVERFLOW)
		if (got == 1 && r.kind == RECORD_AUDIO &&
		    link_send_audio(e, &r, payload) == 0)
			audio++;
}

static void echo_video(struct link_end *e)
{
	struct record r;
	uint64_t lost;
	int got;

	while ((got = ering_read(&e->video_in, &r, payload, sizeof(payload),
				 &lost)) == 1 || got == -EOVERFLOW) {
		if (got != 1)
			continue;
		if (r.kind == RECORD_KEYFRAME)
			(void)!link_send_video(e, &r, NULL);
		else if (r.kind == RECORD_VIDEO &&
			 link_send_video(e, &r, payload) == 0)
			video++;
	}
}

static void echo_data(struct link_end *e)
{
	static struct record held;
	struct record r;

	if (data_full && link_send_data(e, &held, payload) == -EAGAIN)
		return;
	data_full = false;
	while (link_recv_data(e, &r, payload, sizeof(payload)) == 1) {
		if (r.kind != RECORD_DATA)
			continue;
		data++;
		if (link_send_data(e, &r, payload) == -EAGAIN) {
			held = r;
			data_full = true;
			return;
		}
	}
}

static void echo(struct house_peer *p)
{
	struct link_end *e = &p->link;
	bool asleep;

	if (!e->far_media.base)
		return;
	do {
		if (e->kinds & LINK_AUDIO) {
			ering_wake(&e->audio_in);
			echo_audio(e);
		}
		if (e->kinds & LINK_VIDEO && !data_full) {
			ering_wake(&e->video_in);
			echo_video(e);
		}
		if (e->kinds & LINK_DATA) {
			dring_wake(&e->data_in);
			echo_data(e);
		}
		asleep = true;
		if (e->kinds & LINK_AUDIO && !ering_sleep(&e->audio_in))
			asleep = false;
		if (e->kinds & LINK_VIDEO && !data_full &&
		    !ering_sleep(&e->video_in))
			asleep = false;
		if (e->kinds & LINK_DATA && !data_full &&
		    !dring_sleep(&e->data_in))
			asleep = false;
	} while (!asleep);
}

/* A line without its end; NULL at the end of input. */
static char *read_line(void)
{
	static char line[256];
	size_t at = 0;

	while (at + 1 < sizeof(line) && read(0, line + at, 1) == 1 &&
	       line[at] != '\n')
		at++;
	if (at == 0)
		return NULL;
	line[at] = '\0';

	return line;
}

static char *read_text(size_t len)
{
	char *text = calloc(1, len + 1);

	for (size_t at = 0; text && at < len;) {
		ssize_t n = read(0, text + at, len - at);

		if (n <= 0)
			break;
		at += (size_t)n;
	}

	return text;
}

static bool command(void)
{
	const char *line = read_line();
	char word[32] = "";
	unsigned long n = 0;
	char *text;

	if (!line)
		return false;
	sscanf(line, "%31s %lu", word, &n);
	if (!strcmp(word, "want")) {
		house_want_offer(peer, (uint32_t)n);
		return true;
	}
	if (!strcmp(word, "relink")) {
		house_link(&house, peer, peer->kinds);
		return true;
	}
	if (!strcmp(word, "close")) {
		house_close_peer(peer);
		return true;
	}
	text = read_text(n);
	if (!strcmp(word, "offer"))
		house_offer(peer, text);
	else if (!strcmp(word, "answer"))
		house_answer(peer, text);
	else if (!strcmp(word, "candidate"))
		house_candidate(peer, text);
	free(text);

	return true;
}

static bool react(const struct house_news *news)
{
	switch ((int)news->event) {
	case HOUSE_EXTRA:
		return command();
	case HOUSE_LOCAL:
		printf("local %u %zu\n%s", peer->local_kind,
		       strlen(peer->local), peer->local);
		break;
	case HOUSE_STATE:
		printf("state %s\n", call_state_name(peer->state));
		break;
	case HOUSE_KINDS:
		house_link(&house, peer, peer->kinds);
		break;
	case HOUSE_REFUSED:
		printf("refused %s %s\n", call_why_name(news->why),
		       news->text);
		break;
	case HOUSE_STATS:
		printf("echoed %llu %llu %llu\n", (unsigned long long)audio,
		       (unsigned long long)video, (unsigned long long)data);
		printf("stats rtt_us=%u bitrate=%u lost_in=%llu lost_out=%llu "
		       "dropped=%llu threads=%d private_kb=%ld\n",
		       peer->stats.rtt_us, peer->stats.bitrate_bps,
		       (unsigned long long)peer->stats.lost_in,
		       (unsigned long long)peer->stats.lost_out,
		       (unsigned long long)peer->stats.dropped,
		       house_threads(peer->pid), house_private_kb(peer->pid));
		break;
	case HOUSE_GONE:
		printf("gone %s %s\n", call_why_name(news->why), news->text);
		fflush(stdout);
		return false;
	default:
		break;
	}
	fflush(stdout);

	return true;
}

int main(int argc, char **argv)
{
	static struct house_news news;

	if (argc != 1)
		return 2;
	house_open(&house, argv[0]);
	peer = house_fork(&house, 1, 0);
	printf("ready %u\n", peer->port);
	fflush(stdout);
	do {
		house_wait(&house, &news, 1000, 0);
		echo(peer);
	} while (news.event == HOUSE_TIME || react(&news));
	house_close(&house);

	return 0;
}
