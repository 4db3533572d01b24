"""What impacket, an independent implementation of MS-SCMR, writes and reads.

    impacket_vectors.py calls             print the stubs of fixed calls, one `NAME HEX` a line
    impacket_vectors.py answers           read `NAME HEX` lines of answers, print what is in them
    impacket_vectors.py secrets           read `KEY ENCRYPTED` lines, print what is in them and how impacket encrypts that
    impacket_vectors.py drive SOCKET      be the client of a server on a Unix socket, print what it answers

Referent identifiers are free for the writer to choose, and impacket draws them at random: here they are numbered as Windows does. Padding may
hold anything: here it is zero. The fixed calls contain none of the bytes that impacket pads with.
"""

import contextlib
import socket
import sys
import uuid

from impacket import crypto
from impacket.dcerpc.v5 import ndr, scmr, transport
from impacket.dcerpc.v5.dtypes import NULL, UCHAR
from impacket.ldap.ldaptypes import SR_SECURITY_DESCRIPTOR

MARK = 0x5EEDFACE
PADDING = bytes([0xAA, 0xAB, 0xBB, 0xBC, 0xBF, 0xCA, 0xCB, 0xCC, 0xDD, 0xEE, 0xEF])


class Constant:
    @staticmethod
    def randint(_low, _high):
        return MARK


def normal(stub):
    stub = bytearray(0 if byte in PADDING else byte for byte in stub)
    referent = 0x20000
    for at in range(0, len(stub) - 3, 4):
        if int.from_bytes(stub[at:at + 4], 'little') == MARK:
            stub[at:at + 4] = referent.to_bytes(4, 'little')
            referent += 4
    return bytes(stub)


def handle(number):
    value = scmr.SC_RPC_HANDLE()
    value['Data'] = bytes(4) + number.to_bytes(8, 'little') + bytes(8)
    return value


def wide(text):
    return text.encode('utf-16le')


def call(kind, **fields):
    request = kind()
    for name, value in fields.items():
        request[name] = value
    return request


def config2(level, member, **fields):
    request = scmr.RChangeServiceConfig2W()
    request['hService'] = handle(2)
    request['Info']['dwInfoLevel'] = level
    request['Info']['Union']['tag'] = level
    for name, value in fields.items():
        request['Info']['Union'][member][name] = value
    return request


def failure_actions(pairs):
    actions = scmr.SC_ACTIONS()
    for kind, delay in pairs:
        action = scmr.SC_ACTION()
        action['Type'] = kind
        action['Delay'] = delay
        actions['Data'].append(action)
    return actions


class PreferredNode(ndr.NDRSTRUCT):
    """As the specification has it: in impacket's own form the flag is a number of 32 bits."""

    structure = (('usPreferredNode', scmr.USHORT), ('fDelete', UCHAR))


class PreferredNodePointer(ndr.NDRPOINTER):
    referent = (('Data', PreferredNode),)


scmr.SC_RPC_CONFIG_INFOW_UNION.union[9] = ('pspn', PreferredNodePointer)


def guid(number):
    return uuid.UUID(int=number).bytes_le


def trigger(kind, action, subtype, items):
    entry = scmr.SERVICE_TRIGGER()
    entry['dwTriggerType'] = kind
    entry['dwAction'] = action
    entry['pTriggerSubtype'] = guid(subtype)
    if not items:
        entry['pDataItems'] = NULL
    for data_type, data in items:
        item = scmr.SERVICE_TRIGGER_SPECIFIC_DATA_ITEM()
        item['dwDataType'] = data_type
        item['pData'] = data
        entry['pDataItems'].append(item)
    return entry


def triggers(*entries):
    request = config2(8, 'psti', pReserved=NULL)
    info = request['Info']['Union']['psti']
    if not entries:
        info['pTriggers'] = NULL
    for entry in entries:
        info['pTriggers'].append(entry)
    return request


