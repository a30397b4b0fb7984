/* Sockets of a scap file: endpoints by what tuples say, and what calls do to them. */
#include "scap_state.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "store/scap_flags.h"

#define IN_PROGRESS (-115)

struct tsock *scap_sock_make(uint16_t family, uint16_t protocol)
{
	struct tsock *s = sock_new();

	if (s) {
		s->w.family = family;
		s->w.protocol = protocol;
	}
	return s;
}

void scap_hide_protocol(struct tsock *s, uint32_t protocol)
{
	s->w.protocol = SCAP_L4_UNKNOWN;
	s->w.extra[0] = protocol == SCAP_L4_UNKNOWN ? 0 : protocol;
	s->w.type = protocol == IPPROTO_TCP ? SOCK_STREAM : protocol == IPPROTO_UDP ? SOCK_DGRAM : 0;
}

/* IPv4 in IPv6's form; an address of zeros counts as such. */
static bool is_mapped(const uint8_t ip[16])
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, none[16];

	return !memcmp(ip, mapped, 12) || !memcmp(ip, none, 16);
}

static int name_of_addr(const struct hc_scap_addr *addr, char *buf, size_t room)
{
	char ip[INET6_ADDRSTRLEN] = "";

	inet_ntop(addr->family == HC_SCAP_AF_INET6 ? AF_INET6 : AF_INET, addr->ip, ip, sizeof(ip));
	return snprintf(buf, room, "%s:%u", ip, addr->port);
}

static struct hc_scap_tuple turned(const struct hc_scap_tuple *tuple)
{
	struct hc_scap_tuple t = *tuple;

	memcpy(t.sip, tuple->dip, 16);
	memcpy(t.dip, tuple->sip, 16);
	t.sport = tuple->dport;
	t.dport = tuple->sport;
	return t;
}

/* IPv4 in IPv6's form as IPv4. */
static void unmap(struct hc_scap_tuple *tuple)
{
	if (tuple->family != HC_SCAP_AF_INET6 || !is_mapped(tuple->sip) || !is_mapped(tuple->dip))
		return;
	tuple->family = HC_SCAP_AF_INET;
	memmove(tuple->sip, tuple->sip + 12, 4);
	memset(tuple->sip + 4, 0, 12);
	memmove(tuple->dip, tuple->dip + 12, 4);
	memset(tuple->dip + 4, 0, 12);
}

static bool ends_are(const struct tsock *s, const struct hc_scap_tuple *t)
{
	return !memcmp(s->w.laddr, t->sip, 16) && !memcmp(s->w.raddr, t->dip, 16) && s->w.lport == t->sport &&
	       s->w.rport == t->dport;
}

/* Are these the ends already, whichever way round? */
static bool ends_same(const struct tsock *s, const struct hc_scap_tuple *given)
{
	struct hc_scap_tuple tuple = *given, back;

	unmap(&tuple);
	back = turned(&tuple);
	return s && s->w.family == tuple.family && s->near_end != NEAR_BOUND &&
	       (ends_are(s, &tuple) || ends_are(s, &back));
}

static bool is_named(const struct tsock *s)
{
	return s->shown || s->w.lport || s->w.rport || s->near_end;
}

static unsigned l4_of(const struct tsock *s)
{
	return s->w.protocol == SCAP_L4_UNKNOWN ? s->w.extra[0] : s->w.protocol;
}

