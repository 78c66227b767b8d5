/* The loops that the kernels of the store are measured against, as a C compiler
 * makes them of plain code. For each name read from standard input prints
 * "Mrows/s checksum". The data and the checksums are those of bench/kernels.go. */
#define _POSIX_C_SOURCE 199309L
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { N = 65536, BLOCK = 512, LANES = 16, WIDTH = 11, GROUPS = 1000, DICT = 2048, STEP = 4 };

static uint64_t state = 1;

static uint64_t next(void) {
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

struct group { int64_t sum, count; };

static uint32_t ids[N], packed[N / BLOCK * WIDTH * LANES], out32[N], groups[N], docs[N / STEP];
static int32_t v32[N];
static int64_t v64[N], dict[DICT], out64[N];
static double f64[N];
static uint64_t bits[N / 64], nulls[N / 64], set[DICT / 64];
static struct group table[GROUPS];

/* Sixteen neighbours lie in the same bits of sixteen neighbouring words. */
static void pack(void) {
  for (int i = 0; i < N; i++) {
    uint32_t *rows = packed + i / BLOCK * WIDTH * LANES;
    int bit = i % BLOCK / LANES * WIDTH, lane = i % LANES;
    uint64_t x = (uint64_t)ids[i] << bit % 32;
    rows[bit / 32 * LANES + lane] |= (uint32_t)x;
    if (x >> 32) rows[(bit / 32 + 1) * LANES + lane] |= (uint32_t)(x >> 32);
  }
}

static void fill(void) {
  for (int i = 0; i < N; i++) {
    ids[i] = next() % DICT;
    groups[i] = next() % GROUPS;
    v32[i] = (int32_t)(next() >> 40);
    v64[i] = (int64_t)(next() >> 20);
    f64[i] = (double)(next() >> 40);
  }
  for (int i = 0; i < N / 64; i++) nulls[i] = next();
  for (int i = 0; i < DICT / 64; i++) set[i] = next();
  for (int i = 0; i < DICT; i++) dict[i] = (int64_t)(next() >> 20);
  for (int i = 0; i < N / STEP; i++) docs[i] = i * STEP;
  pack();
}

static inline void unpack_block(const uint32_t *restrict rows, uint32_t *restrict dst) {
  for (int k = 0; k < BLOCK / LANES; k++) {
    int bit = k * WIDTH, row = bit / 32, shift = bit % 32;
    const uint32_t *a = rows + row * LANES;
    if (shift + WIDTH <= 32)
      for (int l = 0; l < LANES; l++) dst[k * LANES + l] = a[l] >> shift & (DICT - 1);
    else
      for (int l = 0; l < LANES; l++)
        dst[k * LANES + l] = (a[l] >> shift | a[LANES + l] << (32 - shift)) & (DICT - 1);
  }
}

static uint64_t sum_u32(const uint32_t *v, int n) {
  uint64_t s = 0;
  for (int i = 0; i < n; i++) s += v[i];
  return s;
}

static uint64_t count_bits(void) {
  uint64_t s = 0;
  for (int i = 0; i < N / 64; i++) s += __builtin_popcountll(bits[i]);
  return s;
}

static void unpack(void) {
  for (int b = 0; b < N / BLOCK; b++) unpack_block(packed + b * WIDTH * LANES, out32 + b * BLOCK);
}
static uint64_t unpack_sum(void) { return sum_u32(out32, N); }

static void match_ids(void) {
  uint32_t tmp[BLOCK];
  for (int b = 0; b < N / BLOCK; b++) {
    unpack_block(packed + b * WIDTH * LANES, tmp);
    for (int w = 0; w < BLOCK / 64; w++) {
      uint64_t x = 0;
      for (int j = 0; j < 64; j++) x |= (uint64_t)(tmp[w * 64 + j] - 300 <= 700) << j;
      bits[b * (BLOCK / 64) + w] = x;
    }
  }
}

static void match_set(void) {
  uint32_t tmp[BLOCK];
  for (int b = 0; b < N / BLOCK; b++) {
    unpack_block(packed + b * WIDTH * LANES, tmp);
    for (int w = 0; w < BLOCK / 64; w++) {
      uint64_t x = 0;
      for (int j = 0; j < 64; j++) {
        uint32_t id = tmp[w * 64 + j];
        x |= (set[id >> 6] >> (id & 63) & 1) << j;
      }
      bits[b * (BLOCK / 64) + w] = x;
    }
  }
}

static void match_int32(void) {
  for (int w = 0; w < N / 64; w++) {
    uint64_t x = 0;
    for (int j = 0; j < 64; j++) x |= (uint64_t)(v32[w * 64 + j] >= 1000000 && v32[w * 64 + j] <= 9000000) << j;
    bits[w] = x;
  }
}

static volatile int64_t sink;
static double fsink;

static void sum_int32(void) {
  int64_t s = 0;
  for (int i = 0; i < N; i++) s += v32[i];
  sink = s;
}
static void sum_int64(void) {
  __int128 s = 0;
  for (int i = 0; i < N; i++) s += v64[i];
  sink = (int64_t)s;
}
static void sum_float64(void) {
  double s[8] = {0};
  for (int i = 0; i < N; i += 8)
    for (int j = 0; j < 8; j++) s[j] += f64[i + j];
  fsink = 0;
  for (int j = 0; j < 8; j++) fsink += s[j];
  sink = (int64_t)fsink;
}
static void masked_sum(void) {
  int64_t s = 0;
  for (int i = 0; i < N; i++) s += nulls[i >> 6] >> (i & 63) & 1 ? 0 : v32[i];
  sink = s;
}
static uint64_t sunk(void) { return (uint64_t)sink; }

static void gather_ids(void) {
  for (int i = 0; i < N / STEP; i++) {
    uint32_t doc = docs[i];
    const uint32_t *rows = packed + doc / BLOCK * WIDTH * LANES;
    int bit = doc % BLOCK / LANES * WIDTH, lane = doc % LANES;
    uint64_t x = rows[bit / 32 * LANES + lane];
    if (bit % 32 + WIDTH > 32) x |= (uint64_t)rows[(bit / 32 + 1) * LANES + lane] << 32;
    out32[i] = x >> bit % 32 & (DICT - 1);
  }
}
static uint64_t gather_ids_sum(void) { return sum_u32(out32, N / STEP); }

static void gather(void) {
  for (int i = 0; i < N; i++) out64[i] = dict[ids[i]];
}
static uint64_t gather_sum(void) {
  uint64_t s = 0;
  for (int i = 0; i < N; i++) s += (uint64_t)out64[i];
  return s;
}

static void group_int32(void) {
  memset(table, 0, sizeof table);
  for (int i = 0; i < N; i++) {
    table[groups[i]].sum += v32[i];
    table[groups[i]].count++;
  }
}
static void group_int64(void) {
  memset(table, 0, sizeof table);
  for (int i = 0; i < N; i++) {
    table[groups[i]].sum += v64[i];
    table[groups[i]].count++;
  }
}
static uint64_t group_check(void) {
  uint64_t s = 0;
  for (int i = 0; i < GROUPS; i++) s = s * 31 + (uint64_t)table[i].sum + (uint64_t)table[i].count;
  return s;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

/* The best of several samples, since other work only slows a loop down. */
static double measure(void (*loop)(void), int rows) {
  double best = 1e9;
  for (int sample = 0; sample < 10; sample++) {
    int runs = 0;
    double start = now(), took;
    do {
      for (int i = 0; i < 8; i++) {
        loop();
        __asm__ volatile("" ::: "memory");
      }
      runs += 8;
      took = now() - start;
    } while (took < 0.005);
    if (took / runs < best) best = took / runs;
  }
  return rows / best / 1e6;
}

static const struct {
  const char *name;
  void (*loop)(void);
  uint64_t (*check)(void);
  int rows;
} loops[] = {
    {"unpack", unpack, unpack_sum, N},
    {"match-id-range", match_ids, count_bits, N},
    {"match-id-set", match_set, count_bits, N},
    {"match-int32-range", match_int32, count_bits, N},
    {"sum-int32", sum_int32, sunk, N},
    {"sum-int64", sum_int64, sunk, N},
    {"sum-float64", sum_float64, sunk, N},
    {"sum-int32-not-null", masked_sum, sunk, N},
    {"gather-ids", gather_ids, gather_ids_sum, N / STEP},
    {"gather-int64", gather, gather_sum, N},
    {"group-sum-int32", group_int32, group_check, N},
    {"group-sum-int64", group_int64, group_check, N},
};

int main(void) {
  char name[64];
  fill();
  while (scanf("%63s", name) == 1) {
    for (unsigned i = 0; i < sizeof loops / sizeof loops[0]; i++) {
      if (strcmp(loops[i].name, name)) continue;
      double rate = measure(loops[i].loop, loops[i].rows);
      printf("%.1f %llu\n", rate, (unsigned long long)loops[i].check());
      fflush(stdout);
    }
  }
  return 0;
}
