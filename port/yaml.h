/*
 * yaml.h - YAML (and so JSON) text to a tree, by libyaml
 *
 * One document, no anchors, aliases, tags or duplicate keys, within the
 * limits of core/pipeline/tree.h; the text is UTF-8.
 *
 * Memory   yaml_tree_parse() allocates; end with yaml_tree_free(), also fine
 *          on a zeroed tree.
 */
#ifndef PORT_YAML_H
#define PORT_YAML_H

#include <stddef.h>

#include "common/err.h"
#include "core/pipeline/tree.h"

struct yaml_error {
	unsigned line;		/* from 1, 0 none */
	char text[160];
};

/* -EINVAL malformed or not allowed, -EMSGSIZE over a limit, -ENOMEM; *out is
 * zeroed then. err may be NULL. */
int yaml_tree_parse(struct tree *out, const char *text, size_t len,
		    struct yaml_error *err) MUST_USE;

void yaml_tree_free(struct tree *t);

#endif
