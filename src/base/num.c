/* SPDX-License-Identifier: MIT */
/* num.c - a strict grammar first, then the C library's correctly rounded
 * conversion. The program never calls setlocale, so that is the "C" locale's.
 */
#include "base/num.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 120 }; /* characters of a number */

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits(const char *s, size_t n)
{
    size_t i = 0;

    while (i < n && is_digit(s[i]))
        i++;
    return i;
}

static size_t sign(const char *s, size_t n)
{
    return n > 0 && (*s == '+' || *s == '-');
}

int num_int64(const char *s, size_t n, int64_t *out)
{
    size_t first = sign(s, n);
    char text[LONGEST + 1];
    long long x;

    if (n <= first || n > LONGEST || digits(s + first, n - first) != n - first)
        return 0;
    memcpy(text, s, n);
    text[n] = 0;
    errno = 0;
    x = strtoll(text, NULL, 10);
    if (errno == ERANGE)
        return 0;
    *out = x;
    return 1;
}

/* Length of an exponent's letter at s ("e", "D", "*^"), or 0. */
static size_t exponent_letter(const char *s, size_t n)
{
    if (n > 1 && s[0] == '*' && s[1] == '^')
        return 2;
    return n > 0 && *s && strchr("eEdD", *s) != NULL;
}

int num_double(const char *s, size_t n, double *out)
{
    size_t i = sign(s, n), whole, part = 0, letter, length;
    char text[LONGEST + 1];
    double x;

    if (n > LONGEST)
        return 0;
    whole = digits(s + i, n - i);
    i += whole;
    if (i < n && s[i] == '.') {
        part = digits(s + i + 1, n - i - 1);
        i += 1 + part;
    }
    if (whole + part == 0)
        return 0;
    length = i;
    memcpy(text, s, length);
    letter = exponent_letter(s + i, n - i);
    if (letter) {
        size_t exponent = i + letter + sign(s + i + letter, n - i - letter);

        if (exponent >= n || digits(s + exponent, n - exponent) != n - exponent)
            return 0;
        text[length++] = 'e';
        memcpy(text + length, s + i + letter, n - i - letter);
        length += n - i - letter;
        i = n;
    }
    if (i != n)
        return 0;
    text[length] = 0;
    x = strtod(text, NULL);
    if (!isfinite(x))
        return 0;
    *out = x;
    return 1;
}

int num_write(double x, char *out)
{
    for (int p = 15; p < 17; p++) {
        int n = snprintf(out, NUM_CHARS, "%.*g", p, x);

        if (strtod(out, NULL) == x)
            return n;
    }
    return isnan(x) ? snprintf(out, NUM_CHARS, "nan")
                    : snprintf(out, NUM_CHARS, "%.17g", x);
}

int num_write_float(float x, char *out)
{
    for (int p = 6; p < 9; p++) {
        int n = snprintf(out, NUM_CHARS, "%.*g", p, (double)x);

        if (strtof(out, NULL) == x)
            return n;
    }
    return isnan(x) ? snprintf(out, NUM_CHARS, "nan")
                    : snprintf(out, NUM_CHARS, "%.9g", (double)x);
}

int num_product(size_t a, size_t b, size_t *out)
{
    if (b && a > SIZE_MAX / b)
        return 0;
    *out = a * b;
    return 1;
}
