#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Bootstrap program: the Python that turns an interpreter on a pipe into spr-agent
 *
 * It says on standard output, on a line of its own that begins with a token, what it is; reads the
 * agent from standard input; and executes it from memory, or where that is forbidden from the first
 * directory that lets it: what it has written there is removed before.
 *
 *     TOKEN MACHINE HEXVERSION IMPLEMENTATION EXECUTABLE      EXECUTABLE in hexadecimal digits
 *     TOKEN failed WORDS                                      after that, where nothing lets it
 *
 * The agent comes as its size, BOOTSTRAP_SIZE_DIGITS hexadecimal digits, and its bytes.
 */

#define BOOTSTRAP_TOKEN_DIGITS 32
#define BOOTSTRAP_SIZE_DIGITS  16

/* The text behind `python3 -c`: one line, in which no ' and no ! and no newline needs the attention
 * of a shell. @token: BOOTSTRAP_TOKEN_DIGITS hexadecimal digits. NULL on out of memory; free(). */
char *bootstrap_program_new(const char *token);
