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

/* Is the byte one of a character that began before it? */
static bool in_character(struct hc_str line, uint32_t at)
{
	return at < line.len && ((uint8_t)line.p[at] & 0xc0) == 0x80;
}

/* Bytes of a line before a column. */
static uint32_t bytes_before(struct hc_str line, uint32_t column)
{
	uint32_t at = 0;

	for (uint32_t c = 1; c < column && at < line.len; c++) {
		at++;
		while (in_character(line, at))
			at++;
	}
	return at;
}

/* At most `max` bytes of a line around a column, tabs as blanks; the column within it. */
static struct hc_str window(struct hc_str line, uint32_t *column, uint32_t max)
{
	uint32_t from = 0, at = bytes_before(line, *column);

	if (line.len <= max)
		return line;
	if (at > max / 2) {
		from = at - max / 2;
		while (in_character(line, from))
			from++;
	}
	for (uint32_t i = 0; i < from; i++)
		*column -= !in_character(line, i);
	line.p += from;
	line.len -= from;
	if (line.len > max)
		line.len = max;
	return line;
}

/* The line and a caret below it; "" when there is none. NULL without memory. */
static const char *snippet(const struct hc_falco *f, const struct hc_falco_diag *d, struct hc_arena *arena)
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
	return shown ? hc_arena_printf(arena, "    %s\n    %*s^\n", shown, (int)column - 1, "") : NULL;
}

const char *hc_falco_diag_text(const struct hc_falco *f, const struct hc_falco_diag *d, struct hc_arena *arena)
{
	const char *kind = d->is_error ? "error" : "warning";
	const char *where, *about = "", *line = snippet(f, d, arena);

	where = d->line ? hc_arena_printf(arena, "%s:%u:%u", d->place_file, d->line, d->column)
	                : hc_arena_printf(arena, "%s", d->place_file);
	if (d->item_type && d->item_name[0])
		about = hc_arena_printf(arena, "%s '%s': ", d->item_type, d->item_name);
	if (about && d->deprecated_field && !strstr(d->message, d->deprecated_field))
		about = hc_arena_printf(arena, "%s%s: ", about, d->deprecated_field);
	if (!where || !about || !line)
		return NULL;
	return hc_arena_printf(arena, "%s: %s: %s%s [%s]\n%s", where, kind, about, d->message, d->code, line);
}

static const char *description(const char *code)
{
	static const struct {
		const char *code, *text;
	} all[] = {
		{ "LOAD_ERR_FILE_READ", "The file cannot be read." },
		{ "LOAD_ERR_YAML_PARSE", "The text is no YAML." },
		{ "LOAD_ERR_YAML_VALIDATE", "The YAML does not have the structure of rules." },
		{ "LOAD_ERR_COMPILE_CONDITION", "A condition makes no filter." },
		{ "LOAD_ERR_COMPILE_OUTPUT", "An output makes no format." },
		{ "LOAD_ERR_VALIDATE", "A rule, a macro or a list is wrong in itself." },
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

#define AROUND 80 /* bytes of a line that Falco shows before and behind the place */

/* The line of the innermost place with a caret below, cut as Falco does; the caret counts characters. NULL without
 * memory. */
static const char *context(const struct hc_falco *f, const struct flevel *l, struct hc_arena *arena)
{
	const struct hc_yaml *yaml = yaml_of(f, l->file);
	uint32_t at, from, until, before = 0, no = l->line;
	struct hc_str line = { 0 };
	bool cut, cut_end;

	if (yaml && no)
		line = hc_yaml_line(yaml, no);
	at = bytes_before(line, l->column);
	while (yaml && no > 1 && !line.len) { /* behind all that there is: where that ends */
		line = hc_yaml_line(yaml, --no);
		at = line.len;
	}
	if (!line.len)
		return "<No context available>\n";
	if (at == line.len)
		at--;
	cut = at >= AROUND;
	cut_end = line.len - at > AROUND;
	from = cut ? at - AROUND + 3 : 0;
	until = cut_end ? at + AROUND - 2 : line.len;
	while (in_character(line, from))
		from++;
	while (in_character(line, until))
		until--;
	for (uint32_t i = from; i < at; i++)
		before += !in_character(line, i);
	return hc_arena_printf(arena, "%s%.*s%s\n%*s^\n", cut ? "..." : "", (int)(until - from), line.p + from,
	                       cut_end ? "..." : "", (int)before + (cut ? 3 : 0), "");
}

static void put_location(struct fjson *j, const struct flevel *l)
{
	fjson_raw(j, "{\"item_name\":");
	fjson_text(j, hc_str_c(l->name));
	fjson_raw(j, ",\"item_type\":");
	fjson_text(j, hc_str_c(l->type));
	fjson_raw(j, ",\"position\":{\"column\":");
	fjson_u64(j, l->column ? l->column - 1 : 0);
	fjson_raw(j, ",\"line\":");
	fjson_u64(j, l->line ? l->line - 1 : 0);
	fjson_raw(j, ",\"name\":");
	fjson_text(j, hc_str_c(l->file));
	fjson_raw(j, ",\"offset\":");
	fjson_u64(j, l->off);
	fjson_raw(j, "}}");
}

static void put_diag(const struct hc_falco *f, struct fjson *j, const struct fdiag *diag)
{
	const struct hc_falco_diag *d = &diag->pub;
	const struct flevel file = { .type = "rules content",
		                     .name = "",
		                     .file = diag->n_levels ? diag->levels[0].file : d->file,
		                     .line = 1,
		                     .column = 1 };
	const char *line = context(f, diag->n_levels ? &diag->levels[diag->n_levels - 1] : &file, j->arena);

	fjson_raw(j, "{\"code\":");
	fjson_text(j, hc_str_c(d->code));
	fjson_raw(j, ",\"codedesc\":");
	fjson_text(j, hc_str_c(description(d->code)));
	fjson_raw(j, ",\"context\":{\"locations\":[");
	put_location(j, &file);
	for (uint32_t i = 0; i < diag->n_levels; i++) {
		fjson_raw(j, ",");
		put_location(j, &diag->levels[i]);
	}
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
		const struct fdiag *d = &f->diags[i];

		if (d->pub.is_error != errors || d->pub.beyond)
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
