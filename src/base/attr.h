#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Attributes and ownership helpers shared by every layer
 *
 * `_cleanup_(foo_freep) Foo *foo = NULL;` releases at scope end; take_ptr() and take_fd() hand the
 * resource over and leave the empty value behind.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define _cleanup_(fn)  __attribute__((__cleanup__(fn)))
#define _public_       __attribute__((__visibility__("default")))
#define _printf_(a, b) __attribute__((__format__(__printf__, a, b)))
#define _unused_       __attribute__((__unused__))
#define _packed_       __attribute__((__packed__))
#define _warn_unused_  __attribute__((__warn_unused_result__))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Moves a pointer or descriptor out of its variable; the variable keeps the empty value. */
#define take_ptr(p)                                                                                \
        (__extension__({                                                                           \
                __typeof__(*(p)) taken_ = *(p);                                                    \
                *(p) = NULL;                                                                       \
                taken_;                                                                            \
        }))

static inline int take_fd(int *fdp) {
        int fd = *fdp;

        *fdp = -1;
        return fd;
}

/* Defines foo_freep() for a destructor that accepts NULL. */
#define DEFINE_CLEANUP(type, fn)                                                                   \
        static inline void fn##p(type *p) {                                                        \
                if (*p)                                                                            \
                        (void)fn(*p);                                                              \
        }

/* For memory that free() takes: `_cleanup_(freep) char *text = NULL;`. */
static inline void freep(void *p) {
        free(*(void **)p);
}

static inline size_t min_size(size_t a, size_t b) {
        return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b) {
        return a > b ? a : b;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b) {
        return a < b ? a : b;
}
