#!/usr/bin/env bash
# healthy.sh PORT PATH: whether that page says 200. In bash itself: to start a Python for it every three seconds, in eight
# containers, would cost a part of the core that is measured.
exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
printf 'GET %s HTTP/1.0\r\n\r\n' "$2" >&3
read -r -t 2 _ status _ <&3
[ "$status" = 200 ]
