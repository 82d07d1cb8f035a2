// SPDX-License-Identifier: MIT
//
// toml++ reports syntax errors as values here (TOML_EXCEPTIONS=0). Two exceptions are left, and both
// end in this file: std::bad_alloc becomes -ENOMEM; and since some malformed texts ("[[[") reach an
// assertion of toml++ instead of an error, its assertions throw and count as syntax errors.
#define TOML_EXCEPTIONS     0
#define TOML_HEADER_ONLY    1
#define TOML_ASSERT(expr)   ((expr) ? (void)0 : throw AssertionFailed{})
#undef NDEBUG // or toml++ would tell the compiler to rely on them

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace {
struct AssertionFailed {};
} // namespace

#include <toml++/toml.h>

#include "policy/toml-shim.h"

struct TomlText {
        toml::table root;
        std::deque<std::string> texts; // of dates and reals; a deque never moves its elements
        std::vector<TomlItem> items;
};

namespace {

struct Pending {
        const toml::key *key;
        const toml::node *node;
        unsigned int depth;
};

std::string date_text(const toml::date &date) {
        char text[16];

        std::snprintf(text, sizeof(text), "%04u-%02u-%02u", unsigned{date.year},
                      unsigned{date.month}, unsigned{date.day});
        return text;
}

std::string time_text(const toml::time &time) {
        char text[24];

        std::snprintf(text, sizeof(text), "%02u:%02u:%02u.%09u", unsigned{time.hour},
                      unsigned{time.minute}, unsigned{time.second}, unsigned{time.nanosecond});
        std::string written(text);
        if (time.nanosecond == 0)
                written.resize(sizeof("00:00:00") - 1);
        else
                written.erase(written.find_last_not_of('0') + 1);
        return written;
}

std::string date_time_text(const toml::date_time &value) {
        std::string text = date_text(value.date) + "T" + time_text(value.time);
        char offset[16];
        int minutes;

        if (!value.offset)
                return text;
        minutes = value.offset->minutes;
        std::snprintf(offset, sizeof(offset), "%c%02d:%02d", minutes < 0 ? '-' : '+',
                      std::abs(minutes) / 60, std::abs(minutes) % 60);
        return text + offset;
}

// Not printf(): its decimal point is the locale's.
std::string real_text(double value) {
        char text[40];
        std::to_chars_result end;

        if (std::isnan(value))
                return "NaN";
        if (std::isinf(value))
                return value < 0 ? "-Infinity" : "Infinity";
        end = std::to_chars(text, text + sizeof(text) - 2, value);
        *end.ptr = '\0';
        std::string written(text);
        if (written.find_first_of(".e") == std::string::npos)
                written += ".0"; // a float stays a float
        return written;
}

void item_set_text(TomlText &parsed, TomlItem &item, std::string text) {
        parsed.texts.push_back(std::move(text));
        item.text = parsed.texts.back().data();
        item.text_length = parsed.texts.back().size();
}

void item_set_value(TomlText &parsed, TomlItem &item, const toml::node &node) {
        switch (node.type()) {
        case toml::node_type::table:
                item.type = TOML_TABLE;
                break;
        case toml::node_type::array:
                item.type = TOML_ARRAY;
                break;
        case toml::node_type::string:
                item.type = TOML_STRING;
                item.text = node.as_string()->get().data();
                item.text_length = node.as_string()->get().size();
                break;
        case toml::node_type::integer:
                item.type = TOML_INTEGER;
                item.integer = node.as_integer()->get();
                break;
        case toml::node_type::floating_point:
                item.type = TOML_REAL;
                item.real = node.as_floating_point()->get();
                item_set_text(parsed, item, real_text(item.real));
                break;
        case toml::node_type::boolean:
                item.type = TOML_BOOLEAN;
                item.integer = node.as_boolean()->get();
                break;
        case toml::node_type::date:
                item.type = TOML_DATE;
                item_set_text(parsed, item, date_text(node.as_date()->get()));
                break;
        case toml::node_type::time:
                item.type = TOML_DATE;
                item_set_text(parsed, item, time_text(node.as_time()->get()));
                break;
        case toml::node_type::date_time:
        case toml::node_type::none:
        default:
                item.type = TOML_DATE;
                item_set_text(parsed, item, date_time_text(node.as_date_time()->get()));
                break;
        }
}

void push_children(std::vector<Pending> &stack, const toml::node &node, unsigned int depth) {
        const auto first = static_cast<std::ptrdiff_t>(stack.size());

        if (const toml::table *table = node.as_table())
                for (const auto &[key, child] : *table)
                        stack.push_back({&key, &child, depth});
        else if (const toml::array *array = node.as_array())
                for (const toml::node &child : *array)
                        stack.push_back({nullptr, &child, depth});
        // the first child must come off the stack first
        std::reverse(stack.begin() + first, stack.end());
}

void flatten(TomlText &parsed) {
        std::vector<Pending> stack;

        push_children(stack, parsed.root, 0);
        while (!stack.empty()) {
                const Pending next = stack.back();
                TomlItem item{};

                stack.pop_back();
                item.depth = next.depth;
                item.line = next.node->source().begin.line;
                if (next.key) {
                        item.line = next.key->source().begin.line;
                        item.key = next.key->str().data();
                        item.key_length = next.key->str().size();
                }
                item_set_value(parsed, item, *next.node);
                parsed.items.push_back(item);
                push_children(stack, *next.node, next.depth + 1);
        }
}

int parse(TomlText **parsedp, std::string_view text, TomlFault *fault) {
        toml::parse_result result = toml::parse(text);

        if (!result) {
                const toml::parse_error &error = result.error();
                std::string reason(error.description());

                if (reason.rfind("Error", 0) == 0)
                        reason[0] = 'e'; // our errors start in lower case
                fault->line = error.source().begin.line;
                std::snprintf(fault->reason, sizeof(fault->reason), "%s", reason.c_str());
                return TOML_E_SYNTAX;
        }
        auto parsed = std::make_unique<TomlText>();
        parsed->root = std::move(result).table();
        flatten(*parsed);
        *parsedp = parsed.release();
        return 0;
}

bool fails(std::string_view text) {
        try {
                (void)toml::parse(text);
                return false;
        } catch (const AssertionFailed &) {
                return true;
        }
}

// An assertion knows no place. What fails also fails at the end of any longer beginning of it, so
// the shortest one that fails is searched for; it ends where an error would have been.
int assertion_fault(std::string_view text, TomlFault *fault) {
        size_t low = 0, high = text.size();

        while (low < high) {
                const size_t middle = low + (high - low) / 2;

                if (fails(text.substr(0, middle)))
                        high = middle;
                else
                        low = middle + 1;
        }
        fault->line = 1;
        if (high > 0)
                fault->line += static_cast<unsigned int>(
                        std::count(text.begin(), text.begin() + static_cast<long>(high) - 1, '\n'));
        std::snprintf(fault->reason, sizeof(fault->reason), "malformed TOML");
        return TOML_E_SYNTAX;
}

} // namespace

int toml_text_parse(TomlText **parsedp, const char *text, size_t length, TomlFault *fault) {
        const std::string_view view(text, length);

        try {
                try {
                        return parse(parsedp, view, fault);
                } catch (const AssertionFailed &) {
                        return assertion_fault(view, fault);
                }
        } catch (...) {
                return -ENOMEM;
        }
}

TomlText *toml_text_free(TomlText *parsed) {
        delete parsed;
        return nullptr;
}

const TomlItem *toml_text_items(const TomlText *parsed, size_t *np) {
        *np = parsed->items.size();
        return parsed->items.data();
}
