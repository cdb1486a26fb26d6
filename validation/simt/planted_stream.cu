/* SPDX-License-Identifier: MIT */
/* planted_stream.cu - see planted.h: what a stream, an event or a graph was
 * not told. */
#include "simt/planted.h"

#include "cuda/dev.cuh"

static __global__ void add(int *to, const int *from, int n)
{
    int64_t i = dev_thread();

    if (i < n)
        to[i] += from[i];
}

/* Half of x is produced in one stream, and used for the other half in a
 * second. */
struct two {
    cudaStream_t a, b;
    cudaEvent_t made;
    int *from, *to, n;
};

static two begin(int *x, int n)
{
    two t;

    cudaStreamCreateWithFlags(&t.a, cudaStreamNonBlocking);
    cudaStreamCreateWithFlags(&t.b, cudaStreamNonBlocking);
    cudaEventCreateWithFlags(&t.made, cudaEventDisableTiming);
    t.n = n / 2;
    t.from = x;
    t.to = x + t.n;
    return t;
}

static void end(two *t)
{
    cudaDeviceSynchronize();
    cudaEventDestroy(t->made);
    cudaStreamDestroy(t->a);
    cudaStreamDestroy(t->b);
}

/* In the stream given, which dev_launch knows as the only one. */
static void add_in(cudaStream_t s, int *to, const int *from, int n)
{
    cudaStream_t was = dev_stream;

    dev_stream = s;
    dev_launch(n, add, to, from, n);
    dev_stream = was;
}

static void produce(const two *t)
{
    cudaMemsetAsync(t->from, 0, (size_t)t->n * sizeof(int), t->a);
}

static void use(const two *t)
{
    add_in(t->b, t->to, t->from, t->n);
}

static void waits_right(int *x, int n)
{
    two t = begin(x, n);

    produce(&t);
    cudaEventRecord(t.made, t.a);
    cudaStreamWaitEvent(t.b, t.made, 0);
    use(&t);
    cudaEventRecord(t.made, t.b); /* used: it may be produced again */
    cudaStreamWaitEvent(t.a, t.made, 0);
    produce(&t);
    end(&t);
}

static void host_waits(int *x, int n)
{
    two t = begin(x, n);

    produce(&t);
    cudaStreamSynchronize(t.a);
    use(&t);
    cudaEventRecord(t.made, t.b);
    cudaEventSynchronize(t.made);
    produce(&t);
    end(&t);
}

static void no_wait(int *x, int n)
{
    two t = begin(x, n);

    produce(&t);
    cudaEventRecord(t.made, t.a);
    use(&t);
    end(&t);
}

static void recorded_too_early(int *x, int n)
{
    two t = begin(x, n);

    cudaEventRecord(t.made, t.a);
    produce(&t);
    cudaStreamWaitEvent(t.b, t.made, 0);
    use(&t);
    end(&t);
}

static void produced_too_early(int *x, int n)
{
    two t = begin(x, n);

    produce(&t);
    cudaEventRecord(t.made, t.a);
    cudaStreamWaitEvent(t.b, t.made, 0);
    use(&t);
    produce(&t);
    end(&t);
}

/* --- graphs --------------------------------------------------------------- */

enum { NO_FORK = 1, NO_JOIN = 2, NO_WAIT_WITHIN = 4 };

/* What is used in b, behind what is produced in a, and again in a. */
static void capture(const two *t, int without, cudaGraph_t *g)
{
    cudaStreamBeginCapture(t->a, cudaStreamCaptureModeThreadLocal);
    if (without & NO_WAIT_WITHIN) {
        cudaEventRecord(t->made, t->a);
        cudaStreamWaitEvent(t->b, t->made, 0);
    }
    produce(t);
    if (!(without & NO_WAIT_WITHIN)) {
        cudaEventRecord(t->made, t->a);
        cudaStreamWaitEvent(t->b, t->made, 0);
    }
    use(t);
    if (!(without & NO_JOIN)) {
        cudaEventRecord(t->made, t->b);
        cudaStreamWaitEvent(t->a, t->made, 0);
    }
    add_in(t->a, t->to, t->from, 1);
    cudaStreamEndCapture(t->a, g);
}

