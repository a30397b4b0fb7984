# What the running recorder may still do, who may read what it writes, and that reading needs no privilege.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command setpriv

# value CAPTURE QUERY: the query's only value
value() { hindcast query "$1" "$2" --csv 2>/dev/null | tail -n +2 | tr -d '\r'; }
status() { sed -n "s/^$1:[[:space:]]*//p" "$2"; }

# the command sees the recorder, its parent, at work; it has itself what it was given
cp /bin/true small
cat >script <<'END'
sleep 1
cat /proc/$PPID/status >recorder
cat /proc/self/status >command
./small
setpriv --reuid 65534 --clear-groups --regid 65534 sleep "$1"
END
hindcast record -o cap --hash-exe -- sh script 100.$$ >/dev/null 2>err &
pid=$!
within 30 eval '[ -s command ] && pgrep -P $pid >/dev/null && pgrep -u 65534 -fx "sleep 100.$$" >/dev/null' || fail "the command does not come"
kill -INT $pid # and the command, another user by now, is ended with it
wait $pid || { cat err >&2; fail "the recorder failed"; }
[ "$(status CapEff recorder)" = 0000000000080024 ] || fail "effective: $(status CapEff recorder)" # dac_read_search, kill, sys_ptrace
[ "$(status CapPrm recorder)" = 0000000000080024 ] || fail "permitted: $(status CapPrm recorder)"
[ "$(status CapBnd recorder)" = 0000000000000000 ] || fail "bounding: $(status CapBnd recorder)"
[ "$(status CapInh recorder)$(status CapAmb recorder)" = 00000000000000000000000000000000 ] || fail "inheritable or ambient"
[ "$(status NoNewPrivs recorder)" = 1 ] || fail "new privileges are possible"
[ "$(status Seccomp recorder)" = 2 ] || fail "no filter"
for name in CapEff CapPrm CapBnd NoNewPrivs Seccomp; do
	[ "$(status $name command)" = "$(status $name /proc/self/status)" ] || fail "the command's $name is not its own"
done
[ "$(value cap "SELECT privileges FROM meta_config LIMIT 1")" = \
	'["bounding empty","capabilities dac_read_search,kill,sys_ptrace","no_new_privs","seccomp"]' ] ||
	[ "$(value cap "SELECT count(*) FROM meta_config WHERE privileges LIKE '%dac_read_search,kill,sys_ptrace%'")" -gt 0 ] ||
	fail "meta_config says: $(value cap "SELECT privileges FROM meta_config LIMIT 1")"
hindcast verify cap >/dev/null || fail "the capture does not verify"
hash=$(sha256sum <small) hash=${hash%% *}
[ "$(value cap "SELECT lower(proc_after_sha256) FROM proc_exec WHERE proc_after_exe = '$PWD/small'")" = "$hash" ] ||
	fail "nothing was hashed"
# without a command there is nobody to end
hindcast record -q -o plain --for 300ms
expect_match 'capabilities dac_read_search,sys_ptrace"' <(value plain "SELECT privileges FROM meta_config")

# the owner alone ...
[ -z "$(find cap -type d ! -perm 700 -o -type f ! -perm 600)" ] || fail "others may read: $(find cap -perm /077)"
chmod 755 . ..
unprivileged() { setpriv --reuid 65534 --regid 65534 "$@" </dev/null; }
expect_exit 4 unprivileged --clear-groups "$HINDCAST" info cap >out 2>err
expect_match '^  a recording can be read by who made it, and by the group that --group gave it to$' err
# ... or a group too, whatever the umask is; also what comes later
(umask 077 && hindcast record -q -o shared --group daemon --for 300ms)
hindcast record -q -o shared -- true # on a machine that does nothing else, too, there is an event
rm shared/index.db*
hindcast reindex shared >/dev/null
[ -z "$(find shared -type d ! -perm 2750 -o -type f ! -perm 640 -o ! -group daemon)" ] || { ls -lR shared >&2; fail "modes"; }
refused() { expect_exit 2 hindcast record -o new --group "$1" --for 1s 2>err; expect_match "no group '$1'" err; }
refused no-such-group
# readers need nothing but to be let in: as a member of the group, and with a copy of their own
for command in "info" "verify" "events" "query" "replay -p $HC_SOURCE_DIR/policies/falco"; do
	set -- $command
	name=$1
	shift
	args=("$@")
	[ "$name" = query ] && args=(-c)
	case $name in
	query) unprivileged --groups 1 "$HINDCAST" query shared "SELECT count(*) FROM events" >out 2>err ;;
	*) unprivileged --groups 1 "$HINDCAST" "$name" "${args[@]}" shared >out 2>err ;;
	esac || { cat err >&2; fail "$name as a member of the group: $?"; }
	[ -s out ] || [ "$name" = replay ] || fail "$name said nothing"
done
cp -r cap copy
chown -R 65534:65534 copy
unprivileged --clear-groups "$HINDCAST" verify copy >out || fail "verify of a copy"
unprivileged --clear-groups "$HINDCAST" query copy "SELECT count(*) FROM proc_exec" >out || fail "query of a copy"
expect_match '[1-9]' out
echo ok
