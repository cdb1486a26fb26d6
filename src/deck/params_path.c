/* SPDX-License-Identifier: MIT */
/* params_path.c - shells fill in ~ and $NAME, and decks are read by none. */
#include "deck/params_path.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

long params_code_point(const char **s)
{
    static const long least[] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *b = (const unsigned char *)*s;
    int more = *b < 0x80                 ? 0
               : *b >= 0xc2 && *b < 0xe0 ? 1
               : *b >= 0xe0 && *b < 0xf0 ? 2
               : *b >= 0xf0 && *b < 0xf5 ? 3
                                         : -1;
    long c = more > 0 ? *b & (0x3f >> more) : *b;

    if (more < 0)
        return -1;
    for (int i = 1; i <= more; i++) {
        if ((b[i] & 0xc0) != 0x80)
            return -1;
        c = c << 6 | (b[i] & 0x3f);
    }
    *s += more + 1;
    return c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? -1
                                                                          : c;
}

int params_is_text(const char *s)
{
    while (*s) {
        long c = params_code_point(&s);

        if (c < ' ' || (c >= 0x7f && c < 0xa0))
            return 0;
    }
    return 1;
}

static int is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (c >= '0' && c <= '9');
}

/* The variable that the path begins with, and its length with the sign; 0:
 * none. */
static size_t variable(const char *path, char name[PARAMS_PATH_WHAT])
{
    size_t n = 1;

    if (*path == '~') {
        snprintf(name, PARAMS_PATH_WHAT, "HOME");
        return 1;
    }
    if (*path != '$')
        return 0;
    while (is_name(path[n]))
        n++;
    snprintf(name, PARAMS_PATH_WHAT, "%.*s", (int)n - 1, path + 1);
    return n;
}

static enum err join(const char *before, const char *path, char **out)
{
    const char *here = "";
    size_t bytes;
    void *data;

    if (*before ? *before == '~' || *before == '$'
                : *path == '~' || *path == '$')
        here = "./";
    bytes = strlen(here) + strlen(before) + strlen(path) + 1;
    TRY(mem_alloc(bytes, 1, "a path", &data));
    snprintf(data, bytes, "%s%s%s", here, before, path);
    *out = data;
    return OK;
}

enum err params_expand(const char *path, char **out,
                       char what[PARAMS_PATH_WHAT])
{
    char name[PARAMS_PATH_WHAT];
    size_t n = variable(path, name);
    const char *value = n ? getenv(name) : "";

    *out = NULL;
    if (*path == '~' && path[1] != 0 && path[1] != '/')
        snprintf(what, PARAMS_PATH_WHAT, "~ of other users is not filled in");
    else if (n && !*name)
        snprintf(what, PARAMS_PATH_WHAT, "no name of a variable behind $");
    else if (!value || (n && !*value))
        snprintf(what, PARAMS_PATH_WHAT, "the variable %.64s is not set", name);
    else if (!params_is_text(value) || !params_is_text(path))
        snprintf(what, PARAMS_PATH_WHAT, "holds characters that are no text");
    else
        return join(value, path + n, out);
    return OK;
}
