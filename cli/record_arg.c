#include "record_arg.h"

#include <errno.h>
#include <grp.h>
#include <string.h>

#include "units.h"

int hc_cli_mask(const struct hc_command *cmd, const struct hc_strs *files, bool no_mask, struct hc_mask **ret)
{
	struct hc_err err = { 0 };
	int code;

	if (no_mask && files->n)
		return hc_cli_usage(cmd, "--no-mask and --mask-rules exclude each other");
	if (no_mask)
		return HC_CLI_GO;
	code = hc_mask_new(ret, &err);
	for (size_t i = 0; i < files->n && code >= 0; i++)
		code = hc_mask_add_file(*ret, files->v[i], &err);
	return code < 0 ? hc_cli_error(cmd, &err) : HC_CLI_GO;
}

static bool group_id(const char *name, gid_t *ret)
{
	const struct group *g = getgrnam(name);
	uint64_t number;

	if (g)
		*ret = g->gr_gid;
	else if (hc_parse_u64(name, &number) == 0 && number < UINT32_MAX)
		*ret = (gid_t)number;
	else
		return false;
	return true;
}

int hc_cli_group_check(const char *name, struct hc_err *err)
{
	gid_t gid;

	return group_id(name, &gid) ? 0 : hc_err_set(err, -EINVAL, "there is no group '%s'", name);
}

int hc_cli_group(const struct hc_command *cmd, const char *name, gid_t *ret)
{
	return group_id(name, ret) ? HC_CLI_GO : hc_cli_usage(cmd, "--group: there is no group '%s'", name);
}

static bool is_only(const struct hc_strs *v, const char *word)
{
	return v->n == 1 && strcmp(v->v[0], word) == 0;
}

/* Words that stand alone, in place of all values. */
static bool is_word(const char *value, const char *const *words)
{
	while (*words && strcmp(value, *words) != 0)
		words++;
	return *words != NULL;
}

static const char *const root_words[] = { "none", NULL };
static const char *const socket_words[] = { "auto", "off", NULL };

int hc_cli_root_check(const char *value, struct hc_err *err)
{
	return is_word(value, root_words) ? 0 : hc_record_root_check(value, err);
}

int hc_cli_socket_check(const char *value, struct hc_err *err)
{
	return is_word(value, socket_words) ? 0 : hc_record_socket_check(value, err);
}

static int check_alone(const struct hc_command *cmd, const char *option, const struct hc_strs *v,
                       const char *const *words)
{
	for (size_t i = 0; v->n > 1 && i < v->n; i++)
		if (is_word(v->v[i], words))
			return hc_cli_usage(cmd, "%s: '%s' excludes all others", option, v->v[i]);
	return HC_CLI_GO;
}

int hc_cli_containers(const struct hc_command *cmd, const struct hc_strs *roots, const struct hc_strs *sockets)
{
	int code = check_alone(cmd, "--container-root", roots, root_words);

	return code == HC_CLI_GO ? check_alone(cmd, "--runtime-socket", sockets, socket_words) : code;
}

void hc_cli_containers_put(const struct hc_strs *roots, const struct hc_strs *sockets, struct hc_record_opts *o)
{
	o->container_roots = roots->v;
	o->n_container_roots = roots->n;
	o->no_containers = is_only(roots, "none");
	o->no_runtime_sockets = is_only(sockets, "off") || (!sockets->n && o->no_containers);
	if (is_only(sockets, "auto") || o->no_runtime_sockets)
		return;
	o->runtime_sockets = sockets->v;
	o->n_runtime_sockets = sockets->n;
}
