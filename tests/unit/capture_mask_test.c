/* Masking: what each rule takes, what it leaves, and what a rules file may say. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture/mask.h"

static struct hc_mask *m;

static void make(void)
{
	struct hc_err err = { 0 };

	cr_assert_eq(hc_mask_new(&m, &err), 0, "%s", err.msg);
}

static void drop(void)
{
	m = hc_mask_free(m);
}

/* '|' stands for NUL. */
static const char *masked(enum hc_mask_form form, const char *text)
{
	static char in[1024], out[1024];
	struct hc_mask_hits hits;
	size_t n = strlen(text), got;
	const char *p;

	memcpy(in, text, n);
	for (size_t i = 0; i < n; i++)
		in[i] = (char)(in[i] == '|' ? '\0' : in[i]);
	p = hc_mask_apply(m, form, in, n, &got, &hits);
	cr_assert(p && got < sizeof(out));
	cr_assert_eq(p == in, hits.n == 0);
	memcpy(out, p, got);
	for (size_t i = 0; i < got; i++)
		out[i] = (char)(out[i] == '\0' ? '|' : out[i]);
	out[got] = '\0';
	return out;
}

struct pair {
	const char *in, *out; /* NULL: as it is */
};

static void expect(enum hc_mask_form form, const struct pair *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cr_expect_str_eq(masked(form, pairs[i].in), pairs[i].out ? pairs[i].out : pairs[i].in, "%s: %s",
		                 pairs[i].in, masked(form, pairs[i].in));
}

#define EXPECT(form, pairs) expect(form, pairs, sizeof(pairs) / sizeof((pairs)[0]))

Test(mask, arguments_keep_their_options_and_lose_their_values, .init = make, .fini = drop)
{
	static const struct pair pairs[] = {
		{ "tool|--password=hunter2|-v", "tool|--password=***|-v" },
		{ "tool|--password=two words & more|-v", "tool|--password=***|-v" },
		{ "tool|--token|abc|file", "tool|--token|***|file" },
		{ "tool|--Api-Key|abc", "tool|--Api-Key|***" },
		{ "tool|--authToken=abc|--privateKey|def|AccountKey=ghi;x",
		  "tool|--authToken=***|--privateKey|***|AccountKey=***" },
		{ "tool|{\"accessToken\":\"abc\"}", "tool|{\"accessToken\":\"***\"}" },
		{ "tool|--max-idle-tokens=9|--tokens|9", NULL },
		{ "tool|--password|--verbose", NULL },
		{ "tool|--password", NULL },
		{ "tool|--password=", NULL },
		{ "tool|--password-file=/run/x", NULL },
		{ "tool|--password-stdin", NULL },
		{ "env|DB_PASSWORD=x y|run", "env|DB_PASSWORD=***|run" },
		{ "/usr/bin/mysql|-psecret|-u|root", "/usr/bin/mysql|-p***|-u|root" },
		{ "mysql|-p|database", NULL },
		{ "mkdir|-parents", NULL },
		{ "sshpass|-p|hunter2|ssh|host", "sshpass|-p|***|ssh|host" },
		{ "curl|-u|bob:pw|https://h/", "curl|-u|***|https://h/" },
		{ "curl|-ubob:ghp_0123456789012345678901234567890123456789", "curl|-u***" },
		{ "curl|https://bob:pw@h/x", "curl|https://bob:***@h/x" },
		{ "curl|https://h:8080/x?a=b@c", NULL },
		{ "curl|-H|Authorization: Bearer abcdefgh12", "curl|-H|Authorization: ***" },
		{ "sh|-c|mysql --password=x -e 'y'", "sh|-c|mysql --password=*** -e 'y'" },
		{ "curl|https://hooks.slack.com/services/T0/B0/0123456789abcdef",
		  "curl|https://hooks.slack.com/services/***" },
		{ "git|clone|https://a1b2c3d4e5f6g7h8i9j0@host/r", "git|clone|https://***@host/r" },
		{ "git|clone|https://a-name-that-is-really-long@host/r", NULL },
		{ "sh|-c|tool --password\thunter2", "sh|-c|tool --password\t***" },
		/* behind other programs, in other spellings */
		{ "sudo|-u|root|mysql|-phunter2|db", "sudo|-u|root|mysql|-p***|db" },
		{ "docker|exec|db|/usr/bin/mysqldump|-phunter2", "docker|exec|db|/usr/bin/mysqldump|-p***" },
		{ "curl|-Eu|bob:pw|https://h/", "curl|-E***|***|https://h/" },
		{ "curl|-btoken|abc|https://h/", "curl|-b***|***|https://h/" },
		{ "curl|-sSfu|bob:pw|https://h/", "curl|-sSfu|***|https://h/" },
		{ "curl|-sSfo|out|https://h/", NULL },
		{ "curl|-o|menu|https://h/", NULL }, /* ends as a cluster with -u does, and is none */
		{ "curl|-Fupload=@/etc/passwd|https://h/", NULL },
		{ "curl|--user|bob:pw|--user-agent|me|--proxy-user=u:pw",
		  "curl|--user|***|--user-agent|me|--proxy-user=***" },
		{ "openssl|enc|-k|pw|-in|f", "openssl|enc|-k|***|-in|f" },
		/* command lines in an argument */
		{ "sh|-c|exec /usr/bin/mysql -u root -phunter2 db; mysql -p",
		  "sh|-c|exec /usr/bin/mysql -u root -p*** db; mysql -p" },
		{ "sh|-c|mysql -p'a b' -e \"x\" && ls -pz", "sh|-c|mysql -p*** -e \"x\" && ls -pz" },
		{ "sh|-c|cd /; A_TOKEN=t curl -su bob:pw -H 'X-Auth-Key: k' h|x",
		  "sh|-c|cd /; A_TOKEN=*** curl -su *** -H 'X-Auth-Key: ***' h|x" },
		{ "sh|-c|curl -u \"bob:$PW\" h", "sh|-c|curl -u *** h" },
		{ "sh|-c|curl -u $AUTH h; mysql -p$PW; curl --user-agent a", NULL },
		{ "bash|-c|sh -c 'mysql -phunter2'", "bash|-c|sh -c 'mysql -p***'" },
		{ "sh|-c|mysql -ppassword=x", "sh|-c|mysql -p***" },
		{ "sh|-c|curl -u", NULL },
		{ "sh|-c|curl -u ", NULL },
		{ "sh|-c|curl -u '", "sh|-c|curl -u ***" },
		{ "sh|-c|tool --secret 'a b' c", "sh|-c|tool --secret '***' c" },
		{ "sh|-c|export TOKEN=abc; run", "sh|-c|export TOKEN=***; run" },
		{ "sh|-c|tool --password $PASSWORD", NULL },
		{ "sh|-c|tool --password=$PASSWORD x", NULL },
		{ "sh|-c|export PASSWORD=$'a b'; tool", "sh|-c|export PASSWORD=$'***'; tool" },
		{ "vault|hvs.0123456789012345678901234", "vault|hvs.***" },
		{ "tokenizer|--vocabulary=x", NULL },
		{ "passwd|root", NULL },
		{ "", NULL },
	};

	EXPECT(HC_MASK_ARGS, pairs);
}

