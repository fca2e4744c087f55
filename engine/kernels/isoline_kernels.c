/* The three loops in which an S4 block spends its time outside of matrix products, for CPUs.
 *
 *   scan      y_t = D u_t + sum_n g_n x_n,t  with  x_n,t = pole_n x_n,t-1 + u_t   (and its mirror image), then GELU
 *   glu_norm  LayerNorm(x + a * sigmoid(b)) of the two halves a, b of a linear layer's output
 *   chains    independent multiply-adds, to learn what this processor can do at best
 *
 * Plain C behind a C interface: no Python, no torch, no threads of its own. Callers give row-major arrays and a range
 * of work, so that several threads may share a call. States are in double precision because modes of HiPPO dynamics
 * nearly cancel (their basis has a condition of 8e4: in single precision the sum is wrong by 0.3 %). Nothing here
 * assumes that numbers are finite: what is not a number stays one.
 *
 * Names: B batch, L tokens, H channels, N modes, R directions (1 causal, 2 with its mirror image), D width.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(_MSC_VER)
#include <immintrin.h>
#include <intrin.h>
#define EXPORT __declspec(dllexport)
#define restrict __restrict
#else
#define EXPORT __attribute__((visibility("default")))
#endif

#define VERSION 1
#if !defined(ISOLINE_SOURCE)
#define ISOLINE_SOURCE unknown
#endif
#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)

enum { LANES = 16, GROUP = 8, HALF = 4, TILE = 64, MOST_GROUPS = 8 };
/* LANES channels go together, one cache line of floats; GROUP modes fill the registers; TILE tokens stay in cache. */

/* As many doubles as a register holds. Compilers without vector types get an array and vectorise its loops. */
#if defined(__AVX512F__)
enum { PACK = 8 };
#else
enum { PACK = 4 };
#endif
#if defined(__GNUC__)
typedef double pack __attribute__((vector_size(PACK * sizeof(double))));
typedef float floats __attribute__((vector_size(PACK * sizeof(float))));
static inline pack mul_add(pack a, pack b, pack c) { return a * b + c; }
#else
typedef struct { double at[PACK]; } pack;
static inline pack mul_add(pack a, pack b, pack c) {
    for (int i = 0; i < PACK; i++) c.at[i] += a.at[i] * b.at[i];
    return c;
}
#endif
static inline pack load(const double *from) { pack v; memcpy(&v, from, sizeof v); return v; }
static inline void store(double *to, pack v) { memcpy(to, &v, sizeof v); }

/* ---- what is here, and whether this processor can run it ---- */

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
    const int kept_by_system = (leaf1[2] >> 27) & 1, fma = (leaf1[2] >> 12) & 1, avx2 = (leaf7[1] >> 5) & 1;
    return kept_by_system && fma && avx2 && (_xgetbv(0) & 6) == 6;
#else
    __builtin_cpu_init();
#if defined(__AVX512F__)
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq")) return 0;
    if (!__builtin_cpu_supports("avx512vl")) return 0;
#endif
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
}

/* ---- functions of one number, written so that loops over them vectorise ---- */

/* e^x, within 2 units of the last place: x = n ln 2 + r, and a Taylor polynomial of r in [-ln 2 / 2, ln 2 / 2]. */
static inline float exponential(float x) {
    const float rounder = 12582912.0f; /* 1.5 * 2^23: adding it leaves the nearest whole number in the last bits */
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    const float shifted = x * 1.44269504f + rounder;
    const float n = shifted - rounder;
    const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9841270e-4f;
    p = p * r + 1.3888889e-3f;
    p = p * r + 8.3333333e-3f;
    p = p * r + 4.1666667e-2f;
    p = p * r + 1.6666667e-1f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 127u) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

