/* A ring of fixed slots between two threads. */
#include "answers.h"

bool answers_put(struct answers *answers, const struct answer *answer) {
    const uint64_t put = answers->put;
    if (put - __atomic_load_n(&answers->taken, __ATOMIC_ACQUIRE) == ANSWERS_SIZE) {
        return false;
    }
    answers->slots[put % ANSWERS_SIZE] = *answer;
    __atomic_store_n(&answers->put, put + 1, __ATOMIC_RELEASE);
    return true;
}

bool answers_take(struct answers *answers, struct answer *answer) {
    const uint64_t taken = answers->taken;
    if (taken == __atomic_load_n(&answers->put, __ATOMIC_ACQUIRE)) {
        return false;
    }
    *answer = answers->slots[taken % ANSWERS_SIZE];
    __atomic_store_n(&answers->taken, taken + 1, __ATOMIC_RELEASE);
    return true;
}

bool answers_empty(const struct answers *answers) {
    return __atomic_load_n(&answers->taken, __ATOMIC_RELAXED) == __atomic_load_n(&answers->put, __ATOMIC_ACQUIRE);
}
