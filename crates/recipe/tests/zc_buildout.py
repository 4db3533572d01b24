"""What zc.buildout, whose configurations svckit reads, makes of configurations.

    zc_buildout.py FOLDER

reads a JSON list of configurations from standard input, lays out the files of each in a folder of its own below FOLDER, has zc.buildout read them,
and prints a JSON list of what came of each: {"parts": […], "sections": {…}}, or {"refused": "…"}.

Nothing is installed: each recipe is replaced by one that does nothing. The folder of a configuration is written as ROOT in the answers.
"""

import contextlib
import json
import logging
import os
import pathlib
import sys

import zc.buildout.buildout

ROOT = "/srv/site"


class Recipe:
    """Does nothing."""

    def __init__(self, buildout, name, options):
        """Recipes are made with these."""


def overrides(words):
    """The options of a command line, cut up as zc.buildout's own main function does before it calls what is called here."""
    for word in words:
        left, value = word.split("=", 1)
        names = left.split(":")
        if len(names) == 1:
            names = ["buildout"] + names
        section, option = names
        yield section.strip(), option.strip(), value.strip()


def resolved(folder, case):
    """The parts and the sections of one configuration."""
    for name, text in case["files"]:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    os.chdir(folder)
    first = case["files"][0][0]
    buildout = zc.buildout.buildout.Buildout(first, list(overrides(case["overrides"])), use_user_defaults=False)
    for part in buildout["buildout"]["parts"].split():
        buildout[part]["recipe"]
    parts = list(buildout._parts)
    sections = {section: {option: buildout[section][option] for option in buildout[section]} for section in buildout}
    return {"parts": parts, "sections": sections}


def compared(root, number, case):
    """The answer for one configuration."""
    folder = root / str(number)
    folder.mkdir()
    home = os.getcwd()
    try:
        with contextlib.redirect_stdout(sys.stderr):
            answer = resolved(folder, case)
    except (Exception, RecursionError) as error:
        answer = {"refused": f"{type(error).__name__}: {error}"}
    finally:
        os.chdir(home)
    # It adds a handler for each buildout that it reads.
    logging.getLogger().handlers.clear()
    return json.loads(json.dumps(answer).replace(json.dumps(str(folder))[1:-1], ROOT))


def main():
    zc.buildout.buildout._install_and_load = lambda *_: Recipe
    root = pathlib.Path(sys.argv[1]).resolve()
    cases = json.load(sys.stdin)
    json.dump([compared(root, number, case) for number, case in enumerate(cases)], sys.stdout)


main()