/* erf(x / sqrt 2), within 4e-7: an odd rational function fitted to erf on [-3.95, 3.95], constant beyond. */
static inline float error_function(float x) {
    x *= 0.70710678f;
    x = x < -3.95f ? -3.95f : x;
    x = x > 3.95f ? 3.95f : x;
    const float t = x * x;
    float p = 2.025908357e-06f;
    p = p * t + 2.846882798e-04f;
    p = p * t + 3.808176354e-03f;
    p = p * t + 5.287549174e-02f;
    p = p * t + 1.915506274e-01f;
    p = p * t + 1.128379144e+00f;
    float q = 3.783183347e-05f;
    q = q * t + 1.170729774e-03f;
    q = q * t + 1.505511881e-02f;
    q = q * t + 1.145597578e-01f;
    q = q * t + 5.030899991e-01f;
    q = q * t + 1.0f;
    float e = x * p / q;
    e = e < -1.0f ? -1.0f : e;
    return e > 1.0f ? 1.0f : e;
}

static inline float gelu(float x) { return 0.5f * x * (1.0f + error_function(x)); }

static inline float gelu_slope(float x) {
    return 0.5f * (1.0f + error_function(x)) + x * 0.39894228f * exponential(-0.5f * x * x);
}

static inline float sigmoid(float x) { return 1.0f / (1.0f + exponential(-x)); }

/* ---- the scan ---- */

/* Tiles hold LANES channels of up to TILE tokens in the order in which the scan meets them. */
typedef double tile[TILE][LANES];
typedef double modes[GROUP][LANES];

/* One group of modes over a tile. Inclusive: x takes u_t, then y_t takes sum g x. Strict: the other way round. */
static inline void advance(
    int strict, int steps, const tile u, tile y, modes x, const modes pole, const modes weight
) {
    for (int l = 0; l < LANES; l += PACK) {
        pack x_n[GROUP], pole_n[GROUP], weight_n[GROUP];
        for (int n = 0; n < GROUP; n++) {
            x_n[n] = load(x[n] + l);
            pole_n[n] = load(pole[n] + l);
            weight_n[n] = load(weight[n] + l);
        }
        for (int t = 0; t < steps; t++) {
            const pack u_t = load(u[t] + l);
            pack y_t = load(y[t] + l);
            if (strict)
                for (int n = 0; n < GROUP; n++) y_t = mul_add(weight_n[n], x_n[n], y_t);
            for (int n = 0; n < GROUP; n++) x_n[n] = mul_add(pole_n[n], x_n[n], u_t);
            if (!strict)
                for (int n = 0; n < GROUP; n++) y_t = mul_add(weight_n[n], x_n[n], y_t);
            store(y[t] + l, y_t);
        }
        for (int n = 0; n < GROUP; n++) store(x[n] + l, x_n[n]);
    }
}

/* The same for the adjoint, which also sums the gradient of the weights: g_n gathers sum_t u_t x_n,t. Half a group at a
 * time: states and sums of four modes stay in sixteen registers.
 */
static inline void advance_adjoint(
    int strict, int steps, const tile dy, const tile u, tile du, modes x, const modes pole, const modes weight, modes dg
) {
    for (int l = 0; l < LANES; l += PACK)
        for (int half = 0; half < GROUP; half += HALF) {
            pack x_n[HALF], dg_n[HALF];
            for (int n = 0; n < HALF; n++) x_n[n] = load(x[half + n] + l), dg_n[n] = load(dg[half + n] + l);
            for (int t = 0; t < steps; t++) {
                const pack dy_t = load(dy[t] + l), u_t = load(u[t] + l);
                pack du_t = load(du[t] + l);
                if (!strict)
                    for (int n = 0; n < HALF; n++) x_n[n] = mul_add(load(pole[half + n] + l), x_n[n], dy_t);
                for (int n = 0; n < HALF; n++) {
                    du_t = mul_add(load(weight[half + n] + l), x_n[n], du_t);
                    dg_n[n] = mul_add(u_t, x_n[n], dg_n[n]);
                }
                if (strict)
                    for (int n = 0; n < HALF; n++) x_n[n] = mul_add(load(pole[half + n] + l), x_n[n], dy_t);
                store(du[t] + l, du_t);
            }
            for (int n = 0; n < HALF; n++) store(x[half + n] + l, x_n[n]), store(dg[half + n] + l, dg_n[n]);
        }
}

