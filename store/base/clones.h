/*
 * CLONES before a function: on x86-64 it exists twice, for the baseline and for AVX2, chosen when the program
 * starts. For loops over columns, which compilers vectorise.
 */
#ifndef HC_STORE_BASE_CLONES_H
#define HC_STORE_BASE_CLONES_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
	!defined(__SANITIZE_THREAD__)
#define CLONES __attribute__((target_clones("avx2", "default")))
#else
#define CLONES
#endif

#endif
