#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Disk watch: how many files a run has in its work directory, and how much they hold
 *
 * A tmpfs bounds both by itself; a directory of the host does not. So the agent looks, a piece at a
 * time: a look takes about a millisecond, and all looks together a small share of the agent's time.
 * A pass over the whole tree takes as many looks as it needs; its place is kept by descriptors, so
 * that no path of the run is ever formed or followed, whatever is moved meanwhile.
 *
 * What is found is what has a name: a file that was unlinked while it is open counts no more, as
 * /proc shows the agent nothing of a worker's descriptors. RLIMIT_FSIZE bounds each of those.
 */
#include <stdbool.h>
#include <stdint.h>

typedef struct DiskWalk DiskWalk;
typedef struct DiskWatch DiskWatch;

struct DiskWatch {
        DiskWalk *walk;  /* the pass that is under way; NULL = none */
        bool exceeded;   /* the pass before came to too much */
        uint64_t due_ns; /* of the next look */
};

/* Looks at the directory @top_fd, where that is due. Returns whether there is more in it than
 * @max_bytes or @max_files, directories among them: twice in a row, since what is moved while a
 * pass goes on may be counted twice. @n_watches share the time there is for it. */
bool disk_watch_look(
        DiskWatch *watch, int top_fd, uint64_t max_bytes, uint64_t max_files, uint32_t n_watches);
/* Gives up the pass; the watch may be used again. */
void disk_watch_deinit(DiskWatch *watch);
