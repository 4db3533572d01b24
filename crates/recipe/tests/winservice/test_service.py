"""The service script, in a world of stand-ins.

The script and what its variables have to be come from the environment: this is
run by the tests in Rust.
"""

import io
import json
import os
import runpy
import sys
import tempfile
import unittest
from unittest import mock

from standins import Exited, WinError, World

SCRIPT = os.environ['SVCKIT_SCRIPT']
VARIABLES = json.loads(os.environ['SVCKIT_VARIABLES'])
NAME, DISPLAY = VARIABLES['SERVICE_NAME'], VARIABLES['SERVICE_DISPLAY_NAME']
TITLE = '%s (%s)' % (NAME, DISPLAY)
NO_WINDOW, GROUP, SUSPENDED = 0x8000000, 0x200, 4


class TestCase(unittest.TestCase):
    def setUp(self):
        # A script reads bytes that Python must not have compiled for another test.
        sys.dont_write_bytecode = True
        os.environ.pop('ZMANAGED', None)
        self.addCleanup(os.environ.pop, 'ZMANAGED', None)
        self.world = World()
        self.module = self.world.load(SCRIPT)

    def run_service(self, *plans, **when):
        """Runs the service to its end; whether its process ended with it."""
        self.world.plans.extend(plans)
        self.service = self.module.Service([NAME])
        for name, at in when.items():
            action = {'stop_at': 'SvcStop', 'shutdown_at': 'SvcShutdown', 'interrogate_at': 'SvcInterrogate'}
            self.world.actions.append((at, getattr(self.service, action[name])))
        with mock.patch('os._exit', side_effect=Exited):
            try:
                self.service.SvcRun()
            except Exited:
                return True
        return False

    def assert_clean_stop(self, exited):
        self.assertFalse(exited)
        self.assertEqual(self.world.states()[-1], 'STOP_PENDING')
        self.assertEqual([status[4:] for status in self.world.statuses if status[4:] != (0, 0)], [])
        self.assertEqual(self.world.texts('stopped'), [TITLE])


class Variables(TestCase):
    def test_they_are_what_was_written(self):
        for name, value in VARIABLES.items():
            self.assertEqual(getattr(self.module, name), value)


class CommandLine(TestCase):
    def run_script(self, *arguments):
        # The stand-ins are put in place by the load; here the script is the main program.
        with mock.patch.object(sys, 'argv', [SCRIPT] + list(arguments)):
            with self.assertRaises(SystemExit) as end:
                runpy.run_path(SCRIPT, run_name='__main__')
        return end.exception.code

    def test_install_has_names_and_options(self):
        status = self.run_script(
            '--username', 'domain\\user', '--password', 'secret', '--startup', 'delayed', 'install')
        self.assertEqual(status, 0)
        self.assertEqual(self.world.installed, [{
            '--username': 'domain\\user', '--password': 'secret', '--startup': 'delayed',
            'words': ['install'], 'service': NAME, 'display': DISPLAY,
            'description': VARIABLES['SERVICE_DESCRIPTION'], 'exe': None}])

    def test_a_failure_is_the_exit_status(self):
        self.world.command_result = 5
        self.assertEqual(self.run_script('remove'), 5)

    def test_usage_without_arguments(self):
        with mock.patch('sys.stdout', io.StringIO()) as output:
            self.assertEqual(self.run_script(), 1)
        self.assertIn('Usage', output.getvalue())

    def test_pythonservice_is_used_where_it_can_run(self):
        with tempfile.TemporaryDirectory() as folder:
            there = os.path.join(folder, 'pythonservice.exe')
            open(there, 'w').close()
            self.module.PYTHONSERVICE_EXE = there
            self.assertEqual(self.module.service_program(), there)
            with mock.patch.object(sys, 'argv', [SCRIPT, 'install']):
                self.module.main()
            self.assertEqual(self.world.installed[0]['exe'], there)
            # Where pywin32 was unpacked it is found, but finds no Python.
            self.module.win32service.__file__ = os.path.join(folder, 'win32service.pyd')
            self.assertIsNone(self.module.service_program())
        self.assertIsNone(self.module.service_program())
        self.module.PYTHONSERVICE_EXE = ''
        self.assertIsNone(self.module.service_program())