Test(mask, environments_keep_their_names, .init = make, .fini = drop)
{
	static const struct pair pairs[] = {
		{ "PATH=/bin|AWS_SECRET_ACCESS_KEY=a/b+c|HOME=/root",
		  "PATH=/bin|AWS_SECRET_ACCESS_KEY=***|HOME=/root" },
		{ "GITHUB_TOKEN=x|PGPASSWORD=y z|MYSQL_PWD=q", "GITHUB_TOKEN=***|PGPASSWORD=***|MYSQL_PWD=***" },
		{ "SSHPASS=x|BYPASS=y", "SSHPASS=***|BYPASS=y" },
		{ "DOCKER_AUTH_CONFIG={\"auths\":{}}", "DOCKER_AUTH_CONFIG=***" },
		{ "PWD=/home|OLDPWD=/tmp|SSH_AUTH_SOCK=/x", NULL },
		{ "DATABASE_URL=postgres://u:p@h/db", "DATABASE_URL=postgres://u:***@h/db" },
		{ "X=eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", "X=eyJ***" },
		{ "SECRET_KEY_FILE=/run/secrets/key", NULL },
	};

	EXPECT(HC_MASK_ENV, pairs);
}

Test(mask, payloads_keep_their_length, .init = make, .fini = drop)
{
	static const struct pair pairs[] = {
		{ "POST / HTTP/1.1\r\nAuthorization: Basic dTpw\r\nHost: h\r\n",
		  "POST / HTTP/1.1\r\nAuthorization: **********\r\nHost: h\r\n" },
		{ "user=bob&password=hunter2&x=1", "user=bob&password=*******&x=1" },
		{ "{\"password\": \"a\\\"b\", \"n\": 1}", "{\"password\": \"****\", \"n\": 1}" },
		{ "{\\\"token\\\":\\\"abc\\\"}", "{\\\"token\\\":\\\"***\\\"}" },
		{ "password := \"a b\"", "password := \"***\"" },
		{ "if password == \"abc\"", "if password == \"***\"" },
		{ "\"password\"=>\"abc\", :token => 'd'", "\"password\"=>\"***\", :token => '*'" },
		{ "{'secret': b'abc', 'n': 1}", "{'secret': b'***', 'n': 1}" },
		{ "password=rb\"abc\" token=$'d e' secret=@\"f\"",
		  "password=rb\"***\" token=$'***' secret=@\"*\"" },
		{ "{\"password\": [ \"a\",\n \"b]c\" ], \"n\": \"d\"}",
		  "{\"password\": [ \"*\",\n \"***\" ], \"n\": \"d\"}" },
		{ "{\\\"token\\\":[\\\"a\\\",\\\"b\\\"]}", "{\\\"token\\\":[\\\"*\\\",\\\"*\\\"]}" },
		{ "password=[\"a", "password=[\"*" },
		{ "password=[", "password=*" },
		{ "Cookie: [a=b; c=d]", "Cookie: **********" },
		{ "AKIAIOSFODNN7EXAMPLE", "AKIA****************" },
		{ "xAKIAIOSFODNN7EXAMPLE", NULL },
		{ "ghp_01234", "ghp_*****" }, /* cut by the end of what was kept */
		{ "ghp_01234 ", NULL },
		{ "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabcd\n-----END RSA PRIVATE KEY-----\n",
		  "-----BEGIN RSA PRIVATE KEY-----\n**********-----END RSA PRIVATE KEY-----\n" },
		{ "-----BEGIN PRIVATE KEY-----\nMIIE", "-----BEGIN PRIVATE KEY-----\n****" },
		{ "-----BEGIN CERTIFICATE-----\nMIIE", NULL },
		{ "eyJhbGciOiJI.eyJzdW", "eyJ****************" },
		{ "no secrets in here, only a token of thanks", NULL },
	};

	EXPECT(HC_MASK_BYTES, pairs);
}

