/* SPDX-License-Identifier: MIT */
/*
 * The filters, evaluated for every number with many arguments against a table of their own, for
 * this architecture and, from the same rules, for the other one that we know; then loaded for real.
 */
#include <linux/audit.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/failure.h"
#include "bpf-evaluator.h"
#include "child.h"
#include "sandbox/attributes.h"
#include "sandbox/generate/seccomp-placeholders.h"
#include "sandbox/seccomp.h"
#include "seccomp-expectations.h"
#include "seccomp-filters-other.h"

#define SELF                4711u
#define NUMBERS             1024u
#define CALLS_MAX           110u /* S-14 */
#define VALGRIND            getenv("UNDER_VALGRIND")
#define N_OF_OTHER(profile) ARRAY_SIZE(seccomp_filter_##profile)

typedef struct Machine {
        uint32_t scmp;  /* as libseccomp calls it */
        uint32_t audit; /* as the kernel does */
} Machine;

typedef struct Filter {
        Machine machine;
        Caller caller;
        struct sock_filter program[SECCOMP_PROGRAM_MAX];
        size_t n;
} Filter;

static const Machine machines[] = {
        {SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64},
        {SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64},
};

static const struct {
        const struct sock_filter *program;
        size_t n;
} others[_SECCOMP_PROFILE_N] = {
        [SECCOMP_DEFAULT] = {seccomp_filter_default, N_OF_OTHER(default)},
        [SECCOMP_PROCESSES] = {seccomp_filter_processes, N_OF_OTHER(processes)},
        [SECCOMP_NETWORK] = {seccomp_filter_network, N_OF_OTHER(network)},
        [SECCOMP_PROCESSES_NETWORK] = {seccomp_filter_processes_network,
                                       N_OF_OTHER(processes_network)},
};

/* Filter @i of all that there are: first those of this machine, as they are loaded, then the other
 * machine's with its placeholders. */
#define FILTERS (2 * _SECCOMP_PROFILE_N)

static Filter filter_get(unsigned int i) {
        SeccompProfile profile = (SeccompProfile)(i % _SECCOMP_PROFILE_N);
        bool here = i < _SECCOMP_PROFILE_N;
        Filter filter = {.caller = {profile, SELF, -SELF}};

        filter.machine = machines[(machines[0].scmp == seccomp_arch_native()) != here];
        if (here) {
                filter.n = seccomp_program(profile, SELF, filter.program);
                return filter;
        }
        filter.caller = (Caller){profile, SECCOMP_SELF, SECCOMP_GROUP};
        filter.n = others[profile].n;
        memcpy(filter.program, others[profile].program, filter.n * sizeof(*filter.program));
        return filter;
}

/* --- what is expected ----------------------------------------------------------------------------
 */

#define NAME_MAX_LENGTH 32

/* Copies what stands before one of @ends; returns what comes after that. */
static const char *name_take(const char *at, const char *ends, char *name) {
        size_t length = strcspn(at, ends);

        assert_true(length > 0 && length < NAME_MAX_LENGTH);
        memcpy(name, at, length);
        name[length] = 0;
        return at + length + 1;
}

static bool expected_newer_name(const Filter *filter, const char *name) {
        char older[NAME_MAX_LENGTH], newer[NAME_MAX_LENGTH];

        for (const char *at = expected_newer + 1; *at;) {
                at = name_take(at, ":", older);
                at = name_take(at, " ", newer);
                if (!strcmp(newer, name) &&
                    (caller_has_processes(&filter->caller) ||
                     seccomp_syscall_resolve_name_arch(filter->machine.scmp, older) < 0))
                        return true;
        }
        return false;
}

static bool expected_plain(const Filter *filter, const char *name) {
        bool processes = caller_has_processes(&filter->caller);
        bool sockets = processes || caller_has_network(&filter->caller);

        return expected_lists(expected_everywhere, name) || expected_newer_name(filter, name) ||
               (processes && expected_lists(expected_with_processes, name)) ||
               (sockets && expected_lists(expected_with_sockets, name));
}

/* All that is known of a call before its arguments are. */
typedef struct Expectation {
        const char *name; /* NULL: no such call */
        bool plain;
        ExpectedFn condition;
} Expectation;

