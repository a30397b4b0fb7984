/* Fields of users, groups, containers and pods. */
#include "replay/dialects/falco/bind_priv.h"

#include <ctype.h>
#include <fnmatch.h>
#include <string.h>

#include "replay/falco_scap.h"

enum { USER_NAME, USER_HOME, USER_SHELL, USER_LOGIN, USER_GROUP };

static struct hc_value proc_user(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	int64_t which = arg_num(arg);
	unsigned ref_col = which == USER_LOGIN ? (unsigned)HC_O_PROC_login_user : (unsigned)HC_O_PROC_user;
	unsigned id_col = which == USER_LOGIN ? (unsigned)HC_O_PROC_loginuid : (unsigned)HC_O_PROC_euid;
	uint32_t user = hc_view_ref(v, HC_OBJ_PROC, ref_col, proc);
	struct hc_value value;
	int64_t id;

	(void)dom;
	if (!proc)
		return absent();
	if (which == USER_GROUP) {
		value = heap_text(v, HC_OBJ_GROUP, HC_O_GROUP_name,
		                  hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_group, proc));
		id_col = HC_O_PROC_egid;
	} else {
		value = heap_text(v, HC_OBJ_USER,
		                  which == USER_HOME    ? (unsigned)HC_O_USER_home
		                  : which == USER_SHELL ? (unsigned)HC_O_USER_shell
		                                        : (unsigned)HC_O_USER_name,
		                  user);
	}
	if (value.type)
		return value;
	id = hc_view_int_or(v, HC_OBJ_PROC, id_col, proc, -1);
	if (id == 0 && which != USER_SHELL)
		return hc_value_str(which == USER_HOME ? HC_STR("/root") : HC_STR("root"));
	return hc_value_str(HC_STR("<NA>"));
}
LEAF(proc_user, HC_OBJ_PROC, HC_VT_STR, MAY_BE(user));

static struct hc_value proc_loginuid(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	int64_t id;

	UNUSED_ARG;
	if (!hc_view_int(v, HC_OBJ_PROC, HC_O_PROC_loginuid, proc, &id))
		return absent();
	return hc_value_i64((uint32_t)id == UINT32_MAX ? -1 : (int64_t)(uint32_t)id);
}
LEAF(proc_loginuid, HC_OBJ_PROC, HC_VT_I64);

static bool is_hex64(struct hc_str s)
{
	if (s.len != 64)
		return false;
	for (uint32_t i = 0; i < s.len; i++)
		if (!isxdigit((unsigned char)s.p[i]))
			return false;
	return true;
}

static struct hc_value proc_container_id(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	uint32_t ctr = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_container, proc);
	struct hc_str id = hc_view_text(v, HC_OBJ_CTR, HC_O_CTR_id, ctr);

	(void)dom;
	if (!proc)
		return absent();
	if (!id.p)
		return hc_value_str(HC_STR("host"));
	if (!arg && id.len > 12 &&
	    (is_hex64(id) || hc_str_eq(hc_view_text(v, HC_OBJ_CTR, HC_O_CTR_runtime, ctr), HC_STR("containerd"))))
		id.len = 12;
	return hc_value_str(id);
}
LEAF(proc_container_id, HC_OBJ_PROC, HC_VT_STR, MAY_BE(container_id));

struct hc_value falco_value_of_container_id(struct hc_view *v, uint32_t proc)
{
	return proc_container_id(v, HC_OBJ_PROC, proc, NULL);
}

/* On the host: "host" for names, else empty; in a container what is known, which may be nothing. */
static struct hc_value proc_container_text(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	uint32_t ctr = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_container, proc);
	unsigned col = (unsigned)arg_num(arg);

	(void)dom;
	if (!proc)
		return absent();
	if (!ctr)
		return hc_value_str(col == HC_O_CTR_name || col == HC_O_CTR_runtime ? HC_STR("host") : HC_STR(""));
	if (hc_falco_ctr_known(v, ctr) && !hc_view_text(v, HC_OBJ_CTR, col, ctr).p)
		return hc_value_str(HC_STR(""));
	return heap_text(v, HC_OBJ_CTR, col, ctr);
}
LEAF(proc_container_text, HC_OBJ_PROC, HC_VT_STR, MAY_BE(container), MAY_CONTAIN(container));

/* Labels that a kubelet gives its containers: missing on the host, and where there are none. */
static struct hc_value proc_pod_text(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	uint32_t ctr = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_container, proc);

	(void)dom;
	return heap_text(v, HC_OBJ_CTR, (unsigned)arg_num(arg), ctr);
}
LEAF(proc_pod_text, HC_OBJ_PROC, HC_VT_STR, MAY_BE(text), MAY_CONTAIN(text));

