/* links.c - map, replace, listen */

#include "ice-worker/links.h"

#include "common/clock.h"
#include "common/log.h"
#include "ice-worker/peer.h"
#include "shm/doorbell.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

void links_init(struct peer *p)
{
	p->links.bell_fd = -1;
}

static void drop_bell(struct links *l)
{
	loop_unwatch(&l->bell);
	if (l->bell_fd >= 0)
		close(l->bell_fd);
	l->bell_fd = -1;
}

void links_fini(struct peer *p)
{
	drop_bell(&p->links);
	link_end_fini(&p->links.now);
	link_end_fini(&p->links.next);
	link_end_fini(&p->links.old);
}

/* Pictures that an m-line of ours may carry to the peer. */
static uint32_t codecs_of(const struct sdp_session *s)
{
	const struct sdp_line *line;
	uint32_t codecs = 0;

	if (s->video_out < 0)
		return 0;
	line = &s->lines[s->video_out];
	for (unsigned i = 0; i < line->codec_count; i++)
		codecs |= 1u << (line->codecs[i].codec == SDP_VP9 ?
				 CODEC_VP9 : CODEC_VP8);

	return codecs;
}

struct msg_peer_kinds links_kinds(const struct peer *p)
{
	const struct sdp_session *s = &p->negotiation.agreed;
	uint32_t data = s->data >= 0 ? LINK_DATA : 0;

	return (struct msg_peer_kinds){
		.peer = p->id, .kinds = s->kinds,
		.kinds_in = (s->audio_in >= 0 ? LINK_AUDIO : 0u) |
			    (s->video_in >= 0 ? LINK_VIDEO : 0u) | data,
		.kinds_out = (s->audio_out >= 0 ? LINK_AUDIO : 0u) |
			     (s->video_out >= 0 ? LINK_VIDEO : 0u) | data,
		.codecs = codecs_of(s),
	};
}

void links_want(struct peer *p)
{
	const struct msg_peer_kinds m = links_kinds(p);

	if (memcmp(&m, &p->links.wanted, sizeof(m)) != 0 &&
	    send_peer_kinds(&p->wire, &m, NULL, 0, NULL) == 0)
		p->links.wanted = m;
}

int links_own(struct peer *p, const struct msg_ice_link_own *m, const int *fds)
{
	const struct msg_ice_link_mapped done = { p->id, m->generation };
	struct links *l = &p->links;
	int err = -EPROTO;

	if (m->kinds && m->kinds <= (LINK_AUDIO | LINK_VIDEO | LINK_DATA)) {
		link_end_fini(&l->next);
		err = link_map_own(&l->next, m->kinds, m->generation, fds[0],
				   fds[1]);
	}
	close(fds[0]);
	close(fds[1]);
	if (err < 0) {
		log_fail(err, "link: our half");
		return -EPROTO;
	}

	return send_ice_link_mapped(&p->wire, &done, NULL, 0, NULL);
}

static void on_bell(int fd, uint32_t events, struct mono now, void *arg)
{
	struct peer *p = arg;

	(void)events;
	if (doorbell_hear(fd) < 0) {
		/* the media-worker died; a new link comes */
		drop_bell(&p->links);
		return;
	}
	links_pull(p, now);
}

/* The new link serves from here on. */
static void take_next(struct peer *p)
{
	struct links *l = &p->links;

	link_end_fini(&l->old);
	l->old = l->now;
	l->now = l->next;
	l->next = (struct link_end){ 0 };
	data_replace_link(p);
	media_in_replace_link(p);
	media_out_replace_link(p);
}

int links_far(struct peer *p, const struct msg_ice_link_far *m, const int *fds)
{
	struct links *l = &p->links;
	int err = -EPROTO;

	if (l->next.kinds && m->generation == l->next.generation)
		err = link_map_far(&l->next, fds[0], fds[1], fds[3], fds[4]);
	close(fds[0]);
	close(fds[1]);
	if (err < 0) {
		for (int i = 2; i < 5; i++)
			close(fds[i]);
		log_fail(err, "link: far half");
		return -EPROTO;
	}
	drop_bell(l);
	l->bell_fd = fds[2];
	err = loop_watch(p->loop, &l->bell, fds[2], EPOLLIN, on_bell, p);
	if (err < 0)
		log_fail(err, "link: bell");
	take_next(p);
	links_pull(p, mono_now());

	return 0;
}

/* Announces sleep on every ring that is empty; false when something came. */
static bool sleep_all(struct link_end *end, bool video, bool data)
{
	bool asleep = true;

	if (end->kinds & LINK_AUDIO && !ering_sleep(&end->audio_in))
		asleep = false;
	if (video && end->kinds & LINK_VIDEO && !ering_sleep(&end->video_in))
		asleep = false;
	if (data && end->kinds & LINK_DATA && !dring_sleep(&end->data_in))
		asleep = false;

	return asleep;
}

static void wake_all(struct link_end *end)
{
	if (end->kinds & LINK_AUDIO)
		ering_wake(&end->audio_in);
	if (end->kinds & LINK_VIDEO)
		ering_wake(&end->video_in);
	if (end->kinds & LINK_DATA)
		dring_wake(&end->data_in);
}

void links_pull(struct peer *p, struct mono now)
{
	struct link_end *end = &p->links.now;

	if (!end->far_media.base || p->leaving)
		return;
	wake_all(end);
	/* A writer that never stops must not hold this loop. */
	for (int rounds = 0; rounds < 64; rounds++) {
		bool video, data;

		media_out_pull_audio(p, now);
		video = media_out_pull_video(p, now);
		data = data_pull(p);
		data_push(p);
		if (sleep_all(end, video, data))
			return;
		wake_all(end);
	}
	loop_timer(p->loop, &p->out.pace_timer, now, media_out_on_timer, p);
}
