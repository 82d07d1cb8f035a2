#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Descriptors: closing, whole reads and writes, passing them over sockets
 *
 * EINTR is handled here and nowhere above. All functions are async-signal-safe.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

#define FD_PASS_MAX 16

/* Closes @fd unless it is negative and returns -1, so that `fd = fd_close(fd)` works. close(2) is
 * never retried: on Linux the descriptor is gone even after EINTR. Keeps errno. */
int fd_close(int fd);

static inline void closep(int *fdp) {
        *fdp = fd_close(*fdp);
}

int fd_set_nonblock(int fd, bool nonblock);

/* One read(2) or write(2), restarted after EINTR: byte count, 0 at end of file, or -errno. */
ssize_t fd_read(int fd, void *buffer, size_t length);
ssize_t fd_write(int fd, const void *buffer, size_t length);
/* Write or read all of @length at @offset: 0 or -errno (-ENODATA at a short file). */
int fd_pwrite_all(int fd, const void *buffer, size_t length, uint64_t offset);
int fd_pread_all(int fd, void *buffer, size_t length, uint64_t offset);
/* Blocking write of everything: 0 or -errno. */
int fd_write_all(int fd, const void *buffer, size_t length);

/* One message on a SOCK_SEQPACKET socket, with @n_fds descriptors (at most FD_PASS_MAX), without
 * SIGPIPE. Returns 0 or -errno. */
int fd_send_message(int socket, const void *bytes, size_t length, const int *fds, size_t n_fds);
/* Receives one message. @n_fdsp holds the room in @fds and receives the number that came, all
 * close-on-exec and owned by the caller; more than there is room for is -EMSGSIZE, as is a message
 * longer than @length, and then none is kept. Returns the length, 0 at the end, or -errno. */
ssize_t fd_receive_message(int socket, void *bytes, size_t length, int *fds, size_t *n_fdsp);
