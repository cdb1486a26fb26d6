/* SPDX-License-Identifier: MIT */
/* journal_line.c - just enough JSON: strings, depth, and the members of the
 * outermost object. Any blanks are taken, since others may edit a journal. */
#include "run/journal_line.h"

#include <string.h>

int journal_line_read(FILE *f, char *line, size_t bytes, int *bad)
{
    size_t n = 0;
    int c;

    *bad = 0;
    while ((c = getc(f)) != EOF && c != '\n') {
        if (c == 0 || n + 1 >= bytes)
            *bad = 1;
        else
            line[n++] = (char)c;
    }
    line[n] = 0;
    return c == '\n';
}

static const char blanks[] = " \t\r";

/* Behind the closing quote of the string that begins at s; NULL: it does not
 * end. */
static const char *skip_string(const char *s)
{
    for (s++; *s && *s != '"'; s++)
        if (*s == '\\' && s[1])
            s++;
    return *s ? s + 1 : NULL;
}

/* Behind a value: a string, a number or word, or all in brackets. */
static const char *skip_value(const char *s)
{
    int depth = 0;

    while (s && *s) {
        if (*s == '"')
            s = skip_string(s);
        else if (strchr("[{", *s))
            depth++, s++;
        else if (depth > 0 && strchr("]}", *s))
            depth--, s++;
        else if (depth == 0 && strchr(",]}", *s))
            return s;
        else
            s++;
    }
    return NULL;
}

/* The next member at s: its key, value and what follows. NULL: no member. */
struct member {
    const char *key, *value, *end;
    size_t key_bytes;
};

static const char *next_member(const char *s, struct member *out)
{
    s += strspn(s, blanks);
    if (*s != '"')
        return NULL;
    out->key = s + 1;
    s = skip_string(s);
    if (!s)
        return NULL;
    out->key_bytes = (size_t)(s - 1 - out->key);
    s += strspn(s, blanks);
    if (*s != ':')
        return NULL;
    s++;
    out->value = s + strspn(s, blanks);
    out->end = skip_value(out->value);
    if (!out->end || out->end == out->value)
        return NULL;
    return out->end;
}

/* Goes through the members up to `key` (NULL: all); 1: found, or all good. */
static int walk(const char *line, const char *key, struct member *m)
{
    const char *s = line + strspn(line, blanks);

    if (*s != '{')
        return 0;
    do {
        s = next_member(s + 1, m);
        if (!s)
            return 0;
        if (key && strlen(key) == m->key_bytes &&
            memcmp(key, m->key, m->key_bytes) == 0)
            return 1;
    } while (*s == ',');
    return !key && *s == '}' && s[1 + strspn(s + 1, blanks)] == 0;
}

int journal_line_good(const char *line)
{
    struct member m;

    return walk(line, NULL, &m);
}

int journal_line_member(const char *line, const char *key, char *out,
                        size_t bytes)
{
    struct member m;
    size_t n;

    if (!walk(line, key, &m))
        return 0;
    n = (size_t)(m.end - m.value);
    while (n > 0 && strchr(blanks, m.value[n - 1]))
        n--;
    if (n >= 2 && *m.value == '"') {
        m.value++;
        n -= 2;
    }
    if (n >= bytes)
        return 0;
    memcpy(out, m.value, n);
    out[n] = 0;
    return 1;
}
