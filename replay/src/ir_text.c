/* Nodes as text, one a line, members indented: for tests and for people who ask why. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ir_priv.h"
#include "view_priv.h"

#define MAX_CONSTS_SHOWN 8
#define MAX_DEPTH 200

static void put_text(FILE *f, struct hc_str s)
{
	fputc('"', f);
	for (uint32_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			fprintf(f, "\\x%02x", c);
		else
			fputc(c, f);
	}
	fputc('"', f);
}

static void put_value(FILE *f, const struct hc_value *v)
{
	switch (v->type) {
	case HC_VT_STR:
	case HC_VT_BYTES:
	case HC_VT_IP:
		put_text(f, v->s);
		break;
	case HC_VT_I64:
		fprintf(f, "%" PRId64, v->i);
		break;
	default:
		fprintf(f, "%" PRIu64, v->u);
	}
}

static void put_operand(FILE *f, const struct hc_operand *o)
{
	fprintf(f, " %s", hc_op_name((enum hc_op)o->op));
	for (uint32_t i = 0; i < o->n && i < MAX_CONSTS_SHOWN; i++) {
		fputs(i ? ", " : " ", f);
		put_value(f, &o->consts[i]);
	}
	if (o->n > MAX_CONSTS_SHOWN)
		fprintf(f, " and %u more", o->n - MAX_CONSTS_SHOWN);
}

static const char *col_name(unsigned dom, unsigned col)
{
	const struct hc_table_desc *desc = hc_dom_desc(dom);

	return desc && col < desc->n_cols ? desc->cols[col].name : "?";
}

static void put_node(FILE *f, const struct hc_node *node, unsigned depth)
{
	static const char *const rowf_names[] = { "seq", "ts_ns", "wall_ns", "cpu" };

	fprintf(f, "%*s", (int)(2 * depth), "");
	switch ((enum hc_node_kind)node->kind) {
	case HC_NODE_FALSE:
	case HC_NODE_TRUE:
		fputs(node->kind == HC_NODE_TRUE ? "true" : "false", f);
		break;
	case HC_NODE_AND:
	case HC_NODE_OR:
	case HC_NODE_NOT:
		fputs(node->kind == HC_NODE_AND ? "and" : node->kind == HC_NODE_OR ? "or" : "not", f);
		break;
	case HC_NODE_LIFT:
		fprintf(f, "%s.%s ->", hc_dom_name(node->step->from),
		        node->step->kind == HC_STEP_COL ? col_name(node->step->from, node->step->col)
		                                        : "(first of two)");
		break;
	case HC_NODE_ANYANC:
		fputs("any ancestor", f);
		break;
	case HC_NODE_LIST:
		fputs(node->col == HC_Q_ALL ? "every item" : "some item", f);
		break;
	case HC_NODE_PRESENT:
		fprintf(f, "%s exists", hc_dom_name(node->dom));
		break;
	case HC_NODE_INT:
		fprintf(f, "%s.%s", hc_dom_name(node->dom), col_name(node->dom, node->col));
		put_operand(f, node->operand);
		break;
	case HC_NODE_ROWF:
		fprintf(f, "%s.%s", hc_dom_name(node->dom), rowf_names[node->col]);
		put_operand(f, node->operand);
		break;
	case HC_NODE_HEAP:
		fputs(hc_dom_name(node->dom), f);
		put_operand(f, node->operand);
		break;
	case HC_NODE_INTS:
		fputs(node->operand->quant == HC_Q_ALL ? "every number" : "some number", f);
		put_operand(f, node->operand);
		break;
	case HC_NODE_LEAF:
		fprintf(f, "%s.%s()", hc_dom_name(node->dom), node->leaf->name);
		put_operand(f, node->operand);
		break;
	case HC_NODE_CMP:
		fprintf(f, "%s: two values %s", hc_dom_name(node->dom), hc_op_name((enum hc_op)(node->col >> 1)));
		break;
	}
	fputc('\n', f);
	for (unsigned i = 0; i < node->n_kids && depth < MAX_DEPTH; i++)
		put_node(f, node->kids[i], depth + 1);
}

const char *hc_node_text(struct hc_ir *ir, const struct hc_node *node)
{
	struct hc_str copy = { NULL, 0 };
	char *text = NULL;
	size_t n = 0;
	FILE *f;

	if (!node)
		return "";
	f = open_memstream(&text, &n);
	if (!f)
		return "";
	put_node(f, node, 0);
	if (fclose(f) == 0)
		copy = hc_arena_str(&ir->arena, (struct hc_str){ text, (uint32_t)n });
	free(text);
	return copy.p ? copy.p : "";
}
