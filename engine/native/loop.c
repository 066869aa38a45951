/* The hot thread: drains the command sockets in bounded turns, spins a little when they are empty, then polls. */
#define _GNU_SOURCE
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "answers.h"
#include "clock.h"
#include "counters.h"
#include "eventlog.h"
#include "frame.h"
#include "publisher.h"
#include "stamp.h"
#include "venue_assert.h"
#include "zmq_table.h"

enum {
    ROLES = 3,
    FRAMES_PER_TURN = 64,
    POLL_MS = 100,
    NS_PER_MS = 1000000,
    MESSAGE_MAX = UINT16_MAX,
    /* Commands between two journaled state hashes: rare enough to cost nothing, often enough that what has changed
     * since the last is hashed in a fraction of a millisecond. */
    HASH_INTERVAL = 4096,
    JOURNAL_RING_BYTES = 1 << 24,
    EVENT_RING_BYTES = 1 << 26,
    PAUSE_MS = 1, /* between two looks at a journal that makes intake wait */
};
enum intake { INTAKE_OPEN = 0, INTAKE_DRAINING = 1, INTAKE_STOPPED = 2 };

struct inlet {
    void *socket;
    uint8_t role;
};

struct engine {
    struct core *core;
    uint64_t *counters;
    struct inlet inlets[ROLES];
    struct ring events;
    struct journal journal;
    struct answers answers;
    struct eventlog log;
    struct publisher publisher;
    struct stamp stamp;
    uint64_t sequence;
    uint64_t hashed; /* sequence of the last StateHash */
    uint64_t event_at;
    uint32_t epoch;
    uint32_t spin_us;
    int intake; /* enum intake */
    struct replay replay;
    enum journal_state journal_state;
    uint64_t mark;    /* last command when it was last known how far the journal is behind */
    uint64_t mark_ns; /* when that was */
};

struct engine *engine_new(struct core *core, uint64_t *counters, int events_directory, uint64_t segment_bytes) {
    struct engine *engine = aligned_alloc(64, (sizeof *engine + 63) / 64 * 64);
    if (engine == NULL) {
        return NULL;
    }
    memset(engine, 0, sizeof *engine);
    engine->core = core;
    engine->counters = counters;
    engine->journal.options.segment = -1;
    engine->journal.spare = -1;
    engine->journal.bell.file = -1;
    engine->journal.wanted.file = -1;
    engine->journal.dirty.file = -1;
    eventlog_init(&engine->log, events_directory, segment_bytes);
    if (!ring_init(&engine->events, EVENT_RING_BYTES) ||
        !publisher_init(&engine->publisher, &engine->events, &engine->answers, &engine->journal, &engine->log,
                        &engine->replay.epochs, counters)) {
        engine_free(engine);
        return NULL;
    }
    engine->replay.core = core;
    engine->replay.log = &engine->log;
    engine->replay.out = ring_at(&engine->events, 0);
    engine->replay.out_size = EVENT_RING_BYTES;
    return engine;
}

void engine_free(struct engine *engine) {
    journal_free(&engine->journal);
    eventlog_free(&engine->log);
    publisher_free(&engine->publisher);
    epochs_free(&engine->replay.epochs);
    ring_free(&engine->events);
    free(engine);
}

struct replay *engine_replay(struct engine *engine) {
    return &engine->replay;
}

bool engine_open(struct engine *engine, const struct journal_options *options, const struct record_cursor *end,
                 const struct engine_sockets *sockets, int64_t jump_max_ns, uint32_t spin_us, uint8_t *clock_good) {
    engine->inlets[0] = (struct inlet){sockets->gateway, WIRE_ROLE_GATEWAY};
    engine->inlets[1] = (struct inlet){sockets->settlement, WIRE_ROLE_SETTLEMENT};
    engine->inlets[2] = (struct inlet){sockets->admin, WIRE_ROLE_ADMIN};
    engine->publisher.socket = sockets->events;
    engine->publisher.published = core_event_sequence(engine->core);
    engine->publisher.runs_ahead = options->durability != JOURNAL_SYNC;
    engine->publisher.announced = engine->publisher.published;
    engine->sequence = end->sequence;
    engine->hashed = end->sequence;
    engine->epoch = end->epoch;
    engine->spin_us = spin_us;
    *clock_good =
        stamp_init(&engine->stamp, end->time_ns, jump_max_ns, clock_ns(CLOCK_REALTIME), clock_ns(CLOCK_MONOTONIC));
    counter_set(engine->counters, COUNTER_SEQUENCE, end->sequence);
    counter_set(engine->counters, COUNTER_DURABLE_SEQUENCE, end->sequence);
    counter_set(engine->counters, COUNTER_RELEASED_SEQUENCE, end->sequence);
    counter_set(engine->counters, COUNTER_PUBLISHED_SEQUENCE, engine->publisher.published);
    return journal_init(&engine->journal, options, JOURNAL_RING_BYTES, &engine->publisher.bell, engine->counters);
}

