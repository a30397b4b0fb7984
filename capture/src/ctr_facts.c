/*
 * Parsers of the runtimes' files, by json-c with a limit of depth. Formats: the OCI runtime specification
 * (config.json), moby's container/container.go and daemon/container (config.v2.json, hostconfig.json),
 * image/reference store (repositories.json), containers/storage's containers.go (containers.json), runc's
 * libcontainer/container.go (state.json), crun's src/libcrun/status.c (status), Falco's container plugin
 * (container_info_json.cpp), moby's api/types/container (GET /containers/ID/json) and image (GET
 * /images/NAME/json), Podman's libpod/define/container_inspect.go.
 */
#include "ctr_facts_priv.h"

#include <errno.h>
#include <json-c/json.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "json_few.h"
#include "store/render.h"
#include "store/scap.h"

struct ctr_facts *ctr_facts_new(void)
{
	struct ctr_facts *f = calloc(1, sizeof(*f));

	if (f)
		f->arena.tight = true;
	return f;
}

struct ctr_facts *ctr_facts_share(struct ctr_facts *f)
{
	if (f)
		f->n_more++;
	return f;
}

struct ctr_facts *ctr_facts_free(struct ctr_facts *f)
{
	if (f && f->n_more) {
		f->n_more--;
		return NULL;
	}
	if (f)
		hc_arena_done(&f->arena);
	free(f);
	return NULL;
}

static void fill_list(struct ctr_facts *f, struct ctr_strs *list, bool *has, const struct ctr_strs *from,
                      bool from_has)
{
	if (!from_has || !ctr_list_begin(f, list, has, from->n))
		return;
	for (uint32_t i = 0; i < from->n; i++)
		ctr_list_add(f, list, from->v[i]);
}

static void fill_tri(uint8_t *at, uint8_t from)
{
	if (*at == CTR_UNKNOWN)
		*at = from;
}

static void fill(struct ctr_facts *f, const struct ctr_facts *from)
{
	/* clang-format off */
	static const size_t texts[] = {
#define AT(member) offsetof(struct ctr_facts, member)
		AT(runtime), AT(name), AT(image), AT(image_id), AT(image_repo), AT(image_tag), AT(image_digest),
		AT(sandbox_id), AT(ip), AT(pod_name), AT(pod_namespace), AT(pod_uid), AT(pod_ip), AT(bundle), AT(seccomp),
		AT(apparmor), AT(selinux)
#undef AT
	};
	/* clang-format on */
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ctr_set(f, (void *)((char *)f + texts[i]),
		        *(const struct hc_str *)((const char *)from + texts[i]));
	fill_list(f, &f->mounts, &f->has_mounts, &from->mounts, from->has_mounts);
	fill_list(f, &f->labels, &f->has_labels, &from->labels, from->has_labels);
	fill_list(f, &f->annotations, &f->has_annotations, &from->annotations, from->has_annotations);
	fill_list(f, &f->pod_labels, &f->has_pod_labels, &from->pod_labels, from->has_pod_labels);
	fill_list(f, &f->pod_annotations, &f->has_pod_annotations, &from->pod_annotations,
	          from->has_pod_annotations);
	fill_list(f, &f->env_names, &f->has_env, &from->env_names, from->has_env);
	f->created_ns = f->created_ns ? f->created_ns : from->created_ns;
	f->start_ns = f->start_ns ? f->start_ns : from->start_ns;
	if (!f->has_caps) {
		f->has_caps = from->has_caps;
		f->caps = from->caps;
	}
	fill_tri(&f->privileged, from->privileged);
	fill_tri(&f->is_sandbox, from->is_sandbox);
	fill_tri(&f->host_pid, from->host_pid);
	fill_tri(&f->host_net, from->host_net);
	fill_tri(&f->host_ipc, from->host_ipc);
	fill_tri(&f->user_ns, from->user_ns);
	if (!f->has_paths && from->has_paths) {
		f->has_paths = true;
		f->n_masked_paths = from->n_masked_paths;
		f->n_readonly_paths = from->n_readonly_paths;
	}
	f->files |= from->files;
	f->exists |= from->exists;
}

struct ctr_facts *ctr_facts_joined(const struct ctr_facts *first, const struct ctr_facts *second)
{
	struct ctr_facts *f = ctr_facts_new();

	if (!f)
		return NULL;
	fill(f, first);
	fill(f, second);
	return f;
}

/* ---- JSON ---- */

static struct json_object *parse(struct hc_str text, enum json_type type)
{
	struct json_tokener *tok;
	struct json_object *o = NULL;

	if (!text.len || text.len > CTR_MAX_SHARED_BYTES || !json_has_few(text.p, text.len, CTR_MAX_VALUES))
		return NULL;
	tok = json_tokener_new_ex(CTR_MAX_DEPTH);
	if (!tok)
		return NULL;
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	o = json_tokener_parse_ex(tok, text.p, (int)text.len);
	json_tokener_free(tok);
	if (o && json_object_get_type(o) != type) {
		json_object_put(o);
		return NULL;
	}
	return o;
}

/* A member of the object; NULL when there is none, or `o` is no object. */
static struct json_object *get(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	return o && json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, &v) ? v : NULL;
}

static struct json_object *get_object(struct json_object *o, const char *key)
{
	struct json_object *v = get(o, key);

	return v && json_object_is_type(v, json_type_object) ? v : NULL;
}

static struct hc_str text_of(struct json_object *o)
{
	if (!o || !json_object_is_type(o, json_type_string))
		return (struct hc_str){ NULL, 0 };
	return (struct hc_str){ json_object_get_string(o), (uint32_t)json_object_get_string_len(o) };
}

