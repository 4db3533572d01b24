//! What systemd has that svckit has no setting for, and what can be done.

use crate::import::ini::Setting;
use crate::import::reader::{Advice, Reader};

pub(super) const UNIT_MAPPED: &str = "Description Requires BindsTo Requisite Wants After StartLimitIntervalSec StartLimitInterval StartLimitBurst";

const ACTIONS: &str = "recovery actions can restart the machine or run a command";

pub(super) const UNIT: Advice<'_> = &[
    ("Documentation SourcePath", "the description can name it"),
    ("Before", "write depends-on of that service instead"),
    (
        "Conflicts PartOf Upholds BindTo JoinsNamespaceOf PropagatesReloadTo PropagateReloadTo ReloadPropagatedFrom \
         PropagateReloadFrom PropagatesStopTo StopPropagatedFrom",
        "depends-on is the only relation between services; svc stop --with-dependents stops what depends on one",
    ),
    (
        "OnFailure OnSuccess OnFailureJobMode OnSuccessJobMode OnFailureIsolate",
        "recovery actions can run a command",
    ),
    (
        "StartLimitAction FailureAction SuccessAction FailureActionExitStatus SuccessActionExitStatus RebootArgument \
         JobTimeoutAction JobTimeoutRebootArgument",
        ACTIONS,
    ),
    ("JobTimeoutSec JobRunningTimeoutSec", "svc --wait says how long to wait"),
    (
        "RequiresMountsFor WantsMountsFor",
        "the service can't start before its folder is there, and is tried again",
    ),
    (
        "StopWhenUnneeded RefuseManualStart RefuseManualStop AllowIsolate DefaultDependencies IgnoreOnIsolate \
         IgnoreOnSnapshot SurviveFinalKillSignal CollectMode",
        "it is about systemd's own transactions",
    ),
];

pub(super) const INSTALL: Advice<'_> = &[
    ("Alias", "a service has one name; display-name is what people see"),
    ("Also", "import that unit as well"),
    ("DefaultInstance", "import a copy of the unit named after the instance"),
];

pub(super) const SERVICE_MAPPED: &str = "Type ExecStart ExecStartPre ExecStartPost ExecStopPost ExecReload WatchdogSec TimeoutStartSec Restart RestartSec TimeoutSec TimeoutStopSec KillSignal \
    KillMode SendSIGHUP SuccessExitStatus RestartPreventExitStatus RestartForceExitStatus User WorkingDirectory Environment \
    EnvironmentFile StandardOutput StandardError Nice CPUAffinity LimitNOFILE LimitCORE MemoryMax MemoryLimit CPUQuota TasksMax";

const SANDBOX: &str = "svckit does not confine programs: keep the service with systemd if it needs that, or run the program \
    in a container";

const LIMITS: &str = "svckit doesn't set this limit: use ulimit in a shell that runs the program";

