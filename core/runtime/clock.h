/* Seconds of the monotonic clock as of the kernel's last tick: a few ms late, and 5 ns a call. */

#ifndef SOCK_CLOCK_H
#define SOCK_CLOCK_H

#include <time.h>

static double
sock_coarse_time(void)
{
    struct timespec now;
#ifdef CLOCK_MONOTONIC_COARSE
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
#else
    clock_gettime(CLOCK_MONOTONIC, &now);
#endif
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

#endif
