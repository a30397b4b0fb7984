/*
 * What the files of a container runtime, and its answers, tell of one container, and their parsers.
 *
 * The files belong to whoever runs containers. Each parser takes bytes that nobody vouches for, holds them against
 * the limits below, and adds to the facts only what is not known yet: the first file that is read wins. What is
 * over a limit is left out and counted. No parser reads a file or asks anybody.
 */
#ifndef HC_CAPTURE_CTR_FACTS_H
#define HC_CAPTURE_CTR_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/base/arena.h"
#include "store/base/str.h"

#define CTR_MAX_FILE_BYTES (1u << 20)   /* of one container's file */
#define CTR_MAX_SHARED_BYTES (4u << 20) /* of a file about all containers or images */
#define CTR_MAX_DEPTH 24                /* of JSON */
#define CTR_MAX_VALUES (64u << 10)      /* of JSON: 50 MiB of memory at most, while it is read */
#define CTR_MAX_TEXT_BYTES 4096u
#define CTR_MAX_ITEMS 256u        /* of a list */
#define CTR_MAX_BYTES (64u << 10) /* of all texts of a container */
#define CTR_MAX_ID_BYTES 128u     /* of a container's id */

enum ctr_tri { CTR_UNKNOWN, CTR_NO, CTR_YES };

struct ctr_strs {
	struct hc_str *v;
	uint32_t n;
};

enum ctr_file {                               /* bits: which files told something */
	        CTR_FILE_DOCKER = 1 << 0,     /* config.v2.json */
	        CTR_FILE_PODMAN = 1 << 1,     /* containers.json of containers/storage */
	        CTR_FILE_OVERLAY = 1 << 2,    /* userdata/config.json: CRI-O, Podman */
	        CTR_FILE_CONTAINERD = 1 << 3, /* config.json of a containerd bundle */
	        CTR_FILE_CRUN = 1 << 4,
	        CTR_FILE_RUNC = 1 << 5,
	        CTR_FILE_LXC = 1 << 6,
	        CTR_FILE_NSPAWN = 1 << 7,
	        CTR_FILE_OCI = 1 << 8,  /* an OCI configuration was among them: nothing is to be waited for */
	        CTR_FILE_SCAP = 1 << 9, /* not a file of a runtime: an event of another recorder */
	        /* nor these: answers on a runtime's socket */
	        CTR_SOCKET_DOCKER = 1 << 10,
	        CTR_SOCKET_PODMAN = 1 << 11,
	        CTR_SOCKET_CRI = 1 << 12,
};

#define CTR_SOCKETS (CTR_SOCKET_DOCKER | CTR_SOCKET_PODMAN | CTR_SOCKET_CRI)

enum ctr_join { CTR_JOIN_PID, CTR_JOIN_NET, CTR_JOIN_IPC, CTR_N_JOINS };

struct ctr_facts {
	struct hc_arena arena; /* of all texts and lists */
	uint32_t n_more;       /* owners beside the first */
	uint32_t files;        /* enum ctr_file bits */
	uint32_t n_cut;        /* values left out for their size or number */
	bool exists;           /* the runtime has a place for it, whatever is in there */
	/* .p NULL: not told */
	struct hc_str runtime, name, image, image_id, image_repo, image_tag, image_digest, sandbox_id, ip,
		cni_json;
	struct hc_str pod_name, pod_namespace, pod_uid, bundle;
	struct hc_str pod_ip;                     /* "" when the pod has none of its own */
	struct hc_str seccomp, apparmor, selinux; /* default action, profile, label; "" when there is none */
	struct ctr_strs mounts;                   /* source:destination:mode:true|false:propagation */
	struct ctr_strs labels, annotations, pod_labels, pod_annotations; /* key=value */
	struct ctr_strs env_names;
	int64_t created_ns, start_ns; /* UTC; 0: not told */
	uint64_t caps;                /* bounding set */
	bool has_caps, has_env, has_mounts, has_labels, has_annotations, has_pod_labels, has_pod_annotations;
	uint8_t privileged, is_sandbox, host_pid, host_net, host_ipc, user_ns; /* enum ctr_tri */
	uint32_t joins[CTR_N_JOINS]; /* process whose namespace it is in, by enum ctr_join; 0: none was named */
	bool has_paths;              /* the two numbers are known */
	uint32_t n_masked_paths, n_readonly_paths;
};

struct ctr_facts *ctr_facts_new(void);
/* Looks whether the namespaces that it joins are the host's, while the processes live that have them. */
void ctr_facts_look_at_joins(struct ctr_facts *f);
struct ctr_facts *ctr_facts_free(struct ctr_facts *f); /* by each owner */
/* One owner more, of the same thread. */
struct ctr_facts *ctr_facts_share(struct ctr_facts *f);
/* New ones: those of the first, and what the second tells beside them. n_cut is of what was lost in joining. NULL:
 * out of memory. */
struct ctr_facts *ctr_facts_joined(const struct ctr_facts *first, const struct ctr_facts *second);

/* Each returns 0, or -EBADMSG when the bytes are no such file; then the facts are as before. */

/* An OCI configuration, with the annotations of containerd's CRI, CRI-O and Podman. */
int ctr_parse_oci(struct hc_str json, struct ctr_facts *f);
/* The same of the sandbox that a container of CRI-O is in: labels and annotations of the pod. */
int ctr_parse_oci_sandbox(struct hc_str json, struct ctr_facts *f);
int ctr_parse_docker(struct hc_str json, struct ctr_facts *f);       /* config.v2.json */
int ctr_parse_docker_host(struct hc_str json, struct ctr_facts *f);  /* hostconfig.json */
int ctr_parse_docker_repos(struct hc_str json, struct ctr_facts *f); /* repositories.json; needs image_id */
/* containers.json of containers/storage; -ENOENT when the container is not in it. */
int ctr_parse_podman(struct hc_str json, struct hc_str id, struct ctr_facts *f);
int ctr_parse_runc(struct hc_str json, struct ctr_facts *f); /* state.json */
int ctr_parse_crun(struct hc_str json, struct ctr_facts *f); /* status */
/* Answers of Docker's and Podman's REST interfaces; -ENOENT when they tell of another container than `id`, or of
 * another image than f->image_id. */
int ctr_parse_docker_api(struct hc_str json, struct hc_str id, struct ctr_facts *f); /* /containers/ID/json */
int ctr_parse_podman_api(struct hc_str json, struct hc_str id,
                         struct ctr_facts *f);                       /* /libpod/containers/ID/json */
int ctr_parse_docker_image(struct hc_str json, struct ctr_facts *f); /* /images/ID/json */
/* What containerd and CRI-O tell of a container in the "info" of a verbose ContainerStatus. */
int ctr_parse_cri_info(struct hc_str json, struct ctr_facts *f);
/* What Falco's events named container hold. ret_id: of the container, borrowed from the facts; its runtime is that
 * of the event, whatever is known already. */
int ctr_parse_falco(struct hc_str json, struct ctr_facts *f, struct hc_str *ret_id);
/* RFC 3339, as Go writes it: 2024-05-01T10:20:30.123456789Z, or with +02:00; UTC, 0 when it is not. */
int64_t ctr_time(struct hc_str s);
/* An image as it is asked for: "[REGISTRY[:PORT]/]PATH[:TAG][@DIGEST]"; .p NULL: that part is not there. */
struct ctr_image {
	struct hc_str repo, tag, digest;
};
struct ctr_image ctr_image_split(struct hc_str image);
/* Repository, tag and digest from the image as it was asked for, where no file told them. */
void ctr_image_parts(struct ctr_facts *f);

#endif