/* As Kubernetes, clouds' templates, web forms and Java's configuration have it. */
Test(mask, a_value_may_stand_beside_its_name, .init = make, .fini = drop)
{
	static const struct pair texts[] = {
		{ "{\"env\":[{\"name\":\"DB_PASSWORD\",\"value\":\"x y\"},{\"name\":\"HOME\",\"value\":\"/\"}]}",
		  "{\"env\":[{\"name\":\"DB_PASSWORD\",\"value\":\"***\"},{\"name\":\"HOME\",\"value\":\"/\"}]}" },
		{ "{\\\"name\\\":\\\"DB_PASSWORD\\\",\\\"value\\\":\\\"abc\\\"}",
		  "{\\\"name\\\":\\\"DB_PASSWORD\\\",\\\"value\\\":\\\"***\\\"}" },
		{ "{ \"name\": \"A_TOKEN\",\n  \"slot\": false,\n  \"value\": \"abc\" }",
		  "{ \"name\": \"A_TOKEN\",\n  \"slot\": false,\n  \"value\": \"***\" }" },
		{ "{\"value\":\"abc\",\"name\":\"A_TOKEN\"}", "{\"value\":\"***\",\"name\":\"A_TOKEN\"}" },
		{ "{\"Name\":\"/prod/db/password\",\"Value\":\"abc\"}",
		  "{\"Name\":\"/prod/db/password\",\"Value\":\"***\"}" },
		{ "- name: DB_PASSWORD\n  value: abc\n- name: X\n  value: y\n",
		  "- name: DB_PASSWORD\n  value: ***\n- name: X\n  value: y\n" },
		{ "- name: \"DB_PASSWORD\"\n  value: \"abc\"", "- name: \"DB_PASSWORD\"\n  value: \"***\"" },
		{ "<name>x.y.password</name>\n<value>abc</value>",
		  "<name>x.y.password</name>\n<value>***</value>" },
		{ "<property name=\"password\" value=\"abc\"/>", "<property name=\"password\" value=\"***\"/>" },
		{ "<password>abc</password><id>me</id>", "<password>***</password><id>me</id>" },
		{ "{\"auths\":{\"h\":{\"auth\":\"dXNlcjpwYXNzd29yZA==\"}}}",
		  "{\"auths\":{\"h\":{\"auth\":\"********************\"}}}" },
		{ "\t\"h\": {\n\t\t\"auth\": \"dXNlcjpwYXNzd29yZA==\"",
		  "\t\"h\": {\n\t\t\"auth\": \"********************\"" },
		{ "ALTER USER a WITH PASSWORD 'abc'", "ALTER USER a WITH PASSWORD '***'" },
		{ "SET PASSWORD = PASSWORD('abc')", "SET PASSWORD = PASSWORD('***')" },
		{ "CREATE USER a IDENTIFIED BY \"abc\";", "CREATE USER a IDENTIFIED BY \"***\";" },
		/* of others */
		{ "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: a\n- name: X\n  value: y",
		  NULL },
		{ "{\"name\":\"DB_PASSWORD\",\"valueFrom\":{\"k\":{\"name\":\"a\"}}},{\"name\":\"X\",\"value\":"
		  "\"y\"}",
		  NULL },
		{ "{\"value\":\"y\",\"name\":\"X\"},{\"name\":\"A_TOKEN\"}", NULL },
		{ "<label>Password</label><input name=\"q\" value=\"x\">", NULL },
		{ "{\"auth\":\"basic\",\"credentials\":{\"user\":\"a\",\"id\":5}}", NULL },
		{ "SELECT password FROM users WHERE name = 'a'", NULL },
	};
	static const struct pair args[] = {
		{ "aws|--parameters|ParameterKey=DBPassword,ParameterValue=abc",
		  "aws|--parameters|ParameterKey=DBPassword,ParameterValue=***" },
		{ "kubectl|patch|-p|{\"name\":\"DB_PASSWORD\",\"value\":\"abc\"}",
		  "kubectl|patch|-p|{\"name\":\"DB_PASSWORD\",\"value\":\"***\"}" },
		{ "sh|-c|read -p \"Password: \" pw; curl h | sh", NULL },
	};

	EXPECT(HC_MASK_BYTES, texts);
	EXPECT(HC_MASK_ARGS, args);
}

/* Command lines as people write them, each beside harmless ones that look alike. */
Test(mask, knows_what_single_programs_are_given, .init = make, .fini = drop)
{
	static const struct pair pairs[] = {
		{ "tool|--dbpass=abc|--rootpw|def|--db-su-pw=ghi|-storepass|jkl",
		  "tool|--dbpass=***|--rootpw|***|--db-su-pw=***|-storepass|***" },
		{ "tool|--bypass=x|--compass|y|--page-token|z", NULL },
		{ "docker|login|-u|bob|-p|abc|reg", "docker|login|-u|bob|-p|***|reg" },
		{ "docker|run|--name|mongo|-p|27017:27017|mongo", NULL },
		{ "docker|run|-p|8080|nginx", NULL },
		{ "mongodump|-u|bob|-p|abc", "mongodump|-u|bob|-p|***" },
		{ "az|acr|login|-p|abc", "az|acr|login|-p|***" },
		{ "az|vm|create|-p|plan", NULL },
		{ "aws|ssm|put-parameter|--name|/x|--value|abc", "aws|ssm|put-parameter|--name|/x|--value|***" },
		{ "aws|configure|set|aws_secret_access_key|abc", "aws|configure|set|aws_secret_access_key|***" },
		{ "aws|configure|set|profile.a.aws_secret_access_key|abc",
		  "aws|configure|set|profile.a.aws_secret_access_key|***" },
		{ "aws|configure|set|region|eu", NULL },
		{ "kubectl|create|secret|generic|s|--from-literal=a=b",
		  "kubectl|create|secret|generic|s|--from-literal=***" },
		{ "kubectl|create|configmap|s|--from-literal=a=b", NULL },
		{ "openssl|enc|-K|0011|-keyform|PEM", "openssl|enc|-K|***|-keyform|PEM" },
		{ "openssl|req|-key|k|-keyout|o", NULL },
		{ "openssl|passwd|-6|-salt|x|abc", "openssl|passwd|-6|-salt|x|***" },
		{ "openssl|passwd|-6", NULL },
		{ "plink|-pw|abc|h", "plink|-pw|***|h" },
		{ "plink|-pwfile|f|h", NULL },
		{ "htpasswd|-cb|f|bob|abc", "htpasswd|-cb|f|bob|***" },
		{ "htpasswd|-c|f|bob", NULL },
		{ "vault|login|abc", "vault|login|***" },
		{ "vault|kv|put|secret/x|a=b|c=d", "vault|kv|put|secret/x|a=***|c=***" },
		{ "vault|kv|get|secret/x", NULL },
		{ "nmcli|dev|wifi|connect|x|password|abc", "nmcli|dev|wifi|connect|x|password|***" },
		{ "grep|password|f", NULL },
		{ "tsql|-S|h|-U|sa|-P|abc", "tsql|-S|h|-U|sa|-P|***" },
		{ "iwconfig|wlan0|key|s:abc", "iwconfig|wlan0|key|***" },
		{ "xfreerdp|/v:h|/p:abc", "xfreerdp|/v:h|/p:***" },
		{ "ldappasswd|-w|a|-s|b|-a|c", "ldappasswd|-w|***|-s|***|-a|***" },
		{ "isql|-k|DRIVER=x;UID=sa;PWD=abc", "isql|-k|DRIVER=x;UID=sa;PWD=***" },
		{ "env|PWD=/home/a|OLDPWD=/b|SSH_ASKPASS=/bin/c|x", NULL },
		{ "useradd|-p|$6$abcdefgh$0123456789abcdef|bob", "useradd|-p|***|bob" },
		{ "tool|$6$abcdefgh$0123456789abcdef", "tool|$6$***" },
		{ "curl|https://api.telegram.org/bot1234567890:AAHabcdefghijklmn/getMe",
		  "curl|https://api.telegram.org/bot***" },
		{ "mysql://u:a/b@h|x://h:80/p@q|x://[::1]:80/p@q",
		  "mysql://u:***@h|x://h:80/p@q|x://[::1]:80/p@q" },
		{ "docker://img:1@sha256:0123|ssh://git@h:org/r@v1", NULL },
		{ "git|clone|https://a1b2c3d4e5f6g7h8i9j0@host:8443/r", "git|clone|https://***@host:8443/r" },
		{ "-----BEGIN PGP PRIVATE KEY BLOCK-----\nabc\n-----END PGP PRIVATE KEY BLOCK-----",
		  "-----BEGIN PGP PRIVATE KEY BLOCK-----\n***-----END PGP PRIVATE KEY BLOCK-----" },
		{ "-----BEGIN PGP PUBLIC KEY BLOCK-----\nabc\n-----END PGP PUBLIC KEY BLOCK-----", NULL },
		/* the same in a command line */
		{ "sh|-c|cd x && docker login -u a -p abc reg; docker run -p 80:80 x",
		  "sh|-c|cd x && docker login -u a -p *** reg; docker run -p 80:80 x" },
		{ "sh|-c|htpasswd -b f bob 'a b' >/dev/null 2> /x; ls",
		  "sh|-c|htpasswd -b f bob *** >/dev/null 2> /x; ls" },
		{ "sh|-c|htpasswd -b f bob $PW; vault login \"$T\"; vault login", NULL },
		{ "sh|-c|vault kv put secret/x a=b -c=d", "sh|-c|vault kv put secret/x a=*** -c=d" },
		{ "sh|-c|docker exec db sh -c 'mysql -pabc'", "sh|-c|docker exec db sh -c 'mysql -p***'" },
		{ "kadmin.local|-q|addprinc -pw abc bob", "kadmin.local|-q|addprinc -pw *** bob" },
	};

	EXPECT(HC_MASK_ARGS, pairs);
}