def start(arguments):
    request = scmr.RStartServiceW()
    request['hService'] = handle(2)
    request['argc'] = len(arguments)
    if not arguments:
        request['argv'] = NULL
    for argument in arguments:
        item = scmr.LPWSTR()
        item['Data'] = argument + '\0'
        request['argv'].append(item)
    return request


def calls():
    service = {'hService': handle(2)}
    manager = {'hSCManager': handle(1)}
    create = dict(
        manager, lpServiceName='web\0', lpDisplayName='The web\0', dwDesiredAccess=0xF01FF, dwServiceType=0x10,
        dwStartType=2, dwErrorControl=1, lpBinaryPathName='/usr/bin/web --port 80\0', lpLoadOrderGroup='net\0',
        lpdwTagId=0, lpDependencies=wide('db\0+net\0\0'), dwDependSize=18, lpServiceStartName='ann\0',
        lpPassword=wide('pw\0'), dwPwSize=6)
    bare = dict(
        manager, lpServiceName='a\0', lpDisplayName=NULL, dwDesiredAccess=1, dwServiceType=0x20, dwStartType=3,
        dwErrorControl=0, lpBinaryPathName='x\0', lpLoadOrderGroup=NULL, lpdwTagId=NULL, lpDependencies=NULL,
        dwDependSize=0, lpServiceStartName=NULL, lpPassword=NULL, dwPwSize=0)
    change = dict(
        service, dwServiceType=0xFFFFFFFF, dwStartType=4, dwErrorControl=0xFFFFFFFF, lpBinaryPathName='/bin/x\0',
        lpLoadOrderGroup='\0', lpdwTagId=7, lpDependencies=wide('\0'), dwDependSize=2,
        lpServiceStartName='LocalSystem\0', lpPassword=wide('\0'), dwPwSize=2, lpDisplayName='X Y\0')
    nothing = dict(
        service, dwServiceType=0xFFFFFFFF, dwStartType=0xFFFFFFFF, dwErrorControl=0xFFFFFFFF, lpBinaryPathName=NULL,
        lpLoadOrderGroup=NULL, lpdwTagId=NULL, lpDependencies=NULL, dwDependSize=0, lpServiceStartName=NULL,
        lpPassword=NULL, dwPwSize=0, lpDisplayName=NULL)
    listing = dict(manager, dwServiceType=0x30, dwServiceState=3, cbBufSize=4096)
    privileges = wide('SeBackupPrivilege\0\0')
    return {
        'close': call(scmr.RCloseServiceHandle, hSCObject=handle(1)),
        'stop': call(scmr.RControlService, dwControl=1, **service),
        'delete': call(scmr.RDeleteService, **service),
        'status': call(scmr.RQueryServiceStatus, **service),
        'lock': call(scmr.RLockServiceDatabase, **manager),
        'unlock': call(scmr.RUnlockServiceDatabase, Lock=handle(3)['Data']),
        'boot': call(scmr.RNotifyBootConfigStatus, lpMachineName='host\0', BootAcceptable=1),
        'boot-null': call(scmr.RNotifyBootConfigStatus, lpMachineName=NULL, BootAcceptable=0),
        'lock-status': call(scmr.RQueryServiceLockStatusW, cbBufSize=4096, **manager),
        'security': call(scmr.RQueryServiceObjectSecurity, dwSecurityInformation=12, cbBufSize=512, **service),
        'set-security': call(scmr.RSetServiceObjectSecurity, hService=handle(1), dwSecurityInformation=4,
                             lpSecurityDescriptor=bytes([1, 2, 3, 4, 5]), cbBufSize=5),
        'change': call(scmr.RChangeServiceConfigW, **change),
        'change-nothing': call(scmr.RChangeServiceConfigW, **nothing),
        'create': call(scmr.RCreateServiceW, **create),
        'create-bare': call(scmr.RCreateServiceW, **bare),
        'dependents': call(scmr.REnumDependentServicesW, dwServiceState=1, cbBufSize=512, **service),
        'list': call(scmr.REnumServicesStatusW, lpResumeIndex=5, **listing),
        'list-start': call(scmr.REnumServicesStatusW, lpResumeIndex=NULL, **listing),
        'open-manager': call(scmr.ROpenSCManagerW, lpMachineName='host\0', lpDatabaseName='ServicesActive\0',
                             dwDesiredAccess=0xF003F),
        'open-manager-null': call(scmr.ROpenSCManagerW, lpMachineName=NULL, lpDatabaseName=NULL, dwDesiredAccess=1),
        'open-service': call(scmr.ROpenServiceW, lpServiceName='spooler\0', dwDesiredAccess=0x14, **manager),
        'config': call(scmr.RQueryServiceConfigW, cbBufSize=8192, **service),
        'start': start(['-v', '/etc/web.toml', '']),
        'start-bare': start([]),
        'display-name': call(scmr.RGetServiceDisplayNameW, lpServiceName='web\0', lpcchBuffer=256, **manager),
        'key-name': call(scmr.RGetServiceKeyNameW, lpDisplayName='The web\0', lpcchBuffer=300, **manager),
        'description': config2(1, 'psd', lpDescription='Sells things\0'),
        'description-null': config2(1, 'psd', lpDescription=NULL),
        'failure-actions': config2(2, 'psfa', dwResetPeriod=3600, lpRebootMsg='down\0', lpCommand='/bin/mail\0',
                                   lpsaActions=failure_actions([(1, 5000), (3, 0)])),
        'failure-command': config2(2, 'psfa', dwResetPeriod=0, lpRebootMsg=NULL, lpCommand='\0', lpsaActions=NULL),
        'delayed': config2(3, 'psda', fDelayedAutostart=1),
        'failure-flag': config2(4, 'psfaf', fFailureActionsOnNonCrashFailures=0),
        'sid': config2(5, 'pssid', dwServiceSidType=3),
        'privileges': config2(6, 'psrp', pRequiredPrivileges=privileges),
        'preshutdown': config2(7, 'psps', dwPreshutdownTimeout=120000),
        'triggers': triggers(
            trigger(20, 1, 0x0102030405060708090a0b0c0d0e0f10, [(2, wide('web\0')), (1, bytes([1, 2, 3, 4, 5]))]),
            trigger(3, 2, 1, [])),
        'triggers-none': triggers(),
        'preferred-node': config2(9, 'pspn', usPreferredNode=2, fDelete=0),
        'preferred-node-none': config2(9, 'pspn', usPreferredNode=0, fDelete=1),
        'config-ex': call(scmr.RQueryServiceConfigEx, dwInfoLevel=8, **service),
        'config2': call(scmr.RQueryServiceConfig2W, dwInfoLevel=2, cbBufSize=8192, **service),
        'status-ex': call(scmr.RQueryServiceStatusEx, InfoLevel=0, cbBufSize=36, **service),
        'list-ex': call(scmr.REnumServicesStatusExW, InfoLevel=0, lpResumeIndex=0, pszGroupName='net\0', **listing),
        'list-ex-all': call(scmr.REnumServicesStatusExW, InfoLevel=0, lpResumeIndex=NULL, pszGroupName=NULL,
                            **listing),
        'list-group': call(scmr.REnumServiceGroupW, lpResumeIndex=0, pszGroupName='net\0', **listing),
        'create-wow64': call(scmr.RCreateServiceWOW64W, **create),
        'notify-results': call(scmr.RGetNotifyResults, hNotify=handle(3)),
        'notify-close': call(scmr.RCloseNotifyHandle, phNotify=handle(3)),
    }