/* ---- the state of the journal ---- */

/* Up to which command nothing depends on the disk any more; in mode none nothing ever does. */
static uint64_t safe_sequence(const struct engine *engine) {
    const bool none = engine->journal.options.durability == JOURNAL_NONE;
    return none ? journal_released(&engine->journal) : journal_durable(&engine->journal);
}

/* Whether a command has waited for the disk too long. The mark names commands at least as old as itself, so what is too
 * old is found before it is twice as old. */
static bool is_slow(struct engine *engine, uint64_t safe, uint64_t now_ns) {
    if (safe >= engine->mark) {
        engine->mark = engine->sequence;
        engine->mark_ns = now_ns;
    }
    return now_ns - engine->mark_ns > engine->journal.options.age_max_ns;
}

/* A pause ends when the journal has caught up: not as soon as it moves again. */
static enum journal_state next_state(struct engine *engine, uint64_t now_ns) {
    const uint64_t safe = safe_sequence(engine);
    const bool slow = is_slow(engine, safe, now_ns);
    if (journal_full(&engine->journal) || publisher_full(&engine->publisher)) {
        return JOURNAL_DISK_FULL;
    }
    if (engine->journal_state != JOURNAL_RUNNING && safe < engine->sequence) {
        return engine->journal_state;
    }
    return slow ? JOURNAL_SLOW_DISK : JOURNAL_RUNNING;
}

/* Whether commands may be taken in: no more than can be made durable, now and soon. */
static bool journal_keeps_up(struct engine *engine, uint64_t now_ns) {
    const enum journal_state state = next_state(engine, now_ns);
    if (state != engine->journal_state) {
        engine->journal_state = state;
        counter_set(engine->counters, COUNTER_JOURNAL_STATE, state);
        counter_add(engine->counters, COUNTER_JOURNAL_STATE_CHANGES, 1);
    }
    return state == JOURNAL_RUNNING;
}

/* Peers keep what they send meanwhile: nobody reads their sockets. */
static void pause_intake(struct engine *engine, uint64_t begun_ns) {
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * NS_PER_MS}, NULL);
    counter_add(engine->counters, COUNTER_INTAKE_PAUSED_NS, clock_ns(CLOCK_MONOTONIC) - begun_ns);
}

/* ---- apply ---- */

static int intake(const struct engine *engine) {
    return __atomic_load_n(&engine->intake, __ATOMIC_ACQUIRE);
}

/* Where the next message goes, once ring and journal have room for the most that a command can cause; NULL when
 * stopped. */
static uint8_t *wait_for_slot(struct engine *engine) {
    for (;;) {
        uint8_t *slot = journal_slot(&engine->journal);
        if (slot != NULL && ring_space(&engine->events, engine->event_at) >= core_output_max(engine->core)) {
            return slot;
        }
        if (intake(engine) == INTAKE_STOPPED) {
            return NULL;
        }
        counter_add(engine->counters, COUNTER_RING_FULL_WAITS, 1);
        counter_add(engine->counters, COUNTER_LOOP_TURNS, 1);
        journal_keeps_up(engine, clock_ns(CLOCK_MONOTONIC));
        journal_hurry(&engine->journal);
        doorbell_ring(&engine->journal.bell);
        doorbell_ring(&engine->publisher.bell);
        nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
    }
}

