/* SPDX-License-Identifier: MIT */
/* product.h - a product of matrices that uses all that dev.cuh has in PTX: the
 * harness's model of it is compared with sums in double precision, and the gate
 * with what nvcc makes of it. Not part of the device.
 */
#ifndef PRODUCT_H
#define PRODUCT_H

struct product_shape {
    int m, n, k; /* k and n: multiples of 8 */
};

/* c[m x n] = a[m x k] b[k x n], by rows, in dev_stream. The 2-byte numbers are
 * bf16, or fp16. */
void product_bf16(const struct product_shape *s, const void *a, const void *b,
                  float *c);
void product_fp16(const struct product_shape *s, const void *a, const void *b,
                  float *c);
void product_tf32(const struct product_shape *s, const float *a, const float *b,
                  float *c);

#endif