def number(handle_bytes):
    return int.from_bytes(handle_bytes[4:12], 'little')


def status_words(status):
    return ' '.join(str(status[name]) for name in (
        'dwServiceType', 'dwCurrentState', 'dwControlsAccepted', 'dwWin32ExitCode', 'dwServiceSpecificExitCode',
        'dwCheckPoint', 'dwWaitHint'))


def text(value):
    return repr(value[:-1]) if value else '-'


def string_at(buffer, offset):
    end = offset
    while buffer[end:end + 2] != b'\0\0':
        end += 2
    return buffer[offset:end].decode('utf-16le')


def words(buffer, at, count):
    return [int.from_bytes(buffer[at + 4 * i:at + 4 * i + 4], 'little') for i in range(count)]


def entries(buffer, count):
    found = []
    for index in range(count):
        name, display, *status = words(buffer, 44 * index, 11)
        found.append('%s|%s|%s' % (string_at(buffer, name), string_at(buffer, display), status))
    return ' '.join(found)


def config_words(config):
    numbers = [config[name] for name in ('dwServiceType', 'dwStartType', 'dwErrorControl', 'dwTagId')]
    texts = [text(config[name]) for name in (
        'lpBinaryPathName', 'lpLoadOrderGroup', 'lpDependencies', 'lpServiceStartName', 'lpDisplayName')]
    return ' '.join(map(str, numbers + texts))