static uint32_t
expectation_answer(const Expectation *expected, const Filter *filter, const uint32_t *args) {
        if (!expected->name)
                return SECCOMP_RET_ERRNO | EPERM;
        if (expected->plain || (expected->condition && expected->condition(&filter->caller, args)))
                return SECCOMP_RET_ALLOW;
        return SECCOMP_RET_ERRNO | (uint32_t)expected_error(expected->name, args);
}

/* --- evaluation ----------------------------------------------------------------------------------
 */

/* What stands in the rules, what is beside it, and every bit. */
static const uint32_t values[] = {
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        9,
        10,
        11,
        12,
        13,
        14,
        15,
        16,
        17,
        18,
        19,
        20,
        21,
        22,
        23,
        24,
        25,
        31,
        32,
        33,
        34,
        36,
        39,
        40,
        41,
        66,
        67,
        100,
        101,
        132,
        136,
        255,
        262,
        1023,
        1024,
        1025,
        1026,
        1030,
        1031,
        1032,
        1033,
        1034,
        SELF,
        SELF + 1,
        -SELF,
        SECCOMP_SELF,
        SECCOMP_GROUP,
        0x1002,
        0x1003,
        S_IFIFO | 0600,
        S_IFCHR | 0600,
        S_IFBLK,
        S_IFREG,
        S_IFDIR,
        S_IFSOCK,
        S_IFIFO | S_IFREG,
        1u << 16 | S_IFIFO,
        0x5401,
        0x5402,
        0x540f,
        0x5410,
        0x5412,
        0x5413,
        0x541b,
        0x541c,
        0x5421,
        0x5450,
        0x5451,
        0x5452,
        0x802c542a,
        0x40049409,
        0x53564d41,
        1u << 11,
        1u << 12,
        1u << 13,
        1u << 15,
        1u << 16,
        1u << 17,
        1u << 18,
        1u << 19,
        1u << 25,
        1u << 26,
        1u << 27,
        1u << 28,
        1u << 29,
        1u << 30,
        1u << 31,
        0x80001,
        0x80801,
        0x80802,
        0x80803,
        0x3d0f00,
        0x103d0f00,
        0x3d8f00,
        0x7fffffff,
        0xfffffffe,
        0xffffffff,
};

static uint64_t n_evaluations;

/* With and without something in the high halves, which must not matter. */
static void check_answer(const Filter *filter,
                         const Expectation *expected,
                         uint32_t number,
                         const uint32_t *args) {
        uint32_t wanted = expectation_answer(expected, filter, args);

        for (unsigned int high = 0; high < 2; ++high) {
                static const uint32_t highs[] = {0, UINT32_MAX};
                struct seccomp_data data = {.nr = (int)number, .arch = filter->machine.audit};
                uint32_t answer;

                for (unsigned int i = 0; i < 6; ++i)
                        data.args[i] = (uint64_t)highs[high] << 32 | args[i];
                answer = bpf_evaluate(filter->program, filter->n, &data);
                ++n_evaluations;
                if (answer != wanted)
                        fail_msg("profile %u, arch %#x, %s (%u) of %#x %#x %#x %#x, high %#x: "
                                 "%#x, not %#x",
                                 filter->caller.profile, filter->machine.audit,
                                 expected->name ? expected->name : "?", number, args[0], args[1],
                                 args[2], args[3], highs[high], answer, wanted);
        }
}

/* The answer is the same whatever the arguments are. */
static void check_constant(const Filter *filter, const Expectation *expected, uint32_t number) {
        static const uint32_t args[6];
        uint32_t wanted = expectation_answer(expected, filter, args);

        check_answer(filter, expected, number, args);
        for (size_t i = 0; i < filter->n; ++i) {
                const struct sock_filter *end = &filter->program[i];

                if (end->code == (BPF_RET | BPF_K) && end->k != wanted &&
                    bpf_may_return(filter->program, filter->n, filter->machine.audit, number,
                                   end->k))
                        fail_msg("%s (%u) may answer %#x", expected->name, number, end->k);
        }
}

/* Each of the first four arguments takes each value, beside each partner, among others that are all
 * the same. */
