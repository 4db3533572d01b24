use proptest::collection::vec;
use proptest::prelude::*;

use super::acl::{Body, Layout, Objects};
use super::words::{RELATIVE, RIGHTS, SIDS};
use super::*;
use crate::trigger::Guid;

fn parsed(text: &str) -> SecurityDescriptor {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let pairs = hexadecimal.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// Computed from [MS-DTYP] 2.4 by other means than this crate.
const VECTORS: &[(&str, &str)] = &[
    ("", "0100008000000000000000000000000000000000"),
    ("D:NO_ACCESS_CONTROL", "0100048000000000000000000000000000000000"),
    ("D:", "01000480000000000000000000000000140000000200080000000000"),
    (
        "O:SYG:SYD:(A;;CCLCSWRPWPDTLOCRRC;;;SY)(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)(A;;CCLCSWLOCRRC;;;IU)(A;;CCLCSWLOCRRC;;;SU)S:(AU;FA;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;WD)",
        "010014808c00000098000000140000003000000002001c000100000002801400ff010f0001010000000000010000000002005c000400000000001400fd01020001010000000000051200000000001800ff010f0001020000000000052000000020020000000014008d010200010100000000000504000000000014008d010200010100000000000506000000010100000000000512000000010100000000000512000000",
    ),
    (
        "D:PAI(OA;CI;RP;bf967aba-0de6-11d0-a285-00aa003049e2;00000000-0000-0000-0000-000000000001;BA)",
        "0100049400000000000000000000000014000000040044000100000005023c001000000003000000ba7a96bfe60dd011a28500aa003049e20000000000000000000000000000000101020000000000052000000020020000",
    ),
];

#[test]
fn both_forms_are_those_of_the_specification() {
    for (text, form) in VECTORS {
        let descriptor = parsed(text);
        assert_eq!(descriptor.to_bytes(), bytes(form), "{text}");
        assert_eq!(SecurityDescriptor::from_bytes(&bytes(form)).as_ref(), Ok(&descriptor), "{text}");
        assert_eq!(descriptor.to_string(), *text);
    }
}

/// As `sc sdshow` prints them on Windows.
#[test]
fn what_windows_prints_is_printed_so() {
    for text in [
        "D:(A;;CC;;;AU)(A;;CCLCRPRC;;;IU)(A;;CCLCRPRC;;;SU)(A;;CCLCRPWPRC;;;SY)(A;;KA;;;BA)(A;;CC;;;AC)(A;;CC;;;S-1-15-3-1024-528118966-3876874398-709513571-1907873084-3598227634-3698730060-278077788-3990600205)S:(AU;FA;KA;;;WD)(AU;OIIOFA;GA;;;WD)",
        "D:PAI(A;OICIIO;SDGXGWGR;;;AU)(D;ID;FA;;;AN)S:AI(ML;;NWNRNX;;;HI)",
        "O:BAG:S-1-5-21-1-2-3-513D:(A;;0x100000;;;SU)(XA;;GX;;;WD;#61727478)",
        "D:ARNO_ACCESS_CONTROLS:P",
    ] {
        assert_eq!(parsed(text).to_string(), text);
    }
}

#[test]
fn a_descriptor_may_be_written_in_many_ways() {
    for (written, printed) in [
        (" d: ( a ; ; cc lc ; ; ; sy ) ", "D:(A;;CCLC;;;SY)"),
        ("S:D:G:SYO:S-1-5-18", "O:SYG:SYD:S:"),
        ("O:S-1-5-18D:(A;;0xF01FF;;;S-1-1-0)", "O:SYD:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;WD)"),
        (
            "D:(A;;017;;;WD)(A;;15;;;WD)(A;;FRFW;;;WD)",
            "D:(A;;CCDCLCSW;;;WD)(A;;CCDCLCSW;;;WD)(A;;0x12019f;;;WD)",
        ),
        ("D:(A;;;;;WD)", "D:(A;;;;;WD)"),
        ("D:(A;;0xF003F;;;BA)", "D:(A;;KA;;;BA)"),
        ("D:(0x0;;GA;;;BA)", "D:(A;;GA;;;BA)"),
        ("D:(XA;;GA;;;BA;#0102030405)", "D:(XA;;GA;;;BA;#0102030405000000)"),
    ] {
        assert_eq!(parsed(written).to_string(), printed, "{written}");
    }
}

#[test]
fn a_mistake_is_told_with_its_place() {
    let long = format!("D:{}", "(A;;GA;;;WD)".repeat(4000));
    for (text, character, reason) in [
        ("X:SY", 1, "O:, G:, D: or S: is expected here: owner, group, access list or audit list"),
        ("\u{20ac}", 1, "O:, G:, D: or S: is expected"),
        ("O:SYO:SY", 5, "O: is there twice"),
        ("O:", 3, "\"\" names nobody"),
        ("O:ZZ", 3, "\"ZZ\" names nobody: a name has two letters, such as SY and BA"),
        ("O:DA", 3, "write the whole identifier, which ends with -512"),
        ("O:S-1-5-x", 3, "names nobody"),
        ("D:(B;;GA;;;SY)", 4, "\"B\" is no type of an entry; there are A D AU"),
        ("D:(A;XX;GA;;;SY)", 6, "\"XX\" is no flag of an entry; there are OI CI NP IO ID CR SA FA"),
        ("D:(A;;CCXY;;;SY)", 7, "\"XY\" is no right; there are CC DC LC"),
        ("D:(A;;CCX;;;SY)", 7, "\"X\" is no right"),
        ("D:(A;;0x100000000;;;SY)", 7, "is no number of 32 bits"),
        ("S:(ML;;CC;;;HI)", 8, "\"CC\" is no right that a label forbids; there are NW NR NX"),
        ("D:(A;;GA;bf967aba-0de6-11d0-a285-00aa003049e2;;SY)", 10, "is not about kinds of objects"),
        ("D:(OA;;GA;bf967aba;;SY)", 11, "is no GUID"),
        ("D:(A;;GA;;;SY", 14, ") is expected at the end of an entry"),
        ("D:(A;;GA;;SY)", 11, "an entry of this type is not about"),
        ("D:(A;;GA)", 9, "; is expected after the rights"),
        ("D:(XA;;GA;;;WD;(Exists x))", 16, "conditions and attributes are not known as text"),
        ("D:(XA;;GA;;;WD;#012)", 16, "an even number of hexadecimal digits"),
        (&long, 3, "64 KiB"),
    ] {
        let error = text.parse::<SecurityDescriptor>().unwrap_err();
        assert_eq!(error.character, character, "{text}: {error}");
        assert!(error.reason.contains(reason), "{text}: {error}");
    }
}

#[test]
fn every_name_of_somebody_is_known() {
    for (name, sid) in SIDS {
        assert_eq!(parsed(&format!("O:{name}")).owner, Some(*sid));
        assert_eq!(parsed(&format!("O:{sid}")).to_string(), format!("O:{name}"));
    }
    for (name, _) in RELATIVE {
        assert!(SIDS.iter().all(|(other, _)| other != name));
    }
}

#[test]
fn bytes_that_are_no_descriptor_are_refused() {
    let good = bytes(VECTORS[3].1);
    for length in 0..good.len() {
        assert!(SecurityDescriptor::from_bytes(&good[..length]).is_err(), "{length}");
    }
    for (place, value) in
        [(0, 2), (3, 0), (4, 255), (20, 1), (20, 5), (22, 7), (24, 9), (30, 21), (36, 2), (37, 16)]
    {
        let mut bad = good.clone();
        bad[place] = value;
        assert!(SecurityDescriptor::from_bytes(&bad).is_err(), "{place}");
    }
}

#[test]
fn unknown_entries_survive() {
    let text = "D:(0x16;OICINPIOIDCRSAFA;#00010203)(0xc;;GA;;;WD)(0xff;;#)";
    let descriptor = parsed(text);
    assert_eq!(descriptor.to_string(), text);
    assert_eq!(SecurityDescriptor::from_bytes(&descriptor.to_bytes()), Ok(descriptor));
}

#[test]
fn parts_are_taken_and_set() {
    let whole = parsed("O:SYG:BAD:P(A;;GA;;;SY)S:AI(AU;FA;GA;;;WD)(ML;;NW;;;HI)");
    let all = SecurityInformation::OWNER
        | SecurityInformation::GROUP
        | SecurityInformation::DACL
        | SecurityInformation::SACL
        | SecurityInformation::LABEL;
    assert_eq!(whole.parts(), all);
    assert_eq!(whole.only(all), whole);
    for (part, text) in [
        (SecurityInformation::OWNER, "O:SY"),
        (SecurityInformation::GROUP, "G:BA"),
        (SecurityInformation::DACL, "D:P(A;;GA;;;SY)"),
        (SecurityInformation::SACL, "S:AI(AU;FA;GA;;;WD)"),
        (SecurityInformation::LABEL, "S:(ML;;NW;;;HI)"),
    ] {
        assert_eq!(whole.only(part).to_string(), text);
        assert_eq!(whole.only(part).parts(), part);
        assert_eq!(whole.with(part, &whole).unwrap(), whole, "{part}");
        assert_eq!(SecurityDescriptor::default().with(part, &whole).unwrap(), whole.only(part));
    }
    let new = parsed("O:BAD:(D;;GA;;;WD)S:(ML;;NR;;;SI)");
    let set = |parts| whole.with(parts, &new).unwrap().to_string();
    assert_eq!(set(SecurityInformation::DACL), "O:SYG:BAD:(D;;GA;;;WD)S:AI(AU;FA;GA;;;WD)(ML;;NW;;;HI)");
    assert_eq!(set(SecurityInformation::LABEL), "O:SYG:BAD:P(A;;GA;;;SY)S:AI(AU;FA;GA;;;WD)(ML;;NR;;;SI)");
    assert_eq!(set(SecurityInformation::SACL), "O:SYG:BAD:P(A;;GA;;;SY)S:(ML;;NW;;;HI)");
    let protected = SecurityInformation::DACL | SecurityInformation::PROTECTED_DACL;
    assert_eq!(set(protected), "O:SYG:BAD:P(D;;GA;;;WD)S:AI(AU;FA;GA;;;WD)(ML;;NW;;;HI)");
}

fn sids() -> impl Strategy<Value = Sid> {
    let known = (0..SIDS.len()).prop_map(|place| SIDS[place].1);
    let any =
        (0..1u64 << 48, vec(any::<u32>(), 0..=15)).prop_map(|(of, numbers)| Sid::new(of, &numbers).unwrap());
    prop_oneof![known, any]
}

fn words() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<[u8; 4]>(), 0..4).prop_map(|words| words.concat())
}

