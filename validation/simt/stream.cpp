/* SPDX-License-Identifier: MIT */
/* stream.cpp - streams and events. Work is done at the latest legal moment, at
 * once, or at any moment between: so a copy whose source changes too early, or
 * a result that is read too early, is wrong every time instead of now and then.
 * What happened before what goes along in clocks (order.cpp).
 */
#include "simt/simt_internal.h"
#include "simt/simt_work.h"

#include <deque>
#include <set>
#include <time.h>

struct turn {
    std::function<void(const simt_clock &)> work; /* begins its items itself */
    std::vector<std::pair<cudaStream_t, uint64_t>> behind;
    simt_clock clock;
};

struct simt_stream {
    std::deque<turn> turns;
    uint64_t done = 0, enqueued = 0;
    bool blocking = true; /* waits for the default stream, and it for this */
    unsigned track = simt_new_track();
    simt_clock clock; /* what its next work is ordered behind */
    std::vector<std::pair<cudaStream_t, uint64_t>> waits;
    simt_front front;
};

struct simt_event {
    cudaStream_t stream = nullptr;
    uint64_t turn = 0;
    simt_clock clock;
    simt_front front;
    double ms = 0;
};

static simt_stream *default_stream;
static std::set<simt_stream *> streams;
static simt_clock host; /* what the host has waited for */
static enum simt_when when;
static uint64_t random_state = 1;

unsigned simt_random_moment(size_t n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((random_state >> 33) % n);
}

enum simt_when simt_get_async(void)
{
    return when;
}

static simt_stream *stream_of(cudaStream_t s)
{
    if (!default_stream) {
        streams.insert(default_stream = new simt_stream);
        simt_read_environment();
    }
    return (uintptr_t)s <= 2 ? default_stream : s;
}

simt_front *simt_front_of(cudaStream_t s)
{
    return &stream_of(s)->front;
}

simt_clock *simt_clock_of(cudaStream_t s)
{
    return &stream_of(s)->clock;
}

bool simt_is_capturing(void)
{
    for (simt_stream *s : streams)
        if (s->front.graph)
            return true;
    return false;
}

/* --- turns ---------------------------------------------------------------- */

static void run_until(simt_stream *s, uint64_t turns)
{
    while (s->done < turns) {
        turn t = std::move(s->turns.front());

        s->turns.pop_front();
        for (auto &b : t.behind)
            if (streams.count(b.first))
                run_until(b.first, b.second);
        s->done++;
        t.work(t.clock);
    }
}

static void run_somewhat(void)
{
    std::vector<simt_stream *> all(streams.begin(), streams.end());

    for (simt_stream *s : all)
        if (s->done < s->enqueued && simt_random_moment(3) == 0)
            run_until(s,
                      s->done + 1 + simt_random_moment(s->enqueued - s->done));
}

/* The default stream and the others wait for each other, unless they were made
 * not to. */
static void wait_for_default(simt_stream *s, turn *t)
{
    if (s != default_stream && s->blocking) {
        t->behind.push_back({default_stream, default_stream->enqueued});
        s->clock.join(default_stream->clock);
    }
    if (s == default_stream)
        for (simt_stream *o : streams)
            if (o != s && o->blocking) {
                t->behind.push_back({o, o->enqueued});
                s->clock.join(o->clock);
            }
}

void simt_enqueue_items(cudaStream_t stream,
                        std::function<void(const simt_clock &)> work)
{
    simt_stream *s = stream_of(stream);
    turn t = {std::move(work), std::move(s->waits), {}};

    s->waits.clear();
    wait_for_default(s, &t);
    s->clock.join(host);
    t.clock = s->clock;
    s->turns.push_back(std::move(t));
    s->enqueued++;
    if (when == SIMT_EAGER)
        run_until(s, s->enqueued);
    if (when == SIMT_ANY_TIME)
        run_somewhat();
}

void simt_enqueue_work(cudaStream_t stream, simt_work work)
{
    simt_stream *s = stream_of(stream);
    unsigned track = s->track;

    if (s->front.graph) {
        simt_capture_add(&s->front, std::move(work));
        return;
    }
    s->clock.set(track, s->clock.get(track) + 1);
    simt_enqueue_items(stream, [=](const simt_clock &clock) {
        simt_item_begin(clock, track);
        work();
        simt_item_end();
    });
}

static void wait_for(simt_stream *s)
{
    run_until(s, s->enqueued);
    host.join(s->clock);
}

void simt_wait_for_all(void)
{
    bool more = true;

    while (more) {
        more = false;
        for (simt_stream *s : streams) {
            more = more || s->done < s->enqueued;
            wait_for(s);
        }
    }
}

void simt_async(enum simt_when wanted, uint64_t seed)
{
    simt_wait_for_all();
    when = wanted;
    random_state = seed;
}

