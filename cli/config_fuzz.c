/* Any bytes as a configuration file: refused with a place in the file, or taken within the limits of each option.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "recorder_arg.h"

const struct hc_command *const hc_commands[] = { NULL };

const struct hc_command *hc_command_find(const char *name)
{
	(void)name;
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	HC_AUTO(hc_config_free) struct hc_config *c = NULL;
	struct hc_recorder_args a;
	struct hc_err err = { 0 };
	char text[256];
	int r;

	hc_recorder_args_init(&a);
	r = hc_config_parse(hc_recorder_opts, "f", data, n_bytes, &a, &c, &err);
	if (r == 0) {
		assert(c && !err.code && a.dir[0] && a.profile <= 2 && a.snaplen <= 4096 &&
		       a.keep_free.permille <= 1000);
		if (hc_recorder_args_check(&a, &err) == 0)
			hc_recorder_retain(&a, text, sizeof(text));
	} else {
		assert(err.code == r && err.msg[0]);
	}
	hc_recorder_args_done(&a);
	return 0;
}
