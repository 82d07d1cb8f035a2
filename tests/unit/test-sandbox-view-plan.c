/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/failure.h"
#include "sandbox/view.h"
#include "tree.h"

static ViewPlan *plan;

static void begin(const char *parent, const TreeRow *rows, size_t n_rows) {
        tree_new(parent, rows, n_rows);
        assert_int_equal(view_plan_new(&plan), 0);
}

static void end(void) {
        plan = view_plan_free(plan);
        tree_free();
}

static void add(const char *path) {
        Failure failure = FAILURE_NULL;

        assert_int_equal(view_plan_add(plan, path, &failure), 0);
        assert_int_equal(failure.stage, FAILURE_STAGE_NONE);
}

static const ViewEntry *find(const char *path) {
        for (size_t i = 0; i < plan->n_entries; ++i)
                if (!strcmp(plan->entries[i].path, path))
                        return &plan->entries[i];
        return NULL;
}

/* A path by way of links, with all that is then needed to walk it. */
static void test_symlinks(void **state) {
        static const TreeRow tree[] = {
                {"real", ""},
                {"real/bin", ""},
                {"real/bin/python", "-"},
                {"a", "@b"},
                {"b", "./c"},
                {"c", "real"},
                {"up", ""},
                {"up/back", "../real"},
                {"loop", "loop"},
                {"dangling", "@none"},
                {"file", "-"},
                {"tofile", "file"},
        };
        static const struct {
                const char *path, *bind; /* NULL = nothing is added */
                bool directory;
                const char *links[4][2];
        } rows[] = {
                {"real", "real", true, {{NULL}}},
                {"real/bin/", "real/bin", true, {{NULL}}},
                {"real//bin/../bin/./python", "real/bin/python", false, {{NULL}}},
                {"c", "real", true, {{"c", "real"}}},
                {"a/bin/python",
                 "real/bin/python",
                 false,
                 {{"a", "@b"}, {"b", "./c"}, {"./c", "real"}}},
                {"up/back/bin", "real/bin", true, {{"up/back", "../real"}}},
                {"tofile", "file", false, {{"tofile", "file"}}},
                {"loop", NULL, false, {{NULL}}},
                {"dangling", NULL, false, {{NULL}}},
                {"real/none", NULL, false, {{NULL}}},
                {"file/none", NULL, false, {{NULL}}},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                size_t n = 0;

                begin("/var/tmp", tree, ARRAY_SIZE(tree));
                add(tree_path(rows[i].path));
                add(tree_path(rows[i].path)); /* a second time changes nothing */
                for (; n < 4 && rows[i].links[n][0]; ++n) {
                        const char *target = rows[i].links[n][1];
                        const ViewEntry *link = find(tree_path(rows[i].links[n][0]));

                        assert_non_null(link);
                        assert_int_equal(link->kind, VIEW_SYMLINK);
                        assert_string_equal(link->target,
                                            *target == '@' ? tree_path(target + 1) : target);
                }
                if (rows[i].bind) {
                        const ViewEntry *bind = find(tree_path(rows[i].bind));

                        assert_non_null(bind);
                        assert_int_equal(bind->kind, VIEW_BIND);
                        assert_int_equal(bind->directory, rows[i].directory);
                        ++n;
                }
                assert_int_equal(plan->n_entries, n);
                end();
        }
}

static void test_too_general(void **state) {
        static const TreeRow tree[] = {{"root", "/"}, {"home", "/home"}, {"usr", "/usr/share/.."}};
        static const char *const paths[] = {
                "/",
                "//",
                "/usr",
                "/usr/",
                "/usr/lib/..",
                "/home",
                "/tmp",
                "/etc",
                "/proc",
                "/sys",
                "/dev",
                "/var",
                "/var/tmp",
                "/run",
                "relative",
                "",
                "/proc/self/root/.",
        };

        (void)state;
        begin("/var/tmp", tree, ARRAY_SIZE(tree));
        for (size_t i = 0; i < ARRAY_SIZE(paths); ++i)
                add(paths[i]);
        for (size_t i = 0; i < ARRAY_SIZE(tree); ++i)
                add(tree_path(tree[i].path));
        assert_int_equal(plan->n_entries, 0);
        end();
}