/* What a call is about: sizes, and the channels [first, first + lanes) that are worked on. */
typedef struct {
    int64_t B, L, H, N, R, first;
    int lanes, groups;
} span;

static span span_of(int64_t B, int64_t L, int64_t H, int64_t N, int64_t R, int64_t first) {
    span s = {B, L, H, N, R, first, (int)(H - first < LANES ? H - first : LANES), (int)((N + GROUP - 1) / GROUP)};
    return s;
}

/* Channels of a [N, H] array as groups of modes; lanes and modes that do not exist are zero. */
static void gather_modes(const span *s, const double *from_NH, modes *to) {
    memset(to, 0, sizeof(modes) * s->groups);
    for (int64_t n = 0; n < s->N; n++)
        memcpy(to[n / GROUP][n % GROUP], from_NH + n * s->H + s->first, sizeof(double) * s->lanes);
}

static void scatter_modes(const span *s, modes *from, double *to_NH) {
    for (int64_t n = 0; n < s->N; n++)
        memcpy(to_NH + n * s->H + s->first, from[n / GROUP][n % GROUP], sizeof(double) * s->lanes);
}

/* Where step k of a tile that starts at step `from` stands in an array [B, L, H]; a reversed scan counts from the end. */
static inline int64_t place(const span *s, int64_t b, int64_t from, int k, int reversed) {
    const int64_t t = reversed ? s->L - 1 - (from + k) : from + k;
    return (b * s->L + t) * s->H + s->first;
}

/* Lines of one block of channels lie a whole row apart, which no processor foresees: ask for the one AHEAD steps on,
 * also where one is to be written.
 */
enum { AHEAD = 16 };

static inline void prefetch(const span *s, const float *array, int64_t b, int64_t from, int k, int reversed) {
    if (from + k + AHEAD >= s->L) return;
    const float *there = array + place(s, b, from, k + AHEAD, reversed);
#if defined(__GNUC__)
    __builtin_prefetch(there);
#elif defined(_M_X64)
    _mm_prefetch((const char *)there, _MM_HINT_T0);
#else
    (void)there;
#endif
}

typedef float line[LANES];

/* A line into doubles and back, a register's worth at a time. */
static inline void widen(const float *from, double *to) {
#if defined(__GNUC__)
    for (int l = 0; l < LANES; l += PACK) {
        floats v;
        memcpy(&v, from + l, sizeof v);
        store(to + l, __builtin_convertvector(v, pack));
    }
#else
    for (int l = 0; l < LANES; l++) to[l] = from[l];
#endif
}

/* The product, rounded to a float, into doubles. */
static inline void widen_scaled(const float *from, const line by, double *to) {
#if defined(__GNUC__)
    for (int l = 0; l < LANES; l += PACK) {
        floats v, f;
        memcpy(&v, from + l, sizeof v);
        memcpy(&f, by + l, sizeof f);
        store(to + l, __builtin_convertvector(v * f, pack));
    }
#else
    for (int l = 0; l < LANES; l++) to[l] = from[l] * by[l];
#endif
}

static inline void narrow(const double *from, line to) {
#if defined(__GNUC__)
    for (int l = 0; l < LANES; l += PACK) {
        const floats v = __builtin_convertvector(load(from + l), floats);
        memcpy(to + l, &v, sizeof v);
    }
#else
    for (int l = 0; l < LANES; l++) to[l] = (float)from[l];
#endif
}

/* A line where it stands, or, of fewer channels, filled up with zeros. */
static inline const float *line_at(const float *from, int lanes, line spare) {
    if (lanes == LANES) return from;
    memset(spare, 0, sizeof(line));
    memcpy(spare, from, sizeof(float) * lanes);
    return spare;
}

static inline void read_line(const float *from, int lanes, line to) {
    if (lanes == LANES) {
        memcpy(to, from, sizeof(line));
        return;
    }
    memset(to, 0, sizeof(line));
    memcpy(to, from, sizeof(float) * lanes);
}