static struct hc_str get_text(struct json_object *o, const char *key)
{
	return text_of(get(o, key));
}

static struct json_object *get_array(struct json_object *o, const char *key, size_t *ret_n)
{
	struct json_object *v = get(o, key);

	if (!v || !json_object_is_type(v, json_type_array)) {
		*ret_n = 0;
		return NULL;
	}
	*ret_n = json_object_array_length(v);
	return v;
}

/* ---- keeping ---- */

static struct hc_str keep(struct ctr_facts *f, struct hc_str s)
{
	struct hc_str none = { NULL, 0 };

	if (!s.p)
		return none;
	if (s.len > CTR_MAX_TEXT_BYTES || f->arena.used_bytes + s.len > CTR_MAX_BYTES) {
		f->n_cut++;
		return none;
	}
	return hc_arena_str(&f->arena, s);
}

void ctr_set(struct ctr_facts *f, struct hc_str *at, struct hc_str s)
{
	if (!at->p && s.p)
		*at = keep(f, s);
}

void ctr_set_some(struct ctr_facts *f, struct hc_str *at, struct hc_str s)
{
	if (s.len)
		ctr_set(f, at, s);
}

void ctr_set_tri(uint8_t *at, bool on)
{
	if (*at == CTR_UNKNOWN)
		*at = on ? CTR_YES : CTR_NO;
}

bool ctr_list_begin(struct ctr_facts *f, struct ctr_strs *list, bool *has, size_t n)
{
	if (*has)
		return false;
	*has = true;
	if (n > CTR_MAX_ITEMS) {
		f->n_cut += (uint32_t)(n - CTR_MAX_ITEMS);
		n = CTR_MAX_ITEMS;
	}
	list->v = n ? hc_arena_alloc(&f->arena, n * sizeof(*list->v)) : NULL;
	return list->v != NULL;
}

void ctr_list_add(struct ctr_facts *f, struct ctr_strs *list, struct hc_str s)
{
	if (list->n == CTR_MAX_ITEMS)
		return; /* counted when it began */
	s = keep(f, s);
	if (s.p)
		list->v[list->n++] = s;
}

void ctr_list_add_joined(struct ctr_facts *f, struct ctr_strs *list, char c, const struct hc_str *part, size_t n)
{
	char buf[CTR_MAX_TEXT_BYTES];
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		if (used + part[i].len + 1 > sizeof(buf)) {
			f->n_cut++;
			return;
		}
		if (i)
			buf[used++] = c;
		if (part[i].len)
			memcpy(buf + used, part[i].p, part[i].len);
		used += part[i].len;
	}
	ctr_list_add(f, list, (struct hc_str){ buf, (uint32_t)used });
}

/* An object of texts as key=value. */
static void set_map(struct ctr_facts *f, struct ctr_strs *list, bool *has, struct json_object *o)
{
	if (!o || !json_object_is_type(o, json_type_object) ||
	    !ctr_list_begin(f, list, has, (size_t)json_object_object_length(o)))
		return;
	json_object_object_foreach(o, key, value)
	{
		struct hc_str part[2] = { hc_str_c(key), text_of(value) };

		if (part[1].p)
			ctr_list_add_joined(f, list, '=', part, 2);
	}
}

/* The same where a text holds the object's JSON. */
static void set_map_text(struct ctr_facts *f, struct ctr_strs *list, bool *has, struct hc_str json)
{
	struct json_object *o = parse(json, json_type_object);

	set_map(f, list, has, o);
	json_object_put(o);
}

static void set_env(struct ctr_facts *f, struct json_object *o, const char *key)
{
	size_t n;
	struct json_object *env = get_array(o, key, &n);

	if (!env || !ctr_list_begin(f, &f->env_names, &f->has_env, n))
		return;
	for (size_t i = 0; i < n && i < CTR_MAX_ITEMS; i++) {
		struct hc_str s = text_of(json_object_array_get_idx(env, i));
		const char *eq = s.p ? memchr(s.p, '=', s.len) : NULL;

		if (eq)
			s.len = (uint32_t)(eq - s.p);
		if (s.len)
			ctr_list_add(f, &f->env_names, s);
	}
}

int64_t ctr_time(struct hc_str s)
{
	char buf[48];
	struct tm tm = { 0 };
	int64_t ns = 0, digit = 100000000, off = 0;
	const char *p;

	if (s.len < 20 || s.len >= sizeof(buf))
		return 0;
	memcpy(buf, s.p, s.len);
	buf[s.len] = '\0';
	p = strptime(buf, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!p || tm.tm_year < 70 || tm.tm_year > 300)
		return 0; /* Go's zero time is the year 1 */
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++, digit /= 10)
			ns += digit * (*p - '0');
	if (*p == '+' || *p == '-') {
		int sign = *p == '-' ? -1 : 1, hour, minute;

		if (strlen(p) < 6)
			return 0;
		hour = (p[1] - '0') * 10 + p[2] - '0';
		minute = (p[4] - '0') * 10 + p[5] - '0';
		if (hour < 0 || hour > 23 || minute < 0 || minute > 59)
			return 0;
		off = sign * (int64_t)(hour * 3600 + minute * 60);
	}
	return ((int64_t)timegm(&tm) - off) * 1000000000 + ns;
}

static void set_time(int64_t *at, struct hc_str s)
{
	if (!*at && s.p)
		*at = ctr_time(s);
}

/* ---- images ---- */

