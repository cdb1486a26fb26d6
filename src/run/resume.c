/* SPDX-License-Identifier: MIT */
/* resume.c - compare decks, then heads, newest first; load the first that
 * loads. */
#include "config.h"

#include "run/resume.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "comm/comm.h"
#include "deck/params.h"
#include "run/ckpt.h"
#include "run/saver.h"
#include "run/state.h"
#include "run/step.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct resume_candidate {
    int64_t step;
    char *path;
    char *isa;
};

/* --- the deck of a run --------------------------------------------------- */

static const char *const comments[] = {
    "# data sha256: ", "# split sha256: ", "# init_from sha256: "};
enum { DATA, SPLIT, INIT, COMMENTS };

static enum err put(int fd, const char *text)
{
    return file_write(fd, text, strlen(text)) == 0 ? OK : ERR_IO;
}

static enum err write_deck(int fd, const char *deck,
                           const struct digest *const digest[])
{
    for (int i = 0; i < COMMENTS; i++) {
        TRY(put(fd, comments[i]));
        TRY(put(fd, digest[i]->hex));
        TRY(put(fd, "\n"));
    }
    TRY(put(fd, deck));
    return fsync(fd) == 0 ? OK : ERR_IO;
}

enum err resume_write_deck(const struct params *p, const struct digest *data,
                           const struct digest *split,
                           const struct digest *init)
{
    const struct digest *const digest[] = {data, split, init};
    char path[4096], fresh[4096], *deck;
    enum err err = ERR_IO;
    int fd;

    run_path(p->run.dir, "deck.yaml", path, sizeof path);
    run_path(p->run.dir, "deck.yaml.tmp", fresh, sizeof fresh);
    TRY(params_write(p, &deck));
    fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd >= 0) {
        err = write_deck(fd, deck, digest);
        if (close(fd) != 0 || (!err && rename(fresh, path) != 0))
            err = ERR_IO;
    }
    if (err) {
        err = err_set(ERR_IO, "%s: cannot be written (%s); make room", path,
                      strerror(errno));
        unlink(fresh);
    }
    mem_free(deck);
    return err;
}

/* What is known of the run in a folder. */
struct known {
    int there;
    struct digest digest[COMMENTS];
    char *portable;
};

static void read_comments(const char *path, struct known *out)
{
    FILE *f = fopen(path, "r");
    char line[256];

    for (int i = 0; f && i < COMMENTS && fgets(line, sizeof line, f); i++) {
        size_t n = strlen(comments[i]);

        if (strncmp(line, comments[i], n) == 0 &&
            strspn(line + n, "0123456789abcdef") == DIGEST_CHARS)
            memcpy(out->digest[i].hex, line + n, DIGEST_CHARS);
    }
    if (f)
        fclose(f);
}

static enum err portable_of(struct deck *d, const struct known *k, char **out)
{
    struct params p;
    enum err err;

    TRY(params_read(d, 0, &p));
    err = params_write_portable(&p, k->digest[SPLIT].hex, k->digest[INIT].hex,
                                out);
    params_fini(&p);
    return err;
}

static enum err read_known(const struct params *p, struct known *out)
{
    struct deck *d;
    char path[4096];
    enum err err;

    *out = (struct known){.there = 0};
    run_path(p->run.dir, "deck.yaml", path, sizeof path);
    if (access(path, F_OK) != 0)
        return OK;
    read_comments(path, out);
    TRY(deck_open(path, &d));
    err = portable_of(d, out, &out->portable);
    deck_close(&d);
    out->there = err == OK;
    return err;
}

/* Reads a portable deck back; free both. */
static enum err parse(const char *text, const char *name, struct params *out)
{
    struct deck *d;
    enum err err;

    TRY(deck_parse(text, strlen(text), name, &d));
    err = params_read(d, 0, out);
    deck_close(&d);
    return err;
}

static enum err compare(const char *was, const char *now, char **applied)
{
    struct params a, b;
    enum err err;

