/* Shell completions from the tables: commands, long options, words of choices, files and directories. */
#include "cmd.h"

#include <errno.h>
#include <string.h>

/* Text inside '...' of any of the three shells. A quote is left out: none of our texts needs one. */
static void quoted(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (*text != '\'')
			fputc(*text, f);
	}
}

static void spaced_words(FILE *f, const char *words)
{
	for (; *words; words++)
		fputc(*words == '|' ? ' ' : *words, f);
}

static void bash_value(FILE *f, const struct hc_opt *opt)
{
	if (opt->kind == HC_OPT_CHOICE) {
		fputs("COMPREPLY=($(compgen -W '", f);
		spaced_words(f, opt->words);
		fputs("' -- \"$cur\"))", f);
	} else if (opt->complete == HC_COMPLETE_FILE)
		fputs("compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))", f);
	else if (opt->complete == HC_COMPLETE_DIR)
		fputs("compopt -o filenames; COMPREPLY=($(compgen -d -- \"$cur\"))", f);
	else
		fputs(":", f);
}

static void bash_command(FILE *f, const struct hc_command *cmd)
{
	fprintf(f, "\t%s)\n\t\tcase $prev in\n", cmd->name);
	for (const struct hc_opt *opt = cmd->opts; opt && opt->name; opt++) {
		if (opt->kind == HC_OPT_FLAG)
			continue;
		fprintf(f, "\t\t--%s", opt->name);
		if (opt->letter)
			fprintf(f, "|-%c", opt->letter);
		fputs(") ", f);
		bash_value(f, opt);
		fputs("; return ;;\n", f);
	}
	fputs("\t\tesac\n\t\topts='--help", f);
	for (const struct hc_opt *opt = cmd->opts; opt && opt->name; opt++)
		fprintf(f, " --%s", opt->name);
	fputs("'\n", f);
	if (strcmp(cmd->name, "help") == 0)
		fputs("\t\twords=$commands\n", f);
	if (cmd->words) {
		fputs("\t\twords='", f);
		spaced_words(f, cmd->words);
		fputs("'\n", f);
	}
	if (cmd->complete == HC_COMPLETE_FILE)
		fputs("\t\tkind=-f\n", f);
	else if (cmd->complete == HC_COMPLETE_DIR)
		fputs("\t\tkind=-d\n", f);
	else if (cmd->complete == HC_COMPLETE_COMMAND)
		fputs("\t\tkind=-c\n", f);
	fputs("\t\t;;\n", f);
}

static void bash(FILE *f)
{
	fputs("# bash completion for hindcast\n"
	      "_hindcast()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} opts= words= kind=\n"
	      "\tlocal commands='",
	      f);
	for (const struct hc_command *const *cmd = hc_commands; *cmd; cmd++) {
		if (!(*cmd)->hidden)
			fprintf(f, "%s%s", cmd == hc_commands ? "" : " ", (*cmd)->name);
	}
	fputs("'\n\tCOMPREPLY=()\n"
	      "\tif [ \"$COMP_CWORD\" = 1 ]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"$commands --help --version\" -- \"$cur\"))\n\t\treturn\n\tfi\n"
	      "\tcase ${COMP_WORDS[1]} in\n",
	      f);
	for (const struct hc_command *const *cmd = hc_commands; *cmd; cmd++) {
		if (!(*cmd)->hidden)
			bash_command(f, *cmd);
	}
	fputs("\tesac\n"
	      "\tif [[ $cur == -* ]]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"$opts\" -- \"$cur\"))\n"
	      "\telif [ -n \"$words\" ]; then\n"
	      "\t\tfor prev in \"${COMP_WORDS[@]:2:COMP_CWORD-2}\"; do\n"
	      "\t\t\t[[ \" $words \" == *\" $prev \"* ]] && return\n"
	      "\t\tdone\n"
	      "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	      "\telif [ -n \"$kind\" ]; then\n"
	      "\t\tcompopt -o filenames\n"
	      "\t\tCOMPREPLY=($(compgen $kind -- \"$cur\"))\n"
	      "\tfi\n}\n"
	      "complete -F _hindcast hindcast\n",
	      f);
}

/* Text inside an _arguments description: colons and brackets end it. */
static void zsh_text(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (strchr("[]:\\", *text))
			fputc('\\', f);
		if (*text != '\'')
			fputc(*text, f);
	}
}

static void zsh_action(FILE *f, enum hc_complete complete)
{
	if (complete == HC_COMPLETE_FILE)
		fputs("_files", f);
	else if (complete == HC_COMPLETE_DIR)
		fputs("_files -/", f);
	else if (complete == HC_COMPLETE_COMMAND)
		fputs("_normal", f);
	else
		fputc(' ', f);
}

