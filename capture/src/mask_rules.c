/* Masking rules: those that are always there, the text form, and scopes. */
#include "mask_priv.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/file.h"
#include "store/base/sha256.h"

/* Names are compared without regard to case, '-' and '_' are the same. Shapes of tokens: as their issuers document
 * them (GitHub, GitLab, Slack, AWS, Google, npm, PyPI, Stripe, OpenAI, Anthropic, DigitalOcean, SendGrid, Vault).
 */
/* clang-format off */
static const char default_rules[] =
	"name *password*\nname *passwd*\nname *passphrase*\nname *pass_phrase\nname *passcode\nname *passwrd\n"
	"name *pswd\nname *pass\nname *_pass?\nname *pwd\nname *_pw\nname *rootpw\nname *bindpw\nname *adminpw\n"
	"name *userpw\nname *dbpw\nname *secret*\nname *_token\nname token\nname *token\nname *api_key*\nname *apikey*\nname *access_key*\n"
	"name *accesskey*\nname *private_key*\nname *credential*\nname *authorization\nname *cookie\n"
	"name x_auth_*\nname x_amz_security_*\nname x_amz_signature\nname x_goog_signature\nname *_auth\n"
	"name *encryption_key\nname *signing_key\nname *signingkey\nname *master_key\nname *masterkey\n"
	"name *app_key\nname *aes_key\nname *hmac_key\nname *auth_key\nname *authkey\nname *shared_key\n"
	"name *session_key\nname *license_key\nname *subscription_key\nname *storage_key\nname *deploy_key\n"
	"name *client_key_data\nname *preshared_key\nname *psk\nname *_salt\nname identified\nname *_jwt\nname jwt\n"
	"name *privatekey*\nname *account_key*\nname *accountkey*\nname jsessionid\nname phpsessid\n"
	"name docker_auth_config\n"
	"keep *_file\nkeep *_fd\nkeep *_stdin\nkeep *_path\nkeep *_dir\nkeep *_name\nkeep *bypass\nkeep *compass\n"
	"keep *askpass\nkeep *getpass\nkeep *overpass\nkeep *keepass\nkeep *multipass\nkeep *next_token\n"
	"keep *nexttoken\nkeep *page_token\nkeep *pagetoken\nkeep *continue_token\nkeep *continuetoken\n"
	"keep *continuation_token\nkeep *continuationtoken\nkeep pwd=/*\nkeep oldpwd=/*\nkeep pwd=$*\n"
	"attached -p mysql,mysqldump,mysqladmin,mysqlimport,mysqlshow,mysqlcheck,mysqlpump,mysqlslap,mysqlsh,mycli\n"
	"attached -p mariadb,mariadb-dump,mariadb-admin,mariadb-import,mariadb-show,mariadb-check,mariadb-backup\n"
	"attached -p 7z,7za,7zr,7zz,rar,unrar\nattached -hp rar\nattached /p: xfreerdp,wlfreerdp\n"
	"option -p sshpass,mongo,mongosh,mongodump,mongorestore,mongoexport,mongoimport,mongostat,mongotop\n"
	"option -p cqlsh,cypher-shell,rabbitmqadmin,ncftpput,ncftpget,twine,rdesktop,racadm,evil-winrm,hydra\n"
	"option -p nxc,netexec,crackmapexec,useradd,usermod,ipa-server-install,ipa-client-install\n"
	"option -p docker:login,podman:login,buildah:login,skopeo:login,nerdctl:login,oras:login,oc:login,az:login\n"
	"option -p helm:login,cf:login,argocd:login\noption -a ipa-server-install\n"
	"option -P sqsh,tsql,freebcp,defncopy\noption -P sqlcmd,bcp,osql,isql,mosquitto_pub,mosquitto_sub,ipmitool,ssh-keygen,zip,unzip\n"
	"option -N ssh-keygen\noption -a redis-cli,http,https,xh,xhs,hey\noption -A ab\noption -u lftp\n"
	"option --auth http,https,xh,xhs\noption -u curl\noption --user curl\noption --proxy-user curl\n"
	"option --oauth2-bearer curl\noption -b curl\noption -U curl\noption -E curl\noption --cert curl\n"
	"option -U smbclient,rpcclient,net,smbget,smbcacls,smbmap,samba-tool,winexe\n"
	"option --user smbclient,rpcclient,net,smbget,samba-tool,winexe\n"
	"option -w ldapsearch,ldapadd,ldapmodify,ldapdelete,ldappasswd,ldapwhoami,ldapmodrdn,ldapcompare,ldapexop\n"
	"option -w kadmin\noption -s slappasswd,ldappasswd\noption -a ldappasswd\n"
	"option -c snmpwalk,snmpget,snmpset,snmpbulkwalk,snmpgetnext\n"
	"option -A snmpwalk,snmpget,snmpset,snmpbulkwalk,snmpgetnext\n"
	"option -X snmpwalk,snmpget,snmpset,snmpbulkwalk,snmpgetnext\n"
	"option -y dig,nsupdate\noption --from-literal kubectl:secret,oc:secret\n"
	"option --value aws:put-parameter,az:secret\noption --body gh:secret\noption -b gh:secret\n"
	"option -t doctl:init\nword -k openssl\nword -K openssl\nword -hmac openssl\n"
	"word -pw plink,pscp,psftp,putty,addprinc,cpw\nword -ap swaks\nword *aws_* aws:set\nword *token npm,yarn,pnpm\n"
	"word password nmcli\nword *psk nmcli\nword key iwconfig\nword using db2:user\n"
	"word requirepass redis-cli\nword masterauth redis-cli\n"
	"logon * sqlplus\nlogon @ exp,imp,expdp,impdp,sqlldr,sql\nlogon userid exp,imp,expdp,impdp,sqlldr\n"
	"logon target rman\nlogon catalog rman\nlogon rcvcat rman\nlogon auxiliary rman\nlogon explain tkprof\n"
	"last htpasswd:-*b*,rabbitmqctl:add_user,rabbitmqctl:change_password,rabbitmqctl:authenticate_user\n"
	"last neo4j-admin:set-initial-password,vault:login,vault:unseal,mc:alias,redis-cli:AUTH,cargo:login\n"
	"last openssl:passwd,wpa_passphrase\nvalues vault:put,vault:patch\n"
	"stdin chpasswd,passwd,sudo:-*S*,sudo:--stdin,smbpasswd,cryptsetup\n"
	"stdin docker:--password-stdin,podman:--password-stdin,buildah:--password-stdin,helm:--password-stdin\n"
	"stdin gh:--with-token,htpasswd:-*i*,openssl:-stdin,vault:login,kinit\n"
	"after 8 Bearer\nafter 12 \"auth\nafter 1 requirepass\nafter 1 masterauth\n"
	"token 36 ghp_\ntoken 36 gho_\ntoken 36 ghu_\n"
	"token 36 ghs_\ntoken 36 ghr_\ntoken 50 github_pat_\ntoken 20 glpat-\ntoken 20 gldt-\ntoken 20 glrt-\n"
	"token 20 xoxb-\ntoken 20 xoxp-\ntoken 20 xoxa-\ntoken 20 xoxs-\ntoken 20 xoxr-\ntoken 20 xoxe\n"
	"token 20 xapp-\ntoken 16 AKIA\ntoken 16 ASIA\ntoken 35 AIza\ntoken 20 ya29.\ntoken 36 npm_\n"
	"token 50 pypi-\ntoken 24 sk_live_\ntoken 24 rk_live_\ntoken 24 sk_test_\ntoken 24 whsec_\n"
	"token 32 sk-proj-\ntoken 32 sk-ant-\ntoken 40 sk-\ntoken 60 dop_v1_\ntoken 22 SG.\ntoken 24 hvs.\n"
	"token 24 hvb.\ntoken 24 hvr.\ntoken 30 hf_\ntoken 32 glsa_\ntoken 20 dckr_pat_\ntoken 20 tskey-\n"
	"token 32 shpat_\ntoken 40 AGE-SECRET-KEY-1\ntoken 30 ATATT3\ntoken 40 rubygems_\ntoken 20 sig=\n"
	"token 20 hooks.slack.com/services/\ntoken 20 hooks.slack.com/workflows/\n"
	"token 20 hooks.slack.com/triggers/\ntoken 20 discord.com/api/webhooks/\n"
	"token 20 discordapp.com/api/webhooks/\ntoken 20 api.telegram.org/bot\n"
	"token 20 webhook.office.com/webhookb2/\n"
	"token 20 $1$\ntoken 20 $5$\ntoken 20 $6$\ntoken 20 $y$\ntoken 20 $2a$\ntoken 20 $2b$\ntoken 20 $2y$\n"
	"token 20 $apr1$\ntoken 20 $argon2\n"
	"query key\nquery sig\nquery signature\nquery auth\nquery pw\n"
	"builtin url\nbuiltin pem\nbuiltin jwt\nbuiltin netrc\nbuiltin pass\nbuiltin login\nbuiltin auth\n";
