/* SPDX-License-Identifier: MIT */
/* npy.c - numpy's format 1 to 3 (NEP 1): a mark, a length, a Python dictionary
 * of three entries, the numbers.
 */
#include "data/npy.h"

#include "data/import_source.h"

#include <math.h>
#include <string.h>

enum { HEADER = 4096, NUMBERS = 4096 };

static enum err bad(struct source *s, const char *what)
{
    return err_set(ERR_DATA,
                   "%s: %s (expected an array of numbers as numpy writes it); "
                   "get the file again",
                   source_label(s), what);
}

/* --- header ------------------------------------------------------------- */

static void skip(struct slice *s, size_t n)
{
    s->s += n;
    s->n -= n;
}

/* What stands behind 'key': in the dictionary. */
static int behind(struct slice text, const char *key, struct slice *out)
{
    size_t n = strlen(key);

    for (; text.n > n + 2; skip(&text, 1))
        if ((*text.s == '\'' || *text.s == '"') &&
            memcmp(text.s + 1, key, n) == 0 && text.s[n + 1] == *text.s) {
            skip(&text, n + 2);
            text = slice_trim(text);
            if (text.n < 2 || *text.s != ':')
                return 0;
            skip(&text, 1);
            *out = slice_trim(text);
            return 1;
        }
    return 0;
}

static int starts(struct slice s, const char *text)
{
    return s.n >= strlen(text) && memcmp(s.s, text, strlen(text)) == 0;
}

/* '<f8' */
static int parse_type(struct slice s, struct npy *a)
{
    const uint16_t one = 1;
    int little = *(const unsigned char *)&one;

    if (s.n < 5 || (*s.s != '\'' && *s.s != '"') || s.s[4] != *s.s)
        return 0;
    a->kind = s.s[2];
    a->width = s.s[3] - '0';
    a->swap = (s.s[1] == '<' && !little) || (s.s[1] == '>' && little);
    if (!memchr("<>|=", s.s[1], 4))
        return 0;
    if (a->kind == 'f')
        return a->width == 2 || a->width == 4 || a->width == 8;
    if (a->kind == 'b')
        return a->width == 1;
    return (a->kind == 'i' || a->kind == 'u') &&
           (a->width == 1 || a->width == 2 || a->width == 4 || a->width == 8);
}

static int parse_extent(struct slice *s, int64_t *out)
{
    size_t n = 0;

    *s = slice_trim(*s);
    while (n < s->n && s->s[n] >= '0' && s->s[n] <= '9')
        n++;
    if (n == 0 || n > 12 || !slice_int((struct slice){s->s, n}, out))
        return 0;
    skip(s, n);
    *s = slice_trim(*s);
    return 1;
}

/* (n,) or (n, m) */
static int parse_shape(struct slice s, struct npy *a)
{
    if (s.n == 0 || *s.s != '(')
        return 0;
    skip(&s, 1);
    a->rank = 1;
    a->columns = 1;
    if (!parse_extent(&s, &a->rows) || s.n == 0 || *s.s != ',')
        return 0;
    skip(&s, 1);
    if (parse_extent(&s, &a->columns)) {
        a->rank = 2;
        if (s.n > 0 && *s.s == ',')
            skip(&s, 1);
    }
    s = slice_trim(s);
    return s.n > 0 && *s.s == ')' && a->columns >= 1 && a->columns <= 64;
}

enum err npy_header(struct source *s, struct npy *out)
{
    unsigned char mark[12];
    char text[HEADER];
    struct slice all, value;
    struct npy a = {0};
    size_t got, n, long_length;

    TRY(source_read(s, mark, 10, &got));
    if (got < 10 || memcmp(mark, "\x93NUMPY", 6) != 0 || mark[6] < 1 ||
        mark[6] > 3)
        return bad(s, "this is no array");
    n = (size_t)mark[8] | (size_t)mark[9] << 8;
    long_length = mark[6] > 1 ? 2 : 0;
    TRY(source_read(s, mark + 10, long_length, &got));
    if (long_length)
        n |= (size_t)mark[10] << 16 | (size_t)mark[11] << 24;
    if (got < long_length || n > HEADER)
        return bad(s, "its header is too long");
    TRY(source_read(s, text, n, &got));
    all = (struct slice){text, got};
    if (got < n)
        return bad(s, "its header is cut short");
    if (!behind(all, "descr", &value) || !parse_type(value, &a))
        return bad(s, "its numbers are of no type that is read");
    if (!behind(all, "shape", &value) || !parse_shape(value, &a))
        return bad(s, "its shape is not that of one or two dimensions");
    if (!behind(all, "fortran_order", &value) ||
        (!starts(value, "True") && !starts(value, "False")))
        return bad(s, "its header lacks fortran_order");
    a.fortran = starts(value, "True") && a.rank == 2;
    *out = a;
    return OK;
}

/* --- numbers ------------------------------------------------------------ */

static double half(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double x = exponent == 31  ? (fraction ? NAN : INFINITY)
               : exponent == 0 ? ldexp(fraction, -24)
                               : ldexp(fraction + 1024, exponent - 25);

    return bits >> 15 ? -x : x;
}

static double number(const struct npy *a, const unsigned char *p)
{
    unsigned char b[8] = {0};
    uint64_t u = 0;
    uint32_t u4;
    uint16_t u2;
    double f8;
    float f4;

    for (int i = 0; i < a->width; i++)
        b[i] = p[a->swap ? a->width - 1 - i : i];
    memcpy(&u2, b, 2);
    memcpy(&u4, b, 4);
    memcpy(&f4, b, 4);
    memcpy(&f8, b, 8);
    if (a->kind == 'f')
        return a->width == 8 ? f8 : a->width == 4 ? (double)f4 : half(u2);
    if (a->width == 8)
        memcpy(&u, b, 8);
    else
        u = a->width == 4 ? u4 : a->width == 2 ? u2 : b[0];
    if (a->kind != 'i')
        return (double)u;
    return a->width == 8   ? (double)(int64_t)u
           : a->width == 4 ? (double)(int32_t)u4
           : a->width == 2 ? (double)(int16_t)u2
                           : (double)(int8_t)b[0];
}

static enum err put_piece(const struct npy *a, const unsigned char *data,
                          int64_t first, int64_t n,
                          enum err (*put)(void *self, int64_t row,
                                          int64_t column, double x),
                          void *self)
{
    for (int64_t k = first; k < first + n; k++) {
        double x = number(a, data + (k - first) * a->width);

        TRY(a->fortran ? put(self, k % a->rows, k / a->rows, x)
                       : put(self, k / a->columns, k % a->columns, x));
    }
    return OK;
}

enum err npy_numbers(struct source *s, const struct npy *a,
                     enum err (*put)(void *self, int64_t row, int64_t column,
                                     double x),
                     void *self)
{
    unsigned char data[NUMBERS * 8];
    int64_t all = a->rows * a->columns, done = 0;
    size_t got;

    while (done < all) {
        int64_t n = all - done < NUMBERS ? all - done : NUMBERS;

        TRY(source_read(s, data, (size_t)n * (size_t)a->width, &got));
        if (got < (size_t)n * (size_t)a->width)
            return bad(s, "it has fewer numbers than its header says");
        TRY(put_piece(a, data, done, n, put, self));
        done += n;
    }
    TRY(source_read(s, data, 1, &got));
    return got ? bad(s, "it has more numbers than its header says") : OK;
}