struct ctr_image ctr_image_split(struct hc_str image)
{
	const char *at = image.len ? memchr(image.p, '@', image.len) : NULL, *slash, *colon;
	struct ctr_image ret = { 0 };

	if (!image.len || hc_str_starts(image, HC_STR("sha256:")))
		return ret;
	ret.repo = (struct hc_str){ image.p, at ? (uint32_t)(at - image.p) : image.len };
	if (at)
		ret.digest = (struct hc_str){ at + 1, image.len - ret.repo.len - 1 };
	slash = memrchr(ret.repo.p, '/', ret.repo.len);
	colon = memrchr(ret.repo.p, ':', ret.repo.len);
	if (colon && (!slash || colon > slash)) {
		ret.tag = (struct hc_str){ colon + 1, (uint32_t)(ret.repo.p + ret.repo.len - colon - 1) };
		ret.repo.len = (uint32_t)(colon - ret.repo.p);
	}
	return ret;
}

void ctr_image_parts(struct ctr_facts *f)
{
	struct ctr_image i = ctr_image_split(f->image);

	if (i.digest.p)
		ctr_set_some(f, &f->image_digest, i.digest);
	if (i.tag.p)
		ctr_set_some(f, &f->image_tag, i.tag);
	if (i.repo.p)
		ctr_set_some(f, &f->image_repo, i.repo);
}

struct hc_str ctr_less_sha256(struct hc_str s)
{
	if (hc_str_starts(s, HC_STR("sha256:")))
		return (struct hc_str){ s.p + 7, s.len - 7 };
	return s;
}

void ctr_set_repo_digest(struct ctr_facts *f, struct hc_str name_at_digest)
{
	struct ctr_image i = ctr_image_split(name_at_digest);

	if (!i.digest.len || (f->image_repo.p && !hc_str_eq(i.repo, f->image_repo)))
		return;
	ctr_set_some(f, &f->image_repo, i.repo);
	ctr_set_some(f, &f->image_digest, i.digest);
}

/* ---- OCI ---- */

static void set_caps(struct ctr_facts *f, struct json_object *process)
{
	struct json_object *caps = get(process, "capabilities"), *list;
	size_t n;

	if (f->has_caps || !process)
		return;
	f->has_caps = true; /* none are given when there is no list */
	list = get_array(caps, "bounding", &n);
	for (size_t i = 0; list && i < n; i++) {
		struct hc_str s = text_of(json_object_array_get_idx(list, i));
		bool prefixed = hc_str_starts(s, HC_STR("CAP_"));

		for (unsigned k = 0; k < 64; k++) {
			const char *name = hc_enum_name(HC_FMT_CAP, k);

			if (name && hc_str_eq(s, hc_str_c(prefixed ? name : name + 4)))
				f->caps |= UINT64_C(1) << k;
		}
	}
}

static bool has_option(struct json_object *mount, const char *option)
{
	size_t n;
	struct json_object *list = get_array(mount, "options", &n);

	for (size_t i = 0; i < n; i++)
		if (hc_str_eq(text_of(json_object_array_get_idx(list, i)), hc_str_c(option)))
			return true;
	return false;
}

/* What a mount's options say of its propagation; what they do not say is that of the root. */
static struct hc_str propagation_of(struct json_object *mount, struct hc_str of_root)
{
	static const char *const words[] = { "private", "rprivate", "shared",     "rshared",
		                             "slave",   "rslave",   "unbindable", "runbindable" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (has_option(mount, words[i]))
			return hc_str_c(words[i]);
	return of_root;
}

static struct hc_str mode_of(struct json_object *mount)
{
	size_t n;
	struct json_object *list = get_array(mount, "options", &n);

