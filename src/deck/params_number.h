/* SPDX-License-Identifier: MIT */
/* params_number.h - what a deck takes as a number: no leading zeros, for that
 * is octal to some, and no exponents of FORTRAN. 1 or 0.
 */
#ifndef PARAMS_NUMBER_H
#define PARAMS_NUMBER_H

#include <stddef.h>
#include <stdint.h>

int params_number(const char *s, size_t n, double *out);
int params_whole(const char *s, size_t n, int64_t *out);

#endif
