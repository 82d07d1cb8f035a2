/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

#include "child.h"
#include "sandbox/sysv-ipc.h"

#define STRANGER UINT32_C(1900009999)

static bool exists(int memory, int queue, int semaphores) {
        struct shmid_ds memory_status;
        struct msqid_ds queue_status;

        return shmctl(memory, IPC_STAT, &memory_status) == 0 &&
               msgctl(queue, IPC_STAT, &queue_status) == 0 && semctl(semaphores, 0, GETVAL) == 0;
}

/* In an IPC namespace of its own: only what that uid made goes, also where it was given away. */
static int by_creator(void) {
        int ids[2][3];

        if (geteuid() != 0)
                return CHILD_NOT_ROOT;
        if (unshare(CLONE_NEWIPC) < 0)
                return CHILD_NO_NAMESPACES;
        for (size_t i = 0; i < 2; ++i) {
                struct shmid_ds status;

                CHECK(i == 0 || seteuid(STRANGER) == 0);
                ids[i][0] = shmget(IPC_PRIVATE, 4096, 0600);
                ids[i][1] = msgget(IPC_PRIVATE, 0600);
                ids[i][2] = semget(IPC_PRIVATE, 1, 0600);
                CHECK(exists(ids[i][0], ids[i][1], ids[i][2]));
                CHECK(shmctl(ids[i][0], IPC_STAT, &status) == 0);
                status.shm_perm.uid = 0;
                CHECK(shmctl(ids[i][0], IPC_SET, &status) == 0);
        }
        CHECK(seteuid(0) == 0);
        sysv_ipc_remove_of(STRANGER);
        CHECK(exists(ids[0][0], ids[0][1], ids[0][2]));
        CHECK(shmctl(ids[1][0], IPC_RMID, NULL) < 0 && errno == EINVAL);
        CHECK(msgctl(ids[1][1], IPC_RMID, NULL) < 0 && errno == EINVAL);
        CHECK(semctl(ids[1][2], 0, IPC_RMID) < 0 && errno == EINVAL);
        return CHILD_PASSED;
}

static void test_by_creator(void **state) {
        (void)state;
        child_run(by_creator);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_by_creator),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
