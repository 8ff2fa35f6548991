/* The mask of RFC 6455 §5.3. Applying it twice gives the bytes back. */

#ifndef SOCK_MASK_H
#define SOCK_MASK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Unmask `size` bytes into memory that does not overlap them. `key` has its four bytes in the order of the wire.
 *
 * Returns the OR of all bytes that were written. If it is under 0x80, they are ASCII; finding out costs nothing beside the
 * XOR. The loop takes eight bytes at a time, and the compiler makes 16 or 32 of them (tests/core/test_build.py checks it).
 */
__attribute__((noinline)) static unsigned char
sock_unmask(uint8_t *restrict to, const uint8_t *restrict from, size_t size, uint32_t key)
{
    uint64_t wide = (uint64_t)key << 32 | key, seen = 0, word;
    uint32_t half;
    size_t at = 0, whole = size & ~(size_t)7;

    for (; at < whole; at += 8) {
        memcpy(&word, from + at, 8);
        word ^= wide;
        seen |= word;
        memcpy(to + at, &word, 8);
    }
    if (size & 4) {
        memcpy(&half, from + at, 4);
        half ^= key;
        seen |= half;
        memcpy(to + at, &half, 4);
        at += 4;
    }
    if (size & 3) {
        uint8_t keys[4];
        memcpy(keys, &key, 4);
        for (size_t i = 0; i < (size & 3); i++)
            seen |= to[at + i] = from[at + i] ^ keys[i];
    }
    seen |= seen >> 32;
    seen |= seen >> 16;
    return (unsigned char)(seen | seen >> 8);
}

#endif
