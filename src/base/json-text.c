/* SPDX-License-Identifier: MIT */
/*
 * The checker is a loop over "what may come next": a value, a key, a comma. The only thing it
 * remembers of the containers around is one bit each, object or array, in an array of fixed size;
 * so a text of ten thousand brackets costs nothing and is refused at the allowed depth.
 *
 * Strings make up most of large texts. They are scanned eight bytes at a time until one of the
 * eight is a quote, a backslash, a control character or not ASCII.
 */
#include <string.h>

#include "base/json-text.h"
#include "base/utf8.h"

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

typedef enum Expect {
        EXPECT_VALUE,
        EXPECT_ITEM_OR_END, /* after '[' */
        EXPECT_KEY,
        EXPECT_KEY_OR_END, /* after '{' */
        EXPECT_COMMA_OR_END,
        EXPECT_NOTHING,
} Expect;

typedef struct Checker {
        const uint8_t *at, *end;
        const char *reason;
        Expect expect;
        unsigned int depth, depth_max;
        uint8_t objects[JSON_TEXT_DEPTH_MAX / 8]; /* a bit per open container: is it an object? */
} Checker;

static bool is_space(uint8_t c) {
        return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool is_digit(uint8_t c) {
        return c >= '0' && c <= '9';
}

static int hex_digit(uint8_t c) {
        if (is_digit(c))
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const uint8_t *skip_space(const uint8_t *at, const uint8_t *end) {
        while (at < end && is_space(*at))
                ++at;
        return at;
}

/* The end of the run of printable ASCII without quote and backslash that starts at @at. */
static const uint8_t *skip_plain(const uint8_t *at, const uint8_t *end) {
        while (end - at >= 8) {
                uint64_t w, quotes, escapes;

                memcpy(&w, at, sizeof(w));
                quotes = w ^ EACH_BYTE('"');
                escapes = w ^ EACH_BYTE('\\');
                if ((w | (w - EACH_BYTE(0x20)) | (quotes - EACH_BYTE(1)) |
                     (escapes - EACH_BYTE(1))) &
                    EACH_BYTE(0x80))
                        break;
                at += 8;
        }
        while (at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
                ++at;
        return at;
}

static int checker_fault(Checker *checker, const char *reason) {
        checker->reason = reason;
        return JSON_TEXT_E_INVALID;
}

/* Steps over @literal; false where something else stands there. */
static bool checker_literal(Checker *checker, const char *literal) {
        size_t length = strlen(literal);

        if ((size_t)(checker->end - checker->at) < length ||
            memcmp(checker->at, literal, length) != 0)
                return false;
        checker->at += length;
        return true;
}

static bool checker_char(Checker *checker, char c) {
        if (checker->at == checker->end || *checker->at != (uint8_t)c)
                return false;
        ++checker->at;
        return true;
}

static size_t checker_digits(Checker *checker) {
        const uint8_t *start = checker->at;

        while (checker->at < checker->end && is_digit(*checker->at))
                ++checker->at;
        return (size_t)(checker->at - start);
}

static int checker_number(Checker *checker) {
        if (checker_char(checker, '-') && checker_literal(checker, "Infinity"))
                return 0;
        if (!checker_char(checker, '0') && checker_digits(checker) == 0)
                return checker_fault(checker, "expected a digit");
        if (checker_char(checker, '.') && checker_digits(checker) == 0)
                return checker_fault(checker, "expected a digit after the point");
        if (checker_char(checker, 'e') || checker_char(checker, 'E')) {
                if (!checker_char(checker, '+'))
                        (void)checker_char(checker, '-');
                if (checker_digits(checker) == 0)
                        return checker_fault(checker, "expected a digit in the exponent");
        }
        return 0;
}

/* At a backslash. */
static int checker_escape(Checker *checker) {
        size_t room = (size_t)(checker->end - checker->at);

        if (room < 2)
                return checker_fault(checker, "the string does not end");
        if (checker->at[1] != 'u') {
                if (!checker->at[1] || !strchr("\"\\/bfnrt", checker->at[1]))
                        return checker_fault(checker, "unknown escape in a string");
                checker->at += 2;
                return 0;
        }
        for (size_t i = 2; i < 6; ++i)
                if (i >= room || hex_digit(checker->at[i]) < 0)
                        return checker_fault(checker, "expected four hexadecimal digits");
        checker->at += 6;
        return 0;
}

static int checker_string(Checker *checker) {
        ++checker->at;
        for (;;) {
                size_t step;
                int r;

                checker->at = skip_plain(checker->at, checker->end);
                if (checker->at == checker->end)
                        return checker_fault(checker, "the string does not end");
                if (*checker->at == '"') {
                        ++checker->at;
                        return 0;
                }
                if (*checker->at == '\\') {
                        r = checker_escape(checker);
                        if (r)
                                return r;
                        continue;
                }
                if (*checker->at < 0x20)
                        return checker_fault(checker, "control character in a string");
                step = utf8_sequence(checker->at, (size_t)(checker->end - checker->at));
                if (step == 0)
                        return checker_fault(checker, "not UTF-8");
                checker->at += step;
        }
}

static bool checker_in_object(const Checker *checker) {
        unsigned int top = checker->depth - 1;

        return checker->objects[top / 8] & 1u << top % 8;
}

static int checker_open(Checker *checker, bool object) {
        unsigned int top = checker->depth;

        if (top >= checker->depth_max) {
                checker->reason = "nested too deeply";
                return JSON_TEXT_E_DEPTH;
        }
        if (object)
                checker->objects[top / 8] |= (uint8_t)(1u << top % 8);
        else
                checker->objects[top / 8] &= (uint8_t) ~(1u << top % 8);
        ++checker->depth;
        ++checker->at;
        checker->expect = object ? EXPECT_KEY_OR_END : EXPECT_ITEM_OR_END;
        return 0;
}

/* What may follow a complete value, here. */
static void checker_value_done(Checker *checker) {
        checker->expect = checker->depth > 0 ? EXPECT_COMMA_OR_END : EXPECT_NOTHING;
}

static void checker_close(Checker *checker) {
        --checker->depth;
        ++checker->at;
        checker_value_done(checker);
}

static int checker_word(Checker *checker) {
        static const char *const words[] = {"null", "true", "false", "NaN", "Infinity"};

        for (size_t i = 0; i < ARRAY_SIZE(words); ++i)
                if (checker_literal(checker, words[i]))
                        return 0;
        return checker_fault(checker, "expected a value");
}

static int checker_value(Checker *checker) {
        uint8_t c = *checker->at;
        int r;

        if (c == '{' || c == '[')
                return checker_open(checker, c == '{');
        if (c == '"')
                r = checker_string(checker);
        else if (c == '-' || is_digit(c))
                r = checker_number(checker);
        else
                r = checker_word(checker);
        if (!r)
                checker_value_done(checker);
        return r;
}

static int checker_key(Checker *checker) {
        int r;

        if (*checker->at != '"')
                return checker_fault(checker, "expected a key in double quotes");
        r = checker_string(checker);
        if (r)
                return r;
        checker->at = skip_space(checker->at, checker->end);
        if (!checker_char(checker, ':'))
                return checker_fault(checker, "expected ':' after the key");
        checker->expect = EXPECT_VALUE;
        return 0;
}

static int checker_comma_or_end(Checker *checker) {
        bool object = checker_in_object(checker);

        if (*checker->at == (object ? '}' : ']')) {
                checker_close(checker);
                return 0;
        }
        if (*checker->at != ',')
                return checker_fault(checker,
                                     object ? "expected ',' or '}'" : "expected ',' or ']'");
        ++checker->at;
        checker->expect = object ? EXPECT_KEY : EXPECT_VALUE;
        return 0;
}

static int checker_step(Checker *checker) {
        switch (checker->expect) {
        case EXPECT_ITEM_OR_END:
                if (*checker->at == ']') {
                        checker_close(checker);
                        return 0;
                }
                return checker_value(checker);
        case EXPECT_VALUE:
                return checker_value(checker);
        case EXPECT_KEY_OR_END:
                if (*checker->at == '}') {
                        checker_close(checker);
                        return 0;
                }
                return checker_key(checker);
        case EXPECT_KEY:
                return checker_key(checker);
        case EXPECT_COMMA_OR_END:
                return checker_comma_or_end(checker);
        case EXPECT_NOTHING:
        default:
                return checker_fault(checker, "text after the value");
        }
}

static int checker_run(Checker *checker) {
        for (;;) {
                int r;

                checker->at = skip_space(checker->at, checker->end);
                if (checker->at == checker->end) {
                        if (checker->expect == EXPECT_NOTHING)
                                return 0;
                        return checker_fault(checker, checker->depth > 0 ? "the text ends too early"
                                                                         : "expected a value");
                }
                r = checker_step(checker);
                if (r)
                        return r;
        }
}

int json_text_check(const char *text, size_t length, unsigned int depth_max, JsonTextFault *fault) {
        const uint8_t *start = (const uint8_t *)text;
        Checker checker;
        int r;

        /* not an initialiser: the bits need no zeroes, a short text no kilobyte of memset */
        checker.at = start;
        checker.end = length > 0 ? start + length : start;
        checker.reason = NULL;
        checker.expect = EXPECT_VALUE;
        checker.depth = 0;
        checker.depth_max = depth_max < JSON_TEXT_DEPTH_MAX ? depth_max : JSON_TEXT_DEPTH_MAX;
        r = checker_run(&checker);
        if (r && fault)
                *fault = (JsonTextFault){
                        .offset = (size_t)(checker.at - start),
                        .reason = checker.reason,
                };
        return r;
}

unsigned int json_text_line(const char *text, size_t offset) {
        unsigned int line = 1;

        for (size_t i = 0; i < offset; ++i)
                line += text[i] == '\n';
        return line;
}

JsonTextKind json_text_kind(const char *text, size_t length) {
        const uint8_t *start = (const uint8_t *)text;
        const uint8_t *first = skip_space(start, start + length);

        switch (*first) {
        case '{':
                return JSON_TEXT_OBJECT;
        case '[':
                return JSON_TEXT_ARRAY;
        case '"':
                return JSON_TEXT_STRING;
        case 't':
        case 'f':
                return JSON_TEXT_BOOLEAN;
        case 'n':
                return JSON_TEXT_NULL;
        default:
                return JSON_TEXT_NUMBER;
        }
}

/* Steps from the opening quote of a string past its closing one. */
static const char *walk_string(const char *at, const char *end) {
        ++at;
        while (at < end) {
                at = (const char *)skip_plain((const uint8_t *)at, (const uint8_t *)end);
                if (at == end)
                        break;
                if (*at == '"')
                        return at + 1;
                at += *at == '\\' ? 2 : 1;
        }
        return end;
}

static const char *walk_scalar(const char *at, const char *end) {
        while (at < end && !is_space((uint8_t)*at) && *at != ',' && *at != ']' && *at != '}')
                ++at;
        return at;
}

/* The text is known to be well-formed, so brackets need only be counted. */
static const char *walk_value(const char *at, const char *end) {
        size_t depth = 0;

        if (*at != '"' && *at != '{' && *at != '[')
                return walk_scalar(at, end);
        do {
                if (*at == '"') {
                        at = walk_string(at, end);
                        continue;
                }
                if (*at == '{' || *at == '[')
                        ++depth;
                else if (*at == '}' || *at == ']')
                        --depth;
                ++at;
        } while (depth > 0 && at < end);
        return at;
}

static void walk_skip(JsonTextWalk *walk, char separator) {
        walk->at = (const char *)skip_space((const uint8_t *)walk->at, (const uint8_t *)walk->end);
        if (walk->at < walk->end && *walk->at == separator)
                ++walk->at;
        walk->at = (const char *)skip_space((const uint8_t *)walk->at, (const uint8_t *)walk->end);
}

void json_text_walk(JsonTextWalk *walk, const char *text, size_t length) {
        *walk = (JsonTextWalk){.at = text, .end = text + length};
        walk->object = json_text_kind(text, length) == JSON_TEXT_OBJECT;
        walk_skip(walk, walk->object ? '{' : '[');
}

bool json_text_next(JsonTextWalk *walk, JsonTextItem *item) {
        const char *start;

        *item = (JsonTextItem){{NULL, 0}, {NULL, 0}};
        walk_skip(walk, ',');
        if (walk->at >= walk->end || *walk->at == '}' || *walk->at == ']')
                return false;
        if (walk->object) {
                start = walk->at;
                walk->at = walk_string(walk->at, walk->end);
                item->key = (JsonTextSlice){start + 1, (size_t)(walk->at - start) - 2};
                walk_skip(walk, ':');
        }
        start = walk->at;
        walk->at = walk_value(walk->at, walk->end);
        item->value = (JsonTextSlice){start, (size_t)(walk->at - start)};
        return true;
}

static uint32_t unescape_unit(const char *digits) {
        uint32_t unit = 0;

        for (size_t i = 0; i < 4; ++i)
                unit = unit << 4 | (uint32_t)hex_digit((uint8_t)digits[i]);
        return unit;
}

/* Decodes the escape at @at, takes the second half of a surrogate pair along, and returns how far
 * it reaches. A lone surrogate stays what it is; utf8_encode() refuses it. */
static size_t unescape_one(const char *at, size_t length, uint32_t *characterp) {
        static const char names[] = "bfnrt";
        static const char values[] = "\b\f\n\r\t";
        const char *name;
        uint32_t unit, low;

        if (at[1] != 'u') {
                name = strchr(names, at[1]);
                *characterp = (uint8_t)(name ? values[name - names] : at[1]);
                return 2;
        }
        unit = unescape_unit(at + 2);
        *characterp = unit;
        if (unit < 0xd800 || unit >= 0xdc00 || length < 12 || at[6] != '\\' || at[7] != 'u')
                return 6;
        low = unescape_unit(at + 8);
        if (low < 0xdc00 || low >= 0xe000)
                return 6;
        *characterp = 0x10000 + ((unit - 0xd800) << 10 | (low - 0xdc00));
        return 12;
}

int json_text_unescape(const JsonTextSlice *raw, char *out, size_t room, size_t *lengthp) {
        size_t used = 0;

        for (size_t at = 0; at < raw->length;) {
                char bytes[UTF8_SEQUENCE_MAX];
                size_t n_bytes = 1;

                bytes[0] = raw->start[at];
                if (bytes[0] == '\\') {
                        uint32_t character;

                        at += unescape_one(raw->start + at, raw->length - at, &character);
                        n_bytes = utf8_encode(character, bytes);
                        if (n_bytes == 0)
                                return JSON_TEXT_E_INVALID;
                } else {
                        ++at;
                }
                if (n_bytes > room - used)
                        return JSON_TEXT_E_ROOM;
                memcpy(out + used, bytes, n_bytes);
                used += n_bytes;
        }
        *lengthp = used;
        return 0;
}
