/* SPDX-License-Identifier: MIT */
/*
 * The filters are made when we are built (sandbox/generate); here the process' own id is put in and
 * the kernel gets them.
 */
#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/failure.h"
#include "sandbox/attributes.h"
#include "sandbox/generate/seccomp-filters.h"
#include "sandbox/generate/seccomp-placeholders.h"
#include "sandbox/seccomp.h"
#include "sandbox/trial.h"

static const struct {
        const struct sock_filter *code;
        unsigned short n;
} filters[_SECCOMP_PROFILE_N] = {
        [SECCOMP_DEFAULT] = {seccomp_filter_default, ARRAY_SIZE(seccomp_filter_default)},
        [SECCOMP_PROCESSES] = {seccomp_filter_processes, ARRAY_SIZE(seccomp_filter_processes)},
        [SECCOMP_NETWORK] = {seccomp_filter_network, ARRAY_SIZE(seccomp_filter_network)},
        [SECCOMP_PROCESSES_NETWORK] = {seccomp_filter_processes_network,
                                       ARRAY_SIZE(seccomp_filter_processes_network)},
};

/* Only some architectures have the first; the fourth is younger than the headers. */
static const uint32_t attribute_calls[] = {
#ifdef SYS_chmod
        SYS_chmod,
#endif
        SYS_fchmod, SYS_fchmodat, 452 /* fchmodat2 */, SYS_utimensat,
};

size_t seccomp_program(SeccompProfile profile, pid_t self, struct sock_filter *program) {
        size_t n = filters[profile].n;

        static_assert(SECCOMP_INSTRUCTIONS_MAX <= SECCOMP_PROGRAM_MAX, "no room for a filter");
        memcpy(program, filters[profile].code, n * sizeof(*program));
        for (size_t i = 0; i < n; ++i)
                if (program[i].k == SECCOMP_SELF)
                        program[i].k = (uint32_t)self;
                else if (program[i].k == SECCOMP_GROUP)
                        program[i].k = (uint32_t)-self;
        return n;
}

/* PR_GET_SECCOMP says that there is a filter, perhaps a container's; sendfile(2), of no
 * descriptors, has this answer from ours alone. */
static bool seccomp_holds(void) {
        return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == SECCOMP_MODE_FILTER &&
               syscall(SYS_sendfile, -1, -1, NULL, 0) < 0 && errno == ENOTSOCK;
}

static int seccomp_load(struct sock_filter *program, size_t n, Failure *failure) {
        struct sock_fprog filter = {.filter = program, .len = (unsigned short)n};
        long r;

        r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0u, &filter);
        if (r < 0 && errno == ENOSYS)
                r = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0);
        if (r < 0)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                   "cannot load the seccomp filter");
        return 0;
}

/* Two lists for one purpose: a call alone, or with this first argument. */
static size_t
seccomp_refuse(struct sock_filter *program, uint32_t number, bool any, uint32_t argument) {
        const struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, argument, 0, any ? 0 : 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        };

        memcpy(program, code, sizeof(code));
        return ARRAY_SIZE(code);
}

/* It stands beside the filter of the profile, which refuses what is of other architectures. */
int seccomp_guard_host(bool own_files, Failure *failure) {
        struct sock_filter program[5 * (ARRAY_SIZE(attribute_calls) + 2) + 1];
        size_t n;

        n = seccomp_refuse(program, SYS_socket, false, AF_UNIX);
        n += seccomp_refuse(program + n, SYS_kill, false, UINT32_MAX); /* everybody in sight */
        for (size_t i = 0; own_files && i < ARRAY_SIZE(attribute_calls); ++i)
                n += seccomp_refuse(program + n, attribute_calls[i], true, 0);
        program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        return seccomp_load(program, n, failure);
}

int seccomp_apply(SeccompProfile profile, pid_t self, Failure *failure) {
        struct sock_filter program[SECCOMP_PROGRAM_MAX];
        int r;

        assert(profile < _SECCOMP_PROFILE_N && self > 0);
        r = seccomp_load(program, seccomp_program(profile, self, program), failure);
        if (r)
                return r;
        if (!seccomp_holds())
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, EPERM,
                                   "the seccomp filter does not hold after loading it");
        return 0;
}

static bool seccomp_try(void) {
        return !attributes_set_no_new_privs(NULL) &&
               !seccomp_apply(SECCOMP_DEFAULT, getpid(), NULL);
}

int seccomp_probe(void) {
        return trial_run(seccomp_try);
}
