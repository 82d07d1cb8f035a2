/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "cli/quantity.h"
#include "cli/suggest.h"

typedef struct Parser Parser;

struct Parser {
        const OptionSpec *specs;
        uint8_t *fields;
        OptionList *operands;
        int argc;
        char **argv;
        int next; /* the argument to read next */
        OptionFault *fault;
        bool faulty;
};

_printf_(2, 3) static int parser_fault(Parser *parser, const char *format, ...) {
        va_list arguments;

        if (parser->faulty)
                return 0;
        parser->faulty = true;
        va_start(arguments, format);
        (void)vsnprintf(parser->fault->text, sizeof(parser->fault->text), format, arguments);
        va_end(arguments);
        return 0;
}

void option_list_deinit(OptionList *list) {
        free(list->items);
        *list = (OptionList){0};
}

int option_list_append(OptionList *list, const char *item, size_t max) {
        if (!list->items) {
                list->items = calloc(max, sizeof(*list->items));
                if (!list->items)
                        return -ENOMEM;
        }
        list->items[list->n_items++] = item;
        return 0;
}

static const OptionSpec *spec_find_name(const OptionSpec *specs, const char *name, size_t length) {
        for (const OptionSpec *spec = specs; spec->name; spec++)
                if (strncmp(spec->name, name, length) == 0 && spec->name[length] == '\0')
                        return spec;
        return NULL;
}

static const OptionSpec *spec_find_letter(const OptionSpec *specs, char letter) {
        for (const OptionSpec *spec = specs; spec->name; spec++)
                if (spec->letter == letter)
                        return spec;
        return NULL;
}

static int quantity_store(Parser *parser,
                          const OptionSpec *spec,
                          const char *value,
                          const char *what,
                          int (*parse)(const char *, uint64_t *)) {
        uint64_t number = 0;

        if (parse(value, &number) || number == 0)
                return parser_fault(parser, "--%s '%.64s': not a %s", spec->name, value, what);
        *(uint64_t *)(void *)(parser->fields + spec->offset) = number;
        return 0;
}

static int value_store(Parser *parser, const OptionSpec *spec, const char *value) {
        void *field = parser->fields + spec->offset;

        switch (spec->kind) {
        case OPTION_FLAG:
                *(bool *)field = true;
                return 0;
        case OPTION_TEXT:
                *(const char **)field = value;
                return 0;
        case OPTION_LIST:
                return option_list_append(field, value, (size_t)parser->argc);
        case OPTION_DURATION:
                return quantity_store(parser, spec, value,
                                      "duration above zero, such as 0.5s, 200ms or 2m",
                                      quantity_parse_duration);
        case OPTION_SIZE:
                return quantity_store(parser, spec, value, "size above zero, such as 256M or 1G",
                                      quantity_parse_size);
        case OPTION_NUMBER:
                return quantity_store(parser, spec, value, "whole number above zero, such as 64",
                                      quantity_parse_number);
        }
        return -EINVAL;
}

/* @attached is what stood behind '=' or the letter, NULL where nothing did. */
static int option_apply(Parser *parser, const OptionSpec *spec, const char *attached) {
        if (spec->kind == OPTION_FLAG && attached)
                return parser_fault(parser, "--%s takes no value", spec->name);
        if (spec->kind == OPTION_FLAG || attached)
                return value_store(parser, spec, attached);
        if (parser->next == parser->argc)
                return parser_fault(parser, "--%s needs a value: %s", spec->name, spec->value);
        return value_store(parser, spec, parser->argv[parser->next++]);
}

static int long_parse(Parser *parser, const char *name) {
        size_t length = strcspn(name, "=");
        const OptionSpec *spec = spec_find_name(parser->specs, name, length);
        char word[64] = {0};
        Suggestion suggestion = SUGGESTION_INIT(word);

        if (spec)
                return option_apply(parser, spec, name[length] ? name + length + 1 : NULL);
        if (length == 4 && strncmp(name, "help", length) == 0)
                return OPTIONS_E_HELP;

        (void)snprintf(word, sizeof(word), "%.*s", (int)min_size(length, sizeof(word) - 1), name);
        for (spec = parser->specs; spec->name; spec++)
                suggestion_consider(&suggestion, spec->name);
        if (suggestion.best)
                return parser_fault(parser, "unknown option '--%s': did you mean '--%s'?", word,
                                    suggestion.best);
        return parser_fault(parser, "unknown option '--%s'", word);
}

/* "-qj", "-c CODE", "-cCODE" */
static int short_parse(Parser *parser, const char *letters) {
        for (; *letters; letters++) {
                const OptionSpec *spec = spec_find_letter(parser->specs, *letters);
                int r;

                if (!spec && *letters == 'h')
                        return OPTIONS_E_HELP;
                if (!spec)
                        return parser_fault(parser, "unknown option '-%c'", *letters);
                if (spec->kind != OPTION_FLAG)
                        return option_apply(parser, spec, letters[1] ? letters + 1 : NULL);
                r = option_apply(parser, spec, NULL);
                if (r)
                        return r;
        }
        return 0;
}

int options_parse(const OptionSpec *specs,
                  void *fields,
                  OptionList *operands,
                  int argc,
                  char **argv,
                  OptionFault *fault) {
        Parser parser = {
                .specs = specs,
                .fields = fields,
                .operands = operands,
                .argc = argc,
                .argv = argv,
                .fault = fault,
        };
        bool only_operands = false;

        while (parser.next < argc) {
                const char *argument = argv[parser.next++];
                int r;

                if (only_operands || argument[0] != '-' || argument[1] == '\0') {
                        r = option_list_append(operands, argument, (size_t)argc);
                } else if (argument[1] != '-') {
                        r = short_parse(&parser, argument + 1);
                } else if (argument[2] == '\0') {
                        only_operands = true;
                        r = 0;
                } else {
                        r = long_parse(&parser, argument + 2);
                }
                if (r)
                        return r;
        }
        return parser.faulty ? OPTIONS_E_USAGE : 0;
}