static inline void write_line(float *to, int lanes, const line from) {
    memcpy(to, from, lanes == LANES ? sizeof(line) : sizeof(float) * lanes);
}

/* One direction of the scan over one row of the batch. The last direction also applies GELU and scale. */
static void scan_row(
    const span *s, int64_t b, int reversed, const float *u_BLH, float *y_BLH, float *z_BLH, const line scale,
    const line skip, const modes *pole, const modes *weight
) {
    static const modes silent;
    modes x[MOST_GROUPS];
    tile u, y;
    line out[TILE];
    for (int g = 0; g < s->groups; g++) memcpy(x[g], silent, sizeof(modes));
    for (int64_t from = 0; from < s->L; from += TILE) {
        const int steps = (int)(s->L - from < TILE ? s->L - from : TILE);
        for (int k = 0; k < steps; k++) {
            line spare;
            const int64_t at = place(s, b, from, k, reversed);
            prefetch(s, u_BLH, b, from, k, reversed);
            if (z_BLH) prefetch(s, z_BLH, b, from, k, reversed);
            const float *in = line_at(u_BLH + at, s->lanes, spare);
            widen(in, u[k]);
            if (reversed) widen(line_at(y_BLH + at, s->lanes, spare), y[k]);
            else widen_scaled(in, skip, y[k]);
        }
        for (int g = 0; g < s->groups; g++) {
            if (reversed) advance(1, steps, u, y, x[g], pole[g], weight[g]);
            else advance(0, steps, u, y, x[g], pole[g], weight[g]);
        }
        /* In passes of their own: what was stored in parts is not read back at once as a whole, which would wait. */
        for (int k = 0; k < steps; k++) narrow(y[k], out[k]);
        if (y_BLH)
            for (int k = 0; k < steps; k++) write_line(y_BLH + place(s, b, from, k, reversed), s->lanes, out[k]);
        if (!z_BLH) continue;
        for (int k = 0; k < steps; k++) {
            line z;
            for (int l = 0; l < LANES; l++) z[l] = gelu(out[k][l]) * scale[l];
            write_line(z_BLH + place(s, b, from, k, reversed), s->lanes, z);
        }
    }
}

static void read_scale(const span *s, const float *scale_BH, int64_t b, line to) {
    for (int l = 0; l < LANES; l++) to[l] = 1.0f;
    if (scale_BH) read_line(scale_BH + b * s->H + s->first, s->lanes, to);
}

/* y = scan(u) and, unless z is null, z = GELU(y) * scale.
 *
 * Channels [first, last) of u, y, z [B, L, H]; poles [N, H], weights [R, N, H], skip D [H], scale [B, H] or null.
 * y may be null when there is one direction. The reverse direction is strict: token t takes what comes after it.
 */
EXPORT void isoline_scan(
    const float *u_BLH, float *y_BLH, float *z_BLH, const float *scale_BH, const double *pole_NH,
    const double *weight_RNH, const float *skip_H, int64_t B, int64_t L, int64_t H, int64_t N, int64_t R,
    int64_t first, int64_t last
) {
    modes pole[MOST_GROUPS], weight[2][MOST_GROUPS];
    for (int64_t b = 0; b < B; b++) { /* rows outside: what one block of channels reads is in cache for the next */
        for (int64_t h = first; h < last; h += LANES) {
            const span s = span_of(B, L, H, N, R, h);
            line skip, scale;
            gather_modes(&s, pole_NH, pole);
            for (int r = 0; r < R; r++) gather_modes(&s, weight_RNH + r * N * H, weight[r]);
            read_line(skip_H + h, s.lanes, skip);
            read_scale(&s, scale_BH, b, scale);
            for (int r = 0; r < R; r++)
                scan_row(&s, b, r, u_BLH, y_BLH, r == R - 1 ? z_BLH : 0, scale, skip, (const modes *)pole,
                         (const modes *)weight[r]);
        }
    }
}

