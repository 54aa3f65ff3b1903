/* test_manifest.c - pipeline manifests, from text to routes or faults */

#include "core/pipeline/manifest.h"

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port/yaml.h"
#include "tests/unit/suite.h"

/* 0 or -EINVAL of manifest_check(); the text must be readable. */
static int check(const char *text, struct manifest *m,
		 struct manifest_errors *errors)
{
	struct yaml_error err;
	struct tree tree;
	int code = yaml_tree_parse(&tree, text, strlen(text), &err);

	ck_assert_msg(code == 0, "line %u: %s", err.line, err.text);
	code = manifest_check(m, &tree, "p.yaml", errors);
	yaml_tree_free(&tree);

	return code;
}

/* Manifests that are right, and how many nodes, edges, routes they have. */
static const struct {
	const char *text;
	unsigned nodes, edges, routes;
} right[] = {
	{ "nodes: []\nconnections: []\n", 0, 0, ROUTE_ALL },
	{ "{\"nodes\": [], \"connections\": []}", 0, 0, ROUTE_ALL },
	{ "{\n\t\"nodes\": [],\n\t\"connections\": []\n}\n", 0, 0,
	  ROUTE_ALL },
	{ "nodes:\n  - {id: input, node_type: Input}\n"
	  "  - {id: output, node_type: Output}\n"
	  "connections:\n  - {from: input, to: output}\n", 2, 1, ROUTE_ALL },
	{ "version: v1\nmetadata: {name: x, any: [1, 2]}\n"
	  "nodes: [{id: a, node_type: Input, params: {}, "
	  "is_streaming: false}, {id: b, node_type: PassThrough, "
	  "params: null}, {id: c, node_type: Output}]\n"
	  "connections: [{from: a, to: b}, {from: b, to: c}]\n"
	  "python_env: null\n", 3, 2, ROUTE_ALL },
	{ "version: \"1.0\"\nmetadata: {}\nnodes: []\nconnections: []\n", 0,
	  0, ROUTE_ALL },
	/* Nothing arrives at the Output. */
	{ "nodes: [{id: a, node_type: Input}, {id: b, node_type: Output}]\n"
	  "connections: []\n", 2, 0, 0 },
	{ "nodes: [{id: a, node_type: Input}, {id: b, node_type: "
	  "PassThrough}]\nconnections: [{from: a, to: b}]\n", 2, 1, 0 },
	{ "nodes: [{id: a, node_type: PassThrough}, {id: b, node_type: "
	  "Output}]\nconnections: [{from: a, to: b}]\n", 2, 1, 0 },
	/* A diamond is no cycle. */
	{ "nodes: [{id: i, node_type: Input}, {id: l, node_type: "
	  "PassThrough}, {id: r, node_type: PassThrough}, {id: o, node_type: "
	  "Output}]\nconnections: [{from: i, to: l}, {from: i, to: r}, "
	  "{from: l, to: o}, {from: r, to: o}]\n", 4, 4, ROUTE_ALL },
	/* Ids may be numbers. */
	{ "nodes: [{id: 1, node_type: Input}, {id: 2, node_type: Output}]\n"
	  "connections: [{from: 1, to: 2}]\n", 2, 1, ROUTE_ALL },
};

START_TEST(a_manifest_becomes_routes)
{
	struct manifest m;
	struct manifest_errors e;
	int code = check(right[_i].text, &m, &e);

	ck_assert_msg(code == 0, "%s", e.text[0]);
	ck_assert_uint_eq(e.total, 0);
	ck_assert_uint_eq(m.node_count, right[_i].nodes);
	ck_assert_uint_eq(m.edge_count, right[_i].edges);
	ck_assert_uint_eq(m.routes, right[_i].routes);
}
END_TEST

START_TEST(the_shipped_example_is_the_loopback)
{
	FILE *f = fopen("examples/loopback.yaml", "rb");
	struct manifest m;
	struct manifest_errors e;
	char text[4096] = "";

	ck_assert_msg(f != NULL, "run the tests in the top directory");
	ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, f), 0);
	fclose(f);
	ck_assert_int_eq(check(text, &m, &e), 0);
	ck_assert_uint_eq(m.routes, ROUTE_ALL);
	ck_assert_str_eq(m.nodes[0].id, "input");
	ck_assert_int_eq(m.nodes[0].type, NODE_INPUT);
	ck_assert_str_eq(m.nodes[1].id, "output");
	ck_assert_int_eq(m.nodes[1].type, NODE_OUTPUT);
	ck_assert_uint_eq(m.edges[0].from, 0);
	ck_assert_uint_eq(m.edges[0].to, 1);
}
END_TEST