struct tsock *scap_tuple_sock(struct hc_scap_import *im, const struct hc_scap_tuple *given, uint8_t role,
                              const struct tsock *like)
{
	struct hc_scap_tuple unmapped = *given;
	const struct hc_scap_tuple *tuple = &unmapped;
	struct tsock *s = like ? sock_copy(like) : scap_sock_make(tuple->family, 0);
	bool server = role == ROLE_SERVER;

	if (!s)
		return NULL;
	unmap(&unmapped);
	s->role = role;
	s->near_end = 0;
	s->serves_here = false;
	txt_unref(im->t, s->shown);
	s->shown = NULL;
	s->w.family = tuple->family;
	if (tuple->family == HC_SCAP_AF_UNIX) {
		s->w.ino = server ? tuple->peer : tuple->source;
		s->peer_ino = server ? tuple->source : tuple->peer;
		txt_unref(im->t, s->peer);
		txt_unref(im->t, s->local);
		s->peer = s->local = NULL;
		*(server ? &s->local : &s->peer) = txt_get(im->t, tuple->path.p, tuple->path.len);
		return s;
	}
	if (tuple->family != HC_SCAP_AF_INET && tuple->family != HC_SCAP_AF_INET6)
		return s;
	memcpy(s->w.laddr, server ? tuple->dip : tuple->sip, 16);
	memcpy(s->w.raddr, server ? tuple->sip : tuple->dip, 16);
	s->w.lport = server ? tuple->dport : tuple->sport;
	s->w.rport = server ? tuple->sport : tuple->dport;
	return s;
}

void scap_add_iface(struct hc_scap_import *im, const struct hc_scap_iface *i)
{
	if (i->first)
		im->n_ifaces = 0;
	if (im->n_ifaces >= SCAP_MAX_IFACES)
		return;
	im->ifaces[im->n_ifaces] = *i;
	im->ifaces[im->n_ifaces].name = (struct hc_str){ 0 }; /* it does not outlive the item */
	snprintf(im->iface_names[im->n_ifaces++], sizeof(im->iface_names[0]), HC_STR_FMT, HC_STR_ARG(i->name));
}

/* Is the address one of the machine's? Of a container's none is known but what was told of it. */
static bool is_here(const struct hc_scap_import *im, const struct sthr *k, const uint8_t ip[16], bool v6)
{
	if (k->cur && k->cur->cgs && k->cur->cgs->ctr)
		return false;
	for (unsigned i = 0; i < im->n_ifaces; i++)
		if (im->ifaces[i].ipv6 == v6 &&
		    !memcmp(im->ifaces[i].addr, ip, v6 ? 8 : 4)) /* of IPv6 the network */
			return true;
	return false;
}

void scap_near_end(struct hc_scap_import *im, struct sthr *k, struct tsock *s)
{
	bool v6 = s && s->w.family == AF_INET6, server = s && s->role == ROLE_SERVER;

	if (!s || (s->w.family != AF_INET && !v6) || s->near_end == NEAR_BOUND)
		return;
	s->near_end = is_here(im, k, server ? s->w.raddr : s->w.laddr, v6) ? ROLE_CLIENT : ROLE_SERVER;
	s->serves_here = is_here(im, k, server ? s->w.laddr : s->w.raddr, v6);
}

static bool is_zero(const uint8_t ip[16])
{
	static const uint8_t none[16];

	return !memcmp(ip, none, 16);
}

/* The address that the machine would send to `to` from. false: none can be told. */
static bool own_address(const struct hc_scap_import *im, const uint8_t to[16], bool v6, uint8_t ret[16])
{
	static const uint8_t loop4[4] = { 127, 0, 0, 1 }, loop6[16] = { [15] = 1 };
	unsigned bytes = v6 ? 16 : 4;

	memset(ret, 0, 16);
	for (unsigned turn = 0; turn < 3; turn++) {
		for (unsigned i = 0; i < im->n_ifaces; i++) {
			const struct hc_scap_iface *f = &im->ifaces[i];
			bool fits = f->ipv6 == v6;

			if (turn == 0)
				fits &= !memcmp(f->addr, to, bytes);
			for (unsigned n = 0; turn == 1 && fits && n < (v6 ? 8u : 4u); n++)
				fits = v6 ? f->addr[n] == to[n] : !((f->addr[n] ^ to[n]) & f->mask[n]);
			if (turn == 2)
				fits &= memcmp(f->addr, v6 ? loop6 : loop4, bytes) != 0;
			if (!fits)
				continue;
			memcpy(ret, f->addr, bytes);
			return true;
		}
	}
	return false;
}

