/* bpf/early.bpf.h: reads, writes and messages of which the dispatcher itself can say that their type's mode leaves
 * them out: on a server that is nearly all of them. That takes no scratch, no tail call and, where pointers can be
 * cast, no helper. What is not sure goes on to the call's handler, which has the last word. */
#ifndef HC_BPF_EARLY_H
#define HC_BPF_EARLY_H

#include "obj.bpf.h"

/* A read or write? The first one of a process on a file, the beginning of a regular file and what may be DNS are
 * not for here. */
static __always_inline bool hc_rw_left_out(const bool cast, u64 *room, struct task_struct *task,
                                           const volatile struct hc_sys_desc *d, const u64 *arg, s64 ret, u16 mode)
{
	u64 file = hc_file_of_if(cast, task, arg[0]), inode;
	struct hc_first_tags tags;
	struct inode *i;
	u16 kind;

	if (!file)
		return false;
	inode = hc_word_of_if(cast, file, file, f_inode);
	i = hc_cast_if(cast, inode, inode);
	kind = hc_ld_if(cast, i, i_mode) & S_IFMT;
	if (mode & HC_WIRE_MODE_MAGIC && kind == S_IFREG && ret > 0) {
		if (d->special & HC_RW_FLAGS ||
		    !(d->special & HC_RW_POS ? arg[3] : hc_word_of_if(cast, file, file, f_pos) - ret))
			return false;
	}
	if (mode & HC_WIRE_MODE_P53 && kind == S_IFSOCK && ret > 0 &&
	    hc_sock_is_dns_if(cast,
	                      hc_word_of_if(cast, socket, hc_word_of_if(cast, file, file, private_data), sk)))
		return false;
	if (!(mode & HC_WIRE_MODE_FIRST))
		return true;
	return hc_first_known(cast, room, task, file, inode, d->facts & HC_SF_DIR_OUT ? 1 : 0, &tags);
}

/* A message without an address? */
static __always_inline bool hc_msg_left_out(const bool cast, struct task_struct *task,
                                            const volatile struct hc_sys_desc *d, const u64 *arg, s64 ret,
                                            u16 mode)
{
	u64 file = hc_file_of_if(cast, task, arg[0]), inode, sk, key;
	struct inode *i;

	if (arg[4] || !file)
		return false;
	inode = hc_word_of_if(cast, file, file, f_inode);
	i = hc_cast_if(cast, inode, inode);
	if ((hc_ld_if(cast, i, i_mode) & S_IFMT) != S_IFSOCK)
		return false;
	sk = hc_word_of_if(cast, socket, hc_word_of_if(cast, file, file, private_data), sk);
	if (hc_sock_is_dns_if(cast, sk))
		return false;
	key = hc_peer_key(sk, hc_word_of_if(cast, inode, inode, i_ino), d->facts & HC_SF_DIR_OUT, ret);
	return *hc_near_at(HC_TAB_PEER, key) == (hc_peer_tag(key, hc_peer_hash(0, 0, 0, 0), ret) | 1);
}

/* Is this native call one that `mode`, of everybody's detail and not 0, leaves out? Then it has been counted. */
static __always_inline bool hc_left_out(const bool cast, struct task_struct *task,
                                        const volatile struct hc_sys_desc *d, const u64 *arg, s64 ret, u16 mode)
{
	struct hc_cpu *c = hc_cpu(bpf_get_smp_processor_id());
	bool left_out;

	if (!c)
		return false;
	if (d->handler == HC_H_RW)
		left_out = !(mode & ~(HC_WIRE_MODE_FIRST | HC_WIRE_MODE_MAGIC | HC_WIRE_MODE_P53)) &&
		           hc_rw_left_out(cast, &c->number, task, d, arg, ret, mode);
	else
		left_out = !(mode & ~(HC_WIRE_MODE_PEER | HC_WIRE_MODE_P53)) && mode & HC_WIRE_MODE_PEER &&
		           (d->type == HC_EV_SENDTO || d->type == HC_EV_RECVFROM) &&
		           hc_msg_left_out(cast, task, d, arg, ret, mode);
	if (left_out) {
		hc_count(c, d->type)->seen++;
		hc_count(c, d->type)->sampled++;
	}
	return left_out;
}

#endif
