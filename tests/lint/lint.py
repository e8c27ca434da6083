#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rules of the house (CONTRIBUTING.md), checked over the tree.

lint.py [ROOT]: prints each finding as 'file:line: rule: text'; ends 1 when there are any. There is
no list of exceptions, and no comment switches a rule off.
"""

import fnmatch
import pathlib
import re
import sys

import csource

ROOT = pathlib.Path(__file__).resolve().parents[2]

MAX = {'columns': 100, 'file': 600, 'function': 60, 'depth': 4, 'parameters': 5}
MEDIAN, P90 = 12, 30

# Which rooms a room may include; main.c all of them.
ROOMS = {
    'base': {'base'},
    'core': {'core', 'base'},
    'io': {'io', 'core', 'base'},
    'ledger': {'ledger', 'core', 'base'},
    'secret': {'secret', 'core', 'base'},
    'commands': {'commands', 'io', 'ledger', 'secret', 'core', 'base'},
}

# One library, one file (or the files it was split into). bench/ and tests/ are free.
LIBRARIES = {
    'json-c/*': ['src/base/json.c'],
    'sodium*': ['src/base/hash.c', 'src/secret/*'],
    'ini.h': ['src/base/config*.c'],
    'csv.h': ['src/io/csv_*.c', 'src/io/file_*.c'],
    'curl/*': ['src/io/graph_client*'],
    'openssl/*': ['src/io/graph_client*', 'src/io/redis_tls*'],
    'sqlite3.h': ['src/ledger/*'],
    'uv.h': ['src/io/*', 'src/ledger/*', 'src/commands/*', 'src/secret/*'],
    'microhttpd.h': ['src/io/http_server*.c'],
    'hiredis/*': ['src/io/redis*.c'],
    'nghttp2/*': [],
}

# core decides: nothing in it can reach the world. (stdio.h for snprintf; see CORE_BANNED.)
CORE_HEADERS = {name + '.h' for name in (
    'assert ctype errno float inttypes limits math stdalign stdarg stdbool stddef stdint stdio '
    'stdlib string strings').split()}
CORE_BANNED = set(
    'printf fprintf puts putchar fopen fdopen fgets fread fwrite fputs open read write time '
    'clock_gettime gettimeofday rand random srand getenv system clock_mono_us clock_wall_ms '
    'random_bytes'.split())

BANNED = set('strcpy strcat sprintf vsprintf atoi atol atoll atof strtok gets alloca'.split())
ALLOCATORS = set('malloc calloc realloc free'.split())
CALL = re.compile(r'(?<![\w.>])(\w+)\s*\(')
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
OPEN_ENDS = re.compile(r'\b(TO' r'DO|FIX' r'ME|XX' r'X)\b')
SUPPRESSION = re.compile(r'clang-format ' r'off|NO' r'LINT|#\s*pragma\s+\w+\s+diagnostic\s+ignored')


class Source:
    """A file of the tree, and what is asked of it again and again."""

    def __init__(self, root, path):
        self.path = path.relative_to(root).as_posix()
        self.raw = path.read_text(encoding='utf-8')
        self.uncommented = csource.without_comments(self.raw)
        self.code = csource.code_only(self.raw)
        self.lines = self.raw.split('\n')
        self.statements = csource.statements(self.code)
        self.functions = csource.functions(self.code)
        self.includes = [(csource.line_of(self.raw, m.start()), m.group(1), m.group(2))
                         for m in INCLUDE.finditer(self.uncommented)]

    def is_header(self):
        return self.path.endswith('.h')

    def is_in(self, *folders):
        return self.path.startswith(tuple(folder + '/' for folder in folders))

    def room(self):
        parts = self.path.split('/')
        return parts[1] if parts[0] == 'src' and len(parts) > 2 else None

    def line_at(self, at):
        return csource.line_of(self.code, at)


# Each rule yields (line, text).

def rule_spdx(s):
    if not re.match(r'/\* SPDX-License-Identifier: MIT( \*/)?$', s.lines[0]):
        yield 1, 'the first line must be /* SPDX-License-Identifier: MIT */'


def rule_columns(s):
    for number, line in enumerate(s.lines, 1):
        if len(line) > MAX['columns']:
            yield number, f'{len(line)} columns (at most {MAX["columns"]})'


def rule_space(s):
    for number, line in enumerate(s.lines, 1):
        if line != line.rstrip():
            yield number, 'trailing space'
        if '\t' in line:
            yield number, 'a tab'
    if not s.raw.endswith('\n') or s.raw.endswith('\n\n'):
        yield len(s.lines), 'the file must end in one newline'


def rule_open_ends(s):
    for number, line in enumerate(s.lines, 1):
        if OPEN_ENDS.search(line):
            yield number, 'open ends belong into an issue'


def rule_suppression(s):
    for number, line in enumerate(s.lines, 1):
        if SUPPRESSION.search(line):
            yield number, 'no rule is switched off'


def rule_file_length(s):
    count = len(s.lines) - 1
    if count > MAX['file']:
        yield count, f'{count} lines (at most {MAX["file"]})'


def rule_guard(s):
    if not s.is_header():
        return
    name = re.sub(r'\W', '_', '_'.join(s.path.split('/')[-2:])).upper()
    if not s.is_in('src'):
        name = r'(?:\w+_)?' + re.sub(r'\W', '_', s.path.split('/')[-1]).upper()
    if not re.search(rf'^#ifndef ({name})\n#define \1\n', s.raw, re.MULTILINE) \
            or not s.raw.rstrip().endswith('#endif'):
        yield 1, f'a header is guarded by {name}'


def rule_function_length(s):
    for f in s.functions:
        if f.code_lines > MAX['function']:
            yield f.line, f'{f.name}: {f.code_lines} code lines (at most {MAX["function"]})'


def rule_depth(s):
    for f in s.functions:
        if f.depth > MAX['depth']:
            yield f.line, f'{f.name}: {f.depth} blocks deep (at most {MAX["depth"]})'


def rule_parameters(s):
    """What a callback (on_...) takes is not its own choice: the typedef is counted, if it is ours."""
    for statement in s.statements:
        for name, count in csource.parameter_lists(declared(statement.text)):
            if count > MAX['parameters'] and not (statement.body and name.startswith('on_')):
                yield (s.line_at(statement.start),
                       f'{name}: {count} parameters (at most {MAX["parameters"]})')


def rule_room(s):
    """Includes go in the direction of the arrows."""
    allowed = ROOMS.get(s.room(), set(ROOMS) if s.path == 'src/main.c' else None)
    if not s.is_in('src'):
        return
    if allowed is None:
        yield 1, f'no such room; there are {", ".join(ROOMS)}'
        return
    for line, bracket, name in s.includes:
        if bracket == '"' and name.split('/')[0] not in allowed:
            yield line, f'"{name}" may not be included here (only {", ".join(sorted(allowed))})'


def rule_library(s):
    """One library, one file."""
    for line, bracket, name in s.includes if s.is_in('src') else []:
        for library, homes in LIBRARIES.items():
            if bracket == '<' and fnmatch.fnmatch(name, library) \
                    and not any(fnmatch.fnmatch(s.path, home) for home in homes):
                yield line, f'<{name}> belongs in {", ".join(homes) or "bench/"}'


def rule_core(s):
    """No I/O, no clock, no random in core."""
    if s.room() != 'core':
        return
    for line, bracket, name in s.includes:
        if bracket == '<' and name not in CORE_HEADERS:
            yield line, f'<{name}> is I/O; core decides and does none'
    for match in CALL.finditer(s.code):
        if match.group(1) in CORE_BANNED:
            yield (s.line_at(match.start()),
                   f'{match.group(1)}: in core the clock, chance and I/O are arguments')


def rule_banned(s):
    banned = BANNED | (ALLOCATORS if s.is_in('src', 'bench') else set())
    if s.path == 'src/base/mem.c':
        banned = BANNED
    for match in CALL.finditer(s.code):
        if match.group(1) in banned:
            yield s.line_at(match.start()), f'{match.group(1)} (see base/mem.h, buf.h, text.h)'


def rule_constant_time(s):
    """What verifies a secret says nothing by the time that it takes."""
    for f in s.functions:
        if re.search(r'_verif(y|ies)$', f.name):
            for match in CALL.finditer(s.code, *f.body):
                if match.group(1) in ('memcmp', 'strcmp', 'strncmp', 'strcasecmp', 'strncasecmp'):
                    yield (s.line_at(match.start()),
                           f'{match.group(1)}: {f.name} compares by sodium_memcmp')


def rule_typedef(s):
    for statement in s.statements:
        if re.match(r'typedef\s+(struct|union|enum)\b', statement.text) \
                and not re.search(r'\(\s*\*?\s*\w+\s*\)?\s*\(', statement.text):
            yield s.line_at(statement.start), 'structs and enums keep their tags'


def declared(text):
    """A declaration without the values in braces and what follows '='."""
    while (flat := re.sub(r'\{[^{}]*\}', ' ', text)) != text:
        text = flat
    return text.split('=')[0].strip()


def is_mutable(declaration):
    """May the variable change?"""
    pointer = re.search(r'\(\s*\*(.*)', declaration, re.DOTALL)  # to a function: (*const name)(...)
    if not pointer:
        pointer = re.search(r'.*\*(.*)', declaration, re.DOTALL)
    if pointer:
        return not re.match(r'\s*const\b', pointer.group(1))
    return not re.search(r'\bconst\b', declaration)


def is_variable(text):
    declaration = declared(text)
    words = re.sub(r'\b(static|const|volatile|_Thread_local)\b', '', declaration).split()
    if not words or words[0] in ('typedef', 'extern', '_Static_assert'):
        return False
    if re.match(r'[^(]*\((?!\s*\*)', declaration):  # a function's; not a pointer to one
        return False
    return len(words) > (2 if words[0] in ('struct', 'union', 'enum') else 1)


def rule_globals(s):
    """No state but in objects; the logger and the pool under mem.h are all that the house knows."""
    if not s.is_in('src') or s.path in ('src/base/log.c', 'src/base/pool.c'):
        return
    for statement in s.statements:
        if not statement.body and is_variable(statement.text) \
                and is_mutable(declared(statement.text)):
            yield s.line_at(statement.start), 'a variable at file scope that can change'
    for f in s.functions:
        inside = s.code[f.body[0] + 1:f.body[1]]
        for match in re.finditer(r'\bstatic\b', inside):
            if is_mutable(declared(csource.statements(inside[match.start():])[0].text)):
                yield (s.line_at(f.body[0] + 1 + match.start()),
                       f'{f.name}: a static that can change')


def rule_own_header(s):
    """A .c file shows first that its header stands alone."""
    if s.is_header() or not s.room():
        return
    own = s.path[len('src/'):-2] + '.h'
    first = s.includes[0][2] if s.includes else 'nothing'
    line = s.includes[0][0] if s.includes else 1
    if s.has_own_header and first != own:
        yield line, f'"{own}" comes first, not {first}'
    elif not first.startswith(s.room() + '/'):
        yield line, f'a header of {s.room()}/ comes first, not {first}'


def rule_test_name(s):
    """CMake makes a test of each test_*.c; another .c would never run."""
    if s.is_in('tests/unit') and not s.is_header() \
            and not s.path.split('/')[-1].startswith('test_'):
        yield 1, 'a test is named test_*.c'


def rule_default(s):
    """A switch over an enum names every case, so that the compiler finds the one forgotten."""
    for match in re.finditer(r'\bswitch\s*\(', s.code):
        start = s.code.find('{', csource.closing(s.code, match.end() - 1))
        body = own_level(s.code[start + 1:csource.closing(s.code, start)])
        labels = set(re.findall(r'\bcase\s+([A-Z][A-Z0-9_]*)\s*:', body))
        if labels & s.enum_names and re.search(r'\bdefault\s*:', body):
            yield s.line_at(match.start()), 'default: in a switch over an enum'


def own_level(body):
    """`body` without the switches inside it."""
    while (match := re.search(r'\bswitch\s*\(', body)):
        start = body.find('{', match.end())
        body = body[:match.start()] + body[csource.closing(body, start) + 1:]
    return body


RULES = {name[len('rule_'):].replace('_', '-'): rule
         for name, rule in list(globals().items()) if name.startswith('rule_')}


def enum_constants(sources):
    """The names in all enums that have a tag."""
    names = set()
    for s in sources:
        for match in re.finditer(r'\benum\s+\w+\s*\{', s.code):
            inside = s.code[match.end():csource.closing(s.code, match.end() - 1)]
            names.update(piece.split('=')[0].strip() for piece in csource.split_top(inside))
    return names - {''}


def distribution(sources):
    """The budget that holds for all functions together, not for each."""
    lengths = sorted(f.code_lines for s in sources if s.is_in('src', 'bench')
                     for f in s.functions)
    if not lengths:
        return
    for name, value, most in (('median', lengths[len(lengths) // 2], MEDIAN),
                              ('p90', lengths[len(lengths) * 9 // 10], P90)):
        if value > most:
            yield f'src:0: budget: {name} of functions is {value} code lines (at most {most})'


def read_tree(root):
    paths = sorted(path for folder in ('src', 'bench', 'tests')
                   for path in (root / folder).rglob('*.[ch]'))
    sources = [Source(root, path) for path in paths]
    names = enum_constants(sources)
    for s in sources:
        s.enum_names = names
        s.has_own_header = (root / s.path).with_suffix('.h').exists()
    return sources


def findings(sources):
    for s in sources:
        for name, rule in RULES.items():
            for line, text in rule(s):
                yield f'{s.path}:{line}: {name}: {text}'
    yield from distribution(sources)


def main():
    root = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT
    sources = read_tree(root)
    found = list(findings(sources))
    for finding in found:
        print(finding)
    print(f'lint: {len(sources)} files, {len(found)} findings')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