fn aces() -> impl Strategy<Value = Ace> {
    let kind = prop_oneof![(0..=0x15u8).prop_map(AceType), any::<u8>().prop_map(AceType)];
    let bit = (0..RIGHTS.len()).prop_map(|place| RIGHTS[place].1);
    let mask =
        prop_oneof![vec(bit, 0..6).prop_map(|bits| bits.iter().fold(0, |all, bit| all | bit)), any::<u32>()];
    let guid = || proptest::option::of(any::<u128>().prop_map(Guid));
    (kind, any::<u8>(), mask, (guid(), guid()), sids(), words()).prop_map(
        |(kind, flags, mask, (object, inherited), sid, data)| {
            let objects = Some(Objects { object, inherited });
            let body = match kind.layout() {
                None => Body::Other(data),
                Some(layout) => {
                    Body::Known { mask, objects: objects.filter(|_| layout == Layout::Object), sid, data }
                }
            };
            Ace { kind, flags: AceFlags(flags), body }
        },
    )
}

fn lists() -> impl Strategy<Value = AccessList> {
    prop_oneof![
        Just(AccessList::Absent),
        Just(AccessList::Null),
        vec(aces(), 0..6).prop_map(|aces| AccessList::Entries(Acl::new(aces).unwrap())),
    ]
}