#define IO "{id: i, node_type: Input}, {id: o, node_type: Output}"

/* Faulty manifests and all their faults, in order. */
static const struct {
	const char *text;
	const char *faults[5];
} faulty[] = {
	{ "[]", { "p.yaml:1: the manifest is a list, not a map with nodes and "
		  "connections" } },
	{ "x", { "p.yaml:1: the manifest is a single value, not a map with "
		 "nodes and connections" } },
	{ "{}", { "p.yaml:1: the key nodes is missing",
		  "p.yaml:1: the key connections is missing" } },
	{ "nodes:\nconnections: {}\n",
	  { "p.yaml:1: nodes is a single value, not a list",
	    "p.yaml:2: connections is a map, not a list" } },
	{ "nodes: []\nconnections: []\nnods: 1\n",
	  { "p.yaml:3: unknown key 'nods'; allowed are version, metadata, "
	    "nodes, connections" } },
	{ "version: [1]\nmetadata: x\nnodes: []\nconnections: []\n"
	  "python_env: {a: b}\n",
	  { "p.yaml:1: version is not a text",
	    "p.yaml:2: metadata is a single value, not a map",
	    "p.yaml:5: python_env is not available yet" } },
	{ "nodes:\n  - x\n  - [a]\nconnections:\n  - y\n",
	  { "p.yaml:2: a node is a single value, not a map with id and "
	    "node_type",
	    "p.yaml:3: a node is a list, not a map with id and node_type",
	    "p.yaml:5: a connection is a single value, not a map with from "
	    "and to" } },
	{ "nodes:\n  - {id: a}\n  - {node_type: Input}\n  - {id: [b], "
	  "node_type: Input}\nconnections: []\n",
	  { "p.yaml:2: a has no node_type", "p.yaml:3: a node has no id",
	    "p.yaml:4: id of a node is not a text" } },
	{ "nodes:\n  - {id: vad, node_type: VoiceActivityDetection}\n"
	  "connections: []\n",
	  { "p.yaml:2: node 'vad': node type 'VoiceActivityDetection' is not "
	    "available yet; allowed are Input, PassThrough, Output" } },
	/* Types are exact. */
	{ "nodes: [{id: a, node_type: input}]\nconnections: []\n",
	  { "p.yaml:1: node 'a': node type 'input' is not available yet; "
	    "allowed are Input, PassThrough, Output" } },
	{ "nodes:\n  - {id: a, node_type: Input}\n  - {id: a, node_type: "
	  "Output}\nconnections: []\n",
	  { "p.yaml:3: node id 'a' stands in line 2 already" } },
	{ "nodes: [" IO "]\nconnections:\n  - {from: i, to: x}\n"
	  "  - {from: y, to: o}\n  - {from: i}\n",
	  { "p.yaml:3: connection to 'x': there is no such node",
	    "p.yaml:4: connection from 'y': there is no such node",
	    "p.yaml:5: a connection has no to" } },
	{ "nodes: [" IO "]\nconnections:\n  - {from: o, to: i}\n"
	  "  - {from: i, to: o}\n  - {from: i, to: o}\n",
	  { "p.yaml:3: connection from 'o': an Output gives nothing",
	    "p.yaml:5: connection from 'i' to 'o' stands twice" } },
	{ "nodes: [" IO ", {id: p, node_type: PassThrough}]\n"
	  "connections:\n  - {from: p, to: i}\n",
	  { "p.yaml:3: connection to 'i': an Input takes nothing" } },
	{ "nodes:\n  - {id: a, node_type: PassThrough}\nconnections:\n"
	  "  - {from: a, to: a}\n",
	  { "p.yaml:2: node 'a' is on or behind a cycle of connections" } },
	{ "nodes:\n  - {id: a, node_type: PassThrough}\n"
	  "  - {id: b, node_type: PassThrough}\n"
	  "  - {id: i, node_type: Input}\nconnections:\n"
	  "  - {from: i, to: a}\n  - {from: a, to: b}\n"
	  "  - {from: b, to: a}\n",
	  { "p.yaml:2: node 'a' is on or behind a cycle of connections" } },
	{ "nodes:\n  - {id: a, node_type: Input, params: {gain: 2}}\n"
	  "  - {id: b, node_type: Input, params: [1]}\n"
	  "  - {id: c, node_type: Input, colour: red}\n"
	  "  - {id: 'd d', node_type: Input}\nconnections: []\n",
	  { "p.yaml:2: node 'a': its node type takes no params",
	    "p.yaml:3: node 'b': params is a list, not a map",
	    "p.yaml:4: node 'c': unknown key 'colour'; allowed are id, "
	    "node_type, params and the keys of the full form",
	    "p.yaml:5: node id 'd d' is not 1 to 63 visible ASCII "
	    "characters" } },
};

