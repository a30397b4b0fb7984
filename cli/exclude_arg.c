#include "exclude_arg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "units.h"

static int parse_number(const char *text, uint32_t *ret)
{
	uint64_t v;

	if (hc_parse_u64(text, &v) < 0 || v > UINT32_MAX)
		return -EINVAL;
	*ret = (uint32_t)v;
	return 0;
}

static int exclude_type(struct hc_excludes *e, const char *name, struct hc_err *err)
{
	const struct hc_table_desc *d = hc_event_desc_by_name(hc_str_c(name));

	if (!d || d->cls == HC_CLASS_META || d->profile == HC_PROFILE_IMPORTED)
		return hc_err_set(err, -EINVAL,
		                  "there is no event type '%s' that is recorded (hindcast schema lists them)",
		                  name);
	hc_type_set_add(&e->types, d->number);
	e->has_types = true;
	return 0;
}

static int exclude_one(struct hc_excludes *e, const char *what, struct hc_err *err)
{
	const char *eq = strchr(what, '='), *value = eq ? eq + 1 : "";
	struct hc_str key = { what, eq ? (uint32_t)(eq - what) : 0 };

	if (!eq || !*value)
		return hc_err_set(err, -EINVAL,
		                  "'%s' is none of comm=NAME, exe=PATH, uid=N, pid=N, cgroup=PATH, type=NAME",
		                  what);
	if (hc_str_eq(key, HC_STR("type")))
		return exclude_type(e, value, err);
	if (hc_str_eq(key, HC_STR("comm"))) {
		if (strlen(value) > 15)
			return hc_err_set(err, -EINVAL, "a comm has at most 15 bytes, '%s' has %zu", value,
			                  strlen(value));
		e->comms[e->x.n_comms++] = value;
	} else if (hc_str_eq(key, HC_STR("exe"))) {
		if (value[0] != '/')
			return hc_err_set(err, -EINVAL, "exe= needs an absolute path, not '%s'", value);
		e->exes[e->x.n_exes++] = value;
	} else if (hc_str_eq(key, HC_STR("cgroup"))) {
		if (value[0] != '/')
			return hc_err_set(err, -EINVAL, "cgroup= needs a path that begins with '/', not '%s'",
			                  value);
		e->cgroups[e->x.n_cgroups++] = value;
	} else if (hc_str_eq(key, HC_STR("uid"))) {
		if (parse_number(value, &e->uids[e->x.n_uids++]) < 0)
			return hc_err_set(err, -EINVAL, "uid= needs a number, not '%s'", value);
	} else if (hc_str_eq(key, HC_STR("pid"))) {
		if (parse_number(value, &e->pids[e->x.n_pids++]) < 0)
			return hc_err_set(err, -EINVAL, "pid= needs a number, not '%s'", value);
	} else {
		return hc_err_set(err, -EINVAL, "unknown kind '" HC_STR_FMT "' in '%s'", HC_STR_ARG(key), what);
	}
	return 0;
}

int hc_exclude_check(const char *what, struct hc_err *err)
{
	struct hc_excludes e = { 0 };

	return exclude_one(&e, what, err);
}

int hc_excludes_init(struct hc_excludes *e, const struct hc_strs *given, struct hc_err *err)
{
	size_t room = 1;

	if (given->n > HC_MAX_EXCLUDES)
		return hc_err_set(err, -E2BIG, "at most %d of them", HC_MAX_EXCLUDES);
	for (size_t i = 0; i < given->n; i++) {
		int code = exclude_one(e, given->v[i], err);

		if (code < 0)
			return code;
		room += strlen(given->v[i]) + 1;
	}
	e->x.comms = e->comms;
	e->x.exes = e->exes;
	e->x.cgroups = e->cgroups;
	e->x.uids = e->uids;
	e->x.pids = e->pids;
	e->text = calloc(1, room);
	if (!e->text)
		return hc_err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0, n = 0; i < given->n; i++)
		n += (size_t)snprintf(e->text + n, room - n, "%s%s", i ? " " : "", given->v[i]);
	return 0;
}

void hc_excludes_done(struct hc_excludes *e)
{
	free(e->text);
	e->text = NULL;
}
