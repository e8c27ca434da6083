# SPDX-License-Identifier: MIT
"""Just enough C to lint it: text without comments and strings, and the functions in it."""

import re
from dataclasses import dataclass

BLANK = re.compile(r'[^\n]')
COMMENT_OR_LITERAL = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
DIRECTIVE = re.compile(r'^[ \t]*#(?:[^\n]*\\\n)*[^\n]*', re.MULTILINE)
CONTROL = {'if', 'for', 'while', 'switch'}


def blank(text):
    return BLANK.sub(' ', text)


def without_comments(text):
    def replace(match):
        piece = match.group(0)
        return blank(piece) if piece.startswith('/') else piece
    return COMMENT_OR_LITERAL.sub(replace, text)


def code_only(text):
    """The text with comments, directives and the insides of literals turned into blanks; every
    character keeps its place."""
    def replace(match):
        piece = match.group(0)
        return blank(piece) if piece.startswith('/') else piece[0] + blank(piece[1:-1]) + piece[0]
    return DIRECTIVE.sub(lambda m: blank(m.group(0)), COMMENT_OR_LITERAL.sub(replace, text))


def line_of(text, at):
    return text.count('\n', 0, at) + 1


def closing(code, at):
    """Where the bracket that opens at `at` closes."""
    pairs = {'(': ')', '{': '}', '[': ']'}
    wanted = [pairs[code[at]]]
    for i in range(at + 1, len(code)):
        if code[i] in pairs:
            wanted.append(pairs[code[i]])
        elif code[i] == wanted[-1]:
            wanted.pop()
            if not wanted:
                return i
    return len(code) - 1


def opening(code, at):
    """Where the round bracket that closes at `at` opens."""
    depth = 0
    for i in range(at, -1, -1):
        depth += {')': 1, '(': -1}.get(code[i], 0)
        if depth == 0:
            return i
    return 0


def split_top(text):
    """The pieces of `text` between commas that no bracket encloses."""
    pieces, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += {'(': 1, '[': 1, '{': 1, ')': -1, ']': -1, '}': -1}.get(c, 0)
        if c == ',' and depth == 0:
            pieces.append(text[start:i])
            start = i + 1
    return pieces + [text[start:]]


@dataclass
class Statement:
    """What stands at file scope: a declaration, or a function with its body."""
    text: str
    start: int
    body: tuple = None  # (opening brace, closing brace) of a function


def statements(code):
    """The statements at file scope, in order."""
    found, start, i = [], 0, 0
    while i < len(code):
        c = code[i]
        if c == ';':
            found.append(Statement(code[start:i], start))
            start = i + 1
        elif c in '([':
            i = closing(code, i)
        elif c == '{':
            end = closing(code, i)
            if is_function_head(code[start:i]):
                found.append(Statement(code[start:i], start, (i, end)))
                start = end + 1
            i = end
        i += 1
    for statement in found:
        lead = len(statement.text) - len(statement.text.lstrip())
        statement.start += lead
        statement.text = statement.text.strip()
    return found


def is_function_head(text):
    text = text.strip()
    return text.endswith(')') and '=' not in re.sub(r'\([^()]*\)', '', text)


def parameter_lists(text):
    """(name, number of parameters) of each list in a declaration; attributes are left out."""
    found = []
    for match in re.finditer(r'(\b\w+|\))\s*\(', text):
        name = match.group(1)
        if name.isupper() or name in ('__attribute__', '_Static_assert', 'sizeof', '_Alignas'):
            continue
        inside = text[match.end():closing(text, match.end() - 1)].strip()
        if name == ')':
            name = (re.findall(r'\(\s*\*\s*(?:const\s+)?(\w*)', text[:match.end()]) or ['?'])[-1]
        names = [p.strip() for p in split_top(inside)] if inside else []
        found.append((name, len([p for p in names if p not in ('void', '...')])))
    return found


@dataclass
class Function:
    name: str
    line: int
    code_lines: int
    depth: int
    body: tuple


def is_block(code, at):
    """Does the brace at `at` open a block (not a list of values)?"""
    before = code[:at].rstrip()
    if not before or before[-1] in ';{}:':
        return not re.search(r'[=,(]\s*\{\s*$', before) if before else True
    if before[-1] == ')':
        word = re.search(r'(\w+)\s*$', code[:opening(code, len(before) - 1)])
        return bool(word) and word.group(1) not in ('return', 'sizeof')
    return bool(re.search(r'\b(else|do)$', before))


def block_depth(code, body):
    """Blocks within blocks, the function's own counted."""
    deepest, stack = 1, [True]
    for i in range(body[0] + 1, body[1]):
        if code[i] == '{':
            stack.append(stack[-1] and is_block(code, i))
            deepest = max(deepest, sum(stack))
        elif code[i] == '}':
            stack.pop()
    return deepest


def functions(code):
    found = []
    for statement in statements(code):
        if not statement.body:
            continue
        lists = parameter_lists(statement.text)
        inside = code[statement.body[0] + 1:statement.body[1]]
        found.append(Function(
            name=lists[-1][0] if lists else '?',
            line=line_of(code, statement.start),
            code_lines=sum(1 for line in inside.split('\n') if line.strip()),
            depth=block_depth(code, statement.body),
            body=statement.body))
    return found
