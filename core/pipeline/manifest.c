/* manifest.c - see manifest.h */

#include "core/pipeline/manifest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct check {
	struct manifest *out;
	const struct tree *tree;
	const char *file;
	struct manifest_errors *errors;
};

static const struct {
	const char *name;
	enum node_type type;
} types[] = {
	{ "Input", NODE_INPUT },
	{ "PassThrough", NODE_PASS_THROUGH },
	{ "Output", NODE_OUTPUT },
};

#define TYPES_TEXT "Input, PassThrough, Output"

static void fault(struct check *c, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void fault(struct check *c, unsigned line, const char *fmt, ...)
{
	struct manifest_errors *e = c->errors;
	char *text;
	va_list ap;
	int n;

	e->total++;
	if (e->count == MANIFEST_ERRORS)
		return;
	text = e->text[e->count++];
	n = snprintf(text, MANIFEST_ERROR, "%.80s:%u: ", c->file, line);
	va_start(ap, fmt);
	vsnprintf(text + n, MANIFEST_ERROR - (size_t)n, fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
}

static int find_node(const struct manifest *m, const char *id)
{
	for (unsigned i = 0; i < m->node_count; i++)
		if (strcmp(m->nodes[i].id, id) == 0)
			return (int)i;

	return -1;
}

/* A text field of a map, NULL after a fault. */
static const char *text_of(struct check *c, const struct tree_node *map,
			   const char *key, const char *what)
{
	const struct tree_node *n = tree_get(c->tree, map, key);

	if (!n) {
		fault(c, map->line, "%s has no %s", what, key);
		return NULL;
	}
	if (n->kind != TREE_SCALAR || !n->text[0]) {
		fault(c, n->line, "%s of %s is not a text", key, what);
		return NULL;
	}

	return n->text;
}

static bool is_id(const char *id)
{
	size_t len = strlen(id);

	if (len > MANIFEST_ID)
		return false;
	for (size_t i = 0; i < len; i++)
		if (id[i] <= ' ' || id[i] > '~')
			return false;

	return len > 0;
}

static bool find_type(const char *name, enum node_type *out)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (strcmp(name, types[i].name) == 0) {
			*out = types[i].type;
			return true;
		}
	}

	return false;
}

/* The keys of the full form are read over where they do not concern today's
 * node types; a slip of the pen is a fault. */
static void check_node_keys(struct check *c, const struct tree_node *n,
			    const char *id)
{
	static const char *const known[] = {
		"id", "node_type", "params", "is_streaming", "is_output_node",
		"capabilities", "media_capabilities", "host", "runtime_hint",
		"execution", "docker", "fast_path", "python_deps",
	};
	const struct tree_node *k;

	for (k = tree_child(c->tree, n); k; k = tree_next(c->tree, k)) {
		bool found = false;

		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			found |= strcmp(k->key, known[i]) == 0;
		if (!found)
			fault(c, k->line, "node '%s': unknown key '%.40s'; "
			      "allowed are id, node_type, params and the "
			      "keys of the full form", id, k->key);
	}
	k = tree_get(c->tree, n, "params");
	if (k && (k->kind == TREE_LIST || k->text[0]))
		fault(c, k->line, "node '%s': params is %s, not a map", id,
		      tree_kind_name(k->kind));
	else if (k && k->count)
		fault(c, k->line, "node '%s': its node type takes no params",
		      id);
}

static void add_node(struct check *c, const struct tree_node *n)
{
	struct manifest *m = c->out;
	struct manifest_node *node = &m->nodes[m->node_count];
	const char *id, *type;
	int same;

	if (n->kind != TREE_MAP) {
		fault(c, n->line, "a node is %s, not a map with id and "
		      "node_type", tree_kind_name(n->kind));
		return;
	}
	id = text_of(c, n, "id", "a node");
	if (id && !is_id(id)) {
		fault(c, n->line, "node id '%.40s' is not 1 to %d visible "
		      "ASCII characters", id, MANIFEST_ID);
		id = NULL;
	}
	type = text_of(c, n, "node_type", id ? id : "a node");
	if (!id)
		return;
	same = find_node(m, id);
	if (same >= 0) {
		fault(c, n->line, "node id '%s' stands in line %u already", id,
		      m->nodes[same].line);
		return;
	}
	check_node_keys(c, n, id);
	/* A node of a wrong type stays known, so that its connections are
	 * not faults as well. */
	if (type && !find_type(type, &node->type)) {
		fault(c, n->line, "node '%s': node type '%.60s' is not "
		      "available yet; allowed are %s", id, type, TYPES_TEXT);
		node->type = NODE_PASS_THROUGH;
	}
	snprintf(node->id, sizeof(node->id), "%s", id);
	node->line = n->line;
	m->node_count++;
}

static int end_of(struct check *c, const struct tree_node *edge,
		  const char *key)
{
	const char *id = text_of(c, edge, key, "a connection");
	int node = id ? find_node(c->out, id) : -1;

	if (id && node < 0)
		fault(c, edge->line, "connection %s '%.63s': there is no such "
		      "node", key, id);

	return node;
}

static bool has_edge(const struct manifest *m, int from, int to)
{
	for (unsigned i = 0; i < m->edge_count; i++)
		if (m->edges[i].from == from && m->edges[i].to == to)
			return true;

	return false;
}

