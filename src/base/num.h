/* SPDX-License-Identifier: MIT */
/* num.h - numbers from text and back, bounded and in any locale.
 *
 * Readers take a slice [s, s + n), need no terminating zero and want all of it
 * to be the number: no blanks around, nothing behind. They return 1 when it is
 * one, else 0 and leave *out alone. Whole and decimal only: no hexadecimal, no
 * nan, inf, digit groups or decimal comma.
 */
#ifndef NUM_H
#define NUM_H

#include <stddef.h>
#include <stdint.h>

/* An optional sign and digits, within int64. */
int num_int64(const char *s, size_t n, int64_t *out);

/* Sign, digits, point, exponent with e E (and d D, *^: FORTRAN and QM9 write
 * these); finite, correctly rounded. */
int num_double(const char *s, size_t n, double *out);

/* The shortest decimal that reads back the same, as C writes it ("0.1",
 * "1e-07", "nan"); out has room for NUM_CHARS. Returns its length. */
enum { NUM_CHARS = 32 };
int num_write(double x, char *out);

/* The same for a number that was a float. */
int num_write_float(float x, char *out);

/* a * b, or 0 and *out alone when it does not fit. */
int num_product(size_t a, size_t b, size_t *out);

#endif
