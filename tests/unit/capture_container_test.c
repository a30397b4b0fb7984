/* Containers by id, from state directories as the runtimes make them; and what hostile ones must not do. */
#include <criterion/criterion.h>

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ctr_disk.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define POD "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static char top[64];

static void begin(void)
{
	snprintf(top, sizeof(top), "/tmp/hc-ctr-XXXXXX");
	cr_assert(mkdtemp(top));
}

static void end(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	cr_assert_eq(system(command), 0); /* NOLINT(bugprone-command-processor): a directory of our own */
}

TestSuite(container, .init = begin, .fini = end);

/* The file below the test's directory, with the directories above it. */
static void put(const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	for (char *p = path + strlen(top) + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		mkdir(path, 0700);
		*p = '/';
	}
	f = fopen(path, "w");
	cr_assert(f);
	fputs(text, f);
	fclose(f);
}

static struct ctr_disk *disk_of(const char *kind, const char *below, bool watch)
{
	char root[256];
	const char *roots[] = { root };
	struct hc_err err = { 0 };
	struct ctr_disk *d = NULL;

	snprintf(root, sizeof(root), "%s=%s/%s", kind, top, below);
	cr_assert_eq(ctr_disk_open(roots, 1, watch, &d, &err), 0, "%s", err.msg);
	cr_assert_eq(ctr_disk_start(d, &err), 0, "%s", err.msg);
	return d;
}

static struct ctr_facts *find(const char *kind, const char *below, const char *id)
{
	struct ctr_disk *d = disk_of(kind, below, false);
	struct ctr_facts *f = ctr_disk_find(d, hc_str_c(id));

	ctr_disk_close(d);
	return f;
}