pub(super) fn descriptors() -> impl Strategy<Value = SecurityDescriptor> {
    let sid = || proptest::option::of(sids());
    (sid(), sid(), lists(), lists(), any::<u16>(), any::<u8>()).prop_map(
        |(owner, group, dacl, sacl, control, resource_manager)| SecurityDescriptor {
            owner,
            group,
            dacl,
            sacl,
            control: Control(control).kept(),
            resource_manager,
        },
    )
}

proptest! {
    #[test]
    fn nothing_is_lost_in_bytes(descriptor in descriptors()) {
        let form = descriptor.to_bytes();
        prop_assert_eq!(form.len() % 4, 0);
        prop_assert_eq!(SecurityDescriptor::from_bytes(&form), Ok(descriptor));
    }

    #[test]
    fn text_says_all_that_counts(descriptor in descriptors()) {
        let text = descriptor.to_string();
        let read = parsed(&text);
        prop_assert_eq!(&read.to_string(), &text);
        prop_assert_eq!((read.owner, read.group), (descriptor.owner, descriptor.group));
        prop_assert_eq!((&read.dacl, &read.sacl), (&descriptor.dacl, &descriptor.sacl));
        let form = read.to_bytes();
        prop_assert_eq!(SecurityDescriptor::from_bytes(&form).unwrap().to_bytes(), form);
    }

    #[test]
    fn setting_all_parts_sets_all(one in descriptors(), other in descriptors()) {
        let all = SecurityInformation(0x1F);
        let set = one.with(all, &other).unwrap();
        prop_assert_eq!(set.to_string(), other.to_string());
    }

    #[test]
    fn arbitrary_texts_are_descriptors_or_not(text in "[OGDS]:[ -~\u{e9}]{0,40}") {
        let _ = text.parse::<SecurityDescriptor>();
    }

    #[test]
    fn arbitrary_bytes_are_descriptors_or_not(bytes in vec(any::<u8>(), 0..200)) {
        let _ = SecurityDescriptor::from_bytes(&bytes);
    }
}
