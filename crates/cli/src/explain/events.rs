//! The events of `svc events`, which from 7000 on are those of Windows' service control manager.

use super::{Entry, entry};

pub(super) const ENTRIES: &[Entry] = &[
    entry(1, "the program of the service runs", &[], &[]),
    entry(
        2,
        "the program ended and the service stops",
        &[],
        &["if nobody stopped it, see restart.when in its definition"],
    ),
    entry(
        3,
        "the program ended unexpectedly and is run again after a delay",
        &["it crashed, or ended although it should not"],
        &["svc logs NAME shows its last lines", "the message has its exit code"],
    ),
    entry(4, "the program runs again after an unexpected end", &[], &[]),
    entry(
        5,
        "the program ended so often that restarting it was given up, and the service stops with an error",
        &["what it needs is not there", "a definition that can't work"],
        &[
            "svc logs NAME shows why it ends",
            "svc start NAME tries again",
            "restart.budget in its definition allows more",
        ],
    ),
    entry(
        6,
        "the program could not be started",
        &["it is missing, or no program", "its folder is missing", "the account may not run it"],
        &["svc lint DEF checks the program and its folder", "the message has the reason"],
    ),
    entry(
        7,
        "the program did not end by what the service tried, and the next rung of the stop ladder follows",
        &["it does not handle the signal or request", "it needs longer"],
        &["stop.ladder in its definition sets what is tried and for how long"],
    ),
    entry(
        8,
        "output of the program was lost",
        &["the disk was full for long"],
        &["make room; the message counts the bytes"],
    ),
    entry(
        9,
        "output can't be written and is held in memory",
        &["the disk is full", "the log's folder is gone"],
        &["make room"],
    ),
    entry(10, "output is written again, and what was held is not lost", &[], &[]),
    entry(
        11,
        "processes that outlived the program were ended",
        &["the program starts others and does not wait for them"],
        &["nothing, unless they should go on: then they need a service of their own"],
    ),
    entry(
        12,
        "a hook, or another command beside the program, failed, took too long, or was ended because nobody needed it any more",
        &["its command is wrong", "it waits for something", "what it needs is not there"],
        &[
            "svc logs NAME shows what it wrote; the message has its exit code",
            "timeout and on-failure in the definition say how long it may take and what its failure means",
        ],
    ),
    entry(
        13,
        "the program does not answer, writes nothing, or does not say that it is alive, as its health wants; it is ended, and what follows is up to its restart policy",
        &[
            "it hangs, or is too busy to answer in time",
            "health asks at a wrong place, or too soon after the start",
        ],
        &[
            "the event says why; see svc logs",
            "say ready as well, so that nothing is asked before, or a longer timeout in health",
        ],
    ),
    entry(
        14,
        "the service is started or stopped, or its program is run again, because its schedule says so",
        &[],
        &["svc status NAME has what is next, svc show NAME the whole schedule"],
    ),
    entry(
        15,
        "the program has as many processes as limits.processes lets it have, and was refused another",
        &["it starts more of them than it ends", "the limit counts its threads too, on Linux"],
        &["give it a higher limit", "svc status NAME --json has the limits that hold"],
    ),
    entry(
        16,
        "on Windows: the variables of the system and the account can't be had as they are now, and the program gets those that its host began with",
        &[
            "the profile of the account is not loaded or is damaged",
            "the service's key in the registry can't be read",
        ],
        &[
            "the message has the reason",
            "hosts begin with what the system had when it started: what changed since is there after the next start of the machine",
        ],
    ),
    entry(
        21,
        "a trigger starts or stops the service: somebody connected, or raised an event",
        &[],
        &["svc show NAME tells its triggers"],
    ),
    entry(
        22,
        "the built-in service control manager stores a trigger of the service, and does nothing because of it",
        &[
            "nobody here sees such events",
            "a service without a definition has nobody who hands a socket to it",
        ],
        &["svc sc triggerinfo NAME sets other triggers"],
    ),
    entry(
        23,
        "the service control manager can't listen where a connection is to start the service",
        &[
            "another program listens there",
            "the address is not this machine's",
            "the folder of the socket is missing",
        ],
        &["the message has the reason", "svc start NAME and svc stop NAME try again"],
    ),
    entry(
        24,
        "connections started the service so often that nobody listens for more",
        &[
            "the program ends without taking the connection",
            "it listens at a socket of its own, not at the one that it inherits",
        ],
        &[
            "svc logs NAME shows why it ends",
            "svc start NAME starts it, and when it stops connections start it again",
        ],
    ),
    entry(
        31,
        "the service control manager listens for clients of the network",
        &["svc scm serve --listen, or [network] in its scm.toml, asks for it"],
        &[
            "svc scm status shows where",
            "if that is not meant, leave it out and start the service control manager again",
        ],
    ),
    entry(
        32,
        "somebody from the network was not let in",
        &[
            "the name or the password is wrong",
            "the account is locked",
            "the client offers less than NTLMv2 with every packet sealed",
        ],
        &[
            "the message has the reason",
            "svc scm user list shows the accounts, svc scm user passwd sets a password",
        ],
    ),
    entry(
        33,
        "after too many failed logons an account is locked, or nobody from an address is listened to, for a while",
        &["a program has an old password", "somebody tries passwords"],
        &[
            "svc events shows which logons failed",
            "wait, or let a client elsewhere log on with the right password",
        ],
    ),
    entry(
        7000,
        "the service failed to start",
        &["its program, account or dependencies are wrong"],
        &["svc explain the code in the message"],
    ),
    entry(
        7001,
        "a service that it depends on failed to start",
        &["the other service is broken, disabled or missing"],
        &["svc status of the other one; start that first"],
    ),
    entry(
        7009,
        "the process of the service did not connect to the service control manager in time",
        &["its program is no service", "the machine is very busy", "the program crashes at once"],
        &["let svc host the program: svc up DEF", "svc explain 1053"],
    ),
    entry(
        7011,
        "the service did not answer a control in time",
        &["it hangs, or works while it should answer"],
        &["svc status NAME shows its state; restart it if it stays so"],
    ),
    entry(
        7022,
        "the service hung while it started",
        &["it waits for something that does not come"],
        &["svc logs NAME"],
    ),
    entry(
        7023,
        "the service ended with an error",
        &["the message has the Win32 code"],
        &["svc explain the code"],
    ),
    entry(
        7024,
        "the service ended with an error of its own",
        &[
            "the number means what the service's makers say; for a service of svc it is its program's exit code",
        ],
        &["svc logs NAME shows what it wrote"],
    ),
    entry(
        7031,
        "the process of the service ended unexpectedly, and a failure action follows",
        &["it crashed, or somebody ended it"],
        &["svc sc qfailure NAME tells the actions", "the event log Application may have the crash"],
    ),
    entry(
        7032,
        "a failure action failed",
        &["the service can't be started again", "the command is wrong"],
        &["svc sc qfailure NAME tells the actions"],
    ),
    entry(
        7034,
        "the process of the service ended unexpectedly, and nothing is done about it",
        &["it crashed, or somebody ended it"],
        &[
            "start it again",
            "recovery actions in its definition, or svc sc failure, restart it by themselves",
        ],
    ),
    entry(7035, "the service was sent a control", &[], &[]),
    entry(7036, "the service entered a state", &[], &[]),
    entry(7040, "the start type of the service was changed", &[], &[]),
    entry(7042, "the service was told to stop, with a reason", &[], &[]),
    entry(
        7045,
        "a service was installed",
        &[],
        &["one that nobody knows of is worth a look: the message has its program"],
    ),
];