pub(super) const SERVICE: Advice<'_> = &[
    // Older units have them here and not in [Unit].
    ("StartLimitAction FailureAction RebootArgument", ACTIONS),
    (
        "ExecCondition ExecStop",
        "a command can be a hook, or a rung of the stop ladder: [service.NAME.hooks] and [service.NAME.stop]",
    ),
    ("TimeoutStartSec TimeoutStartFailureMode", "ready.timeout says how long a program has to be ready"),
    (
        "TimeoutAbortSec TimeoutStopFailureMode FinalKillSignal RestartKillSignal SendSIGKILL",
        "the stop ladder says what comes when; force is last",
    ),
    ("RestartSteps RestartMaxDelaySec", "restart.factor and restart.max-delay make the pauses longer"),
    (
        "RestartMode RestartUSec RuntimeMaxSec RuntimeRandomizedExtraSec",
        "the program has to end by itself to be run again",
    ),
    ("WatchdogSec WatchdogSignal", "the program has to end by itself when it hangs"),
    (
        "NotifyAccess PIDFile GuessMainPID BusName USBFunctionDescriptors USBFunctionStrings ReloadSignal",
        "the program that is run is the service, and is ready when it runs, or by one of the keys of ready",
    ),
    ("RemainAfterExit ExitType", "the service runs as long as its program"),
    (
        "Sockets NonBlocking FileDescriptorStoreMax FileDescriptorStorePreserve OpenFile",
        "the program has to open its sockets and files itself",
    ),
    (
        "RefreshOnReload PermissionsStartOnly RootDirectoryStartOnly",
        "it is about what systemd runs beside the program",
    ),
    ("OOMPolicy OOMScoreAdjust", LIMITS),
    (
        "Group SupplementaryGroups SetLoginEnvironment DynamicUser PAMName",
        "the program runs under its account with the groups of that",
    ),
    (
        "StandardInput StandardInputText StandardInputData TTYPath TTYReset TTYVHangup TTYVTDisallocate TTYRows TTYColumns \
         UtmpIdentifier UtmpMode",
        "a service has nothing to read and no terminal",
    ),
    (
        "SyslogIdentifier SyslogFacility SyslogLevel SyslogLevelPrefix LogLevelMax LogRateLimitIntervalSec LogRateLimitBurst \
         LogExtraFields LogFilterPatterns LogNamespace",
        "output is kept as it is: svc logs",
    ),
    (
        "PassEnvironment UnsetEnvironment",
        "the program has the variables of the service control manager and those of environment",
    ),
    ("ExecSearchPath", "write the program with its whole path"),
    (
        "RuntimeDirectory RuntimeDirectoryMode RuntimeDirectoryPreserve StateDirectory StateDirectoryMode CacheDirectory \
         CacheDirectoryMode LogsDirectory LogsDirectoryMode ConfigurationDirectory ConfigurationDirectoryMode TimeoutCleanSec \
         StateDirectoryAccounting StateDirectoryQuota CacheDirectoryAccounting CacheDirectoryQuota LogsDirectoryAccounting \
         LogsDirectoryQuota",
        "make the folder once, for the account, and set the variable that the program finds it by",
    ),
    (
        "SetCredential SetCredentialEncrypted LoadCredential LoadCredentialEncrypted ImportCredential",
        "name a file with the secret in a variable or in environment-file",
    ),
    ("UMask", "run umask in a shell that runs the program"),
    (
        "IOSchedulingClass IOSchedulingPriority CPUSchedulingPolicy CPUSchedulingPriority CPUSchedulingResetOnFork \
         NUMAPolicy NUMAMask TimerSlackNSec MemoryKSM CoredumpFilter Personality IgnoreSIGPIPE",
        "let ionice, chrt or the like run the program",
    ),
];

/// Beginnings of keys, of which there are many of a kind.
const FAMILIES: Advice<'_> = &[
    ("Condition Assert", "nothing is asked before a start: the program or a script can do it"),
    ("Limit", LIMITS),
    (
        "Protect Private Restrict ReadOnly ReadWrite Inaccessible ExecPaths NoExecPaths Bind TemporaryFileSystem Root Extension Mount \
         SystemCall MemoryDeny LockPersonality NoNewPrivileges Capabilit AmbientCapabilities SecureBits KeyringMode ProcSubset \
         RemoveIPC SELinux AppArmor Smack NetworkNamespace IPCNamespace Landlock BPF DelegateNamespaces",
        SANDBOX,
    ),
    (
        "CPU StartupCPU Memory StartupMemory DefaultMemory DefaultStartupMemory IO StartupIO BlockIO StartupBlockIO Tasks IP \
         Device Slice Allowed StartupAllowed Delegate DisableControllers ManagedOOM NetClass SocketBind NFTSet CoredumpReceive",
        "svckit limits memory, cpu and processes, and nothing else of a control group: keep the service with systemd if it needs that",
    ),
];

/// The remark about a setting that was not taken.
pub(super) fn unmapped(reader: &mut Reader<'_>, setting: &Setting, known: Advice<'_>, mapped: &str) {
    let key = setting.key.as_str();
    if key.starts_with("X-") {
        let message = format!("{key} is not mapped");
        return reader.remark(
            setting.key_span,
            message,
            "a key that begins with X- is for a program other than systemd",
        );
    }
    let is_known = known.iter().any(|(keys, _)| keys.split_whitespace().any(|one| one == key));
    let family =
        FAMILIES.iter().find(|(starts, _)| starts.split_whitespace().any(|start| key.starts_with(start)));
    match family.filter(|_| !is_known) {
        Some((_, advice)) => reader.remark(setting.key_span, format!("{key} is not mapped"), *advice),
        None => reader.unmapped(setting, known, mapped),
    }
}
