/*
 * link.c - shared memory between a peer's ice-worker and its media-worker
 *
 *     NONE -> MAPPING   both sides got the regions they write
 *     MAPPING -> UP     both said that they mapped them; all four were
 *                       sealed, each side got the other's, and the bells
 *     any -> LOST       the media-worker died
 *     LOST -> MAPPING   it (its successor) is back: all regions are new
 *
 * Nobody writes into old memory, so a link is never repaired, only made
 * again with a higher generation. The broker keeps no descriptor of a link
 * that is UP.
 */

#include "session-broker/broker.h"

#include "common/clock.h"
#include "common/log.h"
#include "shm/doorbell.h"
#include "shm/link.h"
#include "shm/region.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { MAP_US = 3000000 };
enum { ICE_MEDIA, ICE_PRIVATE, MEDIA_MEDIA, MEDIA_PRIVATE };

struct worker *media_of(const struct peer *p)
{
	struct worker *w = p->session->media < p->b->media_count ?
				   p->b->media[p->session->media].worker :
				   NULL;

	return w && w->phase != AT_BOOT ? w : NULL;
}

uint32_t media_least_loaded(struct broker *b)
{
	uint32_t load[MEDIA_WORKERS_MAX] = { 0 }, best = 0;

	for (struct peer *p = peer_each(b, NULL); p; p = peer_each(b, p))
		if (p->session->media < b->media_count)
			load[p->session->media]++;
	for (uint32_t i = 1; i < b->media_count; i++)
		if (load[i] < load[best])
			best = i;

	return best;
}