class Start(TestCase):
    def test_the_program_is_started_as_the_part_says(self):
        self.assert_clean_stop(self.run_service({'runs_for': 1}))
        process, command, directory, flags, inherits, managed = self.world.made[0]
        words = ['"%s"' % VARIABLES['PYTHON'], '"%s"' % VARIABLES['SCRIPT'], VARIABLES['PARAMETERS']]
        self.assertEqual(command, ' '.join(words))
        self.assertEqual(directory, VARIABLES['INSTANCE_HOME'])
        self.assertEqual(flags, NO_WINDOW | SUSPENDED)
        self.assertFalse(inherits)
        self.assertEqual(managed, '1')
        self.assertFalse(process.is_suspended)
        self.assertEqual(process.job.limits, 0x2000)
        self.assertEqual(self.world.states()[0], 'RUNNING')
        self.assertEqual(self.world.texts('started'), [TITLE])

    def test_a_program_of_its_own_needs_no_python(self):
        self.module.PYTHON = self.module.PARAMETERS = ''
        self.run_service({'runs_for': 1})
        self.assertEqual(self.world.made[0][1], '"%s"' % VARIABLES['SCRIPT'])

    def test_what_is_missing_is_named(self):
        for name in ('PYTHON', 'SCRIPT'):
            module = World().load(SCRIPT)
            setattr(module, name, os.path.join(VARIABLES['INSTANCE_HOME'], 'nowhere.py'))
            with self.assertRaises(OSError) as error:
                module.Service([NAME])
            self.assertEqual(str(error.exception), '%s does not exist' % getattr(module, name))

    def test_a_service_has_no_streams(self):
        with mock.patch.object(sys, 'stdout', None), mock.patch.object(sys, 'stderr', None):
            exited = self.run_service({'runs_for': 1})
            print('to nobody: \u20ac')
            sys.stderr.write('nor this')
            sys.stdout.close()
            sys.stderr.close()
        self.assert_clean_stop(exited)

    def test_streams_that_are_there_stay(self):
        before = sys.stdout
        self.run_service({'runs_for': 1})
        self.assertIs(sys.stdout, before)

    def test_one_that_cannot_be_started_is_tried_again(self):
        exited = self.run_service(WinError(2, 'CreateProcess', 'no such file'), {'runs_for': 1})
        self.assert_clean_stop(exited)
        self.assertEqual(self.world.texts('warning'), [
            TITLE + ': process could not be started (no such file) and is restarted after 5 seconds'])

    def test_one_that_can_never_be_started_is_given_up(self):
        self.assertTrue(self.run_service(*[WinError(2, 'CreateProcess', 'no such file')] * 7))
        self.assertEqual(self.world.statuses[-1][1:], ('STOPPED', 0, 5000, 2, 0))

    def test_a_full_event_log_is_no_reason_to_stop(self):
        self.world.is_log_full = True
        self.assertFalse(self.run_service({'runs_for': 1, 'status': 1}, {'runs_for': 1}))
        self.assertEqual(len(self.world.made), 2)