/* The adjoint of one direction over one row; the causal direction runs backwards in time, its mirror image forwards. */
static void adjoint_row(
    const span *s, int64_t b, int strict, const float *u_BLH, const float *y_BLH, const float *dz_BLH, float *du_BLH,
    const line scale, const line skip, const modes *pole, const modes *weight, modes *dg, double *dskip
) {
    static const modes silent;
    modes x[MOST_GROUPS];
    tile u, dy, du;
    for (int g = 0; g < s->groups; g++) memcpy(x[g], silent, sizeof(modes));
    for (int64_t from = 0; from < s->L; from += TILE) {
        const int steps = (int)(s->L - from < TILE ? s->L - from : TILE);
        for (int k = 0; k < steps; k++) {
            line in, grad, before;
            const int64_t at = place(s, b, from, k, !strict);
            prefetch(s, u_BLH, b, from, k, !strict);
            prefetch(s, dz_BLH, b, from, k, !strict);
            if (y_BLH) prefetch(s, y_BLH, b, from, k, !strict);
            read_line(u_BLH + at, s->lanes, in);
            read_line(dz_BLH + at, s->lanes, grad);
            if (y_BLH) {
                read_line(y_BLH + at, s->lanes, before);
                for (int l = 0; l < LANES; l++) grad[l] *= scale[l] * gelu_slope(before[l]);
            }
            for (int l = 0; l < LANES; l++) u[k][l] = in[l], dy[k][l] = grad[l], du[k][l] = skip[l] * grad[l];
            if (strict) {
                read_line(du_BLH + at, s->lanes, before);
                for (int l = 0; l < LANES; l++) du[k][l] = before[l];
            } else {
                for (int l = 0; l < s->lanes; l++) dskip[l] += (double)in[l] * grad[l];
            }
        }
        for (int g = 0; g < s->groups; g++) {
            if (strict) advance_adjoint(1, steps, dy, u, du, x[g], pole[g], weight[g], dg[g]);
            else advance_adjoint(0, steps, dy, u, du, x[g], pole[g], weight[g], dg[g]);
        }
        for (int k = 0; k < steps; k++) {
            line out;
            for (int l = 0; l < LANES; l++) out[l] = (float)du[k][l];
            write_line(du_BLH + place(s, b, from, k, !strict), s->lanes, out);
        }
    }
}

/* Gradients of isoline_scan: of u [B, L, H], the weights [R, N, H] and D [H], given that of z, or of y when y is null.
 * Those of weights and D are added to what stands there.
 *
 * The causal adjoint runs backwards over dy, and its states weighted with u sum to the gradient of the weights:
 * sum over i <= t of pole^(t-i) u_i dy_t is the same sum read from either end.
 */
EXPORT void isoline_scan_adjoint(
    const float *u_BLH, const float *y_BLH, const float *dz_BLH, const float *scale_BH, const double *pole_NH,
    const double *weight_RNH, const float *skip_H, float *du_BLH, double *dweight_RNH, double *dskip_H, int64_t B,
    int64_t L, int64_t H, int64_t N, int64_t R, int64_t first, int64_t last
) {
    modes pole[MOST_GROUPS], weight[2][MOST_GROUPS], dg[2][MOST_GROUPS];
    for (int64_t b = 0; b < B; b++) {
        for (int64_t h = first; h < last; h += LANES) {
            const span s = span_of(B, L, H, N, R, h);
            line skip, scale;
            gather_modes(&s, pole_NH, pole);
            read_line(skip_H + h, s.lanes, skip);
            read_scale(&s, scale_BH, b, scale);
            for (int r = 0; r < R; r++) {
                double *dweight_NH = dweight_RNH + r * N * H;
                gather_modes(&s, weight_RNH + r * N * H, weight[r]);
                gather_modes(&s, dweight_NH, dg[r]);
                adjoint_row(&s, b, r, u_BLH, y_BLH, dz_BLH, du_BLH, scale, skip, (const modes *)pole,
                            (const modes *)weight[r], dg[r], dskip_H + h);
                scatter_modes(&s, dg[r], dweight_NH);
            }
        }
    }
}

