/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/layers.h"

static const char *const layer_names[_LAYER_N] = {
        [LAYER_USER_NAMESPACE] = "user_namespace",
        [LAYER_PID_NAMESPACE] = "pid_namespace",
        [LAYER_MOUNT_NAMESPACE] = "mount_namespace",
        [LAYER_NET_NAMESPACE] = "net_namespace",
        [LAYER_IPC_NAMESPACE] = "ipc_namespace",
        [LAYER_UTS_NAMESPACE] = "uts_namespace",
        [LAYER_CGROUP] = "cgroup",
        [LAYER_UID] = "uid",
        [LAYER_CAPABILITIES] = "capabilities",
        [LAYER_NO_NEW_PRIVS] = "no_new_privs",
        [LAYER_RLIMITS] = "rlimits",
        [LAYER_UNDUMPABLE] = "undumpable",
        [LAYER_LANDLOCK] = "landlock",
        [LAYER_SECCOMP] = "seccomp",
        [LAYER_CGROUP_NAMESPACE] = "cgroup_namespace",
};

static const char *const level_names[_ISOLATION_N] = {
        [ISOLATION_NONE] = "none",
        [ISOLATION_PROCESS] = "process",
        [ISOLATION_KERNEL] = "kernel",
        [ISOLATION_FULL] = "full",
};

#define LAYERS_PROCESS                                                                             \
        (LAYER_BIT(LAYER_NO_NEW_PRIVS) | LAYER_BIT(LAYER_RLIMITS) | LAYER_BIT(LAYER_UNDUMPABLE))
#define LAYERS_KERNEL (LAYERS_PROCESS | LAYER_BIT(LAYER_LANDLOCK) | LAYER_BIT(LAYER_SECCOMP))
#define LAYERS_FULL                                                                                \
        (LAYERS_KERNEL | LAYER_BIT(LAYER_CAPABILITIES) | LAYER_BIT(LAYER_PID_NAMESPACE) |          \
         LAYER_BIT(LAYER_MOUNT_NAMESPACE) | LAYER_BIT(LAYER_NET_NAMESPACE) |                       \
         LAYER_BIT(LAYER_IPC_NAMESPACE))

static const LayerSet level_layers[_ISOLATION_N] = {
        [ISOLATION_PROCESS] = LAYERS_PROCESS,
        [ISOLATION_KERNEL] = LAYERS_KERNEL,
        [ISOLATION_FULL] = LAYERS_FULL,
};

const char *layer_name(unsigned int layer) {
        return layer < _LAYER_N ? layer_names[layer] : "unknown";
}

bool layers_parse(const char *list, LayerSet *layersp) {
        LayerSet layers = 0;

        while (*list) {
                size_t length = strcspn(list, ",");
                unsigned int layer = 0;

                while (layer < _LAYER_N && (strlen(layer_names[layer]) != length ||
                                            strncmp(layer_names[layer], list, length)))
                        ++layer;
                if (layer == _LAYER_N)
                        return false;
                layers |= LAYER_BIT(layer);
                list += length;
                list += *list == ',';
        }
        *layersp = layers;
        return true;
}

const char *isolation_level_name(unsigned int level) {
        return level < _ISOLATION_N ? level_names[level] : "unknown";
}

LayerSet isolation_level_layers(IsolationLevel level) {
        return level < _ISOLATION_N ? level_layers[level] : 0;
}

IsolationLevel isolation_level_of(LayerSet layers) {
        IsolationLevel level = ISOLATION_FULL;

        while ((layers & level_layers[level]) != level_layers[level])
                --level;
        return level;
}
