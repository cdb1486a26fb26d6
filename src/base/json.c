/* SPDX-License-Identifier: MIT */
/* json.c - appends to a line of fixed room. */
#include "base/json.h"

#include "base/num.h"

#include <math.h>
#include <string.h>

static void put(struct json *j, const char *text)
{
    size_t n = strlen(text);

    if ((size_t)j->length + n + 4 > sizeof j->line) { /* "}\n", a zero */
        j->overflow = 1;
        return;
    }
    memcpy(j->line + j->length, text, n + 1);
    j->length += (int)n;
}

static void put_quoted(struct json *j, const char *text)
{
    put(j, "\"");
    for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
        char c[8] = {(char)*s, 0};

        if (*s == '"' || *s == '\\')
            snprintf(c, sizeof c, "\\%c", *s);
        else if (*s < 0x20)
            snprintf(c, sizeof c, "\\u%04x", *s);
        put(j, c);
    }
    put(j, "\"");
}

static void put_key(struct json *j, const char *key)
{
    if (!j->first)
        put(j, ", ");
    j->first = 0;
    if (!key)
        return;
    put_quoted(j, key);
    put(j, ": ");
}

void json_begin(struct json *j)
{
    j->length = j->overflow = 0;
    j->first = 1;
    put(j, "{");
}

void json_string(struct json *j, const char *key, const char *value)
{
    put_key(j, key);
    put_quoted(j, value);
}

void json_int(struct json *j, const char *key, int64_t value)
{
    char text[NUM_CHARS];

    snprintf(text, sizeof text, "%lld", (long long)value);
    put_key(j, key);
    put(j, text);
}

void json_real(struct json *j, const char *key, double value)
{
    char text[NUM_CHARS] = "null";

    if (isfinite(value))
        num_write(value, text);
    put_key(j, key);
    put(j, text);
}

void json_bool(struct json *j, const char *key, int value)
{
    put_key(j, key);
    put(j, value ? "true" : "false");
}

void json_reals(struct json *j, const char *key, int n, const double value[])
{
    if (n == 1) {
        json_real(j, key, value[0]);
        return;
    }
    json_list_begin(j, key);
    for (int i = 0; i < n; i++)
        json_real(j, NULL, value[i]);
    json_list_end(j);
}

void json_object_begin(struct json *j, const char *key)
{
    put_key(j, key);
    put(j, "{");
    j->first = 1;
}

void json_object_end(struct json *j)
{
    put(j, "}");
    j->first = 0;
}

void json_list_begin(struct json *j, const char *key)
{
    put_key(j, key);
    put(j, "[");
    j->first = 1;
}

void json_list_end(struct json *j)
{
    put(j, "]");
    j->first = 0;
}

int json_end(struct json *j)
{
    memcpy(j->line + j->length, "}\n", 3); /* put leaves room for these */
    j->length += 2;
    return !j->overflow;
}

int json_print(struct json *j, FILE *out)
{
    return json_end(j) &&
           fwrite(j->line, 1, (size_t)j->length, out) == (size_t)j->length;
}