/* Where there is none it may be in a pod whose network is not known: nothing is empty but what says so. */
static struct hc_value proc_pod_network(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	uint32_t ctr = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_container, proc);

	(void)dom;
	if (!proc || ctr)
		return heap_text(v, HC_OBJ_CTR, (unsigned)arg_num(arg), ctr);
	return hc_value_str(HC_STR(""));
}
LEAF(proc_pod_network, HC_OBJ_PROC, HC_VT_STR, MAY_BE(text), MAY_CONTAIN(text));

static struct hc_value proc_sandbox_id(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	uint32_t ctr = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_container, proc);
	struct hc_str id = hc_view_text(v, HC_OBJ_CTR, HC_O_CTR_sandbox_id, ctr);

	UNUSED_ARG;
	if (!proc || (ctr && !id.p && !hc_falco_ctr_known(v, ctr)))
		return absent();
	return hc_value_str((struct hc_str){ id.p ? id.p : "", id.len < 12 ? id.len : 12 });
}
LEAF(proc_sandbox_id, HC_OBJ_PROC, HC_VT_STR);

static struct hc_value proc_container_flag(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	uint32_t ctr = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_container, proc);
	int64_t i;

	(void)dom;
	if (!proc)
		return absent();
	if (!ctr)
		return hc_value_bool(false);
	if (hc_view_int(v, HC_OBJ_CTR, (unsigned)arg_num(arg), ctr, &i))
		return hc_value_bool(i);
	return hc_falco_ctr_known(v, ctr) ? hc_value_bool(false) : absent();
}
LEAF(proc_container_flag, HC_OBJ_PROC, HC_VT_BOOL);

/* Lists of a container as one text; labels are kept as key=value and shown as key:value. */
static struct hc_value proc_container_list(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	uint32_t ctr = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_container, proc), n;
	unsigned col = (unsigned)arg_num(arg);
	uint32_t list = hc_view_ref(v, HC_OBJ_CTR, col, ctr);
	const uint32_t *items = hc_view_strs(v, list, &n);
	struct fjson out = begin(v);
	bool labels = col != HC_O_CTR_mounts, any = false;

	(void)dom;
	if (!proc || (ctr && !list && !hc_falco_ctr_known(v, ctr)))
		return absent();
	for (uint32_t i = 0; i < n; i++) {
		struct hc_str s = hc_view_str(v, items[i]);
		const char *eq = labels && s.len ? memchr(s.p, '=', s.len) : NULL;

		if (labels &&
		    (hc_str_starts(s, HC_STR("io.kubernetes.")) || hc_str_starts(s, HC_STR("annotation."))))
			continue; /* the runtime's own: to be asked for by name */
		if (any)
			fjson_raw(&out, labels ? ", " : ",");
		any = true;
		if (eq == s.p + s.len - 1) {
			fjson_bytes(&out, s.p, s.len - 1); /* without a value */
		} else if (eq) {
			fjson_bytes(&out, s.p, (uint32_t)(eq - s.p));
			fjson_char(&out, ':');
			fjson_bytes(&out, eq + 1, s.len - (uint32_t)(eq - s.p) - 1);
		} else {
			fjson_bytes(&out, s.p, s.len);
		}
	}
	return falco_out_value(&out);
}
LEAF(proc_container_list, HC_OBJ_PROC, HC_VT_STR);

struct label_arg {
	unsigned col;
	struct hc_str key;
};

static struct hc_value proc_label(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	const struct label_arg *a = arg;
	uint32_t ctr = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_container, proc), n;
	const uint32_t *items = hc_view_strs(v, hc_view_ref(v, HC_OBJ_CTR, a->col, ctr), &n);

	(void)dom;
	for (uint32_t i = 0; i < n; i++) {
		struct hc_str s = hc_view_str(v, items[i]);

		if (hc_str_starts(s, a->key) && s.len > a->key.len && s.p[a->key.len] == '=')
			return hc_value_str((struct hc_str){ s.p + a->key.len + 1, s.len - a->key.len - 1 });
	}
	return absent();
}
LEAF(proc_label, HC_OBJ_PROC, HC_VT_STR, MAY_BE(part), MAY_CONTAIN(text));

struct mount_arg {
	/* FMOUNT_WHOLE ...: in the order of the fields container.mount, container.mount.source ... */
	unsigned part;
	bool by_index;
	uint32_t index;
	const char *glob; /* of the source; for FMOUNT_SOURCE of the destination */
};

