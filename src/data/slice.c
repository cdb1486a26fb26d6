/* SPDX-License-Identifier: MIT */
/* slice.c - bounded text. */
#include "data/slice.h"

#include "base/num.h"

#include <string.h>

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

struct slice slice_of(const char *s)
{
    return (struct slice){s, strlen(s)};
}

int slice_line(struct slice *text, struct slice *line)
{
    const char *end;
    size_t n;

    if (text->n == 0)
        return 0;
    end = memchr(text->s, '\n', text->n);
    n = end ? (size_t)(end - text->s) : text->n;
    *line = (struct slice){text->s, n};
    n += end != NULL;
    text->s += n;
    text->n -= n;
    while (line->n > 0 && line->s[line->n - 1] == '\r')
        line->n--;
    return 1;
}

int slice_word(struct slice *line, struct slice *word)
{
    size_t i = 0, first;

    while (i < line->n && is_blank(line->s[i]))
        i++;
    first = i;
    while (i < line->n && !is_blank(line->s[i]))
        i++;
    *word = (struct slice){line->s + first, i - first};
    line->s += i;
    line->n -= i;
    return word->n > 0;
}

int slice_words(struct slice line, struct slice word[], int most)
{
    struct slice more;
    int n = 0;

    while (n < most && slice_word(&line, &word[n]))
        n++;
    return n == most && slice_word(&line, &more) ? most + 1 : n;
}

struct slice slice_trim(struct slice s)
{
    while (s.n > 0 && is_blank(*s.s)) {
        s.s++;
        s.n--;
    }
    while (s.n > 0 && is_blank(s.s[s.n - 1]))
        s.n--;
    return s;
}

int slice_blank(struct slice s)
{
    return slice_trim(s).n == 0;
}

int slice_equal(struct slice s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.s, text, s.n) == 0;
}

int slice_equal_case(struct slice s, const char *text)
{
    if (s.n != strlen(text))
        return 0;
    for (size_t i = 0; i < s.n; i++)
        if (lower(s.s[i]) != lower(text[i]))
            return 0;
    return 1;
}

int slice_ends(struct slice s, const char *tail)
{
    size_t n = strlen(tail);

    return s.n >= n && slice_equal_case((struct slice){s.s + s.n - n, n}, tail);
}

int slice_compare(struct slice a, struct slice b)
{
    int sign = memcmp(a.s, b.s, a.n < b.n ? a.n : b.n);

    return sign ? sign : (a.n > b.n) - (a.n < b.n);
}

struct slice slice_columns(struct slice line, size_t first, size_t n)
{
    if (first >= line.n)
        return (struct slice){line.s + line.n, 0};
    if (n > line.n - first)
        n = line.n - first;
    return slice_trim((struct slice){line.s + first, n});
}

int slice_int(struct slice s, int64_t *out)
{
    return num_int64(s.s, s.n, out);
}

int slice_double(struct slice s, double *out)
{
    return num_double(s.s, s.n, out);
}

const char *slice_show(struct slice s, char *room)
{
    size_t n = s.n < 40 ? s.n : 40;

    for (size_t i = 0; i < n; i++)
        room[i] = s.s[i] >= ' ' && s.s[i] <= '~' ? s.s[i] : '?';
    memcpy(room + n, n < s.n ? "..." : "", n < s.n ? 4 : 1);
    return room;
}
