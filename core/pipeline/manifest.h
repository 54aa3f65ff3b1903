/*
 * manifest.h - a pipeline manifest: nodes, connections, and what they mean
 *
 * Two forms are read: the short one (`nodes` and `connections` only; both
 * empty is the loopback of everything) and the full one with `version` and
 * `metadata`. Node types today: Input, Output, PassThrough.
 *
 * A pure module: port/yaml.h turns a file's text into the tree.
 *
 * Memory   Plain data, no pointers; the tree may go once it is checked.
 * Errors   All faults of a manifest are told at once, MANIFEST_ERRORS at most;
 *          each with file, line and what is allowed.
 */
#ifndef CORE_PIPELINE_MANIFEST_H
#define CORE_PIPELINE_MANIFEST_H

#include "common/err.h"
#include "core/pipeline/tree.h"

enum {
	MANIFEST_NODES = 64,
	MANIFEST_CONNECTIONS = 256,
	MANIFEST_ID = 63,	/* characters */
	MANIFEST_ERRORS = 16,
	MANIFEST_ERROR = 240,	/* bytes of one text */
};

/* The same numbers as enum link_kinds in shm/link.h. */
enum route { ROUTE_AUDIO = 1, ROUTE_VIDEO = 2, ROUTE_DATA = 4, ROUTE_ALL = 7 };

enum node_type { NODE_INPUT, NODE_PASS_THROUGH, NODE_OUTPUT };

struct manifest_node {
	char id[MANIFEST_ID + 1];
	enum node_type type;
	unsigned line;
};

struct manifest_edge {
	uint8_t from, to;	/* indices of nodes */
};

struct manifest {
	struct manifest_node nodes[MANIFEST_NODES];
	struct manifest_edge edges[MANIFEST_CONNECTIONS];
	unsigned node_count, edge_count;
	unsigned routes;	/* enum route or-ed: what comes back */
};

struct manifest_errors {
	unsigned count;		/* texts stored */
	unsigned total;		/* faults found */
	char text[MANIFEST_ERRORS][MANIFEST_ERROR];
};

/* file: the name for error texts. -EINVAL: see *errors; *out is zeroed. */
int manifest_check(struct manifest *out, const struct tree *tree,
		   const char *file, struct manifest_errors *errors) MUST_USE;

#endif
