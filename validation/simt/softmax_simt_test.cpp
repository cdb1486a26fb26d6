/* SPDX-License-Identifier: MIT */
/* softmax_simt_test.cpp - cuda/k_softmax.cu on the harness against the
 * reference, in both precisions, on odd shapes, in several orders of threads.
 *
 * Only what a batch uses is written to device memory: a kernel that looks at
 * rows out of use is reported. What no one may write keeps its bytes.
 */
#include "noise.h"
#include "simt/include/cuda_runtime.h"
#include "simt/simt.h"

extern "C" {
#include "cpu/registry.h"
#include "device/kernels.h"
}

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <vector>

extern "C" void k_softmax_cuda(struct kernels *k);
cudaStream_t dev_stream;

/* Edges into node n are degree(n) many. */
static int none(int)
{
    return 0;
}

static int one(int)
{
    return 1;
}

static int only_first(int n)
{
    return n == 0;
}

static int hub(int n)
{
    return n == 2 ? 150 : n % 2;
}

static int mixed(int n)
{
    return n * 7 % 5;
}

static const struct shape {
    const char *name;
    int nodes; /* in use */
    int spare; /* nodes, and edges, of the view that are not */
    int heads;
    int (*degree)(int n);
    bool nan;
} shapes[] = {
    {"no nodes", 0, 0, 4, none, false},
    {"no nodes in use", 0, 7, 4, none, false},
    {"no edges", 9, 0, 4, none, false},
    {"no heads", 9, 0, 0, one, false},
    {"one edge", 1, 0, 1, one, false},
    {"one edge, other nodes", 130, 3, 1, only_first, false},
    {"one edge a node", 129, 0, 17, one, false},
    {"hub, one head", 6, 0, 1, hub, false},
    {"hub, 17 heads", 6, 40, 17, hub, false},
    {"mixed", 61, 0, 8, mixed, false},
    {"rows out of use", 20, 200, 17, mixed, false},
    {"NaN", 20, 9, 3, mixed, true},
};

/* The same numbers twice: for the reference on the host, and, what is in use of
 * them, on the device. */
template <class T> struct twin {
    std::vector<T> host;
    T *device;

    twin(size_t n) : host(n)
    {
        cudaMalloc((void **)&device, n * sizeof(T));
        memset(static_cast<void *>(host.data()), 0xff, n * sizeof(T));
    }
    twin(const twin &) = delete;
    ~twin()
    {
        cudaFree(device);
    }
    void put(size_t n)
    {
        cudaMemcpyAsync(device, host.data(), n * sizeof(T),
                        cudaMemcpyHostToDevice, dev_stream);
    }
    std::vector<T> get() const
    {
        std::vector<T> v(host.size());

        cudaMemcpyAsync(v.data(), device, v.size() * sizeof(T),
                        cudaMemcpyDeviceToHost, dev_stream);
        cudaStreamSynchronize(dev_stream);
        return v;
    }
};

/* Edges of a node stand apart: place i of the list is edge 3 i, modulo. */
static int scattered(int i, int edges)
{
    int step = 3;

    while (edges % step == 0)
        step++;
    return (int)((int64_t)i * step % edges);
}

