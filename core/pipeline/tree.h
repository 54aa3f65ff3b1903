/*
 * tree.h - a document of lists, maps and texts, bounded
 *
 * What a YAML or JSON text says, without its syntax: port/yaml.h makes it,
 * manifest.h reads it.
 *
 * Memory   Nodes and the text they point to; whoever made a tree frees it.
 * Threads  Plain data.
 */
#ifndef CORE_PIPELINE_TREE_H
#define CORE_PIPELINE_TREE_H

#include <stddef.h>
#include <stdint.h>

enum {
	TREE_BYTES = 262144,	/* of the text */
	TREE_DEPTH = 32,
	TREE_NODES = 65536,
};

enum tree_kind { TREE_SCALAR, TREE_LIST, TREE_MAP };

/* Children of a map are its values; each has its key. Index 0 is the root,
 * so 0 as a link means none. */
struct tree_node {
	enum tree_kind kind;
	unsigned line;		/* from 1 */
	uint32_t child, next;	/* first child, next sibling; 0 none */
	uint32_t count;		/* children */
	const char *key;	/* "" outside a map */
	const char *text;	/* of a scalar; "" for null and otherwise */
};

struct tree {
	struct tree_node *nodes;
	uint32_t count;
	char *text;		/* storage of key and text */
};

/* The value of a key in a map, NULL if absent or not a map. */
const struct tree_node *tree_get(const struct tree *t,
				 const struct tree_node *map, const char *key);

const struct tree_node *tree_child(const struct tree *t,
				   const struct tree_node *n);
const struct tree_node *tree_next(const struct tree *t,
				  const struct tree_node *n);

const char *tree_kind_name(enum tree_kind kind);

#endif
