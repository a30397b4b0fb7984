#!/bin/bash
# The PHP runtime stores an upload and a compiled template; a person installs a script.
. "$(dirname "$0")/../lib.sh"

server php-fpm8.2
mkdir -p www/cache
./php-fpm8.2 -c ": >www/photo.jpg; : >www/cache/page.php"
: >www/index.php
