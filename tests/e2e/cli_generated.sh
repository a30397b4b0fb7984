# What is made from the tables: every command has a manual page that groff accepts, and completions that shells accept.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
mkdir man
hindcast man -o man
commands=$(hindcast help | sed -n 's/^  \([a-z]*\) .*/\1/p')
[ -n "$commands" ] || fail "no commands"
for command in $commands; do
	page=man/hindcast-$command.1
	[ -s "$page" ] || fail "no page for $command"
	hindcast man "$command" | cmp - "$page"
	for section in NAME SYNOPSIS DESCRIPTION OPTIONS "EXIT STATUS"; do
		grep -qx ".SH $section" "$page" || fail "$page: no section $section"
	done
	# Each long option of --help is in the page and in all completions.
	for option in $(hindcast "$command" --help | sed -n 's/^ .*--\([a-z0-9-]*\).*/\1/p' | grep -v '^help$'); do
		grep -q -- "\\\\-\\\\-${option//-/\\\\-}" "$page" || fail "$page: no --$option"
		hindcast completion bash | grep -q -- "--$option" || fail "bash: no --$option"
		hindcast completion zsh | grep -q -- "--$option" || fail "zsh: no --$option"
		hindcast completion fish | grep -q -- "-l $option" || fail "fish: no --$option"
	done
	! grep -nE "^[.']" "$page" | grep -vE ':\.(TH|SH|TP|PP|IP|BR|RS|RE|nf|fi)( |$)' || fail "$page: a line that looks like a request"
done
if command -v groff >/dev/null; then
	for page in man/*.1; do
		groff -man -Tascii -ww "$page" 2>&1 >/dev/null | tee warnings
		[ ! -s warnings ] || fail "$page: groff warns"
	done
fi

hindcast completion bash >c.bash
bash -n c.bash
# Ask bash itself: what it offers after "hindcast v", and after "hindcast completion ".
offers() {
	bash -c '. ./c.bash; compopt() { :; }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _hindcast; printf "%s\n" "${COMPREPLY[@]}"' - "$@"
}
[ "$(offers hindcast versi)" = version ] || fail "bash does not complete 'versi'"
[ "$(offers hindcast completion '' | tr '\n' ' ')" = "bash zsh fish " ] || fail "bash does not offer the shells"
[ "$(offers hindcast capture --json st | tr '\n' ' ')" = "start stop " ] || fail "bash does not offer what captures can do"
[ -z "$(offers hindcast capture stop st)" ] || fail "bash offers an operation where a name stands"
command -v zsh >/dev/null && { hindcast completion zsh >c.zsh; zsh -n c.zsh; }
command -v fish >/dev/null && { hindcast completion fish >c.fish; fish -n c.fish; }
true
