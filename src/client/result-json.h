#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Result as JSON: the members that the audit log has too
 */
#include "base/attr.h"
#include "base/json-writer.h"
#include "client/result.h"

/* "usage": {…} and "isolation": {…} */
void result_write_usage(JsonWriter *writer, const SprResult *result);
void result_write_isolation(JsonWriter *writer, const SprResult *result);
