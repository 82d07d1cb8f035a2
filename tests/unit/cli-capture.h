#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Capture: run a verb as main() would, and keep what it wrote
 *
 * For the tests of src/cli. stdout and stderr of the test itself are put back afterwards.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/context.h"

typedef struct Capture Capture;

typedef int (*CaptureFn)(const CliContext *context, int argc, char **argv);

struct Capture {
        int status;
        char out[8192];
        char err[8192];
};

static inline void capture_swap(int *saved, int *files) {
        (void)fflush(NULL);
        for (int i = 0; i < 2; i++) {
                saved[i] = dup(i + 1);
                files[i] = memfd_create("capture", MFD_CLOEXEC);
                if (saved[i] < 0 || files[i] < 0 || dup2(files[i], i + 1) < 0)
                        abort();
        }
}

static inline void capture_read(int file, int *saved, int fd, char text[static 8192]) {
        ssize_t n = pread(file, text, 8191, 0);

        text[n > 0 ? n : 0] = '\0';
        (void)dup2(*saved, fd);
        *saved = fd_close(*saved);
        (void)fd_close(file);
}

/* @words are the arguments, separated by single blanks. */
static inline Capture capture(CaptureFn verb, const char *words) {
        CliContext context = {.search_path = "/usr/bin:/bin", .words = {.fd = STDERR_FILENO}};
        Capture captured = {0};
        char line[1024] = {0};
        char *argv[32] = {0};
        char *rest = line;
        int saved[2], files[2];
        int argc = 0;

        (void)snprintf(line, sizeof(line), "%s", words);
        while (rest && *rest && argc < 31)
                argv[argc++] = strsep(&rest, " ");

        capture_swap(saved, files);
        captured.status = verb(&context, argc, argv);
        (void)fflush(stdout);
        capture_read(files[0], &saved[0], 1, captured.out);
        capture_read(files[1], &saved[1], 2, captured.err);
        return captured;
}

/* A call that fails: its status, nothing on stdout, words that begin with "spr: "; @err NULL = any.
 */
typedef struct CaptureFailure {
        const char *words;
        int status;
        const char *err;
} CaptureFailure;

static inline void
capture_failures(CaptureFn verb, const CaptureFailure *failures, size_t n_failures) {
        for (size_t i = 0; i < n_failures; i++) {
                Capture captured = capture(verb, failures[i].words);

                assert_int_equal(captured.status, failures[i].status);
                assert_string_equal(captured.out, "");
                assert_memory_equal(captured.err, "spr: ", 5);
                if (failures[i].err)
                        assert_string_equal(captured.err, failures[i].err);
        }
}
