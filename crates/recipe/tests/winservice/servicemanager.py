"""A stand-in for pywin32's servicemanager: its event log is a file."""

import io
import os


def LogErrorMsg(text):
    with io.open(os.environ['SVCKIT_EVENTS'], 'a', encoding='utf-8') as events:
        events.write(text)