/* '^' stands for '|'. */
Test(mask, knows_what_a_command_line_writes_into_a_program, .init = make, .fini = drop)
{
	static const struct pair pairs[] = {
		{ "sh -c echo root:abc ^ chpasswd -e", "sh -c echo *** ^ chpasswd -e" },
		{ "echo -n 'root:a;b^c' ^ sudo chpasswd", "echo -n *** ^ sudo chpasswd" },
		{ "printf '%s\n' abc ^ sudo -S ls", "printf *** ^ sudo -S ls" },
		{ "x; echo abc ^ docker login -u a --password-stdin",
		  "x; echo *** ^ docker login -u a --password-stdin" },
		{ "mysql -pa; echo abc ^ passwd --stdin bob && mysql -pb",
		  "mysql -p***; echo *** ^ passwd --stdin bob && mysql -p***" },
		{ "chpasswd <<< \"root:a b\"; x", "chpasswd <<< ***; x" },
		{ "chpasswd <<<root:abc", "chpasswd <<<***" },
		{ "chpasswd <<'END' -e\nroot:abc\nbob:def\nEND\nls", "chpasswd <<'END' -e\n***\nEND\nls" },
		{ "chpasswd <<-END\nroot:abc", "chpasswd <<-END\n***" },
		{ "echo $TOKEN ^ docker login --password-stdin; echo \"$T\" ^ chpasswd", NULL },
		{ "echo abc ^^ chpasswd; echo abc; chpasswd; echo abc ^ grep a ^ chpasswd", NULL },
		{ "echo abc ^ sudo tee f; echo abc ^ docker load; echo a b", NULL },
		{ "cat <<END\nabc\nEND", NULL },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char in[128], out[128];
		struct hc_mask_hits hits;
		size_t n = strlen(pairs[i].in), got;
		const char *p, *want = pairs[i].out ? pairs[i].out : pairs[i].in;

		for (size_t k = 0; k < n; k++)
			in[k] = (char)(pairs[i].in[k] == '^' ? '|' : pairs[i].in[k]);
		p = hc_mask_apply(m, HC_MASK_ARGS, in, n, &got, &hits);
		cr_assert(p && got < sizeof(out));
		for (size_t k = 0; k < got; k++)
			out[k] = (char)(p[k] == '|' ? '^' : p[k]);
		out[got] = '\0';
		cr_expect_str_eq(out, want, "%s: %s", pairs[i].in, out);
	}
}

/* USER/PASSWORD@DATABASE: what stands around the password stays. */
Test(mask, knows_the_logons_of_databases, .init = make, .fini = drop)
{
	static const struct pair pairs[] = {
		{ "sqlplus|scott/tiger@db", "sqlplus|scott/***@db" },
		{ "sqlplus|-S|scott/tiger@//host/svc|@/a/b.sql", "sqlplus|-S|scott/***@//host/svc|@/a/b.sql" },
		{ "sudo|-u|oracle|/u01/bin/sqlplus|-L|scott/tiger",
		  "sudo|-u|oracle|/u01/bin/sqlplus|-L|scott/***" },
		{ "sqlplus|scott/p@ss@db", "sqlplus|scott/***@db" },
		{ "sqlplus|\"scott\"/\"ti@g/er\"@db", "sqlplus|\"scott\"/***@db" },
		{ "sqlplus|\"sys/pw@db as sysdba\"|x", "sqlplus|\"sys/***@db as sysdba\"|x" },
		{ "sqlplus|sys/pw as sysdba", "sqlplus|sys/*** as sysdba" },
		{ "sqlplus|sys[bob]/pw|as|sysdba", "sqlplus|sys[bob]/***|as|sysdba" },
		{ "expdp|scott/tiger@db|directory=d|dumpfile=a/b.dmp",
		  "expdp|scott/***@db|directory=d|dumpfile=a/b.dmp" },
		{ "imp|USERID=scott/tiger|file=a/b", "imp|USERID=scott/***|file=a/b" },
		{ "exp|scott/tiger|full=y", "exp|scott/***|full=y" },
		{ "sqlldr|scott/tiger|control=/a/c.ctl", "sqlldr|scott/***|control=/a/c.ctl" },
		{ "rman|target|sys/pw@db|catalog|r/pw2@c|log|a/b",
		  "rman|target|sys/***@db|catalog|r/***@c|log|a/b" },
		{ "rman|target=sys/pw@db", "rman|target=sys/***@db" },
		{ "tkprof|a/x.trc|a/o.txt|explain=scott/tiger", "tkprof|a/x.trc|a/o.txt|explain=scott/***" },
		{ "db2|connect|to|d|user|u|using|abc", "db2|connect|to|d|user|u|using|***" },
		{ "sh|-c|sqlplus -S scott/tiger@db @/a/b.sql; ls a/b",
		  "sh|-c|sqlplus -S scott/***@db @/a/b.sql; ls a/b" },
		{ "sh|-c|sqlplus 'scott/\"ti ger\"@db'", "sh|-c|sqlplus 'scott/***@db'" },
		{ "sh|-c|exp scott/tiger file=x; rman target \"sys/pw@db\" log a/b; cp exp a/b",
		  "sh|-c|exp scott/*** file=x; rman target \"sys/***@db\" log a/b; cp exp a/b" },
		/* no passwords */
		{ "sqlplus|/|as|sysdba", NULL },
		{ "sqlplus|-S|/nolog|@a/b.sql", NULL },
		{ "sqlplus|scott@db|@a/b.sql", NULL },
		{ "sqlplus|scott/@db", NULL },
		{ "sqlplus|scott/$PW@db", NULL },
		{ "sh|-c|sqlplus scott/$PW@db; sqlplus scott/\"$PW\"@db", NULL },
		{ "rman|target|/|log|a/b.log", NULL },
		{ "cp|-r|exp|data/out|x/y", NULL },
		{ "impdp|parfile=a/b|dumpfile=c/d", NULL },
		{ "db2|merge|into|t|using|s", NULL },
		{ "cat|scott/tiger@db", NULL },
	};

	EXPECT(HC_MASK_ARGS, pairs);
}

