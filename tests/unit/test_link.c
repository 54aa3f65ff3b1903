/* test_link.c - both ends of a link, as the broker sets it up */

#include "shm/link.h"

#include "shm/doorbell.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ALL = LINK_AUDIO | LINK_VIDEO | LINK_DATA, GENERATION = 5 };

static struct link_end ice, media;
static int fds[4];		/* ice media, ice private, media media, ... */
static int ice_bell[2], audio_bell[2], video_bell[2];

static void create(unsigned kinds)
{
	struct link_layout l;

	link_layout(&l, kinds);
	for (int i = 0; i < 4; i++) {
		fds[i] = region_create("t", i % 2 ? REGION_PRIVATE :
						    REGION_MEDIA,
				       i % 2 ? l.private_bytes : l.media_bytes,
				       GENERATION, 1);
		ck_assert_int_ge(fds[i], 0);
	}
	ck_assert_int_eq(doorbell_new(ice_bell), 0);
	ck_assert_int_eq(doorbell_new(audio_bell), 0);
	ck_assert_int_eq(doorbell_new(video_bell), 0);
}

static void join(unsigned kinds)
{
	create(kinds);
	ck_assert_int_eq(link_map_own(&ice, kinds, GENERATION, fds[0], fds[1]),
			 0);
	ck_assert_int_eq(link_map_own(&media, kinds, GENERATION, fds[2],
				      fds[3]), 0);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(region_seal(fds[i]), 0);
	ck_assert_int_eq(link_map_far(&ice, fds[2], fds[3], audio_bell[1],
				      video_bell[1]), 0);
	ck_assert_int_eq(link_map_far(&media, fds[0], fds[1], ice_bell[1],
				      ice_bell[1]), 0);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}

static void part(void)
{
	link_end_fini(&ice);
	link_end_fini(&media);
	close(ice_bell[0]);
	close(audio_bell[0]);
	close(video_bell[0]);
}

static bool rings(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, 0) == 1;
}

START_TEST(layout_is_aligned_disjoint_and_absent_where_not_wanted)
{
	for (unsigned kinds = 1; kinds <= ALL; kinds++) {
		struct link_layout l;
		size_t end = REGION_HEAD;

		link_layout(&l, kinds);
		ck_assert_uint_eq(l.media_bytes % 4096, 0);
		ck_assert_uint_eq(l.private_bytes % 4096, 0);
		ck_assert_int_eq(!l.audio_at, !(kinds & LINK_AUDIO));
		ck_assert_int_eq(!l.video_at, !(kinds & LINK_VIDEO));
		ck_assert_int_eq(!l.data_at, !(kinds & LINK_DATA));
		if (l.audio_at) {
			ck_assert_uint_eq(l.audio_at % 64, 0);
			ck_assert_uint_ge(l.audio_at, end);
			end = l.audio_at + ering_bytes(LINK_AUDIO_BYTES);
		}
		if (l.video_at) {
			ck_assert_uint_eq(l.video_at % 64, 0);
			ck_assert_uint_ge(l.video_at, end);
			end = l.video_at + ering_bytes(LINK_VIDEO_BYTES);
		}
		ck_assert_uint_ge(l.media_bytes, end);
		if (l.data_at)
			ck_assert_uint_ge(l.private_bytes, l.data_at +
					  dring_bytes(LINK_DATA_BYTES));
	}
}
END_TEST

