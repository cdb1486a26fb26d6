/* SPDX-License-Identifier: MIT */
/* params_number.c - base/num.h's numbers, fewer forms. */
#include "deck/params_number.h"

#include "base/num.h"

#include <string.h>

static int has_leading_zero(const char *s, size_t n)
{
    size_t i = n > 0 && (*s == '+' || *s == '-');

    return n > i + 1 && s[i] == '0' && s[i + 1] >= '0' && s[i + 1] <= '9';
}

int params_number(const char *s, size_t n, double *out)
{
    double x;

    if (has_leading_zero(s, n) || memchr(s, 'd', n) || memchr(s, 'D', n) ||
        memchr(s, '*', n) || !num_double(s, n, &x))
        return 0;
    *out = x + 0.0; /* -0 would be written in another way than 0 */
    return 1;
}

int params_whole(const char *s, size_t n, int64_t *out)
{
    return !has_leading_zero(s, n) && num_int64(s, n, out);
}
