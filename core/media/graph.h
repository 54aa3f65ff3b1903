/*
 * graph.h - where a frame goes: from Input to Output, by kind and peer
 *
 * The loopback pipeline: Input emits a frame tagged with the peer it came
 * from, Output gives it to the peer of its tag. A kind that has no route is
 * consumed and goes nowhere.
 *
 * Process  Pure.
 */
#ifndef CORE_MEDIA_GRAPH_H
#define CORE_MEDIA_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

enum graph_kind { GRAPH_AUDIO, GRAPH_VIDEO, GRAPH_DATA, GRAPH_KINDS };

struct graph {
	bool passes[GRAPH_KINDS];
};

struct graph_tag {
	uint64_t peer;		/* 0: nobody's */
	enum graph_kind kind;
};

/* routes: bit n is graph_kind n; other bits are ignored. */
void graph_init(struct graph *g, uint32_t routes);

/* The peer whose Output gets a frame with this tag; 0: none. */
uint64_t graph_route(const struct graph *g, struct graph_tag tag);

#endif
