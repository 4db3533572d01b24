"""Calls of svc, with its answers and errors as JSON."""

import json

COMMON = dict(
    scm=dict(type="str"),
    executable=dict(type="str", default="svc"),
    wait=dict(type="float"),
)

# The exit status of svc diff and svc plan where something is different, and of svc start and stop where it is so already.
DIFFERENT = 11
ALREADY_SO = 6


class Svc:
    """svc on one service control manager."""

    def __init__(self, module):
        self.module = module
        self.base = [module.params["executable"], "--json"]
        if module.params.get("scm"):
            self.base += ["--scm", module.params["scm"]]
        if module.params.get("wait") is not None:
            self.base += ["--wait", str(module.params["wait"])]

    def run(self, words, data=None, good=(0,)):
        """The exit status and the lines of the answer; whatever else fails is the end of the module."""
        status, out, err = self.module.run_command(self.base + words, data=data, binary_data=True)
        if status not in good:
            self.fail(words, status, out, err)
        for line in err.splitlines():
            if line.startswith("warning: "):
                self.module.warn(line[len("warning: "):])
        try:
            return status, [json.loads(line) for line in out.splitlines()]
        except ValueError:
            self.module.fail_json(msg="svc %s answered with what is no JSON" % words[0], rc=status, stdout=out)

    def fail(self, words, status, out, err):
        errors = []
        for line in err.splitlines():
            try:
                errors.append(json.loads(line)["error"])
            except (ValueError, KeyError, TypeError):
                continue
        if not errors:
            self.module.fail_json(
                msg="svc %s failed with exit status %d" % (words[0], status), rc=status, stdout=out, stderr=err
            )
        first = errors[0]
        message = first["message"]
        if first.get("hint"):
            message = "%s; %s" % (message, first["hint"])
        self.module.fail_json(msg=message, rc=status, error=first, errors=errors)

    def dsc(self, operation, instance):
        """An operation on one service; its state, and the names of what differs where it tells that."""
        data = json.dumps(instance)
        lines = self.run(["dsc", operation], data=data)[1]
        return (lines + [None, None])[:2]
