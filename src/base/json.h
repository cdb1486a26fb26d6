/* SPDX-License-Identifier: MIT */
/* json.h - one JSON object as one line: the journal, --json.
 *
 * Numbers are written so that they read back the same; NaN and infinities,
 * which JSON lacks, become null. A line that outgrows its room is cut off by
 * json_end, which then says so.
 */
#ifndef JSON_H
#define JSON_H

#include <stdint.h>
#include <stdio.h>

enum { JSON_LINE = 1 << 16 };

struct json {
    char line[JSON_LINE];
    int length;
    int overflow;
    int first; /* no comma is due */
};

/* "{" */
void json_begin(struct json *j);

/* key NULL: an element of a list. */
void json_string(struct json *j, const char *key, const char *value);
void json_int(struct json *j, const char *key, int64_t value);
void json_real(struct json *j, const char *key, double value);
void json_bool(struct json *j, const char *key, int value);

/* The number itself when n is 1, else a list. */
void json_reals(struct json *j, const char *key, int n, const double value[]);

/* Nested: key: { .. } and key: [ .. ]. */
void json_object_begin(struct json *j, const char *key);
void json_object_end(struct json *j);
void json_list_begin(struct json *j, const char *key);
void json_list_end(struct json *j);

/* "}" and a newline; 0 when the line did not fit. */
int json_end(struct json *j);

/* json_end, then the line to out. 0: it did not fit or was not written. */
int json_print(struct json *j, FILE *out);

#endif
