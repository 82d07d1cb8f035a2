/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "base/json-writer.h"

static void test_members(void **state) {
        JsonWriter writer;
        char *json;

        (void)state;
        json_writer_init(&writer, 4096);
        json_writer_raw(&writer, "{");
        json_writer_string(&writer, "s", "a\"{");
        json_writer_string(&writer, "none", NULL);
        json_writer_text(&writer, "t", "abc", 2);
        json_writer_boolean(&writer, "b", true);
        json_writer_number(&writer, "n", UINT64_MAX);
        json_writer_ms(&writer, "ms", 1234567890);
        json_writer_key(&writer, "o");
        json_writer_raw(&writer, "{");
        json_writer_boolean(&writer, "b", false);
        json_writer_raw(&writer, "}}");
        assert_int_equal(json_writer_end(&writer, &json), 0);
        assert_string_equal(json, "{\"s\": \"a\\\"{\", \"none\": null, \"t\": \"ab\", \"b\": true, "
                                  "\"n\": 18446744073709551615, \"ms\": 1234.567, "
                                  "\"o\": {\"b\": false}}");
        free(json);
        json_writer_deinit(&writer);
}

static void test_room(void **state) {
        JsonWriter writer;
        char *json = NULL;

        (void)state;
        json_writer_init(&writer, 8);
        json_writer_raw(&writer, "{");
        json_writer_string(&writer, "key", "value");
        json_writer_raw(&writer, "}");
        assert_int_equal(json_writer_end(&writer, &json), -EFBIG);
        assert_null(json);
        json_writer_deinit(&writer);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_members),
                cmocka_unit_test(test_room),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