/* Sequences, journals and applies the message in the slot. */
static void apply(struct engine *engine, const uint8_t *slot, uint16_t size, uint8_t role, uint64_t time_ns) {
    uint8_t *out = ring_at(&engine->events, engine->event_at);
    size_t written = 0;
    uint32_t events = 0;
    const uint64_t sequence = engine->sequence + 1;
    __atomic_store_n(&engine->sequence, sequence, __ATOMIC_RELAXED);
    journal_append(&engine->journal, sequence, time_ns, engine->epoch, role, size);
    const int result = core_apply(engine->core, sequence, engine->epoch, time_ns, slot, size, out,
                                  ring_space(&engine->events, engine->event_at), &written, &events);
    VENUE_ASSERT(result == CORE_OK, "the state hash just taken is the state's");
    engine->event_at += written;
    ring_publish(&engine->events, engine->event_at);
    counter_add(engine->counters, COUNTER_COMMANDS, 1);
    counter_add(engine->counters, COUNTER_EVENTS, events);
    counter_set(engine->counters, COUNTER_SEQUENCE, sequence);
    counter_set(engine->counters, COUNTER_EVENT_SEQUENCE, core_event_sequence(engine->core));
}

static uint64_t stamp_now(struct engine *engine) {
    return stamp_next(&engine->stamp, clock_ns(CLOCK_REALTIME));
}

/* A message that the loop itself makes. */
static void apply_own(struct engine *engine, uint8_t *slot, uint16_t template_id, const void *block,
                      uint16_t block_length, uint64_t time_ns) {
    const struct wire_header header = {block_length, template_id, WIRE_SCHEMA_ID, WIRE_SCHEMA_VERSION};
    memcpy(slot, &header, sizeof header);
    if (block_length > 0) {
        memcpy(slot + sizeof header, block, block_length);
    }
    apply(engine, slot, (uint16_t)(sizeof header + block_length), WIRE_ROLE_INTERNAL, time_ns);
}

static bool apply_hash(struct engine *engine) {
    uint64_t hash[2];
    core_hash(engine->core, hash);
    const struct wire_state_hash block = {.low = hash[0], .high = hash[1]};
    uint8_t *slot = wait_for_slot(engine);
    if (slot == NULL) {
        return false;
    }
    apply_own(engine, slot, WIRE_STATE_HASH, &block, sizeof block, stamp_now(engine));
    engine->hashed = engine->sequence;
    return true;
}

/* What must follow a command before the next one: the rest of its work, now and then a state hash. */
static bool apply_rest(struct engine *engine) {
    while (core_pending(engine->core)) {
        uint8_t *slot = wait_for_slot(engine);
        if (slot == NULL) {
            return false;
        }
        apply_own(engine, slot, WIRE_CONTINUE, NULL, 0, stamp_now(engine));
    }
    return engine->sequence - engine->hashed < HASH_INTERVAL || apply_hash(engine);
}

/* Where the next message goes and the time it will bear: all that the core's timers have due by then is done. NULL when
 * stopped. */
static uint8_t *slot_after_timers(struct engine *engine, uint64_t *time_ns) {
    for (;;) {
        uint8_t *slot = wait_for_slot(engine);
        if (slot == NULL) {
            return NULL;
        }
        *time_ns = stamp_now(engine);
        const uint64_t due_ns = core_next_timer(engine->core);
        if (due_ns == 0 || due_ns > *time_ns) {
            return slot;
        }
        apply_own(engine, slot, WIRE_CLOCK_TICK, NULL, 0, *time_ns);
        if (!apply_rest(engine)) {
            return NULL;
        }
    }
}

static void count_state(const struct engine *engine) {
    counter_set(engine->counters, COUNTER_VENUE_STATE, core_venue_state(engine->core));
    counter_set(engine->counters, COUNTER_ORDERS, core_orders_in_use(engine->core));
    counter_set(engine->counters, COUNTER_EPOCH, engine->epoch);
}

/* Wakes those who have work now. The publisher too, if the journal was faster than apply: then it was woken before the
 * events were there. */
static void wake(struct engine *engine) {
    doorbell_ring(&engine->journal.bell); /* its fence orders our events before the look at `released` */
    if (journal_released(&engine->journal) >= engine->sequence) {
        doorbell_ring(&engine->publisher.bell);
    }
}

