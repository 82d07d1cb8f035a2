/* SPDX-License-Identifier: MIT */
/*
 * The PEP's own definition is a regular expression:
 *
 *         (?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$
 *
 * Read as an automaton over lines: an opening line; then a run of comment lines ("#", or "# " and
 * anything), of which the last "# ///" closes the block, because the expression is greedy; at least
 * one line between. No other opening of that run can close, since behind the last "# ///" there is
 * none, and before it either the first opening took it or it came too early for all. So the search
 * goes on behind the run, and each line is looked at once.
 *
 * As Python's own reading of a source file does, "\r\n" and "\r" end a line too.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "engine/pep723.h"
#include "policy/toml.h"

typedef struct Line {
        const char *start;
        const char *end;  /* without its newline */
        const char *next; /* the start of the next one; NULL after the last */
        unsigned int number;
} Line;

typedef struct Block {
        Line first; /* of the content */
        Line close; /* the "# ///" */
        bool is_script;
} Block;

void pep723_metadata_deinit(Pep723Metadata *metadata) {
        strings_deinit(&metadata->dependencies);
        free(metadata->requires_python);
        *metadata = PEP723_METADATA_NULL;
}

/* lines */

static Line line_at(const char *start, const char *limit, unsigned int number) {
        Line line = {.start = start, .end = start, .number = number};

        while (line.end < limit && *line.end != '\n' && *line.end != '\r')
                ++line.end;
        if (line.end < limit)
                line.next =
                        line.end +
                        (line.end + 1 < limit && line.end[0] == '\r' && line.end[1] == '\n' ? 2
                                                                                            : 1);
        return line;
}

static bool line_next(Line *line, const char *limit) {
        if (!line->next || line->next == limit)
                return false;
        *line = line_at(line->next, limit, line->number + 1);
        return true;
}

static size_t line_length(const Line *line) {
        return (size_t)(line->end - line->start);
}

static bool line_is(const Line *line, const char *text) {
        size_t length = strlen(text);

        return line_length(line) == length && memcmp(line->start, text, length) == 0;
}

static bool line_is_content(const Line *line) {
        return line_is(line, "#") || (line_length(line) >= 2 && memcmp(line->start, "# ", 2) == 0);
}

static bool line_is_opening(const Line *line) {
        static const char prefix[] = "# /// ";
        const char *p = line->start + sizeof(prefix) - 1;

        if (line_length(line) < sizeof(prefix) ||
            memcmp(line->start, prefix, sizeof(prefix) - 1) != 0)
                return false;
        for (; p < line->end; ++p)
                if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                      (*p >= '0' && *p <= '9') || *p == '-'))
                        return false;
        return true;
}

/* blocks */

/* The block that @line opens; on return @line is the one that ended the run, or the last of all. */
static bool block_scan(Block *block, Line *line, const char *limit) {
        bool closed = false, more;

        block->is_script = line_is(line, "# /// script");
        more = line_next(line, limit);
        block->first = *line;
        for (size_t n = 0; more && line_is_content(line); ++n) {
                if (n > 0 && line_is(line, "# ///")) {
                        block->close = *line;
                        closed = true;
                }
                more = line_next(line, limit);
        }
        return closed;
}

/* The one block of type "script": 0, PEP723_E_NONE, or -EINVAL for a second. */
static int
block_find(Block *block, const char *text, size_t length, const char *name, Failure *failure) {
        const char *limit = text + length;
        Line line = line_at(text, limit, 1);
        bool found = false;
        Block next = {.is_script = false};

        do {
                if (!line_is_opening(&line) || !block_scan(&next, &line, limit) || !next.is_script)
                        continue;
                if (found)
                        return failure_set(failure, FAILURE_STAGE_REQUEST, EINVAL,
                                           "%s:%u: a second block of script metadata, after that "
                                           "of line %u",
                                           name, next.first.number - 1, block->first.number - 1);
                *block = next;
                found = true;
        } while (line_next(&line, limit));
        return found ? 0 : PEP723_E_NONE;
}

/* Blank lines first, so that the text's lines are numbered as the script's. */
static int block_content(const Block *block, Buffer *content) {
        Line line = block->first;
        int r = 0;

        for (unsigned int i = 1; r == 0 && i < line.number; ++i)
                r = buffer_append(content, "\n", 1);
        while (r == 0 && line.start != block->close.start) {
                size_t sign = min_size(line_length(&line), 2); /* "#" or "# " */

                r = buffer_append(content, line.start + sign, line_length(&line) - sign);
                if (r == 0)
                        r = buffer_append(content, "\n", 1);
                (void)line_next(&line, block->close.end);
        }
        return r;
}