	for (size_t i = 0; i < n; i++) {
		struct hc_str s = text_of(json_object_array_get_idx(list, i));

		if (hc_str_starts(s, HC_STR("mode=")))
			return (struct hc_str){ s.p + 5, s.len - 5 };
	}
	return HC_STR("");
}

static void set_oci_mounts(struct ctr_facts *f, struct json_object *root, struct json_object *oci_linux)
{
	size_t n;
	struct json_object *mounts = get_array(root, "mounts", &n);

	if (!mounts || !ctr_list_begin(f, &f->mounts, &f->has_mounts, n))
		return;
	for (size_t i = 0; i < n && i < CTR_MAX_ITEMS; i++) {
		struct json_object *m = json_object_array_get_idx(mounts, i);
		struct hc_str part[5] = { get_text(m, "source"), get_text(m, "destination"), mode_of(m),
			                  has_option(m, "ro") ? HC_STR("false") : HC_STR("true"),
			                  propagation_of(m, get_text(oci_linux, "rootfsPropagation")) };

		ctr_list_add_joined(f, &f->mounts, ':', part, 5);
	}
}

static bool mounts_read_only(struct json_object *root)
{
	size_t n;
	struct json_object *mounts = get_array(root, "mounts", &n);

	for (size_t i = 0; i < n; i++) {
		struct json_object *m = json_object_array_get_idx(mounts, i);
		struct hc_str type = get_text(m, "type");

		if ((hc_str_eq(type, HC_STR("sysfs")) || hc_str_eq(type, HC_STR("cgroup"))) && has_option(m, "ro"))
			return true;
	}
	return false;
}

/* Whether the container is privileged stands in no file but Docker's: it is what the absence of all confinement
 * tells, by the rule of Falco's containerd engine (plugins/container, containerd.go). What it is made of is kept
 * too, for those who judge otherwise. */
static void set_confinement(struct ctr_facts *f, struct json_object *root, struct json_object *oci_linux)
{
	struct json_object *process = get_object(root, "process"), *seccomp = get(oci_linux, "seccomp");
	struct hc_str action = get_text(seccomp, "defaultAction");
	size_t n_masked, n_readonly;
	bool masked = get_array(oci_linux, "maskedPaths", &n_masked) != NULL;
	bool readonly = get_array(oci_linux, "readonlyPaths", &n_readonly) != NULL;
	struct hc_str apparmor = get_text(process, "apparmorProfile"), selinux = get_text(process, "selinuxLabel");

	if (!process || !oci_linux)
		return;
	ctr_set(f, &f->seccomp, seccomp ? (action.p ? action : HC_STR("unknown")) : HC_STR(""));
	ctr_set(f, &f->apparmor, apparmor.p ? apparmor : HC_STR(""));
	ctr_set(f, &f->selinux, selinux.p ? selinux : HC_STR(""));
	if (!f->has_paths) {
		f->has_paths = true;
		f->n_masked_paths = (uint32_t)n_masked;
		f->n_readonly_paths = (uint32_t)n_readonly;
	}
	ctr_set_tri(&f->privileged, !masked && !readonly && !selinux.len && !seccomp &&
	                                    (!apparmor.len || hc_str_eq(apparmor, HC_STR("unconfined"))) &&
	                                    !mounts_read_only(root));
}

static const struct join {
	const char *type, *file; /* in the configuration, and below /proc/PID/ns */
	size_t host;
} joins[CTR_N_JOINS] = {
	[CTR_JOIN_PID] = { "pid", "pid", offsetof(struct ctr_facts, host_pid) },
	[CTR_JOIN_NET] = { "network", "net", offsetof(struct ctr_facts, host_net) },
	[CTR_JOIN_IPC] = { "ipc", "ipc", offsetof(struct ctr_facts, host_ipc) },
};

static uint8_t *host_of(struct ctr_facts *f, const struct join *j)
{
	return (uint8_t *)f + j->host;
}

/* The N of /proc/N/ns/FILE; 0: another path. */
static uint32_t joined_process(struct hc_str path, const char *file)
{
	char text[32];
	unsigned pid;
	int n = 0;

	if (!path.len || path.len >= sizeof(text))
		return 0;
	snprintf(text, sizeof(text), HC_STR_FMT, HC_STR_ARG(path));
	if (sscanf(text, "/proc/%9u/ns/%n", &pid, &n) != 1 || !n || strcmp(text + n, file) != 0)
		return 0;
	return pid;
}

/* Docker has the host's network bound there for containers that share it; `ip netns` and CNI bind what they made.
 */
static bool is_hosts_network(struct hc_str path)
{
	return hc_str_ends(path, HC_STR("/netns/default")) && !hc_str_eq(path, HC_STR("/netns/default")) &&
	       !hc_str_eq(path, HC_STR("/run/netns/default")) &&
	       !hc_str_eq(path, HC_STR("/var/run/netns/default"));
}

/* Containers of a pod join its sandbox's namespaces, and these may be the host's. */
static void set_namespaces(struct ctr_facts *f, struct json_object *oci_linux)
{
	bool user = false, has[CTR_N_JOINS] = { false };
	size_t n;
	struct json_object *list = get_array(oci_linux, "namespaces", &n);

	if (!oci_linux)
		return;
	for (size_t i = 0; i < n; i++) {
		struct json_object *item = json_object_array_get_idx(list, i);
		struct hc_str type = get_text(item, "type");

		user |= hc_str_eq(type, HC_STR("user"));
		for (unsigned k = 0; k < CTR_N_JOINS; k++) {
			if (!hc_str_eq(type, hc_str_c(joins[k].type)))
				continue;
			has[k] = k != CTR_JOIN_NET || !is_hosts_network(get_text(item, "path"));
			f->joins[k] = joined_process(get_text(item, "path"), joins[k].file);
		}
	}
	for (unsigned k = 0; k < CTR_N_JOINS; k++)
		if (!f->joins[k])
			ctr_set_tri(host_of(f, &joins[k]), !has[k]);
	ctr_set_tri(&f->user_ns, user);
}

void ctr_facts_look_at_joins(struct ctr_facts *f)
{
	for (unsigned k = 0; k < CTR_N_JOINS; k++) {
		struct stat its, hosts;
		char path[64];

		if (!f->joins[k] || *host_of(f, &joins[k]) != CTR_UNKNOWN)
			continue;
		snprintf(path, sizeof(path), "/proc/%u/ns/%s", f->joins[k], joins[k].file);
		if (stat(path, &its) < 0)
			continue;
		snprintf(path, sizeof(path), "/proc/1/ns/%s", joins[k].file);
		if (stat(path, &hosts) == 0)
			ctr_set_tri(host_of(f, &joins[k]),
			            its.st_dev == hosts.st_dev && its.st_ino == hosts.st_ino);
	}
}

#define CRI "io.kubernetes.cri."
#define CRIO "io.kubernetes.cri-o."

static void containerd_cri(struct ctr_facts *f, struct json_object *a)
{
	struct hc_str type = get_text(a, CRI "container-type");

	if (!type.p)
		return;
	ctr_set(f, &f->runtime, HC_STR("containerd"));
	ctr_set_tri(&f->is_sandbox, hc_str_eq(type, HC_STR("sandbox")));
	ctr_set_some(f, &f->name, get_text(a, CRI "container-name"));
	ctr_set_some(f, &f->image, get_text(a, CRI "image-name"));
	if (f->is_sandbox == CTR_YES) {
		ctr_set_some(f, &f->image, get_text(a, CRI "podsandbox.image-name"));
		ctr_set_some(f, &f->name, get_text(a, CRI "sandbox-name"));
	}
	ctr_set_some(f, &f->sandbox_id, get_text(a, CRI "sandbox-id"));
	ctr_set_some(f, &f->pod_name, get_text(a, CRI "sandbox-name"));
	ctr_set_some(f, &f->pod_namespace, get_text(a, CRI "sandbox-namespace"));
	ctr_set_some(f, &f->pod_uid, get_text(a, CRI "sandbox-uid"));
}

static void set_pod_ip(struct ctr_facts *f, struct json_object *a)
{
	ctr_set_some(f, &f->ip, get_text(a, CRIO "IP.0"));
	ctr_set_some(f, &f->pod_ip, get_text(a, CRIO "IP.0"));
}

static void crio(struct ctr_facts *f, struct json_object *a)
{
	struct hc_str type = get_text(a, CRIO "ContainerType"), name = get_text(a, CRIO "ImageName");

	ctr_set(f, &f->runtime, HC_STR("cri-o"));
	ctr_set_tri(&f->is_sandbox, hc_str_eq(type, HC_STR("sandbox")));
	ctr_set_some(f, &f->name, get_text(a, "io.kubernetes.container.name"));
	ctr_set_some(f, &f->name, get_text(a, f->is_sandbox == CTR_YES ? CRIO "KubeName" : CRIO "Name"));
	ctr_set_some(f, &f->image, name);
	ctr_set_some(f, &f->image, get_text(a, CRIO "UserRequestedImage"));
	ctr_set_some(f, &f->image, get_text(a, CRIO "Image"));
	ctr_set_some(f, &f->image_id, ctr_less_sha256(get_text(a, CRIO "ImageRef")));
	ctr_set_some(f, &f->sandbox_id, get_text(a, CRIO "SandboxID"));
	ctr_set_some(f, &f->pod_name, get_text(a, "io.kubernetes.pod.name"));
	ctr_set_some(f, &f->pod_namespace, get_text(a, "io.kubernetes.pod.namespace"));
	ctr_set_some(f, &f->pod_uid, get_text(a, "io.kubernetes.pod.uid"));
	set_pod_ip(f, a);
	set_time(&f->created_ns, get_text(a, CRIO "Created"));
	if (get_text(a, CRIO "PrivilegedRuntime").p)
		ctr_set_tri(&f->privileged, hc_str_eq(get_text(a, CRIO "PrivilegedRuntime"), HC_STR("true")));
	if (f->is_sandbox == CTR_YES) { /* the sandbox's are the pod's */
		set_map_text(f, &f->pod_labels, &f->has_pod_labels, get_text(a, CRIO "Labels"));
		set_map_text(f, &f->pod_annotations, &f->has_pod_annotations, get_text(a, CRIO "Annotations"));
	}
	set_map_text(f, &f->labels, &f->has_labels, get_text(a, CRIO "Labels"));
	if (!f->image_digest.p) { /* ["name@sha256:..."] */
		struct json_object *digests = parse(get_text(a, CRIO "ImageRepoDigests"), json_type_array);
		struct hc_str s = digests && json_object_array_length(digests)
		                          ? text_of(json_object_array_get_idx(digests, 0))
		                          : (struct hc_str){ NULL, 0 };
		const char *at = s.p ? memchr(s.p, '@', s.len) : NULL;

		if (at)
			ctr_set_some(f, &f->image_digest,
			             (struct hc_str){ at + 1, (uint32_t)(s.p + s.len - at - 1) });
		json_object_put(digests);
	}
}

static void podman(struct ctr_facts *f, struct json_object *a)
{
	struct hc_str privileged = get_text(a, "io.podman.annotations.privileged");

	ctr_set(f, &f->runtime, HC_STR("podman"));
	ctr_set_tri(&f->is_sandbox, false);
	set_time(&f->created_ns, get_text(a, CRIO "Created"));
	if (privileged.p)
		ctr_set_tri(&f->privileged,
		            hc_str_eq(privileged, HC_STR("TRUE")) || hc_str_eq(privileged, HC_STR("true")));
}

static void oci(struct ctr_facts *f, struct json_object *root)
{
	struct json_object *a = get_object(root, "annotations"), *oci_linux = get_object(root, "linux");
	struct hc_str manager = get_text(a, "io.container.manager");

	if (hc_str_eq(manager, HC_STR("libpod")))
		podman(f, a);
	else if (hc_str_eq(manager, HC_STR("cri-o")) || get(a, CRIO "ContainerType"))
		crio(f, a);
	else
		containerd_cri(f, a);
	ctr_set_some(f, &f->image, get_text(a, "org.opencontainers.image.ref.name"));
	set_map(f, &f->annotations, &f->has_annotations, a);
	set_env(f, get_object(root, "process"), "env");
	set_caps(f, get_object(root, "process"));
	set_oci_mounts(f, root, oci_linux);
	set_confinement(f, root, oci_linux);
	set_namespaces(f, oci_linux);
}

int ctr_parse_oci(struct hc_str json, struct ctr_facts *f)
{
	struct json_object *root = parse(json, json_type_object);

	if (!get(root, "ociVersion")) { /* the one member that must be there */
		json_object_put(root);
		return -EBADMSG;
	}
	oci(f, root);
	f->files |= CTR_FILE_OCI;
	json_object_put(root);
	return 0;
}

int ctr_parse_cri_info(struct hc_str json, struct ctr_facts *f)
{
	struct json_object *root = parse(json, json_type_object), *spec = get_object(root, "runtimeSpec"), *own;

	if (!root)
		return -EBADMSG;
	ctr_set_some(f, &f->sandbox_id, get_text(root, "sandboxID"));
	own = get(root, "privileged"); /* CRI-O */
	if (!own)
		own = get(get(get(get(root, "config"), "linux"), "security_context"), "privileged");
	if (own && json_object_is_type(own, json_type_boolean))
		ctr_set_tri(&f->privileged, json_object_get_boolean(own));
	if (get(spec, "ociVersion"))
		oci(f, spec);
	json_object_put(root);
	return 0;
}

int ctr_parse_oci_sandbox(struct hc_str json, struct ctr_facts *f)
{
	struct json_object *root = parse(json, json_type_object), *a = get_object(root, "annotations");

	if (!get(root, "ociVersion")) {
		json_object_put(root);
		return -EBADMSG;
	}
	set_map_text(f, &f->pod_labels, &f->has_pod_labels, get_text(a, CRIO "Labels"));
	set_map_text(f, &f->pod_annotations, &f->has_pod_annotations, get_text(a, CRIO "Annotations"));
	set_pod_ip(f, a);
	json_object_put(root);
	return 0;
}

/* ---- Docker ---- */

static void docker_mounts(struct ctr_facts *f, struct json_object *points)
{
	if (!points || !json_object_is_type(points, json_type_object) ||
	    !ctr_list_begin(f, &f->mounts, &f->has_mounts, (size_t)json_object_object_length(points)))
		return;
	json_object_object_foreach(points, key, m)
	{
		struct hc_str to = get_text(m, "Destination");
		struct hc_str part[5] = { get_text(m, "Source"), to.p ? to : hc_str_c(key), get_text(m, "Relabel"),
			                  json_object_get_boolean(get(m, "RW")) ? HC_STR("true") : HC_STR("false"),
			                  get_text(m, "Propagation") };

		ctr_list_add_joined(f, &f->mounts, ':', part, 5);
	}
}

static void docker_ip(struct ctr_facts *f, struct json_object *net)
{
	struct json_object *networks = get(net, "Networks");

	ctr_set_some(f, &f->ip, get_text(net, "IPAddress"));
	if (!networks || !json_object_is_type(networks, json_type_object))
		return;
	json_object_object_foreach(networks, key, n)
	{
		(void)key;
		ctr_set_some(f, &f->ip, get_text(n, "IPAddress"));
	}
}

/* What the file and the API's answer have in common. */
static void docker_container(struct ctr_facts *f, struct json_object *root)
{
	struct json_object *config = get_object(root, "Config"), *labels;
	struct hc_str name = get_text(root, "Name");

	if (name.len && name.p[0] == '/')
		name = (struct hc_str){ name.p + 1, name.len - 1 };
	ctr_set_some(f, &f->name, name);
	ctr_set_some(f, &f->image, get_text(config, "Image"));
	ctr_set_some(f, &f->image_id, ctr_less_sha256(get_text(root, "Image")));
	ctr_set_tri(&f->is_sandbox, memmem(name.p ? name.p : "", name.len, "k8s_POD", 7) != NULL);
	set_time(&f->created_ns, get_text(root, "Created"));
	set_time(&f->start_ns, get_text(get(root, "State"), "StartedAt"));
	labels = get(config, "Labels");
	ctr_set_some(f, &f->pod_name, get_text(labels, "io.kubernetes.pod.name"));
	ctr_set_some(f, &f->pod_namespace, get_text(labels, "io.kubernetes.pod.namespace"));
	ctr_set_some(f, &f->pod_uid, get_text(labels, "io.kubernetes.pod.uid"));
	ctr_set_some(f, &f->sandbox_id, get_text(labels, "io.kubernetes.sandbox.id"));
	set_map(f, &f->labels, &f->has_labels, labels);
	set_env(f, config, "Env");
	docker_ip(f, get(root, "NetworkSettings"));
}

int ctr_parse_docker(struct hc_str json, struct ctr_facts *f)
{
	struct json_object *root = parse(json, json_type_object);

	if (!get_text(root, "ID").len || !get_object(root, "Config")) {
		json_object_put(root);
		return -EBADMSG;
	}
	ctr_set(f, &f->runtime, HC_STR("docker"));
	ctr_set_some(f, &f->image_digest, get_text(get(root, "ImageManifest"), "digest"));
	docker_container(f, root);
	docker_mounts(f, get(root, "MountPoints"));
	f->files |= CTR_FILE_DOCKER;
	json_object_put(root);
	return 0;
}

/* "container:ID" says it of another. */
static void set_mode(uint8_t *at, struct hc_str mode)
{
	if (!hc_str_starts(mode, HC_STR("container:")))
		ctr_set_tri(at, hc_str_eq(mode, HC_STR("host")));
}

static void docker_host(struct ctr_facts *f, struct json_object *host)
{
	ctr_set_tri(&f->privileged, json_object_get_boolean(get(host, "Privileged")));
	set_mode(&f->host_pid, get_text(host, "PidMode"));
	set_mode(&f->host_net, get_text(host, "NetworkMode"));
	set_mode(&f->host_ipc, get_text(host, "IpcMode"));
}

int ctr_parse_docker_host(struct hc_str json, struct ctr_facts *f)
{
	struct json_object *root = parse(json, json_type_object);

	if (!get(root, "Privileged")) {
		json_object_put(root);
		return -EBADMSG;
	}
	docker_host(f, root);
	json_object_put(root);
	return 0;
}

/* As Docker's API gives them. */
static void set_mounts(struct ctr_facts *f, struct json_object *o)
{
	size_t n;
	struct json_object *mounts = get_array(o, "Mounts", &n);

	if (!mounts || !ctr_list_begin(f, &f->mounts, &f->has_mounts, n))
		return;
	for (size_t i = 0; i < n && i < CTR_MAX_ITEMS; i++) {
		struct json_object *m = json_object_array_get_idx(mounts, i), *rw = get(m, "RW");
		struct hc_str part[5] = { get_text(m, "Source"), get_text(m, "Destination"), get_text(m, "Mode"),
			                  rw && json_object_get_boolean(rw) ? HC_STR("true") : HC_STR("false"),
			                  get_text(m, "Propagation") };

		ctr_list_add_joined(f, &f->mounts, ':', part, 5);
	}
}

static int parse_docker_api(struct hc_str json, struct hc_str id, struct ctr_facts *f, struct json_object **ret)
{
	struct json_object *root = parse(json, json_type_object), *host = get_object(root, "HostConfig");
	struct hc_str told = get_text(root, "Id");

	if (!told.len || !get_object(root, "Config") || !hc_str_eq(told, id)) {
		int code = told.len && !hc_str_eq(told, id) ? -ENOENT : -EBADMSG;

		json_object_put(root);
		return code;
	}
	docker_container(f, root);
	set_mounts(f, root);
	if (get(host, "Privileged"))
		docker_host(f, host);
	*ret = root;
	return 0;
}

int ctr_parse_docker_api(struct hc_str json, struct hc_str id, struct ctr_facts *f)
{
	struct json_object *root;
	int code = parse_docker_api(json, id, f, &root);

	if (code < 0)
		return code;
	ctr_set(f, &f->runtime, HC_STR("docker"));
	ctr_set_some(f, &f->image_digest, get_text(get(root, "ImageManifestDescriptor"), "digest"));
	f->files |= CTR_SOCKET_DOCKER;
	json_object_put(root);
	return 0;
}

int ctr_parse_podman_api(struct hc_str json, struct hc_str id, struct ctr_facts *f)
{
	struct json_object *root, *infra;
	int code = parse_docker_api(json, id, f, &root);

	if (code < 0)
		return code;
	infra = get(root, "IsInfra");
	ctr_set(f, &f->runtime, HC_STR("podman"));
	ctr_set_some(f, &f->image, get_text(root, "ImageName"));
	ctr_set_some(f, &f->image_digest, get_text(root, "ImageDigest"));
	set_map(f, &f->annotations, &f->has_annotations, get(get(root, "Config"), "Annotations"));
	if (infra && json_object_get_boolean(infra))
		f->is_sandbox = CTR_YES;
	f->files |= CTR_SOCKET_PODMAN;
	json_object_put(root);
	return 0;
}

int ctr_parse_docker_image(struct hc_str json, struct ctr_facts *f)
{
	struct json_object *root = parse(json, json_type_object), *digests;
	struct hc_str id = ctr_less_sha256(get_text(root, "Id"));
	int code = !id.len ? -EBADMSG : hc_str_eq(id, f->image_id) ? 0 : -ENOENT;
	size_t n;

	if (code == 0)
		ctr_image_parts(f); /* of its names, that by which it was asked for */
	digests = get_array(root, "RepoDigests", &n);
	for (size_t i = 0; code == 0 && i < n && i < CTR_MAX_ITEMS; i++)
		ctr_set_repo_digest(f, text_of(json_object_array_get_idx(digests, i)));
	if (code == 0 && n)
		ctr_set_some(f, &f->image_digest,
		             ctr_image_split(text_of(json_object_array_get_idx(digests, 0))).digest);
	json_object_put(root);
	return code;
}

/* {"Repositories":{"nginx":{"nginx:1.25":"sha256:ID","nginx@sha256:DIGEST":"sha256:ID"}}} */
int ctr_parse_docker_repos(struct hc_str json, struct ctr_facts *f)
{
	struct json_object *root = parse(json, json_type_object), *repos = get(root, "Repositories");

	if (!repos || !json_object_is_type(repos, json_type_object)) {
		json_object_put(root);
		return -EBADMSG;
	}
	json_object_object_foreach(repos, repo, refs)
	{
		struct hc_str name = hc_str_c(repo);

		if (!f->image_id.len || !json_object_is_type(refs, json_type_object))
			continue;
		json_object_object_foreach(refs, ref, id)
		{
			struct hc_str r = hc_str_c(ref);

			if (!hc_str_eq(ctr_less_sha256(text_of(id)), f->image_id) || !hc_str_starts(r, name) ||
			    r.len < name.len + 2)
				continue;
			ctr_set(f, &f->image_repo, name);
			if (!hc_str_eq(f->image_repo, name))
				continue; /* the image has another name too */
			r = (struct hc_str){ r.p + name.len + 1, r.len - name.len - 1 };
			ctr_set(f, ref[name.len] == '@' ? &f->image_digest : &f->image_tag, r);
		}
	}
	json_object_put(root);
	return 0;
}

/* ---- containers/storage ---- */

int ctr_parse_podman(struct hc_str json, struct hc_str id, struct ctr_facts *f)
{
	struct json_object *root, *found = NULL, *meta;
	size_t n;

	/* most names that are looked for are those of other runtimes' containers, or of no container */
	if (!id.len || !memmem(json.p, json.len, id.p, id.len))
		return -ENOENT;
	root = parse(json, json_type_array);
	n = root ? json_object_array_length(root) : 0;
	if (!root)
		return -EBADMSG;
	for (size_t i = 0; i < n && !found; i++) {
		struct json_object *c = json_object_array_get_idx(root, i);

		if (hc_str_eq(get_text(c, "id"), id))
			found = c;
	}
	if (!found) {
		json_object_put(root);
		return -ENOENT;
	}
	meta = parse(get_text(found, "metadata"), json_type_object);
	ctr_set_some(f, &f->name, get_text(meta, "name"));
	ctr_set_some(f, &f->image, get_text(meta, "image-name"));
	ctr_set_some(f, &f->image_id, ctr_less_sha256(get_text(meta, "image-id")));
	ctr_set_some(f, &f->image_id, ctr_less_sha256(get_text(found, "image")));
	ctr_set_some(f, &f->pod_name, get_text(meta, "pod-name"));
	set_time(&f->created_ns, get_text(found, "created"));
	f->files |= CTR_FILE_PODMAN;
	json_object_put(meta);
	json_object_put(root);
	return 0;
}

/* ---- runc, crun ---- */

int ctr_parse_runc(struct hc_str json, struct ctr_facts *f)
{
	struct json_object *root = parse(json, json_type_object), *labels;
	size_t n;

	if (!get_text(root, "id").len || !get(root, "config")) {
		json_object_put(root);
		return -EBADMSG;
	}
	set_time(&f->created_ns, get_text(root, "created"));
	labels = get_array(get(root, "config"), "labels", &n);
	for (size_t i = 0; i < n; i++) {
		struct hc_str s = text_of(json_object_array_get_idx(labels, i));

		if (hc_str_starts(s, HC_STR("bundle=")))
			ctr_set_some(f, &f->bundle, (struct hc_str){ s.p + 7, s.len - 7 });
	}
	f->files |= CTR_FILE_RUNC;
	json_object_put(root);
	return 0;
}

int ctr_parse_crun(struct hc_str json, struct ctr_facts *f)
{
	struct json_object *root = parse(json, json_type_object);

	if (!get(root, "pid") || !get(root, "bundle")) {
		json_object_put(root);
		return -EBADMSG;
	}
	set_time(&f->created_ns, get_text(root, "created"));
	ctr_set_some(f, &f->bundle, get_text(root, "bundle"));
	f->files |= CTR_FILE_CRUN;
	json_object_put(root);
	return 0;
}

/* ---- Falco's events ---- */

static void set_tri_of(uint8_t *at, struct json_object *o, const char *key)
{
	struct json_object *v = get(o, key);

	if (v && json_object_is_type(v, json_type_boolean))
		ctr_set_tri(at, json_object_get_boolean(v));
}

static void set_falco(struct ctr_facts *f, struct json_object *o)
{
	struct json_object *type = get(o, "type"), *created = get(o, "created_time");
	struct json_object *labels = get(o, "labels");
	int64_t n = type && json_object_is_type(type, json_type_int) ? json_object_get_int64(type) : -1;

	f->files |= CTR_FILE_SCAP;
	if (n >= 0 && n < HC_SCAP_N_CTR_TYPES && hc_scap_ctr_types[n])
		ctr_set(f, &f->runtime, hc_str_c(hc_scap_ctr_types[n]));
	ctr_set(f, &f->name, get_text(o, "name"));
	ctr_set(f, &f->image, get_text(o, "image"));
	ctr_set(f, &f->image_id, get_text(o, "imageid"));
	ctr_set(f, &f->image_repo, get_text(o, "imagerepo"));
	ctr_set(f, &f->image_tag, get_text(o, "imagetag"));
	ctr_set(f, &f->image_digest, get_text(o, "imagedigest"));
	ctr_set(f, &f->ip, get_text(o, "ip"));
	ctr_set(f, &f->cni_json, get_text(o, "cni_json"));
	ctr_set(f, &f->sandbox_id, get_text(o, "pod_sandbox_id"));
	ctr_set(f, &f->pod_name, get_text(labels, "io.kubernetes.pod.name"));
	ctr_set(f, &f->pod_namespace, get_text(labels, "io.kubernetes.pod.namespace"));
	ctr_set(f, &f->pod_uid, get_text(labels, "io.kubernetes.pod.uid"));
	if (created && json_object_is_type(created, json_type_int)) {
		n = json_object_get_int64(created); /* seconds */
		f->created_ns = n > 0 && n < INT64_MAX / 1000000000 ? n * 1000000000 : 0;
	}
	set_tri_of(&f->privileged, o, "privileged");
	set_tri_of(&f->is_sandbox, o, "is_pod_sandbox");
	set_tri_of(&f->host_pid, o, "host_pid");
	set_tri_of(&f->host_net, o, "host_network");
	set_tri_of(&f->host_ipc, o, "host_ipc");
	set_map(f, &f->labels, &f->has_labels, labels);
	set_map(f, &f->pod_labels, &f->has_pod_labels, get(o, "pod_sandbox_labels"));
	set_env(f, o, "env");
	set_mounts(f, o);
}

int ctr_parse_falco(struct hc_str json, struct ctr_facts *f, struct hc_str *ret_id)
{
	struct json_object *root = parse(json, json_type_object);
	struct json_object *o = get_object(root, "container");
	struct hc_str id = get_text(o, "id");
	int code = -EBADMSG;

	if (id.len && id.len <= CTR_MAX_ID_BYTES) {
		id = keep(f, id);
		code = id.p ? 0 : -E2BIG;
	}
	if (code == 0) {
		*ret_id = id;
		set_falco(f, o);
	}
	json_object_put(root);
	return code;
}
