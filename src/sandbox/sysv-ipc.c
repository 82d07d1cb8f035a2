/* SPDX-License-Identifier: MIT */
/*
 * The creator decides, not the owner: IPC_SET can give an object away, but not change who made it.
 * The *_STAT calls go by index and skip what is in between; an object that vanishes meanwhile needs
 * no removal.
 */
#include <stddef.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "sandbox/sysv-ipc.h"

/* The caller defines it, by semctl(2). */
typedef union SemaphoreArgument {
        int value;
        struct semid_ds *status;
        struct seminfo *info;
} SemaphoreArgument;

static void sysv_remove_memory(uint32_t uid) {
        struct shmid_ds status = {0};
        int last = shmctl(0, SHM_INFO, &status);

        for (int i = 0; i <= last; ++i) {
                int id = shmctl(i, SHM_STAT, &status);

                if (id >= 0 && status.shm_perm.cuid == uid)
                        (void)shmctl(id, IPC_RMID, NULL);
        }
}

static void sysv_remove_queues(uint32_t uid) {
        struct msqid_ds status = {0};
        int last = msgctl(0, MSG_INFO, &status);

        for (int i = 0; i <= last; ++i) {
                int id = msgctl(i, MSG_STAT, &status);

                if (id >= 0 && status.msg_perm.cuid == uid)
                        (void)msgctl(id, IPC_RMID, NULL);
        }
}

static void sysv_remove_semaphores(uint32_t uid) {
        struct seminfo info = {0};
        struct semid_ds status = {0};
        int last = semctl(0, 0, SEM_INFO, (SemaphoreArgument){.info = &info});

        for (int i = 0; i <= last; ++i) {
                int id = semctl(i, 0, SEM_STAT, (SemaphoreArgument){.status = &status});

                if (id >= 0 && status.sem_perm.cuid == uid)
                        (void)semctl(id, 0, IPC_RMID);
        }
}

void sysv_ipc_remove_of(uint32_t uid) {
        sysv_remove_memory(uid);
        sysv_remove_queues(uid);
        sysv_remove_semaphores(uid);
}