int engine_submit(struct engine *engine, uint32_t epoch, const uint8_t *message, uint32_t size) {
    if (!apply_rest(engine)) {
        return -1;
    }
    VENUE_ASSERT(size <= MESSAGE_MAX, "the engine's own messages are small");
    struct wire_header header;
    memcpy(&header, message, sizeof header);
    /* Nothing comes before an epoch's first command: what fell due while nobody ran belongs to the new epoch. */
    const bool begins = header.template_id == WIRE_EPOCH_START;
    uint64_t time_ns = begins ? stamp_now(engine) : 0;
    uint8_t *slot = begins ? wait_for_slot(engine) : slot_after_timers(engine, &time_ns);
    if (slot == NULL) {
        return -1;
    }
    engine->epoch = epoch;
    memcpy(slot, message, size);
    const struct core_check check = core_check(engine->core, WIRE_ROLE_INTERNAL, slot, size);
    if (check.verdict == CORE_APPLY) {
        apply(engine, slot, (uint16_t)size, WIRE_ROLE_INTERNAL, time_ns);
        if (!apply_rest(engine)) {
            return -1;
        }
        wake(engine);
        journal_hurry(&engine->journal); /* the start waits for it */
    }
    count_state(engine);
    return check.verdict;
}

/* ---- receive ---- */

static void put_answer(struct engine *engine, const struct answer *answer) {
    if (!answers_put(&engine->answers, answer)) {
        counter_add(engine->counters, COUNTER_ANSWERS_DROPPED, 1);
    }
    doorbell_ring(&engine->publisher.bell);
}

static void answer_refused(struct engine *engine, const struct peer *peer, const struct core_check *check) {
    counter_add(engine->counters, COUNTER_REFUSED, 1);
    put_answer(engine, &(struct answer){
                           .peer = *peer,
                           .header = {sizeof(struct wire_refused), WIRE_REFUSED, WIRE_SCHEMA_ID, WIRE_SCHEMA_VERSION},
                           .block.refused = {.reason = check->reason,
                                             .template_id = check->template_id,
                                             .session = check->session,
                                             .client_seq = check->client_seq},
                       });
}

static void answer_gap(struct engine *engine, const struct peer *peer, const struct core_check *check) {
    put_answer(engine, &(struct answer){
                           .peer = *peer,
                           .header = {sizeof(struct wire_gap), WIRE_GAP, WIRE_SCHEMA_ID, WIRE_SCHEMA_VERSION},
                           .block.gap = {.session = check->session,
                                         .session_epoch = check->session_epoch,
                                         .client_seq = check->client_seq,
                                         .last_client_seq = check->last_client_seq},
                       });
}

static void malformed(struct engine *engine, const struct peer *peer, uint16_t template_id) {
    const struct core_check check = {.reason = WIRE_REASON_MALFORMED, .template_id = template_id};
    counter_add(engine->counters, COUNTER_MALFORMED, 1);
    if (peer->size > 0) {
        answer_refused(engine, peer, &check);
    }
}

/* One command. `gap_session` is the session that last met a gap in this frame: one answer per gap is enough. */
static bool on_command(struct engine *engine, const struct inlet *inlet, const struct peer *peer,
                       const uint8_t *message, uint32_t size, uint32_t *gap_session) {
    if (size > MESSAGE_MAX) {
        malformed(engine, peer, 0);
        return true;
    }
    uint64_t time_ns = 0;
    uint8_t *slot = slot_after_timers(engine, &time_ns);
    if (slot == NULL) {
        return false;
    }
    /* Into the journal's own memory before it is looked at: aligned, and the same bytes are checked, journaled and
     * applied. */
    memcpy(slot, message, size);
    const struct core_check check = core_check(engine->core, inlet->role, slot, size);
    switch (check.verdict) {
    case CORE_APPLY:
        apply(engine, slot, (uint16_t)size, inlet->role, time_ns);
        return apply_rest(engine);
    case CORE_DUPLICATE:
        counter_add(engine->counters, COUNTER_DUPLICATES, 1);
        return true;
    case CORE_GAP:
        counter_add(engine->counters, COUNTER_GAPS, 1);
        if (check.session != *gap_session) {
            answer_gap(engine, peer, &check);
        }
        *gap_session = check.session;
        return true;
    default:
        answer_refused(engine, peer, &check);
        return true;
    }
}

/* Cursors into a frame, each so many commands ahead of the one that is applied (core_prefetch); a short frame is not
 * worth them. */
enum { LOOK_AHEAD_STAGES = 3, LOOK_AHEAD_WORTH = 4 };
static const int LOOK_AHEAD[LOOK_AHEAD_STAGES] = {9, 6, 3};