START_TEST(all_faults_are_told_at_once)
{
	static const struct manifest zero;
	struct manifest m;
	struct manifest_errors e;
	unsigned n = 0;

	ck_assert_int_eq(check(faulty[_i].text, &m, &e), -EINVAL);
	for (; n < 5 && faulty[_i].faults[n]; n++) {
		ck_assert_uint_lt(n, e.count);
		ck_assert_str_eq(e.text[n], faulty[_i].faults[n]);
	}
	ck_assert_uint_eq(e.total, n);
	ck_assert_uint_eq(e.count, n);
	ck_assert_mem_eq(&m, &zero, sizeof(m));
}
END_TEST

static char *many(unsigned nodes, unsigned edges)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	fprintf(f, "nodes:\n");
	for (unsigned i = 0; i < nodes; i++)
		fprintf(f, "- {id: n%u, node_type: %s}\n", i,
			i == 0 ? "Input" : "PassThrough");
	fprintf(f, "connections:\n");
	for (unsigned i = 0, a = 0, b = 1; i < edges; i++) {
		fprintf(f, "- {from: n%u, to: n%u}\n", a, b);
		if (++b == nodes)
			b = ++a + 1;
	}
	fclose(f);

	return text;
}

START_TEST(nodes_and_connections_are_counted)
{
	struct manifest m;
	struct manifest_errors e;
	char *text = many(64, 256);

	ck_assert_int_eq(check(text, &m, &e), 0);
	ck_assert_uint_eq(m.node_count, 64);
	ck_assert_uint_eq(m.edge_count, 256);
	free(text);
	text = many(65, 1);
	ck_assert_int_eq(check(text, &m, &e), -EINVAL);
	ck_assert_str_eq(e.text[0],
			 "p.yaml:2: nodes has 65 entries, allowed are 64");
	free(text);
	text = many(64, 257);
	ck_assert_int_eq(check(text, &m, &e), -EINVAL);
	ck_assert_str_eq(e.text[0], "p.yaml:67: connections has 257 entries, "
			 "allowed are 256");
	free(text);
}
END_TEST

START_TEST(the_list_of_faults_is_capped)
{
	struct manifest m;
	struct manifest_errors e;
	char text[4096] = "nodes:\n";

	for (int i = 0; i < 40; i++)
		strcat(text, "- {id: a, node_type: Input}\n");
	strcat(text, "connections: []\n");
	ck_assert_int_eq(check(text, &m, &e), -EINVAL);
	ck_assert_uint_eq(e.total, 39);
	ck_assert_uint_eq(e.count, MANIFEST_ERRORS);
}
END_TEST

/* Texts that are no document of ours: the line and a piece of the reason. */
static const struct {
	const char *text;
	int code;
	unsigned line;
	const char *reason;
} unreadable[] = {
	{ "", -EINVAL, 1, "there is nothing in it" },
	{ "# only a comment\n", -EINVAL, 2, "there is nothing in it" },
	{ "a: [1,\n", -EINVAL, 2, "" },
	{ "a: b: c\n", -EINVAL, 1, "mapping values" },
	{ "a: 1\n b: 2\n", -EINVAL, 2, "" },
	{ "a: &x 1\nb: *x\n", -EINVAL, 1, "anchors and tags" },
	{ "a: *x\n", -EINVAL, 1, "aliases" },
	{ "a: !!str 1\n", -EINVAL, 1, "anchors and tags" },
	{ "&x {a: 1}\n", -EINVAL, 1, "anchors and tags" },
	{ "a: 1\na: 2\n", -EINVAL, 2, "the key 'a' stands twice" },
	{ "? [a]\n: b\n", -EINVAL, 1, "a key is not a text" },
	{ "a: 1\n---\nb: 2\n", -EINVAL, 3, "second document" },
	{ "a: \"\\0\"\n", -EINVAL, 1, "zero byte" },
	{ "a: \x80\n", -EINVAL, 1, "UTF-8" },
	{ "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
	  -EMSGSIZE, 1, "more than 32 levels" },
};

START_TEST(what_cannot_be_read_is_refused)
{
	static const struct tree zero;
	const char *text = unreadable[_i].text;
	struct yaml_error err;
	struct tree tree;

	ck_assert_int_eq(yaml_tree_parse(&tree, text, strlen(text), &err),
			 unreadable[_i].code);
	ck_assert_msg(strstr(err.text, unreadable[_i].reason) != NULL, "%s",
		      err.text);
	ck_assert_uint_eq(err.line, unreadable[_i].line);
	ck_assert_mem_eq(&tree, &zero, sizeof(tree));
	yaml_tree_free(&tree);
	ck_assert_int_eq(yaml_tree_parse(&tree, text, strlen(text), NULL),
			 unreadable[_i].code);
}
END_TEST