class Restart(TestCase):
    def test_exit_0_stops_the_service(self):
        self.assert_clean_stop(self.run_service({'runs_for': 7}))
        self.assertEqual(self.world.now, 7)
        self.assertEqual(len(self.world.made), 1)
        self.assertEqual([kind for kind, _ in self.world.events], ['started', 'stopped'])

    def test_delays_double_until_they_are_too_much(self):
        self.assertTrue(self.run_service(*[{'runs_for': 1, 'status': 3}] * 7))
        delays = [5, 10, 20, 40, 80, 160]
        self.assertEqual(self.world.texts('warning'), [
            '%s: process died unexpectedly with exit status 3 and is restarted after %s seconds' % (
                TITLE, delay) for delay in delays])
        self.assertEqual(
            self.world.texts('info'), [TITLE + ': recovered from the unexpected end, new process started'] * 6)
        self.assertEqual(self.world.texts('error'), [
            TITLE + ': process died unexpectedly with exit status 3 and is not restarted any more: gave up '
            'after 315 seconds of waiting'])
        self.assertEqual(self.world.now, 7 + sum(delays))
        self.assertEqual(self.world.texts('stopped'), [TITLE])
        self.assertEqual(self.world.statuses[-1][1:], ('STOPPED', 0, 5000, 1066, 3))

    def test_a_long_run_makes_the_delays_new(self):
        short, exact, long = [{'runs_for': time, 'status': 1} for time in (1, 30, 31)]
        self.run_service(short, short, exact, long, short, {'runs_for': 1})
        delays = [text.split(' after ')[1] for text in self.world.texts('warning')]
        self.assertEqual(delays, ['%s seconds' % delay for delay in (5, 10, 20, 5, 10)])

    def test_a_long_run_makes_the_spent_time_new(self):
        short, long = [{'runs_for': time, 'status': 1} for time in (1, 31)]
        exited = self.run_service(*[short] * 6 + [long] + [short] * 6)
        self.assertTrue(exited)
        self.assertEqual(len(self.world.made), 13)

    def test_it_gives_up_with_the_last_status(self):
        self.run_service(*[{'runs_for': 1, 'status': 3}] * 6 + [{'runs_for': 1, 'status': 0xC0000005}])
        self.assertEqual(self.world.statuses[-1][4:], (1066, 0xC0000005 - 2 ** 32))
        self.assertIn('exit status 0xC0000005', self.world.texts('error')[0])

    def test_a_stop_during_the_delay_is_obeyed_at_once(self):
        exited = self.run_service({'runs_for': 1, 'status': 3}, stop_at=2)
        self.assert_clean_stop(exited)
        self.assertEqual(self.world.now, 2)
        self.assertEqual(len(self.world.made), 1)

    def test_what_the_program_left_ends_with_it(self):
        self.run_service({'runs_for': 1, 'status': 3}, {'runs_for': 1})
        self.assertEqual([process.job.terminated_at for process in self.world.processes()], [[1], [7]])
        self.assertEqual([process.heard for process in self.world.processes()], [[], []])


