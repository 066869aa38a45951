/* The engine's sockets from both ends: a load that is fast enough not to be what is measured, and the plain echo that
   the engine is measured against.

   The echo has what the transport forces upon anybody: the same sockets, frames and bytes both ways, and the same two
   hand-offs, from the thread that receives to one that stands where the journal stands, and from there to the one that
   sends. It has no check, no journal, no book. */
#ifndef TRANSPORT_H
#define TRANSPORT_H

#include <stdint.h>

/* cffi-begin */
struct load {
    void *commands; /* DEALER, connected to the gateway's socket */
    void *events;   /* DEALER under the same routing id, said Hello; its receive timeout bounds every wait */
    uint32_t session;
    uint32_t session_epoch;
    uint32_t generation;
    uint32_t gateway;
    uint32_t account;
    uint32_t instrument;
    uint64_t client_seq; /* of the last command made */
    int64_t price_ticks;
    uint64_t stamped_ns;     /* when the engine took the command of the last frame's first event */
    uint64_t framed_ns;      /* when it made that frame */
    uint64_t bytes_received; /* of event entries, all told */
    uint64_t events_received;
    uint64_t frames_received;
};

const char *transport_load_zmq(const char *path);

/* Sends `frames` frames of `batch` orders, in turn one that rests and one that fills it, and returns the nanoseconds
   until every event is here; at most `window` frames are unanswered. 0: something stayed away, or a frame of events was
   malformed. The frames are encoded before the clock starts. */
uint64_t load_run(struct load *load, uint32_t frames, uint32_t batch, uint32_t window);
/* One order at a time; nanoseconds of each in `taken`, and in `stages` three for each: until the receiving thread took
   it, until the frame of its first event was made, until that frame was here. False as load_run's 0. */
int load_ping_pong(struct load *load, uint32_t count, uint64_t *taken, uint64_t *stages);
/* Bytes of one command's entry in a frame. */
uint32_t load_command_bytes(void);

struct echo;

/* `entry_bytes`: of the one event that each entry of an answer stands for; commands are answered by one and by two in
   turn. NULL when memory can't be had. */
struct echo *echo_new(void *gateway, void *events, uint32_t entry_bytes, uint32_t spin_us);
/* Each runs a thread until the process ends. */
void echo_receive(struct echo *echo);
void echo_hand_over(struct echo *echo);
void echo_send(struct echo *echo);
/* cffi-end */

#endif
