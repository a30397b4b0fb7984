# Texts of calls, of each length around those at which another way records them, and opens of one file over and over: each row has what
# was passed, and what it led to.
. "$HC_SOURCE_DIR/tests/e2e/lib.sh"
need_live
need_command python3
[ "$(uname -m)" = x86_64 ] || skip "the calls are made by their x86-64 numbers"

act=$HC_SOURCE_DIR/tests/e2e/record_names.py
mkdir area
(cd area && hindcast record -q -o ../cap --profile full --ring-size 64MiB -- python3 "$act" provoke ../made)
python3 "$act" check cap made "$PWD/area"
