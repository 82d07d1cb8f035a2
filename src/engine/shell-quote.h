#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Shell quote: a word as a POSIX shell must be given it to get it back whole
 *
 * For commands that join their arguments with blanks and have a shell on the other side split them
 * again, as ssh(1) does.
 */

/* NULL on out of memory. Free with free(). */
char *shell_quote(const char *word);
