/* Samples on their way in: integers of files and stores, time by channels, to millivolts, channels by time.
 *
 *   millivolts   (step - baseline) / gain, transposed, NaN where a sample is missing
 *   crops        the same for many crops that lie anywhere in memory
 *   unpack_212   two samples of 12 bits in three bytes
 *   sums         each channel's samples added up modulo 65,536, the checksum of WFDB headers
 *
 * Plain C behind a C interface: no Python, no threads of its own, nothing allocated. Every value is rounded as numpy
 * rounds it: an integer to float (exact), minus a float, over a float. Callers make sure that what is read is there.
 *
 * Names: B crops, T samples, C channels.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(_MSC_VER)
#include <intrin.h>
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define VERSION 1
#if !defined(ISOLINE_SOURCE)
#define ISOLINE_SOURCE unknown
#endif
#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)

enum { TILE = 64, QUAD = 4, LINE = 64 };
/* TILE samples stay in the nearest cache, a QUAD of channels and samples in registers; a LINE of cache has 64 bytes. */

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
    return __builtin_cpu_supports("avx2");
#endif
}

/* ---- millivolts ---- */

/* Four channels of `samples` samples, C apart, as floats: to[channel][sample]. */
static inline void turn(const int16_t *from, int64_t C, int samples, float (*to)[TILE]) {
    int t = 0;
#if defined(__AVX2__)
    for (; t + QUAD <= samples; t += QUAD) {
        __m128 row[QUAD];
        for (int i = 0; i < QUAD; i++) {
            const __m128i steps = _mm_loadl_epi64((const __m128i *)(from + (t + i) * C));
            row[i] = _mm_cvtepi32_ps(_mm_cvtepi16_epi32(steps));
        }
        _MM_TRANSPOSE4_PS(row[0], row[1], row[2], row[3]);
        for (int c = 0; c < QUAD; c++) _mm_storeu_ps(to[c] + t, row[c]);
    }
#endif
    for (; t < samples; t++)
        for (int c = 0; c < QUAD; c++) to[c][t] = (float)from[t * C + c];
}

/* One channel of a tile; gives back whether a sample of it is missing. */
static inline int scale(const float *steps, int samples, float missing, float baseline, float gain, float *to) {
    const float hole = NAN;
    int holes = 0;
    for (int t = 0; t < samples; t++) {
        const int is_hole = steps[t] == missing;
        to[t] = is_hole ? hole : (steps[t] - baseline) / gain;
        holes |= is_hole;
    }
    return holes;
}

static int tile_to_millivolts(
    const int16_t *steps_TC, int samples, int64_t C, float missing, const float *baseline_C, const float *gain_C,
    float *out, int64_t between
) {
    float turned[QUAD][TILE];
    int holes = 0;
    int64_t c = 0;
    for (; c + QUAD <= C; c += QUAD) {
        turn(steps_TC + c, C, samples, turned);
        for (int i = 0; i < QUAD; i++)
            holes |= scale(turned[i], samples, missing, baseline_C ? baseline_C[c + i] : 0.0f, gain_C[c + i],
                           out + (c + i) * between);
    }
    for (; c < C; c++) {
        for (int t = 0; t < samples; t++) turned[0][t] = (float)steps_TC[t * C + c];
        holes |= scale(turned[0], samples, missing, baseline_C ? baseline_C[c] : 0.0f, gain_C[c], out + c * between);
    }
    return holes;
}

/* steps [T, C] as millivolts; channel c of the result starts at out + c * between. Baselines [C] may be null.
 * holes tells whether a sample is missing.
 */
EXPORT void isoline_millivolts(
    const int16_t *steps_TC, int64_t T, int64_t C, int64_t missing, const float *baseline_C, const float *gain_C,
    float *out, int64_t between, uint8_t *holes
) {
    *holes = 0;
    for (int64_t t = 0; t < T; t += TILE) {
        const int samples = (int)(T - t < TILE ? T - t : TILE);
        *holes |= (uint8_t)tile_to_millivolts(steps_TC + t * C, samples, C, (float)missing, baseline_C, gain_C, out + t,
                                              between);
    }
}

