/* SPDX-License-Identifier: MIT */
/* k_softmax.cu - attention weights (model.md section 4): k_softmax.c with one
 * thread a node and head.
 *
 * Over the edges e, e' into one node, for each head,
 *
 *     a_e  = exp(s_e - max s) / sum_e' exp(s_e' - max s)
 *     ds_e = a_e (da_e - sum_e' a_e' da_e')
 *
 * Heads are the fastest index: the threads of a warp read neighbouring numbers.
 */
#include "cuda/dev.cuh"

template <class real>
static __device__ void head_fwd(const struct tensor *score, const int *edge,
                                int edges, int h, struct tensor *a)
{
    real top = -INFINITY, sum = 0;

    for (int i = 0; i < edges; i++)
        top = fmax(top, row<real>(score, edge[i], 0)[h]);
    for (int i = 0; i < edges; i++) {
        real e = exp(row<real>(score, edge[i], 0)[h] - top);

        row<real>(a, edge[i], 0)[h] = e;
        sum += e;
    }
    for (int i = 0; i < edges; i++)
        row<real>(a, edge[i], 0)[h] /= sum;
}

template <class real>
static __device__ void head_bwd(const struct tensor *a, const struct tensor *da,
                                const int *edge, int edges, int h,
                                struct tensor *dscore)
{
    real sum = 0;

    for (int i = 0; i < edges; i++)
        sum += row<real>(a, edge[i], 0)[h] * row<real>(da, edge[i], 0)[h];
    for (int i = 0; i < edges; i++) {
        int e = edge[i];

        row<real>(dscore, e, 0)[h] =
            row<real>(a, e, 0)[h] * (row<real>(da, e, 0)[h] - sum);
    }
}

template <class real>
static __global__ void each_head_fwd(struct tensor score, struct csr in,
                                     struct tensor a)
{
    int64_t n = dev_thread() / score.c;
    int h = (int)(dev_thread() % score.c);

    if (n >= used_nodes(&in))
        return;
    head_fwd<real>(&score, in.edge + in.begin[n], in.begin[n + 1] - in.begin[n],
                   h, &a);
}

template <class real>
static __global__ void each_head_bwd(struct tensor a, struct tensor da,
                                     struct csr in, struct tensor dscore)
{
    int64_t n = dev_thread() / a.c;
    int h = (int)(dev_thread() % a.c);

    if (n >= used_nodes(&in))
        return;
    head_bwd<real>(&a, &da, in.edge + in.begin[n],
                   in.begin[n + 1] - in.begin[n], h, &dscore);
}

template <class real>
static void softmax_fwd(const struct tensor *score, const struct csr *in,
                        struct tensor *a)
{
    dev_launch((int64_t)in->n * score->c, each_head_fwd<real>, *score, *in, *a);
}

template <class real>
static void softmax_bwd(const struct tensor *a, const struct tensor *da,
                        const struct csr *in, struct tensor *dscore)
{
    dev_launch((int64_t)in->n * a->c, each_head_bwd<real>, *a, *da, *in,
               *dscore);
}

template <class real> static void enter(struct kernels *k)
{
    k->node.softmax_fwd = softmax_fwd<real>;
    k->node.softmax_bwd = softmax_bwd<real>;
}

extern "C" void k_softmax_cuda(struct kernels *k)
{
    k->real == sizeof(float) ? enter<float>(k) : enter<double>(k);
}
