/* floor: a WebSocket echo server that does as little as can be done (Linux, epoll, one thread, 127.0.0.1).
 *
 *   floor PORT
 *
 * Each frame is parsed, unmasked and sent back; on /fanout it is sent to every connection that asked
 * for that path. One recv and one send a turn and socket. There is no limit that can be set, no check
 * of UTF-8, of the order of fragments or of close codes, no timer and no log: whatever a real server
 * adds is seen as the distance from here.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNS = 1 << 17, EVENTS = 1024, BUFFER = 256 * 1024, MAX_PAYLOAD = 64 * 1024 };
enum state { FREE, HEAD, OPEN };

/* a block holds what one connection could not finish: the tail of a frame, or what its socket did not take */
struct block {
    struct block *next; /* while nobody has it */
    size_t len;
    unsigned char bytes[BUFFER];
};

struct conn {
    enum state state;
    int fanout, at;           /* whether it asked for /fanout, and its place in `members` */
    struct block *in, *out;
};

static struct conn conns[CONNS]; /* by descriptor */
static int members[CONNS], nmembers;
static struct block *spare;
static unsigned char shared[BUFFER], answer[BUFFER];
static int ep;

static struct block *take_block(void) {
    struct block *b = spare;
    if (b) spare = b->next;
    else if (!(b = malloc(sizeof *b))) abort();
    b->len = 0;
    return b;
}

static void give_block(struct block **held) {
    if (!*held) return;
    (*held)->next = spare;
    spare = *held;
    *held = NULL;
}

static void drop(int fd) {
    struct conn *c = &conns[fd];
    if (c->state == OPEN && c->fanout) { /* the last member takes its place */
        int last = members[--nmembers];
        members[c->at] = last;
        conns[last].at = c->at;
    }
    give_block(&c->in);
    give_block(&c->out);
    c->state = FREE;
    close(fd);
}

static void watch(int fd, uint32_t events) {
    struct epoll_event e = {.events = events, .data.fd = fd};
    epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e);
}

/* sends, and holds what the socket does not take; -1: the connection is gone */
static int give(int fd, const unsigned char *p, size_t n) {
    struct conn *c = &conns[fd];
    ssize_t sent = 0;
    if (!c->out) {
        sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent == (ssize_t)n) return 0;
        if (sent < 0 && errno != EAGAIN) { drop(fd); return -1; }
        if (sent < 0) sent = 0;
        c->out = take_block();
        watch(fd, EPOLLOUT); /* and nothing is read meanwhile */
    }
    if (c->out->len + n - (size_t)sent > BUFFER) { drop(fd); return -1; }
    memcpy(c->out->bytes + c->out->len, p + sent, n - (size_t)sent);
    c->out->len += n - (size_t)sent;
    return 0;
}

static void resume(int fd) {
    struct conn *c = &conns[fd];
    if (!c->out) return;
    ssize_t sent = send(fd, c->out->bytes, c->out->len, MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN) drop(fd);
        return;
    }
    c->out->len -= (size_t)sent;
    memmove(c->out->bytes, c->out->bytes + sent, c->out->len);
    if (c->out->len) return;
    give_block(&c->out);
    watch(fd, EPOLLIN);
}

/* ---- the handshake ---- */

static uint32_t rotate(uint32_t x, int n) { return x << n | x >> (32 - n); }

