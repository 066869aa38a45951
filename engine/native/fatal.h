/* Ends the process when going on could make state and journal differ: one line for the log, no clean-up, no retry. */
#ifndef VENUE_FATAL_H
#define VENUE_FATAL_H

/* Exit status when a file could not be written, synced or named: nobody knows what the disk holds, so the next start
 * finds out. cfg/daemon.py lists it. */
enum { FATAL_EXIT_DISK = 5 };

/* `what` is a stable dotted name; the cause is errno's text. */
_Noreturn void fatal(const char *what);

/* The same for an error of an open file or directory: names it, and exits with FATAL_EXIT_DISK. */
_Noreturn void fatal_file(const char *what, int file);

#endif
