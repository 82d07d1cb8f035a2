/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/pep723.h"

/* Which text is a block: checked against the PEP's own regular expression by
 * tests/integration/test_venv.py, over the same kind of cases. */
static void test_blocks(void **state) {
        static const struct {
                const char *script, *content; /* NULL: no block */
        } rows[] = {
                {"# /// script\n# a = 1\n# ///\n", "\na = 1\n"},
                {"# /// script\n# a = 1\n# ///", "\na = 1\n"},
                {"\xef\xbb\xbf# /// script\n# a = 1\n# ///\n", "\na = 1\n"},
                {"#!/usr/bin/python3\nimport x\n# /// script\n#\n#  b\n# ///\n", "\n\n\n\n b\n"},
                {"# /// script\r\n# a = 1\r\n# ///\r\n", "\na = 1\n"},
                {"# /// script\r# a = 1\r# ///\r", "\na = 1\n"},
                {"# /// other\n# x\n# ///\n\n# /// script\n# a\n# ///\n", "\n\n\n\n\na\n"},
                /* greedy: the last closing line of the run */
                {"# /// script\n# a\n# ///\n# b\n# ///\n", "\na\n///\nb\n"},
                {"# /// script\n# a\n# ///\n# b\n", "\na\n"},
                {"# /// script\n# ///\n# ///\n", "\n///\n"},
                {"# /// script\n# a\n# ///\nx = 1\n# /// script\n# no end\n", "\na\n"},
                {"# /// script\n# a\n\n# /// script\n# b\n# ///\n", "\n\n\n\nb\n"},
                {"", NULL},
                {"\xef\xbb\xbf", NULL},
                {"print()\n", NULL},
                {"# /// script", NULL},
                {"# /// script\n", NULL},
                {"# /// script\n# ///\n", NULL},
                {"# /// script\n# a\n", NULL},
                {"# /// script\n# a\n#///\n", NULL},
                {"# /// script\n# a\n# /// \n", NULL},
                {"# /// script\n#a\n# ///\n", NULL},
                {"# /// script\n\n# a\n# ///\n", NULL},
                {"# /// script \n# a\n# ///\n", NULL},
                {" # /// script\n# a\n# ///\n", NULL},
                {"#/// script\n# a\n# ///\n", NULL},
                {"# /// \n# a\n# ///\n", NULL},
                {"# /// Script\n# a\n# ///\n", NULL},
                {"# /// scr_ipt\n# a\n# ///\n", NULL},
                {"# /// other\n# /// script\n# a\n# ///\n", NULL},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                _cleanup_(freep) char *content = NULL;
                Failure failure = FAILURE_NULL;
                size_t length = 0;
                int r = pep723_extract(rows[i].script, strlen(rows[i].script), "job.py", &content,
                                       &length, &failure);

                assert_int_equal(r, rows[i].content ? 0 : PEP723_E_NONE);
                if (rows[i].content) {
                        assert_string_equal(content, rows[i].content);
                        assert_int_equal(length, strlen(rows[i].content));
                }
        }
}

static int read_script(Pep723Metadata *metadata, const char *script, Failure *failure) {
        *failure = FAILURE_NULL;
        return pep723_read(metadata, script, strlen(script), "job.py", failure);
}

static void test_metadata(void **state) {
        static const char script[] = "# /// script\n"
                                     "# requires-python = \">=3.11\"\n"
                                     "# dependencies = [\n"
                                     "#   \"requests<3\",\n"
                                     "#   \"rich\",\n"
                                     "# ]\n"
                                     "# [tool.uv]\n"
                                     "# dependencies = 1\n"
                                     "# ///\n"
                                     "import requests\n";
        _cleanup_(pep723_metadata_deinitp) Pep723Metadata metadata = PEP723_METADATA_NULL;
        Failure failure;

        (void)state;
        assert_int_equal(read_script(&metadata, script, &failure), 0);
        assert_string_equal(metadata.requires_python, ">=3.11");
        assert_int_equal(metadata.dependencies.n_items, 2);
        assert_string_equal(metadata.dependencies.items[0], "requests<3");
        assert_string_equal(metadata.dependencies.items[1], "rich");
}

