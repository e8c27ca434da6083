#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Is the lint awake? Every rule must fire on what it forbids, and only there."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import lint  # noqa: E402

SPDX = '/* SPDX-License-Identifier: MIT */\n'


def function(name, lines, inside='    step();\n'):
    return f'void {name}(void)\n{{\n{inside * lines}}}\n'


def header(path, body=''):
    guard = '_'.join(path.split('/')[-2:]).upper().replace('.', '_')
    return f'{SPDX}#ifndef {guard}\n#define {guard}\n{body}#endif\n'


def nest(depth):
    return ''.join('if (a) {\n' for _ in range(depth)) + 'b();\n' + '}\n' * depth


def core(body):
    return {'src/core/x.h': header('src/core/x.h'),
            'src/core/x.c': f'{SPDX}#include "core/x.h"\n{body}'}


def base(body):
    return {'src/base/x.h': header('src/base/x.h'),
            'src/base/x.c': f'{SPDX}#include "base/x.h"\n{body}'}


def io(body):
    return {'src/io/x.h': header('src/io/x.h'), 'src/io/x.c': f'{SPDX}#include "io/x.h"\n{body}'}


# rule -> trees in which it, and no other rule, must fire.
BAD = {
    'spdx': [{'src/main.c': '/* nothing */\nint x(void);\n'}],
    'columns': [base('/* ' + 'x' * 100 + ' */\n')],
    'space': [base('int x(void); \n'), base('/*\t*/\n'), base('int x(void);\n\n'),
              {'src/main.c': SPDX + 'int x(void);'}],
    'open-ends': [base('/* TO' + 'DO: later */\n'), base('/* FIX' + 'ME */\n'),
                  base('/* XX' + 'X */\n')],
    'suppression': [base('/* clang-format ' + 'off */\n'), base('/* NO' + 'LINT */\n')],
    'file-length': [base('\n' * 600 + 'int x(void);\n')],
    'guard': [{'src/base/x.h': SPDX + '#pragma once\n'},
              {'src/base/x.h': header('src/base/y.h')}],
    'function-length': [base(function('f', 61) + ''.join(function(f'g{i}', 2) for i in range(20)))],
    'depth': [base('void f(void)\n{\n' + nest(4) + '}\n'),
              base('void f(void)\n{\n    each (a, b) {\n' + nest(3) + '    }\n}\n')],
    'parameters': [base('void f(int a, int b, int c, int d, int e, int g);\n'),
                   base('typedef int (*on_x)(int a, int b, int c, int d, int e, int g);\n'),
                   base('void f(int (*g)(int, int), int b, int c, int d, int e, int h)\n{\n}\n')],
    'room': [core('#include "io/redis.h"\n'), base('#include "core/message.h"\n'),
             io('#include "ledger/ledger.h"\n'), io('#include "x.h"\n'),
             {'src/other/x.c': SPDX + '#include "other/y.h"\n'}],
    'library': [base('#include <json-c/json.h>\n'), io('#include <curl/curl.h>\n'),
                io('#include <sqlite3.h>\n'), base('#include <uv.h>\n'),
                io('#include <openssl/ssl.h>\n'), io('#include <sodium.h>\n'),
                io('#include <ini.h>\n'), io('#include <csv.h>\n'), io('#include <hiredis/x.h>\n'),
                io('#include <nghttp2/nghttp2.h>\n'), io('#include <microhttpd.h>\n')],
    'core': [core('#include <unistd.h>\n'), core('#include <time.h>\n'),
             core('void f(void)\n{\n    g(clock_mono_us());\n}\n')],
    'banned': [base('void f(void)\n{\n    strcpy(a, b);\n}\n'),
               base('void f(void)\n{\n    a = malloc(1);\n}\n'),
               base('void f(void)\n{\n    free (a);\n}\n'),
               {'tests/unit/test_x.c': SPDX + 'void f(void)\n{\n    n = atoi(a);\n}\n'}],
    'constant-time': [base('bool mac_verify(void)\n{\n    return memcmp(a, b, 32) == 0;\n}\n'),
                      base('bool x_verifies(void)\n{\n    return !strcmp(a, b);\n}\n')],
    'typedef': [base('typedef struct x {\n    int a;\n} x;\n'), base('typedef struct x x;\n')],
    'globals': [base('static int x;\n'), base('int x = 1;\n'), base('struct a b;\n'),
                base('static const char *names[] = {"a"};\n'),
                base('static int (*f)(int a);\n'), base('static struct a b = {.c = 1};\n'),
                base('void f(void)\n{\n    static int x = 0;\n}\n'),
                base('void f(void)\n{\n    static struct {\n        const int a;\n    } x[3];\n}\n')],
    'own-header': [
        {'src/base/x.h': header('src/base/x.h'), 'src/base/x.c': SPDX + '#include <stdio.h>\n'},
        {'src/base/x_more.c': SPDX + '#include <stdio.h>\n'},
        {'src/base/x.h': header('src/base/x.h'),
         'src/base/x.c': SPDX + '#include "base/mem.h"\n#include "base/x.h"\n'}],
    'test-name': [{'tests/unit/x.c': SPDX + 'int x(void);\n'}],
    'default': [base('enum a { ONE, TWO };\nvoid f(enum a x)\n{\n    switch (x) {\n    case ONE:\n'
                     '        break;\n    default:\n        break;\n    }\n}\n')],
    'budget': [base(''.join(function(f'f{i}', 13) for i in range(10))),
               base(''.join(function(f'f{i}', 31 if i < 2 else 2) for i in range(10)))],
}

