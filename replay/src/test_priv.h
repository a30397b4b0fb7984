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

struct json_object;

/* Reads the alerts of a file as expectations, in the arena. Those that differ in nothing are one. */
int hc_test_golden_load(const struct hc_test_file *f, const struct hc_test_golden *g, struct hc_arena *arena,
                        const struct hc_test_expect **ret, size_t *ret_n, struct hc_err *err);
/* A value of an alert's output_fields as text; .p NULL where it is null, or there is no memory. */
struct hc_str hc_test_value_text(struct json_object *value, struct hc_arena *arena);

#endif