static cudaError_t refuse_captured(const char *what)
{
    return simt_refuse(cudaErrorStreamCaptureUnsupported,
                       "%s while a stream is captured", what);
}

static cudaError_t outcome(void)
{
    return simt_error(simt_has_failed() ? cudaErrorLaunchFailure : cudaSuccess);
}

/* --- streams -------------------------------------------------------------- */

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    stream_of(nullptr);
    *stream = new simt_stream;
    (*stream)->blocking = !(flags & cudaStreamNonBlocking);
    streams.insert(*stream);
    return simt_error(cudaSuccess);
}

cudaError_t cudaStreamCreate(cudaStream_t *stream)
{
    return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags,
                                         int)
{
    return cudaStreamCreateWithFlags(stream, flags);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    if (stream_of(stream)->front.graph)
        return refuse_captured("cudaStreamSynchronize");
    wait_for(stream_of(stream));
    return outcome();
}

cudaError_t cudaStreamQuery(cudaStream_t stream)
{
    simt_stream *s = stream_of(stream);

    if (s->done < s->enqueued)
        return cudaErrorNotReady;
    host.join(s->clock);
    return outcome();
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    cudaError_t e = cudaStreamSynchronize(stream);

    if (streams.erase(stream))
        delete stream;
    return e;
}

cudaError_t cudaDeviceSynchronize(void)
{
    if (simt_is_capturing())
        return refuse_captured("cudaDeviceSynchronize");
    simt_wait_for_all();
    return outcome();
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t f, void *self)
{
    simt_enqueue_work(stream, [=] { f(self); });
    return simt_error(cudaSuccess);
}

/* --- events --------------------------------------------------------------- */

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned)
{
    *event = new simt_event;
    return simt_error(cudaSuccess);
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    if (!simt_is_capturing())
        simt_wait_for_all(); /* it may be written to */
    delete event;
    return simt_error(cudaSuccess);
}

static double milliseconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    simt_stream *s = stream_of(stream);

    event->front = s->front;
    if (s->front.graph)
        return simt_error(cudaSuccess);
    simt_enqueue_work(stream, [=] { event->ms = milliseconds(); });
    event->stream = s;
    event->turn = s->enqueued;
    event->clock = s->clock;
    return simt_error(cudaSuccess);
}

/* A stream that waits for an event of a captured one is captured, too. */
static cudaError_t wait_captured(simt_stream *s, const simt_front &event)
{
    if (!event.graph || (s->front.graph && s->front.graph != event.graph))
        return simt_refuse(cudaErrorStreamCaptureUnsupported,
                           "a captured stream waits for what is not captured");
    if (!s->front.graph) {
        s->front = {event.graph, (unsigned)event.graph->members.size(), {}};
        event.graph->members.push_back(s);
    }
    s->front.nodes.insert(s->front.nodes.end(), event.nodes.begin(),
                          event.nodes.end());
    return simt_error(cudaSuccess);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event,
                                unsigned)
{
    simt_stream *s = stream_of(stream);

    if (s->front.graph || event->front.graph)
        return wait_captured(s, event->front);
    if (!event->stream) /* never recorded: nothing to wait for */
        return simt_error(cudaSuccess);
    s->waits.push_back({event->stream, event->turn});
    s->clock.join(event->clock);
    return simt_error(cudaSuccess);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    if (event->front.graph)
        return refuse_captured("cudaEventSynchronize");
    if (event->stream && streams.count(event->stream))
        run_until(event->stream, event->turn);
    host.join(event->clock);
    return outcome();
}

cudaError_t cudaEventQuery(cudaEvent_t event)
{
    if (event->stream && streams.count(event->stream) &&
        event->stream->done < event->turn)
        return cudaErrorNotReady;
    host.join(event->clock);
    return outcome();
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to)
{
    *ms = (float)(to->ms - from->ms);
    return simt_error(cudaSuccess);
}
}

/* --- work that is no kernel ----------------------------------------------- */

void simt_work_add(cudaStream_t stream, void (*work)(void *self),
                   const void *self, size_t bytes)
{
    const char *begin = static_cast<const char *>(self);
    std::vector<char> kept(begin, begin + bytes);

    simt_enqueue_work(stream, [=]() mutable {
        if (!simt_has_failed())
            work(kept.data());
    });
}

int simt_work_reads(const void *p, size_t n, const char *what)
{
    return simt_check_range(p, n, SIMT_READ, what);
}

int simt_work_writes(void *p, size_t n, const char *what)
{
    return simt_check_range(p, n, SIMT_WRITE, what);
}

uint64_t simt_work_turn(cudaStream_t stream)
{
    return stream_of(stream)->enqueued;
}

void simt_work_not_before(cudaStream_t stream, cudaStream_t other,
                          uint64_t turn)
{
    if (other && streams.count(other))
        stream_of(stream)->waits.push_back({other, turn});
}
