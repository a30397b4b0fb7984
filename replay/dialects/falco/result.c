/* What loading said: for people, and in the shape of Falco's own validation result. */
#include <stdio.h>

#include "replay/dialects/falco/falco_priv.h"
#include "replay/dialects/falco/json.h"

uint32_t hc_falco_n_diags(const struct hc_falco *f)
{
	return f->n_diags;
}

const struct hc_falco_diag *hc_falco_diag(const struct hc_falco *f, uint32_t i)
{
	return i < f->n_diags ? &f->diags[i].pub : NULL;
}

bool hc_falco_in_last_file(const struct hc_falco *f, const struct hc_falco_diag *d)
{
	return f->n_diags > f->first_diag && d >= &f->diags[f->first_diag].pub;
}

static const struct hc_yaml *yaml_of(const struct hc_falco *f, const char *file)
{
	for (uint32_t i = f->n_yamls; i-- > 0;)
		if (file && !strcmp(hc_yaml_file(f->yamls[i]), file))
			return f->yamls[i];
	return NULL;
}

/* At most `max` bytes of a line around a column, tabs as blanks; the column within it. */
static struct hc_str window(struct hc_str line, uint32_t *column, uint32_t max)
{
	uint32_t from = 0, at = 0;

	for (uint32_t c = 1; c < *column && at < line.len; c++) {
		at++;
		while (at < line.len && ((uint8_t)line.p[at] & 0xc0) == 0x80)
			at++;
	}
	if (line.len <= max)
		return line;
	if (at > max / 2) {
		from = at - max / 2;
		while (from < line.len && ((uint8_t)line.p[from] & 0xc0) == 0x80)
			from++;
	}
	for (uint32_t i = 0; i < from; i++)
		*column -= ((uint8_t)line.p[i] & 0xc0) != 0x80;
	line.p += from;
	line.len -= from;
	if (line.len > max)
		line.len = max;
	return line;
}

/* The line and a caret below it, behind an indent; "" when there is none. NULL without memory. */
static const char *snippet(const struct hc_falco *f, const struct hc_falco_diag *d, const char *indent,
                           struct hc_arena *arena)
{
	const struct hc_yaml *yaml = yaml_of(f, d->place_file);
	uint32_t column = d->column;
	struct hc_str line = { 0 };
	char *shown;

