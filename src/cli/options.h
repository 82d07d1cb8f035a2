#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Options: a verb's command line, parsed by a table
 *
 * A verb declares a struct for its options and one row per option that says where in the struct the
 * value goes. Help and did-you-mean read the same rows. Options and operands may come in any order;
 * `--` ends the options, and a lone `-` is an operand. Values are borrowed from argv.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

typedef struct OptionFault OptionFault;
typedef struct OptionList OptionList;
typedef struct OptionSpec OptionSpec;

enum {
        _OPTIONS_E_SUCCESS,
        OPTIONS_E_HELP,  /* --help or -h: not a mistake, and nothing else matters */
        OPTIONS_E_USAGE, /* the words are in the fault */
};

typedef enum OptionKind {
        OPTION_FLAG,     /* bool */
        OPTION_TEXT,     /* const char *, the last one wins */
        OPTION_LIST,     /* OptionList, all of them in order */
        OPTION_DURATION, /* uint64_t nanoseconds, never 0 once given */
        OPTION_SIZE,     /* uint64_t bytes, never 0 once given */
        OPTION_NUMBER,   /* uint64_t, never 0 once given */
} OptionKind;

/* A table ends with a row without a name. */
struct OptionSpec {
        const char *name;  /* without the dashes */
        char letter;       /* the short form; 0 where there is none */
        OptionKind kind;   /* decides the type at @offset */
        size_t offset;     /* offsetof() the field in the verb's struct */
        const char *value; /* what help calls the value; NULL for a flag */
        const char *help;  /* lower case, no full stop; '\n' starts another line */
};

struct OptionList {
        const char **items; /* borrowed strings */
        size_t n_items;
};

struct OptionFault {
        char text[256];
};

void option_list_deinit(OptionList *list);
/* Room for all comes from @max, the number of arguments; 0 or -ENOMEM. */
int option_list_append(OptionList *list, const char *item, size_t max);

/* Parses @argv[0 … @argc-1] (no program name) into @fields, which the caller has zeroed, and
 * @operands. After the first mistake it reads on, so that flags behind it are known too; @fault
 * keeps the first. Returns 0, OPTIONS_E_* or -ENOMEM. */
int options_parse(const OptionSpec *specs,
                  void *fields,
                  OptionList *operands,
                  int argc,
                  char **argv,
                  OptionFault *fault);

static inline void option_list_deinitp(OptionList *list) {
        option_list_deinit(list);
}
