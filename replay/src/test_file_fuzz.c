/* Any bytes as a test file: what is accepted is whole, and its patterns can be asked. */
#include <errno.h>
#include <stdlib.h>

#include "test_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int duration(const char *text, uint64_t *ret_ns)
{
	*ret_ns = strlen(text);
	return text[0] == '-' ? -EINVAL : 0;
}

static int moment(const char *text, int64_t *ret_wall_ns)
{
	*ret_wall_ns = (int64_t)strlen(text);
	return text[0] == '-' ? -EINVAL : 0;
}

static void use_pattern(const struct hc_test_pattern *p, struct hc_match *m)
{
	static const struct hc_str texts[] = { { NULL, 0 }, { "", 0 }, { "bash", 4 }, { "/bin/x\0y", 8 } };

	if (!p)
		return;
	if (!hc_test_pattern_text(p) || !p->n)
		abort();
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (hc_test_pattern_match(p, texts[i], m) != hc_test_pattern_match(p, texts[i], m))
			abort();
}

static void use_script(const struct hc_test_script *s)
{
	if (s && ((s->file != NULL) + (s->text != NULL) + (s->argv != NULL) != 1 || !s->timeout_ns ||
	          s->status < -1 || s->status > 255))
		abort();
}

static void use_rules(const struct hc_test_rules *r, struct hc_match *m)
{
	for (size_t i = 0; i < r->n; i++)
		use_pattern(r->patterns[i], m);
}

static void use_case(const struct hc_test_file *f, const struct hc_test_case *c, struct hc_match *m)
{
	if (!c->name || !c->name[0] || !c->place.line || (hc_test_file_record(f) == NULL && c->script) ||
	    (hc_test_file_record(f) && !c->script && !hc_test_file_script(f)))
		abort();
	use_script(c->script);
	use_rules(&c->allow, m);
	use_rules(&c->unanswerable, m);
	for (size_t i = 0; i < c->n_expects; i++) {
		const struct hc_test_expect *e = &c->expects[i];

		if (!e->rule || e->min > e->max || !e->place.line)
			abort();
		use_pattern(e->output, m);
		for (size_t k = 0; k < e->n_fields; k++)
			use_pattern(e->fields[k].pattern, m);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct hc_test_units units = { .duration = duration, .moment = moment };
	struct hc_match *m = hc_match_new();
	struct hc_test_file *f;
	const struct hc_test_case *cases;
	size_t n;
	struct hc_err err = { 0 };

	if (hc_test_load_text("f", data, size, &units, &f, &err) < 0) {
		if (!err.code || !err.msg[0])
			abort();
		hc_match_free(m);
		return 0;
	}
	cases = hc_test_file_cases(f, &n);
	if (!n || (hc_test_file_capture(f) != NULL) == (hc_test_file_record(f) != NULL))
		abort();
	use_script(hc_test_file_script(f));
	for (size_t i = 0; m && i < n; i++)
		use_case(f, &cases[i], m);
	hc_test_file_free(f);
	hc_match_free(m);
	return 0;
}