	if (d->line && yaml)
		line = window(hc_yaml_line(yaml, d->line), &column, 160);
	if (!line.len)
		return "";
	shown = hc_arena_printf(arena, HC_STR_FMT, HC_STR_ARG(line));
	for (char *p = shown; p && *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	return shown ? hc_arena_printf(arena, "%s%s\n%s%*s^\n", indent, shown, indent, (int)column - 1, "") : NULL;
}

const char *hc_falco_diag_text(const struct hc_falco *f, const struct hc_falco_diag *d, struct hc_arena *arena)
{
	const char *kind = d->is_error ? "error" : "warning";
	const char *where, *about = "", *line = snippet(f, d, "    ", arena);

	where = d->line ? hc_arena_printf(arena, "%s:%u:%u", d->place_file, d->line, d->column)
	                : hc_arena_printf(arena, "%s", d->place_file);
	if (d->outer_type && d->outer_name[0])
		about = hc_arena_printf(arena, "%s '%s': ", d->outer_type, d->outer_name);
	else if (d->item_name[0] && !d->outer_type)
		about = hc_arena_printf(arena, "%s '%s': ", d->item_type, d->item_name);
	if (!where || !about || !line)
		return NULL;
	return hc_arena_printf(arena, "%s: %s: %s%s [%s]\n%s", where, kind, about, d->message, d->code, line);
}

static const char *description(const char *code)
{
	static const struct {
		const char *code, *text;
	} all[] = {
		{ "LOAD_ERR_FILE_READ", "This occurs when Falco can not read a given file. Check permissions and "
		                        "whether the file exists." },
		{ "LOAD_ERR_YAML_PARSE", "This occurs when the rules content is not valid YAML." },
		{ "LOAD_ERR_YAML_VALIDATE",
		  "This occurs when the internal structure of the YAML file is incorrect." },
		{ "LOAD_ERR_COMPILE_CONDITION", "This occurs when a condition can not be compiled to a filter." },
		{ "LOAD_ERR_COMPILE_OUTPUT", "This occurs when the output can not be compiled to a formatter." },
		{ "LOAD_ERR_VALIDATE", "This occurs when a rule, macro or list item is incorrect." },
		{ "LOAD_UNKNOWN_SOURCE", "A rule has a source that is not known." },
		{ "LOAD_UNSAFE_NA_CHECK", "A rule compares a field with <NA>, which the field can not have." },
		{ "LOAD_NO_EVTTYPE", "A rule matches too many event types." },
		{ "LOAD_UNKNOWN_FILTER", "A rule uses an unknown field or event and was passed over." },
		{ "LOAD_UNUSED_MACRO", "A macro is not used by any rule or macro." },
		{ "LOAD_UNUSED_LIST", "A list is not used by any rule, macro or list." },
		{ "LOAD_UNKNOWN_ITEM", "An item is neither a rule, a macro, a list nor a version requirement." },
		{ "LOAD_DEPRECATED_ITEM", "A deprecated item is used." },
		{ "LOAD_APPEND_NO_VALUES", "An exception is appended without values." },
		{ "LOAD_EXCEPTION_NAME_NOT_UNIQUE", "An exception is defined twice." },
		{ "LOAD_INVALID_MACRO_NAME", "A macro has a name that conditions can not use." },
		{ "LOAD_INVALID_LIST_NAME", "A list has an odd name." },
		{ "LOAD_COMPILE_CONDITION", "A condition is probably not what was meant." },
		{ "LOAD_UNKNOWN_KEY", "An item has an unknown key." },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!strcmp(all[i].code, code))
			return all[i].text;
	return "";
}

static void put_location(struct fjson *j, const char *type, const char *name, const struct hc_falco_diag *d,
                         bool begin)
{
	fjson_raw(j, "{\"item_name\":");
	fjson_text(j, hc_str_c(name ? name : ""));
	fjson_raw(j, ",\"item_type\":");
	fjson_text(j, hc_str_c(type));
	fjson_raw(j, ",\"position\":{\"column\":");
	fjson_u64(j, !begin && d->column ? d->column - 1 : 0);
	fjson_raw(j, ",\"line\":");
	fjson_u64(j, !begin && d->line ? d->line - 1 : 0);
	fjson_raw(j, ",\"name\":");
	fjson_text(j, hc_str_c(d->place_file ? d->place_file : ""));
	fjson_raw(j, ",\"offset\":");
	fjson_u64(j, begin ? 0 : d->offset);
	fjson_raw(j, begin ? "}}," : "}}");
}

static void put_diag(const struct hc_falco *f, struct fjson *j, const struct hc_falco_diag *d)
{
	const char *line = snippet(f, d, "", j->arena);

	fjson_raw(j, "{\"code\":");
	fjson_text(j, hc_str_c(d->code));
	fjson_raw(j, ",\"codedesc\":");
	fjson_text(j, hc_str_c(description(d->code)));
	fjson_raw(j, ",\"context\":{\"locations\":[");
	if (strcmp(d->item_type, "rules content") != 0)
		put_location(j, "rules content", "", d, true);
	if (d->outer_type) {
		put_location(j, d->outer_type, d->outer_name, d, false);
		fjson_raw(j, ",");
	}
	put_location(j, d->item_type, d->item_name, d, false);
	fjson_raw(j, "],\"snippet\":");
	fjson_text(j, hc_str_c(line ? line : ""));
	fjson_raw(j, "}");
	if (d->deprecated_field) {
		fjson_raw(j, ",\"deprecated_field\":");
		fjson_text(j, hc_str_c(d->deprecated_field));
	}
	fjson_raw(j, ",\"message\":");
	fjson_text(j, hc_str_c(d->message));
	fjson_raw(j, "}");
}

static void put_list(const struct hc_falco *f, struct fjson *j, uint32_t from, uint32_t until, bool errors)
{
	bool any = false;

	for (uint32_t i = from; i < until; i++) {
		const struct hc_falco_diag *d = &f->diags[i].pub;

		if (d->is_error != errors || d->beyond)
			continue;
		if (any)
			fjson_raw(j, ",");
		any = true;
		put_diag(f, j, d);
	}
}

const char *hc_falco_results_json(const struct hc_falco *f, struct hc_arena *arena)
{
	struct fjson j = { .arena = arena };
	uint32_t from = 0;

	fjson_raw(&j, "{\"falco_load_results\":[");
	for (uint32_t file = 0; file < f->n_files; file++) {
		uint32_t until = file + 1 < f->n_files ? f->files[file + 1].first_diag : f->n_diags;
		bool ok = true;

		for (uint32_t i = from; i < until; i++)
			ok = ok && !f->diags[i].pub.is_error;
		fjson_raw(&j, file ? ",{\"errors\":[" : "{\"errors\":[");
		put_list(f, &j, from, until, true);
		fjson_raw(&j, "],\"name\":");
		fjson_text(&j, hc_str_c(f->files[file].name));
		fjson_raw(&j, ok ? ",\"successful\":true,\"warnings\":[" : ",\"successful\":false,\"warnings\":[");
		put_list(f, &j, from, until, false);
		fjson_raw(&j, "]}");
		from = until;
	}
	fjson_raw(&j, "]}");
	return fjson_end(&j).p;
}

uint32_t hc_falco_n_rules(const struct hc_falco *f)
{
	return f->rules.n;
}

const struct hc_falco_rule *hc_falco_rule(const struct hc_falco *f, uint32_t i)
{
	return i < f->rules.n ? &falco_rule_at(f, i)->pub : NULL;
}