Test(mask, knows_parameters_of_urls, .init = make, .fini = drop)
{
	static const struct pair texts[] = {
		{ "GET /p?key=abc&x=1 HTTP/1.1\r\n", "GET /p?key=***&x=1 HTTP/1.1\r\n" },
		{ "GET /p?x=1&api_key=abc&access_token=de&y=2 HTTP/1.1\r\n",
		  "GET /p?x=1&api_key=***&access_token=**&y=2 HTTP/1.1\r\n" },
		{ "GET /p?sv=1&sig=a%2Bb%3D&se=2 HTTP/1.1\r\n", "GET /p?sv=1&sig=********&se=2 HTTP/1.1\r\n" },
		{ "GET /p?X-Amz-Signature=0123&X-Amz-Date=1 HTTP/1.1\r\n",
		  "GET /p?X-Amz-Signature=****&X-Amz-Date=1 HTTP/1.1\r\n" },
		{ "a=b&client_secret=abc&Signature=de", "a=b&client_secret=***&Signature=**" },
		{ "GET /p?key HTTP/1.1\r\n", NULL },
		{ "GET /p?key=&sig&x=1 HTTP/1.1\r\n", NULL },
		{ "GET /p?monkey=1&keys=2&keyword=a&design=b HTTP/1.1\r\n", NULL },
		{ "key=abc; sig=def; x", NULL },
	};
	static const struct pair args[] = {
		{ "curl|https://h/p?key=abc&x=1", "curl|https://h/p?key=***&x=1" },
		{ "sh|-c|curl 'https://h/p?x=1&key=abc' -o f", "sh|-c|curl 'https://h/p?x=1&key=***' -o f" },
		{ "sh|-c|curl \"https://h/p?key=$KEY\"", NULL },
		{ "sort|--key=2|-k|3", NULL },
	};

	EXPECT(HC_MASK_BYTES, texts);
	EXPECT(HC_MASK_ARGS, args);
}

Test(mask, knows_netrc, .init = make, .fini = drop)
{
	static const struct pair texts[] = {
		{ "machine h login u password pw\nmachine h2 login v password q\n",
		  "machine h login u password **\nmachine h2 login v password *\n" },
		{ "machine h\nlogin u\npassword p\"w;&x\naccount a\n",
		  "machine h\nlogin u\npassword ******\naccount a\n" },
		{ "machine h\r\n\tlogin u\r\n\tpassword pw\r\n", "machine h\r\n\tlogin u\r\n\tpassword **\r\n" },
		{ "machine h password pw login u", "machine h password ** login u" },
		{ "machine h login u account a password pw", "machine h login u account a password **" },
		{ "machine h login u port 21 password \"a b\" x", "machine h login u port 21 password \"***\" x" },
		{ "default login anonymous password me@x\n", "default login anonymous password ****\n" },
		{ "{\"netrc\":\"machine h\\nlogin u\\npassword pw\\n\",\"n\":1}",
		  "{\"netrc\":\"machine h\\nlogin u\\npassword **\\n\",\"n\":1}" },
		{ "{\"netrc\":\"machine h login u password pw\"}",
		  "{\"netrc\":\"machine h login u password **\"}" },
		{ "this machine has a login and a password for you\n", NULL },
		{ "Enter the login and password for the machine\n", NULL },
		{ "machine h login u\npasswords are elsewhere\n", NULL },
		{ "machine h login u password", NULL },
	};
	static const struct pair args[] = {
		{ "sh|-c|echo \"machine h login u password abc\" >f; ls",
		  "sh|-c|echo \"machine h login u password ***\" >f; ls" },
		{ "sh|-c|printf 'machine h\\nlogin u\\npassword abc\\n' >f",
		  "sh|-c|printf 'machine h\\nlogin u\\npassword ***\\n' >f" },
		{ "sh|-c|cat >f <<END\nmachine h\nlogin u\npassword abc\nEND",
		  "sh|-c|cat >f <<END\nmachine h\nlogin u\npassword ***\nEND" },
		{ "sh|-c|echo machine h login u password $PW", NULL },
	};

	EXPECT(HC_MASK_BYTES, texts);
	EXPECT(HC_MASK_ARGS, args);
}

/* A line of a protocol ends with CR LF; what programs print and people write does not, or has other words in
 * front. */
