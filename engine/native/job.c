/* Continue: the job at work, or else what waits to become one (docs/ENGINE.md section 2). */
#include "phase.h"
#include "stop.h"

static void go_on(struct core *core) {
    switch ((enum pending_kind)core->pending.kind) {
    case PENDING_END_OF_DAY:
        end_of_day_go_on(core);
        break;
    case PENDING_CHECKPOINT:
        checkpoint_go_on(core);
        break;
    case PENDING_CANCEL:
        cancel_go_on(core);
        break;
    case PENDING_UNCROSS:
        uncross_go_on(core);
        break;
    case PENDING_PURGE:
        purge_go_on(core);
        break;
    case PENDING_ACTIVATE:
        activate_go_on(core);
        break;
    case PENDING_STOPS:
        stops_go_on(core);
        break;
    case PENDING_STATISTICS:
        statistics_go_on(core);
        break;
    case PENDING_NONE:
        VENUE_ASSERT(false, "a job at work has a kind");
    }
}

void apply_continue(struct core *core) {
    if (core->pending.kind != PENDING_NONE) {
        go_on(core);
    } else if (core->protections.tripped_count > 0) {
        cancel_start_tripped(core);
    } else if (core->election != 0) {
        stops_start(core);
    }
}
