/*
 * yaml.c - see yaml.h
 *
 * The parser's events become nodes of one array and bytes of one text block;
 * while they grow, nodes hold offsets into the block, turned into pointers
 * at the end. (yaml_free() is a name of libyaml's own, hence yaml_tree_.)
 */

#include "port/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct level {
	uint32_t node;
	uint32_t last;		/* last child so far, 0 none */
	bool in_map;
	bool has_key;		/* a key waits for its value */
	size_t key;		/* offset of that key */
};

struct builder {
	struct tree tree;
	size_t *keys, *texts;	/* offsets, one of each for a node */
	size_t text_len, text_cap;
	uint32_t node_cap;
	struct level levels[TREE_DEPTH];
	unsigned depth;
	bool done;		/* a document was read */
	struct yaml_error *err;
	unsigned line;
};

static int refuse(struct builder *b, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(struct builder *b, int code, const char *fmt, ...)
{
	va_list ap;

	b->err->line = b->line;
	va_start(ap, fmt);
	vsnprintf(b->err->text, sizeof(b->err->text), fmt, ap);
	va_end(ap);

	return code;
}

/* A copy in the text block, with a final zero. */
static int keep(struct builder *b, const void *bytes, size_t len, size_t *at)
{
	if (memchr(bytes, 0, len))
		return refuse(b, -EINVAL, "a text holds a zero byte");
	if (len + 1 > b->text_cap - b->text_len)
		return refuse(b, -EMSGSIZE, "the texts are longer than %d "
			      "bytes", TREE_BYTES);
	*at = b->text_len;
	memcpy(b->tree.text + b->text_len, bytes, len);
	b->tree.text[b->text_len + len] = 0;
	b->text_len += len + 1;

	return 0;
}

static int check_key(struct builder *b, const struct level *l)
{
	const char *text = b->tree.text, *key = text + l->key;
	uint32_t n = b->tree.nodes[l->node].child;

	for (; n; n = b->tree.nodes[n].next)
		if (strcmp(text + b->keys[n], key) == 0)
			return refuse(b, -EINVAL, "the key '%.40s' stands "
				      "twice", key);

	return 0;
}

/* A map of n keys costs n*n/2 comparisons; this bounds them. */
enum { MAP_KEYS = 1024 };

static int add(struct builder *b, enum tree_kind kind, uint32_t *out)
{
	struct level *l = b->depth ? &b->levels[b->depth - 1] : NULL;
	uint32_t n = b->tree.count;
	struct tree_node *node = &b->tree.nodes[n];

	if (n == b->node_cap)
		return refuse(b, -EMSGSIZE, "more than %d values", TREE_NODES);
	if (!l && b->done)
		return refuse(b, -EINVAL, "there is a second document");
	if (l && l->in_map && b->tree.nodes[l->node].count == MAP_KEYS)
		return refuse(b, -EMSGSIZE, "a map has more than %d keys",
			      MAP_KEYS);
	memset(node, 0, sizeof(*node));
	node->kind = kind;
	node->line = b->line;
	b->keys[n] = b->texts[n] = 0;
	b->tree.count++;
	b->done = true;
	*out = n;
	if (!l)
		return 0;
	if (l->in_map) {
		b->keys[n] = l->key;
		l->has_key = false;
	}
	if (l->last)
		b->tree.nodes[l->last].next = n;
	else
		b->tree.nodes[l->node].child = n;
	l->last = n;
	b->tree.nodes[l->node].count++;

	return 0;
}

static bool wants_key(const struct builder *b)
{
	const struct level *l = b->depth ? &b->levels[b->depth - 1] : NULL;

	return l && l->in_map && !l->has_key;
}

static int on_scalar(struct builder *b, const yaml_event_t *e)
{
	bool quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	uint32_t n;
	int code;

	if (e->data.scalar.anchor || e->data.scalar.tag)
		return refuse(b, -EINVAL, "anchors and tags are not allowed");
	if (wants_key(b)) {
		struct level *l = &b->levels[b->depth - 1];

		code = keep(b, e->data.scalar.value, e->data.scalar.length,
			    &l->key);
		l->has_key = code == 0;

		return code < 0 ? code : check_key(b, l);
	}
	code = add(b, TREE_SCALAR, &n);
	if (code < 0)
		return code;
	/* null is what YAML and JSON call nothing. */
	if (!quoted && (e->data.scalar.length == 0 ||
			strcmp((char *)e->data.scalar.value, "null") == 0 ||
			strcmp((char *)e->data.scalar.value, "~") == 0))
		return 0;

	return keep(b, e->data.scalar.value, e->data.scalar.length,
		    &b->texts[n]);
}

static int on_start(struct builder *b, bool map, const void *anchor,
		    const void *tag)
{
	struct level *l;
	uint32_t n;
	int code;

	if (anchor || tag)
		return refuse(b, -EINVAL, "anchors and tags are not allowed");
	if (wants_key(b))
		return refuse(b, -EINVAL, "a key is not a text");
	if (b->depth == TREE_DEPTH)
		return refuse(b, -EMSGSIZE, "more than %d levels", TREE_DEPTH);
	code = add(b, map ? TREE_MAP : TREE_LIST, &n);
	if (code < 0)
		return code;
	l = &b->levels[b->depth++];
	*l = (struct level){ .node = n, .in_map = map };

	return 0;
}

static int on_event(struct builder *b, const yaml_event_t *e)
{
	b->line = (unsigned)e->start_mark.line + 1;
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return on_scalar(b, e);
	case YAML_MAPPING_START_EVENT:
		return on_start(b, true, e->data.mapping_start.anchor,
				e->data.mapping_start.tag);
	case YAML_SEQUENCE_START_EVENT:
		return on_start(b, false, e->data.sequence_start.anchor,
				e->data.sequence_start.tag);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		b->depth--;
		return 0;
	case YAML_ALIAS_EVENT:
		return refuse(b, -EINVAL, "aliases are not allowed");
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}

	return 0;
}

