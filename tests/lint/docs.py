#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""README.md and docs/*.md against the program: what they name must exist.

docs.py TIDINGS GRAPHMOCK [ROOT]: prints each finding as 'file:line: rule: text'; ends 1 when there
are any. The rules:

flag      a --flag behind `tidings COMMAND` or `graphmock` is in its help; one that stands alone is
          in any help. What follows another program (cmake, curl) is that program's business.
command   `tidings WORD`: WORD is a command
key       section.key, and keys in an INI block, are in conf/tidings.conf; so are TIDINGS_ variables
link      a relative link leads to a file, its #anchor to a heading
file      a path below src, tests, bench, docs, conf or deps exists (with * and ? as in a shell)
test      a test by name (unit.test_x, e2e.test_x, test_some_function) exists
"""

import fnmatch
import pathlib
import re
import subprocess
import sys

FLAG = re.compile(r'(?<![\w-])--[a-z][a-z-]*')
PROGRAM = re.compile(r'(?<![\w./-])(?:(?:[\w./-]*/)?(tidings)(?! tidings)'  # not a user's name
                     r'(?: +(?:--?[\w-]+ +)?([a-z]+))?'
                     r'|(?:[\w./-]*/)?(graphmock)|(cmake|ctest|curl|git|python3|sqlite3|cp|grep|'
                     r'journalctl|systemctl|systemd-creds|systemd-run|docker|redis-cli|apt-get|'
                     r'valgrind|buildah|promtool|deps/install|tests/[\w./-]+))(?![\w.])')
KEY = re.compile(r'(?<![\w/.`-])`?([a-z]+)\.([a-z][a-z_0-9]*)(?![\w/(])')
VARIABLE = re.compile(r'\bTIDINGS_[A-Z_]+\b')
LINK = re.compile(r'\]\(([^)\s]+)\)')
PATH = re.compile(r'(?<![\w./-])((?:src|tests|bench|docs|conf|deps)/[\w./*?{},-]+)')
TEST = re.compile(r'\b(?:(unit|e2e|sim|lint|fuzz)\.)?(test_[a-z0-9_]+\*?)')
FIELDS = {'test_name', 'test_num'}  # of a message
EXTENSIONS = set('c h md txt csv db conf py jsonl json pem sock lock input'.split())


class Program:
    """What the two programs and the sample configuration know."""

    def __init__(self, tidings, graphmock, root):
        self.flags = {'graphmock': flags_of(run(graphmock, '--help'))}
        self.commands = re.findall(r'^  ([a-z]+) {2,}', run(tidings, 'help'), re.MULTILINE)
        for command in self.commands:
            self.flags[command] = flags_of(run(tidings, command, '--help'))
        self.all_flags = set().union(*self.flags.values()) | {'--version', '--help'}
        conf = (root / 'conf/tidings.conf').read_text()
        self.keys = read_keys(conf, r'#?([a-z_0-9]+) =')
        self.sections = {key.split('.')[0] for key in self.keys}
        self.variables = set(VARIABLE.findall(conf)) | {'TIDINGS_CONFIG', 'TIDINGS_SECTION_KEY'}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def flags_of(text):
    return set(FLAG.findall(text))


def read_keys(ini, pattern):
    keys, section = set(), ''
    for line in ini.splitlines():
        header = re.match(r'\[([a-z]+)\]', line)
        key = re.match(pattern, line)
        if header:
            section = header.group(1)
        elif key:
            keys.add(f'{section}.{key.group(1)}')
    return keys


def slug(heading):
    """As GitHub makes anchors."""
    text = re.sub(r'[`*]', '', heading.strip().lower())
    return re.sub(r'[^\w\- ]', '', text).replace(' ', '-')


def anchors(path):
    return {slug(h) for h in re.findall(r'^#+ (.*)$', path.read_text(), re.MULTILINE)}


class Doc:
    def __init__(self, path, root, program):
        self.path, self.root, self.program = path, root, program
        self.findings = []
        self.tests = test_names(root)

    def find(self, number, rule, text):
        self.findings.append(f'{self.path.relative_to(self.root)}:{number}: {rule}: {text}')

    def check(self):
        section, in_fence = None, False
        for number, line in enumerate(self.path.read_text().splitlines(), 1):
            in_fence ^= line.startswith('```')
            section = self.check_ini(number, line, section)
            self.check_programs(number, line, in_fence)
            self.check_keys(number, line)
            self.check_paths(number, line)
            self.check_tests(number, line)
        return self.findings

    def check_ini(self, number, line, section):
        """The INI section that the next line stands in."""
        header = re.fullmatch(r'\[([a-z]+)\]', line)
        key = re.match(r'([a-z_0-9]+) = ', line)
        if header:
            return header.group(1)
        if section and key and f'{section}.{key.group(1)}' not in self.program.keys:
            self.find(number, 'key', f'{section}.{key.group(1)} is not in conf/tidings.conf')
        return section if key else None

    def check_programs(self, number, line, in_fence):
        """Each piece of the line that begins with a program's name belongs to that program."""
        at, owner = 0, ''
        line = re.sub(r' +# .*', '', line) if in_fence else line
        for match in PROGRAM.finditer(line):
            self.check_flags(number, line[at:match.start()], owner)
            at, owner = match.end(), self.owner(match)
            is_code = in_fence or line.count('`', 0, match.start()) % 2 == 1
            if is_code and match.group(1) and owner not in self.program.commands + ['']:
                self.find(number, 'command', f'tidings {owner}: there is no such command')
        self.check_flags(number, line[at:], owner)

    @staticmethod
    def owner(match):
        tidings, command, graphmock, other = match.groups()
        return other or graphmock or ('' if command in (None, 'help') else command)

    def check_flags(self, number, text, owner):
        own, _, rest = text.partition('`') if owner else ('', '', text)
        unknown = flags_of(own) - self.program.flags.get(owner, flags_of(own))
        for flag in sorted(unknown | flags_of(rest) - self.program.all_flags):
            self.find(number, 'flag', f'{owner} {flag}: there is no such flag'.strip())

    def check_keys(self, number, line):
        for section, key in KEY.findall(line):
            if section not in self.program.sections or key in EXTENSIONS:
                continue
            if f'{section}.{key}' not in self.program.keys:
                self.find(number, 'key', f'{section}.{key} is not in conf/tidings.conf')
        for variable in VARIABLE.findall(line):
            if variable not in self.program.variables:
                self.find(number, 'key', f'{variable} is not in conf/tidings.conf')

    def check_paths(self, number, line):
        for target in LINK.findall(line):
            if not re.match(r'[a-z]+:', target):
                self.check_link(number, target)
        for path in PATH.findall(LINK.sub('', line)):
            path = path.rstrip('.,')
            for one in expand(path):
                if not any(self.root.glob(one)):
                    self.find(number, 'file', f'{one} does not exist')

    def check_link(self, number, target):
        name, _, anchor = target.partition('#')
        path = (self.path.parent / name).resolve() if name else self.path
        if not path.exists():
            self.find(number, 'link', f'{target} leads nowhere')
        elif anchor and anchor not in anchors(path):
            self.find(number, 'link', f'{target}: there is no such heading')

    def check_tests(self, number, line):
        for kind, name in TEST.findall(PATH.sub('', line)):
            if name in FIELDS:
                continue
            among = {n for k, n in self.tests if not kind or k == kind}
            if not fnmatch.filter(among, name):
                self.find(number, 'test', f'{name} does not exist')


