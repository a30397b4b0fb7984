/*
 * What Falco's configuration file (falco.yaml) says of rules and of how alerts are printed, so that a replay
 * answers as the running agent would: rules_files, rules, priority, rule_matching, append_output,
 * time_format_iso_8601, buffer_format_base64, json_output and the json_include_ switches. Files that config_files
 * names are read on top: sequences are joined, anything else is replaced, or as `strategy` says. ${NAME} in a
 * value stands for the environment variable. Everything else in the file is about running an agent and is passed
 * over.
 *
 * Source: falco.yaml of Falco 0.45 (engine 0.63.0).
 */
#ifndef HC_REPLAY_FALCO_CONFIG_H
#define HC_REPLAY_FALCO_CONFIG_H

#include "replay/falco.h"

struct hc_falco_config {
	struct hc_falco_opts opts; /* hostname and sane are left alone */
	const char *const
		*rules_files; /* NULL-terminated, as written; paths are relative to the working directory */
	bool has_matching, match_all; /* rule_matching */
	bool json_output;
	struct hc_arena arena; /* of all that is pointed to */
};

/*
 * Fills *ret_config, which hc_falco_config_done empties. path NULL: there is no file. Options are what `falco -o`
 * takes, "KEY=VALUE" as "json_output=true" and "rules[].disable.tag=network"; they are read last, but for
 * config_files. -EINVAL: not such a file or option, err has the place; -errno when it cannot be read. Nothing is
 * kept on failure.
 */
int hc_falco_config_load(const char *path, const char *const *options, size_t n_options,
                         struct hc_falco_config *ret_config, struct hc_err *err);
/* The same of a text; config_files is passed over. `name` is for errors and must live as long as they do. */
int hc_falco_config_load_text(const char *name, const void *text, size_t n_bytes,
                              struct hc_falco_config *ret_config, struct hc_err *err);
void hc_falco_config_done(struct hc_falco_config *c);

#endif