Test(mask, knows_commands_of_protocols, .init = make, .fini = drop)
{
	static const struct pair texts[] = {
		/* FTP, POP3, IRC */
		{ "PASS hunter2\r\n", "PASS *******\r\n" },
		{ "USER bob\r\nPASS two words\r\nQUIT\r\n", "USER bob\r\nPASS *********\r\nQUIT\r\n" },
		{ "user bob\npass hunter2\n", "user bob\npass *******\n" },
		{ "pass hunter2\r\n", "pass *******\r\n" },
		{ "PASS a/app.test.js\nPASS a/b.test.js (5 s)\n", NULL },
		{ "3 tests PASS ok\r\nok 1 # PASS x\r\n331 PASS needed\r\n", NULL },
		{ "pass the salt\r\nbypass it\r\ncompass x\r\n", NULL },
		{ "PASS\r\nPASS \r\n", NULL },
		/* IMAP */
		{ "a1 LOGIN bob hunter2\r\n", "a1 LOGIN bob *******\r\n" },
		{ "x\r\n2 login \"b o\" \"a \\\"b\"\r\n", "x\r\n2 login \"b o\" \"*****\"\r\n" },
		{ "a1 AUTHENTICATE PLAIN AGEAYg==\r\n", "a1 AUTHENTICATE PLAIN ********\r\n" },
		{ "Please login here now\r\na1 OK LOGIN done\r\n", NULL },
		{ "a1 LOGIN bob\r\na1 LOGIN is not for you\r\n1 login a b\n", NULL },
		/* SMTP */
		{ "AUTH PLAIN AGEAYg==\r\n", "AUTH PLAIN ********\r\n" },
		{ "auth login Ym9i\r\nYg==\r\nMAIL FROM:<a>\r\n", "auth login ****\r\n****\r\nMAIL FROM:<a>\r\n" },
		{ "AUTH LOGIN\r\nYm9i\r\nYg==\r\nQUIT\r\n", "AUTH LOGIN\r\n****\r\n****\r\nQUIT\r\n" },
		{ "AUTH XOAUTH2 dXNlcg==\r\n", "AUTH XOAUTH2 ********\r\n" },
		{ "250-AUTH PLAIN LOGIN\r\n250 AUTH LOGIN\r\nAUTH CRAM-MD5\r\nAUTH LOGIN\r\n", NULL },
		{ "AUTH TLS\r\nAUTH TLS-C\r\nAUTH\r\n", NULL },
		/* others with the same words: D-Bus, PAM, prose */
		{ "|AUTH EXTERNAL 31303030\r\nNEGOTIATE_UNIX_FD\r\n", NULL },
		{ "AUTH DBUS_COOKIE_SHA1 31303030\r\n", NULL },
		{ "auth required pam_unix.so\nauth sufficient pam_x.so\r\n", NULL },
		{ "AUTH failed for you\r\nOK AUTH done\r\nAUTHOR x\r\nauth failed\r\n", NULL },
		/* Redis */
		{ "AUTH secret\r\n", "AUTH ******\r\n" },
		{ "AUTH bob secret\r\nPING\r\n", "AUTH bob ******\r\nPING\r\n" },
		{ "HELLO 3 AUTH bob secret SETNAME a\r\n", "HELLO 3 AUTH bob ****** SETNAME a\r\n" },
		{ "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n", "*2\r\n$4\r\nAUTH\r\n$6\r\n******\r\n" },
		{ "*3\r\n$4\r\nauth\r\n$3\r\nbob\r\n$4\r\ns\r\nt\r\n*1\r\n$4\r\nPING\r\n",
		  "*3\r\n$4\r\nauth\r\n$3\r\nbob\r\n$4\r\n****\r\n*1\r\n$4\r\nPING\r\n" },
		{ "*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$3\r\nbob\r\n$6\r\nsecret\r\n",
		  "*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$3\r\nbob\r\n$6\r\n******\r\n" },
		{ "*2\r\n$4\r\nAUTH\r\n$600\r\nsec", "*2\r\n$4\r\nAUTH\r\n$600\r\n***" }, /* cut */
		{ "*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$11\r\nrequirepass\r\n$3\r\na b\r\n",
		  "*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$11\r\nrequirepass\r\n$3\r\n***\r\n" },
		{ "*4\r\n$4\r\nHSET\r\n$1\r\nu\r\n$8\r\npassword\r\n$3\r\nabc\r\n",
		  "*4\r\n$4\r\nHSET\r\n$1\r\nu\r\n$8\r\npassword\r\n$3\r\n***\r\n" },
		{ "CONFIG SET requirepass secret\r\n", "CONFIG SET requirepass ******\r\n" },
		{ "*3\r\n$3\r\nGET\r\n$8\r\npassword\r\n*1\r\n$4\r\nPING\r\n", NULL },
		{ "*3\r\n$3\r\nSET\r\n$4\r\nauth\r\n$3\r\nabc\r\n", NULL },
		{ "*2\r\n$4\r\nAUTH\r\n$x\r\nabc\r\n*3\r\n$4\r\nAUTH\r\n$3\r\nbob\r\n", NULL },
	};
	static const struct pair args[] = {
		{ "redis-cli|CONFIG|SET|requirepass|abc", "redis-cli|CONFIG|SET|requirepass|***" },
		{ "redis-cli|CONFIG|GET|requirepass", NULL },
		{ "printf|PASS abc\r\n", NULL },
	};

	EXPECT(HC_MASK_BYTES, texts);
	EXPECT(HC_MASK_ARGS, args);
}

/* As reads of /proc/PID/cmdline and /proc/PID/environ have it, from any byte to any byte. */
Test(mask, entries_in_a_payload_are_arguments_and_environments, .init = make, .fini = drop)
{
	static const struct pair pairs[] = {
		{ "tool|--password|hunter2|-v|", "tool|--password|*******|-v|" },
		{ "tool|--password|two words|", "tool|--password|*********|" },
		{ "|--token|abc", "|--token|***" },
		{ "--token|abc", "--token|***" }, /* the read began here */
		{ "x|--token|ab", "x|--token|**" },
		{ "tool|--token", NULL },
		{ "tool|--token|", NULL },
		{ "tool|--token||x|", NULL },
		{ "tool|--password|--verbose|", NULL },
		{ "tool|--password-file|/run/x|", NULL },
		{ "tool|--max-idle-tokens|9|", NULL },
		{ "tool|--password=two words & more|-v|", "tool|--password=****************|-v|" },
		{ "A=b|DB_PASSWORD=x y&z|HOME=/|", "A=b|DB_PASSWORD=*****|HOME=/|" },
		{ "DB_PASSWORD=x y|", "DB_PASSWORD=***|" },
		{ "A=b|FOO_TOKEN=x y", "A=b|FOO_TOKEN=***" },
		{ "PWD=/home|SSH_AUTH_SOCK=/x|", NULL },
		{ "/usr/bin/mysql|-psecret|-u|root|", "/usr/bin/mysql|-p******|-u|root|" },
		{ "sshpass|-p|hunter2|ssh|", "sshpass|-p|*******|ssh|" },
		{ "init|curl|-u|bob:pw|mkdir|--parents|", "init|curl|-u|******|mkdir|--parents|" },
		{ "mkdir|-parents|-p|x|", NULL },
		{ "\001|\002|||curl|||-u|a|", "\001|\002|||curl|||-u|*|" },
		{ "sh|-c|tool --secret 'a b' c|", "sh|-c|tool --secret '***' c|" },
		{ "curl|-H|Authorization: Bearer abcdefgh12|", "curl|-H|Authorization: *****************|" },
		{ "X=1|URL=postgres://u:pw@h/db|", "X=1|URL=postgres://u:**@h/db|" },
		/* no NUL, no list */
		{ "password=a&user=bob", "password=*&user=bob" },
		{ "curl", NULL },
		{ "--password", NULL },
	};

	EXPECT(HC_MASK_BYTES, pairs);
}

