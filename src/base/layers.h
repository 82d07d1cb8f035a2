#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Layers: the names of what confines a run, and the levels they add up to
 *
 * A set of layers is a 64-bit mask. The sandbox fills it in where each layer was applied and read
 * back; the host only prints it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum Layer {
        LAYER_USER_NAMESPACE,
        LAYER_PID_NAMESPACE,
        LAYER_MOUNT_NAMESPACE, /* private, with the read-only tree and the tmpfs */
        LAYER_NET_NAMESPACE,
        LAYER_IPC_NAMESPACE,
        LAYER_UTS_NAMESPACE,
        LAYER_CGROUP,
        LAYER_UID,          /* runs as a leased uid, not as the invoking one */
        LAYER_CAPABILITIES, /* all sets empty */
        LAYER_NO_NEW_PRIVS,
        LAYER_RLIMITS,
        LAYER_UNDUMPABLE, /* no ptrace or /proc/PID/mem by a process of the same uid */
        LAYER_LANDLOCK,
        LAYER_SECCOMP,
        LAYER_CGROUP_NAMESPACE,
        _LAYER_N,
} Layer;

typedef uint64_t LayerSet;

#define LAYER_BIT(layer) (UINT64_C(1) << (layer))

typedef enum IsolationLevel {
        ISOLATION_NONE,
        ISOLATION_PROCESS, /* a process of its own with rlimits and no_new_privs */
        ISOLATION_KERNEL,  /* and Landlock and seccomp */
        ISOLATION_FULL,    /* and namespaces */
        _ISOLATION_N,
} IsolationLevel;

/* "pid_namespace", …; "unknown" outside the enum. */
const char *layer_name(unsigned int layer);
/* The layers of a list of names with commas between them; false where one is unknown. */
bool layers_parse(const char *list, LayerSet *layersp);
/* "none", "process", "kernel", "full"; "unknown" outside the enum. */
const char *isolation_level_name(unsigned int level);
/* The layers that it needs. */
LayerSet isolation_level_layers(IsolationLevel level);
/* The highest level all of whose layers are in @layers. */
IsolationLevel isolation_level_of(LayerSet layers);