def expand(path):
    """a/{b,c}.d -> a/b.d, a/c.d"""
    braces = re.search(r'\{([^}]*)\}', path)
    if not braces:
        return [path]
    return [path[:braces.start()] + part + path[braces.end():]
            for part in braces.group(1).split(',')]


def test_names(root):
    """(folder, name) of every test file and every test function."""
    names = set()
    for path in (root / 'tests').rglob('*'):
        if path.suffix in ('.c', '.h', '.py'):
            names.add((path.parent.name, path.stem))
            for name in re.findall(r'\b(?:def|void) (test_\w+)', path.read_text()):
                names.add((path.parent.name, name))
    return names


def main():
    if len(sys.argv) not in (3, 4):
        print(__doc__, file=sys.stderr)
        return 64
    root = pathlib.Path(sys.argv[3] if len(sys.argv) == 4 else __file__).resolve()
    root = root if root.is_dir() else root.parents[2]
    program = Program(sys.argv[1], sys.argv[2], root)
    paths = [root / 'README.md', *sorted((root / 'docs').glob('*.md'))]
    findings = [f for path in paths for f in Doc(path, root, program).check()]
    for finding in findings:
        print(finding)
    print(f'docs: {len(paths)} files, {len(findings)} findings')
    return 1 if findings else 0


if __name__ == '__main__':
    sys.exit(main())