/* An address that a message lacks is one of the machine's. */
static void complete(const struct hc_scap_import *im, struct hc_scap_tuple *tuple)
{
	uint8_t own[16], *at;
	const uint8_t *other;
	bool v6;

	unmap(tuple);
	v6 = tuple->family == HC_SCAP_AF_INET6;
	if (!is_zero(tuple->sip) && !is_zero(tuple->dip))
		return;
	at = is_zero(tuple->sip) ? tuple->sip : tuple->dip;
	other = at == tuple->sip ? tuple->dip : tuple->sip;
	own_address(im, other, v6, own);
	if (!memcmp(own, other, 16) && tuple->sport == tuple->dport)
		return;
	memcpy(at, own, 16);
}

uint8_t scap_kind_of_family(uint16_t family)
{
	switch (family) {
	case AF_INET:
		return HC_FD_IPV4;
	case AF_INET6:
		return HC_FD_IPV6;
	case AF_UNIX:
		return HC_FD_UNIX;
	case AF_NETLINK:
		return HC_FD_NETLINK;
	default:
		return HC_FD_UNKNOWN;
	}
}

void scap_on_socket(struct hc_scap_import *im, struct sevent *s)
{
	int64_t num = hc_scap_i64(s->e, 0, -1);
	uint16_t family = (uint16_t)hc_scap_u64(s->e, 1, 0);
	uint32_t type = (uint32_t)hc_scap_u64(s->e, 2, 0) & 0xf, proto = (uint32_t)hc_scap_u64(s->e, 3, 0);
	struct tfd *fd = num < 0 ? NULL : scap_fd_make(im, scap_kind_of_family(family));

	if (!fd)
		return;
	if (proto == IPPROTO_IP)
		proto = type == SOCK_STREAM ? IPPROTO_TCP : type == SOCK_DGRAM ? IPPROTO_UDP : SCAP_L4_UNKNOWN;
	else if (proto == IPPROTO_RAW ||
	         ((proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_ICMP) && type == SOCK_RAW))
		proto = IPPROTO_RAW;
	else if (proto != IPPROTO_TCP && proto != IPPROTO_UDP && proto != IPPROTO_ICMP)
		proto = SCAP_L4_UNKNOWN;
	fd->sock = scap_sock_make(family, family == AF_INET || family == AF_INET6 ? SCAP_L4_UNKNOWN : 0);
	if (fd->sock && fd->sock->w.protocol && proto == IPPROTO_RAW)
		fd->sock->w.protocol = IPPROTO_RAW;
	else if (fd->sock && fd->sock->w.protocol)
		scap_hide_protocol(fd->sock, proto);
	if (fd->sock && family == AF_INET6) /* no address is in the network of the loopback's */
		fd->sock->serves_here = is_here(im, s->k, (const uint8_t[16]){ 0 }, true);
	fd->cloexec = hc_scap_u64(s->e, 4, 0) & HC_SCAP_OPEN_CLOEXEC;
	scap_put_new(im, s, num, fd);
}

/* Of other protocols the reference makes no name. */
static bool has_name(const struct tsock *s)
{
	return s->w.protocol == IPPROTO_TCP || s->w.protocol == IPPROTO_UDP || s->w.protocol == IPPROTO_ICMP ||
	       (s->w.protocol == IPPROTO_RAW && s->w.family == AF_INET);
}

/* A changed descriptor takes the place of the old one. Takes `fd`. */
static void set_fd(struct hc_scap_import *im, struct sevent *s, struct tfd *fd)
{
	if (!fd)
		return;
	fd_unref(im->t, s->fd_after);
	s->fd_after = REF(fd);
	scap_fd_put(im, s->k, s->fd_num, fd);
}

/* The same with another endpoint, which is taken: one of which no end is known yet, or which end is the machine's.
 */
