use super::*;

#[test]
fn a_keytab_that_is_not_there_or_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let keytab = folder.path().join("svc.keytab");
    let told = || Credentials::from_keytab(&keytab).unwrap_err().to_string();
    if told().starts_with("Kerberos isn't installed") {
        return;
    }
    assert!(told().contains("svc.keytab can't be used"), "{}", told());
    std::fs::write(&keytab, [5, 2]).unwrap();
    std::fs::set_permissions(&keytab, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(told().contains("others can reach it"), "{}", told());
    std::fs::set_permissions(&keytab, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(told().contains("svc.keytab can't be used"), "an empty one: {}", told());
}
