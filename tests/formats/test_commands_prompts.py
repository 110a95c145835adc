"""What looks like a prompt, which lines go on, and what shells would still wait for."""

import pytest

from sessions_app.formats.commands import prompts
from sessions_app.formats.commands.shell_syntax import is_incomplete

STRONG = [
    "user@host:~$ ",
    "[root@web01 etc]# ",
    "bash-5.2$ ",
    "sh-4.4#",
    "\u276f ",
    "➜  src git:(main) ✗ ",
    "➜  ~ ",
    "~/proj λ ",
    "└─$ ",
    "PS C:\\Users\\me> ",
    "[12:00:01] /srv # ",
    "Password: user@host:~$ ",
]
WEAK = ["$ ", "# ", "% ", "bastion# ", "router1#", "switch>", ">>> ", "... ", "db=# ", "mysql> "]
NONE = [
    "",
    "Password: ",
    "Enter token # ",
    "Continue? [y/N] ",
    "45%",
    "<html>",
    "done.",
    "x" * 400 + "$ ",
]


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        *((text, "strong") for text in STRONG),
        *((text, "weak") for text in WEAK),
        *((text, "none") for text in NONE),
    ],
)
def test_shapes(text: str, shape: str) -> None:
    assert prompts.shape(text) == shape


@pytest.mark.parametrize(
    ("text", "is_open"),
    [
        ("ls -l", False),
        ("echo 'a", True),
        ("echo 'a\nb'", False),
        ('echo "it\'s"', False),
        ('echo "a \\" b"', False),
        ("for i in 1 2", True),
        ("for i in 1 2; do", True),
        ('for i in 1 2\ndo echo "n $i"', True),
        ("for i in 1 2; do echo $i; done", False),
        ("while true; do sleep 1; done", False),
        ("if true; then echo fi", True),
        ("if true; then echo x; fi", False),
        ("case $x in", True),
        ("case $x in a) b;; esac", False),
        ("f() {", True),
        ("f() { echo x; }", False),
        ("(cd /tmp", True),
        ("ls |", True),
        ("ls | wc", False),
        ("true &&", True),
        ("sleep 1 &", False),
        ("echo \\", True),
        ("cat <<EOF", True),
        ("cat <<EOF\nfor x", True),
        ("cat <<EOF\nfor x\nEOF", False),
        ("cat <<-'E O'\n\tx\n\tE O", False),
        ("cat <<< word", False),
        ("echo $((1<<2))", False),
        ("echo '<<EOF'", False),
        ("echo done # if", False),
        ("echo do", False),
        ("grep for file", False),
    ],
)
def test_open_constructs(text: str, *, is_open: bool) -> None:
    assert is_incomplete(text) is is_open


@pytest.mark.parametrize(
    ("prompt", "before", "text", "goes_on"),
    [
        ("> ", "me@box:~$ ", "cat <<EOF", True),
        ("> ", "me@box:~$ ", "node", False),
        ("> ", "> ", "1+1", False),
        ("for> ", "box% ", "for i in 1 2", True),
        ("dquote> ", "box% ", 'echo "a', True),
        ("... ", ">>> ", "def f():", True),
        ("db-# ", "db=# ", "select", True),
        ("db=# ", "db=# ", "select 1;", False),
        ("    -> ", "mysql> ", "select", True),
        ("me@box:~$ ", "me@box:~$ ", "echo 'a", False),
    ],
)
def test_continuations(prompt: str, before: str, text: str, *, goes_on: bool) -> None:
    assert prompts.continues(prompt, before, text) is goes_on


@pytest.mark.parametrize(
    ("row", "known", "expected"),
    [
        ("bastion# cat /etc/passwd", [], ("bastion# ", "cat /etc/passwd")),
        ("me@box:~$ echo '# x'", [], ("me@box:~$ ", "echo '# x'")),
        ("a > b", ["a > "], ("a > ", "b")),
        ("me@box:~$", ["me@box:~$ "], ("me@box:~$", "")),
        ("no prompt here", [], None),
    ],
)
def test_rows_with_prompt_and_line(row: str, known: list[str], expected: tuple[str, str] | None) -> None:
    assert prompts.split(row, known) == expected
