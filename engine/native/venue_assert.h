/* VENUE_ASSERT: an invariant that stays checked in release builds; a broken one ends the process before it can do harm.

   The daemon then restarts and replays; a wrong state is never published. Use it for programmer's errors, never for bad
   input. */
#ifndef VENUE_ASSERT_H
#define VENUE_ASSERT_H

#define VENUE_ASSERT(condition, invariant)                                                                             \
    do {                                                                                                               \
        if (__builtin_expect(!(condition), 0)) {                                                                       \
            venue_assert_failed(__FILE__, __LINE__, invariant);                                                        \
        }                                                                                                              \
    } while (0)

/* The invariants that hold the books and the money together and are checked with every command. A build without them
 * exists only for the benchmark that measures what they cost. */
#ifdef VENUE_NO_INVARIANTS
#define INVARIANT(condition, invariant) ((void)sizeof(condition))
#else
#define INVARIANT(condition, invariant) VENUE_ASSERT(condition, invariant)
#endif

/* Prints "FILE:LINE: invariant broken: INVARIANT" to standard error and aborts. */
__attribute__((noreturn, cold)) void venue_assert_failed(const char *file, int line, const char *invariant);

#endif
