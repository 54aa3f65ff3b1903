/* fuzz_manifest.c - any text as a pipeline manifest */

#include "core/pipeline/manifest.h"
#include "port/yaml.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define CHECK(what)                                                           \
	do {                                                                  \
		if (!(what))                                                  \
			abort();                                              \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct manifest m;
	static struct manifest_errors e;
	struct yaml_error err;
	struct tree tree;

	if (yaml_tree_parse(&tree, (const char *)data, len, &err) < 0) {
		CHECK(err.text[0] && !tree.nodes);
		return 0;
	}
	if (manifest_check(&m, &tree, "m", &e) == 0) {
		CHECK(e.total == 0 && m.node_count <= MANIFEST_NODES);
		for (unsigned i = 0; i < m.edge_count; i++)
			CHECK(m.edges[i].from < m.node_count &&
			      m.edges[i].to < m.node_count);
	} else {
		CHECK(e.count > 0 && e.count <= e.total);
		for (unsigned i = 0; i < e.count; i++)
			CHECK(e.text[i][0] && !strchr(e.text[i], '\n'));
	}
	yaml_tree_free(&tree);

	return 0;
}
