/* SPDX-License-Identifier: MIT */
/*
 * Runs a piece of Python under a policy of its own and prints what it came to
 *
 *         cc embed.c $(pkg-config --cflags --libs libspr) && ./a.out [INTERPRETER]
 */
#include <spr/spr.h>
#include <stdio.h>
#include <string.h>

static const char code[] = "words = text.split()\n"
                           "print(f'counting {len(words)} words')\n"
                           "result = {word: words.count(word) for word in sorted(set(words))}\n";
static const char input[] = "{\"text\": \"to be or not to be\"}";

static int fill(SprRequest *request, SprPolicy *policy, SprError *error) {
        int r = spr_policy_set_timeout_ns(policy, 500000000, error);

        if (r == 0)
                r = spr_policy_set_memory_bytes(policy, 64 * 1048576, error);
        if (r == 0)
                r = spr_request_set_policy(request, policy);
        if (r == 0)
                r = spr_request_set_code(request, code, strlen(code));
        if (r == 0)
                r = spr_request_set_input_json(request, input, strlen(input));
        return r;
}

static int run(const SprEngineOptions *options, const SprRequest *request, SprError *error) {
        SprEngine *engine = NULL;
        SprResult *result = NULL;
        int r = spr_engine_new(&engine, options, error);

        if (r == 0)
                r = spr_engine_run(engine, request, &result, error);
        if (r == 0) {
                const char *json = spr_result_get_json(result, NULL);
                const char *words = spr_result_get_error(result);

                printf("outcome:   %s\n", spr_result_get_outcome_name(result));
                printf("result:    %s\n", json ? json : "null");
                printf("stdout:    %s", spr_result_get_stdout(result, NULL));
                printf("isolation: %s\n", spr_result_get_isolation_level(result));
                if (words)
                        printf("error:     %s\n", words);
                r = spr_result_get_exit_code(result);
        }
        spr_result_free(result);
        spr_engine_free(engine);
        return r;
}

int main(int argc, char **argv) {
        SprEngineOptions *options = NULL;
        SprRequest *request = NULL;
        SprPolicy *policy = NULL;
        SprError error = {0, "out of memory"};
        int r = spr_engine_options_new(&options);

        if (r == 0)
                r = spr_request_new(&request);
        if (r == 0)
                r = spr_policy_new(&policy);
        if (r == 0 && argc > 1)
                r = spr_engine_options_set_python(options, argv[1]);
        if (r == 0)
                r = fill(request, policy, &error);
        if (r == 0)
                r = run(options, request, &error);
        if (error.code != 0 || r < 0)
                fprintf(stderr, "embed: %s\n", error.message);
        spr_policy_free(policy);
        spr_request_free(request);
        spr_engine_options_free(options);
        return r == 0 ? 0 : 1;
}
