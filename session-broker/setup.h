/*
 * setup.h - from the command line to a broker that can serve
 *
 * Errors   One line on stderr that says what to do; the result is the exit
 *          status (2: a wrong setting, 1: the machine says no).
 */
#ifndef SESSION_BROKER_SETUP_H
#define SESSION_BROKER_SETUP_H

#include "session-broker/broker.h"

/* -1 to go on, else the exit status (0 after --help and --version). */
int setup_options(struct options *opt, int argc, char **argv);

/* 0, or the exit status. */
int setup_broker(struct broker **out, const struct options *opt);

/* Removes all that the run left behind, the run directory included. */
void setup_undo(struct broker *b);

#endif
