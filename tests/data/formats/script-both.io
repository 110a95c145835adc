Script started on 2026-11-24 18:23:35+00:00 [TERM="xterm" TTY="/dev/pts/0" COLUMNS="80" LINES="24"]
$ echo a
echo a
a
$ printf 'Password: '; stty -echo; read x; stty echo; echo
printf 'Password: '; stty -echo; read x; stty echo; echo
Password: hunter2

$ kill -USR1 $PPID 2>/dev/null; exit 3
kill -USR1 $PPID 2>/dev/null; exit 3

Script done on 2026-11-24 18:23:36+00:00 [COMMAND_EXIT_CODE="3"]
