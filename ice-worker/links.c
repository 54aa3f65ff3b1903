/* links.c - map, replace, listen */

#include "ice-worker/links.h"

#include "common/clock.h"
#include "common/log.h"
#include "ice-worker/peer.h"
#include "shm/doorbell.h"

#include <errno.h>
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

void links_want(struct peer *p, unsigned kinds)
{
	const struct msg_peer_kinds m = { p->id, kinds, 0 };

	if (send_peer_kinds(&p->wire, &m, NULL, 0, NULL) == 0)
		p->links.wanted = kinds;
}

bool links_wanted(const struct peer *p)
{
	return p->links.wanted != 0;
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
	l->next_media_worker = m->media_worker;

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
	l->media_worker = l->next_media_worker;
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
