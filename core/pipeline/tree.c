/* tree.c - see tree.h */

#include "core/pipeline/tree.h"

#include <string.h>

const struct tree_node *tree_child(const struct tree *t,
				   const struct tree_node *n)
{
	return n->child ? &t->nodes[n->child] : NULL;
}

const struct tree_node *tree_next(const struct tree *t,
				  const struct tree_node *n)
{
	return n->next ? &t->nodes[n->next] : NULL;
}

const struct tree_node *tree_get(const struct tree *t,
				 const struct tree_node *map, const char *key)
{
	const struct tree_node *n;

	if (map->kind != TREE_MAP)
		return NULL;
	for (n = tree_child(t, map); n; n = tree_next(t, n))
		if (strcmp(n->key, key) == 0)
			return n;

	return NULL;
}

const char *tree_kind_name(enum tree_kind kind)
{
	static const char *const names[] = { "a single value", "a list",
					     "a map" };

	return (unsigned)kind < 3 ? names[kind] : "?";
}