static int read_events(struct builder *b, yaml_parser_t *parser)
{
	yaml_event_t e;
	int code = 0;
	bool end = false;

	while (code == 0 && !end) {
		if (!yaml_parser_parse(parser, &e)) {
			b->line = (unsigned)parser->problem_mark.line + 1;
			if (parser->error == YAML_MEMORY_ERROR)
				return refuse(b, -ENOMEM, "no memory");
			return refuse(b, -EINVAL, "%s", parser->problem ?
				      parser->problem : "not YAML");
		}
		end = e.type == YAML_STREAM_END_EVENT;
		code = on_event(b, &e);
		yaml_event_delete(&e);
	}

	return code;
}

static int build(struct builder *b, const char *text, size_t len)
{
	yaml_parser_t parser;
	int code;

	if (!yaml_parser_initialize(&parser))
		return refuse(b, -ENOMEM, "no memory");
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text,
				     len);
	code = read_events(b, &parser);
	yaml_parser_delete(&parser);
	if (code == 0 && !b->done)
		return refuse(b, -EINVAL, "there is nothing in it");

	return code;
}

/* A value takes at least a byte of the source; its text grows by a half at
 * most, from an escape, and by a final zero. */
static int allocate(struct builder *b, size_t len)
{
	b->text_cap = 2 * len + 64;
	b->node_cap = len + 2 < TREE_NODES ? (uint32_t)len + 2 : TREE_NODES;
	b->tree.nodes = calloc(b->node_cap, sizeof(*b->tree.nodes));
	b->tree.text = calloc(1, b->text_cap);
	b->keys = calloc(b->node_cap, sizeof(*b->keys));
	b->texts = calloc(b->node_cap, sizeof(*b->texts));
	if (!b->tree.nodes || !b->tree.text || !b->keys || !b->texts)
		return refuse(b, -ENOMEM, "no memory");
	b->text_len = 1;	/* offset 0 is the empty text */

	return 0;
}

static void point(struct builder *b)
{
	for (uint32_t i = 0; i < b->tree.count; i++) {
		b->tree.nodes[i].key = b->tree.text + b->keys[i];
		b->tree.nodes[i].text = b->tree.text + b->texts[i];
	}
}

int yaml_tree_parse(struct tree *out, const char *text, size_t len,
		    struct yaml_error *err)
{
	struct yaml_error unheard = { 0 };
	struct builder b = { .err = err ? err : &unheard };
	int code;

	memset(b.err, 0, sizeof(*b.err));
	memset(out, 0, sizeof(*out));
	if (len > TREE_BYTES)
		return refuse(&b, -EMSGSIZE, "the text is longer than %d "
			      "bytes", TREE_BYTES);
	code = allocate(&b, len);
	if (code == 0)
		code = build(&b, text, len);
	if (code == 0) {
		point(&b);
		*out = b.tree;
	} else {
		yaml_tree_free(&b.tree);
	}
	free(b.keys);
	free(b.texts);

	return code;
}

void yaml_tree_free(struct tree *t)
{
	free(t->nodes);
	free(t->text);
	memset(t, 0, sizeof(*t));
}