int pep723_extract(const char *text,
                   size_t length,
                   const char *name,
                   char **contentp,
                   size_t *content_lengthp,
                   Failure *failure) {
        _cleanup_(buffer_deinitp) Buffer content = BUFFER_NULL;
        Block block = {.is_script = false};
        char *stolen;
        int r;

        if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
                text += 3;
                length -= 3;
        }
        if (length == 0)
                return PEP723_E_NONE;
        r = block_find(&block, text, length, name, failure);
        if (r != 0)
                return r;
        if (block.close.start - block.first.start > PEP723_BLOCK_MAX)
                return failure_set(failure, FAILURE_STAGE_REQUEST, EINVAL,
                                   "%s:%u: script metadata of more than %d bytes", name,
                                   block.first.number - 1, PEP723_BLOCK_MAX);
        buffer_init(&content, length + 1);
        r = block_content(&block, &content);
        stolen = r == 0 ? buffer_steal(&content, content_lengthp) : NULL;
        if (!stolen)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, ENOMEM,
                                     "cannot read script metadata of '%s'", name);
        *contentp = stolen;
        return 0;
}

/* metadata */

static bool key_is(const Entry *entry, const char *key) {
        return !entry->nested && entry->key_length == strlen(key) &&
               memcmp(entry->key, key, entry->key_length) == 0;
}

/* Text of ours is a C string from here on: no NUL in it. */
static bool value_is_text(const Value *value) {
        return value->type == VALUE_STRING && !memchr(value->text, '\0', value->length);
}

/* Each returns what is wrong, NULL if nothing. */
static const char *read_dependencies(Pep723Metadata *metadata, const Entry *entry) {
        if (entry->value.type != VALUE_LIST)
                return "'dependencies' must be a list of strings";
        if (entry->n_items > PEP723_DEPENDENCIES_MAX)
                return "too many dependencies";
        for (size_t i = 0; i < entry->n_items; ++i) {
                if (!value_is_text(&entry->items[i]))
                        return "'dependencies' must be a list of strings";
                if (strings_add(&metadata->dependencies, entry->items[i].text) < 0)
                        return "out of memory";
        }
        return NULL;
}

static const char *read_requires_python(Pep723Metadata *metadata, const Entry *entry) {
        if (!value_is_text(&entry->value))
                return "'requires-python' must be a string";
        metadata->requires_python = strdup(entry->value.text);
        return metadata->requires_python ? NULL : "out of memory";
}

static const char *read_entry(Pep723Metadata *metadata, const Entry *entry) {
        if (key_is(entry, "dependencies"))
                return read_dependencies(metadata, entry);
        if (key_is(entry, "requires-python"))
                return read_requires_python(metadata, entry);
        return NULL; /* [tool], and what later versions of the PEP may add */
}

static int read_toml(Pep723Metadata *metadata,
                     const char *content,
                     size_t length,
                     const char *name,
                     Failure *failure) {
        _cleanup_(document_deinitp) Document document = DOCUMENT_NULL;
        int r = toml_read(&document, content, length, name, failure);

        if (r < 0) {
                if (failure)
                        failure->stage = FAILURE_STAGE_REQUEST; /* it is no policy file */
                return r;
        }
        for (size_t i = 0; i < document.n_entries; ++i) {
                const Entry *entry = &document.entries[i];
                const char *fault = read_entry(metadata, entry);

                if (fault)
                        return failure_set(failure, FAILURE_STAGE_REQUEST, EINVAL, "%s:%u: %s",
                                           name, entry->value.line, fault);
        }
        return 0;
}

int pep723_read(Pep723Metadata *metadata,
                const char *text,
                size_t length,
                const char *name,
                Failure *failure) {
        _cleanup_(pep723_metadata_deinitp) Pep723Metadata found = PEP723_METADATA_NULL;
        _cleanup_(freep) char *content = NULL;
        size_t content_length;
        int r;

        r = pep723_extract(text, length, name, &content, &content_length, failure);
        if (r == 0)
                r = read_toml(&found, content, content_length, name, failure);
        if (r != 0)
                return r;
        *metadata = found;
        found = PEP723_METADATA_NULL;
        return 0;
}