/* Asks for the memory of the command at `at`; returns where the next one is. */
static size_t look_ahead(const struct engine *engine, const uint8_t *bytes, size_t size, size_t at, unsigned stage) {
    struct frame_entry entry;
    if (at >= size) {
        return at;
    }
    memcpy(&entry, bytes + at, sizeof entry);
    core_prefetch(engine->core, bytes + at + sizeof entry, entry.size, stage);
    return at + frame_entry_size(entry.size);
}

static void on_frame(struct engine *engine, const struct inlet *inlet, const struct peer *peer, const uint8_t *bytes,
                     size_t size) {
    const int count = frame_check(bytes, size, FRAME_COMMANDS);
    if (count < 0) {
        malformed(engine, peer, 0);
        return;
    }
    size_t ahead[LOOK_AHEAD_STAGES];
    for (unsigned stage = 0; stage < LOOK_AHEAD_STAGES; stage++) {
        ahead[stage] = count < LOOK_AHEAD_WORTH ? size : sizeof(struct frame_header);
        for (int i = 0; i < LOOK_AHEAD[stage]; i++) {
            ahead[stage] = look_ahead(engine, bytes, size, ahead[stage], stage);
        }
    }
    uint32_t gap_session = 0;
    bool open = true;
    for (size_t at = sizeof(struct frame_header); at < size && open;) {
        struct frame_entry entry;
        for (unsigned stage = 0; stage < LOOK_AHEAD_STAGES; stage++) {
            ahead[stage] = look_ahead(engine, bytes, size, ahead[stage], stage);
        }
        memcpy(&entry, bytes + at, sizeof entry);
        open = on_command(engine, inlet, peer, bytes + at + sizeof entry, entry.size, &gap_session);
        at += frame_entry_size(entry.size);
    }
    wake(engine);
}

/* One message of a command socket: routing id and one frame. False when there is none. */
static bool receive(struct engine *engine, const struct inlet *inlet) {
    union zmq_message part;
    struct peer peer = {0};
    zmq.msg_init(&part);
    if (zmq.msg_recv(&part, inlet->socket, ZMQ_DONTWAIT) < 0) {
        zmq.msg_close(&part);
        return false;
    }
    const size_t id_size = zmq.msg_size(&part);
    peer.size = (uint8_t)(id_size <= PEER_ID_MAX ? id_size : 0);
    memcpy(peer.id, zmq.msg_data(&part), peer.size);
    bool whole = false;
    for (int parts = 2; zmq.msg_more(&part) != 0 && zmq.msg_recv(&part, inlet->socket, ZMQ_DONTWAIT) >= 0; parts++) {
        if (parts == 2 && zmq.msg_more(&part) == 0 && peer.size > 0) {
            whole = true;
            on_frame(engine, inlet, &peer, zmq.msg_data(&part), zmq.msg_size(&part));
        }
    }
    if (!whole) {
        malformed(engine, &peer, 0);
    }
    zmq.msg_close(&part);
    return true;
}

/* ---- the loop ---- */

/* Takes what has arrived, the sockets in turn so that none starves another; returns how many frames. */
static int drain(struct engine *engine) {
    int frames = 0;
    bool some = true;
    while (some && frames < FRAMES_PER_TURN && intake(engine) == INTAKE_OPEN) {
        some = false;
        for (int i = 0; i < ROLES; i++) {
            if (receive(engine, &engine->inlets[i])) {
                frames++;
                some = true;
            }
        }
    }
    return frames;
}

/* Does what the core's timers have due while nobody sends anything; returns whether there was something. */
static bool run_timers(struct engine *engine) {
    const uint64_t due_ns = core_next_timer(engine->core);
    if (due_ns == 0 || due_ns > clock_ns(CLOCK_REALTIME)) {
        return false;
    }
    const uint64_t before = engine->sequence;
    uint64_t time_ns = 0;
    slot_after_timers(engine, &time_ns);
    if (engine->sequence == before) {
        return false; /* the stamp lags behind the clock: it never jumps */
    }
    wake(engine);
    return true;
}

