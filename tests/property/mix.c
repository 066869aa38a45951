/* mix_sum and mix128 of engine/book_hash.py in C, for long runs only.
   Written from docs/ENGINE.md section 8 and not from the core, which it helps to check. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#define WORDS_MAX 128

static uint64_t keys[WORDS_MAX + 1];

static uint64_t finish(uint64_t x) {
    x ^= x >> 30;
    x *= 0xBF58476D1CE4E5B9U;
    x ^= x >> 27;
    x *= 0x94D049BB133111EBU;
    return x ^ x >> 31;
}

/* Pairs of keyed words multiplied and summed: low half, high half. Negative words count as two's complement.
   Returns how many words there are; -1 with an exception set if the tuple is not one of integers. */
static Py_ssize_t sum_words(PyObject *tuple, uint64_t *halves) {
    uint64_t words[WORDS_MAX + 1] = {0};
    if (!PyTuple_Check(tuple) || PyTuple_GET_SIZE(tuple) > WORDS_MAX) {
        PyErr_Format(PyExc_TypeError, "a tuple of at most %d integers is mixed", WORDS_MAX);
        return -1;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(tuple);
    for (Py_ssize_t i = 0; i < count; i++) {
        words[i] = PyLong_AsUnsignedLongLongMask(PyTuple_GET_ITEM(tuple, i));
        if (words[i] == UINT64_MAX && PyErr_Occurred())
            return -1;
    }
    unsigned __int128 sum = 0;
    for (Py_ssize_t i = 0; i < count; i += 2) {
        sum += (unsigned __int128)(words[i] + keys[i]) * (words[i + 1] + keys[i + 1]);
    }
    halves[0] = (uint64_t)sum;
    halves[1] = (uint64_t)(sum >> 64);
    return count;
}

static PyObject *joined(const uint64_t *halves) {
    return _PyLong_FromByteArray((const unsigned char *)halves, 16, 1, 0);
}

static PyObject *mix_sum(PyObject *module, PyObject *tuple) {
    (void)module;
    uint64_t halves[2];
    return sum_words(tuple, halves) < 0 ? NULL : joined(halves);
}

static PyObject *mix128(PyObject *module, PyObject *tuple) {
    (void)module;
    uint64_t halves[2];
    Py_ssize_t count = sum_words(tuple, halves);
    if (count < 0)
        return NULL;
    halves[0] = finish(halves[0] ^ (uint64_t)count);
    halves[1] = finish(halves[1] ^ halves[0]);
    return joined(halves);
}

static PyMethodDef methods[] = {
    {"mix_sum", mix_sum, METH_O, "The sum of a tuple of 64-bit words, unfinished."},
    {"mix128", mix128, METH_O, "128 bits of a tuple of 64-bit words."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "mix", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_mix(void) {
    for (uint64_t i = 0; i <= WORDS_MAX; i++)
        keys[i] = finish((i + 1) * 0x9E3779B97F4A7C15U);
    return PyModule_Create(&definition);
}
