/* test_region.c - nobody but the first writer can write, resize or punch */

#include "shm/region.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BYTES = 8192 };

static int fd;
static struct region writer;

static void setup(void)
{
	fd = region_create("test", REGION_MEDIA, BYTES, 7, 42);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(
		region_map_writer(&writer, fd, REGION_MEDIA, BYTES), 0);
}

static void teardown(void)
{
	region_unmap(&writer);
	close(fd);
}

START_TEST(header_and_pages_are_there)
{
	const struct region_head *head = writer.base;
	struct stat st;

	ck_assert_uint_eq(head->magic, REGION_MAGIC);
	ck_assert_uint_eq(head->abi, REGION_ABI);
	ck_assert_uint_eq(head->kind, REGION_MEDIA);
	ck_assert_uint_eq(head->bytes, BYTES);
	ck_assert_uint_eq(head->generation, 7);
	ck_assert_uint_eq(head->owner, 42);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_size, BYTES);
	ck_assert_int_eq(st.st_blocks * 512, BYTES);
	ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}
END_TEST

START_TEST(writer_still_writes_after_the_seal_and_a_reader_sees_it)
{
	struct region reader = { 0 };

	ck_assert_int_eq(region_seal(fd), 0);
	ck_assert_int_eq(
		region_map_reader(&reader, fd, REGION_MEDIA, BYTES), 0);
	memcpy((char *)writer.base + 4096, "hello", 6);
	ck_assert_str_eq((char *)reader.base + 4096, "hello");
	region_unmap(&reader);
	ck_assert_ptr_null(reader.base);
	region_unmap(&reader);
}
END_TEST

START_TEST(sealing_twice_is_fine)
{
	ck_assert_int_eq(region_seal(fd), 0);
	ck_assert_int_eq(region_seal(fd), 0);
}
END_TEST

START_TEST(a_second_writer_is_refused_every_way)
{
	struct region r = { 0 };
	char path[64];
	void *p;
	int again;

	ck_assert_int_eq(region_seal(fd), 0);
	ck_assert_int_eq(region_map_writer(&r, fd, REGION_MEDIA, BYTES),
			 -EPERM);
	ck_assert_ptr_null(r.base);
	ck_assert_int_lt(pwrite(fd, "x", 1, 0), 0);
	ck_assert_int_eq(ftruncate(fd, 0), -1);
	ck_assert_int_eq(ftruncate(fd, 2 * BYTES), -1);
	ck_assert_int_eq(fallocate(fd, FALLOC_FL_PUNCH_HOLE |
				   FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
	ck_assert_int_eq(madvise(writer.base, 4096, MADV_REMOVE), -1);
	p = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_int_eq(mprotect(p, BYTES, PROT_READ | PROT_WRITE), -1);
	munmap(p, BYTES);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDWR | O_CLOEXEC);
	if (again >= 0) {
		p = mmap(NULL, BYTES, PROT_WRITE, MAP_SHARED, again, 0);
		ck_assert_ptr_eq(p, MAP_FAILED);
		close(again);
	}
}
END_TEST

START_TEST(a_reader_refuses_unsealed_memory)
{
	struct region r = { 0 };

	ck_assert_int_eq(region_map_reader(&r, fd, REGION_MEDIA, BYTES),
			 -EPERM);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	ck_assert_int_eq(region_map_reader(&r, fd, REGION_MEDIA, BYTES),
			 -EPERM);
	ck_assert_ptr_null(r.base);
}
END_TEST

START_TEST(wrong_kind_size_or_head_is_einval)
{
	struct region_head *head = writer.base;
	struct region r = { 0 };

	ck_assert_int_eq(region_seal(fd), 0);
	ck_assert_int_eq(region_map_reader(&r, fd, REGION_FRAMES, BYTES),
			 -EINVAL);
	ck_assert_int_eq(region_map_reader(&r, fd, REGION_MEDIA, 4096),
			 -EINVAL);
	ck_assert_int_eq(region_map_reader(&r, fd, REGION_MEDIA, 0), -EINVAL);
	head->bytes = 4096;
	ck_assert_int_eq(region_map_reader(&r, fd, REGION_MEDIA, BYTES),
			 -EINVAL);
	head->bytes = BYTES;
	head->abi++;
	ck_assert_int_eq(region_map_reader(&r, fd, REGION_MEDIA, BYTES),
			 -EINVAL);
	head->abi--;
	head->magic ^= 1;
	ck_assert_int_eq(region_map_reader(&r, fd, REGION_MEDIA, BYTES),
			 -EINVAL);
	head->magic ^= 1;
	ck_assert_int_eq(region_map_reader(&r, fd, REGION_MEDIA, BYTES), 0);
	region_unmap(&r);
}
END_TEST

START_TEST(bad_descriptors_and_sizes)
{
	int ends[2];
	struct region r = { 0 };

	ck_assert_int_eq(region_create("t", REGION_MEDIA, 0, 1, 1), -EINVAL);
	ck_assert_int_eq(region_create("t", REGION_MEDIA, SIZE_MAX / 2, 1, 1),
			 -EINVAL);
	ck_assert_int_eq(region_seal(-1), -EBADF);
	ck_assert_int_eq(region_map_writer(&r, -1, REGION_MEDIA, 4096), -EBADF);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_lt(region_seal(ends[0]), 0);
	ck_assert_int_eq(region_map_reader(&r, ends[0], REGION_MEDIA, 4096),
			 -EPERM);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("region");
	TCase *tc = tcase_create("all");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, header_and_pages_are_there);
	tcase_add_test(
		tc, writer_still_writes_after_the_seal_and_a_reader_sees_it);
	tcase_add_test(tc, sealing_twice_is_fine);
	tcase_add_test(tc, a_second_writer_is_refused_every_way);
	tcase_add_test(tc, a_reader_refuses_unsealed_memory);
	tcase_add_test(tc, wrong_kind_size_or_head_is_einval);
	tcase_add_test(tc, bad_descriptors_and_sizes);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