/* ---- gated linear unit, residual, layer norm ---- */

/* Sum of a row in LANES partial sums, which is what lets it vectorise without leave to reorder. */
static inline float row_sum(const float *restrict v, int64_t D) {
    line part = {0};
    int64_t d = 0;
    for (; d + LANES <= D; d += LANES)
        for (int l = 0; l < LANES; l++) part[l] += v[d + l];
    for (; d < D; d++) part[d % LANES] += v[d];
    float sum = 0.0f;
    for (int l = 0; l < LANES; l++) sum += part[l];
    return sum;
}

/* v = x + scale * a * sigmoid(b) for one token, and update = a * sigmoid(b) unless it is null. */
static inline void gated_row(
    const float *restrict gate, const float *restrict x, const float *restrict scale, float *restrict update,
    float *restrict v, int64_t D
) {
    for (int64_t d = 0; d < D; d++) v[d] = gate[d] * sigmoid(gate[D + d]);
    if (update) memcpy(update, v, sizeof(float) * D);
    if (scale)
        for (int64_t d = 0; d < D; d++) v[d] = x[d] + scale[d] * v[d];
    else
        for (int64_t d = 0; d < D; d++) v[d] = x[d] + v[d];
}

/* out = LayerNorm(x + scale * update), update = a * sigmoid(b), for tokens [first, last).
 *
 * gate [tokens, 2D] holds a and b side by side; x, update, out [tokens, D]; weight and bias [D]; scale [tokens / L, D]
 * or null; update may be null. mean and spread (one over the standard deviation) [tokens] are kept for the adjoint
 * unless they are null.
 */
EXPORT void isoline_glu_norm(
    const float *gate, const float *x, const float *scale, const float *weight, const float *bias, double eps,
    float *update, float *out, float *mean, float *spread, int64_t L, int64_t D, int64_t first, int64_t last
) {
    for (int64_t row = first; row < last; row++) {
        float *restrict v = out + row * D;
        gated_row(gate + row * 2 * D, x + row * D, scale ? scale + row / L * D : 0, update ? update + row * D : 0, v, D);
        const float centre = row_sum(v, D) / (float)D;
        line part = {0};
        for (int64_t d = 0; d < D; d++) v[d] -= centre;
        int64_t d = 0;
        for (; d + LANES <= D; d += LANES)
            for (int l = 0; l < LANES; l++) part[l] += v[d + l] * v[d + l];
        for (; d < D; d++) part[d % LANES] += v[d] * v[d];
        const float rate = 1.0f / sqrtf(row_sum(part, LANES) / (float)D + (float)eps);
        for (d = 0; d < D; d++) v[d] = v[d] * rate * weight[d] + bias[d];
        if (mean) mean[row] = centre;
        if (spread) spread[row] = rate;
    }
}

enum { WIDEST = 4096, FLUSH = 64 };

/* Gradients of isoline_glu_norm: of gate, x, and, summed over its tokens, of weight and bias (in double).
 *
 * dupdate is what flows into the update by other ways, or null. D is at most WIDEST.
 */
