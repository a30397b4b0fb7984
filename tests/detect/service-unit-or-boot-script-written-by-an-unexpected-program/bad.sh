#!/bin/bash
# A unit, in an /etc of the test's own; and one of a user.
. "$(dirname "$0")/../lib.sh"

own --mount
cover /etc
mkdir -p /etc/systemd/system home/.config/systemd/user
echo "[Service]" >/etc/systemd/system/updater.service
echo "[Service]" >home/.config/systemd/user/updater.service
