/* Views for the questions that people ask first. */
#include "sql_priv.h"

#define CONN_COLS "seq, time, pid, comm, exe, user, container, guid, "

const struct q_view hc_q_views[] = {
	{ "execs", "SELECT seq, time, pid, ppid, user, uid, comm, exe, cmdline, cwd, tty, container, parent_comm, "
	           "parent_exe, "
	           "guid, parent_guid FROM $proc_exec" },
	{ "connections",
	  "SELECT " CONN_COLS "'out' AS direction, addr_family AS family, sock_after_local_addr AS local_addr, "
	  "sock_after_local_port AS local_port, coalesce(sock_after_peer_addr, addr_addr) AS peer_addr, "
	  "coalesce(sock_after_peer_port, addr_port) AS peer_port, ret, error "
	  "FROM $connect WHERE addr_family IN ('AF_INET', 'AF_INET6') "
	  "UNION ALL SELECT " CONN_COLS "'in', newfd_family, newfd_local_addr, newfd_local_port, newfd_peer_addr, "
	  "newfd_peer_port, ret, error FROM $accept WHERE newfd_family IN ('AF_INET', 'AF_INET6') "
	  "UNION ALL SELECT " CONN_COLS "'in', newfd_family, newfd_local_addr, newfd_local_port, newfd_peer_addr, "
	  "newfd_peer_port, ret, error FROM $accept4 WHERE newfd_family IN ('AF_INET', 'AF_INET6')" },
	{ "files", "SELECT seq, time, pid, comm, exe, user, container, guid, type AS op, path, path2, ret, error, "
	           "args FROM $events "
	           "WHERE type IN ('open', 'openat', 'openat2', 'creat', 'unlink', 'unlinkat', 'rmdir', 'rename', "
	           "'renameat', "
	           "'renameat2', 'link', 'linkat', 'symlink', 'symlinkat', 'mkdir', 'mkdirat', 'mknod', "
	           "'mknodat', 'chmod', 'fchmodat', "
	           "'fchmodat2', 'chown', 'lchown', 'fchownat', 'truncate')" },
	{ "gaps",
	  "SELECT seq, time, from_time, until_time, of_type, on_cpu, count, exact, bytes, cause FROM $meta_gap" },
	{ NULL, NULL },
};

char *hc_q_view_sql(const struct q_view *v, const char *schema, const char *prefix)
{
	sqlite3_str *s = sqlite3_str_new(NULL);

	sqlite3_str_appendf(s, "CREATE VIEW %s.\"%w%w\" AS ", schema, prefix, v->name);
	for (const char *p = v->sql; *p;) {
		size_t n = strcspn(p, "$");

		sqlite3_str_append(s, p, (int)n);
		p += n;
		if (*p != '$')
			continue;
		n = strspn(++p, "abcdefghijklmnopqrstuvwxyz0123456789_");
		sqlite3_str_appendf(s, "\"%w%.*s\"", prefix, (int)n, p);
		p += n;
	}
	return sqlite3_str_finish(s);
}
