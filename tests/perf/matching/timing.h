/* Clocks of the matching benchmark, the same for every engine: processor time for totals, the time stamp counter for a
   single command.

   Processor time of the thread counts nothing that others do on the CPU; the counter does, so samples are dropped where
   the kernel says that it took the CPU away. */
#ifndef MATCHING_TIMING_H
#define MATCHING_TIMING_H

#include <stdint.h>
#include <sys/resource.h>
#include <time.h>
#include <x86intrin.h>

static inline uint64_t clock_read_ns(clockid_t id) {
    struct timespec time;
    (void)clock_gettime(id, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

static inline uint64_t processor_ns(void) {
    return clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* How often the kernel took the CPU away from this thread. */
static inline uint64_t involuntary_switches(void) {
    struct rusage usage;
    (void)getrusage(RUSAGE_THREAD, &usage);
    return (uint64_t)usage.ru_nivcsw;
}

/* Before what is measured: nothing of it starts earlier. */
static inline uint64_t ticks_begin(void) {
    _mm_lfence();
    const uint64_t ticks = __rdtsc();
    _mm_lfence();
    return ticks;
}

/* After it: all of it is done. */
static inline uint64_t ticks_end(void) {
    unsigned cpu;
    const uint64_t ticks = __rdtscp(&cpu);
    _mm_lfence();
    return ticks;
}

/* Ticks per nanosecond, as a double because the rate is no whole number. */
static inline double ticks_per_ns(void) {
    const uint64_t from_ns = clock_read_ns(CLOCK_MONOTONIC_RAW);
    const uint64_t from = ticks_begin();
    uint64_t until_ns = from_ns;
    while (until_ns - from_ns < 50000000) {
        until_ns = clock_read_ns(CLOCK_MONOTONIC_RAW);
    }
    return (double)(ticks_end() - from) / (double)(until_ns - from_ns);
}

#endif
