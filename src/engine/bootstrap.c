/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/fd.h"
#include "engine/bootstrap-program.h"
#include "engine/bootstrap.h"

#define LINE_MAX_BYTES  ((size_t)8192)
#define WORDS_MAX       ((size_t)320) /* of what is quoted */
#define AGENT_SIZE_MAX  ((off_t)64 << 20)
#define PYTHON_MIN      0x03090000
#define MACHINE_MAX     32
#define LISTENS_AT_ONCE 16

typedef enum BootstrapState {
        BOOTSTRAP_WAITING,
        BOOTSTRAP_SENDING,
        BOOTSTRAP_STARTING,
        BOOTSTRAP_OVER,
} BootstrapState;

struct Bootstrap {
        BootstrapState state;
        char token[BOOTSTRAP_TOKEN_DIGITS + 1];
        char *program, *agent, *command;
        char size[BOOTSTRAP_SIZE_DIGITS + 1]; /* what is sent: this, and the file */
        void *file;
        size_t file_size, n_sent;
        int stderr_fd;
        char said[WORDS_MAX + 1]; /* its last words there */
};

/* birth and death */

static int token_make(char token[static BOOTSTRAP_TOKEN_DIGITS + 1]) {
        uint8_t bytes[BOOTSTRAP_TOKEN_DIGITS / 2];

        if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
                return -EIO;
        for (size_t i = 0; i < sizeof(bytes); i++)
                (void)snprintf(token + 2 * i, 3, "%02x", bytes[i]);
        return 0;
}

int bootstrap_new(Bootstrap **bootstrapp,
                  const char *agent,
                  const char *command,
                  int stderr_fd,
                  Failure *failure) {
        _cleanup_(bootstrap_freep) Bootstrap *bootstrap = calloc(1, sizeof(*bootstrap));

        if (!bootstrap)
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory");
        bootstrap->file = MAP_FAILED;
        bootstrap->stderr_fd = -1;
        if (token_make(bootstrap->token))
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, EIO,
                                   "the kernel gives no random numbers");
        bootstrap->program = bootstrap_program_new(bootstrap->token);
        bootstrap->agent = strdup(agent);
        bootstrap->command = strdup(command);
        if (!bootstrap->program || !bootstrap->agent || !bootstrap->command)
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory");
        bootstrap->stderr_fd = stderr_fd;
        *bootstrapp = take_ptr(&bootstrap);
        return 0;
}

static void bootstrap_unmap(Bootstrap *bootstrap) {
        if (bootstrap->file != MAP_FAILED)
                (void)munmap(bootstrap->file, bootstrap->file_size);
        bootstrap->file = MAP_FAILED;
}

Bootstrap *bootstrap_free(Bootstrap *bootstrap) {
        if (!bootstrap)
                return NULL;
        bootstrap_unmap(bootstrap);
        (void)fd_close(bootstrap->stderr_fd);
        free(bootstrap->program);
        free(bootstrap->agent);
        free(bootstrap->command);
        free(bootstrap);
        return NULL;
}

const char *bootstrap_program(const Bootstrap *bootstrap) {
        return bootstrap->program;
}

bool bootstrap_has_sent(const Bootstrap *bootstrap) {
        return bootstrap->state >= BOOTSTRAP_STARTING;
}

bool bootstrap_is_over(const Bootstrap *bootstrap) {
        return bootstrap->state == BOOTSTRAP_OVER;
}

/* words */

