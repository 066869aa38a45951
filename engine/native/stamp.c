/* Stamps from two clock readings; reads no clock itself, so that every jump can be tested. */
#include "stamp.h"

bool stamp_init(struct stamp *stamp, uint64_t last_ns, int64_t jump_max_ns, uint64_t wall_ns, uint64_t monotonic_ns) {
    *stamp = (struct stamp){
        .last_ns = last_ns,
        .looked_ns = wall_ns,
        .offset_ns = (int64_t)(wall_ns - monotonic_ns),
        .jump_max_ns = jump_max_ns,
    };
    return wall_ns >= last_ns || last_ns - wall_ns <= (uint64_t)jump_max_ns;
}

bool stamp_look(struct stamp *stamp, uint64_t wall_ns, uint64_t monotonic_ns) {
    const int64_t offset_ns = (int64_t)(wall_ns - monotonic_ns);
    const int64_t change_ns = offset_ns - stamp->offset_ns;
    stamp->offset_ns = offset_ns;
    stamp->looked_ns = wall_ns;
    return change_ns <= stamp->jump_max_ns && change_ns >= -stamp->jump_max_ns;
}

uint64_t stamp_next(struct stamp *stamp, uint64_t wall_ns) {
    if (wall_ns > stamp->last_ns && wall_ns <= stamp->looked_ns + (uint64_t)stamp->jump_max_ns) {
        stamp->last_ns = wall_ns;
    }
    return stamp->last_ns;
}
