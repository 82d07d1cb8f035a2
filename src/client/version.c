/* SPDX-License-Identifier: MIT */
#include "base/attr.h"
#include "spr/spr.h"

_public_ const char *spr_version(void) {
        return SPR_VERSION;
}
