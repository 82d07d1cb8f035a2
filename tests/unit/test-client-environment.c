/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/environment.h"
#include "wire/frame.h"
#include "wire/messages.h"

static Blob *base_new(void) {
        static const char strings[] = "/py\0json";
        EnvOpenFrame frame = {
                .startup_timeout_ns = 7,
                .n_preloads = 1,
                .flags = ENV_FLAG_PRELOAD_AUTO,
        };
        char bytes[sizeof(frame) + sizeof(strings)];
        Blob *blob;

        memcpy(bytes, &frame, sizeof(frame));
        memcpy(bytes + sizeof(frame), strings, sizeof(strings));
        assert_int_equal(blob_new(&blob, bytes, sizeof(bytes)), 0);
        return blob;
}

/* The demands of a policy with these paths. */
static Blob *demands(PolicyNetwork network, const char *const *paths) {
        _cleanup_(policy_freep) Policy *policy = NULL;
        Blob *blob;

        assert_int_equal(policy_new(&policy), 0);
        policy->network = network;
        for (; *paths; ++paths)
                assert_int_equal(policy_add_read_only_path(policy, *paths, NULL), 0);
        assert_int_equal(demands_new(&blob, policy), 0);
        return blob;
}

static Blob *demand(const char *path) {
        return demands(POLICY_NETWORK_NONE, (const char *const[]){path, NULL});
}

static void test_demands(void **state) {
        _cleanup_(blob_unrefp) Blob *none = demand(NULL);
        _cleanup_(blob_unrefp) Blob *host =
                demands(POLICY_NETWORK_HOST, (const char *const[]){NULL});
        _cleanup_(blob_unrefp) Blob *both =
                demands(POLICY_NETWORK_NONE, (const char *const[]){"/a", "/b", NULL});
        _cleanup_(blob_unrefp) Blob *turned =
                demands(POLICY_NETWORK_NONE, (const char *const[]){"/b", "/a", "/b/", NULL});
        _cleanup_(blob_unrefp) Blob *base = base_new();
        Environments set;
        Environment *environment;

        (void)state;
        assert_null(none);
        assert_int_equal(environments_init(&set, base), 0);
        assert_ptr_equal(environments_find(&set, NULL), environments_first(&set));
        assert_null(environments_find(&set, host));
        assert_int_equal(environments_add(&set, both, &environment), 0);
        assert_ptr_equal(environments_find(&set, turned), environment); /* in any order */
        assert_null(environments_find(&set, host));
        environments_deinit(&set);
}

static void test_payload(void **state) {
        static const char strings[] = "/py\0json\0/a\0/b";
        _cleanup_(blob_unrefp) Blob *base = base_new(), *payload = NULL;
        _cleanup_(blob_unrefp) Blob *wanted =
                demands(POLICY_NETWORK_HOST, (const char *const[]){"/b", "/a", NULL});
        Failure failure = FAILURE_NULL;
        Environment *environment;
        EnvOpenFrame frame;
        Environments set;

        (void)state;
        assert_int_equal(environments_init(&set, base), 0);
        assert_int_equal(
                environment_payload(environments_first(&set), set.base, &payload, &failure), 0);
        assert_int_equal(payload->size, base->size);
        assert_memory_equal(payload->bytes, base->bytes, base->size);
        payload = blob_unref(payload);
        assert_int_equal(environments_add(&set, wanted, &environment), 0);
        assert_int_equal(environment_payload(environment, set.base, &payload, &failure), 0);
        memcpy(&frame, payload->bytes, sizeof(frame));
        assert_int_equal(frame.startup_timeout_ns, 7);
        assert_int_equal(frame.n_preloads, 1);
        assert_int_equal(frame.n_paths, 2);
        assert_int_equal(frame.flags, ENV_FLAG_HOST_NETWORK | ENV_FLAG_PRELOAD_AUTO);
        assert_int_equal(payload->size, sizeof(frame) + sizeof(strings));
        assert_memory_equal(payload->bytes + sizeof(frame), strings, sizeof(strings));
        environments_deinit(&set);
}

/* More paths than an ENV_OPEN frame holds. */
static void test_payload_too_long(void **state) {
        _cleanup_(policy_freep) Policy *policy = NULL;
        _cleanup_(blob_unrefp) Blob *base = base_new(), *wanted = NULL, *payload = NULL;
        Failure failure = FAILURE_NULL;
        char path[POLICY_PATH_MAX + 1];
        Environment *environment;
        Environments set;

        (void)state;
        assert_int_equal(policy_new(&policy), 0);
        memset(path, 'a', POLICY_PATH_MAX);
        path[POLICY_PATH_MAX] = '\0';
        path[0] = '/';
        for (char c = 'a'; c < 'a' + FRAME_PAYLOAD_MAX / POLICY_PATH_MAX; ++c) {
                path[1] = c;
                assert_int_equal(policy_add_read_only_path(policy, path, NULL), 0);
        }
        assert_int_equal(demands_new(&wanted, policy), 0);
        assert_int_equal(environments_init(&set, base), 0);
        assert_int_equal(environments_add(&set, wanted, &environment), 0);
        assert_int_equal(environment_payload(environment, base, &payload, &failure), -E2BIG);
        assert_string_equal(failure.text, "the policy's read_only_paths are too long");
        environments_deinit(&set);
}

/* The first stays, those with runs stay, of the others the one unused longest goes. */
static void test_idle(void **state) {
        _cleanup_(blob_unrefp) Blob *base = base_new();
        Environment *items[ENVIRONMENTS_MAX];
        const Failure why = FAILURE_NULL;
        Environments set;

        (void)state;
        assert_int_equal(environments_init(&set, base), 0);
        assert_null(environments_find_idle(&set));
        for (size_t i = 1; i < ENVIRONMENTS_MAX; ++i) {
                _cleanup_(blob_unrefp) Blob *wanted = NULL;
                char path[16];

                (void)snprintf(path, sizeof(path), "/%zu", i);
                wanted = demand(path);
                assert_false(environments_full(&set));
                assert_int_equal(environments_add(&set, wanted, &items[i]), 0);
                items[i]->id = i;
                items[i]->last_run = 100 - i;
        }
        assert_true(environments_full(&set));
        assert_ptr_equal(environments_find_idle(&set), items[ENVIRONMENTS_MAX - 1]);
        (void)environment_ref(items[ENVIRONMENTS_MAX - 1]);
        assert_ptr_equal(environments_find_idle(&set), items[ENVIRONMENTS_MAX - 2]);
        environments_drop(&set, items[1], &why);
        assert_null(environments_find_id(&set, 1));
        assert_ptr_equal(environments_find_id(&set, 2), items[2]);
        environments_reset(&set, &why);
        assert_int_equal(set.n_items, 1);
        assert_int_equal(environments_first(&set)->state, ENVIRONMENT_NONE);
        assert_null(environment_unref(items[ENVIRONMENTS_MAX - 1])); /* a run held it */
        environments_deinit(&set);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_demands),
                cmocka_unit_test(test_payload),
                cmocka_unit_test(test_payload_too_long),
                cmocka_unit_test(test_idle),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
