/* Plays a recorded workload on the C core and says what it cost, one line of JSON for each line read from standard
   input: so that another engine's driver can take turns with it.

   usage: core_driver file PATH [unlimited] | core_driver shape NAME COUNT RESTING
   input: throughput [alone] [nohash] | latency [alone] [nohash] | memory

   Every command goes through core_check and core_apply as in the engine's loop; events go into a ring of 8 MB that is
   written round and round; the state hash is asked for every 4,096 commands, as the loop does, between two commands:
   its latency is told apart from theirs. Unless `alone`, the core may look at messages ahead, as the loop can with
   what it has drained. A run counts only if it ends in the state that the
   recording ended in, whose trades are the workload's, and if the audit finds nothing. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "timing.h"
#include "workload.h"

enum {
    RING = 8 << 20,
    HASH_INTERVAL = 4096,
    CHUNK = 64,
    CHUNK_TICKS = 100000,
    SWEEP = 100,
    FEW_FILLS = 2,
    LINE = 128,
    FRAME_AHEAD = 3072, /* bytes: sixteen messages */
    MESSAGE_LINES = 3,
    INDEX_AHEAD = 64
};

struct play {
    const struct recording *recording;
    struct core *core;
    size_t room; /* that a command may need in the ring */
    size_t ring_at;
    uint32_t next; /* message */
    bool ahead;
    bool hashes;
    bool timer_due; /* there is no timer in any workload */
    uint64_t hash[2];
};

static _Alignas(64) uint8_t ring[RING];

/* The loop finds a drained frame in the cache, as the transport has just written it; the recording lies in memory. */
static void bring_frame(const struct play *play, uint32_t index) {
    const uint8_t *later = recorded_bytes(play->recording, index + LOOKAHEAD) + FRAME_AHEAD;
    for (uint32_t line = 0; line < MESSAGE_LINES; line++) {
        __builtin_prefetch(later + (size_t)line * 64);
    }
    __builtin_prefetch(&play->recording->messages[index + INDEX_AHEAD]); /* which no loop has: a frame needs no index */
}

static void look_ahead(const struct play *play, uint32_t index) {
    static const uint32_t DISTANCES[3] = {9, 6, 3};
    bring_frame(play, index);
    for (unsigned stage = 0; stage < 3; stage++) {
        const uint32_t at = index + DISTANCES[stage];
        core_prefetch(play->core, recorded_bytes(play->recording, at), play->recording->messages[at].size, stage);
    }
}

static inline void step(struct play *play) {
    const uint32_t index = play->next++;
    const struct recorded recorded = play->recording->messages[index];
    const uint8_t *message = recorded_bytes(play->recording, index);
    const uint64_t sequence = (uint64_t)index + 2;
    size_t written = 0;
    uint32_t events = 0;
    if (play->ahead) {
        look_ahead(play, index);
    }
    play->timer_due |= core_next_timer(play->core) - 1 < sequence; /* before every command, as the loop */
    if (core_check(play->core, recorded.role, message, recorded.size).verdict != CORE_APPLY ||
        core_apply(play->core, sequence, 1, sequence, message, recorded.size, ring + play->ring_at,
                   sizeof ring - play->ring_at, &written, &events) != CORE_OK ||
        core_pending(play->core) != recorded.pending) {
        market_fail("a command is not applied as it was when it was recorded");
    }
    play->ring_at += written;
    if (sizeof ring - play->ring_at < play->room) {
        play->ring_at = 0;
    }
}

static inline bool hash_due(const struct play *play) {
    return play->hashes && play->next % HASH_INTERVAL == 0;
}

static void play_until(struct play *play, uint32_t end) {
    while (play->next < end) {
        step(play);
        if (hash_due(play)) {
            core_hash(play->core, play->hash);
        }
    }
}

static struct play start(const struct recording *recording, const struct room *room, bool ahead, bool hashes) {
    struct play play = {.recording = recording, .core = market_open(room), .ahead = ahead, .hashes = hashes};
    play.room = core_output_max(play.core);
    if (play.room > sizeof ring) {
        market_fail("a command's events do not fit the ring");
    }
    return play;
}

/* A core that has all its memory and holds the starting book. */
static struct play start_warm(const struct recording *recording, bool ahead, bool hashes) {
    struct play play = start(recording, &recording->room, ahead, hashes);
    market_warm(play.core);
    play_until(&play, recording->timed_at);
    return play;
}

/* Page faults of this thread that the kernel served without a disk. */
static uint64_t page_faults(void) {
    struct rusage usage;
    (void)getrusage(RUSAGE_THREAD, &usage);
    return (uint64_t)usage.ru_minflt;
}

static void finish(struct play *play) {
    const struct recording *recording = play->recording;
    core_hash(play->core, play->hash);
    if (play->timer_due || play->hash[0] != recording->hash[0] || play->hash[1] != recording->hash[1] ||
        core_event_sequence(play->core) != recording->events) {
        market_fail("the run did not end in the state that the recording ended in");
    }
    if (core_audit(play->core) != 0) {
        market_fail("the run left the core broken");
    }
    core_free(play->core);
}

