/* Counts along sorted scores, for many resamples at once: what AUROC and average precision are made of.
 *
 *   rank_sums            twice the wins of positives over negatives, ties half, and the weight of either class
 *   average_precisions   the sum over thresholds of (recall gained) times (precision there), times the positives
 *
 * Recordings come sorted by score, as steps; each names the patient whose multiplicities it weighs with. Weights are
 * whole numbers, so that rank sums are exact whatever their order. Plain C behind a C interface: no Python, no threads
 * of its own, nothing allocated. Callers make sure that counts fit (see ranks.py).
 *
 * Names: M steps, P patients, B resamples; weight_PB holds each patient's multiplicities side by side.
 */
#include <stdint.h>
#include <string.h>

#if defined(_MSC_VER)
#include <intrin.h>
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

#define VERSION 1
#if !defined(ISOLINE_SOURCE)
#define ISOLINE_SOURCE unknown
#endif
#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)

EXPORT int isoline_version(void) { return VERSION; }

/* Start of the SHA-256 of this file when it was compiled, so that a stale build is noticed. */
EXPORT const char *isoline_source(void) { return TEXT(ISOLINE_SOURCE); }

/* 1 when the instructions that this file was compiled for exist here. Call it before anything else. */
EXPORT int isoline_runs_here(void) {
#if !defined(__AVX2__)
    return 1;
#elif defined(_MSC_VER)
    int leaf1[4], leaf7[4];
    __cpuid(leaf1, 1);
    __cpuidex(leaf7, 7, 0);
    const int kept_by_system = (leaf1[2] >> 27) & 1, avx2 = (leaf7[1] >> 5) & 1;
    return kept_by_system && avx2 && (_xgetbv(0) & 6) == 6;
#else
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
}

enum { WIDE = 128 };
/* Resamples side by side: their sums stay in the nearest cache, and so do most of their weights in the next. */

enum { BELOW_TWICE, BELOW_ONCE, WIN, ABOVE, FOUND, THRESHOLD };
/* What a step does. Rank sums: a negative counts twice below all positives that follow; one that ties with positives
 * counts once before them and once after, which is the half that a tie is worth. Average precision, from the highest
 * score down: a negative, a positive, and the end of a group of equal scores that has positives. */

static int least(int64_t left) { return left < WIDE ? (int)left : WIDE; }

/* One width for whole blocks, which the compiler knows and makes vectors of; any other for the last. */
static inline void rank_step(uint8_t act, const int16_t *w, int wide, uint32_t *below, uint32_t *positive,
                             uint64_t *wins) {
    if (act == WIN) {
        for (int b = 0; b < wide; b++) {
            const uint32_t drawn = (uint16_t)w[b];
            positive[b] += drawn;
            wins[b] += (uint64_t)drawn * below[b];
        }
    } else {
        const int twice = act == BELOW_TWICE;
        for (int b = 0; b < wide; b++) below[b] += (uint32_t)(uint16_t)w[b] << twice;
    }
}

/* wins_B: twice the wins; below_B: twice the negatives; positive_B: the positives. */
EXPORT void isoline_rank_sums(const int32_t *patient_M, const uint8_t *act_M, int64_t M, const int16_t *weight_PB,
                              int64_t B, uint64_t *wins_B, uint32_t *below_B, uint32_t *positive_B) {
    memset(wins_B, 0, sizeof(uint64_t) * B);
    memset(below_B, 0, sizeof(uint32_t) * B);
    memset(positive_B, 0, sizeof(uint32_t) * B);
    for (int64_t start = 0; start < B; start += WIDE) {
        const int wide = least(B - start);
        uint32_t below[WIDE] = {0}, positive[WIDE] = {0};
        uint64_t wins[WIDE] = {0};
        if (wide == WIDE)
            for (int64_t m = 0; m < M; m++)
                rank_step(act_M[m], weight_PB + patient_M[m] * B + start, WIDE, below, positive, wins);
        else
            for (int64_t m = 0; m < M; m++)
                rank_step(act_M[m], weight_PB + patient_M[m] * B + start, wide, below, positive, wins);
        memcpy(wins_B + start, wins, sizeof(uint64_t) * wide);
        memcpy(below_B + start, below, sizeof(uint32_t) * wide);
        memcpy(positive_B + start, positive, sizeof(uint32_t) * wide);
    }
}

static inline void precision_step(uint8_t act, const int16_t *w, int wide, int32_t *called, int32_t *found,
                                  int32_t *gained, double *area) {
    if (act == THRESHOLD) {
        for (int b = 0; b < wide; b++) {
            const double all = called[b] > 1 ? called[b] : 1;
            area[b] += (double)gained[b] * ((double)found[b] / all);
            gained[b] = 0;
        }
    } else if (act == FOUND) {
        for (int b = 0; b < wide; b++) {
            const int32_t drawn = w[b];
            called[b] += drawn;
            found[b] += drawn;
            gained[b] += drawn;
        }
    } else {
        for (int b = 0; b < wide; b++) called[b] += w[b];
    }
}

/* area_B: average precision times the positives, which found_B holds. */
EXPORT void isoline_average_precisions(const int32_t *patient_M, const uint8_t *act_M, int64_t M,
                                       const int16_t *weight_PB, int64_t B, double *area_B, int32_t *found_B) {
    for (int64_t start = 0; start < B; start += WIDE) {
        const int wide = least(B - start);
        int32_t called[WIDE] = {0}, found[WIDE] = {0}, gained[WIDE] = {0};
        double area[WIDE] = {0};
        if (wide == WIDE)
            for (int64_t m = 0; m < M; m++)
                precision_step(act_M[m], weight_PB + patient_M[m] * B + start, WIDE, called, found, gained, area);
        else
            for (int64_t m = 0; m < M; m++)
                precision_step(act_M[m], weight_PB + patient_M[m] * B + start, wide, called, found, gained, area);
        memcpy(area_B + start, area, sizeof(double) * wide);
        memcpy(found_B + start, found, sizeof(int32_t) * wide);
    }
}
