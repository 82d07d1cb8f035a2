/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "cli/run-environment.h"
#include "cli/status.h"

/* libspr's part, played here: what is asked of it is written down, and what it answers is set. */
static char asked[2048];
static const char *missing;
static const char *dependency;

struct SprScript {
        int unused;
};

struct SprVenvOptions {
        int unused;
};

_printf_(1, 2) static int ask(const char *format, ...) {
        size_t length = strlen(asked);
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(asked + length, sizeof(asked) - length, format, arguments);
        va_end(arguments);
        return 0;
}

int spr_find_interpreter(const char *name,
                         const char *search_path,
                         const char *const *environment,
                         char **pathp,
                         SprError *error) {
        (void)environment;
        ask("find %s in %s\n", name, search_path ? search_path : "nothing");
        if (strstr(name, "python9")) {
                (void)snprintf(error->message, sizeof(error->message), "no '%s'", name);
                return SPR_E_INTERPRETER;
        }
        return asprintf(pathp, "/found/%s", name) < 0 ? -1 : 0;
}

int spr_script_new(
        SprScript **scriptp, const char *code, size_t length, const char *name, SprError *error) {
        (void)code, (void)length, (void)error;
        *scriptp = calloc(1, sizeof(**scriptp));
        return ask("read %s\n", name);
}

SprScript *spr_script_free(SprScript *script) {
        free(script);
        return NULL;
}

const char *spr_script_get_dependency(const SprScript *script, size_t index) {
        (void)script;
        return index == 0 ? dependency : NULL;
}

int spr_script_find_missing(const SprScript *script,
                            const char *python,
                            const char *const *environment,
                            char **missingp,
                            SprError *error) {
        (void)script, (void)environment, (void)error;
        *missingp = missing ? strdup(missing) : NULL;
        return ask("check %s\n", python);
}

int spr_venv_options_new(SprVenvOptions **optionsp) {
        *optionsp = calloc(1, sizeof(**optionsp));
        return 0;
}

SprVenvOptions *spr_venv_options_free(SprVenvOptions *options) {
        free(options);
        return NULL;
}

int spr_venv_options_set_python(SprVenvOptions *options, const char *path) {
        (void)options;
        return ask("on %s\n", path);
}

int spr_venv_options_set_search_path(SprVenvOptions *options, const char *search_path) {
        (void)options, (void)search_path;
        return 0;
}

int spr_venv_options_set_environment(SprVenvOptions *options, const char *const *environment) {
        (void)options, (void)environment;
        return 0;
}

int spr_venv_options_set_directory(SprVenvOptions *options, const char *directory) {
        (void)options;
        return ask("at %s\n", directory);
}

int spr_venv_options_add_package(SprVenvOptions *options, const char *package, SprError *error) {
        (void)options, (void)error;
        return ask("with %s\n", package);
}

int spr_venv_options_add_requirement(SprVenvOptions *options,
                                     const char *requirement,
                                     SprError *error) {
        (void)options, (void)error;
        return ask("for the script %s\n", requirement);
}

void spr_venv_options_set_allow_sdist(SprVenvOptions *options, bool allow) {
        (void)options;
        if (allow)
                ask("sdist\n");
}

void spr_venv_options_set_progress(SprVenvOptions *options, SprProgressFn progress, void *data) {
        (void)options, (void)progress, (void)data;
}

int spr_venv_cache_directory(const SprVenvOptions *options,
                             const char *cache_root,
                             char **directoryp,
                             SprError *error) {
        (void)options, (void)error;
        return asprintf(directoryp, "%s/hash", cache_root) < 0 ? -1 : 0;
}

int spr_venv_ensure(const SprVenvOptions *options, char **pythonp, SprError *error) {
        (void)options, (void)error;
        *pythonp = strdup("/cached/python");
        return ask("ensure\n");
}

typedef struct Scene {
        CliContext context;
        RunOptions options;
        RunInput input;
        Fault fault;
        char *python;
} Scene;

#define MARKED "# /// script\n# dependencies = []\n# ///\n"

static void scene_deinit(Scene *scene) {
        free(scene->python);
}

/* Finds the interpreter for the code @code, from a fresh start. */
static int scene_play(Scene *scene, const char *code) {
        char *argv[] = {(char[]){"it's.py"}, (char[]){"--input"}, (char[]){"@data.json"},
                        (char[]){""}};
        RunEnvironment environment = {
                .context = &scene->context,
                .options = &scene->options,
                .input = &scene->input,
                .words = &scene->context.words,
                .argc = ARRAY_SIZE(argv),
                .argv = argv,
        };

        asked[0] = '\0';
        scene->input = (RunInput){
                .name = "it's.py",
                .code = (char *)(uintptr_t)code,
                .n_code = strlen(code),
        };
        return run_environment_find_python(&environment, &scene->python, &scene->fault);
}