EXPORT void isoline_glu_norm_adjoint(
    const float *gate, const float *x, const float *scale, const float *weight, const float *mean, const float *spread,
    const float *dout, const float *dupdate, float *dgate, float *dx, double *dweight, double *dbias, int64_t L,
    int64_t D, int64_t first, int64_t last
) {
    float s[WIDEST], n[WIDEST], dn[WIDEST], sum_w[WIDEST], sum_b[WIDEST];
    memset(sum_w, 0, sizeof(float) * D);
    memset(sum_b, 0, sizeof(float) * D);
    for (int64_t row = first; row < last; row++) {
        const float *restrict a = gate + row * 2 * D, *restrict b = a + D, *restrict in = x + row * D;
        const float *restrict dy = dout + row * D, *restrict factor = scale ? scale + row / L * D : 0;
        float *restrict da = dgate + row * 2 * D, *restrict db = da + D, *restrict dv = dx + row * D;
        const float centre = mean[row], rate = spread[row];
        line sum_dn = {0}, sum_dn_n = {0};
        for (int64_t d = 0; d < D; d++) s[d] = sigmoid(b[d]);
        for (int64_t d = 0; d < D; d++) {
            n[d] = (in[d] + (factor ? factor[d] : 1.0f) * a[d] * s[d] - centre) * rate;
            dn[d] = dy[d] * weight[d];
            sum_w[d] += dy[d] * n[d];
            sum_b[d] += dy[d];
        }
        int64_t d = 0;
        for (; d + LANES <= D; d += LANES)
            for (int l = 0; l < LANES; l++) sum_dn[l] += dn[d + l], sum_dn_n[l] += dn[d + l] * n[d + l];
        for (; d < D; d++) sum_dn[d % LANES] += dn[d], sum_dn_n[d % LANES] += dn[d] * n[d];
        const float m = row_sum(sum_dn, LANES) / (float)D, mn = row_sum(sum_dn_n, LANES) / (float)D;
        for (d = 0; d < D; d++) {
            const float g = rate * (dn[d] - m - n[d] * mn);
            float dup = g * (factor ? factor[d] : 1.0f);
            if (dupdate) dup += dupdate[row * D + d];
            dv[d] = g;
            da[d] = dup * s[d];
            db[d] = dup * a[d] * s[d] * (1.0f - s[d]);
        }
        if ((row - first) % FLUSH == FLUSH - 1 || row == last - 1) {
            for (d = 0; d < D; d++) dweight[d] += sum_w[d], dbias[d] += sum_b[d], sum_w[d] = sum_b[d] = 0.0f;
        }
    }
}

/* ---- what the processor can do ---- */

enum { CHAINS = 12, WIDE = 16 };

#if defined(__GNUC__)
/* Not inlined, and started from values that only the caller knows: chains that are seen to be alike become one. */
#if defined(__x86_64__)
__attribute__((noinline, target("avx512f,fma"))) static void chains_512(float (*sum)[WIDE], int64_t rounds) {
    typedef float wide __attribute__((vector_size(64)));
    wide v[CHAINS];
    memcpy(v, sum, sizeof v);
    for (int64_t i = 0; i < rounds; i++)
        for (int c = 0; c < CHAINS; c++) v[c] = v[c] * 0.999f + 0.001f;
    memcpy(sum, v, sizeof v);
}
#endif

__attribute__((noinline)) static void chains_256(float (*sum)[WIDE], int64_t rounds) {
    typedef float octet __attribute__((vector_size(32)));
    octet v[CHAINS];
    for (int c = 0; c < CHAINS; c++) memcpy(&v[c], sum[c], sizeof v[c]);
    for (int64_t i = 0; i < 2 * rounds; i++)
        for (int c = 0; c < CHAINS; c++) v[c] = v[c] * 0.999f + 0.001f;
    for (int c = 0; c < CHAINS; c++) memcpy(sum[c], &v[c], sizeof v[c]);
}
#endif

/* Do rounds * 192 multiply-adds of floats in registers, twelve independent chains of the widest vectors there are.
 * Returns how many were done; 0 where the compiler has no vector types. They start from out[0], and their sum is
 * handed out in its place.
 */
EXPORT int64_t isoline_chains(int64_t rounds, float *out) {
    float sum[CHAINS][WIDE];
    for (int c = 0; c < CHAINS; c++)
        for (int l = 0; l < WIDE; l++) sum[c][l] = out[0] * (float)(1 + c * WIDE + l);
#if defined(__GNUC__) && defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f")) chains_512(sum, rounds);
    else chains_256(sum, rounds);
#elif defined(__GNUC__)
    chains_256(sum, rounds);
#else
    rounds = 0;
#endif
    out[0] = 0.0f;
    for (int c = 0; c < CHAINS; c++) out[0] += row_sum(sum[c], WIDE);
    return rounds * CHAINS * WIDE;
}
