#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Files of control groups: one line written, a small text read
 *
 * A file is named by a directory and a name in it, or by "GROUP/NAME"; no symlink is followed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Opens a directory for reading, step by step from the root, so that no part of @path is a symlink.
 * Returns a descriptor or -errno. */
int cgroup_directory_open(const char *path);

/* Returns 0 or -errno. */
int cgroup_file_write(int dir_fd, const char *name, const char *text);
/* Reads up to @size - 1 bytes and terminates them: their number, or -errno. */
ssize_t cgroup_file_read(int dir_fd, const char *name, char *text, size_t size);
/* The number behind @field in a text of lines "FIELD NUMBER"; 0 where there is none. */
uint64_t cgroup_text_field(const char *text, const char *field);
/* Whether the file, a list of words, has @word; false also where there is no file. */
bool cgroup_file_has(int dir_fd, const char *name, const char *word);