START_TEST(size_and_count_are_bounded)
{
	size_t cap = TREE_BYTES + 1;
	char *text = malloc(cap);
	struct yaml_error err;
	struct tree tree;

	memset(text, 'a', cap);
	ck_assert_int_eq(yaml_tree_parse(&tree, text, cap, &err), -EMSGSIZE);
	ck_assert_int_eq(yaml_tree_parse(&tree, text, cap - 1, &err), 0);
	ck_assert_uint_eq(strlen(tree.nodes[0].text), TREE_BYTES);
	yaml_tree_free(&tree);
	/* [a,a,a,...: one value for two bytes */
	for (size_t i = 0; i < cap - 1; i++)
		text[i] = i % 2 ? 'a' : ',';
	text[0] = '[';
	text[cap - 2] = ']';
	ck_assert_int_eq(yaml_tree_parse(&tree, text, cap - 1, &err),
			 -EMSGSIZE);
	ck_assert_ptr_nonnull(strstr(err.text, "more than 65536 values"));
	free(text);
}
END_TEST

START_TEST(a_tree_can_be_walked)
{
	const char *text = "a: {b: [x, 'y', null]}\nc: ''\n";
	const struct tree_node *a, *b, *n;
	struct tree t;

	ck_assert_int_eq(yaml_tree_parse(&t, text, strlen(text), NULL), 0);
	a = tree_get(&t, &t.nodes[0], "a");
	ck_assert_int_eq(a->kind, TREE_MAP);
	b = tree_get(&t, a, "b");
	ck_assert_int_eq(b->kind, TREE_LIST);
	ck_assert_uint_eq(b->count, 3);
	n = tree_child(&t, b);
	ck_assert_str_eq(n->text, "x");
	n = tree_next(&t, n);
	ck_assert_str_eq(n->text, "y");
	n = tree_next(&t, n);
	ck_assert_str_eq(n->text, "");
	ck_assert_ptr_null(tree_next(&t, n));
	ck_assert_uint_eq(tree_get(&t, &t.nodes[0], "c")->line, 2);
	ck_assert_ptr_null(tree_get(&t, &t.nodes[0], "d"));
	ck_assert_ptr_null(tree_get(&t, b, "a"));
	yaml_tree_free(&t);
}
END_TEST

/* Every allocation of yaml.c and libyaml fails once. The sanitizers bring an
 * allocator of their own, so that this runs in the plain builds. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static bool counting;
static long left;		/* allocations until one fails */

static bool fails(void)
{
	return counting && left-- == 0;
}

void *malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}

START_TEST(each_allocation_may_fail)
{
	static const struct tree zero;
	const char *text = "nodes:\n  - {id: a, node_type: \"Input\"}\n"
			   "connections: []\n";
	struct yaml_error err;
	struct tree tree;
	int code = -ENOMEM;
	long n;

	for (n = 0; code == -ENOMEM; n++) {
		ck_assert_int_lt(n, 10000);
		left = n;
		counting = true;
		code = yaml_tree_parse(&tree, text, strlen(text), &err);
		counting = false;
		if (code == 0)
			break;
		ck_assert_int_eq(code, -ENOMEM);
		ck_assert_str_eq(err.text, "no memory");
		ck_assert_mem_eq(&tree, &zero, sizeof(tree));
	}
	ck_assert_int_eq(code, 0);
	ck_assert_int_gt(n, 20);
	yaml_tree_free(&tree);
}
END_TEST
#endif

int main(void)
{
	Suite *s = suite_create("manifest");
	TCase *t = tcase_create("all");

	tcase_add_loop_test(t, a_manifest_becomes_routes, 0,
			    (int)ARRAY_LEN(right));
	tcase_add_test(t, the_shipped_example_is_the_loopback);
	tcase_add_loop_test(t, all_faults_are_told_at_once, 0,
			    (int)ARRAY_LEN(faulty));
	tcase_add_test(t, nodes_and_connections_are_counted);
	tcase_add_test(t, the_list_of_faults_is_capped);
	tcase_add_loop_test(t, what_cannot_be_read_is_refused, 0,
			    (int)ARRAY_LEN(unreadable));
	tcase_add_test(t, size_and_count_are_bounded);
	tcase_add_test(t, a_tree_can_be_walked);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	tcase_add_test(t, each_allocation_may_fail);
#endif
	suite_add_tcase(s, t);

	return suite_run(s);
}
