use proptest::collection::vec;
use proptest::prelude::*;

use super::super::tests::descriptors;
use super::*;

/// Small numbers, so that chance finds what goes together.
const MAPPING: GenericMapping =
    GenericMapping { read: 0x2_0001, write: 0x2_0002, execute: 0x2_0004, all: 0xF_000F };

fn asked(descriptor: &str, token: &Token, desired: u32) -> Result<u32, Win32Error> {
    access_check(&descriptor.parse().unwrap(), token, desired, &MAPPING)
}

fn service_user() -> Token {
    Token::user("S-1-5-6".parse().unwrap(), vec![Sid::EVERYONE])
}

const DENIED: Result<u32, Win32Error> = Err(Win32Error::ACCESS_DENIED);

#[test]
fn the_first_entry_about_a_right_decides() {
    let user = service_user();
    for (list, granted) in [
        ("D:(A;;CCDC;;;WD)", 0x3),
        ("D:(D;;CC;;;SU)(A;;CCDC;;;WD)", 0x2),
        ("D:(A;;CCDC;;;WD)(D;;CC;;;SU)", 0x3),
        ("D:(D;;CC;;;BA)(A;;CC;;;SU)", 0x1),
        ("D:(A;;GR;;;SU)", 0x2_0001),
        ("D:(A;;GA;;;SU)", 0xF_000F),
        ("D:(A;IO;GA;;;SU)(A;;DC;;;SU)", 0x2),
        ("D:(XA;;GA;;;SU)(A;;DC;;;SU)", 0x2),
        ("D:(XD;;CC;;;SU)(A;;CCDC;;;SU)", 0x2),
        ("D:(OA;;CC;;;SU)(OA;;DC;bf967aba-0de6-11d0-a285-00aa003049e2;;SU)", 0x1),
        ("D:(OD;;CC;;;SU)(OD;;DC;bf967aba-0de6-11d0-a285-00aa003049e2;;SU)(A;;CCDC;;;SU)", 0x2),
        ("D:(AU;;CC;;;SU)(0x16;;#)(A;;DC;;;SU)", 0x2),
        ("", 0xF_000F),
        ("D:NO_ACCESS_CONTROL", 0xF_000F),
    ] {
        assert_eq!(asked(list, &user, MAXIMUM_ALLOWED), Ok(granted), "{list}");
        assert_eq!(asked(list, &user, granted), Ok(granted), "{list}");
        if granted != MAPPING.all {
            assert_eq!(asked(list, &user, MAPPING.all), DENIED, "{list}");
        }
    }
    assert_eq!(asked("D:", &user, MAXIMUM_ALLOWED), DENIED);
    assert_eq!(asked("D:", &user, 0x1), DENIED);
    assert_eq!(asked("D:NO_ACCESS_CONTROL", &user, 0x10), DENIED, "there is no such right");
}

#[test]
fn generic_rights_are_asked_for_by_name() {
    let user = service_user();
    assert_eq!(asked("D:(A;;GR;;;SU)", &user, 0x8000_0000), Ok(0x2_0001));
    assert_eq!(asked("D:(A;;GR;;;SU)", &user, 0x4000_0000), DENIED);
    assert_eq!(asked("D:(A;;GA;;;SU)", &user, 0xC000_0000), Ok(0x2_0003));
    assert_eq!(asked("D:(A;;CCRC;;;SU)", &user, MAXIMUM_ALLOWED | 0x8000_0000), Ok(0x2_0001));
    assert_eq!(asked("D:(A;;CCRC;;;SU)", &user, MAXIMUM_ALLOWED | 0x4000_0000), DENIED);
}

#[test]
fn an_owner_may_mend_the_list_unless_it_says_otherwise() {
    let user = service_user();
    assert_eq!(asked("O:SUD:(D;;GA;;;WD)", &user, MAXIMUM_ALLOWED), Ok(READ_CONTROL | WRITE_DAC));
    assert_eq!(asked("O:WDD:", &user, WRITE_DAC), Ok(WRITE_DAC), "a group may be the owner");
    assert_eq!(asked("O:SYD:", &user, WRITE_DAC), DENIED);
    assert_eq!(asked("O:SUD:(A;;CC;;;OW)", &user, MAXIMUM_ALLOWED), Ok(0x1));
    assert_eq!(asked("O:SUD:(A;IO;CC;;;OW)", &user, WRITE_DAC), Ok(WRITE_DAC));
    assert_eq!(asked("O:SYD:(A;;CC;;;OW)", &user, 0x1), DENIED);
}

