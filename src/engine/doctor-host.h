#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Doctor host: what this machine says about itself, as far as it explains a layer that is missing
 *
 * Only for advice: whether a layer is there is tried, never read. What cannot be read counts as not
 * so.
 */
#include <stdbool.h>
#include <sys/types.h>

typedef struct DoctorHost DoctorHost;

struct DoctorHost {
        bool root;                /* the caller is */
        bool container;           /* Docker, Podman */
        bool filtered;            /* a seccomp filter is around us already */
        bool systemd;             /* is the init */
        bool apparmor_restricts;  /* user namespaces, as Ubuntu does since 23.10 */
        bool userns_clone_is_off; /* Debian's switch for ordinary users */
        bool userns_max_is_zero;
        bool lsm_is_known;    /* the list of security modules can be read */
        char lsm[256];        /* that list */
        char kernel[96];      /* "6.1.0-18-amd64" */
        unsigned int version; /* 601 for 6.1; 0 = unknown */
};

/* Reads below @root, "" but in tests. */
void doctor_host_read(DoctorHost *host, const char *root, uid_t uid);