/* What an operator names is shown, or the words say why not. */
static void test_named(void **state) {
        static const TreeRow tree[] = {
                {"data", ""},
                {"file", "-"},
                {"link", "data"},
                {"proc", "/proc/self"},
        };
        static const struct {
                const char *path; /* '@' = in the tree */
                const char *error;
        } rows[] = {
                {"@data", NULL},
                {"@link", NULL},
                {"@file", NULL},
                {"/opt", NULL},
                {"/usr/share", NULL},
                {"data", "not absolute"},
                {"", "not absolute"},
                {"@none", "cannot find"},
                {"@file/none", "cannot find"},
                {"@proc", "too general"},
                {"/", "too general"},
                {"/usr/..", "too general"},
                {"/proc", "too general"},
                {"/proc/self/root", "too general"},
                {"/proc/sys", "too general"},
                {"/sys/kernel", "too general"},
                {"/dev", "too general"},
                {"/dev/null", "too general"},
                {"/etc", "too general"},
                {"/tmp", "too general"},
                {"/run", "too general"},
                {"/home", "too general"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                Failure failure = FAILURE_NULL;
                const char *path = rows[i].path;
                int r;

                begin("/var/tmp", tree, ARRAY_SIZE(tree));
                if (*path == '@')
                        path = tree_path(path + 1);
                r = view_plan_add_named(plan, path, &failure);
                assert_int_equal(r < 0, rows[i].error != NULL);
                if (rows[i].error) {
                        assert_int_equal(failure.stage, FAILURE_STAGE_ENVIRONMENT);
                        assert_non_null(strstr(failure.text, rows[i].error));
                        assert_non_null(strstr(failure.text, path));
                        assert_int_equal(plan->n_entries, 0);
                }
                end();
        }
}

/* Programs wait in the stash; what is needed always is there besides them. */
static void test_programs(void **state) {
        _cleanup_(freep) char *text = NULL;

        (void)state;
        assert_int_equal(view_plan_new(&plan), 0);
        assert_int_equal(view_plan_add_named(plan, "/usr/bin/env", NULL), 0);
        assert_int_equal(view_plan_add_system(plan, NULL), 0);
        assert_int_equal(view_plan_seal(plan, NULL), 0);
        text = view_plan_format(plan);
        assert_non_null(text);
        assert_non_null(strstr(text, "programs /usr/bin -> " VIEW_STASH "/"));
        assert_non_null(strstr(text, "file /usr/bin/env\n"));
        assert_non_null(strstr(text, "directory /usr/lib\n"));
        assert_non_null(strstr(text, "device /dev/null\n"));
        plan = view_plan_free(plan);

        /* an operator who names them wants them always */
        assert_int_equal(view_plan_new(&plan), 0);
        assert_int_equal(view_plan_add_system(plan, NULL), 0);
        assert_int_equal(view_plan_add_named(plan, "/usr/bin", NULL), 0);
        assert_int_equal(view_plan_seal(plan, NULL), 0);
        assert_false(find("/usr/bin")->programs);
        assert_null(find("/usr/bin")->stash);
        plan = view_plan_free(plan);
}

static void test_network(void **state) {
        static const char *const secret[] = {"/etc/ssl", "/etc/ssl/private", "/etc/pki", "/etc"};

        (void)state;
        assert_int_equal(view_plan_new(&plan), 0);
        assert_int_equal(view_plan_add_network(plan, NULL), 0);
        assert_int_equal(view_plan_seal(plan, NULL), 0);
        assert_int_equal(find("/etc/hosts") != NULL, access("/etc/hosts", F_OK) == 0);
        for (size_t i = 0; i < ARRAY_SIZE(secret); ++i)
                assert_null(find(secret[i]));
        plan = view_plan_free(plan);
}

static void test_format(void **state) {
        static const TreeRow tree[] = {{"a", ""}, {"l", "a"}};
        _cleanup_(freep) char *text = NULL, *empty = NULL;
        char wanted[256];

        (void)state;
        begin("/tmp", tree, ARRAY_SIZE(tree));
        empty = view_plan_format(plan);
        assert_string_equal(empty, "");
        add(tree_path("l"));
        assert_int_equal(view_plan_seal(plan, NULL), 0);
        text = view_plan_format(plan);
        (void)snprintf(wanted, sizeof(wanted), "directory %s -> " VIEW_STASH "/0\nlink %s -> a\n",
                       tree_path("a"), tree_path("l"));
        assert_string_equal(text, wanted);
        end();
}

static void test_seal(void **state) {
        static const TreeRow tree[] = {
                {"a", ""},  {"a/b", ""}, {"a/b/c", "-"}, {"a-b", ""},
                {"ab", ""}, {"l", "a"},  {"a/in", "b"},
        };
        static const char *const kept[] = {"a", "a-b", "ab", "l"};

        (void)state;
        begin("/var/tmp", tree, ARRAY_SIZE(tree));
        add(tree_path("ab"));
        add(tree_path("a/b/c"));
        add(tree_path("l/in/c"));
        add(tree_path("a-b"));
        add(tree_path("a"));
        assert_int_equal(view_plan_seal(plan, NULL), 0);
        assert_int_equal(plan->n_entries, ARRAY_SIZE(kept));
        for (size_t i = 0; i < ARRAY_SIZE(kept); ++i) {
                assert_string_equal(plan->entries[i].path, tree_path(kept[i]));
                assert_null(plan->entries[i].stash); /* not below /tmp */
        }
        end();
}

/* Below /tmp every bind has a stash of its own. */
static void test_stash(void **state) {
        static const TreeRow tree[] = {{"a", ""}, {"b", ""}, {"l", "a"}};
        const ViewEntry *a, *b;

        (void)state;
        begin("/tmp", tree, ARRAY_SIZE(tree));
        add(tree_path("a"));
        add(tree_path("b"));
        assert_int_equal(view_plan_seal(plan, NULL), 0);
        a = find(tree_path("a"));
        b = find(tree_path("b"));
        assert_true(a->stash && b->stash);
        assert_string_not_equal(a->stash, b->stash);
        assert_int_equal(strncmp(a->stash, VIEW_STASH "/", sizeof(VIEW_STASH)), 0);
        end();
}

static void test_too_many(void **state) {
        Failure failure = FAILURE_NULL;
        char name[16];

        (void)state;
        begin("/var/tmp", NULL, 0);
        for (unsigned int i = 0; i <= VIEW_ENTRIES_MAX; ++i) {
                (void)snprintf(name, sizeof(name), "%u", i);
                assert_int_equal(mkdir(tree_path(name), 0755), 0);
                assert_int_equal(view_plan_add(plan, tree_path(name), &failure) < 0,
                                 i == VIEW_ENTRIES_MAX);
        }
        assert_non_null(strstr(failure.text, "too many"));
        end();
}

/* Long components whose expansion passes PATH_MAX: words, not a bare number. */
static void test_too_long(void **state) {
        char path[PATH_MAX] = "", name[256];
        Failure failure = FAILURE_NULL;

        (void)state;
        begin("/var/tmp", NULL, 0);
        memset(name, 'x', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        assert_int_equal(mkdir(tree_path(name), 0755), 0);
        assert_int_equal(symlink(tree_path(name), tree_path("l")), 0);
        (void)snprintf(path, sizeof(path), "%s/l", tree_root);
        while (strlen(path) < PATH_MAX - 10)
                memcpy(path + strlen(path), "/.", 3);
        assert_true(view_plan_add(plan, path, &failure) < 0);
        assert_non_null(strstr(failure.text, "too long"));
        end();
}

static void test_system(void **state) {
        (void)state;
        assert_int_equal(view_plan_new(&plan), 0);
        assert_int_equal(view_plan_add_system(plan, NULL), 0);
        assert_int_equal(view_plan_seal(plan, NULL), 0);
        assert_int_equal(find("/dev/null")->kind, VIEW_DEVICE);
        assert_non_null(find("/usr/lib"));
        assert_null(find("/etc"));
        assert_null(find("/usr"));
        for (size_t i = 0; i < plan->n_entries; ++i)
                assert_true(i == 0 || strcmp(plan->entries[i - 1].path, plan->entries[i].path) < 0);
        plan = view_plan_free(plan);
        assert_null(view_plan_free(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_symlinks), cmocka_unit_test(test_too_general),
                cmocka_unit_test(test_seal),     cmocka_unit_test(test_stash),
                cmocka_unit_test(test_too_many), cmocka_unit_test(test_too_long),
                cmocka_unit_test(test_system),   cmocka_unit_test(test_named),
                cmocka_unit_test(test_programs), cmocka_unit_test(test_network),
                cmocka_unit_test(test_format),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
