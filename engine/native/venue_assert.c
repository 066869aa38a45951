/* What happens when an invariant is broken: say which one, then stop, so that nothing built on it leaves the process.
 */
#include "venue_assert.h"

#include <stdio.h>
#include <stdlib.h>

void venue_assert_failed(const char *file, int line, const char *invariant) {
    (void)fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, invariant);
    abort();
}
