/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <time.h>

#include "agent/cpu-time.h"
#include "base/clock.h"

/* Clock ids of another process, as the kernel builds them (clock_getcpuclockid(3) knows only the
 * first). */
enum {
        CPU_CLOCK_PROF = 0,  /* user and system time, in ticks */
        CPU_CLOCK_VIRT = 1,  /* user time, in ticks */
        CPU_CLOCK_SCHED = 2, /* both, as the scheduler measured it */
};

static int cpu_clock_read(pid_t pid, int clock, uint64_t *nsp) {
        clockid_t id = (clockid_t)((~(unsigned int)pid << 3) | (unsigned int)clock);
        struct timespec time;

        if (clock_gettime(id, &time) < 0)
                return -errno;
        *nsp = (uint64_t)time.tv_sec * NSEC_PER_SEC + (uint64_t)time.tv_nsec;
        return 0;
}

int cpu_time_read(pid_t pid, uint64_t *user_nsp, uint64_t *system_nsp) {
        uint64_t total = 0, ticks = 0, user_ticks = 0, user;
        int r;

        r = cpu_clock_read(pid, CPU_CLOCK_SCHED, &total);
        if (!r)
                r = cpu_clock_read(pid, CPU_CLOCK_PROF, &ticks);
        if (!r)
                r = cpu_clock_read(pid, CPU_CLOCK_VIRT, &user_ticks);
        if (r)
                return r;
        /* the ticks only tell how to share out the time, and may be none yet */
        user = ticks > 0 && user_ticks <= ticks
                       ? (uint64_t)((double)total * ((double)user_ticks / (double)ticks))
                       : total;
        *user_nsp = user < total ? user : total;
        *system_nsp = total - *user_nsp;
        return 0;
}