/* How long nobody has to look: never beyond the next timer, rounded up so that it has come by then. */
static long poll_ms(const struct engine *engine) {
    const uint64_t due_ns = core_next_timer(engine->core);
    const uint64_t now_ns = clock_ns(CLOCK_REALTIME);
    if (due_ns == 0 || due_ns >= now_ns + POLL_MS * NS_PER_MS) {
        return POLL_MS;
    }
    return due_ns <= now_ns ? 0 : (long)((due_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS);
}

static void poll_inlets(const struct engine *engine) {
    struct zmq_poll_item items[ROLES];
    for (int i = 0; i < ROLES; i++) {
        items[i] = (struct zmq_poll_item){.socket = engine->inlets[i].socket, .events = ZMQ_POLLIN};
    }
    zmq.poll(items, ROLES, poll_ms(engine));
}

/* A market that was open when the clock jumped waits for an operator, whatever resume_after_recovery says at the next
 * start: the journal has the word. */
static void close_market(struct engine *engine) {
    const uint8_t state = core_venue_state(engine->core);
    const struct wire_trading_state_set block = {
        .state = WIRE_TRADING_STATE_CANCEL_ONLY,
        .operator = "engine",
        .reason_text = "clock jump above max_clock_jump_ms",
    };
    if (state != WIRE_TRADING_STATE_OPEN && state != WIRE_TRADING_STATE_CANCEL_ONLY) {
        return;
    }
    uint8_t *slot = wait_for_slot(engine);
    if (slot != NULL) {
        apply_own(engine, slot, WIRE_TRADING_STATE_SET, &block, sizeof block, engine->stamp.last_ns);
        wake(engine);
    }
}

int engine_loop(struct engine *engine) {
    uint64_t busy_ns = clock_ns(CLOCK_MONOTONIC);
    while (intake(engine) == INTAKE_OPEN) {
        const uint64_t begun_ns = clock_ns(CLOCK_MONOTONIC);
        counter_add(engine->counters, COUNTER_LOOP_TURNS, 1);
        if (!stamp_look(&engine->stamp, clock_ns(CLOCK_REALTIME), begun_ns)) {
            counter_add(engine->counters, COUNTER_CLOCK_JUMPS, 1);
            close_market(engine);
            return LOOP_CLOCK_JUMPED;
        }
        if (!journal_keeps_up(engine, begun_ns)) {
            pause_intake(engine, begun_ns);
            continue;
        }
        const bool ticked = run_timers(engine);
        if (drain(engine) > 0 || ticked) {
            count_state(engine);
            busy_ns = clock_ns(CLOCK_MONOTONIC);
            counter_raise(engine->counters, COUNTER_LOOP_NS_MAX, busy_ns - begun_ns);
        } else if (begun_ns - busy_ns > engine->spin_us * UINT64_C(1000)) {
            poll_inlets(engine);
            busy_ns = clock_ns(CLOCK_MONOTONIC);
        }
    }
    if (intake(engine) == INTAKE_DRAINING && apply_rest(engine) && apply_hash(engine)) {
        return LOOP_DRAINED;
    }
    return LOOP_STOPPED;
}

void engine_journal(struct engine *engine) {
    journal_run(&engine->journal);
}

void engine_prepare(struct engine *engine) {
    journal_prepare(&engine->journal);
}

void engine_sync(struct engine *engine) {
    journal_sync(&engine->journal);
}

void engine_publish(struct engine *engine) {
    publisher_run(&engine->publisher);
}

void engine_drain(struct engine *engine) {
    int open = INTAKE_OPEN;
    __atomic_compare_exchange_n(&engine->intake, &open, INTAKE_DRAINING, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

void engine_stop(struct engine *engine) {
    __atomic_store_n(&engine->intake, INTAKE_STOPPED, __ATOMIC_RELEASE);
}

void engine_close_journal(struct engine *engine, int how) {
    journal_close(&engine->journal, (enum journal_close)how);
}

void engine_close_publisher(struct engine *engine) {
    publisher_close(&engine->publisher);
    __atomic_store_n(&engine->journal.preparing, 0, __ATOMIC_RELEASE);
    doorbell_ring(&engine->journal.wanted);
}

uint64_t engine_published(const struct engine *engine) {
    return __atomic_load_n(&engine->publisher.published, __ATOMIC_ACQUIRE);
}

uint64_t engine_released(const struct engine *engine) {
    return journal_released(&engine->journal);
}

uint64_t engine_durable(const struct engine *engine) {
    return journal_durable(&engine->journal);
}

bool engine_disk_full(const struct engine *engine) {
    return journal_full(&engine->journal) || publisher_full(&engine->publisher);
}

uint64_t engine_sequence(const struct engine *engine) {
    return __atomic_load_n(&engine->sequence, __ATOMIC_RELAXED);
}
