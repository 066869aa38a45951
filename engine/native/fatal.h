/* Ends the process when going on could make state and journal differ: one line for the log, no clean-up, no retry. */
#ifndef VENUE_FATAL_H
#define VENUE_FATAL_H

/* `what` is a stable dotted name; the cause is errno's text. */
_Noreturn void fatal(const char *what);

#endif
