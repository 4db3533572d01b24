//! Every call of [MS-SCMR] with every error code that it has, through the wire: what no client library of ours would send is sent here.
//!
//! [`specified`] is what the specification lists, [`cases`] what is tried. No code is without a case, unless `specified::EXCEPTIONS` says why.

mod ansi;
mod bed;
mod buffers;
mod cases;
mod handles;
mod locks;
mod specified;
mod stopping;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use svckit_core::win32::Win32Error;
use svckit_scmr::ndr::Text;
use svckit_scmr::ops::Opnum;

use bed::Bed;
use specified::{ELSEWHERE, EXCEPTIONS, SPECIFIED};

/// One error of one call.
struct Case {
    opnum: Opnum,
    code: Win32Error,
    /// Makes the call that has to fail so; what it is answered with.
    run: fn(&mut Bed) -> Win32Error,
}

impl Case {
    fn name(&self) -> String {
        format!("{} {}", self.opnum.name().unwrap_or("an unknown call"), self.code)
    }
}

#[test]
fn every_code_of_every_call_has_a_case() {
    let tried: BTreeSet<(u16, u32)> =
        cases::all().iter().map(|case| (case.opnum.0, case.code.0)).chain(handles::covered()).collect();
    let excepted: BTreeSet<(u16, u32)> =
        EXCEPTIONS.iter().map(|(opnum, code, _)| (opnum.0, code.0)).collect();
    for (opnum, codes) in SPECIFIED {
        for code in *codes {
            let key = (opnum.0, *code);
            let name = format!("{} {}", opnum.name().unwrap_or("?"), Win32Error(*code));
            assert!(tried.contains(&key) || excepted.contains(&key), "{name}: there is no case");
            assert!(!(tried.contains(&key) && excepted.contains(&key)), "{name}: a case, and an excuse");
        }
    }
    for opnum in Opnum::KNOWN {
        let wide = opnum.wide().unwrap_or(*opnum);
        let listed = SPECIFIED.iter().any(|(other, _)| *other == wide);
        assert!(listed || ELSEWHERE.contains(&wide.0), "{:?} is not in the list", opnum.name());
    }
    for (opnum, code) in excepted {
        let listed = SPECIFIED.iter().any(|(other, codes)| other.0 == opnum && codes.contains(&code));
        assert!(listed, "{opnum} {code}: an excuse for nothing");
    }
}

#[test]
fn every_call_fails_as_the_specification_says() {
    fail(cases::all(), Text::Wide);
}

#[test]
fn twins_of_calls_with_bytes_in_place_of_wide_characters_fail_alike() {
    let twins = cases::all().into_iter().filter(|case| case.opnum.ansi().is_some());
    fail(twins.collect(), Text::Ansi);
}

/// Makes calls that have to fail, in this form.
fn fail(cases: Vec<Case>, text: Text) {
    let mut bed = Bed::new();
    bed.text = text;
    let mut failed = Vec::new();
    for case in cases {
        match catch_unwind(AssertUnwindSafe(|| (case.run)(&mut bed))) {
            Ok(code) if code == case.code => {}
            Ok(code) => failed.push(format!("{}: answered with {code}", case.name())),
            Err(_) => failed.push(format!("{}: panicked", case.name())),
        }
    }
    assert!(failed.is_empty(), "{} cases failed:\n  {}", failed.len(), failed.join("\n  "));
}
