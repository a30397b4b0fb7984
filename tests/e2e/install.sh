# make install puts everything in its place below DESTDIR and PREFIX, and what it put there works.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
DESTDIR=$PWD/root cmake --install "$HC_BUILD_DIR" --prefix /opt/hc >log
prefix=$PWD/root/opt/hc

[ "$("$prefix/bin/hindcast" version)" = "$(hindcast version)" ] || fail "the installed binary does not run"
for command in $(hindcast help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
	[ -s "$prefix/share/man/man1/hindcast-$command.1" ] || fail "no manual page of $command"
done
[ -s "$prefix/share/man/man1/hindcast.1" ] || fail "no manual page"
for file in bash-completion/completions/hindcast zsh/site-functions/_hindcast fish/vendor_completions.d/hindcast.fish; do
	[ -s "$prefix/share/$file" ] || fail "no $file"
done
units=$prefix/lib/systemd/system
grep -qx 'ExecStart=/opt/hc/bin/hindcast record -o /var/lib/hindcast' "$units/hindcast-record.service" || fail "the unit of record"
grep -qx 'ExecStart=/opt/hc/bin/hindcast recorder' "$units/hindcast.service" || fail "the unit of the recorder"
# for each of these systemd refuses a call that the recorder needs: openat2, adjtimex
! grep -E '^(RestrictSUIDSGID|ProtectClock)=' "$units"/*.service || fail "the units keep the recorder from what it needs"
"$prefix/bin/hindcast" recorder --check-config --config "$prefix/share/doc/hindcast/examples/recorder.yaml" || fail "the example configuration"
if ls "$HC_SOURCE_DIR"/policies/*/*.yaml "$HC_SOURCE_DIR"/policies/*.yaml >/dev/null 2>&1; then
	find "$prefix/share/hindcast/policies" -name '*.yaml' | grep -q . || fail "no policies"
fi
# The tests of the policies are there, and find them.
hindcast test --list "$prefix/share/hindcast/tests/detect" | grep -q ': Shell started by a web server$' || fail "no tests of the policies"
[ -d "$prefix/share/hindcast/tests/detect/../../policies/falco" ] || fail "the tests do not find the policies"
[ -x "$prefix/share/hindcast/tests/detect/quiet.sh" ] || fail "the scripts of the tests are not there"
! find root -name '*.a' -o -name '*.h' | grep . || fail "headers or libraries of ours are installed"
if command -v systemd-analyze >/dev/null; then
	# It wants the binary where the unit says: in a copy, somewhere else.
	for unit in hindcast hindcast-record; do
		sed "s#^ExecStart=[^ ]*#ExecStart=$HINDCAST#" "$units/$unit.service" >"$unit.service"
		systemd-analyze verify --man=no "./$unit.service" 2>verify || true
		expect_no_match "$unit.service" verify
	done
fi