/* ---- throughput ---- */

static void throughput(const struct recording *recording, bool ahead, bool hashes) {
    struct play play = start_warm(recording, ahead, hashes);
    const uint64_t events = core_event_sequence(play.core);
    const uint64_t switches = involuntary_switches();
    const uint64_t faults = page_faults();
    const uint64_t begun_ns = processor_ns();
    play_until(&play, recording->count);
    const uint64_t elapsed_ns = processor_ns() - begun_ns;
    (void)printf("{\"ns\": %llu, \"commands\": %u, \"messages\": %u, \"two_messages\": %u, \"events\": %llu, "
                 "\"rejected\": %u, \"switches\": %llu, \"faults\": %llu}\n",
                 (unsigned long long)elapsed_ns, recording->commands, recording->count - recording->timed_at,
                 recording->two_messages, (unsigned long long)(core_event_sequence(play.core) - events),
                 recording->rejected, (unsigned long long)(involuntary_switches() - switches),
                 (unsigned long long)(page_faults() - faults));
    finish(&play);
}

/* ---- latency ---- */

static int by_size(const void *one, const void *other) {
    const uint32_t a = *(const uint32_t *)one;
    const uint32_t b = *(const uint32_t *)other;
    return (a > b) - (a < b);
}

struct samples {
    uint32_t *ticks; /* commands with few fills */
    uint32_t *least; /* per message, over all runs of this process: what is left is not the machine's doing */
    uint32_t count;
    uint32_t aside; /* dropped: the CPU was taken away meanwhile */
    uint64_t sweep_ticks;
    uint64_t sweep_fills;
    uint64_t hash_ticks;
    uint32_t hash_most;
    uint32_t hashes;
};

static void keep(struct samples *samples, uint32_t index, uint32_t ticks, uint16_t fills) {
    if (fills <= FEW_FILLS) {
        samples->ticks[samples->count++] = ticks;
    }
    if (fills >= SWEEP) {
        samples->sweep_ticks += ticks;
        samples->sweep_fills += fills;
    }
    if (samples->least[index] == 0 || ticks < samples->least[index]) {
        samples->least[index] = ticks;
    }
}

static void sample_hash(struct play *play, struct samples *samples) {
    const uint64_t from = ticks_begin();
    core_hash(play->core, play->hash);
    const uint32_t ticks = (uint32_t)(ticks_end() - from);
    samples->hash_ticks += ticks;
    samples->hash_most = ticks > samples->hash_most ? ticks : samples->hash_most;
    samples->hashes++;
}

static void sample(struct play *play, struct samples *samples) {
    const struct recording *recording = play->recording;
    uint32_t ticks[CHUNK];
    uint64_t switches = involuntary_switches();
    while (play->next < recording->count) {
        const uint32_t first = play->next;
        uint32_t count = 0;
        uint64_t spent = 0; /* a chunk of long commands is a short one: the kernel leaves few of them alone */
        while (count < CHUNK && spent < CHUNK_TICKS && play->next < recording->count) {
            const uint64_t from = ticks_begin();
            step(play);
            ticks[count] = (uint32_t)(ticks_end() - from);
            spent += ticks[count++];
            if (hash_due(play)) {
                sample_hash(play, samples);
            }
        }
        const uint64_t now = involuntary_switches();
        for (uint32_t i = 0; i < count && now == switches; i++) {
            keep(samples, first + i, ticks[i], recording->fills[first + i]);
        }
        samples->aside += now == switches ? 0 : count;
        switches = now;
    }
}

static uint32_t empty_sample(void) {
    uint32_t least = UINT32_MAX;
    for (int i = 0; i < 1000; i++) {
        const uint64_t from = ticks_begin();
        const uint32_t ticks = (uint32_t)(ticks_end() - from);
        least = ticks < least ? ticks : least;
    }
    return least;
}

static uint32_t worst_of(const struct samples *samples, uint32_t count) {
    uint32_t worst = 0;
    for (uint32_t i = 1; i < count; i++) {
        worst = samples->least[i] > samples->least[worst] ? i : worst;
    }
    return worst;
}

static void tell_latency(const struct recording *recording, const struct samples *samples, uint64_t faults) {
    const double rate = ticks_per_ns();
    const uint64_t count = samples->count;
    const uint32_t worst = worst_of(samples, recording->count);
    (void)printf("{\"p50\": %.0f, \"p99\": %.0f, \"p99.9\": %.0f, \"max\": %.0f, \"samples\": %u, \"aside\": %u, "
                 "\"worst\": %.0f, \"worst_fills\": %u, \"worst_at\": %u, \"sweep_ns\": %.0f, \"sweep_fills\": %llu, "
                 "\"hash\": %.0f, \"hash_max\": %.0f, \"timer\": %.0f, \"faults\": %llu}\n",
                 samples->ticks[count / 2] / rate, samples->ticks[count * 99 / 100] / rate,
                 samples->ticks[count * 999 / 1000] / rate, samples->ticks[count == 0 ? 0 : count - 1] / rate,
                 samples->count, samples->aside, samples->least[worst] / rate, recording->fills[worst],
                 worst - recording->timed_at, (double)samples->sweep_ticks / rate,
                 (unsigned long long)samples->sweep_fills,
                 (double)samples->hash_ticks / rate / (samples->hashes == 0 ? 1 : samples->hashes),
                 samples->hash_most / rate, empty_sample() / rate, (unsigned long long)faults);
}

