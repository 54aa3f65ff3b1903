/*
 * words.h - every access to shared memory, one 64-bit word at a time
 *
 * Private to shm/. All that another process may read or write at the same
 * moment goes through these few functions: aligned 64-bit atomic loads and
 * stores. A payload copy is relaxed word by word, so that a reader that is
 * overtaken reads old and new words mixed, finds that out by the check after
 * the copy, and has broken no rule of C on the way.
 *
 * Units    Positions are bytes, multiples of 8, free-running; `mask` is the
 *          size of the data area (a power of two) less one.
 * Crash    In a test build with SHM_CRASH_POINTS each store is followed by
 *          shm_crash_point(), which may never return: the process died there.
 */
#ifndef SHM_WORDS_H
#define SHM_WORDS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

_Static_assert(__atomic_always_lock_free(sizeof(uint64_t), 0),
	       "64-bit loads and stores are lock-free");
_Static_assert(sizeof(void *) == 8, "64-bit machines only");

#ifdef SHM_CRASH_POINTS
void shm_crash_point(void);
#else
static inline void shm_crash_point(void)
{
}
#endif

enum { WORD = 8, SHM_LINE = 128 };	/* bytes; a line and its neighbour */

static inline uint64_t word_load(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline uint64_t word_acquire(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void word_store(uint64_t *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
	shm_crash_point();
}

static inline void word_release(uint64_t *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
	shm_crash_point();
}

/* ThreadSanitizer does not see fences and gcc says so. It need not: every
 * racing access is atomic. */
#pragma GCC diagnostic push
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wtsan"
#endif
static inline void fence_release(void)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static inline void fence_acquire(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

static inline void fence_full(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
#pragma GCC diagnostic pop

static inline uint64_t words_up(uint64_t bytes, uint64_t to)
{
	return (bytes + to - 1) & ~(to - 1);
}

/* The word at a position of a ring's data area. */
static inline uint64_t *word_at(void *data, uint64_t mask, uint64_t at)
{
	return (uint64_t *)((char *)data + (at & mask));
}

static inline const uint64_t *word_in(const void *data, uint64_t mask,
				      uint64_t at)
{
	return (const uint64_t *)((const char *)data + (at & mask));
}

/* Private bytes into the ring; the rest of the last word becomes zero. */
static inline void words_put(void *data, uint64_t mask, uint64_t at,
			     const void *from, size_t bytes)
{
	const char *p = from;
	size_t whole = bytes & ~(size_t)(WORD - 1);
	uint64_t v;

	for (size_t i = 0; i < whole; i += WORD) {
		memcpy(&v, p + i, WORD);
		word_store(word_at(data, mask, at + i), v);
	}
	if (whole < bytes) {
		v = 0;
		memcpy(&v, p + whole, bytes - whole);
		word_store(word_at(data, mask, at + whole), v);
	}
}

/* Ring bytes into private memory. */
static inline void words_get(void *to, const void *data, uint64_t mask,
			     uint64_t at, size_t bytes)
{
	char *p = to;
	size_t whole = bytes & ~(size_t)(WORD - 1);
	uint64_t v;

	for (size_t i = 0; i < whole; i += WORD) {
		v = word_load(word_in(data, mask, at + i));
		memcpy(p + i, &v, WORD);
	}
	if (whole < bytes) {
		v = word_load(word_in(data, mask, at + whole));
		memcpy(p + whole, &v, bytes - whole);
	}
}

#endif