static void test_empty_metadata(void **state) {
        _cleanup_(pep723_metadata_deinitp) Pep723Metadata metadata = PEP723_METADATA_NULL;
        Failure failure;

        (void)state;
        assert_int_equal(read_script(&metadata, "# /// script\n#\n# ///\n", &failure), 0);
        assert_null(metadata.requires_python);
        assert_int_equal(metadata.dependencies.n_items, 0);
        assert_int_equal(read_script(&metadata, "x = 1\n", &failure), PEP723_E_NONE);
}

static void test_faults_are_named(void **state) {
        static const struct {
                const char *script, *words;
        } rows[] = {
                {"x\n# /// script\n# a\n# ///\n\n# /// script\n# b\n# ///\n",
                 "job.py:6: a second block of script metadata, after that of line 2"},
                {"\n# /// script\n# a = \n# ///\n", "job.py:3: "},
                {"# /// script\n# dependencies = \"six\"\n# ///\n",
                 "job.py:2: 'dependencies' must be a list of strings"},
                {"# /// script\n# dependencies = [1]\n# ///\n",
                 "job.py:2: 'dependencies' must be a list of strings"},
                {"# /// script\n# dependencies = [\"a\\u0000b\"]\n# ///\n",
                 "job.py:2: 'dependencies' must be a list of strings"},
                {"# /// script\n# requires-python = 3.11\n# ///\n",
                 "job.py:2: 'requires-python' must be a string"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                Pep723Metadata metadata = PEP723_METADATA_NULL;
                Failure failure;

                assert_int_equal(read_script(&metadata, rows[i].script, &failure), -EINVAL);
                assert_int_equal(failure.stage, FAILURE_STAGE_REQUEST);
                assert_memory_equal(failure.text, rows[i].words, strlen(rows[i].words));
                assert_null(metadata.requires_python);
        }
}

/* @n times @piece between @head and @tail. */
static char *repeat(const char *head, const char *piece, size_t n, const char *tail) {
        size_t length = strlen(piece), start = strlen(head);
        char *text = malloc(start + n * length + strlen(tail) + 1);

        assert_non_null(text);
        memcpy(text, head, start);
        for (size_t i = 0; i < n; ++i)
                memcpy(text + start + i * length, piece, length);
        memcpy(text + start + n * length, tail, strlen(tail) + 1);
        return text;
}

static void test_hostile_sizes(void **state) {
        static const struct {
                const char *head, *piece, *tail;
                size_t n;
                int r;
        } rows[] = {
                {"# /// script\n", "# x = 1\n", "# ///\n", 100000, -EINVAL},
                {"# /// script\n# a = ", "[", "\n# ///\n", 30000, -EINVAL},
                {"# /// script\n# a", ".a", " = 1\n# ///\n", 30000, -EINVAL},
                {"# /// script\n# dependencies = [", "\"a\",", "]\n# ///\n", 10000, -EINVAL},
                {"", "# /// script\n", "", 300000, PEP723_E_NONE},
                {"", "# /// a\n# ///\nx\n", "", 100000, PEP723_E_NONE},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                _cleanup_(freep) char *script =
                        repeat(rows[i].head, rows[i].piece, rows[i].n, rows[i].tail);
                Pep723Metadata metadata = PEP723_METADATA_NULL;
                Failure failure;

                assert_int_equal(read_script(&metadata, script, &failure), rows[i].r);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_blocks),         cmocka_unit_test(test_metadata),
                cmocka_unit_test(test_empty_metadata), cmocka_unit_test(test_faults_are_named),
                cmocka_unit_test(test_hostile_sizes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
