#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * SHA-256: libmd's behind one function
 */
#include <stddef.h>

#include "base/attr.h"

#define SHA256_TEXT 65 /* 64 lower-case hexadecimal digits and a NUL */

void sha256_text(char text[static SHA256_TEXT], const void *bytes, size_t length);
