#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Where spr-agent is, seen from the spr program itself
 *
 * A build tree, an installation under any prefix and a Python package each put it elsewhere.
 */

/* Looks beside @executable (an absolute path), in ../libexec/spr and in the package
 * safe_py_runner under ../lib*. *pathp is NULL where it is in none of them: then libspr knows.
 * Free with free(). Returns 0 or -ENOMEM. */
int agent_path_find(const char *executable, char **pathp);
