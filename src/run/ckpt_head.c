/* SPDX-License-Identifier: MIT */
/* ckpt_head.c - what stands in a file beside its arrays: kind, format, deck,
 * elements, targets.
 *
 * No time, host or path is among it: equal states are equal bytes.
 */
#include "config.h"

#include "base/mem.h"
#include "comm/h5.h"
#include "run/ckpt_file.h"

#include <math.h>
#include <string.h>

enum { DECK_BYTES = 1 << 20, LAST_ELEMENT = 118 };

static const char *const kinds[] = {"checkpoint", "model"}; /* is_model */

/* --- out ------------------------------------------------------------------ */

static enum err put_numbers(struct h5 *f, const char *path, enum h5_kind kind,
                            int n, const void *data)
{
    const struct h5_shape s = {.kind = kind, .rank = 1, .n = {n}};

    return h5_write(f, path, &s, data);
}

static enum err put_scale(struct h5 *f, const struct target_scale *t)
{
    const char *name[LOADER_TARGETS], *unit[LOADER_TARGETS];
    int elements = t->reference ? t->elements : 0;
    const struct h5_shape reference = {
        .kind = H5_F64, .rank = 2, .n = {t->n, elements}};

    for (int i = 0; i < t->n; i++) {
        name[i] = t->name[i];
        unit[i] = t->unit[i];
    }
    TRY(h5_write_strings(f, "/target/name", t->n, name));
    TRY(h5_write_strings(f, "/target/unit", t->n, unit));
    TRY(put_numbers(f, "/target/mean", H5_F64, t->n, t->mean));
    TRY(put_numbers(f, "/target/std", H5_F64, t->n, t->std));
    TRY(put_numbers(f, "/target/element", H5_U8, elements, t->element));
    return h5_write(f, "/target/element_reference", &reference, t->reference);
}

enum err ckpt_put_head(struct h5 *f, const struct ckpt_head *h)
{
    TRY(h5_put_string(f, "/", "kind", kinds[h->is_model != 0]));
    TRY(h5_put_int(f, "/", "format", CKPT_FORMAT));
    TRY(h5_put_int(f, "/", "step", h->step));
    TRY(h5_put_string(f, "/", "data_digest", h->data.hex));
    if (!h->is_model && h->isa)
        TRY(h5_put_string(f, "/", "isa", h->isa));
    TRY(h5_write_string(f, "/deck", h->deck));
    TRY(put_numbers(f, "/elements", H5_U8, h->elements.n, h->elements.number));
    TRY(put_numbers(f, "/elements_seen", H5_U8, h->elements.seen,
                    h->elements.seen_number));
    return put_scale(f, &h->scale);
}

/* --- in ------------------------------------------------------------------- */

static enum err read_kind(struct h5 *f, const char *path, int *is_model)
{
    char *kind;

    TRY(h5_get_string(f, "/", "kind", 64, &kind));
    *is_model = strcmp(kind, kinds[1]) == 0;
    if (*is_model || strcmp(kind, kinds[0]) == 0) {
        mem_free(kind);
        return OK;
    }
    mem_free(kind);
    return err_set(ERR_CHECKPOINT,
                   "%s: is no file of a run (expected the kind model or "
                   "checkpoint, found another); choose another file",
                   path);
}

static enum err read_format(struct h5 *f, const char *path, int *format)
{
    int64_t n;

    TRY(h5_get_int(f, "/", "format", &n));
    *format = n > 0 && n < 1 << 30 ? (int)n : 0;
    if (*format > CKPT_FORMAT)
        return err_set(ERR_CHECKPOINT,
                       "%s: is of a newer format (expected at most %d, found "
                       "%d); use a newer se3t",
                       path, CKPT_FORMAT, *format);
    if (*format < 1)
        return err_set(ERR_CHECKPOINT,
                       "%s: has no such format (expected 1 to %d, found "
                       "%lld); restore the file",
                       path, CKPT_FORMAT, (long long)n);
    return OK;
}

enum err ckpt_open(const char *path, int *is_model, int *format,
                   struct h5 **out)
{
    struct h5 *f;
    enum err err;

    TRY(h5_check_seal(path, ERR_CHECKPOINT));
    TRY(h5_open(path, ERR_CHECKPOINT, &f));
    TRY_GOTO(read_kind(f, path, is_model), close);
    TRY_GOTO(read_format(f, path, format), close);
    *out = f;
    return OK;
close:
    h5_close(&f);
    return err;
}

