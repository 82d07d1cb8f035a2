/* SPDX-License-Identifier: MIT */
/*
 * The commands are for people to read before they type them, so each says by itself what it opens
 * and for whom. Where there is no command (a kernel that is too old), the words say what to boot.
 */
#include <stdio.h>
#include <string.h>

#include "engine/doctor-advice.h"

#define LINUX_LANDLOCK 513 /* 5.13 */

#define LAYERS_NAMESPACES                                                                          \
        (LAYER_BIT(LAYER_USER_NAMESPACE) | LAYER_BIT(LAYER_PID_NAMESPACE) |                        \
         LAYER_BIT(LAYER_MOUNT_NAMESPACE) | LAYER_BIT(LAYER_NET_NAMESPACE) |                       \
         LAYER_BIT(LAYER_IPC_NAMESPACE) | LAYER_BIT(LAYER_UTS_NAMESPACE) |                         \
         LAYER_BIT(LAYER_CGROUP_NAMESPACE))
#define STATE_BIT(state) (1u << (state))
#define IS_MISSING       STATE_BIT(DOCTOR_MISSING)
#define IS_WEAK          STATE_BIT(DOCTOR_WEAK)

typedef struct AdviceCase {
        const DoctorHost *host;
        const char *agent;
} AdviceCase;

typedef struct Advice {
        LayerSet layers;
        unsigned int states;
        bool (*applies)(const AdviceCase *about);
        const char *command; /* '@' stands for the agent's path, '#' for the list of modules */
} Advice;

/* causes */

static bool always(const AdviceCase *about _unused_) {
        return true;
}

static bool in_container(const AdviceCase *about) {
        return about->host->container;
}

static bool behind_filter(const AdviceCase *about) {
        return about->host->filtered;
}

static bool as_user(const AdviceCase *about) {
        return !about->host->root;
}

static bool as_user_of_systemd(const AdviceCase *about) {
        return !about->host->root && about->host->systemd;
}

static bool userns_max_is_zero(const AdviceCase *about) {
        return about->host->userns_max_is_zero;
}

static bool userns_clone_is_off(const AdviceCase *about) {
        return about->host->userns_clone_is_off;
}

/* A profile names the program: only by a path that means the same to AppArmor and to a shell. */
static bool apparmor_can_name_agent(const AdviceCase *about) {
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                    "+./_-";

        return about->host->apparmor_restricts && about->agent[0] == '/' &&
               about->agent[strspn(about->agent, plain)] == '\0';
}

static bool apparmor_restricts(const AdviceCase *about) {
        return about->host->apparmor_restricts;
}

static bool kernel_is_old(const AdviceCase *about) {
        return about->host->version > 0 && about->host->version < LINUX_LANDLOCK;
}

static bool landlock_is_not_listed(const AdviceCase *about) {
        return about->host->lsm_is_known && !strstr(about->host->lsm, "landlock");
}

/* the table: the first row that fits */

static const Advice advices[] = {
        {LAYERS_NAMESPACES, IS_MISSING, in_container,
         "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
         "--security-opt systempaths=unconfined ..."},
        {LAYERS_NAMESPACES, IS_MISSING, userns_max_is_zero,
         "sudo sysctl -w user.max_user_namespaces=15000"},
        {LAYERS_NAMESPACES, IS_MISSING, userns_clone_is_off,
         "sudo sysctl -w kernel.unprivileged_userns_clone=1"},
        {LAYERS_NAMESPACES, IS_MISSING, apparmor_can_name_agent,
         "printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile spr-agent @ "
         "flags=(unconfined) {\\n  userns,\\n}\\n' | sudo tee /etc/apparmor.d/spr-agent "
         ">/dev/null && sudo apparmor_parser -r /etc/apparmor.d/spr-agent"},
        {LAYERS_NAMESPACES, IS_MISSING, apparmor_restricts,
         "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
        {LAYERS_NAMESPACES, IS_MISSING, behind_filter,
         "start it where no filter of system calls is in force (Seccomp: in /proc/self/status)"},
        {LAYERS_NAMESPACES, IS_MISSING, as_user, "sudo spr doctor"},
        {LAYER_BIT(LAYER_MOUNT_NAMESPACE), IS_WEAK, in_container,
         "docker run --security-opt systempaths=unconfined ..."},

        {LAYER_BIT(LAYER_CGROUP), IS_MISSING, in_container,
         "docker run --cgroupns=private --security-opt writable-cgroups=true ..."},
        {LAYER_BIT(LAYER_CGROUP), IS_MISSING, as_user_of_systemd,
         "systemd-run --user --scope -p Delegate=yes spr doctor"},
        {LAYER_BIT(LAYER_CGROUP), IS_MISSING, as_user, "sudo spr doctor"},
        {LAYER_BIT(LAYER_CGROUP), IS_MISSING, always, "mount -t cgroup2 none /sys/fs/cgroup"},

        {LAYER_BIT(LAYER_UID), IS_MISSING, in_container,
         "docker run --cap-add SETUID --cap-add SETGID ..."},

        {LAYER_BIT(LAYER_LANDLOCK), IS_MISSING, kernel_is_old, "boot Linux 5.13 or later"},
        {LAYER_BIT(LAYER_LANDLOCK), IS_MISSING, landlock_is_not_listed,
         "sudo sed -i 's/^GRUB_CMDLINE_LINUX=\"/&lsm=landlock,# /' /etc/default/grub && "
         "sudo update-grub && sudo reboot"},
        {LAYER_BIT(LAYER_LANDLOCK) | LAYER_BIT(LAYER_SECCOMP), IS_MISSING, in_container,
         "docker run --security-opt seccomp=unconfined ..."},
        {LAYER_BIT(LAYER_LANDLOCK) | LAYER_BIT(LAYER_SECCOMP), IS_MISSING, behind_filter,
         "start it where no filter of system calls is in force (Seccomp: in /proc/self/status)"},
        {LAYER_BIT(LAYER_LANDLOCK), IS_MISSING, always,
         "boot a kernel with CONFIG_SECURITY_LANDLOCK=y"},
        {LAYER_BIT(LAYER_LANDLOCK), IS_WEAK, always, "boot Linux 6.12 or later"},
        {LAYER_BIT(LAYER_SECCOMP), IS_MISSING, always,
         "boot a kernel with CONFIG_SECCOMP_FILTER=y"},
};

static void advice_write(const Advice *advice, const AdviceCase *about, char *text, size_t size) {
        const char *at = advice->command;
        size_t n = 0;

        text[0] = '\0';
        while (*at && n + 1 < size) {
                size_t length = strcspn(at, "@#");

                n += (size_t)snprintf(text + n, size - n, "%.*s%s", (int)length, at,
                                      at[length] == '@'   ? about->agent
                                      : at[length] == '#' ? about->host->lsm
                                                          : "");
                at += length + (at[length] != '\0');
        }
}

bool doctor_advise(const DoctorHost *host,
                   Layer layer,
                   const DoctorLayer *found,
                   const char *agent,
                   char *text,
                   size_t size) {
        AdviceCase about = {.host = host, .agent = agent};

        for (size_t i = 0; i < ARRAY_SIZE(advices); ++i) {
                const Advice *advice = &advices[i];

                if (!(advice->layers & LAYER_BIT(layer)) ||
                    !(advice->states & STATE_BIT(found->state)) || !advice->applies(&about))
                        continue;
                advice_write(advice, &about, text, size);
                return true;
        }
        return false;
}