    TRY(parse(was, "deck.yaml", &a));
    TRY_GOTO(parse(now, "the deck", &b), fini);
    err = params_compare(&a, &b, applied);
    params_fini(&b);
fini:
    params_fini(&a);
    return err;
}

static enum err same_run(const struct known *k, const char *portable,
                         const struct digest *data, char **applied)
{
    if (*k->digest[DATA].hex && !digest_equal(&k->digest[DATA], data))
        return err_set(ERR_DECK,
                       "data.path: other data than this run's (expected the "
                       "digest %.12s.., found %.12s..); choose another "
                       "run.dir",
                       k->digest[DATA].hex, data->hex);
    return compare(k->portable, portable, applied);
}

/* --- candidates ---------------------------------------------------------- */

static enum err keep(struct resumption *r, const struct ckpt_entry *e,
                     const struct ckpt_head *h)
{
    struct resume_candidate *c = &r->candidate[r->candidates];

    r->candidates++; /* resume_fini frees what there is of it */
    c->step = h->step;
    TRY(mem_string(e->path, &c->path));
    return mem_string(h->isa ? h->isa : "", &c->isa);
}

/* Whether a checkpoint is of this run; without deck.yaml the first one that
 * reads counts as its deck. */
static enum err belongs(struct known *k, const struct ckpt_head *h, int *mine)
{
    char *applied;
    enum err err;

    if (!k->there) {
        k->there = 1;
        k->digest[DATA] = h->data;
        *mine = 1;
        return mem_string(h->deck, &k->portable);
    }
    *mine = 0;
    if (*k->digest[DATA].hex && !digest_equal(&k->digest[DATA], &h->data))
        return OK;
    err = compare(k->portable, h->deck, &applied);
    if (err == ERR_DECK)
        return OK;
    TRY(err);
    mem_free(applied);
    *mine = 1;
    return OK;
}

static enum err look_at(struct resumption *r, const struct ckpt_entry *e,
                        struct known *k, const char *then)
{
    struct ckpt_head head = {.format = 0};
    int mine = 0;
    enum err err = ckpt_read_head(e->path, &head);

    if (err == ERR_CHECKPOINT && head.format > CKPT_FORMAT)
        return err;
    if (err == ERR_CHECKPOINT) {
        log_warn("%s; %s", err_message(), then);
        return OK;
    }
    TRY(err);
    err = belongs(k, &head, &mine);
    if (!err && !mine)
        log_warn("%s: of another run (expected the deck and data of this "
                 "folder's deck.yaml, found others); passed over",
                 e->path);
    if (!err && mine)
        err = keep(r, e, &head);
    ckpt_head_fini(&head);
    return err;
}

/* best.h5 is a second name of the best step's checkpoint. */
static int has_best(const char *dir, char path[4096])
{
    run_path(dir, "best.h5", path, 4096);
    return access(path, F_OK) == 0;
}

/* When nothing else is left of the run. */
static enum err look_at_best(struct resumption *r, const char *dir,
                             struct known *k)
{
    char path[4096];
    struct ckpt_entry best = {.path = path};

    if (r->candidates > 0 || !has_best(dir, path))
        return OK;
    TRY(look_at(r, &best, k, "passed over"));
    if (r->candidates > 0)
        log_warn("%s: used, of step %lld, since %s/checkpoints has none that "
                 "can be; the steps behind it are done again",
                 path, (long long)r->candidate[0].step, dir);
    return OK;
}

static enum err look_at_all(struct resumption *r, int n,
                            const struct ckpt_entry *list, struct known *k)
{
    void *data;

    TRY(mem_alloc((size_t)n + 1, sizeof *r->candidate, "checkpoints", &data));
    r->candidate = data;
    for (int i = 0; i < n; i++)
        TRY(look_at(r, &list[i], k, "the one before is used"));
    return OK;
}

