/* Manual pages, straight as roff: no other tool is needed to build them, and they cannot disagree with --help. */
#include "cmd.h"

#include <ctype.h>
#include <string.h>

/* Text in running roff: '-' as the minus that can be copied, '\' as itself, no line that looks like a request. */
static void roff(FILE *f, const char *text)
{
	bool line_start = true;

	for (; *text; text++) {
		if (line_start && (*text == '.' || *text == '\''))
			fputs("\\&", f);
		line_start = *text == '\n';
		if (*text == '\\')
			fputs("\\e", f);
		else if (*text == '-')
			fputs("\\-", f);
		else if (*text == '\n' && text[1] == '\n') {
			fputs("\n.PP\n", f);
			text += strspn(text, "\n") - 1;
		} else
			fputc(*text, f);
	}
}

/* Arguments as in the synopsis: words in capitals are what the user replaces. */
static void roff_args(FILE *f, const char *args)
{
	while (*args) {
		size_t n = 0;

		while (isupper((unsigned char)args[n]) ||
		       (n && (args[n] == '_' || isdigit((unsigned char)args[n]))))
			n++;
		if (n) {
			fprintf(f, "\\fI%.*s\\fR", (int)n, args);
			args += n;
			continue;
		}
		if (*args == '-')
			fputs("\\-", f);
		else
			fputc(*args, f);
		args++;
	}
}

static void title(FILE *f, const char *name)
{
	fputs(".TH HINDCAST", f);
	if (name)
		fputc('-', f);
	for (; name && *name; name++)
		fputc(toupper((unsigned char)*name), f);
	fprintf(f, " 1 \"\" \"hindcast %s\" \"Hindcast\"\n", HC_VERSION);
}

static void options(FILE *f, const struct hc_command *cmd)
{
	fputs(".SH OPTIONS\n", f);
	for (const struct hc_opt *opt = cmd->opts; opt && opt->name; opt++) {
		fputs(".TP\n", f);
		if (opt->letter)
			fprintf(f, "\\fB\\-%c\\fR, ", opt->letter);
		fputs("\\fB\\-\\-", f);
		roff(f, opt->name);
		fputs("\\fR", f);
		if (opt->value) {
			fputs(" \\fI", f);
			roff(f, opt->value);
			fputs("\\fR", f);
		}
		fputc('\n', f);
		roff(f, opt->help);
		fputs(".\n", f);
		if (opt->kind == HC_OPT_CHOICE) {
			fputs("One of: ", f);
			for (const char *c = opt->words; *c; c++)
				fputs(*c == '|' ? ", " : (char[]){ *c, 0 }, f);
			fputs(".\n", f);
		}
	}
	fputs(".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nprint a short help.\n", f);
}

static void exit_status(FILE *f, const char *notes)
{
	fputs(".SH EXIT STATUS\n", f);
	if (notes) {
		roff(f, notes);
		fputs("\n.PP\n", f);
	}
	fputs("The same in all commands, the highest of 1 to 4 that applies:\n"
	      ".IP 0 4\ndone\n"
	      ".IP 1 4\ndone, and the check asked for found something\n"
	      ".IP 2 4\nbad command line, SQL, filter or policy\n"
	      ".IP 3 4\ncapture damaged or incomplete\n"
	      ".IP 4 4\nrefused by the system\n"
	      ".IP 130 4\ninterrupted\n",
	      f);
}

static void command_page(FILE *f, const struct hc_command *cmd)
{
	title(f, cmd->name);
	fprintf(f, ".SH NAME\nhindcast\\-%s \\- ", cmd->name);
	roff(f, cmd->summary);
	fprintf(f, "\n.SH SYNOPSIS\n\\fBhindcast %s\\fR ", cmd->name);
	roff_args(f, cmd->args);
	fputs("\n.SH DESCRIPTION\n", f);
	roff(f, cmd->description);
	fputc('\n', f);
	options(f, cmd);
	if (cmd->examples) {
		fputs(".SH EXAMPLES\n", f);
		for (const struct hc_example *e = cmd->examples; e->command; e++) {
			fputs(".PP\n", f);
			roff(f, e->what);
			fputs(":\n.PP\n.RS 4\n.nf\n", f);
			roff(f, e->command);
			fputs("\n.fi\n.RE\n", f);
		}
	}
	exit_status(f, cmd->exit_notes);
	fputs(".SH SEE ALSO\n.BR hindcast (1)\n", f);
}

static void main_page(FILE *f)
{
	title(f, NULL);
	fputs(".SH NAME\nhindcast \\- forensic record and replay for Linux nodes\n"
	      ".SH SYNOPSIS\n\\fBhindcast\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]\n"
	      ".SH DESCRIPTION\n"
	      "Hindcast records what the kernel of a node did, keeps it small on disk, and later answers which "
	      "detection\n"
	      "rules would have fired on it, and what SQL asks of it.\n"
	      ".SH COMMANDS\n",
	      f);
	for (const struct hc_command *const *cmd = hc_commands; *cmd; cmd++) {
		if ((*cmd)->hidden)
			continue;
		fputs(".TP\n.BR hindcast\\-", f);
		roff(f, (*cmd)->name);
		fputs(" (1)\n", f);
		roff(f, (*cmd)->summary);
		fputs(".\n", f);
	}
	fputs(".SH VALUES\n"
	      "A \\fISIZE\\fR has a unit: 512B, 4KiB, 64MiB, 1GiB, or kB, MB, GB in thousands.\n"
	      "A \\fIDURATION\\fR too: 250ms, 10s, 5m, 1h30m, 7d.\n"
	      "A \\fITIME\\fR is RFC 3339 with its zone (2024\\-05\\-01T12:00:00Z), @SECONDS[.FRACTION] since "
	      "1970, or\n"
	      "\\-DURATION: before now.\n",
	      f);
	exit_status(f, NULL);
	fputs(".SH SEE ALSO\n", f);
	for (const struct hc_command *const *cmd = hc_commands; *cmd; cmd++) {
		if (!(*cmd)->hidden)
			fprintf(f, ".BR hindcast\\-%s (1)%s\n", (*cmd)->name, cmd[1] ? "," : "");
	}
}

void hc_man_print(FILE *f, const struct hc_command *cmd)
{
	if (cmd)
		command_page(f, cmd);
	else
		main_page(f);
}
