#include "policy_arg.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/err.h"

static int add(struct hc_policies *p, char *take_name)
{
	char **v = take_name ? realloc(p->v, (p->n + 1) * sizeof(*v)) : NULL;

	if (!v) {
		free(take_name);
		return -ENOMEM;
	}
	p->v = v;
	p->v[p->n++] = take_name;
	return 0;
}

static bool is_rules(const char *name)
{
	const char *dot = strrchr(name, '.');

	return name[0] != '.' && dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_dir(struct hc_policies *p, const char *dir, DIR *d, struct hc_err *err)
{
	size_t first = p->n, len = strlen(dir);
	struct dirent *e;
	int r = 0;

	while (r == 0 && (e = readdir(d))) {
		char *name = NULL;

		if (!is_rules(e->d_name))
			continue;
		if (asprintf(&name, "%s%s%s", dir, len && dir[len - 1] == '/' ? "" : "/", e->d_name) < 0)
			name = NULL;
		r = add(p, name);
	}
	if (r < 0)
		return hc_err_set(err, r, "out of memory");
	if (p->n == first)
		return hc_err_set(err, -EINVAL, "there is no *.yaml in the directory '%s'", dir);
	qsort(p->v + first, p->n - first, sizeof(*p->v), by_name);
	return 0;
}

int hc_cli_policies(const struct hc_command *cmd, const struct hc_strs *given, struct hc_policies *ret)
{
	struct hc_policies p = { 0 };
	struct hc_err err = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < given->n; i++) {
		DIR *d = opendir(given->v[i]);

		if (d) {
			r = add_dir(&p, given->v[i], d, &err);
			closedir(d);
		} else if (errno == ENOTDIR) {
			r = add(&p, strdup(given->v[i]));
			if (r < 0)
				hc_err_set(&err, r, "out of memory");
		} else {
			r = hc_err_set(&err, -errno, "cannot open '%s': %s", given->v[i], strerror(errno));
		}
	}
	if (r < 0) {
		hc_policies_done(&p);
		return hc_cli_error(cmd, &err);
	}
	*ret = p;
	return HC_CLI_GO;
}

void hc_policies_done(struct hc_policies *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i]);
	free(p->v);
	*p = (struct hc_policies){ 0 };
}
