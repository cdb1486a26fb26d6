/* SPDX-License-Identifier: MIT */
/* fuzz_shards.c - any numbers in a shard whose digest fits, or any bytes as the
 * manifest: no crash, no leak; and a data set that is taken can be walked.
 *
 * Byte 0: the manifest's turn; bytes 1 to 3: molecules, atoms, bonds; what
 * follows fills the arrays, over and over.
 */
#include "base/mem.h"
#include "comm/comm.h"
#include "comm/h5.h"
#include "data/import.h"
#include "data/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { HEAD = 4, ROOM = 4096 };
static struct comm *comm;
static char dir[] = "fuzz-shards-XXXXXX";
static char shard_path[64], manifest_path[64];

static void end(void)
{
    unlink(shard_path);
    unlink(manifest_path);
    rmdir(dir);
    _exit(0); /* MPI is not asked */
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    CHECK(comm_open(argc, argv, &comm) == OK && mkdtemp(dir));
    snprintf(shard_path, sizeof shard_path, "%s/shard-0000.h5", dir);
    snprintf(manifest_path, sizeof manifest_path, "%s/manifest.yaml", dir);
    atexit(end);
    return 0;
}

/* The bytes over and over; where they are few, zeros. */
static const void *filled(const uint8_t *data, size_t bytes, size_t first)
{
    static uint8_t room[ROOM];

    for (size_t i = 0; i < ROOM; i++)
        room[i] = bytes ? data[(first + i) % bytes] : 0;
    return room;
}

static enum err write_shard(const uint8_t *data, size_t bytes,
                            const struct dataset *d)
{
    const struct {
        const char *path;
        struct h5_shape shape;
    } set[] = {
        {"/molecule/id", {H5_I64, 1, {d->molecules}}},
        {"/molecule/atom_begin", {H5_I64, 1, {d->molecules + 1}}},
        {"/molecule/bond_begin", {H5_I64, 1, {d->molecules + 1}}},
        {"/molecule/target", {H5_F64, 2, {d->molecules, 1}}},
        {"/atom/number", {H5_U8, 1, {d->atoms}}},
        {"/atom/position", {H5_F64, 2, {d->atoms, 3}}},
        {"/bond/atoms", {H5_I32, 2, {d->bonds, 2}}},
        {"/bond/order", {H5_U8, 1, {d->bonds}}},
    };
    const char *name = "y", *unit = "";
    struct h5 *f;

    TRY(h5_create(shard_path, &f));
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        TRY(h5_write(f, set[i].path, &set[i].shape,
                     filled(data, bytes, 16 * i)));
    TRY(h5_put_strings(f, "/molecule/target", "names", 1, &name));
    TRY(h5_put_strings(f, "/molecule/target", "units", 1, &unit));
    return h5_close(&f);
}

static enum err write_all(const uint8_t *data, size_t bytes)
{
    struct dataset_target target = {"y", ""};
    struct dataset d = {.molecules = data[1] % 8,
                        .atoms = data[2] % 32,
                        .bonds = data[3] % 32,
                        .targets = 1,
                        .target = &target};
    struct shard_entry shard = {
        "shard-0000.h5", d.molecules, d.atoms, d.bonds, {""}};
    struct manifest m = {.name = dir, .shards = 1, .shard = &shard};
    struct import_summary s = {.records = d.molecules};

    TRY(write_shard(data + HEAD, bytes - HEAD, &d));
    TRY(digest_file(shard_path, -1, &shard.digest));
    return manifest_write(manifest_path, &m, &d, &s);
}

static void write_manifest(const uint8_t *data, size_t bytes)
{
    FILE *f = fopen(manifest_path, "wb");

    CHECK(f && fwrite(data, 1, bytes, f) == bytes && fclose(f) == 0);
}

static void walk(const struct dataset *d)
{
    int64_t sum = 0;

    for (int64_t m = 0; m < d->molecules; m++)
        for (int64_t b = d->bond_begin[m]; b < d->bond_begin[m + 1]; b++)
            for (int k = 0; k < 2; k++)
                sum += d->number[d->atom_begin[m] + d->bond[2 * b + k]];
    CHECK(sum >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct dataset *d = NULL;
    int live = mem_live();

    if (bytes < HEAD)
        return 0;
    if (write_all(data, bytes) == OK) {
        if (data[0] & 1)
            write_manifest(data + HEAD, bytes - HEAD);
        if (dataset_open(comm, dir, &d) == OK)
            walk(d);
        dataset_close(comm, &d);
    }
    CHECK(mem_live() == live);
    return 0;
}
