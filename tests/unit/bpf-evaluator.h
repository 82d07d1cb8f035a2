#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * BPF evaluator: what a seccomp program answers, without a kernel
 *
 * For the instructions that seccomp filters are made of; any other one, a jump or a read outside,
 * and a program that does not end is BPF_BROKEN. bpf_may_return() asks for all arguments at once.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BPF_BROKEN       UINT32_MAX
#define BPF_PROGRAM_MAX  1024
#define BPF_OF_ARGUMENTS offsetof(struct seccomp_data, args)

static inline bool bpf_jump_taken(const struct sock_filter *instruction, uint32_t a) {
        switch (BPF_OP(instruction->code)) {
        case BPF_JEQ:
                return a == instruction->k;
        case BPF_JGT:
                return a > instruction->k;
        case BPF_JGE:
                return a >= instruction->k;
        default:
                return a & instruction->k; /* BPF_JSET */
        }
}

static inline bool bpf_is_jump(const struct sock_filter *instruction) {
        switch (instruction->code) {
        case BPF_JMP | BPF_JEQ | BPF_K:
        case BPF_JMP | BPF_JGT | BPF_K:
        case BPF_JMP | BPF_JGE | BPF_K:
        case BPF_JMP | BPF_JSET | BPF_K:
                return true;
        default:
                return false;
        }
}

static inline bool bpf_is_load(const struct sock_filter *instruction) {
        return instruction->code == (BPF_LD | BPF_W | BPF_ABS) && instruction->k % 4 == 0 &&
               instruction->k < sizeof(struct seccomp_data);
}

static inline uint32_t
bpf_evaluate(const struct sock_filter *program, size_t n, const struct seccomp_data *data) {
        uint32_t a = 0;

        for (size_t pc = 0; pc < n; ++pc) {
                const struct sock_filter *instruction = &program[pc];

                if (instruction->code == (BPF_RET | BPF_K))
                        return instruction->k;
                if (bpf_is_load(instruction))
                        memcpy(&a, (const char *)data + instruction->k, sizeof(a));
                else if (instruction->code == (BPF_ALU | BPF_AND | BPF_K))
                        a &= instruction->k;
                else if (instruction->code == (BPF_JMP | BPF_JA))
                        pc += instruction->k;
                else if (bpf_is_jump(instruction))
                        pc += bpf_jump_taken(instruction, a) ? instruction->jt : instruction->jf;
                else
                        return BPF_BROKEN;
        }
        return BPF_BROKEN;
}

/* Whether the program can return @action for this number and architecture and some arguments, each
 * comparison with a part of an argument taken to go either way. Jumps only go forward, so that one
 * pass sees every instruction after all that lead to it. */
static inline bool bpf_may_return(const struct sock_filter *program,
                                  size_t n,
                                  uint32_t arch,
                                  uint32_t number,
                                  uint32_t action) {
        enum {
                NUMBER = 1,
                ARCH = 2,
                ARGUMENT = 4
        }; /* what the accumulator can hold */
        unsigned char held[BPF_PROGRAM_MAX + 256] = {NUMBER};

        for (size_t pc = 0; pc < n; ++pc) {
                const struct sock_filter *instruction = &program[pc];
                size_t next = pc + 1;

                if (!held[pc])
                        continue;
                if (instruction->code == (BPF_RET | BPF_K)) {
                        if (instruction->k == action)
                                return true;
                } else if (bpf_is_load(instruction)) {
                        held[next] |= instruction->k >= BPF_OF_ARGUMENTS ? ARGUMENT
                                      : instruction->k                   ? ARCH
                                                                         : NUMBER;
                } else if (bpf_is_jump(instruction)) {
                        const uint32_t known[] = {number, arch};

                        for (unsigned int i = 0; i < 2; ++i)
                                if (held[pc] & 1u << i)
                                        held[next + (bpf_jump_taken(instruction, known[i])
                                                             ? instruction->jt
                                                             : instruction->jf)] |= 1u << i;
                        if (held[pc] & ARGUMENT) {
                                held[next + instruction->jt] |= ARGUMENT;
                                held[next + instruction->jf] |= ARGUMENT;
                        }
                } else if (instruction->code == (BPF_JMP | BPF_JA)) {
                        held[next + instruction->k] |= held[pc];
                } else {
                        held[next] |= held[pc]; /* an AND, of an argument */
                }
        }
        return false;
}
