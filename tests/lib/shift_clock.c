/* Preloaded: the wall clock of a program is what the file $HC_CLOCK says (a number of seconds) beside the true
 * one.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *ts)
{
	static int (*next)(clockid_t, struct timespec *);
	const char *file = getenv("HC_CLOCK");
	char text[32] = "";
	int r, fd;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "clock_gettime");
	r = next(clock, ts);
	if (r < 0 || clock != CLOCK_REALTIME || !file)
		return r;
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (read(fd, text, sizeof(text) - 1) > 0)
			ts->tv_sec += strtol(text, NULL, 10);
		close(fd);
	}
	return r;
}