static void set_sock_as_it_is(struct hc_scap_import *im, struct sevent *s, struct tsock *sock)
{
	struct tfd *now = s->fd_after ? s->fd_after : s->fd;
	struct tfd *fd = now && sock ? fd_copy(now) : NULL;

	if (!fd) {
		sock_unref(im->t, sock);
		return;
	}
	sock_unref(im->t, fd->sock);
	fd->sock = sock;
	if (sock->role && sock->w.protocol == SCAP_L4_UNKNOWN && sock->w.extra[0]) {
		sock->w.protocol = (uint16_t)sock->w.extra[0];
		sock->w.extra[0] = 0;
	}
	if (sock->near_end && sock->near_end != NEAR_BOUND && sock->role && !has_name(sock)) {
		txt_unref(im->t, sock->shown);
		sock->shown = txt_get(im->t, "<unknown>", 9);
	}
	fd->kind = scap_kind_of_family(sock->w.family);
	sock_unref(im->t, s->sock_after);
	s->sock_after = REF(sock);
	set_fd(im, s, fd);
}

/* The same of one that has two ends, whatever their ports. */
static void set_sock(struct hc_scap_import *im, struct sevent *s, struct tsock *sock)
{
	if (sock)
		scap_near_end(im, s->k, sock);
	set_sock_as_it_is(im, s, sock);
}

/* Where the exit says of the destination what the caller's memory said by then, the call's beginning is believed;
 * not where the kernel's own word is another. */
static void passed_destination(const struct sevent *s, struct hc_scap_tuple *tuple)
{
	const struct senter *in = scap_enter(s);
	size_t n = tuple->family == HC_SCAP_AF_INET ? 4 : 16;
	struct hc_scap_addr was, is;

	if (!in || !hc_scap_saddr(in->param[1], &was) || !hc_scap_saddr(hc_scap_param(s->e, 3), &is) ||
	    was.family != tuple->family || is.family != tuple->family)
		return;
	if (tuple->family == HC_SCAP_AF_UNIX && hc_str_eq(tuple->path, is.path)) {
		tuple->path = was.path;
	} else if (tuple->family != HC_SCAP_AF_UNIX && tuple->dport == is.port && !memcmp(tuple->dip, is.ip, n)) {
		memcpy(tuple->dip, was.ip, n);
		tuple->dport = was.port;
	}
}

void scap_on_connect(struct hc_scap_import *im, struct sevent *s)
{
	int64_t ret = hc_scap_i64(s->e, 0, 0);
	struct hc_scap_tuple tuple;
	struct tsock *sock;
	bool inet, serves;

	if (!s->fd || (ret < 0 && ret != IN_PROGRESS) || !hc_scap_stuple(hc_scap_param(s->e, 1), &tuple))
		return;
	passed_destination(s, &tuple);
	inet = tuple.family == HC_SCAP_AF_INET || tuple.family == HC_SCAP_AF_INET6;
	if (!inet && s->fd->kind != HC_FD_UNIX)
		return;
	serves = s->fd->sock && s->fd->sock->role == ROLE_SERVER;
	if (inet && ends_same(s->fd->sock, &tuple)) {
		sock = sock_copy(s->fd->sock);
		if (sock && !sock->role)
			sock->role = ROLE_CLIENT;
	} else {
		if (inet && serves && l4_of(s->fd->sock) == IPPROTO_UDP)
			tuple = turned(&tuple); /* a server of datagrams that answers */
		sock = scap_tuple_sock(im, &tuple, serves ? ROLE_SERVER : ROLE_CLIENT, s->fd->sock);
	}
	if (sock)
		sock->connected = true;
	set_sock(im, s, sock);
}