static void check_arguments(const Filter *filter, const Expectation *expected, uint32_t number) {
        static const uint32_t partners[] = {0, 1, 2, 4, 5, 0x22, 0x2000, SELF, ~0u};
        static const uint32_t rests[] = {0, 6, 17, UINT32_MAX};
        const size_t n = ARRAY_SIZE(values) * ARRAY_SIZE(rests) * ARRAY_SIZE(partners) * 3;

        for (size_t i = 0; i < n; ++i) {
                size_t at = i % 3, of_rests = i / 3 / ARRAY_SIZE(values);
                uint32_t value = values[i / 3 % ARRAY_SIZE(values)];
                uint32_t rest = rests[of_rests % ARRAY_SIZE(rests)];
                uint32_t partner = partners[of_rests / ARRAY_SIZE(rests)];
                uint32_t args[6] = {rest, rest, rest, rest, rest, rest};

                args[at] = value;
                args[at + 1] = partner;
                check_answer(filter, expected, number, args);
                args[at] = partner;
                args[at + 1] = value;
                check_answer(filter, expected, number, args);
        }
}

static void check_number(const Filter *filter, uint32_t number) {
        static const Expectation too_new = {.name = "clone3"}; /* ENOSYS */
        char *name = seccomp_syscall_resolve_num_arch(filter->machine.scmp, (int)number);
        Expectation expected = {.name = name};

        if (name) {
                expected.plain = expected_plain(filter, name);
                expected.condition = expected_condition(name);
        }
        if (number > EXPECTED_NEWEST)
                check_constant(filter, &too_new, number);
        else if (expected.condition)
                check_arguments(filter, &expected, number);
        else
                check_constant(filter, &expected, number);
        free(name);
}

static void test_every_number(void **state) {
        (void)state;
        for (unsigned int i = 0; i < FILTERS; ++i) {
                const Filter filter = filter_get(i);

                for (uint32_t number = 0; number < NUMBERS; ++number)
                        check_number(&filter, number);
        }
        print_message("%llu evaluations\n", (unsigned long long)n_evaluations);
}

/* A name that is misspelt in the lists would be expected of no number. */
static void test_expectations_are_calls(void **state) {
        static const char *const lists[] = {
                expected_everywhere,
                expected_newer,
                expected_with_processes,
                expected_with_sockets,
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(lists); ++i)
                for (const char *at = lists[i] + 1; *at;) {
                        char name[NAME_MAX_LENGTH];

                        at = name_take(at, " :", name);
                        if (seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, name) < 0)
                                fail_msg("no such call: %s", name);
                }
}

/* libseccomp gives the numbers to the filters and to this test; some are checked with the headers.
 */