static void zsh_opt(FILE *f, const struct hc_opt *opt, bool letter)
{
	fputs("\t\t\t'", f);
	if (opt->kind == HC_OPT_STRS)
		fputc('*', f);
	if (letter)
		fprintf(f, "-%c", opt->letter);
	else
		fprintf(f, "--%s", opt->name);
	fputs(opt->kind == HC_OPT_FLAG || letter ? "" : "=", f);
	fputc('[', f);
	zsh_text(f, opt->help);
	fputc(']', f);
	if (opt->kind != HC_OPT_FLAG) {
		fputc(':', f);
		zsh_text(f, opt->value);
		fputc(':', f);
		if (opt->kind == HC_OPT_CHOICE) {
			fputc('(', f);
			spaced_words(f, opt->words);
			fputc(')', f);
		} else
			zsh_action(f, opt->complete);
	}
	fputs("' \\\n", f);
}

static void zsh_command(FILE *f, const struct hc_command *cmd)
{
	fprintf(f, "\t\t%s)\n\t\t\t_arguments -s -S \\\n\t\t\t'(- *)'{-h,--help}'[print a short help]' \\\n",
	        cmd->name);
	for (const struct hc_opt *opt = cmd->opts; opt && opt->name; opt++) {
		if (opt->letter)
			zsh_opt(f, opt, true);
		zsh_opt(f, opt, false);
	}
	if (cmd->words) {
		fputs("\t\t\t'1:operand:(", f);
		spaced_words(f, cmd->words);
		fputs(")' \\\n", f);
	}
	fputs("\t\t\t'*::operand:", f);
	zsh_action(f, cmd->complete);
	fputs("'\n\t\t\t;;\n", f);
}

static void zsh(FILE *f)
{
	fputs("#compdef hindcast\n"
	      "_hindcast()\n{\n"
	      "\tlocal state line\n\tlocal -a commands\n\tcommands=(\n",
	      f);
	for (const struct hc_command *const *cmd = hc_commands; *cmd; cmd++) {
		if ((*cmd)->hidden)
			continue;
		fprintf(f, "\t\t'%s:", (*cmd)->name);
		quoted(f, (*cmd)->summary);
		fputs("'\n", f);
	}
	fputs("\t)\n"
	      "\t_arguments -C '1:command:->command' '*::argument:->argument'\n"
	      "\tcase $state in\n"
	      "\tcommand) _describe command commands ;;\n"
	      "\targument)\n\t\tcase $line[1] in\n",
	      f);
	for (const struct hc_command *const *cmd = hc_commands; *cmd; cmd++) {
		if (!(*cmd)->hidden)
			zsh_command(f, *cmd);
	}
	fputs("\t\tesac\n\t\t;;\n\tesac\n}\n_hindcast \"$@\"\n", f);
}

static void fish_command(FILE *f, const struct hc_command *cmd)
{
	for (const struct hc_opt *opt = cmd->opts; opt && opt->name; opt++) {
		fprintf(f, "complete -c hindcast -n '__fish_seen_subcommand_from %s' -l %s", cmd->name, opt->name);
		if (opt->letter)
			fprintf(f, " -s %c", opt->letter);
		if (opt->kind == HC_OPT_CHOICE) {
			fputs(" -x -a '", f);
			spaced_words(f, opt->words);
			fputc('\'', f);
		} else if (opt->complete == HC_COMPLETE_FILE)
			fputs(" -r -F", f);
		else if (opt->complete == HC_COMPLETE_DIR)
			fputs(" -x -a '(__fish_complete_directories)'", f);
		else if (opt->kind != HC_OPT_FLAG)
			fputs(" -x", f);
		fputs(" -d '", f);
		quoted(f, opt->help);
		fputs("'\n", f);
	}
	if (cmd->words) {
		fprintf(f,
		        "complete -c hindcast -n '__fish_seen_subcommand_from %s; and not "
		        "__fish_seen_subcommand_from ",
		        cmd->name);
		spaced_words(f, cmd->words);
		fputs("' -a '", f);
		spaced_words(f, cmd->words);
		fputs("'\n", f);
	} else if (cmd->complete == HC_COMPLETE_FILE)
		fprintf(f, "complete -c hindcast -n '__fish_seen_subcommand_from %s' -F\n", cmd->name);
	else if (cmd->complete == HC_COMPLETE_DIR)
		fprintf(f,
		        "complete -c hindcast -n '__fish_seen_subcommand_from %s' -a "
		        "'(__fish_complete_directories)'\n",
		        cmd->name);
}

static void fish(FILE *f)
{
	fputs("# fish completion for hindcast\ncomplete -c hindcast -f\n"
	      "complete -c hindcast -s h -l help -d 'print a short help'\n",
	      f);
	for (const struct hc_command *const *cmd = hc_commands; *cmd; cmd++) {
		if ((*cmd)->hidden)
			continue;
		fprintf(f, "complete -c hindcast -n __fish_use_subcommand -a %s -d '", (*cmd)->name);
		quoted(f, (*cmd)->summary);
		fputs("'\n", f);
		fish_command(f, *cmd);
	}
}

int hc_completion_print(FILE *f, const char *shell)
{
	if (strcmp(shell, "bash") == 0)
		bash(f);
	else if (strcmp(shell, "zsh") == 0)
		zsh(f);
	else if (strcmp(shell, "fish") == 0)
		fish(f);
	else
		return -EINVAL;
	return 0;
}