void scap_on_bind(struct hc_scap_import *im, struct sevent *s)
{
	struct hc_scap_addr addr;
	struct tsock *sock;
	char name[80];
	int n;

	if (!s->fd || hc_scap_i64(s->e, 0, 0) < 0 || !hc_scap_saddr(hc_scap_param(s->e, 1), &addr))
		return;
	sock = s->fd->sock ? sock_copy(s->fd->sock) : scap_sock_make(addr.family, 0);
	if (!sock)
		return;
	if (addr.family == HC_SCAP_AF_UNIX) {
		txt_unref(im->t, sock->local);
		sock->local = txt_get(im->t, addr.path.p, addr.path.len);
	} else if (addr.family == HC_SCAP_AF_INET || addr.family == HC_SCAP_AF_INET6) {
		bool v4 = addr.family == HC_SCAP_AF_INET6 && is_mapped(addr.ip);

		n = name_of_addr(&addr, name, sizeof(name));
		if (addr.port) {
			sock->w.family = v4 ? HC_SCAP_AF_INET : addr.family;
			memset(&sock->w.laddr, 0, 16);
			memset(&sock->w.raddr, 0, 16);
			memcpy(sock->w.laddr, addr.ip + (v4 ? 12 : 0),
			       v4 || addr.family == HC_SCAP_AF_INET ? 4 : 16);
			sock->w.lport = addr.port;
			sock->w.rport = 0;
			sock->role = ROLE_SERVER;
			sock->near_end = NEAR_BOUND;
		}
		if (v4 || !addr.port) {
			txt_unref(im->t, sock->shown);
			sock->shown = txt_get(im->t, name, (size_t)n);
		}
	}
	set_sock(im, s, sock);
}

void scap_on_accept(struct hc_scap_import *im, struct sevent *s)
{
	int64_t num = hc_scap_i64(s->e, 0, -1);
	struct hc_scap_tuple tuple;
	struct tfd *fd;

	if (num < 0)
		return;
	s->fd_num = num;
	if (!hc_scap_stuple(hc_scap_param(s->e, 1), &tuple) || !scap_kind_of_family(tuple.family))
		return;
	fd = scap_fd_make(im, scap_kind_of_family(tuple.family));
	if (!fd)
		return;
	fd->sock = scap_tuple_sock(im, &tuple, ROLE_SERVER, NULL);
	if (fd->sock) {
		fd->kind = scap_kind_of_family(fd->sock->w.family);
		fd->sock->connected = true;
		fd->sock->w.protocol = tuple.family == HC_SCAP_AF_UNIX ? 0 : IPPROTO_TCP;
		scap_near_end(im, s->k, fd->sock);
	}
	if (s->e->code == HC_SCAP_SOCKET_ACCEPT4_6_X)
		fd->cloexec = hc_scap_u64(s->e, 5, 0) & HC_SCAP_OPEN_CLOEXEC;
	scap_put_new(im, s, num, fd);
}

/* Is an end of an IPv4 connection of this process on the port, as its server's or its client's? */
static bool uses_port(struct hc_scap_import *im, struct sthr *k, uint16_t port, bool as_client)
{
	struct sfds *f = scap_fds(im, k);
	struct sfd *d;

	TABLE_ALL(&f->by_num, at, d)
	{
		const struct tsock *s = d->fd->kind == HC_FD_IPV4 ? d->fd->sock : NULL;
		bool serves = s && s->role == ROLE_SERVER;

		if (!s || (as_client && s->near_end == NEAR_BOUND))
			continue;
		if ((serves == as_client ? s->w.rport : s->w.lport) == port)
			return true;
	}
	return false;
}

/* Who owns the port at which it arrives serves. An IPv4 socket counts among those that own and use its ports, so
 * that what it does first tells; the reference looks for an IPv6 socket's ports where part of its address lies. */
static uint8_t role_by_ports(struct hc_scap_import *im, struct sthr *k, const struct hc_scap_tuple *tuple,
                             bool sent)
{
	const uint8_t *ip = tuple->sip;

	if (tuple->family == HC_SCAP_AF_INET6 && !uses_port(im, k, (uint16_t)(ip[10] | ip[11] << 8), false))
		return ROLE_CLIENT;
	if (tuple->family == HC_SCAP_AF_INET6 && !uses_port(im, k, (uint16_t)(ip[8] | ip[9] << 8), true))
		return ROLE_SERVER;
	return sent ? ROLE_CLIENT : ROLE_SERVER;
}

