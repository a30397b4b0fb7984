/*
 * Captures made of random rows, for tests and benchmarks: every event type, the full graph of objects behind them,
 * and the same capture again for the same options on every machine. A hash per row says what must be read back.
 */
#ifndef HC_TESTS_GEN_H
#define HC_TESTS_GEN_H

#include "store/base/err.h"
#include "store/block.h"
#include "store/writer.h"

enum hc_gen_mix {
	HC_GEN_UNIFORM, /* every event type as often as any other */
	HC_GEN_NODE,    /* as a busy node in profile `full`: mostly reads, writes, opens, stats */
};

/* Zero-initialised: small, valid, all types. */
struct hc_gen_opts {
	uint64_t seed;
	uint64_t n_rows; /* 0: 1000 */
	enum hc_gen_mix mix;
	bool each;                    /* the first rows are one of each type, in order */
	struct hc_type_set types;     /* only these; empty: all of the mix */
	uint64_t start_ns;            /* boot clock of the first row; 0: 1 h */
	uint64_t step_ns;             /* mean time between rows; 0: 1 ms */
	int64_t wall_offset_ns;       /* 0: such that boot was at 2024-05-01T00:00:00Z */
	uint64_t flush_rows;          /* seal both blocks after so many rows; 0: leave it to the writer */
	bool index;                   /* keep an index beside, as a recorder does; writer.on_block must be free */
	bool no_hashes;               /* do not keep row hashes (benchmarks) */
	bool abort;                   /* leave the writer as a kill would; blocks not yet sealed are lost */
	struct hc_writer_opts writer; /* dir is set by the call; node, tool, ids, next_* have defaults */
};

struct hc_gen_result {
	uint64_t first_seq, n_rows;
	uint64_t rows_by_type[HC_EV_MAX];
	uint64_t n_lost; /* sum of count of the meta_gap rows */
	uint64_t *hash;  /* of row first_seq + i; NULL with no_hashes */
	uint64_t bytes;  /* on disk, by the writer's account */
};

int hc_gen_capture(const char *dir, const struct hc_gen_opts *opts, struct hc_gen_result *ret, struct hc_err *err);
void hc_gen_result_done(struct hc_gen_result *r);

/*
 * The hash of each row of a block, by its meaning: all columns, and what they refer to, through all levels,
 * whatever the numbering of the dictionaries. ret_hash has room for info.n_rows.
 */
int hc_gen_block_hashes(struct hc_block *b, uint64_t *ret_hash, struct hc_err *err);

/* A scratch directory of its own below $TMPDIR; free() the name after hc_gen_rm(). */
char *hc_gen_tmpdir(void);
void hc_gen_rm(const char *dir);

/* Numbers: the generator's own, equal on every machine. */
struct hc_gen_rng {
	uint64_t s;
};
uint64_t hc_gen_next(struct hc_gen_rng *rng);
uint64_t hc_gen_below(struct hc_gen_rng *rng, uint64_t n);

#endif