Test(mask, tells_which_rules_took_what, .init = make, .fini = drop)
{
	struct hc_mask_hits hits;
	static const char text[] = "password=a&password=b&x=AKIAIOSFODNN7EXAMPLE";
	size_t n;

	hc_mask_apply(m, HC_MASK_BYTES, text, sizeof(text) - 1, &n, &hits);
	cr_assert_eq(n, sizeof(text) - 1);
	cr_assert_eq(hits.n, 2);
	cr_expect_str_eq(hc_mask_rule(m, hits.hit[0].rule), "name *password*");
	cr_expect_eq(hits.hit[0].count, 2);
	cr_expect_str_eq(hc_mask_rule(m, hits.hit[1].rule), "token 16 AKIA");
}

static int add(const char *text, struct hc_err *err)
{
	*err = (struct hc_err){ 0 };
	return hc_mask_add(m, "rules", text, strlen(text), err);
}

Test(mask, takes_rules_of_a_file, .init = make, .fini = drop)
{
	struct hc_err err;

	cr_assert_eq(add("# ours\n\n name *colour*\nkeep *colour_name\ntoken 4 zz-\nafter 3 open\r\noption --pin "
	                 "dialer\n",
	                 &err),
	             0, "%s", err.msg);
	cr_expect_str_eq(masked(HC_MASK_ENV, "MY_COLOUR=red"), "MY_COLOUR=***");
	cr_expect_str_eq(masked(HC_MASK_ENV, "COLOUR_NAME=red"), "COLOUR_NAME=red");
	cr_expect_str_eq(masked(HC_MASK_TEXT, "zz-1234 zz-12"), "zz-*** zz-12");
	cr_expect_str_eq(masked(HC_MASK_TEXT, "open sesame"), "open ***");
	cr_expect_str_eq(masked(HC_MASK_ARGS, "dialer|--pin|1234|--pin=56"), "dialer|--pin|***|--pin=***");
	cr_expect_str_eq(masked(HC_MASK_ARGS, "other|--pin|1234"), "other|--pin|1234");
	cr_expect_str_eq(masked(HC_MASK_BYTES, "/a/dialer|--pin|1234|"), "/a/dialer|--pin|****|");
	cr_expect_str_eq(masked(HC_MASK_ENV, "A_PASSWORD=x"), "A_PASSWORD=***");
	cr_assert_eq(
		add("word pi?-* dialer\nlast ringer,caller:ask\nvalues keeper\nstdin eater:-e\nkeep *colour=re*\n",
	            &err),
		0, "%s", err.msg);
	cr_expect_str_eq(masked(HC_MASK_ARGS, "dialer|pin-a|1|pin|2"), "dialer|pin-a|***|pin|2");
	cr_expect_str_eq(masked(HC_MASK_ARGS, "ringer|1|2|-x"), "ringer|1|2|-x");
	cr_expect_str_eq(masked(HC_MASK_ARGS, "ringer|1|2"), "ringer|1|***");
	cr_expect_str_eq(masked(HC_MASK_ARGS, "caller|tell|2"), "caller|tell|2");
	cr_expect_str_eq(masked(HC_MASK_ARGS, "caller|ask|2"), "caller|ask|***");
	cr_expect_str_eq(masked(HC_MASK_ARGS, "keeper|a=1|-b=2"), "keeper|a=***|-b=2");
	cr_expect_str_eq(masked(HC_MASK_ARGS, "eater <<< a; eater -e <<< b"), "eater <<< a; eater -e <<< ***");
	cr_expect_str_eq(masked(HC_MASK_ENV, "A_COLOUR=Red|B_COLOUR=blue"), "A_COLOUR=Red|B_COLOUR=***");
	cr_assert_eq(add("logon user-? dialer\nlogon @ ringer\nquery Pin\n", &err), 0, "%s", err.msg);
	cr_expect_str_eq(masked(HC_MASK_ARGS, "dialer|USER-A|a/b|user-b=c/d@e|f/g"),
	                 "dialer|USER-A|a/***|user-b=c/***@e|f/g");
	cr_expect_str_eq(masked(HC_MASK_ARGS, "ringer|a/b@c|a/b|d/e|f=g|-h|h/i"),
	                 "ringer|a/***@c|a/b|d/***|f=g|-h|***");
	cr_expect_str_eq(masked(HC_MASK_TEXT, "h?PIN=12&spin=3"), "h?PIN=***&spin=3");
	cr_expect(strncmp(hc_mask_text(m), "default, rules sha256=", 22) == 0);
}

Test(mask, leaves_the_defaults_out_on_request, .init = make, .fini = drop)
{
	struct hc_err err;

	cr_assert_eq(add("no-defaults\nname *colour*\n", &err), 0, "%s", err.msg);
	cr_expect_str_eq(masked(HC_MASK_ENV, "A_PASSWORD=x|COLOUR=y"), "A_PASSWORD=x|COLOUR=***");
	cr_expect(strncmp(hc_mask_text(m), "rules sha256=", 13) == 0);
}

