/*
 * seq.h - numbers that wrap, made into numbers that do not
 *
 * Units    Extended numbers are int64_t and start in cycle 0, so that the
 *          first one equals the wire value. They may fall below zero when
 *          packets from before the first one come in late.
 */
#ifndef CORE_RTP_SEQ_H
#define CORE_RTP_SEQ_H

#include <stdint.h>

/* The number congruent to v (mod 2^16) that is nearest to `near`; of two
 * equally near ones the higher. */
static inline int64_t seq_extend(int64_t near, uint16_t v)
{
	uint16_t ahead = (uint16_t)(v - (uint16_t)near);

	return ahead <= 0x8000 ? near + ahead : near + ahead - 0x10000;
}

/* The same for 32-bit timestamps. */
static inline int64_t ts_extend(int64_t near, uint32_t v)
{
	uint32_t ahead = v - (uint32_t)near;

	return ahead <= 0x80000000u ? near + (int64_t)ahead
				    : near + (int64_t)ahead - 0x100000000;
}

#endif