/* A text in one line that may be printed; of a long one the beginning and the end. */
static void words_take(char words[static WORDS_MAX + 1], const uint8_t *bytes, size_t length) {
        static const char gap[] = " ... ";
        const size_t half = (WORDS_MAX - strlen(gap)) / 2;
        Failure line = FAILURE_NULL;

        while (length > 0 && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r'))
                length--;
        if (length <= WORDS_MAX) {
                memcpy(line.text, bytes, length);
        } else {
                memcpy(line.text, bytes, half);
                memcpy(line.text + half, gap, strlen(gap));
                memcpy(line.text + half + strlen(gap), bytes + length - half, half);
        }
        failure_sanitise(&line);
        (void)snprintf(words, WORDS_MAX + 1, "%.*s", (int)WORDS_MAX, line.text);
}

void bootstrap_listen(Bootstrap *bootstrap) {
        uint8_t bytes[4096];
        ssize_t n;

        for (size_t i = 0; bootstrap->stderr_fd >= 0 && i < LISTENS_AT_ONCE; i++) {
                n = fd_read(bootstrap->stderr_fd, bytes, sizeof(bytes));
                if (n <= 0)
                        return;
                words_take(bootstrap->said, bytes, (size_t)n);
        }
}

int bootstrap_explain(
        Bootstrap *bootstrap, const uint8_t *bytes, size_t length, int code, Failure *failure) {
        char noise[WORDS_MAX + 1] = "";
        const char *words = bootstrap->said;

        bootstrap_listen(bootstrap);
        if (!words[0] && bootstrap->state == BOOTSTRAP_WAITING && length > 0) {
                words_take(noise, bytes, length);
                words = noise;
        }
        if (bootstrap->state == BOOTSTRAP_WAITING)
                return failure_set(failure, FAILURE_STAGE_AGENT, code,
                                   "'%.80s' ended before a Python answered%s%s", bootstrap->command,
                                   words[0] ? ": " : "", words);
        return failure_set(failure, FAILURE_STAGE_AGENT, code, "'%.80s' ended%s%s",
                           bootstrap->command, words[0] ? ": " : "", words);
}

/* the agent for that machine */

static int agent_map(Bootstrap *bootstrap, const char *path, Failure *failure) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        struct stat status;

        if (fd < 0 || fstat(fd, &status) < 0)
                return failure_errno(failure, FAILURE_STAGE_AGENT, errno, "cannot read '%s'", path);
        if (!S_ISREG(status.st_mode) || status.st_size == 0 || status.st_size > AGENT_SIZE_MAX)
                return failure_set(failure, FAILURE_STAGE_AGENT, ENOEXEC, "'%s' is no program",
                                   path);
        bootstrap->file_size = (size_t)status.st_size;
        bootstrap->file = mmap(NULL, bootstrap->file_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bootstrap->file == MAP_FAILED)
                return failure_errno(failure, FAILURE_STAGE_AGENT, errno, "cannot read '%s'", path);
        (void)snprintf(bootstrap->size, sizeof(bootstrap->size), "%016zx", bootstrap->file_size);
        return 0;
}

static int agent_choose(Bootstrap *bootstrap, const char *machine, Failure *failure) {
        _cleanup_(freep) char *other = NULL;
        struct utsname here;

        if (uname(&here) == 0 && strcmp(here.machine, machine) == 0)
                return agent_map(bootstrap, bootstrap->agent, failure);
        if (asprintf(&other, "%s-%s", bootstrap->agent, machine) < 0)
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory");
        if (access(other, R_OK) < 0)
                return failure_set(failure, FAILURE_STAGE_AGENT, ENOEXEC,
                                   "the machine that '%.80s' leads to is of type %s, and there is "
                                   "no agent for it: no '%s'",
                                   bootstrap->command, machine, other);
        return agent_map(bootstrap, other, failure);
}

/* what the Python says */

/* Cuts the next word off. Returns NULL where there is none, or it is longer than @max. */
static const char *word_take(char **atp, size_t max) {
        char *word = *atp, *end = strchrnul(word, ' ');

        if (end == word || (size_t)(end - word) > max)
                return NULL;
        *atp = *end ? end + 1 : end;
        *end = '\0';
        return word;
}

static bool is_machine(const char *word) {
        return strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
               strlen(word);
}

static int python_refuse(const Bootstrap *bootstrap, const char *what, Failure *failure) {
        return failure_set(failure, FAILURE_STAGE_ENVIRONMENT, ENOEXEC,
                           "'%.80s' leads to %s: CPython 3.9 or later is needed",
                           bootstrap->command, what);
}

static int report_refuse(const Bootstrap *bootstrap, Failure *failure) {
        return failure_set(failure, FAILURE_STAGE_AGENT, EPROTO,
                           "'%.80s' answers with something else than a Python's report",
                           bootstrap->command);
}

/* "MACHINE HEXVERSION IMPLEMENTATION EXECUTABLE" */
static int report_read(Bootstrap *bootstrap, char *line, Failure *failure) {
        const char *machine = word_take(&line, MACHINE_MAX);
        const char *version = machine ? word_take(&line, 8) : NULL;
        const char *implementation = version ? word_take(&line, MACHINE_MAX) : NULL;
        char what[64], *end;
        unsigned long hexversion;

        if (!implementation || !is_machine(machine) || !is_machine(implementation))
                return report_refuse(bootstrap, failure);
        hexversion = strtoul(version, &end, 16);
        if (strcmp(implementation, "cpython") != 0) {
                (void)snprintf(what, sizeof(what), "%s", implementation);
                return python_refuse(bootstrap, what, failure);
        }
        if (*end || hexversion < PYTHON_MIN) {
                (void)snprintf(what, sizeof(what), "Python %lu.%lu.%lu", hexversion >> 24,
                               hexversion >> 16 & 0xff, hexversion >> 8 & 0xff);
                return python_refuse(bootstrap, what, failure);
        }
        if (strcmp(line, "-") == 0)
                return python_refuse(bootstrap, "a Python that does not know where it is", failure);
        return agent_choose(bootstrap, machine, failure);
}

