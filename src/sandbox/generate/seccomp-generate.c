/* SPDX-License-Identifier: MIT */
/*
 * seccomp-generate ARCHITECTURE: writes sandbox/generate/seccomp-filters.h, the rules as BPF
 *
 * A program of the build, run on the machine that builds. libseccomp makes the filters; what they
 * answer is shown by tests/unit/test-sandbox-seccomp.c, which evaluates them for every number, so
 * that no version of libseccomp has to be trusted. Before its part stand three instructions of
 * ours: a libseccomp filter has one answer for all that it does not list, and ours has two.
 */
#include <assert.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/attr.h"
#include "sandbox/generate/seccomp-rules.h"

#define INSTRUCTIONS_MAX 1024

static const char *const profile_names[_SECCOMP_PROFILE_N] = {
        [SECCOMP_DEFAULT] = "default",
        [SECCOMP_PROCESSES] = "processes",
        [SECCOMP_NETWORK] = "network",
        [SECCOMP_PROCESSES_NETWORK] = "processes_network",
};

static void die(const char *what, int error) {
        (void)fprintf(stderr, "seccomp-generate: %s: %s\n", what, strerror(error));
        exit(EXIT_FAILURE);
}

/* The number of a call, -1 where the architecture lacks it (libseccomp makes up negative ones). A
 * name that libseccomp does not know is a slip of the pen, or newer than it: then the call cannot
 * be listed, and is refused. */
static int number_of(uint32_t arch, const char *name) {
        int number = seccomp_syscall_resolve_name_arch(arch, name);

        return number < 0 ? -1 : number;
}

static bool rule_has_conditions(const SeccompRule *rule) {
        return rule->conditions[0].mask;
}

static bool profile_allows(SeccompProfile profile, const char *name) {
        for (size_t i = 0; i < seccomp_n_rules; ++i) {
                const SeccompRule *rule = &seccomp_rules[i];

                if (!rule->error && rule->profiles & 1u << profile && !strcmp(rule->name, name))
                        return true;
        }
        return false;
}

static bool profile_allows_successor(SeccompProfile profile, uint32_t arch, const char *name) {
        for (size_t i = 0; i < seccomp_n_successors; ++i) {
                const SeccompSuccessor *successor = &seccomp_successors[i];
                bool wanted = 1u << profile & SECCOMP_WITH_PROCESSES ||
                              number_of(arch, successor->old) < 0;

                if (wanted && !strcmp(successor->new, name) &&
                    profile_allows(profile, successor->old))
                        return true;
        }
        return false;
}

/* Without a rule: always allowed. */
static void filter_add(scmp_filter_ctx filter, const char *name, const SeccompRule *rule) {
        int number =
                seccomp_syscall_resolve_name(name); /* of the machine that builds: translated */
        struct scmp_arg_cmp conditions[SECCOMP_CONDITIONS_MAX];
        uint32_t action = SCMP_ACT_ALLOW;
        unsigned int n = 0;
        int r;

        for (; rule && n < SECCOMP_CONDITIONS_MAX && rule->conditions[n].mask; ++n)
                conditions[n] = (struct scmp_arg_cmp){
                        .arg = rule->conditions[n].argument,
                        .op = SCMP_CMP_MASKED_EQ,
                        .datum_a = rule->conditions[n].mask,
                        .datum_b = rule->conditions[n].value,
                };
        if (rule && rule->error)
                action = SCMP_ACT_ERRNO((uint32_t)rule->error);
        r = seccomp_rule_add_exact_array(filter, action, number, n, conditions);
        if (r)
                die(name, -r);
}

static void filter_add_rules(scmp_filter_ctx filter, SeccompProfile profile, uint32_t arch) {
        for (size_t i = 0; i < seccomp_n_successors; ++i) {
                const char *name = seccomp_successors[i].new;

                if (number_of(arch, name) >= 0 && profile_allows_successor(profile, arch, name))
                        filter_add(filter, name, NULL);
        }
        for (size_t i = 0; i < seccomp_n_rules; ++i) {
                const SeccompRule *rule = &seccomp_rules[i];

                if (number_of(arch, rule->name) < 0 || !(rule->profiles & 1u << profile))
                        continue;
                if (rule->error && !rule_has_conditions(rule) &&
                    (profile_allows(profile, rule->name) ||
                     profile_allows_successor(profile, arch, rule->name)))
                        continue;
                filter_add(filter, rule->name, rule);
        }
}

/* Returns the number of instructions. */
static size_t filter_compile(SeccompProfile profile, uint32_t arch, struct sock_filter *code) {
        int newest = number_of(arch, seccomp_newest), fd = memfd_create("filter", MFD_CLOEXEC), r;
        const struct sock_filter unknown[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)newest, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        };
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
        ssize_t size;

        if (!filter || fd < 0 || newest < 0)
                die("cannot begin", errno);
        if (arch != seccomp_arch_native() &&
            (seccomp_arch_remove(filter, SCMP_ARCH_NATIVE) || seccomp_arch_add(filter, arch)))
                die("cannot choose the architecture", EINVAL);
        r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
        if (!r)
                r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
        if (r)
                die("cannot shape the filter", -r);
        filter_add_rules(filter, profile, arch);

        r = seccomp_export_bpf(filter, fd);
        if (r)
                die("cannot compile", -r);
        memcpy(code, unknown, sizeof(unknown));
        size = pread(fd, code + ARRAY_SIZE(unknown),
                     (INSTRUCTIONS_MAX - ARRAY_SIZE(unknown)) * sizeof(*code), 0);
        if (size <= 0 || size % (ssize_t)sizeof(*code))
                die("cannot read what was compiled", EIO);
        seccomp_release(filter);
        (void)close(fd);
        return ARRAY_SIZE(unknown) + (size_t)size / sizeof(*code);
}

static void filter_print(const char *name, const struct sock_filter *code, size_t n) {
        printf("static const struct sock_filter seccomp_filter_%s[] = {\n", name);
        for (size_t i = 0; i < n; ++i)
                printf("        {0x%02x, %u, %u, 0x%08x},\n", code[i].code, code[i].jt, code[i].jf,
                       code[i].k);
        printf("};\n\n");
}

int main(int argc, char **argv) {
        static struct sock_filter code[INSTRUCTIONS_MAX];
        uint32_t arch = argc == 2 ? seccomp_arch_resolve_name(argv[1]) : 0;
        size_t n_max = 0;

        if (!arch)
                die(argc == 2 ? argv[1] : "usage: seccomp-generate ARCHITECTURE", EINVAL);
        printf("/* Made by sandbox/generate/seccomp-generate.c from seccomp-rules.c. */\n");
        for (unsigned int i = 0; i < _SECCOMP_PROFILE_N; ++i) {
                size_t n = filter_compile((SeccompProfile)i, arch, code);

                filter_print(profile_names[i], code, n);
                n_max = n > n_max ? n : n_max;
        }
        printf("#define SECCOMP_INSTRUCTIONS_MAX %zu\n", n_max);
        return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
