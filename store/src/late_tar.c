#define HC_LATE_WITHOUT_NAMES
#include "store/base/late_tar.h"

#include <stddef.h>

#include "store/base/late.h"

struct hc_late_tar hc_late_tar;

#define NAME(f) { #f, offsetof(struct hc_late_tar, f) },
static const struct hc_late_name names[] = { HC_LATE_TAR(NAME) };

int hc_late_tar_load(struct hc_err *err)
{
	return hc_late_load("libarchive.so.13", "libarchive13", names, sizeof(names) / sizeof(names[0]),
	                    &hc_late_tar, err);
}