static enum err odd(const char *path, const char *what)
{
    return err_set(ERR_CHECKPOINT,
                   "%s: %s: holds what no run writes; restore the file", path,
                   what);
}

/* At most LOADER_ELEMENTS atomic numbers. */
static enum err read_elements(struct h5 *f, const char *path,
                              uint8_t number[LOADER_ELEMENTS], int *n)
{
    struct h5_shape s = {.kind = H5_U8, .rank = 1, .n = {-1}};
    uint8_t *list;
    void *data;
    enum err err = OK;

    TRY(h5_read_new(f, path, &s, LOADER_ELEMENTS, &data));
    list = data;
    for (int64_t i = 0; i < s.n[0] && !err; i++)
        if (list[i] < 1 || list[i] > LAST_ELEMENT)
            err = odd(path, "an atomic number");
    if (!err && s.n[0] > 0)
        memcpy(number, list, (size_t)s.n[0]);
    *n = (int)s.n[0];
    mem_free(data);
    return err;
}

static enum err read_names(struct h5 *f, const char *path, int *n,
                           char out[LOADER_TARGETS][64])
{
    char **text;
    enum err err = OK;

    TRY(h5_read_strings(f, path, LOADER_TARGETS, n, &text));
    for (int i = 0; i < *n && !err; i++)
        if (snprintf(out[i], 64, "%s", text[i]) >= 64)
            err = odd(path, "a long name");
    mem_free(text);
    return err;
}

static enum err read_reals(struct h5 *f, const char *path, int n,
                           double out[LOADER_TARGETS])
{
    const struct h5_shape s = {.kind = H5_F64, .rank = 1, .n = {n}};

    TRY(h5_read(f, path, &s, out));
    for (int i = 0; i < n; i++)
        if (!isfinite(out[i]))
            return odd(path, "a number that is not finite");
    return OK;
}

static enum err read_reference(struct h5 *f, struct target_scale *t)
{
    struct h5_shape s = {.kind = H5_F64, .rank = 2, .n = {t->n, t->elements}};
    void *data;

    if (t->elements == 0)
        return OK;
    TRY(h5_read_new(f, "/target/element_reference", &s,
                    LOADER_TARGETS * LOADER_ELEMENTS, &data));
    t->reference = data;
    for (int i = 0; i < t->n * t->elements; i++)
        if (!isfinite(t->reference[i]))
            return odd("/target/element_reference",
                       "a number that is not finite");
    return OK;
}

static enum err read_scale(struct h5 *f, struct target_scale *t)
{
    int units;

    TRY(read_names(f, "/target/name", &t->n, t->name));
    TRY(read_names(f, "/target/unit", &units, t->unit));
    if (t->n < 1 || units != t->n)
        return odd("/target", "names without targets");
    TRY(read_reals(f, "/target/mean", t->n, t->mean));
    TRY(read_reals(f, "/target/std", t->n, t->std));
    TRY(read_elements(f, "/target/element", t->element, &t->elements));
    return read_reference(f, t);
}

static enum err read_digest(struct h5 *f, struct digest *out)
{
    char *hex;

    TRY(h5_get_string(f, "/", "data_digest", DIGEST_CHARS, &hex));
    snprintf(out->hex, sizeof out->hex, "%s", hex);
    mem_free(hex);
    return OK;
}

static enum err read_all(struct h5 *f, struct ckpt_head *h)
{
    TRY(h5_get_int(f, "/", "step", &h->step));
    TRY(read_digest(f, &h->data));
    if (!h->is_model)
        TRY(h5_get_string(f, "/", "isa", 64, &h->isa));
    TRY(h5_read_string(f, "/deck", DECK_BYTES, &h->deck));
    TRY(read_elements(f, "/elements", h->elements.number, &h->elements.n));
    TRY(read_elements(f, "/elements_seen", h->elements.seen_number,
                      &h->elements.seen));
    return read_scale(f, &h->scale);
}

enum err ckpt_read_head(const char *path, struct ckpt_head *out)
{
    struct ckpt_head h = {.format = 0};
    struct h5 *f;
    enum err err = ckpt_open(path, &h.is_model, &h.format, &f);

    out->format = h.format;
    TRY(err);
    err = read_all(f, &h);
    h5_close(&f);
    if (err)
        ckpt_head_fini(&h);
    else
        *out = h;
    return err;
}

void ckpt_head_fini(struct ckpt_head *h)
{
    mem_free(h->deck);
    mem_free(h->isa);
    mem_free(h->scale.reference);
    h->deck = h->isa = NULL;
    h->scale.reference = NULL;
}
