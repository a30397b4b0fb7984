/* A comparison with its constants made ready, and how one value is compared: the meaning of every operator is
 * here. */
#ifndef HC_REPLAY_OP_PRIV_H
#define HC_REPLAY_OP_PRIV_H

#include "replay/ir.h"

struct hc_regex; /* of PCRE2, kept out of the headers */
struct hc_pmatch;

struct hc_operand {
	uint8_t op;    /* enum hc_op; never NE (the IR writes it as EXISTS and not EQ), EQ is IN */
	uint8_t quant; /* enum hc_quant, for values that are lists */
	uint8_t vt;    /* enum hc_vt of one value */
	uint32_t n;
	const struct hc_value *consts; /* sorted and without doubles, except for LT to GE */
	uint32_t *set; /* IN over texts: open addressing, index + 1 of the constant; NULL when few */
	uint32_t set_mask;
	struct hc_regex *regex; /* n of them */
	struct hc_pmatch *pmatch;
};

/* Of one thread. */
struct hc_match;

struct hc_match *hc_match_new(void);
struct hc_match *hc_match_free(struct hc_match *m);
uint64_t hc_match_limits(const struct hc_match *m);

/* Whether the operator is defined for values of this type. */
bool hc_op_fits(enum hc_op op, enum hc_vt vt);
const char *hc_op_name(enum hc_op op);
const char *hc_vt_name(enum hc_vt vt);

/* Memory from the arena; what is not (compiled expressions) is freed by hc_operand_done. The constants must be of
 * type vt (numbers: of either signedness). */
int hc_operand_init(struct hc_operand *o, struct hc_arena *arena, enum hc_op op, enum hc_quant quant,
                    enum hc_vt vt, const struct hc_value *consts, size_t n, struct hc_err *err);
void hc_operand_done(struct hc_operand *o);

/* value: a scalar of type o->vt, or a list of such, or absent (false, except that EXISTS is false then too). */
bool hc_operand_match(const struct hc_operand *o, const struct hc_value *value, struct hc_match *m);
/* One text or some bytes. */
bool hc_operand_match_str(const struct hc_operand *o, struct hc_str s, struct hc_match *m);

/* a op b for EQ to GE and the text operators; quant for a list on the left. */
bool hc_value_compare(const struct hc_value *a, enum hc_op op, enum hc_quant quant, const struct hc_value *b);
int hc_value_order(const struct hc_value *a, const struct hc_value *b);
bool hc_value_equal(const struct hc_value *a, const struct hc_value *b);

/* fnmatch() without flags in the C locale, in at most text * pattern steps. */
bool hc_glob(struct hc_str pattern, struct hc_str text, bool fold_case);
/* A pattern of PMATCH without wildcards, and its literal for HC_WHERE_PARTS: empty when it matches all; false when
 * there is no memory. */
bool hc_pmatch_is_plain(struct hc_str pattern);
bool hc_pmatch_plain(struct hc_str pattern, struct hc_arena *arena, struct hc_str *ret);
bool hc_str_contains(struct hc_str s, struct hc_str needle);
bool hc_str_icontains(struct hc_str s, struct hc_str needle);

/* A quick hash of a text: for tables of constants, not for files. */
static inline uint64_t hc_quick_hash(struct hc_str s)
{
	uint64_t a = 0, b = 0, h;

	if (s.len >= 8) {
		memcpy(&a, s.p, 8);
		memcpy(&b, s.p + s.len - 8, 8);
		if (s.len > 16) {
			uint64_t mid;

			memcpy(&mid, s.p + s.len / 2 - 4, 8);
			a ^= mid * UINT64_C(0x9e3779b97f4a7c15);
		}
	} else if (s.len >= 4) {
		memcpy(&a, s.p, 4);
		memcpy(&b, s.p + s.len - 4, 4);
	} else if (s.len) {
		a = (uint8_t)s.p[0];
		b = (uint64_t)(uint8_t)s.p[s.len / 2] << 8 | (uint8_t)s.p[s.len - 1];
	}
	h = (a ^ s.len) * UINT64_C(0xff51afd7ed558ccd) ^ (b + s.len) * UINT64_C(0xc4ceb9fe1a85ec53);
	return (h ^ h >> 32) * UINT64_C(0x9e3779b97f4a7c15);
}

#endif
