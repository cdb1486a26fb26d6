/* SPDX-License-Identifier: MIT */
/* info.c - `se3t info FILE...`: what a data set, model, checkpoint or golden
 * file holds. */
#include "app/commands.h"
#include "base/json.h"
#include "base/mem.h"
#include "comm/comm.h"
#include "comm/h5.h"
#include "data/dataset.h"
#include "data/shard.h"
#include "run/ckpt.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* Lines of text, or one JSON object, from the same calls. */
struct sheet {
    int as_json;
    struct json j;
};

static void put_text(struct sheet *s, const char *key, const char *value)
{
    if (s->as_json)
        json_string(&s->j, key, value);
    else
        printf("  %-12s %s\n", key, value);
}

static void put_count(struct sheet *s, const char *key, int64_t n)
{
    if (s->as_json)
        json_int(&s->j, key, n);
    else
        printf("  %-12s %lld\n", key, (long long)n);
}

static void begin(struct sheet *s, const char *file, const char *kind)
{
    if (!s->as_json) {
        printf("%s: %s\n", file, kind);
        return;
    }
    json_begin(&s->j);
    json_string(&s->j, "file", file);
    json_string(&s->j, "kind", kind);
}

static void end(struct sheet *s)
{
    if (s->as_json)
        json_print(&s->j, stdout);
}

/* "homo [eV]" */
static void name_unit(char *room, size_t bytes, const char *name,
                      const char *unit)
{
    snprintf(room, bytes, *unit ? "%s [%s]" : "%s%s", name, unit);
}

static enum err data_set(struct sheet *s, const char *dir)
{
    struct manifest m;

    TRY(manifest_read(dir, &m));
    begin(s, dir, "data set");
    put_text(s, "name", m.name);
    put_count(s, "molecules", m.molecules);
    put_count(s, "atoms", m.atoms);
    put_count(s, "bonds", m.bonds);
    put_count(s, "shards", m.shards);
    if (s->as_json)
        json_list_begin(&s->j, "targets");
    for (int t = 0; t < m.targets; t++) {
        char text[2 * DATASET_NAME + 8];

        name_unit(text, sizeof text, m.target[t].name, m.target[t].unit);
        put_text(s, s->as_json ? NULL : "target", text);
    }
    if (s->as_json)
        json_list_end(&s->j);
    put_text(s, "digest", m.digest.hex);
    end(s);
    manifest_fini(&m);
    return OK;
}

static void put_elements(struct sheet *s, const struct elements *e)
{
    char text[512] = "";
    size_t n = 0;

    for (int i = 0; i < e->n && n < sizeof text - 8; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%d", i ? " " : "",
                              e->number[i]);
    put_text(s, "elements", text);
}

static enum err trained(struct sheet *s, const char *path)
{
    struct ckpt_head h = {.format = 0};
    struct digest file;
    enum err err;

    TRY(ckpt_read_head(path, &h));
    TRY_GOTO(digest_file(path, -1, &file), fini);
    begin(s, path, h.is_model ? "model" : "checkpoint");
    put_count(s, "format", h.format);
    put_count(s, "step", h.step);
    put_elements(s, &h.elements);
    for (int t = 0; t < h.scale.n; t++) {
        char text[256], numbers[320];

        name_unit(text, sizeof text, h.scale.name[t], h.scale.unit[t]);
        snprintf(numbers, sizeof numbers, "%s: mean %.9g, deviation %.9g", text,
                 h.scale.mean[t], h.scale.std[t]);
        put_text(s, "target", numbers);
    }
    put_text(s, "data_digest", h.data.hex);
    put_text(s, "digest", file.hex);
    put_text(s, "deck", h.deck);
    end(s);
fini:
    ckpt_head_fini(&h);
    return err;
}

static enum err count(void *self, struct h5 *f, const char *path)
{
    struct h5_shape shape;

    TRY(h5_shape_of(f, path, &shape));
    ++*(int64_t *)self;
    return OK;
}

static enum err golden(struct sheet *s, struct h5 *f, const char *path,
                       const char *kind)
{
    char *name;
    int64_t expected = 0;
    struct digest file;

    TRY(h5_get_string(f, "/", "name", 256, &name));
    begin(s, path, "golden");
    put_text(s, "holds", kind);
    put_text(s, "name", name);
    mem_free(name);
    if (h5_has(f, "/expect"))
        TRY(h5_visit(f, "/expect", count, &expected));
    put_count(s, "quantities", expected);
    TRY(digest_file(path, -1, &file));
    put_text(s, "digest", file.hex);
    end(s);
    return OK;
}

static enum err hdf5(struct sheet *s, const char *path)
{
    struct h5 *f;
    char *kind;
    enum err err;

    TRY(h5_open(path, ERR_DATA, &f));
    TRY_GOTO(h5_get_string(f, "/", "kind", 64, &kind), close);
    err = h5_has(f, "/expect") ? golden(s, f, path, kind) : trained(s, path);
    mem_free(kind);
close:
    h5_close(&f);
    return err;
}

static enum err show(struct sheet *s, const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return err_set(ERR_DECK,
                       "%s: no such file (%s); name a data set, a "
                       "model, a checkpoint or a golden file",
                       path, strerror(errno));
    return S_ISDIR(st.st_mode) ? data_set(s, path) : hdf5(s, path);
}

static enum err run(struct comm *c, const struct options *o)
{
    static struct sheet s;
    enum err err = OK;

    s.as_json = options_count(o, "json") > 0;
    if (comm_rank(c) == 0)
        for (int i = 0; i < o->words && !err; i++)
            err = show(&s, o->word[i]);
    return comm_agree(c, err);
}

const struct command command_info = {
    .name = "info",
    .summary = "say what a data set, model, checkpoint or golden file holds",
    .help =
        "se3t info FILE... [--json]\n"
        "\n"
        "FILE is a data set (a folder), a model, a checkpoint, or a golden\n"
        "file.\n",
    .needs = "FILE",
    .least = 1,
    .most = -1,
    .run = run,
};
