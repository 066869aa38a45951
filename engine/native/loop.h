/* The engine's loop: receive, sequence, journal, apply, on one thread that calls no send and waits for no peer.

   The order per command is check, append to the journal, apply; nothing leaves before the journal has released it.
   Python makes the threads, sockets and directories and calls these functions without the GIL; each function names the
   thread that may call it. */
#ifndef VENUE_LOOP_H
#define VENUE_LOOP_H

#include <stdint.h>

#include "api.h"
#include "journal.h"
#include "record.h"
#include "replay.h"

/* cffi-begin */
struct engine;

enum loop_end { LOOP_STOPPED = 0, LOOP_DRAINED = 1, LOOP_CLOCK_JUMPED = 2 };

struct engine_sockets {
    void *gateway;
    void *settlement;
    void *admin;
    void *events;
};

/* Starting thread. Takes counters (one u64 per enum counter) and the open directory of the event journal; NULL when
 * memory can't be had. */
struct engine *engine_new(struct core *core, uint64_t *counters, int events_directory, uint64_t segment_bytes);
/* After every thread has returned; the core stays. */
void engine_free(struct engine *engine);

/* Starting thread. How the engine comes to its state, before engine_open; afterwards it is the engine's own. */
struct replay *engine_replay(struct engine *engine);

/* Starting thread, after the replay. False with errno when memory can't be had; *clock_good is 0 when the wall clock is
 * behind the journal. */
bool engine_open(struct engine *engine, const struct journal_options *options, const struct record_cursor *end,
                 const struct engine_sockets *sockets, int64_t jump_max_ns, uint32_t spin_us, uint8_t *clock_good);
/* Starting thread, while journal and publisher run and the loop does not. Checks and applies a command of the engine's
   own under `epoch`; core_verdict, or -1 when stopped. */
int engine_submit(struct engine *engine, uint32_t epoch, const uint8_t *message, uint32_t size);

/* The threads. */
int engine_loop(struct engine *engine);
void engine_journal(struct engine *engine);
void engine_prepare(struct engine *engine);
void engine_sync(struct engine *engine);
void engine_publish(struct engine *engine);

/* Any thread. Intake ends, the loop finishes its command, journals a state hash and returns LOOP_DRAINED. */
void engine_drain(struct engine *engine);
/* Any thread. The loop returns as soon as it can; what was not appended was never accepted. */
void engine_stop(struct engine *engine);
/* After the loop has returned; then, after journal and sync thread have, the publisher. */
void engine_close_journal(struct engine *engine, int how);
void engine_close_publisher(struct engine *engine);

/* Any thread. */
uint64_t engine_published(const struct engine *engine);
uint64_t engine_released(const struct engine *engine);
uint64_t engine_durable(const struct engine *engine);
uint64_t engine_sequence(const struct engine *engine);
/* Whether the disk has no room for either journal. */
bool engine_disk_full(const struct engine *engine);
/* cffi-end */

#endif