static void test_interpreters(void **state) {
        static const struct {
                const char *python, *venv, *virtual_env;
                const char *asked;
        } cases[] = {
                {NULL, NULL, NULL, "find python3 in /usr/bin\n"},
                {NULL, NULL, "/active", "find /active in /usr/bin\n"},
                {"python3.12", NULL, "/active", "find python3.12 in /usr/bin\n"},
                {NULL, "dir", "/active", "find ./dir in /usr/bin\n"},
                {NULL, "some/dir", NULL, "find some/dir in /usr/bin\n"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(scene_deinit) Scene scene = {
                        .context = {.search_path = "/usr/bin", .virtual_env = cases[i].virtual_env},
                        .options = {.python = cases[i].python, .venv = cases[i].venv},
                };

                assert_int_equal(scene_play(&scene, "result = 1"), 0);
                assert_string_equal(asked, cases[i].asked);
                assert_non_null(scene.python);
        }
}

static void test_not_found(void **state) {
        _cleanup_(scene_deinit) Scene scene = {.options = {.python = "python9"}};

        (void)state;
        assert_int_equal(scene_play(&scene, ""), STATUS_INTERPRETER);
        assert_string_equal(scene.fault.text, "no 'python9'");
        assert_null(scene.python);
}

static void test_contradictions(void **state) {
        const char *package = "a==1";
        const RunOptions cases[] = {
                {.venv = "dir", .python = "python3"},
                {.venv = "dir", .script_deps = true},
                {.venv = "dir", .packages = {.items = &package, .n_items = 1}},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(scene_deinit) Scene scene = {.options = cases[i]};

                assert_int_equal(scene_play(&scene, ""), STATUS_USAGE);
                assert_string_equal(asked, "");
        }
}

static void test_packages(void **state) {
        const char *packages[] = {"a==1", "b==2"};
        _cleanup_(scene_deinit) Scene scene = {
                .context = {.home = "/home/user", .cache_home = "/cache"},
                .options = {.packages = {.items = packages, .n_items = 2}, .allow_sdist = true},
        };
        _cleanup_(scene_deinit) Scene at_home = scene, nowhere = scene;

        (void)state;
        assert_int_equal(scene_play(&scene, ""), 0);
        assert_string_equal(asked,
                            "find python3 in nothing\non /found/python3\nwith a==1\nwith b==2\n"
                            "sdist\nat /cache/hash\nensure\n");
        assert_string_equal(scene.python, "/cached/python");

        at_home.context.cache_home = "relative"; /* not valid, says the XDG specification */
        assert_int_equal(scene_play(&at_home, ""), 0);
        assert_non_null(strstr(asked, "at /home/user/.cache/hash\n"));

        nowhere.context.home = nowhere.context.cache_home = NULL;
        assert_int_equal(scene_play(&nowhere, ""), STATUS_FAILURE);
        assert_non_null(strstr(nowhere.fault.text, "HOME"));
}

static void test_script_that_lacks_nothing(void **state) {
        _cleanup_(scene_deinit) Scene scene = {0};

        (void)state;
        dependency = "pandas>2";
        missing = NULL;
        assert_int_equal(scene_play(&scene, MARKED), 0);
        assert_string_equal(asked, "read it's.py\nfind python3 in nothing\ncheck /found/python3\n");
        assert_string_equal(scene.python, "/found/python3");
}

static void test_script_is_refused(void **state) {
        _cleanup_(scene_deinit) Scene scene = {.context = {.program = "./spr"}};

        (void)state;
        dependency = missing = "pandas>2";
        assert_int_equal(scene_play(&scene, MARKED), STATUS_USAGE);
        assert_string_equal(scene.fault.text,
                            "'it's.py' asks for packages that '/found/python3' lacks: pandas>2");
        assert_string_equal(scene.fault.remedy,
                            "./spr run --script-deps 'it'\\''s.py' --input @data.json ''");

        missing = "pandas>2, python>=3.99"; /* --script-deps is no help */
        assert_int_equal(scene_play(&scene, MARKED), STATUS_USAGE);
        assert_non_null(strstr(scene.fault.text, "--python"));
        assert_string_equal(scene.fault.remedy, "");
}

static void test_script_dependencies(void **state) {
        _cleanup_(scene_deinit) Scene scene = {
                .context = {.home = "/home/user"},
                .options = {.script_deps = true},
        };

        (void)state;
        dependency = "pandas>2";
        missing = NULL;
        assert_int_equal(scene_play(&scene, MARKED), 0);
        assert_non_null(strstr(asked, "for the script pandas>2\n"));
        assert_non_null(strstr(asked, "ensure\ncheck /cached/python\n"));
        assert_string_equal(scene.python, "/cached/python");

        scene_deinit(&scene);
        scene.python = NULL;
        dependency = NULL; /* it asks for nothing: no environment is made */
        assert_int_equal(scene_play(&scene, MARKED), 0);
        assert_null(strstr(asked, "ensure"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_interpreters),
                cmocka_unit_test(test_not_found),
                cmocka_unit_test(test_contradictions),
                cmocka_unit_test(test_packages),
                cmocka_unit_test(test_script_that_lacks_nothing),
                cmocka_unit_test(test_script_is_refused),
                cmocka_unit_test(test_script_dependencies),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