static void test_numbers_are_the_kernels(void **state) {
        static const struct {
                const char *name;
                int number;
        } rows[] = {
                {"read", SYS_read},           {"mmap", SYS_mmap},   {"openat", SYS_openat},
                {"execve", SYS_execve},       {"clone", SYS_clone}, {"socket", SYS_socket},
                {"getrandom", SYS_getrandom}, {"prctl", SYS_prctl}, {"clone3", SYS_clone3},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                assert_int_equal(
                        seccomp_syscall_resolve_name_arch(seccomp_arch_native(), rows[i].name),
                        rows[i].number);
}

static void test_calls_are_counted(void **state) {
        (void)state;
        for (unsigned int i = 0; i < FILTERS; ++i) {
                const Filter filter = filter_get(i);
                unsigned int reach = 0;

                for (uint32_t number = 0; number < NUMBERS; ++number)
                        if (bpf_may_return(filter.program, filter.n, filter.machine.audit, number,
                                           SECCOMP_RET_ALLOW))
                                ++reach;
                print_message("profile %u, arch %#x: %u calls reach the kernel, %zu instructions\n",
                              filter.caller.profile, filter.machine.audit, reach, filter.n);
                assert_true(reach > 60);
                if (filter.caller.profile == SECCOMP_DEFAULT)
                        assert_true(reach <= CALLS_MAX);
        }
}

/* x32, numbers that are none, and every architecture but the filter's own. */
static void test_foreign_architectures(void **state) {
        static const uint32_t archs[] = {
                AUDIT_ARCH_I386,
                AUDIT_ARCH_X86_64,
                AUDIT_ARCH_ARM,
                AUDIT_ARCH_AARCH64,
                AUDIT_ARCH_RISCV64,
                AUDIT_ARCH_ARMEB,
                0,
                UINT32_MAX,
        };
        static const uint32_t bases[] = {0, 0x40000000, 0x80000000, 0xbffffc00, 0xfffffc00};

        (void)state;
        for (unsigned int i = 0; i < FILTERS; ++i) {
                const Filter filter = filter_get(i);

                for (size_t arch = 0; arch < ARRAY_SIZE(archs); ++arch)
                        for (size_t base = 0; base < ARRAY_SIZE(bases); ++base)
                                for (uint32_t number = 0; number < NUMBERS; ++number) {
                                        struct seccomp_data data = {
                                                .nr = (int)(bases[base] + number),
                                                .arch = archs[arch],
                                        };

                                        if (bases[base] == 0 && archs[arch] == filter.machine.audit)
                                                continue;
                                        assert_int_equal(
                                                bpf_evaluate(filter.program, filter.n, &data),
                                                SECCOMP_RET_ERRNO | ENOSYS);
                                        assert_false(bpf_may_return(
                                                filter.program, filter.n, archs[arch],
                                                bases[base] + number, SECCOMP_RET_ALLOW));
                                }
        }
}

static void test_placeholders_are_replaced(void **state) {
        (void)state;
        for (unsigned int i = 0; i < _SECCOMP_PROFILE_N; ++i) {
                const Filter filter = filter_get(i);

                for (size_t pc = 0; pc < filter.n; ++pc) {
                        assert_int_not_equal(filter.program[pc].k, SECCOMP_SELF);
                        assert_int_not_equal(filter.program[pc].k, SECCOMP_GROUP);
                }
        }
}

/* --- the evaluator itself ------------------------------------------------------------------------
 */

static void test_evaluator(void **state) {
        static const struct sock_filter endless[] = {BPF_STMT(BPF_JMP | BPF_JA, 7)},
                                        unknown[] = {BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 7)},
                                        outside[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64)},
                                        program[] = {
                                                BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                         BPF_OF_ARGUMENTS),
                                                BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 6),
                                                BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 4, 1, 0),
                                                BPF_STMT(BPF_RET | BPF_K, 1),
                                                BPF_STMT(BPF_RET | BPF_K, 2),
                                        };
        struct seccomp_data data = {.args = {4}};

        (void)state;
        assert_int_equal(bpf_evaluate(endless, 1, &data), BPF_BROKEN);
        assert_int_equal(bpf_evaluate(unknown, 1, &data), BPF_BROKEN);
        assert_int_equal(bpf_evaluate(outside, 1, &data), BPF_BROKEN);
        assert_int_equal(bpf_evaluate(program, 5, &data), 2);
        data.args[0] = 3;
        assert_int_equal(bpf_evaluate(program, 5, &data), 1);
        assert_true(bpf_may_return(program, 5, 0, 0, 1));
        assert_true(bpf_may_return(program, 5, 0, 0, 2));
        assert_false(bpf_may_return(program, 5, 0, 0, 3));
}

/* --- loaded for real -----------------------------------------------------------------------------
 */

static SeccompProfile child_profile;
static int exe_fd;

#define REFUSED(error, ...) CHECK(syscall(__VA_ARGS__) == -1 && errno == (error))
#define GRANTED(...)        CHECK(syscall(__VA_ARGS__) >= 0)

static void *thread_main(void *argument) {
        return argument;
}

