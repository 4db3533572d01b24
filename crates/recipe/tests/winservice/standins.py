"""Stand-ins for the modules of pywin32 that a service script uses.

They make up a small world with a clock of its own: time passes only when
somebody waits, and then up to the moment at which something happens.
"""

import getopt
import importlib.util
import os
import sys
import time
import types

INFINITE = 0xFFFFFFFF
WAIT_OBJECT_0 = 0
WAIT_TIMEOUT = 258
NEVER = float('inf')

OUR_PID = 4
OTHERS_WINDOW = (1, OUR_PID)


class WinError(Exception):
    """pywintypes.error"""

    def __init__(self, winerror, function='', strerror='it failed'):
        Exception.__init__(self, winerror, function, strerror)
        self.winerror, self.funcname, self.strerror = winerror, function, strerror


class Exited(BaseException):
    """os._exit was called."""


class Event(object):
    def __init__(self):
        self.since = NEVER


class Process(object):
    """A process that does what it was told: `status` after `runs_for` seconds."""

    def __init__(self, world, pid, runs_for=NEVER, status=0, on_ctrl_c=None, on_close=None, windows=0,
                 is_deaf=False, dies_within=0):
        self.world, self.pid = world, pid
        self.since, self.status = world.now + runs_for, status
        self.on_ctrl_c, self.on_close, self.windows = on_ctrl_c, on_close, windows
        self.is_deaf, self.dies_within = is_deaf, dies_within
        self.is_suspended, self.job, self.heard = True, None, []

    def is_alive(self):
        return self.since > self.world.now

    def hear(self, what, answer):
        self.heard.append((self.world.now, what))
        if answer is not None and self.is_alive():
            after, self.status = answer
            self.since = self.world.now + after

    def end(self, status):
        if self.is_alive():
            self.heard.append((self.world.now, 'force'))
            self.since, self.status = self.world.now + self.dies_within, status


class Job(object):
    def __init__(self):
        self.limits, self.processes, self.terminated_at = 0, [], []


class World(object):
    """What the script sees of Windows, and what it did there."""

    def __init__(self):
        self.now = 0
        self.plans = []            # What the processes do, in the order in which they are made.
        self.actions = []          # (time, function): what others do.
        self.statuses = []         # (time, state, checkpoint, hint, win32 code, service code)
        self.events = []           # (type, text)
        self.made = []             # (process, command, directory, flags, inherits, ZMANAGED)
        self.installed = []
        self.is_debugging = False
        self.is_log_full = False
        self.allows_jobs = True
        self.has_job_lists = True
        self.own_handlers = []
        self.console = None
        self.command_result = 0

    def wait(self, handles, milliseconds):
        deadline = NEVER if milliseconds == INFINITE else self.now + milliseconds / 1000.0
        while True:
            for index, handle in enumerate(handles):
                if handle.since <= self.now:
                    return WAIT_OBJECT_0 + index
            if self.now >= deadline:
                return WAIT_TIMEOUT
            self.actions.sort(key=lambda action: action[0])
            moments = [handle.since for handle in handles] + [deadline]
            moment = min(moments + [at for at, _ in self.actions[:1]])
            assert moment < NEVER, 'this would be waited for without end'
            self.now = moment
            while self.actions and self.actions[0][0] <= self.now:
                self.actions.pop(0)[1]()

    def processes(self):
        return [made[0] for made in self.made]

    def texts(self, kind):
        return [text for logged, text in self.events if logged == kind]

    def states(self):
        return [status[1] for status in self.statuses]

    def install(self):
        """Puts the modules where the script imports them from."""
        for build in (pywintypes, servicemanager, win32api, win32con, win32console, win32event, win32gui,
                      win32job, win32process, win32service, win32serviceutil):
            module = types.ModuleType(build.__name__)
            for name, value in build(self).items():
                setattr(module, name, value)
            sys.modules[build.__name__] = module

    def load(self, path, name='winservice'):
        """The service script as a module."""
        self.install()
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert module.clock is time.monotonic
        module.clock = lambda: self.now
        return module


def pywintypes(world):
    return {'error': WinError}


def servicemanager(world):
    def log(kind):
        def write(text):
            if world.is_log_full:
                raise WinError(1502)
            world.events.append((kind, text))
        return write

    def log_message(kind, message, inserts):
        assert kind == 4 and len(inserts) == 2
        log(message)(''.join(inserts))

    return {
        'EVENTLOG_INFORMATION_TYPE': 4, 'PYS_SERVICE_STARTED': 'started', 'PYS_SERVICE_STOPPED': 'stopped',
        'LogMsg': log_message, 'LogInfoMsg': log('info'), 'LogWarningMsg': log('warning'),
        'LogErrorMsg': log('error'), 'Debugging': lambda: world.is_debugging,
    }


def win32con(world):
    return {'CTRL_C_EVENT': 0, 'CTRL_BREAK_EVENT': 1, 'WM_CLOSE': 16}


def win32api(world):
    def generate(event, group):
        if event == 0:
            assert group == 0 and world.console is not None
            assert any(handler(event) for handler in world.own_handlers), 'the service would end itself'
            process = world.console
        else:
            process = next(process for process in world.processes() if process.pid == group)
        process.hear(('ctrl-c', 'ctrl-break')[event], process.on_ctrl_c)

    def set_handler(handler, is_added):
        assert is_added
        world.own_handlers.append(handler)

    return {'GenerateConsoleCtrlEvent': generate, 'SetConsoleCtrlHandler': set_handler}


