#include "policy_arg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay/yaml.h"

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

static int add_dir(struct hc_policies *p, const char *dir, const char *const *files, struct hc_err *err)
{
	size_t first = p->n;
	int r = 0;

	for (; r == 0 && *files; files++)
		if (strrchr(*files, '/')[1] != '.')
			r = add(p, strdup(*files));
	if (r < 0)
		return hc_err_set(err, r, "out of memory");
	if (p->n == first)
		return hc_err_set(err, -EINVAL, "there is no *.yaml in the directory '%s'", dir);
	return 0;
}

static int add_given(struct hc_policies *p, const char *name, struct hc_err *err)
{
	struct hc_arena arena = { 0 };
	const char *const *files;
	struct hc_err not_read = { 0 };
	int r = hc_yaml_dir(name, &arena, &files, &not_read);

	if (r == 0)
		r = add_dir(p, name, files, err);
	else if (r != -ENOTDIR)
		*err = not_read;
	else if ((r = add(p, strdup(name))) < 0)
		hc_err_set(err, r, "out of memory");
	hc_arena_done(&arena);
	return r;
}

int hc_policies_find(const struct hc_strs *given, struct hc_policies *ret, struct hc_err *err)
{
	struct hc_policies p = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < given->n; i++)
		r = add_given(&p, given->v[i], err);
	if (r < 0) {
		hc_policies_done(&p);
		return r;
	}
	*ret = p;
	return 0;
}

int hc_cli_policies(const struct hc_command *cmd, const struct hc_strs *given, struct hc_policies *ret)
{
	struct hc_err err = { 0 };

	return hc_policies_find(given, ret, &err) < 0 ? hc_cli_error(cmd, &err) : HC_CLI_GO;
}

void hc_policies_done(struct hc_policies *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i]);
	free(p->v);
	*p = (struct hc_policies){ 0 };
}

bool hc_cli_diag_tells(const struct hc_falco_diag *d)
{
	return !d->repeated && strncmp(d->code, "LOAD_UNUSED_", 12) != 0;
}

/* Whoever gives all of /etc/falco gives Falco's configuration too. */
static bool is_falco_config(const struct hc_falco_diag *d)
{
	const char *slash = strrchr(d->file, '/');

	return strcmp(d->code, "LOAD_ERR_YAML_VALIDATE") == 0 &&
	       strcmp(slash ? slash + 1 : d->file, "falco.yaml") == 0;
}

bool hc_cli_print_diag(FILE *to, const struct hc_falco *f, const struct hc_falco_diag *d)
{
	struct hc_arena arena = { 0 };
	const char *text = hc_falco_diag_text(f, d, &arena);

	if (text)
		hc_cli_print_lines(to, "", text);
	if (text && is_falco_config(d))
		fputs("  a falco.yaml has no rules: 'hindcast replay -c FILE' takes those it names\n", to);
	hc_arena_done(&arena);
	return text != NULL;
}

void hc_cli_print_diags(const struct hc_falco *f, bool errors_only)
{
	for (uint32_t i = 0; i < hc_falco_n_diags(f); i++) {
		const struct hc_falco_diag *d = hc_falco_diag(f, i);

		if ((d->is_error || !errors_only) && hc_cli_diag_tells(d))
			hc_cli_print_diag(stderr, f, d);
	}
}
