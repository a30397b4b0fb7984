/* The options of `hindcast recorder`, from the command line and from its configuration file. */
#ifndef HC_CLI_RECORDER_ARG_H
#define HC_CLI_RECORDER_ARG_H

#include "cmd.h"
#include "store/retain.h"
#include "trigger_arg.h"

#define HC_RECORDER_CONFIG "/etc/hindcast/recorder.yaml"
#define HC_RECORDER_PIN "/sys/fs/bpf/hindcast" /* --pin auto where the service manager keeps nothing */

struct hc_recorder_args {
	const char *config; /* NULL: the default, where it exists */
	bool check_config, take_over, unpin, hold;
	const char *dir, *group, *control, *control_group, *metrics, *pin;
	const char *kube; /* "off", "auto" or a URL */
	const char *kube_node, *kube_token, *kube_ca, *kube_namespace;
	uint64_t kube_spread_ns;
	struct hc_strs mask_rules, container_root, runtime_socket;
	bool no_mask;
	unsigned profile, log_level, log_format; /* enum hc_profile, hc_log_level, hc_log_format */
	uint64_t snaplen, ring_bytes;
	struct hc_strs exclude;
	bool hash_exe;
	uint64_t segment_bytes, segment_ns;
	uint64_t retain_bytes, retain_ns, retain_bulk_bytes, retain_bulk_ns, retain_security_bytes;
	struct hc_share_arg keep_free, max_cpu;
	struct hc_trigger_args trigger;
};

extern const struct hc_opt hc_recorder_opts[];

/* Fills in the defaults. */
void hc_recorder_args_init(struct hc_recorder_args *a);
void hc_recorder_args_done(struct hc_recorder_args *a);
/* What follows from one option for another; -EINVAL with a sentence. */
int hc_recorder_args_check(const struct hc_recorder_args *a, struct hc_err *err);
/* The limits, and the same as text ("size=20GiB age=30d"). */
struct hc_retain_rules hc_recorder_retain(const struct hc_recorder_args *a, char *text, size_t room);

#endif