def win32console(world):
    def free():
        if world.console is None:
            raise WinError(87)
        world.console = None

    def attach(pid):
        assert world.console is None
        process = next(process for process in world.processes() if process.pid == pid)
        if process.is_deaf:
            raise WinError(6)
        world.console = process

    return {'FreeConsole': free, 'AttachConsole': attach}


def win32event(world):
    def create(attributes, is_manual, is_set, name):
        assert is_manual, 'it has to stay set'
        return Event()

    def set_event(event):
        event.since = min(event.since, world.now)

    def wait_for_several(handles, wants_all, milliseconds):
        assert not wants_all
        return world.wait(handles, milliseconds)

    return {
        'INFINITE': INFINITE, 'WAIT_OBJECT_0': WAIT_OBJECT_0, 'WAIT_TIMEOUT': WAIT_TIMEOUT,
        'CreateEvent': create, 'SetEvent': set_event, 'WaitForMultipleObjects': wait_for_several,
        'WaitForSingleObject': lambda handle, milliseconds: world.wait([handle], milliseconds),
    }


def win32gui(world):
    def windows():
        return [OTHERS_WINDOW] + [
            (number, process.pid) for process in world.processes() if process.is_alive()
            for number in range(process.windows)]

    def enumerate_windows(look, extra):
        for window in windows():
            assert look(window, extra)

    def post(window, message, wparam, lparam):
        assert window in windows() and message == 16
        process = next(process for process in world.processes() if process.pid == window[1])
        process.hear('close', process.on_close)

    return {'EnumWindows': enumerate_windows, 'PostMessage': post}


def win32job(world):
    limits, pids = 9, 3

    def query(job, what):
        if what == limits:
            return {'BasicLimitInformation': {'LimitFlags': job.limits}}
        if not world.has_job_lists:
            raise WinError(234)
        return tuple(process.pid for process in job.processes if process.is_alive())

    def set_information(job, what, information):
        assert what == limits
        job.limits = information['BasicLimitInformation']['LimitFlags']

    def assign(job, process):
        assert process.is_suspended, 'what it starts could escape'
        if not world.allows_jobs:
            raise WinError(5)
        process.job = job
        job.processes.append(process)

    def terminate(job, status):
        job.terminated_at.append(world.now)
        for process in job.processes:
            process.end(status)

    return {
        'JobObjectExtendedLimitInformation': limits, 'JobObjectBasicProcessIdList': pids,
        'JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE': 0x2000, 'CreateJobObject': lambda attributes, name: Job(),
        'QueryInformationJobObject': query, 'SetInformationJobObject': set_information,
        'AssignProcessToJobObject': assign, 'TerminateJobObject': terminate,
    }


def win32process(world):
    def create(application, command, process_attributes, thread_attributes, inherits, flags, environment,
               directory, startup):
        assert (application, process_attributes, thread_attributes, environment) == (None,) * 4
        assert flags & 4, 'what it starts could escape'
        assert os.path.isdir(directory)
        plan = world.plans.pop(0)
        if isinstance(plan, Exception):
            raise plan
        process = Process(world, 1000 + len(world.made), **plan)
        world.made.append((process, command, directory, flags, inherits, os.environ.get('ZMANAGED')))
        return process, process, process.pid, 1

    def resume(thread):
        thread.is_suspended = False

    def exit_status(process):
        assert not process.is_alive()
        # As pywin32 gives it: signed.
        return process.status - 2 ** 32 if process.status >= 2 ** 31 else process.status

    return {
        'CREATE_SUSPENDED': 4, 'CREATE_NEW_PROCESS_GROUP': 0x200, 'CREATE_NO_WINDOW': 0x8000000,
        'STARTUPINFO': object, 'CreateProcess': create, 'ResumeThread': resume,
        'GetExitCodeProcess': exit_status, 'TerminateProcess': Process.end,
        'GetWindowThreadProcessId': lambda window: (1, window[1]),
    }


def win32service(world):
    return {
        '__file__': os.path.join(os.path.dirname(os.path.abspath(__file__)), 'win32service.pyd'),
        'SERVICE_STOPPED': 'STOPPED', 'SERVICE_START_PENDING': 'START_PENDING',
        'SERVICE_STOP_PENDING': 'STOP_PENDING', 'SERVICE_RUNNING': 'RUNNING',
    }


def win32serviceutil(world):
    class ServiceFramework(object):
        _exe_name_ = None

        def __init__(self, args):
            assert args[0] == self._svc_name_
            self.checkpoint = 0

        def ReportServiceStatus(self, serviceStatus, waitHint=5000, win32ExitCode=0, svcExitCode=0):
            assert -2 ** 31 <= svcExitCode < 2 ** 31
            is_pending = serviceStatus.endswith('PENDING')
            self.checkpoint += is_pending
            world.statuses.append((
                world.now, serviceStatus, self.checkpoint if is_pending else 0, waitHint, win32ExitCode,
                svcExitCode))

    def handle(service):
        """Install and update as pywin32 has them; the rest is only noted."""
        if len(sys.argv) < 2:
            print('Usage: ...')
            sys.exit(1)
        options, words = getopt.getopt(sys.argv[1:], '', ['username=', 'password=', 'startup='])
        noted = dict(options, words=words, service=service._svc_name_, display=service._svc_display_name_,
                     description=service._svc_description_, exe=service._exe_name_)
        world.installed.append(noted)
        return world.command_result

    return {'ServiceFramework': ServiceFramework, 'HandleCommandLine': handle}
