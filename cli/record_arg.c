#include "record_arg.h"

#include <grp.h>
#include <string.h>

#include "capture/record.h"
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

bool hc_cli_no_containers(const struct hc_strs *roots)
{
	return roots->n == 1 && strcmp(roots->v[0], "none") == 0;
}

int hc_cli_container_roots(const struct hc_command *cmd, const struct hc_strs *roots)
{
	struct hc_err err = { 0 };

	for (size_t i = 0; i < roots->n && !hc_cli_no_containers(roots); i++)
		if (hc_record_root_check(roots->v[i], &err) < 0)
			return hc_cli_usage(cmd, "--container-root: %s", err.msg);
	return HC_CLI_GO;
}