Test(mask, says_what_is_wrong_and_where)
{
	static const struct {
		const char *text;
		unsigned line, column;
	} cases[] = {
		{ "name", 1, 5 },
		{ "\nnam *x*", 2, 1 },
		{ "name a*b", 1, 6 },
		{ "token x ghp_", 1, 7 },
		{ "token 0 ghp_", 1, 7 },
		{ "option p mysql", 1, 8 },
		{ "option -p", 1, 10 },
		{ "option -p a,:b", 1, 13 },
		{ "option -p a,b:", 1, 13 },
		{ "option -p a,,b", 1, 13 },
		{ "last", 1, 5 },
		{ "keep a=", 1, 7 },
		{ "keep =a", 1, 6 },
		{ "builtin foo", 1, 9 },
		{ "off user=x", 1, 5 },
		{ "off image=", 1, 5 },
		{ "off image=a[bc]", 1, 12 },
		{ "# c\noff namespace=shop,web", 2, 19 },
		{ "off namespace=Shop", 1, 15 },
		{ "off namespace=a0123456789012345678901234567890123456789012345678901234567890123", 1, 78 },
		{ "name *abc* more", 1, 12 },
		{ "name *abc*\nno-defaults", 2, 1 },
		{ "name *a\tbc", 1, 6 },
		{ "token 4 \xff\xff\xff", 1, 9 },
		{ "logon user", 1, 11 },
		{ "query k", 1, 7 },
		{ "query *key", 1, 7 },
		{ "query key more", 1, 11 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hc_err err;

		make();
		cr_expect_eq(add(cases[i].text, &err), -EINVAL, "%s", cases[i].text);
		cr_expect(err.line == cases[i].line && err.column == cases[i].column, "%s: %u:%u: %s",
		          cases[i].text, err.line, err.column, err.msg);
		drop();
	}
}

Test(mask, is_off_where_a_scope_says_so, .init = make, .fini = drop)
{
	struct hc_err err;
	struct hc_mask_who who = { .comm = HC_STR("vault"), .exe = HC_STR("/bin/v"), .cgroup = HC_STR("/a/bc") };

	cr_expect(!hc_mask_has_scopes(m) && hc_mask_wants(m, &who));
	cr_assert_eq(add("off cgroup=/a/b\noff comm=other\n", &err), 0, "%s", err.msg);
	cr_expect(hc_mask_wants(m, &who));
	who.cgroup = HC_STR("/a/b/c");
	cr_expect_not(hc_mask_wants(m, &who));
	hc_mask_scope_remove(m, HC_MASK_CGROUP, HC_STR("/a/b"));
	cr_expect(hc_mask_wants(m, &who));
	cr_assert_eq(hc_mask_scope_add(m, HC_MASK_CONTAINER, HC_STR("abc")), 0);
	who.container = HC_STR("abc");
	cr_expect_not(hc_mask_wants(m, &who));
}

Test(mask, is_off_for_images_and_namespaces, .init = make, .fini = drop)
{
	static const struct {
		const char *image;
		bool wanted;
	} images[] = {
		{ "registry.example/ci/runner:1", false },
		{ "registry.example/ci/", false },
		{ "registry.example/cd/runner:1", true },
		{ "Registry.example/ci/runner", true },
		{ "other/registry.example/ci/x", true },
		{ "vault-1", false },
		{ "vault_1", true },
		{ "vault-12", true },
	};
	struct hc_err err;
	struct hc_mask_who who = { .ns = HC_STR("shop") };

	cr_assert_eq(add("off image=registry.example/ci/*\noff image=vault-?\noff namespace=build\n", &err), 0,
	             "%s", err.msg);
	cr_expect(hc_mask_wants(m, &who)); /* its image is not known */
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		who.image = hc_str_c(images[i].image);
		cr_expect_eq(hc_mask_wants(m, &who), images[i].wanted, "%s", images[i].image);
	}
	who = (struct hc_mask_who){ .ns = HC_STR("build") };
	cr_expect_not(hc_mask_wants(m, &who));
	who.ns = HC_STR("build-2");
	cr_expect(hc_mask_wants(m, &who));
}

/* What looks like the beginning of a value at every step must not be looked at again and again. */
Test(mask, costs_little_more_on_hostile_text, .init = make, .fini = drop)
{
	static const char *const parts[] = { "password:",
		                             "password=\"",
		                             "a://b:",
		                             "-----BEGIN PRIVATE KEY-----",
		                             "eyJ.eyJ.",
		                             "--token ",
		                             "ghp_",
		                             "bearer ",
		                             "passwordtoken",
		                             "\\\"",
		                             "a|",
		                             "curl|-u|",
		                             "--token|a|",
		                             "|--token",
		                             "A_TOKEN=|",
		                             "mysql -pa\\\" ",
		                             "mysql -p'",
		                             "curl -u $\"",
		                             "curl -u \" '",
		                             "curl -u --password=a ",
		                             "\"name\":\"password\",",
		                             "{\"name\":\"token\" ",
		                             "<password>",
		                             "x:password>",
		                             "a://b:c/",
		                             "echo ",
		                             "echo a ^ chpasswd ",
		                             "chpasswd <<A ",
		                             "chpasswd <<A\n",
		                             "htpasswd -b a' ",
		                             "htpasswd|-b|",
		                             "htpasswd -b a\\\" ",
		                             "password by '",
		                             "\"auth\\\":",
		                             "?key=\"",
		                             "sqlplus a/",
		                             "exp a/b ",
		                             "exp|a/b|",
		                             "machine a login b password ",
		                             "login password\\n",
		                             "\npass ",
		                             "user a\npass \"",
		                             "a1 login \" \"\\\r\n",
		                             "auth login\r\n",
		                             "AUTH PLAIN\r\na",
		                             "*2\r\n$4\r\nauth\r\n$9999999\r\n",
		                             "\r\npassword\r\n$0\r\n" };
	const size_t bytes = 1 << 20;
	char *text = malloc(bytes);
	struct hc_mask_hits hits;
	struct timespec from, to;
	size_t got;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t len = strlen(parts[i]);

		for (size_t at = 0; at < bytes; at++)
			text[at] = parts[i][at % len] == '|'   ? '\0'
			           : parts[i][at % len] == '^' ? '|'
			                                       : parts[i][at % len];
		for (int form = HC_MASK_ARGS; form <= HC_MASK_BYTES; form++) {
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
			cr_assert_not_null(hc_mask_apply(m, form, text, bytes, &got, &hits));
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
			cr_expect_leq(to.tv_sec - from.tv_sec, 2, "%s", parts[i]);
		}
	}
	free(text);
}