/* one block of SHA-1 (FIPS 180-4), its schedule in a ring of 16 words */
static void sha1_block(uint32_t h[5], const unsigned char *p) {
    static const uint32_t k[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    uint32_t ring[16], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int t = 0; t < 80; t++) {
        uint32_t *w = &ring[t & 15], mix;
        if (t < 16) memcpy(w, p + 4 * t, 4), *w = ntohl(*w);
        else *w = rotate(ring[(t + 13) & 15] ^ ring[(t + 8) & 15] ^ ring[(t + 2) & 15] ^ *w, 1);
        switch (t / 20) {
        case 0: mix = d ^ (b & (c ^ d)); break;
        case 2: mix = (b & c) + (d & (b ^ c)); break;
        default: mix = b ^ c ^ d;
        }
        mix += rotate(a, 5) + e + k[t / 20] + *w;
        e = d, d = c, c = rotate(b, 30), b = a, a = mix;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
}

/* the 28 characters that answer a key of 24 (RFC 6455 §4.2.2) */
static void accept_key(const char *key, char *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char text[128] = {0}; /* 24 + 36 bytes, 0x80 and the length in bits: two blocks */
    uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    memcpy(text, key, 24);
    memcpy(text + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    text[60] = 0x80;
    text[126] = 60 * 8 >> 8, text[127] = 60 * 8 & 255;
    sha1_block(h, text);
    sha1_block(h, text + 64);
    /* 160 bits and two of nothing are 27 digits */
    for (int bit = 0; bit < 162; bit += 6) {
        int word = bit / 32;
        uint64_t pair = (uint64_t)h[word] << 32 | (word < 4 ? h[word + 1] : 0);
        *out++ = digits[pair >> (58 - bit % 32) & 63];
    }
    *out = '=';
}

/* the line of a head that begins with these words, and what follows them */
static const char *line(const char *head, const char *words) {
    size_t n = strlen(words);
    for (const char *p = head; (p = strstr(p, "\r\n"));)
        if (!strncasecmp(p += 2, words, n)) return p + n + strspn(p + n, " ");
    return NULL;
}

/* answers a complete head; gives how many bytes it has, 0: there is more to come, -1: the connection is gone */
static ssize_t shake(int fd, unsigned char *p, size_t n) {
    struct conn *c = &conns[fd];
    char *head = (char *)p, *end = memmem(p, n, "\r\n\r\n", 4);
    if (!end) return 0;
    end[2] = 0; /* of the empty line, which nobody reads again */
    const char *key = line(head, "sec-websocket-key:");
    if (strncmp(head, "GET ", 4) || !key || end - key < 24) { drop(fd); return -1; }
    char reply[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Accept: ____________________________\r\n\r\n";
    accept_key(key, reply + sizeof reply - 1 - 4 - 28);
    c->state = OPEN;
    c->fanout = !strncmp(head + 4, "/fanout ", 8);
    if (c->fanout) members[c->at = nmembers++] = fd;
    return give(fd, (unsigned char *)reply, sizeof reply - 1) ? -1 : end + 4 - head;
}

/* ---- frames ---- */

/* reads complete frames and writes each into `answer`, unmasked; gives how many bytes they had, -1: refused */
static ssize_t frames(const unsigned char *p, size_t n, size_t *written, int *closing) {
    const unsigned char *from = p, *end = p + n;
    unsigned char *to = answer;
    while (end - p >= 2 && !*closing) {
        uint64_t size = p[1] & 127;
        size_t head = size < 126 ? 2 : size == 126 ? 4 : 10;
        if ((size_t)(end - p) < head + 4) break;
        if (head > 2) {
            size = 0;
            for (size_t i = 2; i < head; i++) size = size << 8 | p[i];
        }
        if (!(p[1] & 0x80) || size > MAX_PAYLOAD) return -1;
        if ((size_t)(end - p) < head + 4 + size) break;
        unsigned opcode = p[0] & 15;
        *closing = opcode == 8;
        if (opcode != 10) { /* a pong is for nobody; a ping's answer is one */
            memcpy(to, p, head);
            to[0] = opcode == 9 ? 0x8a : p[0];
            to[1] &= 127;
            uint32_t mask32;
            memcpy(&mask32, p + head, 4);
            uint64_t mask = (uint64_t)mask32 << 32 | mask32, word;
            const unsigned char *in = p + head + 4;
            unsigned char *out = to + head;
            size_t i = 0;
            for (; i + 8 <= size; i += 8) memcpy(&word, in + i, 8), word ^= mask, memcpy(out + i, &word, 8);
            for (; i < size; i++) out[i] = in[i] ^ p[head + (i & 3)];
            to += head + size;
        }
        p += head + 4 + size;
    }
    *written = (size_t)(to - answer);
    return p - from;
}

static void on_readable(int fd) {
    struct conn *c = &conns[fd];
    unsigned char *buffer = c->in ? c->in->bytes : shared;
    size_t have = c->in ? c->in->len : 0, written = 0;
    ssize_t n = recv(fd, buffer + have, BUFFER - 1 - have, 0), used = 0;
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN) drop(fd);
        return;
    }
    have += (size_t)n;
    if (c->state == HEAD && (used = shake(fd, buffer, have)) < 0) return;
    if (c->state == OPEN) {
        int closing = 0;
        ssize_t more = frames(buffer + used, have - (size_t)used, &written, &closing);
        if (more < 0) { drop(fd); return; }
        used += more;
        if (closing) { /* its Close frame is for itself, and the server ends the connection (RFC 6455 §7.1.1) */
            if (!give(fd, answer, written)) drop(fd);
            return;
        }
        if (written && c->fanout) /* downwards: one that is lost is replaced from behind */
            for (int i = nmembers; i--;) give(members[i], answer, written);
        else if (written) give(fd, answer, written);
        if (c->state == FREE) return;
    }
    size_t left = have - (size_t)used;
    if (!left) { give_block(&c->in); return; }
    if (left == BUFFER - 1) { drop(fd); return; }
    if (!c->in) c->in = take_block();
    memmove(c->in->bytes, buffer + used, left);
    c->in->len = left;
}

static void on_connection(int listener) {
    int one = 1;
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        if (fd >= CONNS) { close(fd); continue; }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        conns[fd].state = HEAD;
        struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
    }
}

int main(int argc, char **argv) {
    int port = argc == 2 ? atoi(argv[1]) : 0, one = 1;
    if (port < 1 || port > 65535) { fputs("usage: floor PORT\n", stderr); return 2; }
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) { perror("floor"); return 1; }
    ep = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event e = {.events = EPOLLIN, .data.fd = listener}, ready[EVENTS];
    epoll_ctl(ep, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        int n = epoll_wait(ep, ready, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            int fd = ready[i].data.fd;
            if (fd == listener) on_connection(listener);
            else if (conns[fd].state == FREE) continue; /* dropped in this turn, by a fan-out */
            else if (ready[i].events & EPOLLOUT) resume(fd);
            else on_readable(fd);
        }
    }
}
