/*
 * Configuration files: YAML, one mapping whose keys are the long names of a command's options. The same table that
 * parses the command line parses them, so names, units and limits are the same. Strict: an unknown key, a key
 * given twice, a value of another type or out of range is an error, told with its place.
 *
 *     profile: full
 *     hash-exe: yes
 *     retain-size: 20GiB
 *     exclude: [comm=journald, type=mmap]
 *     triggers: [{ rule: Shell in container, for: 1h }]
 */
#ifndef HC_CLI_CONFIG_H
#define HC_CLI_CONFIG_H

#include <stddef.h>

#include "cmd.h"
#include "store/base/cleanup.h"
#include "store/base/err.h"

struct hc_config;

/* Puts the file's values into the command's struct `args`, over what is there; repeated options are added to.
 * Texts belong to *ret. -EINVAL with the place, or why the file cannot be read. */
int hc_config_load(const struct hc_opt *opts, const char *path, void *args, struct hc_config **ret,
                   struct hc_err *err);
/* The same of bytes in memory, which need not last. */
int hc_config_parse(const struct hc_opt *opts, const char *file, const void *text, size_t n_bytes, void *args,
                    struct hc_config **ret, struct hc_err *err);
struct hc_config *hc_config_free(struct hc_config *c);
HC_DEFINE_AUTO(struct hc_config, hc_config_free)

#endif
