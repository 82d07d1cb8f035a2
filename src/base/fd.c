/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fd.h"

int fd_close(int fd) {
        int saved = errno;

        if (fd >= 0)
                (void)close(fd); /* nothing can be done about a failed close */
        errno = saved;
        return -1;
}

int fd_set_nonblock(int fd, bool nonblock) {
        int flags = fcntl(fd, F_GETFL);

        if (flags < 0)
                return -errno;
        flags = nonblock ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
        return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

ssize_t fd_read(int fd, void *buffer, size_t length) {
        ssize_t n;

        do
                n = read(fd, buffer, length);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n;
}

ssize_t fd_write(int fd, const void *buffer, size_t length) {
        ssize_t n;

        do
                n = write(fd, buffer, length);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n;
}

int fd_pwrite_all(int fd, const void *buffer, size_t length, uint64_t offset) {
        const char *bytes = buffer;

        while (length > 0) {
                ssize_t n = pwrite(fd, bytes, length, (off_t)offset);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                bytes += n;
                length -= (size_t)n;
                offset += (uint64_t)n;
        }
        return 0;
}

int fd_pread_all(int fd, void *buffer, size_t length, uint64_t offset) {
        char *bytes = buffer;

        while (length > 0) {
                ssize_t n = pread(fd, bytes, length, (off_t)offset);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -ENODATA;
                bytes += n;
                length -= (size_t)n;
                offset += (uint64_t)n;
        }
        return 0;
}

int fd_write_all(int fd, const void *buffer, size_t length) {
        const char *bytes = buffer;

        while (length > 0) {
                ssize_t n = fd_write(fd, bytes, length);

                if (n < 0)
                        return (int)n;
                bytes += n;
                length -= (size_t)n;
        }
        return 0;
}

typedef union FdControl {
        struct cmsghdr header; /* for alignment */
        char space[CMSG_SPACE(sizeof(int) * FD_PASS_MAX)];
} FdControl;

int fd_send_message(int socket, const void *bytes, size_t length, const int *fds, size_t n_fds) {
        FdControl control;
        struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
        struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
        ssize_t n;

        if (n_fds > FD_PASS_MAX)
                return -EINVAL;
        if (n_fds > 0) {
                memset(&control, 0, sizeof(control));
                message.msg_control = &control;
                message.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
                control.header.cmsg_level = SOL_SOCKET;
                control.header.cmsg_type = SCM_RIGHTS;
                control.header.cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
                memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * n_fds);
        }
        do
                n = sendmsg(socket, &message, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        return (size_t)n == length ? 0 : -EMSGSIZE;
}

/* Takes the descriptors out of a received message; all of them, so that none can leak. */
static size_t fd_collect(struct msghdr *message, int *fds, size_t room) {
        size_t n_all = 0;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
                size_t n;

                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                for (size_t i = 0; i < n; ++i) {
                        int fd;

                        memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
                        if (n_all < room)
                                fds[n_all] = fd;
                        else
                                (void)fd_close(fd);
                        ++n_all;
                }
        }
        return n_all;
}

ssize_t fd_receive_message(int socket, void *bytes, size_t length, int *fds, size_t *n_fdsp) {
        FdControl control;
        struct iovec iov = {.iov_base = bytes, .iov_len = length};
        struct msghdr message = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        size_t room = n_fdsp ? *n_fdsp : 0, n_fds;
        ssize_t n;

        /* ECONNRESET, said once, means that the peer ended without reading all of ours; what it
         * had sent before is still to come, and then the end. */
        do
                n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
        while (n < 0 && (errno == EINTR || errno == ECONNRESET));
        if (n < 0)
                return -errno;
        n_fds = fd_collect(&message, fds, room);
        if (n_fds > room || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
                for (size_t i = 0; i < n_fds && i < room; ++i)
                        (void)fd_close(fds[i]);
                return -EMSGSIZE;
        }
        if (n_fdsp)
                *n_fdsp = n_fds;
        return n;
}
