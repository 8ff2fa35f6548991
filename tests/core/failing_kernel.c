/* A kernel that fails when it is told to: preloaded, it stands before the C library's calls.
 *
 * `fail(name, error, times)` lets the next `times` calls of that name return -1 with that errno.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static const char *failing;
static int failing_error, failing_times;

void fail(const char *name, int error, int times)
{
    failing = name;
    failing_error = error;
    failing_times = times;
}

static int fails(const char *name)
{
    if (failing_times == 0 || strcmp(failing, name))
        return 0;
    failing_times--;
    errno = failing_error;
    return 1;
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
    static ssize_t (*real)(int, const void *, size_t, int);
    if (!real)
        real = dlsym(RTLD_NEXT, "send");
    return fails("send") ? -1 : real(fd, data, size, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    static ssize_t (*real)(int, const struct msghdr *, int);
    if (!real)
        real = dlsym(RTLD_NEXT, "sendmsg");
    return fails("sendmsg") ? -1 : real(fd, message, flags);
}

ssize_t recv(int fd, void *data, size_t size, int flags)
{
    static ssize_t (*real)(int, void *, size_t, int);
    if (!real)
        real = dlsym(RTLD_NEXT, "recv");
    return fails("recv") ? -1 : real(fd, data, size, flags);
}

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    static int (*real)(int, struct sockaddr *, socklen_t *, int);
    if (!real)
        real = dlsym(RTLD_NEXT, "accept4");
    return fails("accept4") ? -1 : real(fd, address, size, flags);
}
