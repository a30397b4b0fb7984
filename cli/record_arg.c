#include "record_arg.h"

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

int hc_cli_group(const struct hc_command *cmd, const char *name, gid_t *ret)
{
	const struct group *g = getgrnam(name);
	uint64_t number;

	if (g)
		*ret = g->gr_gid;
	else if (hc_parse_u64(name, &number) == 0 && number < UINT32_MAX)
		*ret = (gid_t)number;
	else
		return hc_cli_usage(cmd, "--group: there is no group '%s'", name);
	return HC_CLI_GO;
}

static bool is_only(const struct hc_strs *v, const char *word)
{
	return v->n == 1 && strcmp(v->v[0], word) == 0;
}

int hc_cli_containers(const struct hc_command *cmd, const struct hc_strs *roots, const struct hc_strs *sockets)
{
	struct hc_err err = { 0 };

	for (size_t i = 0; i < roots->n && !is_only(roots, "none"); i++)
		if (hc_record_root_check(roots->v[i], &err) < 0)
			return hc_cli_usage(cmd, "--container-root: %s", err.msg);
	for (size_t i = 0; i < sockets->n && !is_only(sockets, "auto") && !is_only(sockets, "off"); i++) {
		if (strcmp(sockets->v[i], "auto") == 0 || strcmp(sockets->v[i], "off") == 0)
			return hc_cli_usage(cmd, "--runtime-socket: '%s' excludes all others", sockets->v[i]);
		if (hc_record_socket_check(sockets->v[i], &err) < 0)
			return hc_cli_usage(cmd, "--runtime-socket: %s", err.msg);
	}
	return HC_CLI_GO;
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
