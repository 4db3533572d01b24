"""Checks that debug copies are Python and hold their originals.

The argument is a folder with files N.original and N.copy.
"""

import ast
import os
import sys


def held(copy):
    """What the copy compiles: the text of the file, or its bytes."""
    calls = [node for node in ast.walk(ast.parse(copy)) if isinstance(node, ast.Call)]
    source, = [call.args[0] for call in calls if getattr(call.func, 'id', None) == 'compile']
    if isinstance(source, ast.Subscript):
        return ast.literal_eval(source.value)[1:]
    return ast.literal_eval(source)


def main(folder):
    checked = 0
    for name in sorted(os.listdir(folder)):
        if not name.endswith('.original'):
            continue
        with open(os.path.join(folder, name), 'rb') as original:
            expected = original.read()
        with open(os.path.join(folder, name.replace('.original', '.copy')), 'rb') as copy:
            found = held(copy.read())
        if isinstance(found, str):
            expected = expected.decode('utf-8').replace('\r\n', '\n')
        assert found == expected, '%s: %r is not %r' % (name, found, expected)
        checked += 1
    print(checked)


main(sys.argv[1])