#[test]
fn privileges_give_what_no_list_does() {
    let system = Token::local_system();
    assert_eq!(asked("D:", &system, WRITE_OWNER), Ok(WRITE_OWNER));
    assert_eq!(asked("D:", &system, MAXIMUM_ALLOWED), Ok(WRITE_OWNER));
    assert_eq!(asked("D:", &system, SYSTEM_SECURITY), Ok(SYSTEM_SECURITY));
    assert_eq!(asked("D:", &service_user(), SYSTEM_SECURITY), Err(Win32Error::PRIVILEGE_NOT_HELD));
    assert_eq!(asked("D:(A;;0x1000000;;;SU)", &service_user(), MAXIMUM_ALLOWED), DENIED);
    assert!(system.may_assign_owner(&Sid::EVERYONE));
    let user = service_user();
    assert!(user.may_assign_owner(&user.user) && !user.may_assign_owner(&Sid::EVERYONE));
    assert!(!user.may_assign_owner(&Sid::ADMINISTRATORS));
    assert!(Token::user(user.user, vec![Sid::ADMINISTRATORS]).may_assign_owner(&Sid::ADMINISTRATORS));
}

#[test]
fn whose_level_is_lower_may_not_do_what_the_label_forbids() {
    let low = Token { integrity: 0x1000, ..service_user() };
    for (descriptor, granted) in [
        ("D:(A;;GA;;;SU)", 0x2_0005),
        ("D:(A;;GA;;;SU)S:(ML;;NW;;;LW)", 0xF_000F),
        ("D:(A;;GA;;;SU)S:(ML;;NR;;;ME)", 0x2_0006),
        ("D:(A;;GA;;;SU)S:(ML;;NWNX;;;ME)", 0x2_0001),
        ("D:(A;;GA;;;SU)S:(ML;IO;NWNX;;;SI)", 0x2_0005),
    ] {
        assert_eq!(asked(descriptor, &low, MAXIMUM_ALLOWED), Ok(granted), "{descriptor}");
    }
    let high = "O:SYD:(A;;GA;;;SU)S:(ML;;NWNRNX;;;SI)";
    assert_eq!(asked(high, &service_user(), MAXIMUM_ALLOWED), DENIED);
    assert_eq!(asked(high, &Token::local_system(), WRITE_DAC), Ok(WRITE_DAC));
}

#[test]
fn generic_rights_are_kept_as_what_they_stand_for() {
    let kept = |text: &str| text.parse::<SecurityDescriptor>().unwrap().mapped(&MAPPING).to_string();
    assert_eq!(
        kept("D:(A;;GA;;;SY)(D;IO;GW;;;WD)S:(AU;FA;GRCC;;;WD)(ML;;NW;;;HI)"),
        "D:(A;;CCDCLCSWSDRCWDWO;;;SY)(D;IO;GW;;;WD)S:(AU;FA;CCRC;;;WD)(ML;;NW;;;HI)"
    );
}

proptest! {
    #[test]
    fn all_that_is_allowed_is_each_that_is_allowed(
        descriptor in descriptors(),
        owner in any::<bool>(),
        groups in vec(0..3usize, 0..3),
        integrity in 0..0x5000u32,
    ) {
        let somebody = [Sid::ADMINISTRATORS, Sid::EVERYONE, Sid::OWNER_RIGHTS];
        let named = descriptor.dacl.aces().iter().filter_map(Ace::sid).copied();
        let groups = groups.into_iter().map(|place| somebody[place]).chain(named.step_by(2)).collect();
        let user = descriptor.owner.filter(|_| owner).unwrap_or(Sid::ANONYMOUS);
        let token = Token { integrity, ..Token::user(user, groups) };
        let check = |desired| access_check(&descriptor, &token, desired, &MAPPING);
        let all = check(MAXIMUM_ALLOWED).unwrap_or(0);
        let each = (0..20).filter(|bit| check(1 << bit).is_ok()).fold(0, |each, bit| each | 1 << bit);
        prop_assert_eq!(all, each);
        prop_assert_eq!(check(all), Ok(all));
        prop_assert_eq!(all & !MAPPING.all, 0);
        let kept = descriptor.mapped(&MAPPING);
        prop_assert_eq!(access_check(&kept, &token, MAXIMUM_ALLOWED, &MAPPING).unwrap_or(0), all);
    }
}
