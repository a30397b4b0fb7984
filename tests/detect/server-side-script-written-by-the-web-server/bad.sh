#!/bin/bash
# The PHP runtime plants a script.
. "$(dirname "$0")/../lib.sh"

server php-fpm8.2
mkdir -p www
./php-fpm8.2 -c ": >www/shell.php"
