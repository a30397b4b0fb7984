/* bpf/recorder.bpf.c: the one object that is loaded. Programs share maps, and the tail-called ones must be of the
 * same object as their program array; the parts are headers by subject. */
#include "raise.bpf.h"
#include "sys.bpf.h"
#include "proc.bpf.h"
#include "io.bpf.h"
#include "dup.bpf.h"
#include "net.bpf.h"
#include "misc.bpf.h"
#include "attr.bpf.h"
#include "kern.bpf.h"
#include "uring.bpf.h"
