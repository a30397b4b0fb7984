/* The masking rules' insides, shared by mask.c and mask_rules.c. */
#ifndef HC_CAPTURE_MASK_PRIV_H
#define HC_CAPTURE_MASK_PRIV_H

#include "capture/mask.h"

#define MASK_MAX_TEXT 64u    /* of a glob, prefix or anchor */
#define MASK_MIN_ANCHOR 3u   /* bytes */
#define MASK_MAX_NAME 128u   /* a name in a text that is longer is none */
#define MASK_MAX_SCOPES 256u /* of all kinds */
#define MASK_HIT (UINT32_C(1) << 31)

enum mask_kind {
	MASK_NAME,     /* name GLOB: values of what is called so */
	MASK_KEEP,     /* keep GLOB: names that are no secrets after all */
	MASK_OPTION,   /* option -X PROGRAMS: the rest of the argument, or the next one */
	MASK_ATTACHED, /* attached -X PROGRAMS: the rest of the argument */
	MASK_WORD,     /* word GLOB PROGRAMS: the argument behind one that is so */
	MASK_LAST,     /* last PROGRAMS: the last argument */
	MASK_VALUES,   /* values PROGRAMS: of arguments NAME=VALUE */
	MASK_STDIN,    /* stdin PROGRAMS: what a command line writes into them */
	MASK_LOGON,    /* logon NAME PROGRAMS: the password in USER/PASSWORD@DATABASE */
	MASK_AFTER,    /* after MIN TEXT: the next word, when it has so many characters */
	MASK_TOKEN,    /* token MIN PREFIX: a word of that shape; the prefix stays */
	MASK_QUERY,    /* query NAME: what is called so in the query of a URL */
	MASK_URL,      /* builtin url: the password in scheme://user:password@ */
	MASK_PEM,      /* builtin pem: private keys */
	MASK_JWT,      /* builtin jwt: three base64url parts */
	MASK_NETRC,    /* builtin netrc: machine X login X password X */
	MASK_PASS,     /* builtin pass: PASS X of FTP and others */
	MASK_LOGIN,    /* builtin login: TAG LOGIN USER X of IMAP */
	MASK_AUTH,     /* builtin auth: AUTH X, AUTH USER X, AUTH PLAIN X */
};

struct mask_rule {
	uint8_t kind;
	uint16_t min;
	char *text;                  /* as it was written */
	char arg[MASK_MAX_TEXT + 1]; /* glob (folded), option or prefix */
	uint8_t arg_bytes;
	char programs[128];             /* "mysql", "docker:login", "": each with its NUL */
	char value[MASK_MAX_TEXT + 1];  /* keep: glob of the value, folded; "": any */
	char anchor[MASK_MAX_TEXT + 2]; /* what the automaton looks for, folded; "": nothing */
	int32_t next;                   /* rule with the same anchor; -1 */
};

/* A program that a rule names; both texts are the rule's. */
struct mask_program {
	struct hc_str name;
	const char *with; /* glob of an argument that it must have been given before; "": any */
	uint32_t rule;
};

struct mask_span {
	size_t start, end; /* end exclusive */
	uint32_t rule;
};

struct mask_scope {
	uint8_t kind;
	char *value;
	uint32_t bytes;
};

struct hc_mask {
	struct mask_rule *rule;
	uint32_t n_rules;
	uint32_t n_defaults; /* the first of them */
	char *sources;
	struct mask_scope *scope;
	uint32_t n_scopes;

	uint32_t *keep; /* the rules of that kind */
	uint32_t n_keep;

	/* by name, those of a name in the order of their rules */
	struct mask_program *program;
	uint32_t n_programs;
	/* of their names: what they begin with, and a bit for each length, 63 for more */
	bool program_first[256];
	uint64_t program_bytes;

	/* the automaton: go[state * n_classes + class[byte]] is the next state, times n_classes, with MASK_HIT
	 * where an anchor ends */
	uint8_t class[256];
	uint32_t n_classes, n_states;
	uint16_t *next; /* the same with plain numbers, while it is made */
	uint32_t *go;
	int32_t *out;   /* first rule whose anchor ends in the state; -1 */
	uint16_t *link; /* the next shorter state with an `out`; 0 */

	struct mask_span *span; /* of the call under way, in order, apart */
	size_t n_spans, cap_spans;
	char *buf;
	size_t cap_buf;
};

/* A text under way. */
struct mask_scan {
	struct hc_mask *m;
	enum hc_mask_form form;
	const char *p;
	size_t n;
	size_t arg_from, arg_to; /* the entry that the anchor is in; a text is one */
	struct hc_str name;      /* whose value is looked for; .p NULL: of no `name` rule */
	size_t floor;            /* the first span that may have to make room for one before it */
	bool failed;
};

static inline size_t mask_last_end(const struct hc_mask *m)
{
	return m->n_spans ? m->span[m->n_spans - 1].end : 0;
}

/* ASCII lower case, '-' as '_'. */
static inline unsigned char mask_fold(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c == '-' ? '_' : c;
}

/* '*' any run, '?' one character; fold: the glob is folded, and the name is taken as if it were. */
bool mask_glob(const char *glob, const char *name, size_t bytes, bool fold);
int mask_build(struct hc_mask *m, struct hc_err *err);
/* An empty one, and what a `keep` rule takes out, are none. */
void mask_span_add(struct mask_scan *s, size_t start, size_t end, uint32_t rule);
/* Where the quote is that closes one before `from`. */
size_t mask_quoted_end(const struct mask_scan *s, size_t from, char quote, bool escaped);

/* The anchor is from `from` to `to`. */
void mask_see_netrc(struct mask_scan *s, size_t from, size_t to, uint32_t rule);
void mask_see_pass(struct mask_scan *s, size_t from, size_t to, uint32_t rule);
void mask_see_login(struct mask_scan *s, size_t from, size_t to, uint32_t rule);
void mask_see_auth(struct mask_scan *s, size_t from, size_t to, uint32_t rule);
/* Whether the name is a string of Redis' protocol that another one follows: that is its value. */
bool mask_in_bulk(struct mask_scan *s, size_t name, size_t to, uint32_t rule);

#endif