static struct hc_value proc_mount(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	const struct mount_arg *a = arg;
	uint32_t ctr = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_container, proc), n;
	const uint32_t *items = hc_view_strs(v, hc_view_ref(v, HC_OBJ_CTR, HC_O_CTR_mounts, ctr), &n);
	unsigned by = a->part == FMOUNT_SOURCE ? FMOUNT_DEST : FMOUNT_SOURCE;

	(void)dom;
	for (uint32_t i = a->by_index ? a->index : 0; i < n; i++) {
		struct hc_str part[FMOUNT_N], key;

		if (falco_mount_parts(hc_view_str(v, items[i]), part)) {
			key = hc_arena_str(hc_view_arena(v), part[by]); /* terminated */
			if (a->by_index || (key.p && fnmatch(a->glob, key.p, 0) == 0))
				return hc_value_str(part[a->part]);
		}
		if (a->by_index)
			break;
	}
	return absent();
}
LEAF(proc_mount, HC_OBJ_PROC, HC_VT_STR);

const struct hc_access *falco_bind_user(struct fbinder *b, const struct fref *f)
{
	switch (f->id) {
	case F_USER_UID:
		return col(b, b->proc, HC_O_PROC_euid);
	case F_USER_NAME:
		return leaf(b, b->proc, &leaf_proc_user, num_arg(USER_NAME));
	case F_USER_HOMEDIR:
		return leaf(b, b->proc, &leaf_proc_user, num_arg(USER_HOME));
	case F_USER_SHELL:
		return leaf(b, b->proc, &leaf_proc_user, num_arg(USER_SHELL));
	case F_USER_LOGINUID:
		return leaf(b, b->proc, &leaf_proc_loginuid, NULL);
	case F_USER_LOGINNAME:
		return leaf(b, b->proc, &leaf_proc_user, num_arg(USER_LOGIN));
	case F_GROUP_GID:
		return col(b, b->proc, HC_O_PROC_egid);
	default:
		return leaf(b, b->proc, &leaf_proc_user, num_arg(USER_GROUP));
	}
}

/* The part of what a runtime knows that a field is from, as a recorder names it among the facts of a type. */
static const char *container_fact(unsigned field)
{
	switch (field) {
	case F_CONTAINER_IMAGE:
	case F_CONTAINER_IMAGE_ID:
	case F_CONTAINER_IMAGE_REPOSITORY:
	case F_CONTAINER_IMAGE_TAG:
	case F_CONTAINER_IMAGE_DIGEST:
		return "container.image";
	case F_CONTAINER_MOUNTS:
	case F_CONTAINER_MOUNT:
	case F_CONTAINER_MOUNT_SOURCE:
	case F_CONTAINER_MOUNT_DEST:
	case F_CONTAINER_MOUNT_MODE:
	case F_CONTAINER_MOUNT_RDWR:
	case F_CONTAINER_MOUNT_PROPAGATION:
		return "container.mounts";
	case F_CONTAINER_LABEL:
	case F_CONTAINER_LABELS:
		return "container.labels";
	case F_CONTAINER_CNI_JSON:
	case F_K8S_POD_CNI_JSON:
		return "cni"; /* no runtime has it in a file */
	default:
		return falco_fields[field].name[0] == 'k' ? "container.pod" : "container";
	}
}

static const struct hc_access *bind_mount(struct fbinder *b, const struct fref *f)
{
	struct mount_arg *a = hc_arena_alloc(hc_ir_arena(b->ir), sizeof(*a));

	if (!a)
		return NULL;
	a->part = f->id - F_CONTAINER_MOUNT;
	a->by_index = f->arg == FARG_INDEX;
	a->index = f->index;
	a->glob = hc_arena_str(hc_ir_arena(b->ir), f->name).p;
	return a->glob ? leaf(b, b->proc, &leaf_proc_mount, a) : NULL;
}

static const struct hc_access *bind_label(struct fbinder *b, const struct fref *f, unsigned c)
{
	struct label_arg *a = hc_arena_alloc(hc_ir_arena(b->ir), sizeof(*a));

	if (!a)
		return NULL;
	a->col = c;
	a->key = hc_arena_str(hc_ir_arena(b->ir), f->name);
	return leaf(b, b->proc, &leaf_proc_label, a);
}

