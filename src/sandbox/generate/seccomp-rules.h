#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Seccomp rules: the policy, as tables of names
 *
 * Read by seccomp-generate.c when we are built, linked into nothing. Names that an architecture
 * does not have are left out there.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "sandbox/generate/seccomp-placeholders.h"
#include "sandbox/seccomp.h"

#define SECCOMP_CONDITIONS_MAX 3

/* Sets of SeccompProfile. */
enum {
        SECCOMP_WITHOUT_PROCESSES = 1u << SECCOMP_DEFAULT | 1u << SECCOMP_NETWORK,
        SECCOMP_WITH_PROCESSES = 1u << SECCOMP_PROCESSES | 1u << SECCOMP_PROCESSES_NETWORK,
        SECCOMP_WITH_NETWORK = 1u << SECCOMP_NETWORK | 1u << SECCOMP_PROCESSES_NETWORK,
        SECCOMP_WITH_SOCKETS = SECCOMP_WITH_PROCESSES | SECCOMP_WITH_NETWORK,
        SECCOMP_IN_ALL = SECCOMP_WITH_PROCESSES | SECCOMP_WITHOUT_PROCESSES,
};

/* (argument & mask) == value. Of 32 bits, since the kernel reads no more of the arguments that have
 * conditions: what stands above must not decide. A mask of 0 is no condition. */
typedef struct SeccompCondition {
        unsigned int argument;
        uint32_t mask, value;
} SeccompCondition;

/* If all conditions hold, the call is allowed, or refused with another error than EPERM. Rows of
 * the same name are alternatives. One that allows without conditions goes before all others. */
typedef struct SeccompRule {
        const char *name;
        unsigned int profiles;
        SeccompCondition conditions[SECCOMP_CONDITIONS_MAX];
        int error; /* 0: allowed */
} SeccompRule;

/* What is on the list by the name @old is allowed by the name @new, too: in profiles with
 * processes, since programs are of all ages, otherwise on architectures that have no call @old. */
typedef struct SeccompSuccessor {
        const char *old, *new;
} SeccompSuccessor;

extern const SeccompRule seccomp_rules[];
extern const size_t seccomp_n_rules;
extern const SeccompSuccessor seccomp_successors[];
extern const size_t seccomp_n_successors;

/* The newest call that these tables have considered; all later ones answer ENOSYS. */
extern const char seccomp_newest[];