# What looks bad and is not.
GOOD = [
    base('/* strcpy(a, b); default: */\nstatic const char *const words[] = {"malloc(1)", "}"};\n'),
    base('#define LIST \\\n    { 1, 2 }\n'),
    base('enum { SIZE = 3 };\nstruct a;\nstruct b {\n    int c;\n    const char *(*d)(int e);\n};\n'),
    base('extern char **environ;\n_Static_assert(sizeof(int) == 4, "int");\n'),
    base('static const char *(*const calls[])(const char *a, int *b) = {f, g};\n'),
    base('void set(void (*on_line)(void *context), void *context);\n'),
    base('typedef bool (*pair_fn)(void *context, int a);\n'
         'typedef struct x *(*make_fn)(void *context);\n'),
    base('static void PRINTF_LIKE(3, 4) say(int a, int b, const char *c, ...)\n{\n}\n'),
    base('static int on_x(int a, int b, int c, int d, int e, int g)\n{\n    return 0;\n}\n'),
    base('void f(void)\n{\n    static const struct {\n        int a;\n    } x[] = {{1}, {2}};\n}\n'),
    base('void f(void)\n{\n    struct a b = {{{{{0}}}}};\n    g((struct a){.c = {{{{1}}}}});\n'
         '    return (struct a){{{{2}}}};\n}\n'),
    base('void f(void)\n{\n' + nest(3) + '}\n'),
    base(function('f', 60) + ''.join(function(f'g{i}', 2) for i in range(20))),
    base('void f(void)\n{\n    x->free(a);\n    y.malloc(b);\n    mem_free(c);\n}\n'),
    base('enum a { ONE, TWO };\nvoid f(int x)\n{\n    switch (x) {\n    case SQLITE_BUSY:\n'
         '        break;\n    default:\n        break;\n    }\n}\n'),
    base('enum a { ONE, TWO };\nvoid f(enum a x, char c)\n{\n    switch (x) {\n    case ONE:\n'
         "        switch (c) {\n        case 'b':\n            break;\n        default:\n"
         '            break;\n        }\n    case TWO:\n        break;\n    }\n}\n'),
    base('bool mac_verify(void)\n{\n    return sodium_memcmp(a, b, 32) == 0;\n}\n'
         'int order(void)\n{\n    return memcmp(a, b, 32);\n}\n'),
    core('#include <string.h>\n#include "base/mem.h"\n'),
    io('#include <uv.h>\n#include "core/message.h"\n'),
    {'src/base/json.h': header('src/base/json.h'),
     'src/base/json.c': SPDX + '#include "base/json.h"\n#include <json-c/json.h>\n'},
    {'src/base/x.h': header('src/base/x.h'), 'src/base/x_more.c': SPDX + '#include "base/x.h"\n'},
    {'bench/yardstick.c': SPDX + '#include <curl/curl.h>\n#include <openssl/ssl.h>\n'},
    {'tests/unit/test_x.c': SPDX + 'static int counted;\n'},
    {'tests/unit/support.h': header('tests/unit/support.h')},
    {'src/main.c': SPDX + '#include "commands/help.h"\n'},
]


def rules_that_fire(tree):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for path, text in tree.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding='utf-8')
        return sorted({finding.split(': ')[1] for finding in lint.findings(lint.read_tree(root))})


class SelfTest(unittest.TestCase):
    def test_every_rule_fires(self):
        for rule, trees in BAD.items():
            for tree in trees:
                with self.subTest(rule=rule, tree=tree):
                    self.assertEqual(rules_that_fire(tree), [rule])

    def test_no_rule_fires_on_good_code(self):
        for tree in GOOD:
            with self.subTest(tree=tree):
                self.assertEqual(rules_that_fire(tree), [])

    def test_every_rule_has_a_bad_example(self):
        self.assertEqual(set(BAD), set(lint.RULES) | {'budget'})


if __name__ == '__main__':
    unittest.main()
