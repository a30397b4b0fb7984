/* HC_AUTO(f) frees at scope end with f(&variable)-style destructors made by HC_DEFINE_AUTO; hc_steal(p) disarms
 * it. */
#ifndef HC_STORE_BASE_CLEANUP_H
#define HC_STORE_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

/* Makes hc_auto_<f>() for a destructor `f(type *)`; use as: HC_AUTO(f) type *p = NULL; */
#define HC_DEFINE_AUTO(type, f)                                          \
	__attribute__((unused)) static inline void hc_auto_##f(type **p) \
	{                                                                \
		f(*p);                                                   \
	}
#define HC_AUTO(f) __attribute__((cleanup(hc_auto_##f)))

__attribute__((unused)) static inline void hc_auto_free(void *p)
{
	free(*(void **)p);
}

__attribute__((unused)) static inline void hc_auto_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define hc_steal(p)                            \
	({                                     \
		__typeof__(p) hc_stolen = (p); \
		(p) = NULL;                    \
		hc_stolen;                     \
	})

#endif
