/* EXPECT for the C tests: the first condition that does not hold is printed and ends the program with status 1. */
#ifndef TEST_EXPECT_H
#define TEST_EXPECT_H

#include <stdio.h>
#include <stdlib.h>

#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            (void)fprintf(stderr, "%s:%d: in %s: expected %s\n", __FILE__, __LINE__, __func__, #condition);            \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

/* Runs one test function and says that it passed. */
#define RUN(test)                                                                                                      \
    do {                                                                                                               \
        test();                                                                                                        \
        (void)printf("ok %s\n", #test);                                                                                \
    } while (0)

#endif