static int await_report(Bootstrap *bootstrap,
                        const uint8_t *bytes,
                        size_t length,
                        size_t *consumedp,
                        Failure *failure) {
        const uint8_t *token = memmem(bytes, length, bootstrap->token, BOOTSTRAP_TOKEN_DIGITS);
        const uint8_t *newline, *line;
        char text[LINE_MAX_BYTES];
        char words[WORDS_MAX + 1];
        size_t n;
        int r;

        if (!token) {
                if (length <= BOOTSTRAP_NOISE_MAX)
                        return 0;
                words_take(words, bytes, length);
                return failure_set(failure, FAILURE_STAGE_AGENT, EPROTO,
                                   "no Python answers '%.80s', only: %s", bootstrap->command,
                                   words);
        }
        line = token + BOOTSTRAP_TOKEN_DIGITS + 1;
        n = line <= bytes + length ? (size_t)(bytes + length - line) : 0;
        newline = n > 0 ? memchr(line, '\n', n) : NULL;
        if (!newline)
                return n < LINE_MAX_BYTES ? 0 : report_refuse(bootstrap, failure);
        n = min_size((size_t)(newline - line), sizeof(text) - 1);
        memcpy(text, line, n);
        text[n] = '\0';
        r = report_read(bootstrap, text, failure);
        if (r)
                return r;
        bootstrap->state = BOOTSTRAP_SENDING;
        *consumedp = (size_t)(newline + 1 - bytes);
        return 0;
}

/* A frame, or the line that says why there is none: no type of frame is a digit. */
static int
await_agent(Bootstrap *bootstrap, const uint8_t *bytes, size_t length, Failure *failure) {
        char words[WORDS_MAX + 1];

        if (length == 0)
                return 0;
        if (bytes[0] != (uint8_t)bootstrap->token[0]) {
                bootstrap->state = BOOTSTRAP_OVER;
                bootstrap_unmap(bootstrap);
                return 0;
        }
        if (length < LINE_MAX_BYTES && !memchr(bytes, '\n', length))
                return 0;
        words_take(words, bytes, min_size(length, LINE_MAX_BYTES));
        return failure_set(failure, FAILURE_STAGE_AGENT, EACCES,
                           "nothing lets '%.80s' execute the agent: %s", bootstrap->command,
                           strlen(words) > BOOTSTRAP_TOKEN_DIGITS ? words + BOOTSTRAP_TOKEN_DIGITS
                                                                  : words);
}

int bootstrap_read(Bootstrap *bootstrap,
                   const uint8_t *bytes,
                   size_t length,
                   size_t *consumedp,
                   Failure *failure) {
        *consumedp = 0;
        bootstrap_listen(bootstrap);
        switch (bootstrap->state) {
        case BOOTSTRAP_WAITING:
                return await_report(bootstrap, bytes, length, consumedp, failure);
        case BOOTSTRAP_STARTING:
                return await_agent(bootstrap, bytes, length, failure);
        case BOOTSTRAP_SENDING: /* it has read too little to say anything */
        case BOOTSTRAP_OVER:
                return 0;
        }
        return 0;
}

bool bootstrap_is_pending(const Bootstrap *bootstrap) {
        return bootstrap->state == BOOTSTRAP_SENDING;
}

int bootstrap_write(Bootstrap *bootstrap, int fd) {
        while (bootstrap->state == BOOTSTRAP_SENDING) {
                bool in_size = bootstrap->n_sent < BOOTSTRAP_SIZE_DIGITS;
                size_t at = in_size ? bootstrap->n_sent : bootstrap->n_sent - BOOTSTRAP_SIZE_DIGITS;
                const char *from = in_size ? bootstrap->size : bootstrap->file;
                size_t left = (in_size ? BOOTSTRAP_SIZE_DIGITS : bootstrap->file_size) - at;
                ssize_t n = send(fd, from + at, left, MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n < 0 && errno == EAGAIN)
                        return 0;
                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0)
                        bootstrap->n_sent += (size_t)n;
                if (bootstrap->n_sent == BOOTSTRAP_SIZE_DIGITS + bootstrap->file_size)
                        bootstrap->state = BOOTSTRAP_STARTING;
        }
        return 0;
}
