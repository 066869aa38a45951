/* Takes the place of engine/native/venue_assert.h to tell what its invariants cost: conditions are computed only where
   that has an effect, and nothing comes of them. */
#ifndef VENUE_ASSERT_H
#define VENUE_ASSERT_H

#define VENUE_ASSERT(condition, invariant) ((void)(condition))
#define INVARIANT(condition, invariant)    ((void)(condition))

__attribute__((noreturn, cold)) void venue_assert_failed(const char *file, int line, const char *invariant);

#endif