START_TEST(each_kind_travels_both_ways)
{
	struct link_end *ends[2] = { &ice, &media };
	static unsigned char out[RECORD_PAYLOAD_VIDEO];
	static unsigned char in[RECORD_PAYLOAD_VIDEO];
	uint64_t lost;

	join(ALL);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (unsigned char)(i * 2654435761u >> 13);
	for (int i = 0; i < 20; i++) {
		struct link_end *from = ends[i % 2], *to = ends[1 - i % 2];
		struct record rec = { .kind = RECORD_AUDIO, .seq_first = i,
				      .bytes = RECORD_PAYLOAD_AUDIO };

		ck_assert_int_eq(link_send_audio(from, &rec, out), 0);
		rec.kind = RECORD_VIDEO;
		rec.bytes = RECORD_PAYLOAD_VIDEO;
		ck_assert_int_eq(link_send_video(from, &rec, out), 0);
		rec.kind = RECORD_DATA;
		rec.bytes = RECORD_PAYLOAD_DATA;
		ck_assert_int_eq(link_send_data(from, &rec, out), 0);

		ck_assert_int_eq(ering_read(&to->audio_in, &rec, in,
					    sizeof(in), &lost), 1);
		ck_assert_uint_eq(rec.kind, RECORD_AUDIO);
		ck_assert_int_eq(rec.seq_first, i);
		ck_assert_int_eq(memcmp(in, out, RECORD_PAYLOAD_AUDIO), 0);
		memset(in, 0, sizeof(in));
		ck_assert_int_eq(ering_read(&to->video_in, &rec, in,
					    sizeof(in), &lost), 1);
		ck_assert_uint_eq(rec.kind, RECORD_VIDEO);
		ck_assert_int_eq(memcmp(in, out, RECORD_PAYLOAD_VIDEO), 0);
		memset(in, 0, sizeof(in));
		ck_assert_int_eq(link_recv_data(to, &rec, in, sizeof(in)), 1);
		ck_assert_uint_eq(rec.kind, RECORD_DATA);
		ck_assert_int_eq(memcmp(in, out, RECORD_PAYLOAD_DATA), 0);
	}
	ck_assert(!rings(ice_bell[0]) && !rings(audio_bell[0]) &&
		  !rings(video_bell[0]));
	part();
}
END_TEST

START_TEST(only_the_sleeping_reader_s_bell_rings)
{
	struct record rec = { .kind = RECORD_TICK };

	join(ALL);
	ck_assert(ering_sleep(&media.audio_in));
	ck_assert_int_eq(link_send_video(&ice, &rec, NULL), 0);
	ck_assert_int_eq(link_send_data(&ice, &rec, NULL), 0);
	ck_assert(!rings(audio_bell[0]) && !rings(video_bell[0]));
	ck_assert_int_eq(link_send_audio(&ice, &rec, NULL), 0);
	ck_assert(rings(audio_bell[0]) && !rings(video_bell[0]));
	ck_assert(!ering_sleep(&media.video_in));
	ck_assert(dring_sleep(&ice.data_in));
	ck_assert_int_eq(link_send_data(&media, &rec, NULL), 0);
	ck_assert(rings(ice_bell[0]));
	part();
}
END_TEST

START_TEST(a_full_data_ring_rings_back_when_there_is_room)
{
	static unsigned char big[RECORD_PAYLOAD_DATA];
	struct record rec = { .kind = RECORD_DATA, .bytes = sizeof(big) };
	int sent = 0;

	join(LINK_DATA);
	while (link_send_data(&ice, &rec, big) == 0)
		sent++;
	ck_assert_int_eq(sent, 3);
	ck_assert(!rings(ice_bell[0]));
	ck_assert_int_eq(link_recv_data(&media, &rec, big, sizeof(big)), 1);
	ck_assert(rings(ice_bell[0]));
	ck_assert_int_eq(link_send_data(&ice, &rec, big), 0);
	part();
}
END_TEST

START_TEST(a_reader_that_sleeps_for_ever_blocks_nobody)
{
	struct record rec = { .kind = RECORD_TICK };
	int sent = 0;

	join(ALL);
	ck_assert(ering_sleep(&media.audio_in));
	ck_assert(ering_sleep(&media.video_in));
	ck_assert(dring_sleep(&media.data_in));
	/* More than a pipe holds. */
	for (int i = 0; i < 100000; i++)
		if (link_send_audio(&ice, &rec, NULL) != 0 ||
		    link_send_video(&ice, &rec, NULL) != 0)
			ck_abort_msg("refused");
	while (link_send_data(&ice, &rec, NULL) == 0)
		sent++;
	ck_assert_int_eq(sent, LINK_DATA_BYTES / 72);
	ck_assert_int_eq(link_send_data(&ice, &rec, NULL), -EAGAIN);
	part();
}
END_TEST