/* a is score, dscore is da where in_place. */
template <class real> struct problem {
    const struct shape *s;
    int edges;
    twin<int> begin, edge, used;
    struct tensor view; /* of every operand, without data */
    twin<real> score, a, da, dscore;

    problem(const struct shape *shape, int total, size_t numbers)
        : s(shape), edges(total), begin((size_t)(s->nodes + s->spare + 1)),
          edge((size_t)(edges + s->spare)), used(1),
          view(tensor_feature(edges + s->spare, 0, s->heads, sizeof(real))),
          score(numbers), a(numbers), da(numbers), dscore(numbers)
    {
        used.host[0] = s->nodes;
        begin.host[0] = 0;
        for (int n = 0; n < s->nodes; n++)
            begin.host[(size_t)n + 1] = begin.host[(size_t)n] + s->degree(n);
        for (int i = 0; i < edges; i++)
            edge.host[(size_t)i] = scattered(i, edges);
        used.put(1);
        begin.put((size_t)s->nodes + 1);
        edge.put((size_t)edges);
        fill(&score, 6, 0);
        fill(&da, 1, 5000);
        if (s->nan)
            score.host[(size_t)(edges / 2 * view.ld)] = (real)NAN;
        put(&score);
        put(&da);
    }

    void fill(twin<real> *t, double scale, uint64_t seed)
    {
        for (int e = 0; e < edges; e++)
            for (int c = 0; c < view.ld; c++)
                t->host[(size_t)(e * view.ld + c)] =
                    c < s->heads
                        ? (real)(scale * noise(seed + (uint64_t)(e * 32 + c)))
                        : 0;
    }

    void put(twin<real> *t)
    {
        t->put((size_t)(edges * view.ld));
    }

    struct csr in(bool device)
    {
        return {s->nodes + s->spare, device ? used.device : &used.host[0],
                device ? begin.device : begin.host.data(),
                device ? edge.device : edge.host.data()};
    }

    struct tensor of(twin<real> *t, bool device)
    {
        struct tensor v = view;

        v.data = device ? t->device : t->host.data();
        return v;
    }

    void call(const struct kernels *k, bool device, bool in_place)
    {
        struct csr rows = in(device);
        struct tensor x = of(&score, device), dy = of(&da, device);
        struct tensor y = in_place ? x : of(&a, device);
        struct tensor dx = in_place ? dy : of(&dscore, device);

        k->node.softmax_fwd(&x, &rows, &y);
        k->node.softmax_bwd(&y, &dy, &rows, &dx);
    }
};

/* The same operations in the same order: only another exp may round otherwise,
 * once for a_e and once for the sum; all numbers are at most 2. Bytes that are
 * not in use are 0xff in both, so NaN. */
template <class real> static bool differs(const twin<real> *t)
{
    std::vector<real> got = t->get();
    double tolerance = 4 * (sizeof(real) == sizeof(float) ? 0x1p-24 : 0x1p-53);

    for (size_t i = 0; i < got.size(); i++) {
        double d = fabs((double)got[i] - (double)t->host[i]);

        if (isnan(got[i]) != isnan(t->host[i]) || d > tolerance)
            return true;
    }
    return false;
}

template <class real>
static int try_shape(const struct shape *s, const struct kernels *reference,
                     const struct kernels *cuda, bool in_place)
{
    int edges = 0, reports;
    bool off;

    for (int n = 0; n < s->nodes; n++)
        edges += s->degree(n);

    struct tensor view =
        tensor_feature(edges + s->spare, 0, s->heads, sizeof(real));
    problem<real> p(s, edges, tensor_bytes(&view, sizeof(real)) / sizeof(real));

    p.call(cuda, true, in_place);
    cudaStreamSynchronize(dev_stream);
    p.call(reference, false, in_place);
    off = differs(&p.score) || differs(&p.a) || differs(&p.da) ||
          differs(&p.dscore);
    reports = simt_reports(SIMT_KINDS);
    if (off || reports > 0)
        printf("fp%d, %s%s: %s, %d reports\n", 8 * (int)sizeof(real), s->name,
               in_place ? ", in place" : "", off ? "numbers differ" : "equal",
               reports);
    simt_clear();
    return off || reports > 0;
}

template <class real> static int try_all(void)
{
    struct kernels reference, cuda = {};
    int failures = 0;

    cuda.real = sizeof(real);
    k_softmax_cuda(&cuda);
    if (registry_fill(sizeof(real), ISA_REF, &reference) != OK)
        return 1;
    for (const struct shape &s : shapes)
        for (bool in_place : {false, true})
            failures += try_shape<real>(&s, &reference, &cuda, in_place);
    return failures;
}

int main(void)
{
    static const struct {
        const char *name;
        enum simt_order order;
        uint64_t seed;
    } schedules[] = {
        {"forward", SIMT_FORWARD, 0},   {"backward", SIMT_BACKWARD, 0},
        {"random", SIMT_RANDOM, 1},     {"random", SIMT_RANDOM, 2},
        {"preempted", SIMT_PREEMPT, 1}, {"preempted", SIMT_PREEMPT, 2},
    };
    int failures = 0;

    cudaStreamCreate(&dev_stream);
    for (const auto &s : schedules) {
        int now;

        simt_schedule(s.order, s.seed);
        now = try_all<float>() + try_all<double>();
        printf("%-9s %d failures\n", s.name, now);
        failures += now;
    }
    cudaStreamDestroy(dev_stream);
    if (simt_accesses() == 0) {
        printf("the kernels are not instrumented\n");
        failures++;
    }
    return failures > 0;
}
