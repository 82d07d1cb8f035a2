/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/decimal.h"
#include "base/fd.h"
#include "sandbox/cgroup-file.h"
#include "sandbox/cgroup-find.h"

int cgroup_directory_open(const char *path) {
        _cleanup_(closep) int fd = -1;
        char name[NAME_MAX + 1];

        fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        while (fd >= 0) {
                size_t length;
                int next;

                path += strspn(path, "/");
                length = strcspn(path, "/");
                if (length == 0)
                        return take_fd(&fd);
                if (length > NAME_MAX)
                        return -ENAMETOOLONG;
                memcpy(name, path, length);
                name[length] = '\0';
                path += length;
                next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                (void)fd_close(fd);
                fd = next;
        }
        return -errno;
}

int cgroup_file_write(int dir_fd, const char *name, const char *text) {
        _cleanup_(closep) int fd = -1;
        ssize_t n;

        fd = openat(dir_fd, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        n = fd_write(fd, text, strlen(text)); /* the kernel takes a value in one write, or not */
        return n < 0 ? (int)n : 0;
}

ssize_t cgroup_file_read(int dir_fd, const char *name, char *text, size_t size) {
        _cleanup_(closep) int fd = -1;
        size_t length = 0;
        ssize_t n = 1;

        fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        while (n > 0 && length < size - 1) {
                n = fd_read(fd, text + length, size - 1 - length);
                if (n < 0)
                        return n;
                length += (size_t)n;
        }
        text[length] = '\0';
        return (ssize_t)length;
}

uint64_t cgroup_text_field(const char *text, const char *field) {
        size_t length = strlen(field);
        uint64_t number = 0;

        while (text) {
                if (strncmp(text, field, length) == 0 && text[length] == ' ') {
                        text += length;
                        return decimal_take(&text, &number) ? number : 0;
                }
                text = strchr(text, '\n');
                if (text)
                        ++text;
        }
        return 0;
}

bool cgroup_file_has(int dir_fd, const char *name, const char *word) {
        char text[4096];

        return cgroup_file_read(dir_fd, name, text, sizeof(text)) > 0 &&
               cgroup_list_has(text, word);
}