/* Ask for memory that is read next. */
static inline void ask_for(const char *from, int64_t bytes) {
#if defined(__GNUC__)
    for (int64_t i = 0; i < bytes; i += LINE) __builtin_prefetch(from + i, 0, 2);
#elif defined(__AVX2__)
    for (int64_t i = 0; i < bytes; i += LINE) _mm_prefetch(from + i, _MM_HINT_T1);
#else
    (void)from, (void)bytes;
#endif
}

/* Crops of T samples each, [B, C, T]: crop b starts at from_B[b] and has gains [C] of its own. Crops lie `crop_apart`
 * floats apart in the result, channels `between`. holes_B tells which of them miss a sample. While a part of one crop
 * is turned, the same part of the next is on its way from memory: no processor foresees where it lies.
 */
EXPORT void isoline_crops(
    const int16_t *const *from_B, int64_t B, int64_t T, int64_t C, int64_t missing, const float *gain_BC, float *out,
    int64_t crop_apart, int64_t between, uint8_t *holes_B
) {
    for (int64_t b = 0; b < B; b++) {
        int holes = 0;
        for (int64_t t = 0; t < T; t += TILE) {
            const int samples = (int)(T - t < TILE ? T - t : TILE);
            if (b + 1 < B) ask_for((const char *)(from_B[b + 1] + t * C), samples * C * (int64_t)sizeof(int16_t));
            holes |= tile_to_millivolts(from_B[b] + t * C, samples, C, (float)missing, 0, gain_BC + b * C,
                                        out + b * crop_apart + t, between);
        }
        holes_B[b] = (uint8_t)holes;
    }
}

/* ---- WFDB ---- */

/* Samples of format 212: low byte 1, both high nibbles, low byte 2. `bytes` holds all of them. */
EXPORT void isoline_unpack_212(const uint8_t *bytes, int64_t samples, int16_t *out) {
    int64_t n = 0;
#if defined(__AVX2__)
    /* Eight samples of twelve bytes: the even ones lie low in their two bytes, the odd ones high in theirs, swapped. */
    const __m128i order = _mm_setr_epi8(0, 1, 2, 1, 3, 4, 5, 4, 6, 7, 8, 7, 9, 10, 11, 10);
    const int64_t held = (samples * 3 + 1) / 2;
    for (; n + 8 <= samples && n / 2 * 3 + 16 <= held; n += 8) {
        const __m128i block = _mm_loadu_si128((const __m128i *)(bytes + n / 2 * 3));
        const __m128i words = _mm_shuffle_epi8(block, order);
        const __m128i even = _mm_srai_epi16(_mm_slli_epi16(words, 4), 4);
        const __m128i high = _mm_and_si128(_mm_srai_epi16(words, 4), _mm_set1_epi16((short)0xFF00));
        const __m128i odd = _mm_or_si128(high, _mm_and_si128(words, _mm_set1_epi16(0x00FF)));
        _mm_storeu_si128((__m128i *)(out + n), _mm_blend_epi16(even, odd, 0xAA));
    }
#endif
    for (; n < samples; n++) {
        const uint8_t *at = bytes + n / 2 * 3;
        const int word = n % 2 ? at[2] | (at[1] & 0xF0) << 4 : at[0] | (at[1] & 0x0F) << 8;
        out[n] = (int16_t)((word ^ 0x800) - 0x800);
    }
}

enum { ROWS = 8, MOST_CHANNELS = 256 };

/* Sums [C] of steps [T, C]; C is at most MOST_CHANNELS. Long rows add faster than short ones: ROWS side by side. */
EXPORT void isoline_sums(const uint16_t *steps_TC, int64_t T, int64_t C, uint16_t *sum_C) {
    uint16_t part[ROWS * MOST_CHANNELS];
    memset(part, 0, sizeof(uint16_t) * ROWS * C);
    memset(sum_C, 0, sizeof(uint16_t) * C);
    int64_t t = 0;
    for (; t + ROWS <= T; t += ROWS)
        for (int64_t i = 0; i < ROWS * C; i++) part[i] = (uint16_t)(part[i] + steps_TC[t * C + i]);
    for (int64_t i = 0; i < ROWS * C; i++) sum_C[i % C] = (uint16_t)(sum_C[i % C] + part[i]);
    for (; t < T; t++)
        for (int64_t c = 0; c < C; c++) sum_C[c] = (uint16_t)(sum_C[c] + steps_TC[t * C + c]);
}
