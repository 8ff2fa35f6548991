/* A memcpy for sizes that are mostly small. A compiler makes a string instruction of a memcpy whose size it does not know, and
 * that instruction takes 20 ns to begin (bench, echo-16).
 */

#ifndef SOCK_COPY_H
#define SOCK_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SOCK_COPY_SHORT = 256 };

static inline void
sock_copy(uint8_t *to, const uint8_t *from, size_t size)
{
    if (size > SOCK_COPY_SHORT) {
        void *(*volatile copy)(void *, const void *, size_t) = memcpy;
        copy(to, from, size);
    } else if (size >= 16) {
        /* Sixteen at a time; the last sixteen may overlap those before. */
        for (size_t at = 0; at + 16 < size; at += 16)
            memcpy(to + at, from + at, 16);
        memcpy(to + size - 16, from + size - 16, 16);
    } else if (size >= 8) {
        /* Eight from each end; they may overlap. */
        memcpy(to, from, 8);
        memcpy(to + size - 8, from + size - 8, 8);
    } else if (size >= 4) {
        memcpy(to, from, 4);
        memcpy(to + size - 4, from + size - 4, 4);
    } else {
        for (size_t at = 0; at < size; at++)
            to[at] = from[at];
    }
}

#endif
