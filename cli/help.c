/* --help and the list of commands, from the tables. */
#include "cmd.h"

#include <string.h>

#define HELP_COLUMNS 80

/* Prints text wrapped at words; `col` is where the cursor is, continuation lines start at `indent`. */
static void wrap(FILE *f, const char *text, int col, int indent)
{
	while (*text) {
		int len = (int)strcspn(text, " \n");

		if (col > indent && col + 1 + len > HELP_COLUMNS) {
			fprintf(f, "\n%*s", indent, "");
			col = indent;
		} else if (col > indent) {
			fputc(' ', f);
			col++;
		}
		fprintf(f, "%.*s", len, text);
		col += len;
		text += len;
		if (text[0] == '\n' && text[1] == '\n') {
			fprintf(f, "\n\n%*s", indent, "");
			col = indent;
		}
		text += strspn(text, " \n");
	}
	fputc('\n', f);
}

/* The end of the first piece of a synopsis: what stays on one line, an option with its value or what is in
 * brackets. */
static int piece(const char *p)
{
	int depth = 0, len = 0;

	while (p[len] && (depth || p[len] != ' ' || !p[len + 1] || !strchr("[-|", p[len + 1]))) {
		depth += (p[len] == '[') - (p[len] == ']');
		len++;
	}
	return len;
}

static void print_usage(FILE *f, const struct hc_command *cmd)
{
	const int indent = 4;
	int col = fprintf(f, "usage: hindcast %s", cmd->name);

	for (const char *p = cmd->args; *p;) {
		int len = piece(p);

		if (col > indent && col + 1 + len > HELP_COLUMNS) {
			fprintf(f, "\n%*s", indent, "");
			col = indent;
		} else {
			fputc(' ', f);
			col++;
		}
		col += fprintf(f, "%.*s", len, p);
		p += len + (p[len] == ' ');
	}
	fputc('\n', f);
}

static void print_opt(FILE *f, const struct hc_opt *opt)
{
	const int help_col = 28;
	int col = 0;

	if (opt->letter)
		col += fprintf(f, "  -%c, --%s", opt->letter, opt->name);
	else
		col += fprintf(f, "      --%s", opt->name);
	if (opt->value)
		col += fprintf(f, " %s", opt->value);
	if (col + 2 > help_col) {
		fprintf(f, "\n");
		col = 0;
	}
	fprintf(f, "%*s", help_col - col, "");
	wrap(f, opt->help, help_col, help_col);
	if (opt->kind == HC_OPT_CHOICE)
		fprintf(f, "%*sone of: %s\n", help_col, "", opt->words);
}

void hc_help_print(FILE *f, const struct hc_command *cmd)
{
	print_usage(f, cmd);
	fputc('\n', f);
	wrap(f, cmd->description, 0, 0);
	fprintf(f, "\nOptions:\n");
	for (const struct hc_opt *opt = cmd->opts; opt && opt->name; opt++)
		print_opt(f, opt);
	fprintf(f, "  -h, --help                print this text\n");
	if (cmd->examples) {
		fprintf(f, "\nExamples:\n");
		for (const struct hc_example *e = cmd->examples; e->command; e++)
			fprintf(f, "  %s\n      %s\n", e->what, e->command);
	}
	if (cmd->exit_notes) {
		fprintf(f, "\nExit code:\n  ");
		wrap(f, cmd->exit_notes, 2, 2);
	}
}

void hc_help_list(FILE *f)
{
	fprintf(f, "usage: hindcast COMMAND [OPTION...] [ARGUMENT...]\n\n"
	           "Records what a Linux node's kernel did, replays detection rules over it, answers SQL about "
	           "it.\n\n");
	for (const struct hc_command *const *cmd = hc_commands; *cmd; cmd++) {
		if (!(*cmd)->hidden)
			fprintf(f, "  %-12s%s\n", (*cmd)->name, (*cmd)->summary);
	}
	fprintf(f, "\nhindcast COMMAND --help explains one command.\n");
}