class ListEx(ndr.NDRCALL):
    """As the specification has it: in impacket's own form the index is not a pointer, and the answer can't be read."""

    structure = (
        ('lpBuffer', scmr.BYTE_ARRAY),
        ('pcbBytesNeeded', scmr.DWORD),
        ('lpServicesReturned', scmr.DWORD),
        ('lpResumeIndex', scmr.LPBOUNDED_DWORD_256K),
        ('ErrorCode', scmr.DWORD),
    )


def descriptor(form):
    """The access list of a descriptor, or the bytes if they are none."""
    if not any(form):
        return form.hex()
    found = SR_SECURITY_DESCRIPTOR(form)
    entries = ('(%s;;%x;%s)' % ('AD'[ace['AceType']], ace['Ace']['Mask']['Mask'], ace['Ace']['Sid'].formatCanonical())
               for ace in found['Dacl'].aces)
    return 'D:' + ''.join(entries)


def read_answer(name, stub):
    if name == 'open-manager':
        answer = scmr.ROpenSCManagerWResponse(stub)
        return '%d %d' % (number(answer['lpScHandle']), answer['ErrorCode'])
    if name == 'open-service':
        answer = scmr.ROpenServiceWResponse(stub)
        return '%d %d' % (number(answer['lpServiceHandle']), answer['ErrorCode'])
    if name == 'lock':
        answer = scmr.RLockServiceDatabaseResponse(stub)
        return '%d %d' % (number(answer['lpLock']), answer['ErrorCode'])
    if name == 'unlock':
        answer = scmr.RUnlockServiceDatabaseResponse(stub)
        return '%d %d' % (number(answer['Lock']), answer['ErrorCode'])
    if name == 'boot':
        return str(scmr.RNotifyBootConfigStatusResponse(stub)['ErrorCode'])
    if name == 'lock-status':
        answer = scmr.RQueryServiceLockStatusWResponse(stub)
        status = answer['lpLockStatus']
        return '%d %s %d %d %d' % (status['fIsLocked'], text(status['lpLockOwner']), status['dwLockDuration'],
                                   answer['pcbBytesNeeded'], answer['ErrorCode'])
    if name == 'security':
        answer = scmr.RQueryServiceObjectSecurityResponse(stub)
        return '%s %d %d' % (descriptor(b''.join(answer['lpSecurityDescriptor'])), answer['pcbBytesNeeded'],
                             answer['ErrorCode'])
    if name == 'status':
        answer = scmr.RQueryServiceStatusResponse(stub)
        return '%s %d' % (status_words(answer['lpServiceStatus']), answer['ErrorCode'])
    if name == 'config':
        answer = scmr.RQueryServiceConfigWResponse(stub)
        return '%s %d %d' % (config_words(answer['lpServiceConfig']), answer['pcbBytesNeeded'], answer['ErrorCode'])
    if name == 'list-ex':
        answer = ListEx(stub)
        buffer = b''.join(answer['lpBuffer'])
        return '%s %d %d %d' % (entries(buffer, answer['lpServicesReturned']), answer['pcbBytesNeeded'],
                                answer['lpResumeIndex'], answer['ErrorCode'])
    if name == 'display-name':
        answer = scmr.RGetServiceDisplayNameWResponse(stub)
        return '%s %d %d' % (text(answer['lpDisplayName']), answer['lpcchBuffer'], answer['ErrorCode'])
    if name == 'config-ex':
        answer = scmr.RQueryServiceConfigExResponse(stub)
        info = answer['pInfo']
        found = [str(info['dwInfoLevel'])]
        for entry in info['Union']['psti']['pTriggers']:
            found.append('%d %d %s' % (entry['dwTriggerType'], entry['dwAction'],
                                       uuid.UUID(bytes_le=entry['pTriggerSubtype']).hex))
            items = entry['pDataItems'] if entry['cDataItems'] else []
            found += ['%d:%s' % (item['dwDataType'], b''.join(item['pData']).hex()) for item in items]
        return ' '.join(found + [str(answer['ErrorCode'])])
    raise SystemExit('no such answer: ' + name)