static void graph_without(int *x, int n, int without)
{
    two t = begin(x, n);
    cudaGraph_t g;
    cudaGraphExec_t exec;

    capture(&t, without, &g);
    if (g) {
        cudaGraphInstantiate(&exec, g, 0);
        cudaGraphLaunch(exec, t.a);
        cudaGraphLaunch(exec, t.a);
        produce(&(two &)t);
        cudaDeviceSynchronize();
        cudaGraphExecDestroy(exec);
        cudaGraphDestroy(g);
    }
    end(&t);
}

static void graph_right(int *x, int n)
{
    graph_without(x, n, 0);
}

static void graph_not_joined(int *x, int n)
{
    graph_without(x, n, NO_JOIN);
}

static void graph_without_wait(int *x, int n)
{
    graph_without(x, n, NO_WAIT_WITHIN);
}

static void graph_and_other_stream(int *x, int n)
{
    two t = begin(x, n);
    cudaGraph_t g;
    cudaGraphExec_t exec;

    capture(&t, 0, &g);
    cudaGraphInstantiate(&exec, g, 0);
    cudaGraphLaunch(exec, t.a);
    use(&t);
    cudaDeviceSynchronize();
    cudaGraphExecDestroy(exec);
    cudaGraphDestroy(g);
    end(&t);
}

/* CALL inside a capture of a. */
template <class F> static void captured(int *x, int n, F call)
{
    two t = begin(x, n);
    cudaGraph_t g;

    cudaStreamBeginCapture(t.a, cudaStreamCaptureModeGlobal);
    call(&t);
    cudaStreamEndCapture(t.a, &g);
    if (g)
        cudaGraphDestroy(g);
    end(&t);
}

static void allocate_in_graph(int *x, int n)
{
    captured(x, n, [](const two *) {
        void *p;

        cudaMalloc(&p, 4);
    });
}

static void wait_in_graph(int *x, int n)
{
    captured(x, n, [](const two *t) { cudaStreamSynchronize(t->a); });
}

static void pageable_in_graph(int *x, int n)
{
    captured(x, n, [](const two *t) {
        int number = 0;

        cudaMemcpyAsync(t->from, &number, sizeof number, cudaMemcpyHostToDevice,
                        t->a);
    });
}

static void default_stream_waits(int *x, int n)
{
    cudaStream_t s;

    cudaStreamCreate(&s); /* blocking */
    add_in(s, x + n / 2, x, n / 2);
    cudaMemsetAsync(x, 0, (size_t)n * sizeof *x, nullptr);
    add_in(s, x + n / 2, x, n / 2);
    cudaStreamDestroy(s);
    cudaDeviceSynchronize();
}

static void default_stream_does_not(int *x, int n)
{
    two t = begin(x, n); /* not blocking */

    use(&t);
    cudaMemsetAsync(x, 0, (size_t)n * sizeof *x, nullptr);
    end(&t);
}

static const struct plant plants[] = {
    {"events", SIMT_KINDS, waits_right},
    {"the host waits", SIMT_KINDS, host_waits},
    {"the default stream", SIMT_KINDS, default_stream_waits},
    {"a graph of two streams", SIMT_KINDS, graph_right},
    {"no wait for an event", SIMT_ORDER, no_wait},
    {"an event before the work", SIMT_ORDER, recorded_too_early},
    {"overwritten while in use", SIMT_ORDER, produced_too_early},
    {"streams that do not block", SIMT_ORDER, default_stream_does_not},
    {"a graph without a wait", SIMT_ORDER, graph_without_wait},
    {"a graph and another stream", SIMT_ORDER, graph_and_other_stream},
    {"a graph that is not joined", SIMT_CALL, graph_not_joined},
    {"memory allocated in a graph", SIMT_CALL, allocate_in_graph},
    {"the host waits in a graph", SIMT_CALL, wait_in_graph},
    {"pageable memory in a graph", SIMT_CALL, pageable_in_graph},
};
const struct plant_list planted_stream = {plants,
                                          sizeof plants / sizeof *plants};