static struct txt *name_of_unix(struct hc_scap_import *im, const struct hc_scap_tuple *tuple)
{
	char name[40 + 110];
	int n = snprintf(name, sizeof(name), "%" PRIx64 "->%" PRIx64 " %.*s", tuple->source, tuple->peer,
	                 (int)(tuple->path.len < 108 ? tuple->path.len : 108), tuple->path.p ? tuple->path.p : "");

	return n > 0 ? txt_get(im->t, name, strnlen(name, sizeof(name))) : NULL;
}

/* A message's own addresses: of sockets that are no TCP ones, and where there are none yet. */
static void on_tuple(struct hc_scap_import *im, struct sevent *s, struct hc_str param, bool sent)
{
	struct tsock *old = s->fd_after ? s->fd_after->sock : s->fd->sock, *sock;
	struct hc_scap_tuple tuple;
	uint8_t role = old ? old->role : ROLE_NONE;

	if (!hc_scap_stuple(param, &tuple))
		return;
	if (tuple.family == HC_SCAP_AF_UNIX) {
		sock = scap_tuple_sock(im, &tuple, role, NULL);
		if (sock) {
			sock->connected = old && old->connected;
			sock->shown = name_of_unix(im, &tuple);
		}
		set_sock(im, s, sock);
		return;
	}
	if ((tuple.family != HC_SCAP_AF_INET && tuple.family != HC_SCAP_AF_INET6) || ends_same(old, &tuple))
		return;
	complete(im, &tuple);
	if (role == ROLE_NONE)
		role = role_by_ports(im, s->k, &tuple, sent);
	if ((role == ROLE_SERVER) == sent)
		tuple = turned(&tuple);
	sock = scap_tuple_sock(im, &tuple, role, old);
	if (sock) {
		sock->connected = old && old->connected;
		if (!sock->w.protocol || (sock->w.protocol == SCAP_L4_UNKNOWN && !sock->w.extra[0]))
			sock->w.protocol = IPPROTO_UDP;
	}
	set_sock(im, s, sock);
}

void scap_on_traffic(struct hc_scap_import *im, struct sevent *s, int tuple_at, bool sent)
{
	struct tsock *sock;

	if (!s->fd || hc_scap_i64(s->e, 0, -1) < 0)
		return;
	sock = s->fd->sock;
	if (sock && (s->fd->kind == HC_FD_IPV4 || s->fd->kind == HC_FD_IPV6) && !sock->connected &&
	    sock->near_end != NEAR_BOUND) {
		sock = sock_copy(sock);
		if (sock)
			sock->connected = true;
		set_sock_as_it_is(im, s, sock);
		sock = s->fd_after ? s->fd_after->sock : s->fd->sock;
	}
	if (tuple_at >= 0 && !(sock && is_named(sock) && l4_of(sock) == IPPROTO_TCP))
		on_tuple(im, s, hc_scap_param(s->e, (unsigned)tuple_at), sent);
}

void scap_infer_socket(struct hc_scap_import *im, struct sevent *s)
{
	struct hc_str tuple = hc_scap_param(s->e, 4);
	uint16_t family = tuple.len ? (uint8_t)tuple.p[0] : 0;
	struct tfd *fd;

	if (s->fd || s->fd_num < 0 || hc_scap_i64(s->e, 0, -1) < 0 ||
	    (family != HC_SCAP_AF_INET && family != HC_SCAP_AF_INET6))
		return;
	fd = scap_fd_make(im, scap_kind_of_family(family));
	if (!fd)
		return;
	fd->sock = scap_sock_make(family, SCAP_L4_UNKNOWN);
	if (fd->sock)
		scap_hide_protocol(fd->sock, IPPROTO_UDP);
	s->fd = REF(fd);
	scap_fd_put(im, s->k, s->fd_num, fd);
}
