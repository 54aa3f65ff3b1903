/*
 * err.h - how results are told
 *
 * Errors   Inside the project every fallible function returns int: 0 or a
 *          count when it worked, a negative errno when it did not. A call
 *          that fails has changed nothing unless its comment says otherwise.
 */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

/* On every fallible prototype: silence is chosen, not missed. */
#define MUST_USE __attribute__((warn_unused_result))

/* Elements of a true array (not of a pointer). */
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