/* clang-format on */

static const char *const words[] = {
	[MASK_NAME] = "name",   [MASK_KEEP] = "keep",   [MASK_OPTION] = "option", [MASK_ATTACHED] = "attached",
	[MASK_WORD] = "word",   [MASK_LAST] = "last",   [MASK_VALUES] = "values", [MASK_STDIN] = "stdin",
	[MASK_LOGON] = "logon", [MASK_AFTER] = "after", [MASK_TOKEN] = "token",   [MASK_QUERY] = "query"
};
static const struct {
	const char *name, *anchor;
	uint8_t kind;
} builtins[] = { { "url", "://", MASK_URL },     { "pem", "_____begin ", MASK_PEM },
	         { "jwt", "eyj", MASK_JWT },     { "netrc", "password", MASK_NETRC },
	         { "pass", "pass ", MASK_PASS }, { "login", " login ", MASK_LOGIN },
	         { "auth", "auth", MASK_AUTH } };
static const char *const scope_words[HC_MASK_N_SCOPES] = { "comm",      "exe",   "cgroup",
	                                                   "container", "image", "namespace" };

/* Where in the rules file the parser is. */
struct place {
	const char *file;
	uint32_t line;
	struct hc_str text; /* the line */
};

static int wrong(const struct place *at, const char *where, struct hc_err *err, const char *what)
{
	return hc_err_at(err, -EINVAL, at->file, at->line, (uint32_t)(where - at->text.p) + 1, "%s", what);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of *rest, empty at the end. */
static struct hc_str word_next(struct hc_str *rest)
{
	struct hc_str w;

	while (rest->len && is_blank(*rest->p)) {
		rest->p++;
		rest->len--;
	}
	w = (struct hc_str){ rest->p, 0 };
	while (w.len < rest->len && !is_blank(w.p[w.len]))
		w.len++;
	rest->p += w.len;
	rest->len -= w.len;
	return w;
}

static void fold_into(char *to, struct hc_str from)
{
	for (uint32_t i = 0; i < from.len; i++)
		to[i] = (char)mask_fold((unsigned char)from.p[i]);
	to[from.len] = '\0';
}

/* The longest run of a glob without '*' and '?'. */
static void anchor_of_glob(struct mask_rule *r)
{
	size_t best = 0, at = 0;

	for (size_t i = 0; r->arg[i];) {
		size_t n = strcspn(r->arg + i, "*?");

		if (n > best) {
			best = n;
			at = i;
		}
		i += n + strspn(r->arg + i + n, "*?");
	}
	memcpy(r->anchor, r->arg + at, best);
	r->anchor[best] = '\0';
}

static int parse_min(const struct place *at, struct hc_str w, uint16_t *ret, struct hc_err *err)
{
	uint32_t v = 0;

	for (uint32_t i = 0; i < w.len && v < 10000; i++) {
		if (w.p[i] < '0' || w.p[i] > '9')
			return wrong(at, w.p + i, err, "a number of characters is wanted here");
		v = v * 10 + (uint32_t)(w.p[i] - '0');
	}
	if (!v || v > 4096)
		return wrong(at, w.p, err, "a number of characters is wanted here, from 1 to 4096");
	*ret = (uint16_t)v;
	return 0;
}

static int parse_programs(const struct place *at, struct hc_str w, struct mask_rule *r, struct hc_err *err)
{
	const char *end = w.p + w.len, *colon;
	char *to = r->programs;

	if (!w.len)
		return wrong(at, w.p, err, "for which programs? name them: mysql,mysqldump");
	if (w.len > sizeof(r->programs) - 2 || memchr(w.p, '/', w.len))
		return wrong(at, w.p, err, "names of programs, without directories, 126 bytes at most");
	for (const char *p = w.p, *next; p < end; p = next + 1) {
		next = memchr(p, ',', (size_t)(end - p));
		next = next ? next : end;
		colon = memchr(p, ':', (size_t)(next - p));
		if (p == next || colon == p || colon == next - 1)
			return wrong(at, p, err, "a name of a program is missing here, or the word after it");
		to = mempcpy(to, p, (size_t)(next - p));
		*to++ = '\0';
	}
	*to = '\0';
	return 0;
}

/* keep GLOB or keep GLOB=GLOB */
static int parse_keep(const struct place *at, struct hc_str w, struct mask_rule *r, struct hc_err *err)
{
	const char *equals = memchr(w.p, '=', w.len);
	struct hc_str name = { w.p, equals ? (uint32_t)(equals - w.p) : w.len };

	fold_into(r->arg, name);
	if (!equals)
		return 0;
	if (!name.len || name.len + 1 == w.len)
		return wrong(at, equals, err, "what of which name? keep NAME=VALUE is wanted here");
	fold_into(r->value, (struct hc_str){ equals + 1, w.len - name.len - 1 });
	return 0;
}

/* The one text that all kinds but a few have. */
static int parse_text(const struct place *at, struct mask_rule *r, struct hc_str w, struct hc_err *err)
{
	if (!w.len)
		return wrong(at, w.p, err, "something is missing here");
	if (w.len > MASK_MAX_TEXT)
		return wrong(at, w.p, err, "64 bytes at most");
	for (uint32_t i = 0; i < w.len; i++)
		if (w.p[i] <= ' ' || w.p[i] > '~')
			return wrong(at, w.p + i, err, "only printable ASCII characters");
	r->arg_bytes = (uint8_t)w.len;
	switch (r->kind) {
	case MASK_OPTION:
	case MASK_ATTACHED:
		memcpy(r->arg, w.p, w.len);
		if (w.len < 2 || (w.p[0] != '-' && w.p[0] != '/'))
			return wrong(at, w.p, err, "an option begins with '-'");
		break;
	case MASK_WORD:
	case MASK_LOGON:
		fold_into(r->arg, w);
		break;
	case MASK_QUERY:
		fold_into(r->arg, w);
		if (w.len < 2 || strpbrk(r->arg, "*?=&"))
			return wrong(at, w.p, err, "a name of two characters at least, without '*' and '?'");
		snprintf(r->anchor, sizeof(r->anchor), "%s=", r->arg);
		break;
	case MASK_NAME:
		fold_into(r->arg, w);
		anchor_of_glob(r);
		if (strlen(r->anchor) < MASK_MIN_ANCHOR)
			return wrong(at, w.p, err, "three characters in a row besides '*' and '?' are needed");
		break;
	case MASK_KEEP:
		return parse_keep(at, w, r, err);
	default:
		memcpy(r->arg, w.p, w.len);
		fold_into(r->anchor, w);
		if (w.len < MASK_MIN_ANCHOR)
			return wrong(at, w.p, err, "three characters at least");
	}
	return 0;
}

static int parse_args(const struct place *at, struct mask_rule *r, struct hc_str rest, struct hc_err *err)
{
	bool programs_only = r->kind == MASK_LAST || r->kind == MASK_VALUES || r->kind == MASK_STDIN;
	struct hc_str w;
	int code = 0;

	if (r->kind == MASK_AFTER || r->kind == MASK_TOKEN)
		code = parse_min(at, word_next(&rest), &r->min, err);
	if (code == 0 && !programs_only)
		code = parse_text(at, r, word_next(&rest), err);
	if (code == 0 && (programs_only || r->kind == MASK_OPTION || r->kind == MASK_ATTACHED ||
	                  r->kind == MASK_WORD || r->kind == MASK_LOGON))
		code = parse_programs(at, word_next(&rest), r, err);
	w = word_next(&rest);
	if (code == 0 && w.len)
		return wrong(at, w.p, err, "nothing more is expected here");
	return code;
}

static bool is_one_of(char c, const char *others)
{
	return isalnum((unsigned char)c) || (c && strchr(others, c));
}

/* What nothing could ever be called is a mistake. */
static int check_scope(const struct place *at, enum hc_mask_scope_kind kind, struct hc_str value,
                       struct hc_err *err)
{
	bool ns = kind == HC_MASK_NAMESPACE;

	if (kind != HC_MASK_IMAGE && !ns)
		return 0;
	for (uint32_t i = 0; i < value.len; i++) {
		char c = value.p[i];

		if (ns && (!is_one_of(c, "-") || isupper((unsigned char)c)))
			return wrong(at, value.p + i, err,
			             "a namespace has lower-case letters, digits and hyphens, nothing else");
		if (!ns && !is_one_of(c, "._-/:@+*?"))
			return wrong(
				at, value.p + i, err,
				"an image has letters, digits and ._-/:@+ in its name; * and ? stand for any");
	}
	if (ns && value.len > 63)
		return wrong(at, value.p + 63, err, "a namespace has 63 characters at most");
	return 0;
}

static int parse_off(const struct place *at, struct hc_mask *m, struct hc_str rest, struct hc_err *err)
{
	struct hc_str w = word_next(&rest), end = word_next(&rest);

	if (end.len)
		return wrong(at, end.p, err, "nothing more is expected here");
	for (unsigned k = 0; k < HC_MASK_N_SCOPES; k++) {
		uint32_t n = (uint32_t)strlen(scope_words[k]);

		if (w.len > n + 1 && memcmp(w.p, scope_words[k], n) == 0 && w.p[n] == '=') {
			struct hc_str value = { w.p + n + 1, w.len - n - 1 };
			int code = check_scope(at, k, value, err);

			if (code < 0)
				return code;
			code = hc_mask_scope_add(m, k, value);
			return code == -E2BIG ? wrong(at, w.p, err, "256 scopes at most")
			       : code < 0     ? hc_err_set(err, code, "out of memory")
			                      : 0;
		}
	}
	return wrong(
		at, w.p, err,
		"comm=NAME, exe=PATH, cgroup=PATH, container=ID, image=GLOB or namespace=NAME is wanted here");
}

static int parse_builtin(const struct place *at, struct mask_rule *r, struct hc_str rest, struct hc_err *err)
{
	struct hc_str w = word_next(&rest), end = word_next(&rest);

	if (end.len)
		return wrong(at, end.p, err, "nothing more is expected here");
	for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
		if (hc_str_eq(w, hc_str_c(builtins[i].name))) {
			r->kind = builtins[i].kind;
			snprintf(r->anchor, sizeof(r->anchor), "%s", builtins[i].anchor);
			return 0;
		}
	return wrong(at, w.p, err, "url, pem, jwt, netrc, pass, login or auth is wanted here");
}

static void rules_drop(struct hc_mask *m, uint32_t from)
{
	while (m->n_rules > from)
		free(m->rule[--m->n_rules].text);
}

static int parse_line(const struct place *at, struct hc_mask *m, struct hc_err *err)
{
	struct mask_rule r = { .next = -1 };
	struct hc_str rest = at->text, w = word_next(&rest);
	int code = -1;

	if (!w.len || w.p[0] == '#')
		return 0;
	if (hc_str_eq(w, HC_STR("off")))
		return parse_off(at, m, rest, err);
	if (hc_str_eq(w, HC_STR("no-defaults"))) {
		struct hc_str end = word_next(&rest);

		if (end.len)
			return wrong(at, end.p, err, "nothing more is expected here");
		if (m->n_rules != m->n_defaults)
			return wrong(at, w.p, err, "no-defaults goes before all rules");
		rules_drop(m, 0);
		m->n_defaults = 0;
		m->sources[0] = '\0';
		return 0;
	}
	if (hc_str_eq(w, HC_STR("builtin")))
		code = parse_builtin(at, &r, rest, err);
	for (uint8_t k = 0; code == -1 && k < sizeof(words) / sizeof(words[0]); k++)
		if (hc_str_eq(w, hc_str_c(words[k]))) {
			r.kind = k;
			code = parse_args(at, &r, rest, err);
		}
	if (code == -1)
		return wrong(at, w.p, err,
		             "a rule begins with name, keep, option, attached, word, last, values, stdin, logon, "
		             "after, token, query, builtin, off or no-defaults");
	if (code < 0)
		return code;
	if (m->n_rules == HC_MASK_MAX_RULES)
		return wrong(at, w.p, err, "1024 rules at most");
	rest = (struct hc_str){ w.p, (uint32_t)(at->text.p + at->text.len - w.p) };
	while (rest.len && is_blank(rest.p[rest.len - 1]))
		rest.len--;
	r.text = strndup(rest.p, rest.len);
	if (!r.text)
		return hc_err_set(err, -ENOMEM, "out of memory");
	m->rule[m->n_rules++] = r;
	return 0;
}

static int parse_all(struct hc_mask *m, const char *file, const char *text, size_t n, struct hc_err *err)
{
	struct place at = { .file = file };
	int code = 0;

	while (n && code == 0) {
		const char *nl = memchr(text, '\n', n);
		size_t len = nl ? (size_t)(nl - text) : n;

		at.line++;
		at.text = (struct hc_str){ text, (uint32_t)len };
		code = parse_line(&at, m, err);
		len += nl != NULL;
		text += len;
		n -= len;
	}
	return code;
}

int hc_mask_add(struct hc_mask *m, const char *file, const char *text, size_t n, struct hc_err *err)
{
	uint8_t digest[HC_SHA256_BYTES];
	char hex[HC_SHA256_HEX], *sources = NULL;
	int code;

	if (n > HC_MASK_MAX_FILE_BYTES)
		return hc_err_set(err, -E2BIG, "'%s' has more than 256 KiB", file);
	code = parse_all(m, file, text, n, err);
	if (code == 0)
		code = hc_sha256_of(text, n, digest, err);
	if (code == 0) {
		hc_sha256_hex(digest, hex);
		if (asprintf(&sources, "%s%s%s sha256=%s", m->sources, m->sources[0] ? ", " : "", file, hex) < 0)
			code = hc_err_set(err, -ENOMEM, "out of memory");
	}
	if (code == 0)
		code = mask_build(m, err);
	if (code < 0) {
		free(sources);
		return code;
	}
	free(m->sources);
	m->sources = sources;
	return 0;
}

int hc_mask_add_file(struct hc_mask *m, const char *file, struct hc_err *err)
{
	int fd = hc_file_open(file, err), code = 0;
	char *buf = malloc(HC_MASK_MAX_FILE_BYTES + 1);
	size_t have = 0;
	ssize_t n = 1;

	if (fd < 0)
		code = fd;
	else if (!buf)
		code = hc_err_set(err, -ENOMEM, "out of memory");
	while (code == 0 && buf && n > 0 && have <= HC_MASK_MAX_FILE_BYTES) {
		n = read(fd, buf + have, HC_MASK_MAX_FILE_BYTES + 1 - have);
		if (n < 0)
			code = hc_err_set(err, -errno, "cannot read '%s': %s", file, strerror(errno));
		else
			have += (size_t)n;
	}
	if (code == 0)
		code = hc_mask_add(m, file, buf, have, err);
	free(buf);
	if (fd >= 0)
		close(fd);
	return code;
}

int hc_mask_new(struct hc_mask **ret, struct hc_err *err)
{
	HC_AUTO(hc_mask_free) struct hc_mask *m = calloc(1, sizeof(*m));
	int code;

	if (!m)
		return hc_err_set(err, -ENOMEM, "out of memory");
	m->rule = calloc(HC_MASK_MAX_RULES, sizeof(*m->rule));
	m->scope = calloc(MASK_MAX_SCOPES, sizeof(*m->scope));
	m->sources = strdup("default");
	if (!m->rule || !m->scope || !m->sources)
		return hc_err_set(err, -ENOMEM, "out of memory");
	code = parse_all(m, "default rules", default_rules, sizeof(default_rules) - 1, err);
	m->n_defaults = m->n_rules;
	if (code == 0)
		code = mask_build(m, err);
	if (code == 0)
		*ret = hc_steal(m);
	return code;
}

struct hc_mask *hc_mask_free(struct hc_mask *m)
{
	if (!m)
		return NULL;
	rules_drop(m, 0);
	while (m->n_scopes)
		free(m->scope[--m->n_scopes].value);
	free(m->rule);
	free(m->scope);
	free(m->sources);
	free(m->program);
	free(m->keep);
	free(m->go);
	free(m->out);
	free(m->link);
	free(m->span);
	free(m->buf);
	free(m);
	return NULL;
}

const char *hc_mask_text(const struct hc_mask *m)
{
	return m->sources;
}

const char *hc_mask_rule(const struct hc_mask *m, uint32_t rule)
{
	return rule < m->n_rules ? m->rule[rule].text : "";
}

uint32_t hc_mask_n_rules(const struct hc_mask *m)
{
	return m->n_rules;
}

/* ---- scopes ---- */

static bool scope_is(const struct mask_scope *s, unsigned kind, struct hc_str value)
{
	return s->kind == kind && hc_str_eq((struct hc_str){ s->value, s->bytes }, value);
}

int hc_mask_scope_add(struct hc_mask *m, enum hc_mask_scope_kind kind, struct hc_str value)
{
	char *copy;

	if (m->n_scopes == MASK_MAX_SCOPES)
		return -E2BIG;
	copy = strndup(value.p, value.len);
	if (!copy)
		return -ENOMEM;
	m->scope[m->n_scopes++] = (struct mask_scope){ (uint8_t)kind, copy, (uint32_t)strlen(copy) };
	return 0;
}

void hc_mask_scope_remove(struct hc_mask *m, enum hc_mask_scope_kind kind, struct hc_str value)
{
	for (uint32_t i = 0; i < m->n_scopes; i++)
		if (scope_is(&m->scope[i], kind, value)) {
			free(m->scope[i].value);
			m->scope[i] = m->scope[--m->n_scopes];
			return;
		}
}

bool hc_mask_has_scopes(const struct hc_mask *m)
{
	return m->n_scopes > 0;
}

bool hc_mask_wants(const struct hc_mask *m, const struct hc_mask_who *who)
{
	for (uint32_t i = 0; i < m->n_scopes; i++) {
		const struct mask_scope *s = &m->scope[i];
		struct hc_str v = { s->value, s->bytes };

		if (scope_is(s, HC_MASK_COMM, who->comm) || scope_is(s, HC_MASK_EXE, who->exe) ||
		    scope_is(s, HC_MASK_CONTAINER, who->container) || scope_is(s, HC_MASK_NAMESPACE, who->ns))
			return false;
		if (s->kind == HC_MASK_IMAGE && who->image.p &&
		    mask_glob(s->value, who->image.p, who->image.len, false))
			return false;
		if (s->kind == HC_MASK_CGROUP && hc_str_starts(who->cgroup, v) &&
		    (who->cgroup.len == v.len || who->cgroup.p[v.len] == '/' || (v.len && v.p[v.len - 1] == '/')))
			return false;
	}
	return true;
}
