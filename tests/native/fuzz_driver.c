/* libFuzzer's place where there is no clang: calls LLVMFuzzerTestOneInput with mutated inputs and keeps those that
   reach code that none before has reached.

   Usage: fuzz_core SECONDS [SEED [CORPUS_DIRECTORY]]. gcc reports every basic block it enters
   (-fsanitize-coverage=trace-pc). An input is written to CORPUS_DIRECTORY/running before it is tried, so that what ends
   the process can be looked at; without a directory nothing is kept. */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EDGES = 1 << 16, CORPUS_MAX = 4096, INPUT_MAX = 4096, SEED_INPUTS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __sanitizer_cov_trace_pc(void);

static uint8_t seen[EDGES];
static uint8_t entered[EDGES];
static uint32_t touched[EDGES];
static uint32_t touched_count;

/* Called by the compiler's instrumentation of the core and of fuzz_core.c. */
__attribute__((no_sanitize("address", "undefined"))) void __sanitizer_cov_trace_pc(void) {
    const uint32_t edge = (uint32_t)((uintptr_t)__builtin_return_address(0) * UINT64_C(0x9E3779B97F4A7C15) >> 48);
    if (entered[edge] == 0) {
        entered[edge] = 1;
        touched[touched_count++] = edge;
    }
}

struct sample {
    uint8_t *bytes;
    size_t size;
};

static struct sample corpus[CORPUS_MAX];
static size_t corpus_count;
static uint64_t state;

static uint64_t draw(void) {
    state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t mixed = state;
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94D049BB133111EB);
    return mixed ^ mixed >> 31;
}

static void keep(const uint8_t *bytes, size_t size) {
    if (corpus_count < CORPUS_MAX) {
        corpus[corpus_count].bytes = malloc(size + 1);
        memcpy(corpus[corpus_count].bytes, bytes, size);
        corpus[corpus_count++].size = size;
    }
}

static void store(const char *directory, const uint8_t *bytes, size_t size) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/running", directory);
    FILE *file = fopen(path, "wb");
    if (file != NULL) {
        (void)fwrite(bytes, 1, size, file);
        (void)fclose(file);
    }
}

/* Runs the input; true if it reached something new. */
static int try_input(const uint8_t *bytes, size_t size, const char *directory) {
    int is_new = 0;
    touched_count = 0;
    if (directory != NULL) {
        store(directory, bytes, size);
    }
    (void)LLVMFuzzerTestOneInput(bytes, size);
    for (uint32_t i = 0; i < touched_count; i++) {
        is_new |= seen[touched[i]] == 0;
        seen[touched[i]] = 1;
        entered[touched[i]] = 0;
    }
    return is_new;
}

static size_t random_input(uint8_t *bytes) {
    const size_t size = 64 + draw() % (INPUT_MAX - 64);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)draw();
    }
    return size;
}

/* One to eight changes of a kept input: bytes, runs copied within it or from another, cuts and growth. */
static size_t mutated_input(uint8_t *bytes) {
    const struct sample *sample = &corpus[draw() % corpus_count];
    size_t size = sample->size;
    memcpy(bytes, sample->bytes, size);
    for (uint64_t changes = 1 + draw() % 8; changes > 0 && size > 0; changes--) {
        const size_t at = draw() % size;
        const struct sample *other = &corpus[draw() % corpus_count];
        switch (draw() % 6) {
        case 0:
            bytes[at] = (uint8_t)draw();
            break;
        case 1:
            bytes[at] ^= (uint8_t)(1U << draw() % 8);
            break;
        case 2: { /* a run of another one */
            size_t run = 1 + draw() % 64;
            const size_t from = draw() % (other->size + 1);
            run = run < other->size - from ? run : other->size - from;
            run = run < size - at ? run : size - at;
            memcpy(bytes + at, other->bytes + from, run);
            break;
        }
        case 3: /* the rest drawn anew */
            for (size_t i = at; i < size && i < at + 64; i++) {
                bytes[i] = (uint8_t)draw();
            }
            break;
        case 4: { /* something left out */
            const size_t run = draw() % 32 % (size - at);
            memmove(bytes + at, bytes + at + run, size - at - run);
            size -= run;
            break;
        }
        default: { /* more of the same at the end */
            size_t run = draw() % 256;
            run = run < INPUT_MAX - size ? run : INPUT_MAX - size;
            for (size_t i = 0; i < run; i++) {
                bytes[size + i] = (uint8_t)draw();
            }
            size += run;
            break;
        }
        }
    }
    return size;
}

int main(int count, char **arguments) {
    if (count < 2) {
        (void)fprintf(stderr, "usage: %s SECONDS [SEED [CORPUS_DIRECTORY]]\n", arguments[0]);
        return 2;
    }
    const double seconds = strtod(arguments[1], NULL);
    state = count > 2 ? strtoull(arguments[2], NULL, 10) : 1;
    const uint64_t seed = state;
    const char *directory = count > 3 ? arguments[3] : NULL;
    static uint8_t bytes[INPUT_MAX];
    struct timespec start, now;
    uint64_t runs = 0;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        const size_t size = runs < SEED_INPUTS || draw() % 16 == 0 ? random_input(bytes) : mutated_input(bytes);
        if (try_input(bytes, size, directory) || corpus_count == 0) {
            keep(bytes, size);
        }
        runs++;
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((double)(now.tv_sec - start.tv_sec) + 1e-9 * (double)(now.tv_nsec - start.tv_nsec) < seconds);
    uint32_t edges = 0;
    for (uint32_t edge = 0; edge < EDGES; edge++) {
        edges += seen[edge];
    }
    (void)printf(
        "fuzzed by gcc's coverage driver (no clang here): seed %llu, %llu inputs, %u places reached, %zu kept\n",
        (unsigned long long)seed, (unsigned long long)runs, edges, corpus_count);
    return 0;
}
