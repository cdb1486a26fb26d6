/* SPDX-License-Identifier: MIT */
/* tile.cpp - mma.sync m16n8k16 (bf16, fp16) and m16n8k8 (tf32), and ldmatrix,
 * with the registers of the PTX manual: lane l has row l / 4 and columns
 * 2 (l % 4), .. of a matrix of 2-byte numbers. Products are summed one after
 * another in single precision: a tensor core rounds otherwise.
 */
#include "simt/simt_internal.h"

#include "include/cuda_bf16.h"
#include "include/cuda_fp16.h"

#include <cstring>

enum { ROWS = 16, COLUMNS = 8, DEPTH = 16 };

struct mma_in {
    uint32_t a[4], b[2];
    float c[4];
};

struct tile {
    float a[ROWS][DEPTH], b[DEPTH][COLUMNS], c[ROWS][COLUMNS];
};

static float of_bf16(uint32_t pair, int which)
{
    return __bfloat162float({(uint16_t)(pair >> 16 * which)});
}

static float of_fp16(uint32_t pair, int which)
{
    return __half2float({(uint16_t)(pair >> 16 * which)});
}

/* The lower 13 bits are not looked at. */
static float of_tf32(uint32_t bits)
{
    return simt_bits<float>(bits & 0xffffe000u);
}

static bool all_lanes(uint32_t arrived, const char *what)
{
    if (arrived != ~0u)
        simt_report_at(SIMT_WARP, simt_self->site,
                       "%s without all 32 lanes (%08x)", what, arrived);
    return arrived == ~0u;
}

static mma_in in_of(simt_warp *w, int lane)
{
    mma_in in;

    memcpy(&in, simt_in(w, lane), sizeof in);
    return in;
}

static void put_pairs(tile *t, int lane, const mma_in &in,
                      float (*value)(uint32_t, int))
{
    int g = lane / 4, q = lane % 4 * 2;

    for (int h = 0; h < 2; h++) {
        t->a[g][q + h] = value(in.a[0], h);
        t->a[g + 8][q + h] = value(in.a[1], h);
        t->a[g][q + 8 + h] = value(in.a[2], h);
        t->a[g + 8][q + 8 + h] = value(in.a[3], h);
        t->b[q + h][g] = value(in.b[0], h);
        t->b[q + 8 + h][g] = value(in.b[1], h);
    }
}

static void put_single(tile *t, int lane, const mma_in &in)
{
    int g = lane / 4, q = lane % 4;

    t->a[g][q] = of_tf32(in.a[0]);
    t->a[g + 8][q] = of_tf32(in.a[1]);
    t->a[g][q + 4] = of_tf32(in.a[2]);
    t->a[g + 8][q + 4] = of_tf32(in.a[3]);
    t->b[q][g] = of_tf32(in.b[0]);
    t->b[q + 4][g] = of_tf32(in.b[1]);
}

static void put(tile *t, int lane, const mma_in &in, enum simt_number number)
{
    int g = lane / 4, q = lane % 4 * 2;

    if (number == SIMT_TF32)
        put_single(t, lane, in);
    else
        put_pairs(t, lane, in, number == SIMT_BF16 ? of_bf16 : of_fp16);
    for (int h = 0; h < 2; h++) {
        t->c[g][q + h] = in.c[h];
        t->c[g + 8][q + h] = in.c[2 + h];
    }
}

static void multiply(tile *t, int depth)
{
    for (int i = 0; i < ROWS; i++)
        for (int k = 0; k < depth; k++)
            for (int j = 0; j < COLUMNS; j++)
                t->c[i][j] += t->a[i][k] * t->b[k][j];
}

static void mma(simt_warp *w, uint32_t arrived, enum simt_number number)
{
    tile t;

    if (!all_lanes(arrived, "mma.sync"))
        return;
    for (int l = 0; l < SIMT_LANES; l++)
        put(&t, l, in_of(w, l), number);
    multiply(&t, number == SIMT_TF32 ? 8 : 16);
    for (int l = 0; l < SIMT_LANES; l++) {
        int g = l / 4, q = l % 4 * 2;
        float out[4] = {t.c[g][q], t.c[g][q + 1], t.c[g + 8][q],
                        t.c[g + 8][q + 1]};

        memcpy(simt_out(w, l), out, sizeof out);
    }
}

static void act_bf16(simt_warp *w, uint32_t arrived)
{
    mma(w, arrived, SIMT_BF16);
}

static void act_fp16(simt_warp *w, uint32_t arrived)
{
    mma(w, arrived, SIMT_FP16);
}

static void act_tf32(simt_warp *w, uint32_t arrived)
{
    mma(w, arrived, SIMT_TF32);
}

void simt_mma(enum simt_number number, float *d, const uint32_t *a,
              const uint32_t *b, simt_site at)
{
    static void (*const acts[])(simt_warp *, uint32_t) = {
        [SIMT_BF16] = act_bf16, [SIMT_FP16] = act_fp16, [SIMT_TF32] = act_tf32};
    mma_in in;

    memcpy(in.a, a, sizeof in.a);
    memcpy(in.b, b, sizeof in.b);
    memcpy(in.c, d, sizeof in.c);
    simt_meet({SIMT_MMA + 20 * number, ~0u, acts[number], &in, sizeof in, d,
               sizeof in.c, at});
}

/* --- ldmatrix ------------------------------------------------------------- */

struct ldmatrix_in {
    const char *row;
    int n, transposed;
};

static uint32_t two_of(simt_warp *w, int matrix, int lane, bool transposed)
{
    uint32_t pair = 0;

    for (int h = 0; h < 2; h++) {
        int row = lane / 4, column = lane % 4 * 2 + h;
        ldmatrix_in from;
        uint16_t number;

        if (transposed)
            std::swap(row, column);
        memcpy(&from, simt_in(w, 8 * matrix + row), sizeof from);
        memcpy(&number, from.row + 2 * column, sizeof number);
        pair |= (uint32_t)number << 16 * h;
    }
    return pair;
}

static void act_ldmatrix(simt_warp *w, uint32_t arrived)
{
    if (!all_lanes(arrived, "ldmatrix"))
        return;
    for (int l = 0; l < SIMT_LANES; l++) {
        uint32_t out[4] = {0};
        ldmatrix_in in;

        memcpy(&in, simt_in(w, l), sizeof in);
        for (int m = 0; m < in.n; m++)
            out[m] = two_of(w, m, l, in.transposed);
        memcpy(simt_out(w, l), out, sizeof out);
    }
}

void simt_ldmatrix(uint32_t *r, int n, bool transposed, const void *row,
                   simt_site at)
{
    static const char nothing[16] = {0};
    const void *place = __builtin_return_address(0);
    ldmatrix_in in = {static_cast<const char *>(row), n, transposed};

    if ((int)simt_lane() < 8 * n) { /* the others' rows are not looked at */
        if ((uintptr_t)row % 16)
            simt_report(SIMT_MISALIGNED, place, "ldmatrix of a row at %p", row);
        simt_check(row, 16, SIMT_READ, place);
        if (!simt_shared_of(row)) {
            simt_report(SIMT_OUTSIDE, place,
                        "ldmatrix of what is not shared memory");
            in.row = nothing;
        }
    }
    simt_meet({SIMT_LDMATRIX + n + 8 * transposed, ~0u, act_ldmatrix, &in,
               sizeof in, r, 4 * (size_t)n, at});
}
