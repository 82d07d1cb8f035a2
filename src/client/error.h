#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Error: the public SprError, filled from words or from a Failure
 *
 * Each returns the code it has put into the error, so that `return error_set(…)` reads well; @error
 * may be NULL.
 */
#include "base/attr.h"
#include "base/failure.h"
#include "spr/spr.h"

int error_set(SprError *error, int code, const char *format, ...) _printf_(3, 4);
/* SPR_E_* by the failure's stage; -ENOMEM stays a negative errno. */
int error_code(const Failure *failure);
int error_from_failure(SprError *error, const Failure *failure);
/* A negative errno with its words. */
int error_from_errno(SprError *error, int code);