static void add_edge(struct check *c, const struct tree_node *n)
{
	struct manifest *m = c->out;
	int from, to;

	if (n->kind != TREE_MAP) {
		fault(c, n->line, "a connection is %s, not a map with from "
		      "and to", tree_kind_name(n->kind));
		return;
	}
	from = end_of(c, n, "from");
	to = end_of(c, n, "to");
	if (from < 0 || to < 0)
		return;
	if (m->nodes[from].type == NODE_OUTPUT)
		fault(c, n->line, "connection from '%s': an Output gives "
		      "nothing", m->nodes[from].id);
	else if (m->nodes[to].type == NODE_INPUT)
		fault(c, n->line, "connection to '%s': an Input takes nothing",
		      m->nodes[to].id);
	else if (has_edge(m, from, to))
		fault(c, n->line, "connection from '%s' to '%s' stands twice",
		      m->nodes[from].id, m->nodes[to].id);
	else
		m->edges[m->edge_count++] = (struct manifest_edge){
			(uint8_t)from, (uint8_t)to
		};
}

/* The entries of a required list, each given to add(). */
static void each(struct check *c, const struct tree_node *root,
		 const char *key, unsigned max,
		 void (*add)(struct check *c, const struct tree_node *n))
{
	const struct tree_node *list = tree_get(c->tree, root, key), *n;

	if (!list) {
		fault(c, root->line, "the key %s is missing", key);
		return;
	}
	if (list->kind != TREE_LIST) {
		fault(c, list->line, "%s is %s, not a list", key,
		      tree_kind_name(list->kind));
		return;
	}
	if (list->count > max) {
		fault(c, list->line, "%s has %u entries, allowed are %u", key,
		      list->count, max);
		return;
	}
	for (n = tree_child(c->tree, list); n; n = tree_next(c->tree, n))
		add(c, n);
}

/* The short form has neither version nor metadata. Where one of them stands,
 * both are read; unknown keys inside metadata are the user's own. */
static void check_root_keys(struct check *c, const struct tree_node *root)
{
	static const char *const known[] = {
		"version", "metadata", "nodes", "connections", "python_env",
	};
	const struct tree_node *k;

	for (k = tree_child(c->tree, root); k; k = tree_next(c->tree, k)) {
		bool found = false;

		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			found |= strcmp(k->key, known[i]) == 0;
		if (!found)
			fault(c, k->line, "unknown key '%.40s'; allowed are "
			      "version, metadata, nodes, connections", k->key);
	}
	k = tree_get(c->tree, root, "version");
	if (k && (k->kind != TREE_SCALAR || !k->text[0]))
		fault(c, k->line, "version is not a text");
	k = tree_get(c->tree, root, "metadata");
	if (k && k->kind != TREE_MAP)
		fault(c, k->line, "metadata is %s, not a map",
		      tree_kind_name(k->kind));
	k = tree_get(c->tree, root, "python_env");
	if (k && (k->kind != TREE_SCALAR || k->text[0]))
		fault(c, k->line, "python_env is not available yet");
}

/* Takes away nodes that nothing leads to until none is left; what stays lies
 * on or behind a cycle. */
static void check_cycles(struct check *c)
{
	const struct manifest *m = c->out;
	bool gone[MANIFEST_NODES] = { false };
	bool more = true;

	while (more) {
		more = false;
		for (unsigned i = 0; i < m->node_count; i++) {
			bool led = gone[i];

			for (unsigned e = 0; e < m->edge_count; e++)
				led |= m->edges[e].to == i &&
				       !gone[m->edges[e].from];
			if (!led)
				gone[i] = more = true;
		}
	}
	for (unsigned i = 0; i < m->node_count; i++) {
		if (gone[i])
			continue;
		fault(c, m->nodes[i].line, "node '%s' is on or behind a "
		      "cycle of connections", m->nodes[i].id);
		return;
	}
}

/* Whether frames of an Input arrive at an Output. */
static bool reaches_output(const struct manifest *m)
{
	bool on[MANIFEST_NODES] = { false };
	bool more = true;

	for (unsigned i = 0; i < m->node_count; i++)
		on[i] = m->nodes[i].type == NODE_INPUT;
	while (more) {
		more = false;
		for (unsigned e = 0; e < m->edge_count; e++) {
			const struct manifest_edge *edge = &m->edges[e];

			if (on[edge->from] && !on[edge->to])
				on[edge->to] = more = true;
		}
	}
	for (unsigned i = 0; i < m->node_count; i++)
		if (on[i] && m->nodes[i].type == NODE_OUTPUT)
			return true;

	return false;
}

static void check_all(struct check *c)
{
	const struct tree_node *root = &c->tree->nodes[0];

	if (root->kind != TREE_MAP) {
		fault(c, root->line, "the manifest is %s, not a map with "
		      "nodes and connections", tree_kind_name(root->kind));
		return;
	}
	check_root_keys(c, root);
	each(c, root, "nodes", MANIFEST_NODES, add_node);
	each(c, root, "connections", MANIFEST_CONNECTIONS, add_edge);
	check_cycles(c);
	/* None of today's nodes tells kinds apart: all go or none. */
	if (c->out->node_count == 0 || reaches_output(c->out))
		c->out->routes = ROUTE_ALL;
}

int manifest_check(struct manifest *out, const struct tree *tree,
		   const char *file, struct manifest_errors *errors)
{
	struct check c = { out, tree, file, errors };

	memset(out, 0, sizeof(*out));
	memset(errors, 0, sizeof(*errors));
	if (tree->count == 0)
		fault(&c, 1, "the manifest is empty");
	else
		check_all(&c);
	if (errors->total == 0)
		return 0;
	memset(out, 0, sizeof(*out));

	return -EINVAL;
}
