/* SPDX-License-Identifier: MIT */
/* params_path.h - ~ and $NAME at the start of a path; behind params.h. */
#ifndef PARAMS_PATH_H
#define PARAMS_PATH_H

#include "base/err.h"

enum { PARAMS_PATH_WHAT = 128 };

/* A new string (mem_free), or NULL and in `what` why not. A result that begins
 * with ~ or $ itself gets ./ in front, so that it reads back as it is.
 * ERR_ENVIRONMENT: memory. */
enum err params_expand(const char *path, char **out,
                       char what[PARAMS_PATH_WHAT]);

/* Whether it is UTF-8 without control characters, which a deck can hold. */
int params_is_text(const char *s);

/* The code point at *s, which moves behind it; -1: no UTF-8. */
long params_code_point(const char **s);

#endif