#define EXPECT_TEXT(s, want) \
	cr_expect(hc_str_eq(s, hc_str_c(want)) && !(s).p == !(want), #s " is '" HC_STR_FMT "'", HC_STR_ARG(s))

static void expect_list(const struct ctr_strs *list, unsigned n, ...)
{
	va_list ap;

	va_start(ap, n);
	cr_expect_eq(list->n, n, "%u items", list->n);
	for (unsigned i = 0; i < n && i < list->n; i++) {
		const char *want = va_arg(ap, const char *);

		EXPECT_TEXT(list->v[i], want);
	}
	va_end(ap);
}

#define CONFINED                                                                             \
	"\"maskedPaths\":[\"/proc/kcore\"],\"readonlyPaths\":[\"/proc/sys\",\"/proc/bus\"]," \
	"\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\"}"

#define CRI_CONFIG                                                                                              \
	"{\"ociVersion\":\"1.1.0\",\"process\":{\"args\":[\"nginx\"],\"env\":[\"PATH=/bin\",\"TOKEN=secret\"]," \
	"\"apparmorProfile\":\"cri-containerd.apparmor.d\",\"capabilities\":{\"bounding\":[\"CAP_CHOWN\","      \
	"\"CAP_KILL\",\"CAP_BOGUS\"]}},"                                                                        \
	"\"mounts\":[{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"/srv\",\"options\":[\"rbind\","  \
	"\"rslave\",\"ro\"]},{\"destination\":\"/tmp\",\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":["   \
	"\"mode=1777\"]}],"                                                                                     \
	"\"annotations\":{\"io.kubernetes.cri.container-type\":\"container\","                                  \
	"\"io.kubernetes.cri.container-name\":\"web\",\"io.kubernetes.cri.image-name\":"                        \
	"\"registry.example:5000/shop/web:1.2@sha256:aa\",\"io.kubernetes.cri.sandbox-id\":\"" POD "\","        \
	"\"io.kubernetes.cri.sandbox-name\":\"web-1\",\"io.kubernetes.cri.sandbox-namespace\":\"shop\","        \
	"\"io.kubernetes.cri.sandbox-uid\":\"1-2-3\"},"                                                         \
	"\"linux\":{\"rootfsPropagation\":\"private\",\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"user\"},"  \
	"{\"type\":\"network\",\"path\":\"/run/netns/cni-7\"}]," CONFINED "}}"

Test(container, of_containerd_and_kubernetes)
{
	struct ctr_facts *f;

	put("task/k8s.io/" ID "/config.json", CRI_CONFIG);
	f = find("containerd", "task", ID);
	cr_assert(f);
	EXPECT_TEXT(f->runtime, "containerd");
	EXPECT_TEXT(f->name, "web");
	EXPECT_TEXT(f->image, "registry.example:5000/shop/web:1.2@sha256:aa");
	EXPECT_TEXT(f->image_repo, "registry.example:5000/shop/web");
	EXPECT_TEXT(f->image_tag, "1.2");
	EXPECT_TEXT(f->image_digest, "sha256:aa");
	EXPECT_TEXT(f->sandbox_id, POD);
	EXPECT_TEXT(f->pod_name, "web-1");
	EXPECT_TEXT(f->pod_namespace, "shop");
	EXPECT_TEXT(f->pod_uid, "1-2-3");
	EXPECT_TEXT(f->seccomp, "SCMP_ACT_ERRNO");
	EXPECT_TEXT(f->apparmor, "cri-containerd.apparmor.d");
	EXPECT_TEXT(f->selinux, "");
	expect_list(&f->mounts, 2, "/srv:/data::false:rslave", "tmpfs:/tmp:1777:true:private");
	expect_list(&f->env_names, 2, "PATH", "TOKEN"); /* and no value of them */
	cr_expect_eq(f->caps, (1u << 0) | (1u << 5));
	cr_expect_eq(f->is_sandbox, CTR_NO);
	cr_expect_eq(f->privileged, CTR_NO);
	cr_expect_eq(f->host_pid, CTR_NO);
	cr_expect_eq(f->host_net, CTR_NO, "one was made for the pod");
	cr_expect_eq(f->host_ipc, CTR_YES);
	cr_expect_eq(f->user_ns, CTR_YES);
	cr_expect_eq(f->n_masked_paths, 1);
	cr_expect_eq(f->n_readonly_paths, 2);
	cr_expect(f->files & CTR_FILE_OCI);
	ctr_facts_free(f);
}

/* Of containers that join the namespaces of a process, as those of a pod do its sandbox's. */
static struct ctr_facts *of_joined(unsigned pid)
{
	char text[512];

	snprintf(text, sizeof(text),
	         "{\"ociVersion\":\"1.1.0\",\"linux\":{\"namespaces\":[{\"type\":\"pid\"},"
	         "{\"type\":\"network\",\"path\":\"/proc/%u/ns/net\"},{\"type\":\"ipc\",\"path\":\"/proc/%u/ns/"
	         "ipc\"}]}}",
	         pid, pid);
	put("task/k8s.io/" ID "/config.json", text);
	return find("containerd", "task", ID);
}

Test(container, networks_by_path)
{
	static const struct {
		const char *path;
		uint8_t want;
	} all[] = {
		{ "/run/netns/cni-1", CTR_NO },
		{ "/var/run/netns/default", CTR_NO },
		{ "/netns/default", CTR_NO },
		{ "/var/run/docker/netns/default", CTR_YES },
		{ "/var/run/docker/netns/0a1b", CTR_NO },
		{ "/proc/4294967295/ns/net", CTR_NO }, /* no process has that number */
		{ "/proc/self/ns/net", CTR_NO },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		char text[256];
		struct ctr_facts *f;

		snprintf(text, sizeof(text),
		         "{\"ociVersion\":\"1.1.0\",\"linux\":{\"namespaces\":[{\"type\":\"network\",\"path\":\"%"
		         "s\"}]}}",
		         all[i].path);
		put("task/moby/" ID "/config.json", text);
		f = find("containerd", "task", ID);
		cr_assert(f);
		cr_expect_eq(f->host_net, all[i].want, "%s", all[i].path);
		ctr_facts_free(f);
	}
	put("containers/" ID "/config.v2.json", "{\"ID\":\"" ID "\",\"Config\":{\"Image\":\"a\"}}");
	put("containers/" ID "/hostconfig.json",
	    "{\"Privileged\":false,\"NetworkMode\":\"container:" POD "\",\"PidMode\":\"host\",\"IpcMode\":\"\"}");
	{
		struct ctr_facts *f = find("docker", "containers", ID);

		cr_assert(f);
		cr_expect_eq(f->host_net, CTR_UNKNOWN, "it is the other's");
		cr_expect_eq(f->host_pid, CTR_YES);
		cr_expect_eq(f->host_ipc, CTR_NO);
		ctr_facts_free(f);
	}
}

Test(container, namespaces_of_others)
{
	struct stat own, hosts;
	bool known = stat("/proc/self/ns/ipc", &own) == 0 && stat("/proc/1/ns/ipc", &hosts) == 0;
	int begin[2], ready[2];
	struct ctr_facts *f;
	char byte = 0;
	pid_t child;

	f = of_joined(getpid());
	cr_assert(f);
	cr_expect_eq(f->host_pid, CTR_NO);
	cr_expect_eq(f->host_ipc, !known ? CTR_UNKNOWN : own.st_ino == hosts.st_ino ? CTR_YES : CTR_NO);
	ctr_facts_free(f);

	cr_assert(pipe(begin) == 0 && pipe(ready) == 0);
	child = fork();
	if (child == 0) {
		byte = unshare(CLONE_NEWIPC | CLONE_NEWNET) == 0 ||
		       unshare(CLONE_NEWUSER | CLONE_NEWIPC | CLONE_NEWNET) == 0;
		(void)!write(ready[1], &byte, 1);
		(void)!read(begin[0], &byte, 1);
		_exit(0);
	}
	cr_assert(child > 0 && read(ready[0], &byte, 1) == 1);
	f = of_joined((unsigned)child);
	cr_assert(f);
	if (byte && known) {
		cr_expect_eq(f->host_net, CTR_NO);
		cr_expect_eq(f->host_ipc, CTR_NO);
	}
	ctr_facts_free(f);
	cr_assert(write(begin[1], &byte, 1) == 1 && waitpid(child, NULL, 0) == child);

	f = of_joined((unsigned)child); /* it is gone: whoever else knows may tell */
	cr_assert(f);
	cr_expect_eq(f->host_net, CTR_UNKNOWN);
	cr_expect_eq(f->host_ipc, CTR_UNKNOWN);
	ctr_facts_free(f);
}

Test(container, of_cri_o_with_the_labels_of_its_pod)
{
	struct ctr_facts *f;

	put("st/" POD "/userdata/config.json",
	    "{\"ociVersion\":\"1.0\",\"annotations\":{\"io.container.manager\":\"cri-o\","
	    "\"io.kubernetes.cri-o.ContainerType\":\"sandbox\",\"io.kubernetes.cri-o.IP.0\":\"10.0.0.7\","
	    "\"io.kubernetes.cri-o.Labels\":\"{\\\"app\\\":\\\"shop\\\"}\","
	    "\"io.kubernetes.cri-o.Annotations\":\"{\\\"team\\\":\\\"a\\\"}\"}}");
	put("st/" ID "/userdata/config.json",
	    "{\"ociVersion\":\"1.0\",\"annotations\":{\"io.container.manager\":\"cri-o\","
	    "\"io.kubernetes.cri-o.ContainerType\":\"container\",\"io.kubernetes.cri-o.SandboxID\":\"" POD "\","
	    "\"io.kubernetes.container.name\":\"web\",\"io.kubernetes.cri-o.ImageName\":\"quay.io/shop/web:2\","
	    "\"io.kubernetes.cri-o.ImageRef\":\"sha256:11\",\"io.kubernetes.cri-o.ImageRepoDigests\":"
	    "\"[\\\"quay.io/shop/web@sha256:22\\\"]\",\"io.kubernetes.cri-o.PrivilegedRuntime\":\"true\","
	    "\"io.kubernetes.pod.name\":\"web-1\",\"io.kubernetes.pod.namespace\":\"shop\","
	    "\"io.kubernetes.pod.uid\":\"u\",\"io.kubernetes.cri-o.Created\":\"2024-05-01T10:20:30.5+02:00\","
	    "\"io.kubernetes.cri-o.Labels\":\"{\\\"io.kubernetes.container.name\\\":\\\"web\\\"}\"}}");
	f = find("crio", "st", ID);
	cr_assert(f);
	EXPECT_TEXT(f->runtime, "cri-o");
	EXPECT_TEXT(f->name, "web");
	EXPECT_TEXT(f->image_repo, "quay.io/shop/web");
	EXPECT_TEXT(f->image_tag, "2");
	EXPECT_TEXT(f->image_id, "11");
	EXPECT_TEXT(f->image_digest, "sha256:22");
	EXPECT_TEXT(f->pod_name, "web-1");
	EXPECT_TEXT(f->ip, "10.0.0.7");
	EXPECT_TEXT(f->pod_ip, "10.0.0.7");
	expect_list(&f->labels, 1, "io.kubernetes.container.name=web");
	expect_list(&f->pod_labels, 1, "app=shop");
	expect_list(&f->pod_annotations, 1, "team=a");
	cr_expect_eq(f->privileged, CTR_YES);
	cr_expect_eq(f->created_ns, INT64_C(1714551630500000000));
	ctr_facts_free(f);
	f = find("crio", "st", POD);
	cr_assert(f);
	cr_expect_eq(f->is_sandbox, CTR_YES);
	expect_list(&f->pod_labels, 1, "app=shop");
	ctr_facts_free(f);
}

Test(container, of_docker)
{
	struct ctr_facts *f;

	put("docker/containers/" ID "/config.v2.json",
	    "{\"ID\":\"" ID
	    "\",\"Name\":\"/happy_ant\",\"Image\":\"sha256:1234\",\"Created\":\"2024-05-01T08:20:30Z\","
	    "\"State\":{\"StartedAt\":\"0001-01-01T00:00:00Z\"},\"Config\":{\"Image\":\"nginx\",\"Env\":[\"A=1\"],"
	    "\"Labels\":{\"com.example.a\":\"b\"}},\"NetworkSettings\":{\"Networks\":{\"bridge\":{\"IPAddress\":"
	    "\"172.17.0.2\"}}},\"MountPoints\":{\"/x\":{\"Source\":\"/srv\",\"Destination\":\"/x\",\"RW\":true,"
	    "\"Propagation\":\"rprivate\",\"Relabel\":\"z\"}}}");
	put("docker/containers/" ID "/hostconfig.json",
	    "{\"Privileged\":true,\"PidMode\":\"host\",\"NetworkMode\":\"default\",\"IpcMode\":\"private\"}");
	put("docker/image/overlay2/repositories.json",
	    "{\"Repositories\":{\"nginx\":{\"nginx:old\":\"sha256:9\",\"nginx:latest\":\"sha256:1234\","
	    "\"nginx@sha256:dd\":\"sha256:1234\"},\"other\":{\"other:latest\":\"sha256:1234\"}}}");
	f = find("docker", "docker/containers", ID);
	cr_assert(f);
	EXPECT_TEXT(f->runtime, "docker");
	EXPECT_TEXT(f->name, "happy_ant");
	EXPECT_TEXT(f->image, "nginx");
	EXPECT_TEXT(f->image_id, "1234");
	EXPECT_TEXT(f->image_repo, "nginx");
	EXPECT_TEXT(f->image_tag, "latest");
	EXPECT_TEXT(f->image_digest, "sha256:dd");
	EXPECT_TEXT(f->ip, "172.17.0.2");
	expect_list(&f->mounts, 1, "/srv:/x:z:true:rprivate");
	expect_list(&f->labels, 1, "com.example.a=b");
	expect_list(&f->env_names, 1, "A");
	cr_expect_eq(f->privileged, CTR_YES);
	cr_expect_eq(f->host_pid, CTR_YES);
	cr_expect_eq(f->host_net, CTR_NO);
	cr_expect_eq(f->host_ipc, CTR_NO);
	cr_expect_eq(f->start_ns, 0, "it has not started");
	cr_expect_not(f->files & CTR_FILE_OCI, "the bundle is still to come");
	ctr_facts_free(f);
}

Test(container, of_podman)
{
	struct ctr_facts *f;

	put("st/containers.json",
	    "[{\"id\":\"" POD "\",\"metadata\":\"{}\"},{\"id\":\"" ID "\",\"image\":\"77\",\"created\":"
	    "\"2024-05-01T08:20:30Z\",\"metadata\":\"{\\\"image-name\\\":\\\"localhost/tool:latest\\\","
	    "\\\"image-id\\\":\\\"77\\\",\\\"name\\\":\\\"cool_ant\\\"}\"}]");
	f = find("podman", "st", ID);
	cr_assert(f, "its name is there before its configuration");
	EXPECT_TEXT(f->name, "cool_ant");
	cr_expect_not(f->files & CTR_FILE_OCI);
	ctr_facts_free(f);
	put("st/" ID "/userdata/config.json",
	    "{\"ociVersion\":\"1.0\",\"annotations\":{\"io.container.manager\":\"libpod\","
	    "\"io.kubernetes.cri-o.TTY\":\"false\",\"io.podman.annotations.privileged\":\"TRUE\"},\"process\":{},"
	    "\"linux\":{" CONFINED "}}");
	f = find("podman", "st", ID);
	cr_assert(f);
	EXPECT_TEXT(f->runtime, "podman");
	EXPECT_TEXT(f->name, "cool_ant");
	EXPECT_TEXT(f->image_repo, "localhost/tool");
	EXPECT_TEXT(f->image_tag, "latest");
	EXPECT_TEXT(f->image_id, "77");
	cr_expect_eq(f->privileged, CTR_YES, "its own word counts more than what is left of confinement");
	cr_expect_eq(f->created_ns, INT64_C(1714551630000000000));
	ctr_facts_free(f);
}

Test(container, a_list_of_all_is_read_for_those_in_it_only)
{
	struct ctr_facts *f = ctr_facts_new();

	cr_expect_eq(ctr_parse_podman(HC_STR("[{\"id\":\"" ID "\"},"), HC_STR(POD), f), -ENOENT, "not looked at");
	cr_expect_eq(ctr_parse_podman(HC_STR("[{\"id\":\"" ID "\"},"), HC_STR(ID), f), -EBADMSG);
	cr_expect_eq(ctr_parse_podman(HC_STR("[{\"id\":\"" ID "\"}]"), HC_STR(ID), f), 0);
	ctr_facts_free(f);
}

Test(container, of_crun_and_runc)
{
	struct ctr_facts *f;
	char state[512];

	put("crun/web/config.json", "{\"ociVersion\":\"1.0\",\"process\":{},\"linux\":{}}");
	put("crun/web/status", "{\"pid\":7,\"bundle\":\"/b\",\"created\":\"2024-05-01T08:20:30.25Z\"}");
	f = find("crun", "crun", "web");
	cr_assert(f);
	EXPECT_TEXT(f->runtime, "crun");
	cr_expect_eq(f->privileged, CTR_YES, "nothing confines it");
	cr_expect_eq(f->host_net, CTR_YES);
	cr_expect_eq(f->created_ns, INT64_C(1714551630250000000));
	ctr_facts_free(f);

	put("bundle/config.json", "{\"ociVersion\":\"1.0\",\"process\":{},\"linux\":{" CONFINED "}}");
	snprintf(state, sizeof(state),
	         "{\"id\":\"job\",\"created\":\"2024-05-01T08:20:30Z\",\"config\":{\"labels\":[\"bundle=%s/"
	         "bundle\"]}}",
	         top);
	mkdir(top, 0700);
	put("runc/job/x", "");
	f = find("runc", "runc", "job");
	cr_assert(f && f->exists && !f->files, "it has a place, and no state yet");
	ctr_facts_free(f);
	put("runc/job/state.json", state);
	f = find("runc", "runc", "job");
	cr_assert(f);
	if (getuid() == 0) { /* only root's word is followed to another place */
		EXPECT_TEXT(f->runtime, "runc");
		cr_expect(f->files & CTR_FILE_OCI);
		cr_expect_eq(f->privileged, CTR_NO);
	}
	ctr_facts_free(f);
}

Test(container, of_lxc_and_nspawn_by_name_only)
{
	struct ctr_facts *f;

	put("lxc/web/config", "lxc.uts.name = web\n");
	put("machines/deb", "NAME=deb\n");
	f = find("lxc", "lxc", "web");
	cr_assert(f);
	EXPECT_TEXT(f->runtime, "lxc");
	EXPECT_TEXT(f->name, "web");
	ctr_facts_free(f);
	f = find("nspawn", "machines", "deb");
	cr_assert(f);
	EXPECT_TEXT(f->runtime, "nspawn");
	ctr_facts_free(f);
}

Test(container, unknown_ids_and_names_that_lead_elsewhere_are_none)
{
	static const char *const ids[] = { "other", "..", ".", "", "../task", "a/b", ".hidden" };

	put("task/default/web/config.json", "{\"ociVersion\":\"1.0\"}");
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		cr_expect_null(find("containerd", "task", ids[i]), "'%s'", ids[i]);
}

Test(container, files_that_would_block_or_lead_out_are_refused, .timeout = 10)
{
	char path[512], to[512];
	struct ctr_disk *d;
	struct ctr_facts *f;

	put("outside/config.json", "{\"ociVersion\":\"1.0\"}");
	put("crun/fifo/x", "");
	snprintf(path, sizeof(path), "%s/crun/fifo/config.json", top);
	cr_assert_eq(mkfifo(path, 0600), 0);
	put("crun/link/x", "");
	snprintf(path, sizeof(path), "%s/crun/link/config.json", top);
	snprintf(to, sizeof(to), "%s/outside/config.json", top);
	cr_assert_eq(symlink(to, path), 0);
	put("crun/dir/config.json/x", "");
	put("crun/big/config.json", "{\"ociVersion\":\"1.0\"}");
	snprintf(path, sizeof(path), "%s/crun/big/config.json", top);
	cr_assert_eq(truncate(path, (off_t)CTR_MAX_FILE_BYTES + 1), 0);
	snprintf(path, sizeof(path), "%s/crun/linked", top);
	snprintf(to, sizeof(to), "%s/outside", top);
	cr_assert_eq(symlink(to, path), 0);
	d = disk_of("crun", "crun", false);
	for (const char *const *id = (const char *const[]){ "fifo", "link", "dir", "big", NULL }; *id; id++) {
		f = ctr_disk_find(d, hc_str_c(*id));
		cr_expect(f && !f->files, "%s", *id);
		ctr_facts_free(f);
	}
	cr_expect_eq(ctr_disk_n_refused(d), 4);
	cr_expect_null(ctr_disk_find(d, HC_STR("linked")), "the directory lies elsewhere");
	ctr_disk_close(d);
}

/* prefix, then n times part, then suffix */
static void put_many(const char *name, const char *prefix, const char *part, unsigned n, const char *suffix)
{
	char *text = malloc(strlen(prefix) + n * strlen(part) + strlen(suffix) + 1), *p;

	cr_assert(text);
	p = stpcpy(text, prefix);
	for (unsigned i = 0; i < n; i++)
		p = stpcpy(p, part);
	strcpy(p, suffix);
	put(name, text);
	free(text);
}

Test(container, hostile_json_is_held_to_limits)
{
	struct ctr_facts *f;

	put_many("crun/deep/config.json", "{\"ociVersion\":", "[", 100000, "");
	put_many("crun/many/config.json", "{\"ociVersion\":\"1\",\"process\":{\"env\":[", "\"A=1\",", 50000,
	         "\"B\"]}}");
	put_many("crun/long/config.json",
	         "{\"ociVersion\":\"1\",\"annotations\":{\"io.kubernetes.cri.container-type\":"
	         "\"container\",\"io.kubernetes.cri.container-name\":\"",
	         "x", 100000, "\"}}");
	put_many("crun/bomb/config.json", "{\"ociVersion\":\"1\",\"x\":[", "{},", 100000, "{}]}");
	/* a quote that only a parser which is not strict takes for a text: behind it nothing would be counted */
	put_many("crun/quote/config.json", "{\"ociVersion\":\"1\",\"q\":'\"',\"x\":[", "{},", 100000, "{}]}");
	put("crun/types/config.json", "{\"ociVersion\":1,\"process\":[],\"mounts\":{\"a\":1},\"linux\":7,"
	                              "\"annotations\":[1,2],\"hooks\":null}");
	f = find("crun", "crun", "deep");
	cr_expect(f && !f->files);
	ctr_facts_free(f);
	for (const char *const *id = (const char *const[]){ "bomb", "quote", NULL }; *id; id++) {
		f = find("crun", "crun", *id);
		cr_expect(f && !f->files, "%s: more memory than a file is worth", *id);
		ctr_facts_free(f);
	}
	f = find("crun", "crun", "many");
	cr_assert(f);
	cr_expect_eq(f->env_names.n, CTR_MAX_ITEMS);
	cr_expect_eq(f->n_cut, 50001 - CTR_MAX_ITEMS);
	ctr_facts_free(f);
	f = find("crun", "crun", "long");
	cr_assert(f);
	cr_expect_null(f->name.p);
	cr_expect_gt(f->n_cut, 0);
	ctr_facts_free(f);
	f = find("crun", "crun", "types");
	cr_assert(f);
	cr_expect_eq(f->privileged, CTR_UNKNOWN);
	ctr_facts_free(f);
}

Test(container, one_that_is_gone_again_was_read_by_the_watch, .timeout = 20)
{
	struct ctr_disk *d;
	struct ctr_facts *f = NULL;
	char from[512], to[512];

	put("crun/old/x", "");
	d = disk_of("crun", "crun", true);
	usleep(50000);
	put("crun/short/config.json", "{\"ociVersion\":\"1.0\",\"process\":{\"env\":[\"A=1\"]}}");
	usleep(200000); /* no faster than the thread gets to run on a busy machine */
	snprintf(from, sizeof(from), "%s/crun/short", top);
	snprintf(to, sizeof(to), "%s/gone", top);
	cr_assert_eq(rename(from, to), 0);
	for (unsigned i = 0; i < 100 && !f; i++) {
		f = ctr_disk_find(d, HC_STR("short"));
		usleep(10000);
	}
	cr_assert(f);
	cr_expect_eq(f->env_names.n, 1);
	ctr_facts_free(f);
	ctr_disk_close(d);
}

/* Names that people choose are given again. */
Test(container, one_of_the_same_name_is_not_the_one_before, .timeout = 20)
{
	struct ctr_disk *d;
	struct ctr_facts *f;
	char from[512], to[512];

	put("crun/old/x", "");
	d = disk_of("crun", "crun", true);
	usleep(50000);
	put("crun/web/config.json", "{\"ociVersion\":\"1.0\",\"process\":{\"env\":[\"A=1\"]}}");
	usleep(300000); /* the thread has read and kept it */
	snprintf(from, sizeof(from), "%s/crun/web", top);
	snprintf(to, sizeof(to), "%s/gone", top);
	cr_assert_eq(rename(from, to), 0);
	put("crun/web/status", ""); /* the next, of which nothing is told yet */
	usleep(300000);
	f = ctr_disk_find(d, HC_STR("web"));
	cr_assert(f);
	cr_expect(f->exists && !f->files);
	ctr_facts_free(f);
	ctr_disk_close(d);
}

#define DOCKER(image) "{\"ID\":\"" ID "\",\"Name\":\"/x\",\"Config\":{\"Image\":\"" image "\"}}"

/* The id of a container that runs is known to everybody: it is the name of its cgroup. */
Test(container, what_users_tell_does_not_count_where_the_system_knows_it, .timeout = 60)
{
	char docker[256], task[256];
	const char *roots[] = { docker, task };
	struct hc_err err = { 0 };
	struct ctr_disk *d;
	struct ctr_facts *f = NULL;

	snprintf(docker, sizeof(docker), "docker=%s/home/*/docker", top);
	snprintf(task, sizeof(task), "containerd=%s/task", top);
	put("home/mallory/docker/" ID "/config.v2.json", DOCKER("mallory/own"));
	put("home/mallory/docker/" POD "/config.v2.json", DOCKER("mallory/own"));
	put("task/k8s.io/x/y", "");
	cr_assert_eq(ctr_disk_open(roots, 2, true, &d, &err), 0, "%s", err.msg);
	cr_assert_eq(ctr_disk_start(d, &err), 0, "%s", err.msg);
	for (unsigned i = 0; i < 1000 && !f; i++) { /* by then the thread has read both */
		usleep(20000);
		f = ctr_disk_find(d, HC_STR(POD));
	}
	cr_assert(f);
	EXPECT_TEXT(f->image, "mallory/own");
	ctr_facts_free(f);
	put("task/k8s.io/" ID "/config.json", CRI_CONFIG);
	f = ctr_disk_find(d, HC_STR(ID));
	cr_assert(f);
	EXPECT_TEXT(f->name, "web");
	EXPECT_TEXT(f->image, "registry.example:5000/shop/web:1.2@sha256:aa");
	ctr_facts_free(f);
	usleep(100000); /* also when its own thread has had the time to read it */
	f = ctr_disk_find(d, HC_STR(ID));
	cr_assert(f);
	EXPECT_TEXT(f->name, "web");
	EXPECT_TEXT(f->image, "registry.example:5000/shop/web:1.2@sha256:aa");
	ctr_facts_free(f);
	ctr_disk_close(d);
}

Test(container, roots_that_make_no_sense_are_refused)
{
	static const char *const roots[] = { "", "docker", "docker=", "docker=x", "rkt=/var", "=/x" };
	struct hc_err err;

	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		err = (struct hc_err){ 0 };
		cr_expect_eq(ctr_disk_root_check(roots[i], &err), -EINVAL, "'%s'", roots[i]);
		cr_expect(err.msg[0]);
	}
	cr_expect_eq(ctr_disk_root_check("podman=/home/*/x", NULL), 0);
}