static void try_everywhere(pid_t parent) {
        int pair[2];
        pthread_t thread;
        void *result = NULL;

        CHECK(pthread_create(&thread, NULL, thread_main, pair) == 0);
        CHECK(pthread_join(thread, &result) == 0 && result == pair);
        CHECK(prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == SECCOMP_MODE_FILTER);
        GRANTED(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, pair);
        GRANTED(SYS_kill, getpid(), 0);
        GRANTED(SYS_kill, 0, 0);
        GRANTED(SYS_tgkill, getpid(), syscall(SYS_gettid), 0);
        GRANTED(SYS_prlimit64, 0, RLIMIT_CORE, NULL, NULL);
        GRANTED(SYS_prlimit64, getpid(), RLIMIT_CORE, NULL, NULL);
        GRANTED(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, exe_fd, 0);

        REFUSED(EPERM, SYS_socketpair, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair);
        REFUSED(EPERM, SYS_prlimit64, parent, RLIMIT_CORE, NULL, NULL);
        REFUSED(EPERM, SYS_setpriority, PRIO_PROCESS, parent, 19);
        REFUSED(EPERM, SYS_setpriority, PRIO_USER, 0, 19);
        REFUSED(EPERM, SYS_tkill, parent, 0);
        REFUSED(EPERM, SYS_mmap, NULL, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        REFUSED(EPERM, SYS_mmap, NULL, 4096, 7, MAP_PRIVATE, exe_fd, 0);
        REFUSED(EPERM, SYS_mprotect, pair, 4096, PROT_EXEC);
        REFUSED(EPERM, SYS_personality, 0x400000);
        REFUSED(EPERM, SYS_unshare, CLONE_NEWUSER);
        REFUSED(EPERM, SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
        REFUSED(EPERM, SYS_ioctl, pair[0], TIOCSTI, "x");
        REFUSED(EPERM, SYS_ioctl, pair[0], TIOCSTI | 1UL << 32, "x");
        REFUSED(EPERM, SYS_fcntl, pair[0], F_SETOWN, getpid());
        REFUSED(EPERM, SYS_fcntl, pair[0], F_SETFL, O_ASYNC);
        REFUSED(EPERM, SYS_splice, pair[0], NULL, pair[1], NULL, 1, 0);
        REFUSED(EPERM, SYS_memfd_create, "x", 0);
        REFUSED(EPERM, SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
        REFUSED(EPERM, SYS_prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0);
        REFUSED(EPERM, SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, NULL);
        REFUSED(EPERM, SYS_socket, AF_NETLINK, SOCK_RAW, 0);
        REFUSED(EPERM, SYS_socket, AF_INET, SOCK_RAW, 1);
        REFUSED(EPERM, SYS_socket, AF_INET, SOCK_DGRAM, 1);
        REFUSED(EPERM, SYS_socket, 40 | 1UL << 32, SOCK_STREAM, 0); /* AF_VSOCK */
        REFUSED(ENOTSOCK, SYS_sendfile, -1, -1, NULL, 0);
        REFUSED(ENOSYS, SYS_clone3, NULL, 0);
        REFUSED(ENOSYS, SYS_flock, exe_fd, 1);
        REFUSED(ENOSYS, 462);
        REFUSED(ENOSYS, 0x40000000 | SYS_getpid); /* x32 */
}

static void try_processes(pid_t parent) {
        int status = 0;
        pid_t child;

        if (!(child_profile & SECCOMP_PROCESSES)) {
                REFUSED(EPERM, SYS_kill, parent, 0);
                REFUSED(EPERM, SYS_kill, -1, 0);
                REFUSED(EPERM, SYS_tgkill, parent, parent, 0);
                REFUSED(EPERM, SYS_execve, "/bin/true", NULL, NULL);
                REFUSED(EPERM, SYS_socket, AF_UNIX, SOCK_STREAM, 0);
                REFUSED(ECHILD, SYS_wait4, -1, NULL, 0, NULL);
                CHECK(fork() == -1 && errno == EPERM);
                return;
        }
        GRANTED(SYS_kill, parent, 0);
        GRANTED(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
        child = fork();
        if (child == 0) {
                execl("/bin/sh", "sh", "-c", "/bin/true | /bin/cat && exit 3", NULL);
                _exit(1);
        }
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

static void try_network(void) {
        static const int families[] = {AF_INET, AF_INET6};

        for (size_t i = 0; i < ARRAY_SIZE(families); ++i) {
                if (!(child_profile & SECCOMP_NETWORK)) {
                        REFUSED(EPERM, SYS_socket, families[i], SOCK_STREAM | SOCK_CLOEXEC, 0);
                        continue;
                }
                /* the kernel may have no such family, but it has been asked */
                CHECK(syscall(SYS_socket, families[i], SOCK_STREAM | SOCK_CLOEXEC, 6) >= 0 ||
                      errno == EAFNOSUPPORT);
                CHECK(syscall(SYS_socket, families[i], SOCK_DGRAM | SOCK_NONBLOCK, 0) >= 0 ||
                      errno == EAFNOSUPPORT);
        }
}

static int load_and_try(void) {
        Failure failure = FAILURE_NULL;
        pid_t parent = getppid();

        if (VALGRIND)
                return CHILD_FILTERS_VALGRIND;
        CHECK(setsid() == getpid());
        exe_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        CHECK(exe_fd >= 0);
        CHECK(attributes_set_no_new_privs(&failure) == 0);
        CHECK(seccomp_apply(child_profile, getpid(), &failure) == 0);
        try_everywhere(parent);
        try_processes(parent);
        try_network();
        return CHILD_PASSED;
}

static void test_load(void **state) {
        (void)state;
        for (unsigned int i = 0; i < _SECCOMP_PROFILE_N; ++i) {
                child_profile = (SeccompProfile)i;
                child_run(load_and_try);
        }
}

/* Modes and time stamps stay, by path and by descriptor; contents are not touched by it. */
static int guard_host(void) {
        char path[] = "/tmp/spr-test-XXXXXX";
        int fd = mkstemp(path);

        if (VALGRIND)
                return CHILD_FILTERS_VALGRIND;
        CHECK(fd >= 0 && unlink(path) == 0);
        CHECK(fchmod(fd, 0600) == 0 && futimens(fd, NULL) == 0);
        CHECK(attributes_set_no_new_privs(NULL) == 0);
        CHECK(seccomp_guard_host(true, NULL) == 0);
        CHECK(seccomp_apply(SECCOMP_PROCESSES, getpid(), NULL) == 0);
        CHECK(fchmod(fd, 0600) < 0 && errno == EPERM);
        CHECK(chmod("/tmp", 0700) < 0 && errno == EPERM);
        CHECK(fchmodat(AT_FDCWD, "/tmp", 0700, 0) < 0 && errno == EPERM);
        CHECK(syscall(452, AT_FDCWD, "/tmp", 0700, 0) < 0);
        CHECK(futimens(fd, NULL) < 0 && errno == EPERM);
        CHECK(utimensat(AT_FDCWD, "/tmp", NULL, 0) < 0 && errno == EPERM);
        CHECK(write(fd, "x", 1) == 1);
        CHECK(socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EPERM);
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){0}) == 0);
        CHECK(kill(-1, 0) < 0 && errno == EPERM && kill(getpid(), 0) == 0);
        return CHILD_PASSED;
}

/* Another uid than the user's may have files of its own. */
static int guard_host_from_others(void) {
        char path[] = "/tmp/spr-test-XXXXXX";
        int fd = mkstemp(path);

        if (VALGRIND)
                return CHILD_FILTERS_VALGRIND;
        CHECK(fd >= 0 && unlink(path) == 0);
        CHECK(attributes_set_no_new_privs(NULL) == 0);
        CHECK(seccomp_guard_host(false, NULL) == 0);
        CHECK(seccomp_apply(SECCOMP_PROCESSES_NETWORK, getpid(), NULL) == 0);
        CHECK(fchmod(fd, 0600) == 0 && futimens(fd, NULL) == 0);
        CHECK(socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EPERM);
        CHECK(socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno == EAFNOSUPPORT);
        return CHILD_PASSED;
}

static void test_guard_host(void **state) {
        (void)state;
        child_run(guard_host);
        child_run(guard_host_from_others);
}

/* A run's filter stands above whatever filter there is. */
static int load_twice(void) {
        if (VALGRIND)
                return CHILD_FILTERS_VALGRIND;
        CHECK(attributes_set_no_new_privs(NULL) == 0);
        CHECK(seccomp_apply(SECCOMP_DEFAULT, getpid(), NULL) == 0);
        CHECK(seccomp_apply(SECCOMP_PROCESSES, getpid(), NULL) == -EPERM);
        return CHILD_PASSED;
}

static int load_without_no_new_privs(void) {
        Failure failure = FAILURE_NULL;

        if (VALGRIND)
                return CHILD_FILTERS_VALGRIND;
        if (geteuid() == 0)
                CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
        CHECK(seccomp_apply(SECCOMP_DEFAULT, getpid(), &failure) == -EACCES);
        CHECK(failure.stage == FAILURE_STAGE_SANDBOX);
        return CHILD_PASSED;
}

static void test_load_refused(void **state) {
        static const ChildFn rows[] = {load_twice, load_without_no_new_privs};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                child_run(rows[i]);
}

static void test_probe(void **state) {
        (void)state;
        if (VALGRIND)
                child_skip(CHILD_FILTERS_VALGRIND);
        assert_int_equal(seccomp_probe(), 1);
        assert_int_equal(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0); /* this process is as it was */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_evaluator),
                cmocka_unit_test(test_expectations_are_calls),
                cmocka_unit_test(test_numbers_are_the_kernels),
                cmocka_unit_test(test_calls_are_counted),
                cmocka_unit_test(test_every_number),
                cmocka_unit_test(test_foreign_architectures),
                cmocka_unit_test(test_placeholders_are_replaced),
                cmocka_unit_test(test_guard_host),
                cmocka_unit_test(test_load),
                cmocka_unit_test(test_load_refused),
                cmocka_unit_test(test_probe),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
