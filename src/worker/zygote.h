#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Zygote: the warm interpreter that forks workers at the agent's word
 *
 * It never sees code, input or policy of a user: requests go from the agent straight to a worker.
 * It is the parent of the workers and tells the agent how each of them ended, from wait4(2).
 */

/* Serves the agent on @control_fd until the agent closes it. Holds the GIL. Returns the exit status
 * for the process. */
int zygote_serve(int control_fd);