static enum err none_left(const struct params *p, int n)
{
    if (n > 0)
        return err_set(ERR_CHECKPOINT,
                       "%s/checkpoints: none of %d checkpoints can be loaded "
                       "(expected a good one, found damage or other runs); "
                       "restore one, or choose another run.dir",
                       p->run.dir, n);
    if (p->run.resume == RESUME_REQUIRE)
        return err_set(ERR_CHECKPOINT,
                       "%s/checkpoints: no checkpoint (expected one, since "
                       "run.resume is require); set run.resume: auto",
                       p->run.dir);
    return OK;
}

static enum err find_in(const struct params *p, const char *portable,
                        const struct digest *data, struct known *k,
                        struct resumption *r)
{
    struct ckpt_entry *list;
    char best[4096];
    int n, there;
    enum err err;

    TRY(read_known(p, k));
    if (k->there)
        TRY(same_run(k, portable, data, &r->applied));
    TRY(ckpt_list(p->run.dir, &n, &list));
    there = n + has_best(p->run.dir, best);
    if (there > 0 && p->run.resume == RESUME_NEVER)
        err = err_set(ERR_DECK,
                      "run.resume: never, but %s holds %d checkpoints "
                      "(expected none); choose another run.dir or remove "
                      "them",
                      p->run.dir, there);
    else
        err = look_at_all(r, n, list, k);
    if (!err)
        err = look_at_best(r, p->run.dir, k);
    if (!err && r->candidates == 0)
        err = none_left(p, there);
    if (!err && r->candidates > 0 && !r->applied)
        err = same_run(k, portable, data, &r->applied);
    ckpt_list_free(n, list);
    return err;
}

enum err resume_find(struct comm *c, const struct params *p,
                     const char *portable, const struct digest *data,
                     struct resumption *out)
{
    struct known k = {.there = 0};
    struct resumption r = {.candidates = 0};
    enum err err = OK;

    if (comm_rank(c) == 0) {
        err = find_in(p, portable, data, &k, &r);
        mem_free(k.portable);
        r.fresh = r.candidates == 0;
        if (!err && !r.fresh)
            snprintf(r.isa, sizeof r.isa, "%s", r.candidate[0].isa);
    }
    err = comm_agree(c, err);
    if (err) {
        resume_fini(&r);
        return err;
    }
    comm_broadcast(c, &r.fresh, sizeof r.fresh, 0);
    comm_broadcast(c, r.isa, sizeof r.isa, 0);
    *out = r;
    return OK;
}

void resume_fini(struct resumption *r)
{
    for (int i = 0; i < r->candidates; i++) {
        mem_free(r->candidate[i].path);
        mem_free(r->candidate[i].isa);
    }
    mem_free(r->candidate);
    mem_free(r->applied);
    *r = (struct resumption){.candidates = 0};
}

/* --- loading ------------------------------------------------------------- */

static enum err load_newest(struct resumption *r, struct trainer *t)
{
    struct ckpt_state state;
    enum err err = ERR_CHECKPOINT;

    TRY(state_of_trainer(t, &state));
    for (int i = 0; i < r->candidates && err == ERR_CHECKPOINT; i++) {
        err = ckpt_load(r->candidate[i].path, &state, 0);
        if (err == ERR_CHECKPOINT)
            log_warn("%s; the one before is used", err_message());
    }
    state_fini(&state);
    return err == ERR_CHECKPOINT ? none_left(t->job->params, r->candidates)
                                 : err;
}

enum err resume_load(struct resumption *r, struct trainer *t)
{
    struct comm *c = t->job->comm;
    enum err err = OK;

    if (comm_rank(c) == 0)
        err = load_newest(r, t);
    TRY(comm_agree(c, err));
    TRY(resume_spread(t));
    trainer_resumed(t);
    return OK;
}

enum err resume_spread(struct trainer *t)
{
    struct ckpt_state s = {.arrays = 0};
    enum err err = comm_agree(t->job->comm, state_of_trainer(t, &s));

    if (!err)
        err = state_spread(t->job->comm, &s);
    state_fini(&s);
    return err;
}