static void close_all(int *fds, int n)
{
	for (int i = 0; i < n; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

static int make_regions(struct peer *p, const struct link_layout *l)
{
	static const enum region_kind kinds[4] = {
		REGION_MEDIA, REGION_PRIVATE, REGION_MEDIA, REGION_PRIVATE,
	};
	static const char *const names[4] = {
		"rm-up-media", "rm-up-private", "rm-down-media",
		"rm-down-private",
	};

	for (int i = 0; i < 4; i++) {
		size_t bytes = kinds[i] == REGION_MEDIA ? l->media_bytes :
							  l->private_bytes;

		p->regions[i] = region_create(names[i], kinds[i], bytes,
					      p->generation, p->id);
		if (p->regions[i] < 0) {
			int err = p->regions[i];

			close_all(p->regions, 4);
			return err;
		}
	}

	return 0;
}

static void on_map_late(struct mono now, void *arg)
{
	struct peer *p = arg;
	struct worker *m = media_of(p);

	(void)now;
	log_warn("link not mapped in time", "peer=%s ice=%d media=%d", p->name,
		 p->ice_mapped, p->media_mapped);
	if (p->ice && !p->ice_mapped)
		worker_broken(p->ice, "link not mapped");
	else if (m && !p->media_mapped)
		worker_broken(m, "link not mapped");
}

bool media_is_full(struct broker *b, uint32_t index)
{
	uint32_t links = 0;

	for (struct peer *p = peer_each(b, NULL); p; p = peer_each(b, p))
		links += p->session->media == index && p->ice;

	return links >= MEDIA_LINKS_MAX;
}

/* May end the call: p is gone then. */
static void failed(struct peer *p, int err)
{
	log_warn("no shared memory for a call", "peer=%s error=\"%s\" "
		 "hint=\"raise the limits of memory and open files\"",
		 p->name, strerror(-err));
	peer_end(p, WHY_RESOURCES, "no shared memory or descriptors left");
}

void link_start(struct peer *p, uint32_t kinds)
{
	struct worker *media = media_of(p), *ice = p->ice;
	struct link_layout l;
	int err;

	p->kinds = kinds;
	if (!kinds || !ice || ice->phase == AT_BOOT)
		return;
	if (!media) {
		p->link = LINK_LOST;	/* link_restore() comes for it */
		return;
	}

	close_all(p->regions, 4);
	p->generation++;
	p->ice_mapped = p->media_mapped = p->kinds_late = false;
	p->link = LINK_MAPPING;
	link_layout(&l, kinds);
	if ((err = make_regions(p, &l)) ||
	    (err = send_ice_link_own(&ice->down, &(struct msg_ice_link_own){
		     p->id, p->generation, kinds, 0 }, NULL, 0,
		     &p->regions[ICE_MEDIA])) ||
	    (err = send_media_link_own(&media->down,
		     &(struct msg_media_link_own){ p->id, p->generation,
		     p->session->number, kinds, p->kinds_in, p->kinds_out,
		     p->codecs }, NULL, 0, &p->regions[MEDIA_MEDIA]))) {
		failed(p, err);
		return;
	}
	loop_timer(p->b->loop, &p->link_by, mono_add(mono_now(), MAP_US),
		   on_map_late, p);
}

void link_tell_kinds(struct peer *p)
{
	struct worker *media = media_of(p);

	/* This goes another way than the regions, and could overtake them. */
	p->kinds_late = p->link == LINK_MAPPING;
	if (media && p->link == LINK_UP)
		(void)send_media_peer_kinds(&media->ctl,
			&(struct msg_media_peer_kinds){ p->id, p->generation,
			p->kinds_in, p->kinds_out, p->codecs, 0 }, NULL, 0,
			NULL);
}

/* bells: [0] heard by ice, [1] audio and data, [2] video heard by media. */
static int connect_sides(struct peer *p, struct worker *ice,
			 struct worker *media, int bells[3][2])
{
	int to_ice[5] = { p->regions[MEDIA_MEDIA], p->regions[MEDIA_PRIVATE],
			  bells[0][0], bells[1][1], bells[2][1] };
	int to_media[5] = { p->regions[ICE_MEDIA], p->regions[ICE_PRIVATE],
			    bells[1][0], bells[2][0], bells[0][1] };
	int err;

	for (int i = 0; i < 4; i++)
		if ((err = region_seal(p->regions[i])))
			return err;
	if ((err = send_media_link_far(&media->down,
		     &(struct msg_media_link_far){ p->id, p->generation },
		     NULL, 0, to_media)))
		return err;

	return send_ice_link_far(&ice->down, &(struct msg_ice_link_far){
		p->id, p->generation }, NULL, 0, to_ice);
}

static void both_mapped(struct peer *p)
{
	int bells[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	struct worker *media = media_of(p);
	int err = media && p->ice ? 0 : -ENOTCONN;

	for (int i = 0; !err && i < 3; i++)
		err = doorbell_new(bells[i]);
	if (!err)
		err = connect_sides(p, p->ice, media, bells);
	for (int i = 0; i < 3; i++)
		close_all(bells[i], 2);
	close_all(p->regions, 4);
	loop_untimer(&p->link_by);
	p->link = err ? LINK_LOST : LINK_UP;
	if (err && media && p->ice)
		failed(p, err);
	if (!err && p->kinds_late)
		link_tell_kinds(p);
	if (!err)
		log_debug("link is up", "peer=%s generation=%llu kinds=%u",
			  p->name, (unsigned long long)p->generation,
			  p->kinds);
}

void link_mapped(struct peer *p, uint64_t generation, bool by_ice)
{
	if (p->link != LINK_MAPPING || generation != p->generation)
		return;
	if (by_ice)
		p->ice_mapped = true;
	else
		p->media_mapped = true;
	if (p->ice_mapped && p->media_mapped)
		both_mapped(p);
}

void link_lost(struct peer *p)
{
	loop_untimer(&p->link_by);
	close_all(p->regions, 4);
	if (p->link != LINK_NONE)
		p->link = LINK_LOST;
}

void link_drop(struct peer *p)
{
	struct worker *media = media_of(p);

	if (media && p->link != LINK_NONE)
		(void)send_media_peer_close(&media->ctl,
			&(struct msg_media_peer_close){ p->id,
			p->generation }, NULL, 0, NULL);
	link_lost(p);
	p->link = LINK_NONE;
}

void link_restore(struct broker *b, uint32_t index)
{
	for (struct peer *p = peer_each(b, NULL), *next; p; p = next) {
		next = peer_each(b, p);
		if (p->session->media == index && p->kinds &&
		    p->link == LINK_LOST)
			link_start(p, p->kinds);
	}
}
