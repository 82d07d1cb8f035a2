#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Scoped cleanup for the handles of libspr
 */
#include <spr/spr.h>

#include "base/attr.h"

DEFINE_CLEANUP(SprAudit *, spr_audit_free)
DEFINE_CLEANUP(SprDoctor *, spr_doctor_free)
DEFINE_CLEANUP(SprEngine *, spr_engine_free)
DEFINE_CLEANUP(SprEngineOptions *, spr_engine_options_free)
DEFINE_CLEANUP(SprPolicy *, spr_policy_free)
DEFINE_CLEANUP(SprRequest *, spr_request_free)
DEFINE_CLEANUP(SprResult *, spr_result_free)
DEFINE_CLEANUP(SprScript *, spr_script_free)
DEFINE_CLEANUP(SprVenvOptions *, spr_venv_options_free)