class Stop(TestCase):
    def test_ctrl_c_comes_first(self):
        exited = self.run_service({'on_ctrl_c': (2, 0xC000013A), 'windows': 1}, stop_at=10)
        self.assert_clean_stop(exited)
        self.assertEqual(self.world.now, 12)
        self.assertEqual(self.world.processes()[0].heard, [(10, 'ctrl-c')])
        self.assertIsNone(self.world.console)
        self.assertEqual(self.world.texts('warning'), [])

    def test_one_that_is_stopped_at_once_starts_nothing(self):
        service = self.module.Service([NAME])
        service.SvcStop()
        service.SvcRun()
        self.assertEqual(self.world.made, [])
        self.assert_clean_stop(False)

    def test_shutdown_is_a_stop(self):
        self.assert_clean_stop(self.run_service({'on_ctrl_c': (0, 0)}, shutdown_at=10))
        self.assertEqual(self.world.processes()[0].heard, [(10, 'ctrl-c')])

    def test_then_windows_are_asked_to_close(self):
        exited = self.run_service({'on_close': (1, 0), 'windows': 2}, stop_at=10)
        self.assert_clean_stop(exited)
        heard = self.world.processes()[0].heard
        self.assertEqual(heard, [(10, 'ctrl-c'), (15, 'close'), (15, 'close')])
        self.assertEqual(self.world.now, 16)

    def test_force_comes_last(self):
        self.assert_clean_stop(self.run_service({'windows': 1}, stop_at=10))
        heard = self.world.processes()[0].heard
        self.assertEqual(heard, [(10, 'ctrl-c'), (15, 'close'), (20, 'force')])
        self.assertEqual(self.world.texts('warning'), [
            TITLE + ': process did not end when it was asked to and is ended by force'])

    def test_the_service_stops_after_the_program(self):
        self.assert_clean_stop(self.run_service({'dies_within': 4}, stop_at=10))
        self.assertEqual(self.world.now, 19)
        self.assertEqual(self.world.statuses[-1][0], 19)

    def test_one_that_does_not_even_end_by_force_is_left(self):
        self.run_service({'dies_within': 1000}, stop_at=10)
        self.assertEqual(self.world.now, 25)

    def test_without_windows_force_comes_sooner(self):
        self.run_service({}, stop_at=10)
        self.assertEqual(self.world.processes()[0].heard, [(10, 'ctrl-c'), (15, 'force')])

    def test_without_a_console_and_windows_force_is_all_there_is(self):
        self.run_service({'is_deaf': True}, stop_at=10)
        self.assertEqual(self.world.processes()[0].heard, [(10, 'force')])

    def test_progress_is_reported(self):
        self.run_service({'windows': 1}, stop_at=10)
        stopping = [status for status in self.world.statuses if status[1] == 'STOP_PENDING']
        checkpoints = [status[2] for status in stopping]
        self.assertEqual(checkpoints, sorted(set(checkpoints)))
        for one, next_one in zip(stopping, stopping[1:]):
            self.assertLess(next_one[0] - one[0], one[3] / 1000.0)
            self.assertLessEqual(next_one[0] - one[0], 3)

    def test_a_second_stop_changes_nothing(self):
        self.world.actions.append((11, lambda: self.service.SvcStop()))
        self.assert_clean_stop(self.run_service({'on_ctrl_c': (2, 0)}, stop_at=10))
        self.assertEqual(self.world.processes()[0].heard, [(10, 'ctrl-c')])

    def test_an_interrogation_tells_the_truth(self):
        self.run_service({'on_ctrl_c': (4, 0)}, stop_at=10, interrogate_at=11)
        told = [status[1] for status in self.world.statuses if status[0] == 11]
        self.assertEqual(told, ['STOP_PENDING'])
        self.run_service({'runs_for': 9}, interrogate_at=20)
        self.assertIn((20, 'RUNNING'), [status[:2] for status in self.world.statuses])

    def test_without_a_job_the_program_itself_is_ended(self):
        self.world.allows_jobs = False
        self.run_service({'windows': 1}, stop_at=10)
        heard = self.world.processes()[0].heard
        self.assertEqual(heard, [(10, 'ctrl-c'), (15, 'close'), (20, 'force')])

    def test_a_job_that_does_not_list_has_the_program_at_least(self):
        self.world.has_job_lists = False
        self.run_service({'windows': 1, 'on_close': (0, 0)}, stop_at=10)
        self.assertEqual(self.world.processes()[0].heard[1:], [(15, 'close')])


class Debug(TestCase):
    def setUp(self):
        TestCase.setUp(self)
        self.world.is_debugging = True

    def test_the_program_is_in_this_console(self):
        self.run_service({'on_ctrl_c': (1, 0)}, stop_at=10)
        process, _, _, flags, inherits, _ = self.world.made[0]
        self.assertEqual(flags, GROUP | SUSPENDED)
        self.assertTrue(inherits)
        self.assertEqual(process.heard, [(10, 'ctrl-break')])

    def test_a_failure_does_not_end_the_console(self):
        self.assertFalse(self.run_service(*[{'runs_for': 1, 'status': 3}] * 7))


if __name__ == '__main__':
    unittest.main()