const struct hc_access *falco_bind_container(struct fbinder *b, const struct fref *f)
{
	static const struct {
		uint16_t field;
		uint8_t col;
	} texts[] = {
		{ F_CONTAINER_NAME, HC_O_CTR_name },
		{ F_CONTAINER_IMAGE, HC_O_CTR_image },
		{ F_CONTAINER_IMAGE_ID, HC_O_CTR_image_id },
		{ F_CONTAINER_TYPE, HC_O_CTR_runtime },
		{ F_CONTAINER_IMAGE_REPOSITORY, HC_O_CTR_image_repo },
		{ F_CONTAINER_IMAGE_TAG, HC_O_CTR_image_tag },
		{ F_CONTAINER_IMAGE_DIGEST, HC_O_CTR_image_digest },
		{ F_CONTAINER_IP, HC_O_CTR_ip },
		{ F_K8S_POD_FULL_SANDBOX_ID, HC_O_CTR_sandbox_id },
	};

	switch (f->id) {
	case F_CONTAINER_ID:
		return leaf(b, b->proc, &leaf_proc_container_id, NULL);
	case F_CONTAINER_FULL_ID:
		return leaf(b, b->proc, &leaf_proc_container_id, "");
	case F_CONTAINER_START_TS:
		return falco_bind_container_start(b);
	case F_CONTAINER_DURATION:
		return falco_bind_duration(b, 2);
	default:
		break;
	}
	if (falco_fields[f->id].flags & FF_DEAD)
		return NULL;
	why(b, "facts about containers are not recorded", container_fact(f->id), NULL);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].field == f->id)
			return leaf(b, b->proc, &leaf_proc_container_text, num_arg(texts[i].col));
	switch (f->id) {
	case F_CONTAINER_PRIVILEGED:
		return leaf(b, b->proc, &leaf_proc_container_flag, num_arg(HC_O_CTR_privileged));
	case F_CONTAINER_HOST_PID:
		return leaf(b, b->proc, &leaf_proc_container_flag, num_arg(HC_O_CTR_host_pid));
	case F_CONTAINER_HOST_NETWORK:
		return leaf(b, b->proc, &leaf_proc_container_flag, num_arg(HC_O_CTR_host_net));
	case F_CONTAINER_HOST_IPC:
		return leaf(b, b->proc, &leaf_proc_container_flag, num_arg(HC_O_CTR_host_ipc));
	case F_K8S_POD_NAME:
		return leaf(b, b->proc, &leaf_proc_pod_text, num_arg(HC_O_CTR_pod_name));
	case F_K8S_NS_NAME:
		return leaf(b, b->proc, &leaf_proc_pod_text, num_arg(HC_O_CTR_pod_namespace));
	case F_K8S_POD_ID:
	case F_K8S_POD_UID:
		return leaf(b, b->proc, &leaf_proc_pod_text, num_arg(HC_O_CTR_pod_uid));
	case F_K8S_POD_SANDBOX_ID:
		return leaf(b, b->proc, &leaf_proc_sandbox_id, NULL);
	case F_K8S_POD_IP:
		return leaf(b, b->proc, &leaf_proc_pod_network, num_arg(HC_O_CTR_pod_ip));
	case F_CONTAINER_CNI_JSON:
		return leaf(b, b->proc, &leaf_proc_pod_network, num_arg(HC_O_CTR_cni_json));
	case F_K8S_POD_CNI_JSON:
		return leaf(b, b->proc, &leaf_proc_pod_network, num_arg(HC_O_CTR_pod_cni_json));
	case F_CONTAINER_MOUNTS:
		return leaf(b, b->proc, &leaf_proc_container_list, num_arg(HC_O_CTR_mounts));
	case F_CONTAINER_MOUNT:
	case F_CONTAINER_MOUNT_SOURCE:
	case F_CONTAINER_MOUNT_DEST:
	case F_CONTAINER_MOUNT_MODE:
	case F_CONTAINER_MOUNT_RDWR:
	case F_CONTAINER_MOUNT_PROPAGATION:
		return bind_mount(b, f);
	case F_CONTAINER_LABELS:
		return leaf(b, b->proc, &leaf_proc_container_list, num_arg(HC_O_CTR_labels));
	case F_K8S_POD_LABELS:
		return leaf(b, b->proc, &leaf_proc_container_list, num_arg(HC_O_CTR_pod_labels));
	case F_CONTAINER_LABEL:
		return bind_label(b, f, HC_O_CTR_labels);
	case F_K8S_POD_LABEL:
		return bind_label(b, f, HC_O_CTR_pod_labels);
	default:
		return NULL;
	}
}