static void latency(const struct recording *recording, bool ahead, bool hashes) {
    static uint32_t *least[2];
    struct samples samples = {.ticks = calloc(recording->count, sizeof *samples.ticks)};
    struct play play = start_warm(recording, ahead, hashes);
    if (least[ahead] == NULL) {
        least[ahead] = malloc(recording->count * sizeof *samples.least);
        memset(least[ahead], 0, least[ahead] == NULL ? 0 : recording->count * sizeof *samples.least);
    }
    samples.least = least[ahead];
    if (samples.ticks == NULL || samples.least == NULL) {
        market_fail("no memory for the samples");
    }
    /* Touched beforehand, so that no page fault of ours is taken for the core's. */
    memset(samples.ticks, 1, recording->count * sizeof *samples.ticks);
    const uint64_t faults = page_faults();
    sample(&play, &samples);
    const uint64_t faults_taken = page_faults() - faults;
    finish(&play);
    qsort(samples.ticks, samples.count, sizeof *samples.ticks, by_size);
    tell_latency(recording, &samples, faults_taken);
    free(samples.ticks);
}

/* ---- memory ---- */

/* Memory of the process that is really there. */
static uint64_t resident_bytes(void) {
    char line[LINE];
    unsigned long long kilobytes = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    if (file == NULL) {
        market_fail("/proc/self/smaps_rollup cannot be read");
    }
    while (fgets(line, sizeof line, file) != NULL && sscanf(line, "Rss: %llu kB", &kilobytes) != 1) {
    }
    (void)fclose(file);
    return kilobytes * 1024;
}

static uint64_t growth_of(const struct recording *recording, const struct room *room, uint32_t until) {
    const uint64_t before = resident_bytes();
    struct play play = start(recording, room, false, false);
    play_until(&play, until);
    const uint64_t growth = resident_bytes() - before;
    core_free(play.core);
    return growth;
}

/* What the starting book takes in a core that just holds it, less a core with nothing in it. */
static void memory(const struct recording *recording) {
    const struct room empty = {.orders = 1,
                               .price_pages = 1,
                               .clordids = 1,
                               .instruments = recording->room.instruments,
                               .limited = recording->room.limited};
    const struct room tight = {.orders = recording->prefill_resting,
                               .price_pages = recording->prefill_pages,
                               .clordids = recording->timed_at - recording->prefill_at,
                               .instruments = recording->room.instruments,
                               .limited = recording->room.limited};
    (void)growth_of(recording, &empty, recording->prefill_at); /* touches everything that is not a core's */
    const uint64_t fixed = growth_of(recording, &empty, recording->prefill_at);
    const uint64_t filled = growth_of(recording, &tight, recording->timed_at);
    (void)printf("{\"bytes\": %llu, \"resting\": %u, \"pages\": %u, \"fixed\": %llu}\n",
                 (unsigned long long)(filled - fixed), recording->prefill_resting, recording->prefill_pages,
                 (unsigned long long)fixed);
}

static void answer(const struct recording *recording, const char *line) {
    const bool ahead = strstr(line, "alone") == NULL;
    const bool hashes = strstr(line, "nohash") == NULL;
    if (strncmp(line, "throughput", 10) == 0) {
        throughput(recording, ahead, hashes);
    } else if (strncmp(line, "latency", 7) == 0) {
        latency(recording, ahead, hashes);
    } else if (strncmp(line, "memory", 6) == 0) {
        memory(recording);
    } else {
        market_fail("input is throughput, latency or memory");
    }
    (void)fflush(stdout);
}

int main(int count, char **arguments) {
    static struct recording recording;
    char line[LINE];
    memset(ring, 1, sizeof ring);
    if ((count == 3 || count == 4) && strcmp(arguments[1], "file") == 0) {
        workload_record(&recording, arguments[2], count == 3);
    } else if (count == 5 && strcmp(arguments[1], "shape") == 0) {
        shape_record(&recording, arguments[2], (uint32_t)strtoul(arguments[3], NULL, 10),
                     (uint32_t)strtoul(arguments[4], NULL, 10));
    } else {
        market_fail("usage: core_driver file PATH [unlimited] | core_driver shape NAME COUNT RESTING");
    }
    (void)puts("{}");
    (void)fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        answer(&recording, line);
    }
    return 0;
}