class UnixTransport(transport.DCERPCTransport):
    def __init__(self, path):
        super().__init__('', 0)
        self.path = path
        self.socket = None

    def connect(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(self.path)
        return 1

    def disconnect(self):
        self.socket.close()

    def send(self, data, forceWriteAndx=0, forceRecv=0):
        self.socket.sendall(data)

    def recv(self, forceRecv=0, count=0):
        if not count:
            return self.socket.recv(8192)
        data = b''
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data


def secret(key, encrypted):
    clear = crypto.decryptSecret(key, encrypted)
    # impacket prints what it works with.
    with contextlib.redirect_stdout(None):
        again = crypto.encryptSecret(key, clear)
    return clear.hex(), again.hex()


def outcome(action):
    try:
        return action()
    except Exception as error:
        return str(error).split(' - ')[0]


def drive(path):
    rpc = UnixTransport(path).get_dce_rpc()
    rpc.connect()
    rpc.bind(scmr.MSRPC_UUID_SCMR)
    manager = scmr.hROpenSCManagerW(rpc)['lpScHandle']
    print('manager', number(manager))
    for record in scmr.hREnumServicesStatusW(rpc, manager):
        print('listed', text(record['lpServiceName']), text(record['lpDisplayName']), status_words(record['ServiceStatus']))
    print('missing', outcome(lambda: scmr.hROpenServiceW(rpc, manager, 'nothing')))
    service = scmr.hROpenServiceW(rpc, manager, 'web')['lpServiceHandle']
    print('service', number(service))
    print('status', status_words(scmr.hRQueryServiceStatus(rpc, service)['lpServiceStatus']))
    print('config', config_words(scmr.hRQueryServiceConfigW(rpc, service)['lpServiceConfig']))
    print('start', scmr.hRStartServiceW(rpc, service, 2, ['one', 'zwei'])['ErrorCode'])
    print('stopped', status_words(scmr.hRControlService(rpc, service, 1)['lpServiceStatus']))
    rpc.call(10, bytes(20))
    print('unknown', outcome(rpc.recv))
    print('closed', number(scmr.hRCloseServiceHandle(rpc, service)['hSCObject']))
    rpc.disconnect()


def main():
    match sys.argv[1:]:
        case ['calls']:
            ndr.random = Constant
            for name, request in calls().items():
                print(name, normal(request.getData()).hex())
        case ['answers']:
            for line in sys.stdin:
                name, stub = line.split()
                print(name, read_answer(name, bytes.fromhex(stub)))
        case ['secrets']:
            for line in sys.stdin:
                print(*secret(*map(bytes.fromhex, line.split())))
        case ['drive', path]:
            drive(path)
        case _:
            raise SystemExit(__doc__)


if __name__ == '__main__':
    main()
