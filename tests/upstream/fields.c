/*
 * Makes calls with known arguments, and says what Falco's fields of their events have to be.
 *
 * usage: falco-fields FILE, in an empty directory. Of each event a line goes to FILE: its type and FIELD=VALUE
 * pairs, separated by tabs, in the order of the events. A VALUE of <NA> stands for a field without a value.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <linux/futex.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static FILE *out;
static char dir[4096], self[5000];
static int tid;

/* What the event of `type` that comes next in this thread (or in `tid`) has. */
static void say(const char *type, const char *fmt, ...)
{
	va_list ap;

	fprintf(out, "%s\tthread.tid=%d\t", type, tid);
	va_start(ap, fmt);
	vfprintf(out, fmt, ap);
	va_end(ap);
	fputc('\n', out);
}

static long must(long r, const char *what)
{
	if (r < 0) {
		fprintf(stderr, "falco-fields: %s: %s\n", what, strerror(errno));
		exit(1);
	}
	return r;
}

#define CALL(name, ...) must(syscall(SYS_##name, __VA_ARGS__), #name)

static void opens(void)
{
	struct open_how how = { .flags = O_RDONLY, .resolve = RESOLVE_NO_SYMLINKS };
	struct stat st;
	char path[5000];
	int fd = (int)CALL(openat, AT_FDCWD, "file", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

	fstat(fd, &st);
	say("openat",
	    "evt.args=fd=%d(<f>%s/file) dirfd=-100(AT_FDCWD) name=file(%s/file) "
	    "flags=20743(O_TRUNC|O_CREAT|O_RDWR|O_CLOEXEC|O_F_CREATED) mode=0640 dev=%X ino=%" PRIu64 "\t"
	    "evt.res=SUCCESS\tevt.rawres=%d\tevt.failed=false\tfd.num=%d\tfd.name=%s/file\tfd.nameraw=file\t"
	    "fd.directory=%s\tfd.filename=file\tfd.type=file\tfd.typechar=f\tfd.ino=%" PRIu64 "\t"
	    "fd.dev.major=%u\tfd.dev.minor=%u\tevt.is_open_read=true\tevt.is_open_write=true\tevt.is_open_create="
	    "true\t"
	    "fs.path.name=%s/file\tfs.path.nameraw=file\tevt.category=file\tevt.dir=<\tevt.is_io=false\t"
	    "evt.abspath=%s/file",
	    fd, dir, dir, (unsigned)st.st_dev, (uint64_t)st.st_ino, fd, fd, dir, dir, (uint64_t)st.st_ino,
	    (unsigned)st.st_dev >> 8 & 0xfff, (unsigned)st.st_dev & 0xff, dir, dir);
	close(fd);
	say("close", "evt.rawres=0\tevt.arg.res=0\tfd.num=%d", fd);

	snprintf(path, sizeof(path), "%s/./file", dir);
	fd = (int)CALL(open, path, O_RDONLY | O_NONBLOCK);
	say("open",
	    "evt.args=fd=%d(<f>%s/file) name=%s flags=65(O_NONBLOCK|O_RDONLY) mode=0 dev=%X ino=%" PRIu64 "\t"
	    "fd.name=%s/file\tfd.nameraw=%s\tevt.arg.name=%s\tevt.arg[1]=%s\tevt.rawarg.flags=41\t"
	    "evt.is_open_read=true\tevt.is_open_write=false\tevt.is_open_exec=false\tfs.path.name=%s/file",
	    fd, dir, path, (unsigned)st.st_dev, (uint64_t)st.st_ino, dir, path, path, path, dir);
	close(fd);

	fd = (int)CALL(openat2, AT_FDCWD, "file", &how, sizeof(how));
	say("openat2",
	    "evt.args=fd=%d(<f>%s/file) dirfd=-100(AT_FDCWD) name=file(%s/file) flags=1(O_RDONLY) mode=0 "
	    "resolve=8(RESOLVE_NO_SYMLINKS) dev=%X ino=%" PRIu64 "\tfs.path.name=%s/file",
	    fd, dir, dir, (unsigned)st.st_dev, (uint64_t)st.st_ino, dir);
	close(fd);

	fd = (int)CALL(creat, "created", 0755);
	fstat(fd, &st);
	say("creat",
	    "evt.args=fd=%d(<f>%s/created) name=created(%s/created) mode=0755 dev=%X ino=%" PRIu64
	    " creat_flags=0\t"
	    "fd.name=%s/created\tfd.type=file\tevt.is_open_write=false\tevt.is_open_exec=true",
	    fd, dir, dir, (unsigned)st.st_dev, (uint64_t)st.st_ino, dir);
	close(fd);

	syscall(SYS_openat, AT_FDCWD, "missing", O_WRONLY);
	say("openat",
	    "evt.args=fd=-2(ENOENT) dirfd=-100(AT_FDCWD) name=missing(%s/missing) flags=2(O_WRONLY) mode=0 dev=0 "
	    "ino=0\t"
	    "evt.res=ENOENT\tevt.rawres=-2\tevt.failed=true\tfd.num=-1\tfd.name=%s/missing\tfd.typechar=f\t"
	    "fd.type=<NA>\tevt.is_open_write=true\tevt.count.error=1\tfs.path.name=<UNKNOWN>\tevt.buflen=<NA>",
	    dir, dir);

	fd = (int)CALL(openat, AT_FDCWD, dir, O_RDONLY | O_DIRECTORY);
	say("openat",
	    "evt.arg.flags=O_DIRECTORY|O_RDONLY\tfd.type=directory\tfd.typechar=d\tfd.name=%s\tfd.directory=%s",
	    dir, dir);
	CALL(fchdir, fd);
	say("fchdir", "evt.args=res=0 fd=%d(<d>%s)\tproc.cwd=%s/\tfd.num=%d", fd, dir, dir, fd);
	close(fd);
	fd = (int)syscall(SYS_openat, AT_FDCWD, dir, O_RDWR | O_TMPFILE, 0600);
	if (fd >= 0) { /* not all file systems can */
		say("openat", "fd.num=%d\tfd.type=directory\tfd.typechar=d\tfd.name=%s\tevt.is_open_write=true",
		    fd, dir);
		close(fd);
	}
	fd = (int)CALL(openat, AT_FDCWD, "/proc/self/ns/uts", O_RDONLY);
	say("openat", "fd.num=%d\tfd.type=file\tfd.name=/proc/self/ns/uts\tfd.filename=uts", fd);
	close(fd);
	CALL(truncate, "file", 0);
	say("truncate", "evt.args=\tevt.res=<NA>\tevt.rawres=<NA>\tevt.failed=<NA>\tsyscall.type=truncate");
}

static void io(void)
{
	char buf[16], name[5000];
	struct iovec two[] = { { (char *)"ab", 2 }, { (char *)"cde", 3 } }, in = { buf, sizeof(buf) };
	int fd = (int)must(open("data", O_RDWR | O_CREAT, 0644), "open"),
	    to = (int)must(open("copy", O_RDWR | O_CREAT | O_TRUNC, 0644), "open");

	snprintf(name, sizeof(name), "%d(<f>%s/data)", fd, dir);
	CALL(write, fd, "hello", 5);
	say("write",
	    "evt.args=res=5 data=hello fd=%s "
	    "size=5\tevt.buflen=5\tevt.buffer=hello\tevt.is_io=true\tevt.is_io_write=true\t"
	    "evt.io_dir=write\tfd.num=%d\tfd.name=%s/data\tevt.category=file",
	    name, fd, dir);
	CALL(writev, fd, two, 2);
	say("writev", "evt.args=res=5 data=abcde fd=%s size=5", name);
	CALL(pwrite64, fd, "H", 1, 0);
	say("pwrite", "evt.args=res=1 data=H fd=%s size=1 pos=0", name);
	CALL(lseek, fd, 1, SEEK_SET);
	say("lseek", "evt.args=res=1 fd=%s offset=1 whence=0(SEEK_SET)", name);
	CALL(read, fd, buf, 4);
	say("read", "evt.args=res=4 data=ello fd=%s size=4\tevt.io_dir=read\tevt.is_io_read=true\tevt.buflen=4",
	    name);
	CALL(pread64, fd, buf, 3, 5);
	say("pread", "evt.args=res=3 data=abc fd=%s size=3 pos=5", name);
	CALL(readv, fd, &in, 1);
	say("readv", "evt.args=res=5 size=5 data=abcde fd=%s\tevt.io_dir=read", name);
	CALL(sendfile, to, fd, &(off_t){ 0 }, 5);
	say("sendfile",
	    "evt.rawres=5\tevt.arg.out_fd=<f>%s/copy\tevt.arg.in_fd=<f>%s/data\tevt.arg.size=5\tfd.num=%d", dir,
	    dir, to);
	CALL(copy_file_range, fd, &(off_t){ 0 }, to, &(off_t){ 5 }, 5, 0);
	say("copy_file_range", "evt.rawres=5\tevt.arg.fdout=<f>%s/copy\tevt.arg.fdin=<f>%s/data\tevt.arg.len=5",
	    dir, dir);
	CALL(ioctl, fd, FIONREAD, buf);
	say("ioctl", "evt.args=res=0 fd=%s request=541B argument=%" PRIXPTR, name, (uintptr_t)buf);
	CALL(flock, fd, LOCK_EX | LOCK_NB);
	say("flock", "evt.args=res=0 fd=%s operation=6(LOCK_EX|LOCK_NB)", name);
	CALL(fcntl, fd, F_DUPFD_CLOEXEC, 50);
	say("fcntl", "evt.rawres=50\tevt.arg.cmd=F_DUPFD_CLOEXEC\tevt.arg.arg=32\tevt.arg.fd=<f>%s/data", dir);
	CALL(dup, fd);
	say("dup", "evt.args=res=%d(<f>%s/data) oldfd=%s\tfd.num=%d\tfd.name=%s/data\tevt.rawres=%d", to + 1, dir,
	    name, to + 1, dir, to + 1);
	CALL(dup2, fd, 51);
	say("dup2", "evt.args=res=51(<f>%s/data) oldfd=%s newfd=51(<f>%s/data)\tfd.num=51\tfd.type=file", dir,
	    name, dir);
	CALL(dup3, fd, 52, O_CLOEXEC);
	say("dup3", "evt.args=res=52(<f>%s/data) oldfd=%s newfd=52(<f>%s/data) flags=4096(O_CLOEXEC)\tfd.num=52",
	    dir, name, dir);
	CALL(fstat, fd, &(struct stat){ 0 });
	say("fstat", "evt.args=res=0 fd=%s", name);
	CALL(close_range, 50, 52, 0);
	say("close_range", "evt.args=res=0 first=50 last=52 flags=0");
	close(to + 1);
	close(to);
	close(fd);
}

static void files(void)
{
	int d;

	CALL(mkdir, "sub", 0755);
	say("mkdir",
	    "evt.args=res=0 path=sub(%s/sub) "
	    "mode=1ED\tfs.path.name=%s/sub\tfs.path.nameraw=sub\tevt.arg.path=%s/sub",
	    dir, dir, dir);
	d = (int)must(open("sub", O_RDONLY | O_DIRECTORY), "sub");
	CALL(mkdirat, d, "x", 0700);
	say("mkdirat",
	    "evt.args=res=0 dirfd=%d(<d>%s/sub) path=x(%s/sub/x) "
	    "mode=1C0\tfs.path.name=%s/sub/x\tfd.num=%d\tevt.abspath=%s/sub/x",
	    d, dir, dir, dir, d, dir);
	syscall(SYS_mkdir, "sub", 0755);
	say("mkdir", "evt.args=res=-17(EEXIST) path=sub(%s/sub) mode=1ED\tfs.path.name=<NA>\tevt.res=EEXIST", dir);
	CALL(unlinkat, d, "x", AT_REMOVEDIR);
	say("unlinkat",
	    "evt.args=res=0 dirfd=%d(<d>%s/sub) name=x(%s/sub/x) flags=512(AT_REMOVEDIR)\tfs.path.name=%s/sub/x",
	    d, dir, dir, dir);
	CALL(rename, "created", "sub/moved");
	say("rename",
	    "evt.args=res=0 oldpath=created(%s/created) "
	    "newpath=sub/moved(%s/sub/moved)\tfs.path.source=%s/created\t"
	    "fs.path.sourceraw=created\tfs.path.target=%s/sub/moved\tfs.path.targetraw=sub/"
	    "moved\tfs.path.name=<NA>",
	    dir, dir, dir, dir);
	CALL(renameat, d, "moved", AT_FDCWD, "back");
	say("renameat",
	    "evt.args=res=0 olddirfd=%d(<d>%s/sub) oldpath=moved(%s/sub/moved) newdirfd=-100(AT_FDCWD) "
	    "newpath=back(%s/back)\t"
	    "evt.abspath.src=%s/sub/moved\tevt.abspath.dst=%s/back",
	    d, dir, dir, dir, dir, dir);
	CALL(renameat2, AT_FDCWD, "back", d, "again", 1);
	say("renameat2",
	    "evt.args=res=0 olddirfd=-100(AT_FDCWD) oldpath=back(%s/back) newdirfd=%d(<d>%s/sub) "
	    "newpath=again(%s/sub/again) "
	    "flags=1(RENAME_NOREPLACE)\tfs.path.source=%s/back\tfs.path.target=%s/sub/again",
	    dir, d, dir, dir, dir, dir);
	CALL(link, "file", "hard");
	say("link",
	    "evt.args=res=0 oldpath=file(%s/file) "
	    "newpath=hard(%s/hard)\tfs.path.source=%s/hard\tfs.path.target=%s/file",
	    dir, dir, dir, dir);
	CALL(linkat, AT_FDCWD, "file", d, "hard", AT_SYMLINK_FOLLOW);
	say("linkat",
	    "evt.args=res=0 olddir=-100(AT_FDCWD) oldpath=file(%s/file) newdir=%d(<d>%s/sub) "
	    "newpath=hard(%s/sub/hard) "
	    "flags=1024(AT_SYMLINK_FOLLOW)",
	    dir, d, dir, dir);
	CALL(symlink, "../nowhere", "soft");
	say("symlink",
	    "evt.args=res=0 target=../nowhere "
	    "linkpath=soft(%s/soft)\tfs.path.source=%s/soft\tfs.path.targetraw=../nowhere\t"
	    "evt.arg.target=../nowhere",
	    dir, dir);
	CALL(symlinkat, "nowhere", d, "soft");
	say("symlinkat",
	    "evt.args=res=0 target=nowhere linkdirfd=%d(<d>%s/sub) "
	    "linkpath=soft(%s/sub/soft)\tfs.path.source=%s/sub/soft",
	    d, dir, dir, dir);
	CALL(chmod, "file", 04711);
	say("chmod",
	    "evt.args=res=0 filename=file(%s/file) mode=04711(S_IXOTH|S_IXGRP|S_IXUSR|S_IWUSR|S_IRUSR|S_ISUID)\t"
	    "fs.path.name=%s/file",
	    dir, dir);
	CALL(fchmod, d, 0750);
	say("fchmod",
	    "evt.args=res=0 fd=%d(<d>%s/sub) "
	    "mode=0750(S_IXGRP|S_IRGRP|S_IXUSR|S_IWUSR|S_IRUSR)\tfs.path.name=%s/sub",
	    d, dir, dir);
	CALL(fchmodat, d, "hard", 0600);
	say("fchmodat",
	    "evt.args=res=0 dirfd=%d(<d>%s/sub) filename=hard(%s/sub/hard) "
	    "mode=0600(S_IWUSR|S_IRUSR)\tfs.path.name=%s/sub/hard",
	    d, dir, dir, dir);
	CALL(chown, "file", 1, 2);
	say("chown", "evt.args=res=0 path=file(%s/file) uid=1 gid=2\tfs.path.name=%s/file", dir, dir);
	CALL(lchown, "soft", 0, 0);
	say("lchown", "evt.args=res=0 path=soft(%s/soft) uid=0 gid=0", dir);
	CALL(fchown, d, 0, 0);
	say("fchown", "evt.args=res=0 fd=%d(<d>%s/sub) uid=0 gid=0\tfs.path.name=%s/sub", d, dir, dir);
	CALL(fchownat, d, "soft", 0, 0, AT_SYMLINK_NOFOLLOW);
	say("fchownat",
	    "evt.args=res=0 dirfd=%d(<d>%s/sub) pathname=soft(%s/sub/soft) uid=0 gid=0 "
	    "flags=1024(AT_SYMLINK_NOFOLLOW)",
	    d, dir, dir);
	CALL(mknod, "fifo", S_IFIFO | 0644, 0);
	say("mknod",
	    "evt.args=res=0 path=fifo(%s/fifo) mode=010644(S_IROTH|S_IRGRP|S_IWUSR|S_IRUSR|S_IFIFO) dev=0", dir);
	CALL(mknodat, d, "fifo", S_IFIFO | 0600, 0);
	say("mknodat",
	    "evt.args=res=0 dirfd=%d(<d>%s/sub) path=fifo(%s/sub/fifo) mode=010600(S_IWUSR|S_IRUSR|S_IFIFO) dev=0",
	    d, dir, dir);
	CALL(access, "file", R_OK | W_OK);
	say("access", "evt.args=res=0 name=file(%s/file) mode=6(R_OK|W_OK)", dir);
	CALL(stat, "file", &(struct stat){ 0 });
	say("stat", "evt.args=res=0 path=file(%s/file)", dir);
	CALL(newfstatat, d, "hard", &(struct stat){ 0 }, AT_SYMLINK_NOFOLLOW);
	say("newfstatat",
	    "evt.args=res=0 dirfd=%d(<d>%s/sub) path=hard(%s/sub/hard) flags=256(AT_SYMLINK_NOFOLLOW)", d, dir,
	    dir);
	CALL(unlink, "hard");
	say("unlink", "evt.args=res=0 path=hard(%s/hard)\tfs.path.name=%s/hard", dir, dir);
}

static void sockets(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, from;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(to);
	struct iovec iov = { (char *)"efgh", 4 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	char tuple[64], buf[16];
	int server, client, conn, udp, probe = socket(AF_INET, SOCK_STREAM, 0), port, two[2];

	must(bind(probe, (struct sockaddr *)&to, len), "bind");
	getsockname(probe, (struct sockaddr *)&to, &len);
	close(probe);
	port = ntohs(to.sin_port);

	server = (int)CALL(socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	say("socket",
	    "evt.args=fd=%d(<4t>) domain=2(AF_INET) type=524289 proto=0 "
	    "flags=4096(O_CLOEXEC)\tfd.num=%d\tfd.type=ipv4\tfd.typechar=4\t"
	    "fd.l4proto=tcp\tfd.name=\tfd.sockfamily=ip\tfd.connected=false\tfd.sip=<NA>\tevt.category=net",
	    server, server);
	CALL(setsockopt, server, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	say("setsockopt", "evt.arg.level=SOL_SOCKET\tevt.arg.optname=SO_REUSEADDR\tevt.arg.optlen=4\tfd.num=%d",
	    server);
	CALL(bind, server, &to, sizeof(to));
	say("bind",
	    "evt.args=res=0 addr=127.0.0.1:%d "
	    "fd=%d(<4t>127.0.0.1:%d)\tfd.name=127.0.0.1:%d\tfd.sport=%d\tfd.sip=127.0.0.1\t"
	    "fd.is_server=true\tfd.cip=<NA>\tfd.name_changed=true",
	    port, server, port, port, port);
	CALL(listen, server, 5);
	say("listen", "evt.args=res=0 fd=%d(<4t>127.0.0.1:%d) backlog=5\tfd.sport=%d\tfd.l4proto=tcp", server,
	    port, port);

	client = socket(AF_INET, SOCK_STREAM, 0);
	CALL(connect, client, &to, sizeof(to));
	len = sizeof(from);
	getsockname(client, (struct sockaddr *)&from, &len);
	snprintf(tuple, sizeof(tuple), "127.0.0.1:%d->127.0.0.1:%d", ntohs(from.sin_port), port);
	say("connect",
	    "evt.args=res=0 tuple=%s fd=%d(<4t>%s) "
	    "addr=127.0.0.1:%d\tfd.name=%s\tfd.cip=127.0.0.1\tfd.sip=127.0.0.1\tfd.cport=%d\t"
	    "fd.sport=%d\tfd.connected=true\tfd.name_changed=true\tfd.l4proto=tcp\tfd.cproto=%d\tfd.sproto=%d",
	    tuple, client, tuple, port, tuple, ntohs(from.sin_port), port, ntohs(from.sin_port), port);
	conn = (int)CALL(accept4, server, NULL, NULL, SOCK_CLOEXEC);
	say("accept4",
	    "evt.arg.fd=<4t>%s\tevt.arg.tuple=%s\tevt.arg.flags=1000\tfd.num=%d\tfd.name=%s\tfd.cport=%d\tfd."
	    "sport=%d\t"
	    "fd.connected=true\tevt.rawres=%d\tfd.is_server=true",
	    tuple, tuple, conn, tuple, ntohs(from.sin_port), port, conn);
	CALL(sendto, client, "abcd", 4, 0, NULL, 0);
	say("sendto",
	    "evt.args=res=4 data=abcd fd=%d(<4t>%s) size=4 "
	    "tuple=%s\tfd.name=%s\tfd.connected=true\tevt.category=net",
	    client, tuple, tuple, tuple);
	CALL(recvfrom, conn, buf, sizeof(buf), 0, NULL, NULL);
	say("recvfrom",
	    "evt.args=res=4 data=abcd tuple=%s fd=%d(<4t>%s) size=16\tfd.name=%s\tfd.num=%d\tevt.buffer=abcd",
	    tuple, conn, tuple, tuple, conn);
	CALL(sendmsg, client, &msg, 0);
	say("sendmsg", "evt.args=res=4 data=efgh fd=%d(<4t>%s) size=4 tuple=%s", client, tuple, tuple);
	iov = (struct iovec){ buf, sizeof(buf) };
	CALL(recvmsg, conn, &msg, 0);
	say("recvmsg", "evt.arg.res=4\tevt.arg.size=4\tevt.arg.data=efgh\tevt.arg.tuple=%s\tfd.num=%d", tuple,
	    conn);
	CALL(shutdown, client, SHUT_WR);
	say("shutdown", "evt.args=res=0 fd=%d(<4t>%s) how=1(SHUT_WR)", client, tuple);
	close(client);
	close(conn);

	udp = (int)CALL(socket, AF_INET, SOCK_DGRAM, IPPROTO_UDP);
	say("socket", "evt.args=fd=%d(<4u>) domain=2(AF_INET) type=2 proto=17 flags=0(O_NONE)\tfd.l4proto=udp",
	    udp);
	CALL(connect, udp, &to, sizeof(to));
	len = sizeof(from);
	getsockname(udp, (struct sockaddr *)&from, &len);
	say("connect", "evt.arg.tuple=127.0.0.1:%d->127.0.0.1:%d\tfd.l4proto=udp\tfd.sport=%d\tfd.connected=true",
	    ntohs(from.sin_port), port, port);
	close(udp);
	close(server);
	client = socket(AF_INET, SOCK_STREAM, 0);
	syscall(SYS_connect, client, &to, sizeof(to));
	say("connect", "evt.res=ECONNREFUSED\tevt.rawres=-111\tevt.arg.addr=127.0.0.1:%d\tfd.num=%d", port,
	    client);
	close(client);
	client = (int)CALL(socket, AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
	say("socket",
	    "evt.args=fd=%d(<6t>) domain=10(AF_INET6) type=2049 proto=0 "
	    "flags=64(O_NONBLOCK)\tfd.type=ipv6\tfd.typechar=6",
	    client);
	close(client);
	client = (int)CALL(socket, AF_NETLINK, SOCK_RAW, 0);
	say("socket", "evt.arg.domain=AF_ROUTE|AF_NETLINK\tfd.type=netlink\tfd.typechar=n\tfd.l4proto=<NA>");
	close(client);

	server = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "./sock");
	CALL(bind, server, &un, sizeof(un));
	say("bind", "evt.arg.addr=./sock\tfd.typechar=u\tfd.sockfamily=unix\tfd.name=./sock");
	must(listen(server, 1), "listen");
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	CALL(connect, client, &un, sizeof(un));
	say("connect",
	    "evt.res=SUCCESS\tevt.arg.addr=./sock\tfd.type=unix\tfd.typechar=u\tfd.num=%d\tfd.l4proto=<NA>",
	    client);
	close(client);
	close(server);
	CALL(socketpair, AF_UNIX, SOCK_STREAM, 0, two);
	say("socketpair",
	    "evt.res=SUCCESS\tevt.arg.domain=AF_LOCAL|AF_UNIX\tevt.arg.type=1\tevt.arg.proto=0\tfd.type=unix");
	close(two[0]);
	close(two[1]);
}

/* Falco takes an IPv6 address that holds an IPv4 one, or zeros, for IPv4, and still names it as it was bound. */
static void bound_to(const char *addr, const char *type, const char *sip)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };
	socklen_t len = sizeof(to);
	int server, probe = socket(AF_INET6, SOCK_STREAM, 0), port;

	inet_pton(AF_INET6, addr, &to.sin6_addr);
	if (bind(probe, (struct sockaddr *)&to, len))
		return; /* no IPv6 here */
	getsockname(probe, (struct sockaddr *)&to, &len);
	close(probe);
	port = ntohs(to.sin6_port);

	server = (int)CALL(socket, AF_INET6, SOCK_STREAM, 0);
	CALL(bind, server, &to, sizeof(to));
	say("bind",
	    "evt.args=res=0 addr=%s:%d fd=%d(<%ct>%s:%d)\tfd.name=%s:%d\tfd.type=%s\tfd.typechar=%c\t"
	    "fd.sip=%s\tfd.sport=%d\tfd.cip=<NA>\tfd.lip=<NA>\tfd.lport=<NA>\tfd.is_server=true",
	    addr, port, server, type[3], addr, port, addr, port, type, type[3], sip, port);
	CALL(listen, server, 1);
	say("listen", "evt.arg.fd=<%ct>%s:%d\tfd.name=%s:%d\tfd.type=%s\tfd.sip=%s\tfd.sport=%d\tfd.lip=<NA>",
	    type[3], addr, port, addr, port, type, sip, port);
	close(server);
}

static void anonymous(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1 };
	int fd, two[2], file;
	char *map;
	uint32_t word = 0;

	CALL(pipe2, two, O_CLOEXEC);
	say("pipe2",
	    "evt.arg.fd1=<p>\tevt.arg.fd2=<p>\tevt.arg.flags=O_CLOEXEC\tfd.type=pipe\tfd.typechar=p\tfd.num=%"
	    "d\tfd.name=",
	    two[1]);
	CALL(write, two[1], "x", 1);
	say("write", "evt.args=res=1 data=x fd=%d(<p>) size=1\tfd.name=\tevt.category=ipc", two[1]);
	close(two[0]);
	close(two[1]);
	fd = (int)CALL(eventfd2, 7, O_CLOEXEC);
	say("eventfd2", "evt.args=res=%d(<e>) flags=4096(O_CLOEXEC) initval=7\tfd.type=event\tfd.num=%d", fd, fd);
	close(fd);
	fd = (int)CALL(epoll_create1, O_CLOEXEC);
	say("epoll_create1", "evt.args=res=%d flags=1(EPOLL_CLOEXEC)\tfd.type=eventpoll\tfd.typechar=l\tfd.num=%d",
	    fd, fd);
	close(fd);
	fd = (int)CALL(memfd_create, "some", 3);
	say("memfd_create",
	    "evt.args=fd=%d(<m>some) name=some "
	    "flags=3(MFD_CLOEXEC|MFD_ALLOW_SEALING)\tfd.type=memfd\tfd.name=some",
	    fd);
	close(fd);
	fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | 1);
	if (fd >= 0) {
		say("userfaultfd", "evt.rawres=%d\tfd.type=userfaultfd\tfd.typechar=u\tfd.num=%d", fd, fd);
		close(fd);
	}
	fd = (int)CALL(bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
	say("bpf", "evt.args=fd=%d(<b>) cmd=0(BPF_MAP_CREATE)\tfd.type=bpf\tfd.typechar=b\tfd.num=%d", fd, fd);
	close(fd);

	file = must(open("data", O_RDONLY), "data");
	map = (char *)CALL(mmap, NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0);
	say("mmap",
	    "evt.arg.length=4096\tevt.arg.prot=PROT_READ\tevt.arg.flags=MAP_PRIVATE\tevt.arg.offset=0\tfd.num=%"
	    "d\tfd.name=%s/data",
	    file, dir);
	CALL(mprotect, map, 4096, PROT_READ | PROT_EXEC);
	say("mprotect", "evt.args=res=0 addr=%" PRIXPTR " length=4096 prot=5(PROT_READ|PROT_EXEC)",
	    (uintptr_t)map);
	CALL(munmap, map, 4096);
	say("munmap", "evt.arg.addr=%" PRIXPTR "\tevt.arg.length=4096\tevt.rawres=0", (uintptr_t)map);
	close(file);
	CALL(futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	say("futex", "evt.args=res=0 addr=%" PRIXPTR " op=129(FUTEX_PRIVATE_FLAG|FUTEX_WAKE) val=1",
	    (uintptr_t)&word);
}

static void processes(void)
{
	pid_t me = getpid();
	int fd;

	CALL(kill, me, SIGCONT);
	say("kill",
	    "evt.args=res=0 pid=%d(falco-fields) sig=18(SIGCONT)\tevt.arg.pid=falco-fields\tevt.arg.sig=SIGCONT",
	    me);
	CALL(tkill, me, SIGCONT);
	say("tkill", "evt.args=res=0 tid=%d(falco-fields) sig=18(SIGCONT)", me);
	CALL(tgkill, me, me, SIGCONT);
	say("tgkill", "evt.args=res=0 pid=%d(falco-fields) tid=%d(falco-fields) sig=18(SIGCONT)", me, me);
	CALL(prctl, PR_SET_NAME, "renamed");
	say("prctl", "evt.args=res=0 option=15(PR_SET_NAME) arg2_str=renamed arg2_int=0\tproc.name=falco-fields");
	CALL(unshare, CLONE_NEWNS | CLONE_NEWUTS);
	say("unshare", "evt.args=res=0 flags=160(CLONE_NEWNS|CLONE_NEWUTS)");
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "mount");
	CALL(mount, "none", "sub", "tmpfs", MS_NOSUID | MS_NODEV, NULL);
	say("mount",
	    "evt.args=res=0 dev=none dir=sub(%s/sub) type=tmpfs "
	    "flags=6(NOSUID|NODEV)\tfs.path.sourceraw=none\tfs.path.target=%s/sub",
	    dir, dir);
	CALL(umount2, "sub", MNT_DETACH);
	say("umount2", "evt.args=res=0 name=sub(%s/sub) flags=2(DETACH)\tfs.path.name=%s/sub", dir, dir);
	fd = must(open("/proc/self/ns/uts", O_RDONLY), "uts");
	CALL(setns, fd, CLONE_NEWUTS);
	say("setns", "evt.rawres=0\tevt.arg.nstype=CLONE_NEWUTS\tfd.num=%d\tfd.typechar=f", fd);
	close(fd);
	CALL(chdir, "sub");
	say("chdir", "evt.args=res=0 path=sub\tproc.cwd=%s/sub/", dir);
	must(chdir(dir), "chdir");
}

/* A child that ends with 3: what it does, told by its parent. */
static void children(void)
{
	struct rlimit lim = { 512, 1024 };
	pid_t me = getpid(), child;
	int at[2], status;
	char byte;

	CALL(prlimit64, 0, RLIMIT_NOFILE, &lim, NULL);
	say("prlimit", "evt.arg.newcur=512\tevt.arg.newmax=1024\tevt.arg.resource=RLIMIT_NOFILE");
	must(pipe(at), "pipe");
	child = (pid_t)must(syscall(SYS_fork), "fork");
	if (child == 0) {
		syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
		syscall(SYS_setsid);
		syscall(SYS_setgid, 2);
		syscall(SYS_setresuid, 1, 1, 1);
		syscall(SYS_setuid, 1);
		syscall(SYS_setuid, 0);
		syscall(SYS_exit_group, 3);
	}
	say("fork", "evt.rawres=%d\tproc.pid=%d\tevt.arg.exe=./falco-fields\tevt.arg.pid=falco-fields", child, me);
	waitpid(child, &status, 0);
	tid = child;
	say("fork", "evt.rawres=0\tproc.pid=%d\tproc.ppid=%d\tproc.pname=falco-fields\tevt.res=SUCCESS", child,
	    me);
	say("ptrace", "evt.rawres=0\tevt.arg.request=PTRACE_TRACEME\tevt.arg.addr=0\tevt.arg.data=0");
	say("setsid", "evt.rawres=%d\tproc.sid=%d\tproc.is_sid_leader=true", child, child);
	say("setgid", "evt.args=res=0 gid=2(bin)\tgroup.gid=2\tgroup.name=bin");
	say("setresuid", "evt.args=res=0 ruid=1(daemon) euid=1(daemon) "
	                 "suid=1(daemon)\tuser.uid=1\tuser.name=daemon\tuser.homedir=/usr/sbin\t"
	                 "user.shell=/usr/sbin/nologin\tthread.cap_effective=");
	say("setuid", "evt.args=res=0 uid=1(daemon)\tevt.arg.uid=daemon");
	say("setuid", "evt.args=res=-1(EPERM) uid=0(root)\tuser.uid=1\tevt.failed=true");
	say("procexit",
	    "evt.arg.status=768\tevt.arg.ret=3\tevt.arg.sig=0\tevt.arg.core=0\tproc.pid=%d\tevt.dir=>\tevt.rawres="
	    "<NA>",
	    child);

	child = vfork();
	if (child == 0)
		_exit(0);
	waitpid(child, &status, 0);
	tid = me;
	say("vfork", "evt.rawres=%d", child);

	child = fork();
	if (child == 0) {
		char *const env[] = { "FALCO_FIELDS= value ", "B=2", NULL };
		char *const args[] = { "argv zero", "child", "two words", "", NULL };

		close(at[0]);
		dup2(at[1], 0);
		syscall(SYS_execve, "./not-there", args, env);
		syscall(SYS_execve, self, args, env);
		_exit(127);
	}
	close(at[1]);
	must(read(at[0], &byte, 1), "child");
	waitpid(child, &status, 0);
	say("clone", "evt.rawres=%d", child);
	tid = child;
	say("execve",
	    "evt.res=ENOENT\tevt.rawres=-2\tevt.arg.exe=argv "
	    "zero\tevt.arg.filename=%s/not-there\tproc.exe=./falco-fields\tevt.arg.args=child.two words..",
	    dir);
	say("execve",
	    "evt.res=SUCCESS\tevt.rawres=0\tevt.arg.exe=argv zero\tevt.arg.args=child.two words..\tproc.exe=argv "
	    "zero\tproc.args=child two words \t"
	    "proc.name=falco-fields\tproc.exepath=%s\tproc.cmdline=falco-fields child two words "
	    "\tproc.exeline=argv zero child two words \t"
	    "proc.env=FALCO_FIELDS= value  "
	    "B=2\tproc.env[FALCO_FIELDS]=value\tproc.cmdnargs=3\tproc.cmdlenargs=14\tproc.pid=%d\t"
	    "proc.ppid=%d\tproc.pname=falco-fields\tproc.pexe=./"
	    "falco-fields\tproc.aname[0]=falco-fields\tproc.aname[1]=falco-fields\t"
	    "proc.apid[1]=%d\tproc.args[1]=two "
	    "words\tproc.cwd=%s/\tproc.is_exe_from_memfd=false\t"
	    "evt.arg.comm=falco-fields\tevt.arg.trusted_exepath=%s\tproc.fdlimit=512\tfd.num=<NA>\tfd.name=<NA>"
	    "\tproc.tty=0",
	    self, child, me, me, dir, self);
	say("procexit", "evt.arg.ret=0\tproc.exe=argv zero");
	tid = me;
}

/* What a terminal's number is, and the number of a process in a new pid namespace; `self` from a memfd. */
static void terminal(void)
{
	int status, master = (int)must(posix_openpt(O_RDWR | O_NOCTTY), "posix_openpt");
	char name[64], copy[65536];
	struct stat st;
	pid_t child;

	must(grantpt(master) | unlockpt(master) | ptsname_r(master, name, sizeof(name)) | stat(name, &st),
	     "terminal");
	child = fork();
	if (child == 0) {
		setsid();
		close(open(name, O_RDWR)); /* becomes its terminal */
		execl(self, "falco-fields", "copy", NULL);
		_exit(127);
	}
	waitpid(child, &status, 0);
	tid = child;
	say("execve", "evt.rawres=0\tproc.tty=%u\tevt.rawarg.tty=%u", 136 << 8 | minor(st.st_rdev),
	    136 << 8 | minor(st.st_rdev));
	close(master);

	child = fork();
	if (child == 0) {
		char *const args[] = { "copied", "copy", NULL };
		int from = open(self, O_RDONLY), to = memfd_create("copied", 0);
		ssize_t n;

		while ((n = read(from, copy, sizeof(copy))) > 0 && write(to, copy, (size_t)n) == n)
			;
		fexecve(to, args, environ);
		_exit(127);
	}
	waitpid(child, &status, 0);
	tid = child;
	say("execve",
	    "evt.rawres=0\tproc.exepath=memfd:copied\tproc.is_exe_from_memfd=true\t"
	    "evt.arg.trusted_exepath=%s/memfd:copied",
	    dir);

	fflush(out);
	child = fork();
	if (child == 0) {
		if (unshare(CLONE_NEWPID))
			_exit(1);
		child = fork();
		if (child == 0)
			_exit(0);
		waitpid(child, &status, 0);
		fprintf(out, "clone\tthread.tid=%d\tevt.rawres=%d\tproc.pid=%d\n", getpid(), child, getpid());
		fflush(out);
		_exit(0);
	}
	waitpid(child, &status, 0);
	tid = getpid();
}

static void *thread(void *arg)
{
	*(int *)arg = gettid();
	syscall(SYS_mkdir, "of-thread", 0700);
	return NULL;
}

static void threads(void)
{
	pthread_t t;
	int other = 0;

	pthread_create(&t, NULL, thread, &other);
	pthread_join(t, NULL);
	tid = other;
	say("mkdir",
	    "proc.pid=%d\tthread.ismain=false\tevt.arg.path=%s/of-thread\tproc.name=falco-fields\tuser.uid=0",
	    getpid(), dir);
	tid = getpid();
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "copy") == 0)
		return 0;
	if (argc > 1 && strcmp(argv[1], "child") == 0)
		return write(0, "x", 1) != 1; /* its end of the pipe */
	if (argc < 2 || !getcwd(dir, sizeof(dir)) || !(out = fopen(argv[1], "w")))
		return 2;
	setvbuf(out, NULL, _IOFBF, 1 << 20);
	umask(0);
	snprintf(self, sizeof(self), "%s/falco-fields", dir);
	tid = getpid();
	say("execve",
	    "proc.pid=%d\tproc.ppid=%d\tproc.name=falco-fields\tproc.exepath=%s\tuser.uid=%d\tuser.name="
	    "root\tuser.homedir=/root\tgroup.gid=%d\tgroup.name=root\t"
	    "proc.cwd=%s/"
	    "\tthread.ismain=true\tproc.vpid=%d\tthread.vtid=%d\tproc.sid=%d\tproc.pgid=%d\tproc.vpgid=%d\tproc."
	    "cmdline=falco-fields %s\t"
	    "proc.exe=./"
	    "falco-fields\tcontainer.id=host\tevt.type=execve\tsyscall.type=execve\tevt.dir=<\tevt.category="
	    "process\tproc.is_exe_writable=true",
	    tid, getppid(), self, geteuid(), getegid(), dir, tid, tid, getsid(0), getpgid(0), getpgid(0), argv[1]);
	opens();
	io();
	files();
	sockets();
	bound_to("::", "ipv4", "0.0.0.0");
	bound_to("::1", "ipv6", "::1");
	bound_to("::ffff:127.0.0.1", "ipv4", "127.0.0.1");
	anonymous();
	threads();
	terminal();
	children(); /* before the namespaces: names of users are those of the host then */
	processes();
	return fclose(out) != 0;
}
