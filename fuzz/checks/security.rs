//! Any bytes are refused as a security descriptor, or come back the same from both of its forms; so does any text.

use svckit_core::security::SecurityDescriptor;

pub(crate) fn check(data: &[u8]) {
    if let Ok(descriptor) = SecurityDescriptor::from_bytes(data) {
        let written = descriptor.to_bytes();
        assert_eq!(SecurityDescriptor::from_bytes(&written).as_ref(), Ok(&descriptor));
        check_text(&descriptor);
    }
    if let Ok(descriptor) = String::from_utf8_lossy(data).parse::<SecurityDescriptor>() {
        assert_eq!(SecurityDescriptor::from_bytes(&descriptor.to_bytes()).as_ref(), Ok(&descriptor));
        check_text(&descriptor);
    }
}

fn check_text(descriptor: &SecurityDescriptor) {
    let text = descriptor.to_string();
    let read: SecurityDescriptor = text.parse().expect("what was written can be read");
    assert_eq!((&read.owner, &read.group), (&descriptor.owner, &descriptor.group));
    assert_eq!(read.dacl.aces(), descriptor.dacl.aces());
    assert_eq!(read.sacl.aces(), descriptor.sacl.aces());
    assert_eq!(read.to_string(), text);
}
