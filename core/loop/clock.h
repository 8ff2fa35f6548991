/* The monotonic clock in nanoseconds, as of the last tick of the kernel: it is a few ms late, and takes 5 ns to read. */

#ifndef SOCK_CLOCK_H
#define SOCK_CLOCK_H

#include <stdint.h>
#include <time.h>

static int64_t
sock_coarse_time(void)
{
    struct timespec now;
#ifdef CLOCK_MONOTONIC_COARSE
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
#else
    clock_gettime(CLOCK_MONOTONIC, &now);
#endif
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

#endif