START_TEST(absent_rings_and_half_a_link_are_enotconn)
{
	struct record rec = { .kind = RECORD_TICK };

	join(LINK_AUDIO);
	ck_assert_int_eq(link_send_audio(&ice, &rec, NULL), 0);
	ck_assert_int_eq(link_send_video(&ice, &rec, NULL), -ENOTCONN);
	ck_assert_int_eq(link_send_data(&ice, &rec, NULL), -ENOTCONN);
	ck_assert_int_eq(link_recv_data(&ice, &rec, NULL, 0), -ENOTCONN);
	part();
	ck_assert_int_eq(link_send_audio(&ice, &rec, NULL), -ENOTCONN);
	create(ALL);
	ck_assert_int_eq(link_map_own(&ice, ALL, GENERATION, fds[0], fds[1]),
			 0);
	ck_assert_int_eq(link_send_audio(&ice, &rec, NULL), -ENOTCONN);
	ck_assert_int_eq(link_send_data(&ice, &rec, NULL), -ENOTCONN);
	link_end_fini(&ice);
}
END_TEST

START_TEST(what_was_written_before_the_far_side_mapped_is_read)
{
	struct record rec = { .kind = RECORD_TICK, .seq_first = 9 };
	uint64_t lost;

	create(ALL);
	ck_assert_int_eq(link_map_own(&ice, ALL, GENERATION, fds[0], fds[1]),
			 0);
	ck_assert_int_eq(link_map_own(&media, ALL, GENERATION, fds[2], fds[3]),
			 0);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(region_seal(fds[i]), 0);
	ck_assert_int_eq(link_map_far(&ice, fds[2], fds[3], audio_bell[1],
				      video_bell[1]), 0);
	ck_assert_int_eq(link_send_audio(&ice, &rec, NULL), 0);
	ck_assert_int_eq(link_send_data(&ice, &rec, NULL), 0);
	ck_assert_int_eq(link_map_far(&media, fds[0], fds[1], ice_bell[1],
				      ice_bell[1]), 0);
	ck_assert_int_eq(ering_read(&media.audio_in, &rec, NULL, 0, &lost), 1);
	ck_assert_int_eq(rec.seq_first, 9);
	ck_assert_int_eq(link_recv_data(&media, &rec, NULL, 0), 1);
	part();
}
END_TEST

START_TEST(wrong_generation_size_or_no_seal_fails_and_takes_nothing)
{
	create(ALL);
	ck_assert_int_eq(link_map_own(&ice, ALL, GENERATION + 1, fds[0],
				      fds[1]), -EINVAL);
	ck_assert_int_eq(link_map_own(&ice, LINK_AUDIO, GENERATION, fds[0],
				      fds[1]), -EINVAL);
	ck_assert_int_eq(link_map_own(&ice, ALL, GENERATION, fds[1], fds[0]),
			 -EINVAL);
	ck_assert_ptr_null(ice.own_media.base);
	ck_assert_int_eq(link_map_own(&ice, ALL, GENERATION, fds[0], fds[1]),
			 0);
	ck_assert_int_eq(link_map_far(&ice, fds[2], fds[3], audio_bell[1],
				      video_bell[1]), -EPERM);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(region_seal(fds[i]), 0);
	/* The far side has not laid out its rings. */
	ck_assert_int_eq(link_map_far(&ice, fds[2], fds[3], audio_bell[1],
				      video_bell[1]), -EBADMSG);
	ck_assert_int_eq(ice.ring_audio_fd, 0);
	ck_assert_ptr_null(ice.far_media.base);
	ck_assert_ptr_nonnull(ice.own_media.base);
	link_end_fini(&ice);
	link_end_fini(&ice);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("link");
	TCase *tc = tcase_create("all");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(
		tc, layout_is_aligned_disjoint_and_absent_where_not_wanted);
	tcase_add_test(tc, each_kind_travels_both_ways);
	tcase_add_test(tc, only_the_sleeping_reader_s_bell_rings);
	tcase_add_test(tc, a_full_data_ring_rings_back_when_there_is_room);
	tcase_add_test(tc, a_reader_that_sleeps_for_ever_blocks_nobody);
	tcase_add_test(tc, absent_rings_and_half_a_link_are_enotconn);
	tcase_add_test(tc, what_was_written_before_the_far_side_mapped_is_read);
	tcase_add_test(
		tc, wrong_generation_size_or_no_seal_fails_and_takes_nothing);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
