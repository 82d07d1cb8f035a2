#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Group files: the tables of v1 and v2 against what a limit needs
 *
 * That the kernel takes them is shown by test-sandbox-cgroup.c, where there is a kernel that does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "sandbox/cgroup-files.h"

typedef struct GroupFilesRow {
        const char *file;
        CgroupRole role;
        CgroupValue value;
        bool optional;
} GroupFilesRow;

/* In this order: the kernel wants some before others. */
static inline void
group_files_check(const CgroupFiles *files, const GroupFilesRow *rows, size_t n_rows) {
        assert_int_equal(files->n_settings, n_rows);
        for (size_t i = 0; i < n_rows; ++i) {
                const CgroupSetting *setting = &files->settings[i];
                const char *controller = cgroup_role_name(setting->role);

                assert_string_equal(setting->file, rows[i].file);
                assert_int_equal(setting->role, rows[i].role);
                assert_int_equal(setting->value, rows[i].value);
                assert_int_equal(setting->optional, rows[i].optional);
                assert_int_equal(setting->text != NULL, setting->value == CGROUP_VALUE_TEXT);
                assert_memory_equal(setting->file, controller, strlen(controller));
        }
}
