/* A test file as it was read, and its patterns. */
#ifndef HC_REPLAY_TEST_PRIV_H
#define HC_REPLAY_TEST_PRIV_H

#include "op_priv.h"
#include "replay/test.h"

struct hc_yaml_node;

/* All terms hold. */
struct hc_test_term {
	bool absent;                        /* the text is not there, and that is all */
	const struct hc_test_pattern *none; /* does not hold; NULL: compare with `op` */
	struct hc_operand op;
	struct hc_test_term *next_made; /* to free what the arena does not */
};

struct hc_test_pattern {
	struct hc_test_term *terms;
	size_t n;
	const char *text;
};

struct hc_test_file {
	struct hc_arena arena;
	const char *path;
	struct hc_test_path *policies;
	size_t n_policies;
	struct hc_test_path *capture;
	struct hc_test_record *record;
	const struct hc_test_script *script;
	struct hc_test_case *cases;
	size_t n_cases;
	struct hc_test_term *made; /* all terms */
};

#endif
