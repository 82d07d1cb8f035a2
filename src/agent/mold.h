#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Mold: everything about a worker that is settled before it has a request
 *
 * Two runs whose molds are equal can be served by each other's worker; so a standby has a mold.
 */
#include <stdbool.h>
#include <stdint.h>

#include "wire/messages.h"

typedef struct Mold Mold;

struct Mold {
        uint64_t memory_bytes, disk_bytes, file_bytes, cpu_ns;
        uint32_t max_processes;
        bool processes, proc;
};

static inline Mold mold_of(const SubmitFrame *submit) {
        return (Mold){
                .memory_bytes = submit->memory_bytes,
                .disk_bytes = submit->disk_bytes,
                .file_bytes = submit->file_bytes,
                .cpu_ns = submit->cpu_ns,
                .max_processes = submit->max_processes,
                .processes = submit->flags & SUBMIT_FLAG_PROCESSES,
                .proc = submit->flags & SUBMIT_FLAG_PROC,
        };
}

static inline bool mold_equal(const Mold *a, const Mold *b) {
        return a->memory_bytes == b->memory_bytes && a->disk_bytes == b->disk_bytes &&
               a->file_bytes == b->file_bytes && a->cpu_ns == b->cpu_ns &&
               a->max_processes == b->max_processes && a->processes == b->processes &&
               a->proc == b->proc;
}
