/* graph.c - Input to Output, by kind and peer */

#include "core/media/graph.h"

void graph_init(struct graph *g, uint32_t routes)
{
	for (unsigned i = 0; i < GRAPH_KINDS; i++)
		g->passes[i] = routes >> i & 1;
}

uint64_t graph_route(const struct graph *g, struct graph_tag tag)
{
	if ((unsigned)tag.kind >= GRAPH_KINDS || !g->passes[tag.kind])
		return 0;

	return tag.peer;
}
