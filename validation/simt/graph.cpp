/* SPDX-License-Identifier: MIT */
/* graph.cpp - streams captured into graphs, and graphs launched. A graph runs
 * its nodes in any order that their dependencies allow, each ordered behind
 * those alone: what a captured event forgot is seen as between streams.
 */
#include "simt/simt_internal.h"

#include <algorithm>

/* A member of a graph has a track, whose count goes on from launch to launch.
 */
struct simt_graph_exec {
    simt_graph graph;
    std::vector<unsigned> tracks;
    std::vector<uint32_t> counts;
};

void simt_capture_add(simt_front *front, simt_work work)
{
    front->graph->nodes.push_back(
        {std::move(work), front->nodes, front->member});
    front->nodes = {(int)front->graph->nodes.size() - 1};
}

static void mark_joined(const simt_graph &g, int n, std::vector<bool> *joined)
{
    if ((*joined)[(size_t)n])
        return;
    (*joined)[(size_t)n] = true;
    for (int b : g.nodes[(size_t)n].behind)
        mark_joined(g, b, joined);
}

/* Whether what ended the capture is behind all of it. */
static bool all_joined(const simt_front &end)
{
    std::vector<bool> joined(end.graph->nodes.size());

    for (int n : end.nodes)
        mark_joined(*end.graph, n, &joined);
    return std::count(joined.begin(), joined.end(), false) == 0;
}

/* --- launches ------------------------------------------------------------- */

/* Of the nodes that can go on: the last for lazy streams, the first, or any. */
static size_t pick(size_t ready)
{
    return simt_get_async() == SIMT_LAZY    ? ready - 1
           : simt_get_async() == SIMT_EAGER ? 0
                                            : simt_random_moment(ready);
}

struct replay {
    const simt_graph_exec *exec;
    std::vector<uint32_t> counts; /* of its tracks, before */
    std::vector<simt_clock> after;
    std::vector<bool> done;

    bool can(const simt_graph::node &n) const
    {
        for (int b : n.behind)
            if (!done[(size_t)b])
                return false;
        return true;
    }

    void run(size_t i, simt_clock clock)
    {
        const simt_graph::node &n = exec->graph.nodes[i];
        unsigned track = exec->tracks[n.member];

        for (int b : n.behind)
            clock.join(after[(size_t)b]);
        clock.set(track, ++counts[n.member]);
        simt_item_begin(clock, track);
        n.work();
        simt_item_end();
        after[i] = clock;
        done[i] = true;
    }
};

static void run_graph(const simt_graph_exec *exec,
                      const std::vector<uint32_t> &counts,
                      const simt_clock &clock)
{
    const std::vector<simt_graph::node> &nodes = exec->graph.nodes;
    replay r = {exec, counts, std::vector<simt_clock>(nodes.size()),
                std::vector<bool>(nodes.size())};
    simt_clock before = clock;

    /* the clock has the launch itself, whose nodes are not done yet */
    for (size_t m = 0; m < counts.size(); m++)
        before.set(exec->tracks[m], counts[m]);
    for (size_t left = nodes.size(); left > 0; left--) {
        std::vector<size_t> ready;

        for (size_t i = 0; i < nodes.size(); i++)
            if (!r.done[i] && r.can(nodes[i]))
                ready.push_back(i);
        r.run(ready[pick(ready.size())], before);
    }
}

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode)
{
    simt_front *f = simt_front_of(stream);

    if ((uintptr_t)stream <= 2 || f->graph)
        return simt_refuse(cudaErrorStreamCaptureUnsupported,
                           "capture of the default stream, or of one that is "
                           "captured");
    *f = {new simt_graph, 0, {}};
    f->graph->members.push_back(stream);
    return simt_error(cudaSuccess);
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    simt_front end = *simt_front_of(stream);

    *graph = nullptr;
    if (!end.graph || end.member != 0)
        return simt_refuse(cudaErrorIllegalState,
                           "the end of a capture that did not begin here");
    for (cudaStream_t s : end.graph->members)
        *simt_front_of(s) = {};
    if (!all_joined(end)) {
        delete end.graph;
        return simt_refuse(cudaErrorStreamCaptureUnjoined,
                           "a captured stream was not joined to the first");
    }
    *graph = end.graph;
    return simt_error(cudaSuccess);
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream,
                                  cudaStreamCaptureStatus *status)
{
    *status = simt_front_of(stream)->graph ? cudaStreamCaptureStatusActive
                                           : cudaStreamCaptureStatusNone;
    return simt_error(cudaSuccess);
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph,
                                 unsigned long long)
{
    size_t members = graph->members.size();

    *exec = new simt_graph_exec{*graph, std::vector<unsigned>(members),
                                std::vector<uint32_t>(members)};
    for (unsigned &t : (*exec)->tracks)
        t = simt_new_track();
    return simt_error(cudaSuccess);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
    simt_clock *clock = simt_clock_of(stream);
    std::vector<uint32_t> before = exec->counts;

    if (simt_front_of(stream)->graph)
        return simt_refuse(cudaErrorStreamCaptureUnsupported,
                           "a graph launched in a captured stream");
    for (const auto &n : exec->graph.nodes)
        exec->counts[n.member]++;
    for (size_t m = 0; m < exec->tracks.size(); m++)
        clock->set(exec->tracks[m], exec->counts[m]);
    simt_enqueue_items(stream, [=](const simt_clock &known) {
        run_graph(exec, before, known);
    });
    return simt_error(cudaSuccess);
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    simt_wait_for_all();
    delete exec;
    return simt_error(cudaSuccess);
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    delete graph;
    return simt_error(cudaSuccess);
}
}
