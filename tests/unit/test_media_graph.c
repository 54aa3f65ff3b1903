/* test_media_graph.c - from Input to Output */

#include "core/media/graph.h"
#include "tests/unit/suite.h"

START_TEST(each_kind_has_a_bit_of_its_own)
{
	for (uint32_t routes = 0; routes < 16; routes++) {
		struct graph g;

		graph_init(&g, routes);
		for (unsigned k = 0; k < GRAPH_KINDS; k++) {
			struct graph_tag tag = { 77, (enum graph_kind)k };

			ck_assert_uint_eq(graph_route(&g, tag),
					  routes >> k & 1 ? 77 : 0);
		}
	}
}
END_TEST

START_TEST(a_kind_that_is_none_goes_nowhere)
{
	struct graph_tag tag = { 5, (enum graph_kind)9 };
	struct graph g;

	graph_init(&g, UINT32_MAX);
	ck_assert_uint_eq(graph_route(&g, tag), 0);
	tag = (struct graph_tag){ 0, GRAPH_AUDIO };
	ck_assert_uint_eq(graph_route(&g, tag), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("media_graph");
	TCase *tc = tcase_create("routes");

	tcase_add_test(tc, each_kind_has_a_bit_of_its_own);
	tcase_add_test(tc, a_kind_that_is_none_goes_nowhere);
	suite_add_tcase(suite, tc);

	return suite_run(suite);
}
